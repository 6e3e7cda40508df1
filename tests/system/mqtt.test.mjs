// MQTT 3.1.1 and 5 as a device speaks it: what is acknowledged is stored, what is refused says why.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MqttClient, TYPE } from './mqtt_client.mjs';
import { startServer } from './server.mjs';

let server, owner, pump, foreign, other;
before(async () => {
    server = await startServer({ mqtt: true });
    owner = await server.register();
    pump = await server.device(owner.token, 'pump-1');
    foreign = await server.register();
    other = await server.device(foreign.token, 'pump-9');
});
after(() => server.stop());

const topic = (device) => `sensorvision/devices/${device}/telemetry`;
const connect = (options = {}) => MqttClient.connect(server.mqttPort, { user: 'pump-1', password: pump.apiToken, ...options });

async function latest(device, token = owner.token) {
    return (await server.call('GET', `/data/latest/${device}`, { token })).json;
}

test('a QoS 1 message is stored when its PUBACK is there', async () => {
    for (const version of [4, 5]) {
        const client = await connect({ version });
        assert.equal(client.connack.body[1], 0);
        assert.deepEqual(await client.publish(topic('pump-1'), { deviceId: 'pump-1', variables: { temperature: 20 + version } }, { qos: 1 }),
            { type: TYPE.PUBACK, id: 1, reason: 0 });
        assert.equal((await latest('pump-1')).temperature, 20 + version);
        await client.disconnect();
    }
});
