// Commands to devices that subscribe over MQTT: its own and no other's, kept while it is away.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MqttClient, TYPE, u16, packet } from './mqtt_client.mjs';
import { startServer } from './server.mjs';

let server, owner, pump, other;
before(async () => {
    server = await startServer({ mqtt: true });
    owner = await server.register();
    pump = await server.device(owner.token, 'pump-1');
    other = await server.device((await server.register()).token, 'pump-1');
    await server.device(owner.token, 'pump-2');
});
after(() => server.stop());

const COMMANDS = 'sensorvision/devices/pump-1/commands';
const connect = (options = {}) => MqttClient.connect(server.mqttPort, { user: pump.apiToken, ...options });
const wish = (command, payload = {}) => server.ok('POST', '/devices/pump-1/commands', { token: owner.token, body: { command, payload } });

// A PUBLISH to us: {topic, qos, id, dup, json}.
function message(got, version) {
    assert.equal(got?.type, TYPE.PUBLISH);
    const qos = got.flags >> 1 & 3;
    let at = 2 + got.body.readUInt16BE(0);
    const topic = got.body.subarray(2, at).toString();
    const id = qos ? got.body.readUInt16BE(at) : 0;
    at += (qos ? 2 : 0) + (version === 5 ? 1 + got.body[at + (qos ? 2 : 0)] : 0);
    return { topic, qos, id, dup: Boolean(got.flags & 8), json: JSON.parse(got.body.subarray(at).toString()) };
}
const puback = (client, id) => client.send(packet(TYPE.PUBACK, 0, u16(id)));

async function states() {
    const all = await server.ok('GET', '/devices/pump-1/commands', { token: owner.token });
    return Object.fromEntries((all.content ?? all).map((c) => [c.command, c.status ?? c.state]));
}
async function becomes(command, state) {
    for (const end = Date.now() + 5000; ;) {
        const now = (await states())[command];
        if (now === state) return;
        assert.ok(Date.now() < end, `${command} is ${now}, not ${state}`);
    }
}

test('a subscriber gets its command at once, and its PUBACK delivers it', async () => {
    for (const version of [4, 5]) {
        const client = await connect({ version });
        assert.deepEqual(await client.subscribe(COMMANDS), [1]);
        await wish(`go-${version}`, { speed: 3 });
        const got = message(await client.next(), version);
        assert.deepEqual([got.topic, got.qos, got.dup], [COMMANDS, 1, false]);
        assert.deepEqual(Object.keys(got.json).sort(), ['command', 'payload', 'timestamp']);
        assert.equal(got.json.command, `go-${version}`);
        assert.deepEqual(got.json.payload, { speed: 3 });
        await becomes(`go-${version}`, 'sent');
        puback(client, got.id);
        await becomes(`go-${version}`, 'delivered');
        await client.disconnect();
    }
});

test('commands wait for a device that is away, and come in order, once', async () => {
    for (let i = 0; i < 25; i++) await wish(`away-${i}`);
    const client = await connect();
    await client.subscribe('indcloud/devices/pump-1/commands');
    for (let i = 0; i < 25; i++) {
        const got = message(await client.next());
        assert.equal(got.json.command, `away-${i}`);
        puback(client, got.id);
    }
    await becomes('away-24', 'delivered');
    await client.disconnect();
    const again = await connect();
    await again.subscribe(COMMANDS);
    await wish('after');
    const got = message(await again.next());
    assert.equal(got.json.command, 'after');
    puback(again, got.id);
    await becomes('after', 'delivered');
    again.destroy();
});

test('what was not acknowledged comes again, as itself where the session was kept', async () => {
    const first = await connect({ id: 'kept', clean: false });
    await first.subscribe(COMMANDS);
    await wish('unheard');
    const lost = message(await first.next());
    await first.destroy();
    const second = await connect({ id: 'kept', clean: false });
    assert.equal(second.connack.body[0], 1);
    const got = message(await second.next()); // without a SUBSCRIBE: the session has it
    assert.deepEqual([got.id, got.dup, got.json.command], [lost.id, true, 'unheard']);
    await second.destroy();
    const third = await connect({ id: 'kept', clean: true });
    await third.subscribe(COMMANDS);
    const fresh = message(await third.next());
    assert.deepEqual([fresh.dup, fresh.json.command], [false, 'unheard']);
    puback(third, fresh.id);
    await becomes('unheard', 'delivered');
    third.destroy();
});

test('a device subscribes to its own commands and nothing else', async () => {
    for (const [version, no] of [[4, 0x80], [5, 0x87]]) {
        const client = await connect({ version });
        const filters = ['#', '+', 'sensorvision/#', 'sensorvision/devices/+/commands', 'sensorvision/devices/pump-2/commands',
            'sensorvision/devices/pump-1/telemetry', 'sensorvision/devices/pump-1/commands/#', `sensorvision/devices/${pump.id}x/commands`,
            '$SYS/#', '$share/a/sensorvision/devices/pump-1/commands', 'v1/devices/me/telemetry'];
        assert.deepEqual(await client.subscribe(...filters), filters.map(() => no));
        assert.deepEqual(await client.subscribe(COMMANDS, 'nope'), [1, no]);
        client.destroy();
        const nobody = await MqttClient.connect(server.mqttPort, { version });
        assert.deepEqual(await nobody.subscribe(COMMANDS), [no]);
        nobody.destroy();
    }
});

test('a device of the same name in another organisation hears nothing', async () => {
    const theirs = await MqttClient.connect(server.mqttPort, { user: other.apiToken });
    assert.deepEqual(await theirs.subscribe(COMMANDS), [1]);
    const ours = await connect();
    await ours.subscribe(COMMANDS);
    await wish('secret');
    puback(ours, message(await ours.next()).id);
    await becomes('secret', 'delivered');
    theirs.send(Buffer.from([0xc0, 0]));
    assert.equal((await theirs.next()).type, TYPE.PINGRESP); // and nothing before it
    theirs.destroy();
    ours.destroy();
});

test('QoS 0 is delivered when it is sent; without a subscription nothing comes', async () => {
    const client = await connect();
    assert.deepEqual(await client.subscribe(COMMANDS, 0), [0]);
    await wish('light');
    assert.deepEqual([message(await client.next()).qos], [0]);
    await becomes('light', 'delivered');
    client.send(packet(TYPE.UNSUBSCRIBE, 2, u16(77), Buffer.from([0, COMMANDS.length]), COMMANDS));
    assert.equal((await client.next()).type, TYPE.UNSUBACK);
    await wish('unsubscribed');
    client.send(Buffer.from([0xc0, 0]));
    assert.equal((await client.next()).type, TYPE.PINGRESP);
    assert.equal((await states()).unsubscribed, 'queued');
    client.destroy();
    const last = await connect();
    await last.subscribe(COMMANDS);
    puback(last, message(await last.next()).id);
    await becomes('unsubscribed', 'delivered');
    last.destroy();
});

test('a client that takes one at a time gets one at a time', async () => {
    const client = await connect({ version: 5, properties: [33, 0, 1] });
    await client.subscribe(COMMANDS);
    for (const name of ['one', 'two', 'three']) await wish(name);
    for (const name of ['one', 'two', 'three']) {
        const got = message(await client.next(), 5);
        assert.equal(got.json.command, name);
        assert.equal(client.packets.length, 0);
        puback(client, got.id);
    }
    await becomes('three', 'delivered');
    client.destroy();
});

test('of two connections of a device the one that subscribed last gets the commands', async () => {
    const older = await connect({ id: 'older' });
    await older.subscribe(COMMANDS);
    const newer = await connect({ id: 'newer' });
    await newer.subscribe(COMMANDS);
    await wish('for-the-newer');
    puback(newer, message(await newer.next()).id);
    await becomes('for-the-newer', 'delivered');
    await newer.disconnect();
    await wish('for-the-older');
    const got = message(await older.next());
    assert.equal(got.json.command, 'for-the-older');
    puback(older, got.id);
    await becomes('for-the-older', 'delivered');
    older.destroy();
});
