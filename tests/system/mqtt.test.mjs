// MQTT 3.1.1 and 5 as a device speaks it: what is acknowledged is stored, what is refused says why.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { MqttClient, TYPE, ack, connectPacket } from './mqtt_client.mjs';
import { run, startServer } from './server.mjs';

let server, owner, pump, foreign, other;
before(async () => {
    server = await startServer({ mqtt: true });
    owner = await server.register();
    pump = await server.device(owner.token, 'pump-1');
    foreign = await server.register();
    other = await server.device(foreign.token, 'pump-9');
});
after(() => server.stop());

const REASON = { good: 0, notAuthorized: 0x87, badCredential: 0x86, badPayload: 0x99 };
const topic = (device, prefix = 'sensorvision') => `${prefix}/devices/${device}/telemetry`;
const connect = (options = {}) => MqttClient.connect(server.mqttPort, { user: 'pump-1', password: pump.apiToken, ...options });

async function latest(device, token = owner.token) {
    return (await server.call('GET', `/data/latest/${device}`, { token })).json;
}
async function count(device, variable, token = owner.token) {
    const [all] = await server.ok('GET', `/analytics/aggregate?deviceId=${device}&variable=${variable}&aggregation=COUNT&from=0&to=${Date.now() + 1000}`, { token });
    return all?.value ?? 0;
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

test('every form of a payload is taken, on every telemetry topic', async () => {
    const client = await connect({ version: 5 });
    const forms = [
        [topic('pump-1'), { f1: 1 }], [topic('pump-1', 'indcloud'), { variables: { f2: 2 }, metadata: { location: 'hall' } }],
        [topic('pump-1'), { deviceId: 'pump-1', f3: '3' }], [topic('pump-1'), { externalId: 'pump-1', apiToken: pump.apiToken, variables: { f4: true } }],
        [topic('pump-1'), { f5: 5, timestamp: Date.now() }], [topic('pump-1'), { unknown: 'text', variables: { f6: 6 } }],
        ['v1/devices/me/telemetry', { f7: 7 }], ['v1/devices/me/telemetry', { ts: Date.now(), values: { f8: 8 } }],
        ['v1/devices/me/telemetry', [{ ts: Date.now() - 5000, values: { f9: 8 } }, { ts: Date.now() - 4000, values: { f9: 9 } }]],
    ];
    for (const [at, body] of forms) assert.equal((await client.publish(at, body, { qos: 1 })).reason, 0, JSON.stringify(body));
    const stored = await latest('pump-1');
    for (let i = 1; i <= 9; i++) assert.equal(stored[`f${i}`], i === 4 ? 1 : i, `f${i}`);
    client.destroy();
});

test('a payload that cannot be taken is 0x99, and nothing of it is stored', async () => {
    const client = await connect({ version: 5 });
    const bad = ['', 'hello', '[]', '{}', '{"a":', '{"variables":{}}', '{"g1":"text"}', '{"variables":{"g1":{}}}', '{"g1":1,"g1b":[]}',
        '{"deviceId":"pump-2","variables":{"g1":1}}', '{"g1":1e999}', '{"timestamp":"then","variables":{"g1":1}}',
        '{"timestamp":1000000000,"variables":{"g1":1}}', '{"apiToken":5,"variables":{"g1":1}}'];
    for (const body of bad) assert.equal((await client.publish(topic('pump-1'), body, { qos: 1 })).reason, REASON.badPayload, body);
    assert.equal((await client.publish('v1/devices/me/telemetry', '[{"g1":1},{"g1":"x"}]', { qos: 1 })).reason, REASON.badPayload);
    assert.equal((await latest('pump-1')).g1, undefined);
    client.destroy();
});

test('3.1.1 has no word for a refusal: no PUBACK, and the connection ends', async () => {
    for (const [at, body] of [[topic('pump-1'), '{"a":'], ['elsewhere', '{"a":1}'], [topic('pump-1'), { deviceId: 'x', variables: { a: 1 } }]]) {
        const client = await connect();
        assert.equal(await client.publish(at, body, { qos: 1 }), undefined);
        await client.closed;
    }
});

test('QoS 0 is never answered, and a bad one costs nothing but itself', async () => {
    const client = await connect();
    await client.publish(topic('pump-1'), '{"q0":');
    await client.publish('elsewhere', { q0: 1 });
    await client.publish(topic('pump-1'), { q0: 2 });
    await client.publish(topic('pump-1'), { q0: 3 }, { qos: 1 }); // in order: so the others are done
    assert.equal((await latest('pump-1')).q0, 3);
    assert.equal(await count('pump-1', 'q0'), 2);
    client.destroy();
});

test('acknowledgements come in the order of the messages, new devices among them', async () => {
    const client = await connect();
    const packets = [];
    for (let i = 1; i <= 60; i++) packets.push(client.publishPacket(topic(i % 7 ? 'pump-1' : `made-${i}`), { order: i }, { qos: 1 }));
    client.send(...packets);
    for (let i = 1; i <= 60; i++) assert.deepEqual(ack(await client.next()), { type: TYPE.PUBACK, id: i, reason: 0 });
    assert.equal((await latest('made-56')).order, 56);
    client.destroy();
});

test('a QoS 2 message is stored once, however often it is repeated', async () => {
    for (const version of [4, 5]) {
        const client = await connect({ version, id: `twice${version}`, clean: false, properties: version === 5 ? [17, 0, 0, 1, 0] : '' });
        const message = { [`exactly${version}`]: 1 };
        const send = (c, dup) => c.publish(topic('pump-1'), message, { qos: 2, id: 7, dup });
        assert.deepEqual(await send(client, false), { type: TYPE.PUBREC, id: 7, reason: 0 });
        assert.deepEqual(await send(client, true), { type: TYPE.PUBREC, id: 7, reason: 0 });
        await client.destroy();
        const again = await connect({ version, id: `twice${version}`, clean: false, properties: version === 5 ? [17, 0, 0, 1, 0] : '' });
        assert.equal(again.connack.body[0], 1, 'the session is there');
        assert.deepEqual(await send(again, true), { type: TYPE.PUBREC, id: 7, reason: 0 });
        again.send(Buffer.from([0x62, 2, 0, 7]));
        assert.deepEqual(ack(await again.next()), { type: TYPE.PUBCOMP, id: 7, reason: 0 });
        assert.equal(await count('pump-1', `exactly${version}`), 1);
        assert.equal((await send(again, false)).type, TYPE.PUBREC); // the id is free again: another message
        assert.equal(await count('pump-1', `exactly${version}`), 2);
        again.send(Buffer.from([0x62, 2, 0, 9]));
        assert.equal(ack(await again.next()).reason, version === 5 ? 0x92 : 0);
        await again.disconnect();
    }
});

test('a refused QoS 2 message leaves its id free', async () => {
    const client = await connect({ version: 5 });
    assert.equal((await client.publish(topic('pump-1'), '{', { qos: 2, id: 3 })).reason, REASON.badPayload);
    assert.equal((await client.publish(topic('pump-1'), { freed: 1 }, { qos: 2, id: 3 })).reason, 0);
    assert.equal(await count('pump-1', 'freed'), 1);
    client.destroy();
});

test('who may connect', async () => {
    const code = async (options) => {
        const client = await MqttClient.connect(server.mqttPort, options);
        const answer = client.connack.body[1];
        client.destroy();
        return answer;
    };
    assert.equal(await code({ user: pump.apiToken }), 0);
    assert.equal(await code({ user: 'any', password: pump.apiToken }), 0);
    assert.equal(await code({ user: pump.apiToken, password: '' }), 0);
    assert.equal(await code({ user: 'any', password: 'wrong' }), 4);
    assert.equal(await code({ version: 5, user: 'any', password: 'wrong' }), REASON.badCredential);
    assert.equal(await code({ version: 5, password: pump.apiToken }), 0); // version 5: a password without a name
    assert.equal(await code({ user: '00000000-0000-4000-8000-000000000000' }), 4);
    const key = (await server.ok('POST', '/api-keys', { token: owner.token, body: { name: 'k' } })).key;
    assert.equal(await code({ user: key }), 4);
    assert.equal(await code({ user: owner.token }), 4);
    assert.equal(await code({}), 0); // and proves itself message by message
});

test('without a credential every message needs its own token', async () => {
    const client = await MqttClient.connect(server.mqttPort, { version: 5 });
    const send = (body, at = topic('pump-1')) => client.publish(at, body, { qos: 1 });
    assert.equal((await send({ deviceId: 'pump-1', variables: { n: 1 } })).reason, REASON.notAuthorized);
    assert.equal((await send({ apiToken: 'nonsense', n: 1 })).reason, REASON.notAuthorized);
    assert.equal((await send({ apiToken: pump.apiToken, deviceId: 'pump-1', variables: { anonymous: 1 } })).reason, 0);
    assert.equal((await send({ anonymous: 1 }, 'v1/devices/me/telemetry')).reason, REASON.notAuthorized);
    assert.equal((await latest('pump-1')).anonymous, 1);
    client.destroy();
});

test('another organisation\'s device is not reached: its name is another device here', async () => {
    const client = await connect({ version: 5 });
    assert.equal((await client.publish(topic('pump-9'), { theirs: 1 }, { qos: 1 })).reason, 0);
    assert.equal((await latest('pump-9', foreign.token))?.theirs, undefined);
    assert.equal((await latest('pump-9')).theirs, 1);
    // two tokens of two organisations in one message contradict each other
    assert.equal((await client.publish(topic('pump-9'), { apiToken: other.apiToken, theirs: 2 }, { qos: 1 })).reason, REASON.notAuthorized);
    assert.equal((await latest('pump-9', foreign.token))?.theirs, undefined);
    client.destroy();
});

test('a token that was replaced ends what it opened', async () => {
    const device = await server.device(owner.token, 'rotated');
    const client = await MqttClient.connect(server.mqttPort, { version: 5, user: device.apiToken });
    assert.equal((await client.publish('v1/devices/me/telemetry', { r: 1 }, { qos: 1 })).reason, 0);
    await server.ok('POST', '/devices/rotated/token/rotate', { token: owner.token });
    assert.equal((await client.publish('v1/devices/me/telemetry', { r: 2 }, { qos: 1 })).reason, REASON.notAuthorized);
    assert.equal((await latest('rotated')).r, 1);
    client.destroy();
});

test('one client id has one connection: the newer one', async () => {
    for (const version of [4, 5]) {
        const first = await connect({ version, id: 'same' });
        const second = await connect({ version, id: 'same' });
        assert.equal(second.connack.body[1], 0);
        const bye = await first.next();
        if (version === 5) assert.deepEqual([bye.type, bye.body[0]], [TYPE.DISCONNECT, 0x8e]);
        else assert.equal(bye, undefined);
        await first.closed;
        assert.equal((await second.publish(topic('pump-1'), { over: version }, { qos: 1 })).reason, 0);
        // inside its organisation: the same name in another one is another client
        const theirs = await MqttClient.connect(server.mqttPort, { version, id: 'same', user: other.apiToken });
        assert.equal((await second.publish(topic('pump-1'), { over: version }, { qos: 1 })).reason, 0);
        theirs.destroy();
        second.destroy();
    }
});

test('twenty connections fight over one client id and one of them has it', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => MqttClient.open(server.mqttPort)));
    const results = await Promise.all(all.map(async (client) => {
        client.version = 5;
        client.send(connectPacket({ version: 5, id: 'fought', user: pump.apiToken }));
        return (await client.next())?.body[1];
    }));
    for (const r of results) assert.ok(r === 0 || r === 0x89, `CONNACK ${r}`);
    const last = await connect({ version: 5, id: 'fought' });
    assert.equal((await last.publish(topic('pump-1'), { fought: 1 }, { qos: 1 })).reason, 0);
    await Promise.all(all.map((client) => client.closed));
    last.destroy();
});

test('a will is published when the connection is lost, not when the client says good-bye', async () => {
    const will = { topic: topic('pump-1'), payload: '{"willed":1}' };
    const polite = await connect({ will });
    await polite.disconnect();
    const lost = await connect({ will: { ...will, payload: '{"willed":2}' } });
    await lost.destroy();
    for (const end = Date.now() + 5000; (await latest('pump-1')).willed === undefined;) assert.ok(Date.now() < end, 'no will came');
    assert.equal((await latest('pump-1')).willed, 2);
    assert.equal(await count('pump-1', 'willed'), 1);
});

test('where no token is needed, a message without one is the first organisation\'s', async () => {
    const own = await startServer({ mqtt: true, sets: { 'mqtt.device-auth-required': false } });
    const tenant = await own.device((await own.register()).token, 'theirs');
    const client = await MqttClient.connect(own.mqttPort, { version: 5 });
    assert.equal((await client.publish(topic('free'), { open: 1 }, { qos: 1 })).reason, 0);
    assert.equal((await client.publish(topic('theirs'), { open: 2 }, { qos: 1 })).reason, 0);
    assert.equal((await client.publish(topic('theirs'), { apiToken: tenant.apiToken, open: 3 }, { qos: 1 })).reason, 0);
    assert.equal((await client.publish(topic('free'), { apiToken: 'wrong', open: 4 }, { qos: 1 })).reason, REASON.notAuthorized);
    const mine = async (device) => (await own.call('GET', `/data/latest/${device}`, { token: await own.admin() })).json.open;
    assert.deepEqual([await mine('free'), await mine('theirs')], [1, 2]);
    client.destroy();
    await own.stop();
});

test('a port that nobody asked for and that is taken does not keep the server from starting', async () => {
    const blocker = net.createServer().on('error', () => {}).listen(1883, '0.0.0.0'); // ours, or somebody else's already
    await new Promise((resolve) => { setImmediate(resolve); });
    const own = await startServer({ sets: { 'mqtt.enabled': true } });
    await own.stop();
    assert.match(own.log, /mqtt_not_listening/);
    blocker.close();
    const taken = net.createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { code, stderr } = await run(['serve', '--data', own.dir, '--http', '127.0.0.1:0', '--mqtt', `127.0.0.1:${taken.address().port}`]);
    taken.close();
    assert.equal(code, 1);
    assert.match(stderr, /in use by another program.*--mqtt/);
});

test('the messages and the connections are counted', async () => {
    const client = await connect();
    const text = (await server.request('GET', '/metrics')).text;
    const value = (name) => Number(text.match(new RegExp(`^${name} (\\d+)`, 'm'))?.[1]);
    assert.ok(value('sensorvision_telemetry_messages_total\\{transport="mqtt"\\}') > 50);
    assert.ok(value('sensorvision_mqtt_connections') >= 1);
    assert.ok(value('sensorvision_mqtt_refused_total') > 10);
    client.destroy();
});
