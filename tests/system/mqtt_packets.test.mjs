// What no client should send, and what is at and one past each limit of MQTT.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MqttClient, TYPE, ack, connectPacket, packet, text, u16 } from './mqtt_client.mjs';
import { startServer } from './server.mjs';

let server, owner, pump;
before(async () => {
    server = await startServer({ mqtt: true, sets: { 'mqtt.max-connections': 40, 'mqtt.per-address': 20, 'mqtt.max-packet': '64KiB', 'mqtt.max-publish-rate': 1000 } });
    owner = await server.register();
    pump = await server.device(owner.token, 'pump-1');
});
after(() => server.stop());

const TOPIC = 'sensorvision/devices/pump-1/telemetry';
const connect = (options = {}) => MqttClient.connect(server.mqttPort, { user: pump.apiToken, ...options });

// Sends the bytes; answers the reason of the DISCONNECT, 'closed' without one.
async function fate(client, ...bytes) {
    client.send(...bytes);
    for (;;) {
        const got = await client.next();
        if (!got) return 'closed';
        if (got.type === TYPE.DISCONNECT) { await client.closed; return got.body[0] ?? 0; }
    }
}

test('what is not CONNECT comes to nothing', async () => {
    const first = [packet(TYPE.PINGREQ, 0), packet(TYPE.PUBLISH, 0, text(TOPIC), '{}'), packet(TYPE.CONNECT, 1, 'x'), 'GET / HTTP/1.1\r\n\r\n',
        Buffer.from([0, 0]), Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 1]), Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]),
        packet(TYPE.CONNECT, 0, text('MQTT'), 4, 3, u16(0), text('x')), packet(TYPE.CONNECT, 0, text('MQTT'), 4, 2, u16(0), text('x'), 0)];
    for (const bytes of first) {
        const client = await MqttClient.open(server.mqttPort);
        client.send(Buffer.from(bytes));
        assert.equal(await client.next(), undefined);
        await client.closed;
    }
});

test('a version that is not spoken is named as that', async () => {
    for (const [name, level] of [['MQIsdp', 3], ['MQTT', 3], ['MQTT', 6]]) {
        const client = await MqttClient.open(server.mqttPort);
        client.send(packet(TYPE.CONNECT, 0, text(name), level, 2, u16(0), text('x')));
        const got = await client.next();
        assert.deepEqual([got.type, got.body[1]], [TYPE.CONNACK, 1]);
        await client.closed;
    }
    const nameless = await MqttClient.connect(server.mqttPort, { clean: false });
    assert.equal(nameless.connack.body[1], 2);
    const methodical = await MqttClient.connect(server.mqttPort, { version: 5, properties: [21, 0, 1, 0x78] });
    assert.equal(methodical.connack.body[1], 0x8c);
});

test('version 5 says why it ends a connection, 3.1.1 just ends it', async () => {
    const id = u16(1);
    const cases = [
        [0x82, connectPacket({ version: 5 })], [0x82, packet(TYPE.CONNACK, 0, 0, 0, 0)], [0x82, packet(TYPE.PINGRESP, 0)],
        [0x82, packet(TYPE.PUBREC, 0, id)], [0x82, packet(TYPE.AUTH, 0)], [0x81, packet(TYPE.PINGREQ, 0, 0)], [0x81, packet(TYPE.PINGREQ, 3)],
        [0x81, packet(TYPE.PUBLISH, 6, text(TOPIC), id, 0, '{}')], [0x81, packet(TYPE.PUBLISH, 8, text(TOPIC), 0, '{}')],
        [0x81, packet(TYPE.PUBLISH, 2, text(TOPIC), u16(0), 0, '{}')], [0x90, packet(TYPE.PUBLISH, 0, text('a/#'), 0, '{}')],
        [0x81, packet(TYPE.PUBLISH, 0, text('a\0b'), 0, '{}')], [0x94, packet(TYPE.PUBLISH, 0, text(TOPIC), 3, 35, u16(1), '{}')],
        [0x82, packet(TYPE.PUBLISH, 0, text(''), 0, '{}')], [0x9a, packet(TYPE.PUBLISH, 1, text(TOPIC), 0, '{}')],
        [0x82, packet(TYPE.PUBLISH, 0, text(TOPIC), 2, 11, 1, '{}')], [0x81, packet(TYPE.SUBSCRIBE, 0, id, 0, text('a'), 0)],
        [0x82, packet(TYPE.SUBSCRIBE, 2, id, 0)], [0x81, packet(TYPE.SUBSCRIBE, 2, id, 0, text('a'))], [0x8f, packet(TYPE.SUBSCRIBE, 2, id, 0, text('a#'), 0)],
        [0xa1, packet(TYPE.SUBSCRIBE, 2, id, 2, 11, 1, text('a'), 0)], [0x81, packet(TYPE.PUBREL, 0, id)], [0x81, packet(TYPE.UNSUBSCRIBE, 2, u16(0), 0, text('a'))],
        [0x82, packet(TYPE.DISCONNECT, 0, 0, 5, 17, 0, 0, 0, 9)], [0x81, packet(TYPE.DISCONNECT, 0, 0, 2, 3, 4)],
        [0x81, Buffer.from([0x30, 0x80, 0])], [0x81, Buffer.from([0, 0])],
    ];
    for (const [reason, bytes] of cases) {
        const client = await connect({ version: 5 });
        assert.equal(await fate(client, bytes), reason, bytes.toString('hex'));
    }
    for (const bytes of [connectPacket(), packet(TYPE.PINGREQ, 3), packet(TYPE.PUBLISH, 6, text(TOPIC), id, '{}'), packet(TYPE.SUBSCRIBE, 2, id), packet(TYPE.AUTH, 0)]) {
        assert.equal(await fate(await connect(), bytes), 'closed', bytes.toString('hex'));
    }
});

test('a retained message of 3.1.1 is telemetry like any other', async () => {
    const client = await connect();
    assert.equal((await client.publish(TOPIC, { kept: 1 }, { qos: 1, retain: true })).reason, 0);
    client.destroy();
});

test('every packet cut at every byte, and in single bytes, is understood when it is whole', async () => {
    const client = await MqttClient.open(server.mqttPort);
    client.version = 5;
    const all = Buffer.concat([connectPacket({ version: 5, user: pump.apiToken }), client.publishPacket(TOPIC, { bytewise: 5 }, { qos: 1 }), packet(TYPE.PINGREQ, 0)]);
    for (const byte of all) {
        client.send(Buffer.from([byte]));
        await new Promise((resolve) => { setImmediate(resolve); });
    }
    assert.equal((await client.next()).type, TYPE.CONNACK);
    assert.deepEqual([(await client.next()).type, (await client.next()).type].sort(), [TYPE.PUBACK, TYPE.PINGRESP].sort());
    client.destroy();
});

test('the largest packet is taken and one byte more is not', async () => {
    const LIMIT = 64 * 1024;
    const exactly = (size) => { // a PUBLISH of `size` bytes in all: the payload is padded with blanks
        const empty = client.publishPacket(TOPIC, '{"large":1}', { qos: 1, id: 9 }).length + 2; // its length will have three digits
        return client.publishPacket(TOPIC, `{"large":1${' '.repeat(size - empty)}}`, { qos: 1, id: 9 });
    };
    let client = await connect({ version: 5 });
    const largest = exactly(LIMIT);
    assert.equal(largest.length, LIMIT);
    client.send(largest);
    assert.equal(ack(await client.next()).reason, 0);
    assert.equal(await fate(client, exactly(LIMIT + 1)), 0x95);
    client = await connect();
    assert.equal(await fate(client, Buffer.from([0x30, 0x81, 0x80, 0x04])), 'closed'); // told by its length alone
});

test('packets that are only announced take nothing from those that come', async () => {
    const wide = await startServer({ mqtt: true, sets: { 'mqtt.max-packet': '16MiB' } });
    const device = await wide.device((await wide.register()).token, 'pump-1');
    const enter = (id) => MqttClient.connect(wide.mqttPort, { user: device.apiToken, version: 5, id });
    const announcers = await Promise.all(Array.from({ length: 25 }, (_, i) => enter(`announcer-${i}`)));
    for (const client of announcers) client.send(Buffer.from([TYPE.PUBLISH << 4, 0xff, 0xff, 0xff, 6, 0])); // 14 MiB each
    for (const client of announcers.slice(20)) client.send(Buffer.alloc(1 << 20)); // as if one had begun
    const client = await enter('comes');
    assert.equal((await client.publish(TOPIC, `{"announced":1${' '.repeat(1 << 20)}}`, { qos: 1 })).reason, 0);
    assert.equal(announcers.filter((c) => c.ended).length, 0);
    for (const c of [...announcers, client]) c.destroy();
    assert.equal(await wide.stop(), 0);
});

test('64 messages of QoS 2 may be open in version 5, and not one more', async () => {
    const client = await connect({ version: 5 });
    for (let id = 1; id <= 64; id++) assert.equal((await client.publish(TOPIC, { open: id }, { qos: 2, id })).reason, 0);
    assert.equal(await fate(client, client.publishPacket(TOPIC, { open: 65 }, { qos: 2, id: 65 })), 0x93);
    const older = await connect();
    for (let id = 1; id <= 70; id++) assert.equal((await older.publish(TOPIC, { open: id }, { qos: 2, id })).reason, 0);
    older.destroy();
});

test('a client that sends faster than its rate is read later, and nothing is lost', async () => {
    const client = await connect();
    const begin = performance.now();
    const packets = [];
    for (let id = 1; id <= 2500; id++) packets.push(client.publishPacket(TOPIC, { fast: id }, { qos: 1, id }));
    client.send(...packets);
    for (let id = 1; id <= 2500; id++) assert.equal(ack(await client.next()).id, id);
    const seconds = (performance.now() - begin) / 1000;
    assert.ok(seconds > 1.2, `2500 messages at 1000 a second after a burst of 1000 took ${seconds} s`);
    client.destroy();
});

test('client ids of 256 bytes, 8 subscriptions, and one more', async () => {
    const code = async (id) => { const c = await connect({ version: 5, id }); c.destroy(); return c.connack.body[1]; };
    assert.equal(await code('x'.repeat(256)), 0);
    assert.equal(await code('x'.repeat(257)), 0x85);
    const client = await connect({ version: 5 });
    const own = ['sensorvision/devices/pump-1/commands', 'indcloud/devices/pump-1/commands'];
    assert.deepEqual(await client.subscribe(...own, ...own), [1, 1, 1, 1]);
    client.destroy();
});

test('a session that was asked to last longer than a day lasts a day, and is told', async () => {
    const client = await connect({ version: 5, id: 'long', properties: [17, 0xff, 0xff, 0xff, 0xff] });
    const at = client.connack.body.indexOf(17, 3);
    assert.equal(client.connack.body.readUInt32BE(at + 1), 86400);
    client.destroy();
});

test('a silent client is closed after one and a half of its keep-alive', async () => {
    const silent = await connect({ version: 5, keepAlive: 1 });
    const heard = await connect({ version: 5, keepAlive: 1 });
    const begin = performance.now();
    const timer = setInterval(() => heard.send(packet(TYPE.PINGREQ, 0)), 400);
    const bye = await silent.next();
    const seconds = (performance.now() - begin) / 1000;
    assert.deepEqual([bye.type, bye.body[0]], [TYPE.DISCONNECT, 0x8d]);
    assert.ok(seconds >= 1.4 && seconds < 5, `${seconds} s`);
    assert.equal(heard.ended, false);
    clearInterval(timer);
    heard.destroy();
});

test('at the limits of connections the next one is closed, and room is given back', async () => {
    const open = [];
    for (let i = 0; i < 20; i++) open.push(await connect());
    const one = await MqttClient.open(server.mqttPort);
    assert.equal(await one.next(), undefined);
    for (let i = 0; i < 20; i++) open.push(await connect({ localAddress: '127.0.0.2' }));
    const other = await MqttClient.open(server.mqttPort, { localAddress: '127.0.0.3' });
    assert.equal(await other.next(), undefined);
    await Promise.all(open.map((client) => client.destroy()));
    const again = await connect();
    assert.equal(again.connack.body[1], 0);
    again.destroy();
});

test('a stop acknowledges what was taken and says good-bye', async () => {
    const own = await startServer({ mqtt: true });
    const device = await own.device((await own.register()).token, 'pump-1');
    const clients = await Promise.all(Array.from({ length: 8 }, (_, i) => MqttClient.connect(own.mqttPort, { version: i % 2 ? 5 : 4, user: device.apiToken })));
    const counted = clients.map(async (client) => {
        let acked = 0;
        for (;;) {
            const got = await client.next();
            if (!got) return { acked, bye: undefined };
            if (got.type === TYPE.DISCONNECT) return { acked, bye: got.body[0] };
            acked++;
        }
    });
    for (const [i, client] of clients.entries()) {
        const packets = [];
        for (let id = 1; id <= 40; id++) packets.push(client.publishPacket(TOPIC, { timestamp: Date.now() - 100_000 + i * 1000 + id, variables: { stop: id } }, { qos: 1, id }));
        client.send(...packets);
    }
    await clients[0].publish(TOPIC, { last: 1 }, { qos: 1, id: 999 });
    const begin = performance.now();
    assert.equal(await own.stop(), 0);
    assert.ok(performance.now() - begin < 5000);
    const results = await Promise.all(counted);
    for (const [i, { bye }] of results.entries()) assert.equal(bye, i % 2 ? 0x8b : undefined);
});
