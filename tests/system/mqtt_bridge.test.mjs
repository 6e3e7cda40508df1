// mqtt.broker.url: what arrives on somebody else's broker is stored, and acknowledged there only then.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { hasMosquitto, Mosquitto } from './mosquitto.mjs';
import { MqttClient } from './mqtt_client.mjs';
import { freePort, run, startServer, temporaryDir } from './server.mjs';

const skip = !hasMosquitto && 'no mosquitto here (tools/unpack.sh)';
const dir = temporaryDir();
const broker = new Mosquitto(dir);
let server, owner, pump;

// The linger keeps what was read undecided for a while, so that acknowledging it too early would be seen.
const start = () => startServer({ dir: join(dir, 'data'), sets: { 'pilot.telemetry.commit-linger': 5, 'mqtt.broker.url': broker.url } });
async function metric(name) {
    return Number((await server.request('GET', '/metrics')).text.match(new RegExp(`^${name} (\\d+)`, 'm'))?.[1]);
}
async function until(what, condition) {
    for (const end = Date.now() + 20_000; !await condition();) {
        assert.ok(Date.now() < end, `${what} did not happen:\n${server.log}`);
        await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
}
const connected = () => until('the connection', async () => await metric('sensorvision_mqtt_broker_connected') === 1);
const count = async (variable) => {
    const answer = await server.call('GET', `/analytics/aggregate?deviceId=pump-1&variable=${variable}&aggregation=COUNT&from=0&to=${Date.now() + 86_400_000}`, { token: owner.token });
    return answer.json?.[0]?.value ?? 0;
};
const TOPIC = 'sensorvision/devices/pump-1/telemetry';
const payload = (variables, more = {}) => JSON.stringify({ deviceId: 'pump-1', apiToken: pump.apiToken, variables, ...more });

before(async () => {
    if (skip) return;
    await broker.start();
    server = await start();
    owner = await server.register();
    pump = await server.device(owner.token, 'pump-1');
});
after(async () => {
    if (skip) return;
    await server.stop();
    await broker.kill();
    rmSync(dir, { recursive: true, force: true });
});

test('a message of the broker is stored; one without its token is not', { skip }, async () => {
    await connected();
    for (const [topic, message] of [[TOPIC, payload({ bridged: 1 })], ['indcloud/devices/pump-1/telemetry', payload({ bridged: 2 })],
        [TOPIC, '{"variables":{"bridged":3}}'], [TOPIC, 'no json'], ['sensorvision/devices/pump-2/telemetry', payload({ bridged: 4 })]])
        assert.equal((await run(['-h', '127.0.0.1', '-p', broker.port, '-q', '1', '-t', topic, '-m', message], { binary: 'mosquitto_pub' })).code, 0);
    await until('storing', async () => await metric('sensorvision_mqtt_broker_messages_total') === 2 && await metric('sensorvision_mqtt_broker_refused_total') === 3);
    assert.equal(await count('bridged'), 2);
});

test('what was sent while we were away, or killed, comes when we are back: none lost', { skip }, async () => {
    const base = Date.now() - 3600_000;
    const publisher = await MqttClient.connect(broker.port, { id: 'publisher' });
    let sent = 0, publishing = true;
    const flood = (async () => {
        while (publishing) {
            publisher.send(...Array.from({ length: 20 }, (_, i) => publisher.publishPacket(TOPIC, payload({ seq: sent + i }, { timestamp: base + sent + i }), { qos: 1, id: 1 + i })));
            for (let i = 0; i < 20; i++) await publisher.next();
            sent += 20;
        }
    })();
    await connected();
    for (let kill = 0; kill < 6; kill++) {
        const before = await metric('sensorvision_mqtt_broker_messages_total');
        await until('some messages', async () => await metric('sensorvision_mqtt_broker_messages_total') > before + 50);
        await server.kill();
        server = await start();
        await connected();
    }
    publishing = false;
    await flood;
    await until('all of it', async () => await count('seq') >= sent);
    assert.equal(await count('seq'), sent);
    publisher.destroy();
});

test('a broker that was away is found again', { skip }, async () => {
    await connected();
    await broker.kill();
    await until('noticing', async () => await metric('sensorvision_mqtt_broker_connected') === 0);
    await broker.start();
    await connected();
});

test('a stop in the middle of it is quick and clean', { skip }, async () => {
    await connected();
    const begin = performance.now();
    assert.equal(await server.stop(), 0);
    assert.ok(performance.now() - begin < 5000);
    server = await start();
});

test('an address that is none stops the start', async () => {
    for (const url of ['http://x', 'mqtt://', 'mqtt://x:0', 'mqtt://x:70000', 'mqtt://x/y', 'x']) {
        const { code, stderr } = await run(['serve', '--data', join(dir, 'other'), '--http', `127.0.0.1:${await freePort()}`,
            '--set', 'mqtt.enabled=false', '--set', `mqtt.broker.url=${url}`]);
        assert.equal(code, 1, url);
        assert.match(stderr, /mqtt\.broker\.url must be/);
    }
});
