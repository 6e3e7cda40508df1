// What one of several servers does for all, when that one is killed with -9: the other goes on with it, and
// each thing is done once. Another broker is read by the one that leads, in a session that is kept.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hasMosquitto, Mosquitto } from './mosquitto.mjs';
import { MqttClient } from './mqtt_client.mjs';
import { postgresIsHere, startPostgres } from './postgres.mjs';
import { eventually, Receiver } from './receivers.mjs';
import { startServer, temporaryDir } from './server.mjs';

const skip = postgresIsHere && hasMosquitto ? false : 'there is no PostgreSQL 15 or no mosquitto here (package postgresql-15, tools/unpack.sh)';
const FLEET_RULES = 8;
const TOPIC = 'sensorvision/devices/pump-1/telemetry';
let postgres, broker, receiver, leader, other, user, token, pump;

const start = () => startServer({ dir: temporaryDir(), env: { STORE_URL: postgres.urlOf('takeover') }, sets: { 'mqtt.broker.url': broker.url,
    'notifications.webhook.allow-private': true, 'notifications.retry-delay': '200ms', 'notifications.max-attempts': 100 } });
const info = (server) => server.ok('GET', '//actuator/info').then((i) => i.nodes);
async function metric(server, name) {
    const line = (await server.request('GET', '/metrics')).text.match(new RegExp(`^${name} (\\d+)`, 'm'));
    return line ? Number(line[1]) : undefined;
}
const connected = (server) => metric(server, 'sensorvision_mqtt_broker_connected');
const messages = (server) => metric(server, 'sensorvision_mqtt_broker_messages_total');
async function stored(server, variable) {
    const query = `deviceId=pump-1&variable=${variable}&aggregation=COUNT&from=0&to=${Date.now() + 86_400_000}`;
    return (await server.call('GET', `/analytics/aggregate?${query}`, { token })).json?.[0]?.value ?? 0;
}

// Publishes until it is told to stop, each message acknowledged by the broker; gives how many.
function flood(base) {
    let going = true;
    const run = (async () => {
        const publisher = await MqttClient.connect(broker.port, { id: 'publisher' });
        let sent = 0;
        while (going) {
            const message = (i) => JSON.stringify({ deviceId: 'pump-1', apiToken: pump.apiToken, timestamp: base + sent + i, variables: { seq: sent + i } });
            publisher.send(...Array.from({ length: 20 }, (_, i) => publisher.publishPacket(TOPIC, message(i), { qos: 1, id: 1 + i })));
            for (let i = 0; i < 20; i++) await publisher.next();
            sent += 20;
        }
        publisher.destroy();
        return sent;
    })();
    return async () => { going = false; return run; };
}

before(async () => {
    if (skip) return;
    postgres = await startPostgres();
    postgres.database('takeover');
    broker = await new Mosquitto(temporaryDir()).start();
    receiver = await Receiver.start();
    const [a, b] = [await start(), await start()];
    [leader, other] = (await info(a)).leads ? [a, b] : [b, a];
    user = await leader.register('takeover');
    token = user.accessToken;
    pump = await leader.device(token, 'pump-1');
    await eventually('the device at the other', async () => (await other.call('GET', '/devices/pump-1/commands?wait=0', { device: pump.apiToken })).status === 200);
});
after(async () => {
    for (const server of [leader, other]) if (server && server.exitCode === undefined) await server.stop();
    await receiver?.stop();
    await broker?.kill();
    await postgres?.stop();
});

test('the one that leads reads the other broker; killed under load, nothing published is missed or twice', { skip }, async () => {
    await eventually('the session', async () => await connected(leader) === 1);
    assert.equal(await connected(other), undefined, 'who does not lead has nothing to say of it');
    const stop = flood(Date.now() - 3600_000);
    await eventually('some messages', async () => await messages(leader) > 100);
    assert.equal(await messages(other), 0);
    await leader.kill();
    const took = performance.now();
    await eventually('the other connects', async () => await connected(other) === 1);
    console.log(`the other broker is read again ${(performance.now() - took).toFixed(0)} ms after kill -9`);
    const before = await messages(other);
    await eventually('new messages', async () => await messages(other) > before + 100);
    const sent = await stop();
    await eventually('all of them', async () => await stored(other, 'seq') >= sent);
    assert.equal(await stored(other, 'seq'), sent);
    [leader, other] = [other, await start()];
});

test('a server that stops leaves the broker to the other, with what is published between them', { skip }, async () => {
    const stop = flood(Date.now() - 1800_000);
    const begin = await messages(leader);
    await eventually('some messages', async () => await messages(leader) > begin + 50);
    const first = stored(other, 'seq');
    assert.equal(await leader.stop(), 0);
    await eventually('the other connects', async () => await connected(other) === 1);
    const sent = await stop();
    assert.ok(await first > 0);
    await eventually('all of them', async () => {
        const query = `deviceId=pump-1&variable=seq&aggregation=COUNT&from=${Date.now() - 2000_000}&to=${Date.now()}`;
        return (await other.ok('GET', `/analytics/aggregate?${query}`, { token }))[0]?.value === sent;
    });
    [leader, other] = [other, await start()];
});

test('rules of the fleet and what is to be sent: the leader killed among them, each is told once', { skip }, async () => {
    await eventually('two', async () => (await info(leader)).alive === 2 && (await info(leader)).leads);
    await leader.ok('POST', '/notifications/webhooks', { token, body: { url: `${receiver.url}/gate`, minSeverity: 'LOW' } });
    await other.ok('POST', '/ingest/pump-1', { device: pump.apiToken, body: { heat: 90 } });
    await other.ok('POST', '/rules', { token, body: { name: 'hot', deviceId: 'pump-1', variable: 'heat', operator: 'GT', threshold: 95, cooldownMinutes: 0 } });
    await eventually('an alert that waits', async () => {
        await other.ok('POST', '/ingest/pump-1', { device: pump.apiToken, body: { heat: 96 } });
        return receiver.at('/gate').length > 0;
    });
    for (let i = 0; i < FLEET_RULES; i++) { // one after the other: the leader has come to some of them
        await other.ok('POST', '/global-rules', { token, body: { name: `fleet ${i}`, selectorType: 'ORGANIZATION', aggregationFunction: 'max', aggregationVariable: 'heat',
            operator: 'GT', threshold: 35, evaluationInterval: '10s' } });
        if (i === 2) await eventually('a fleet alert', async () => (await other.ok('GET', '/global-alerts', { token })).content.length > 0);
    }
    await leader.kill();
    for (let i = 0; i < 50; i++) await new Promise(setImmediate); // what it had sent is refused as well
    receiver.open = true;
    const fleet = await eventually('an alert of each fleet rule', async () => {
        const { content } = await other.ok('GET', '/global-alerts?size=100', { token });
        return content.length >= FLEET_RULES && content;
    });
    assert.equal(new Set(fleet.map((alert) => alert.globalRuleId)).size, FLEET_RULES);
    assert.equal(fleet.length, FLEET_RULES);
    assert.equal((await other.ok('GET', '/alerts', { token })).length, 1);
    await eventually('all deliveries', async () => (await other.ok('GET', '/notifications/logs?scope=organization&size=100', { token })).content
        .filter((line) => line.status === 'SENT').length === FLEET_RULES + 1);
    const taken = receiver.at('/gate').filter((one) => one.taken);
    assert.equal(taken.length, FLEET_RULES + 1);
    assert.equal(new Set(taken.map((one) => one.headers['x-sensorvision-delivery'])).size, FLEET_RULES + 1);
    assert.ok(receiver.at('/gate').length > taken.length, 'the one that was killed had tried');
});
