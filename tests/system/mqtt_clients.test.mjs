// MQTT by the clients that people use: mosquitto_pub and mosquitto_sub, and mqtt.js from npm.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { run, startServer } from './server.mjs';

const JS = new URL('../clients/node_modules/mqtt/', import.meta.url);
const noJs = !existsSync(JS) && 'mqtt.js is not installed (tools/npm_clients.sh)';
const noMosquitto = spawnSync('mosquitto_pub', ['--help']).error && 'no mosquitto-clients here';

let server, owner, pump;
before(async () => {
    server = await startServer({ mqtt: true });
    owner = await server.register();
    pump = await server.device(owner.token, 'pump-1');
});
const opened = []; // a client that a failed test leaves behind would keep the run alive
after(async () => {
    for (const client of opened) await client.endAsync(true);
    await server.stop();
});
async function open(options) {
    const { default: mqtt } = await import(new URL('build/index.js', JS));
    const client = mqtt.connect(`mqtt://127.0.0.1:${server.mqttPort}`, options);
    opened.push(client);
    if (options.on) client.on('message', options.on); // before CONNACK: what was kept comes right behind it
    const [kind, answer] = await Promise.race([once(client, 'connect').then(() => ['connect']), once(client, 'error').then(([e]) => ['error', e])]);
    if (kind === 'error') throw answer;
    return client;
}

const TOPIC = 'sensorvision/devices/pump-1/telemetry', COMMANDS = 'sensorvision/devices/pump-1/commands';
const latest = async () => (await server.call('GET', '/data/latest/pump-1', { token: owner.token })).json ?? {};
const wish = (command, device = 'pump-1') => server.ok('POST', `/devices/${device}/commands`, { token: owner.token, body: { command, payload: { on: true } } });
async function until(what, condition) {
    for (const end = Date.now() + 10_000; !await condition();) {
        assert.ok(Date.now() < end, `${what} did not happen`);
        await new Promise((resolve) => { setTimeout(resolve, 10); });
    }
}

const pub = (version, ...args) => run(['-V', version, '-h', '127.0.0.1', '-p', server.mqttPort, '-u', 'pump-1', '-P', pump.apiToken, ...args], { binary: 'mosquitto_pub' });

test('mosquitto_pub, both versions, every QoS', { skip: noMosquitto }, async () => {
    for (const version of ['mqttv311', 'mqttv5']) {
        for (const qos of [0, 1, 2]) {
            const name = `${version}q${qos}`;
            const { code, stderr } = await pub(version, '-t', TOPIC, '-q', String(qos), '-m', `{"${name}":1}`);
            assert.deepEqual([code, stderr], [0, '']);
            await until(name, async () => (await latest())[name] === 1);
        }
    }
    const refused = await pub('mqttv5', '-t', 'sensorvision/devices/pump-1/other', '-q', '1', '-m', '{"a":1}');
    assert.match(refused.stderr, /Not authorized/);
    const wrong = await run(['-h', '127.0.0.1', '-p', server.mqttPort, '-u', 'x', '-P', 'y', '-t', TOPIC, '-m', '{}'], { binary: 'mosquitto_pub' });
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.stderr, /bad user name or password|not authorised/i);
});

test('mosquitto_pub sends a thousand lines, and all of them are there', { skip: noMosquitto }, async () => {
    const lines = Array.from({ length: 1000 }, (_, i) => JSON.stringify({ timestamp: Date.now() - 100_000 + i, variables: { line: i } })).join('\n');
    const { code } = await run(['-h', '127.0.0.1', '-p', server.mqttPort, '-u', pump.apiToken, '-t', TOPIC, '-q', '1', '-l'], { binary: 'mosquitto_pub', input: `${lines}\n` });
    assert.equal(code, 0);
    const [all] = await server.ok('GET', `/analytics/aggregate?deviceId=pump-1&variable=line&aggregation=COUNT&from=0&to=${Date.now() + 1000}`, { token: owner.token });
    assert.equal(all.value, 1000);
});

test('mosquitto_sub gets the commands of its device and no other topic', { skip: noMosquitto }, async () => {
    for (const version of ['mqttv311', 'mqttv5']) {
        // A device of its own each: mosquitto_sub may be gone before its PUBACK, and then the command comes again.
        const device = await server.device(owner.token, `sub-${version}`);
        const child = spawn('mosquitto_sub', ['-V', version, '-h', '127.0.0.1', '-p', server.mqttPort, '-u', device.apiToken, '-t', `sensorvision/devices/sub-${version}/commands`, '-q', '1', '-C', '1', '-W', '20']);
        const ended = once(child, 'close');
        let out = '';
        child.stdout.on('data', (data) => { out += data; });
        await wish(`for-${version}`, `sub-${version}`);
        await ended;
        assert.deepEqual([JSON.parse(out).command, JSON.parse(out).payload], [`for-${version}`, { on: true }]);
        const { stderr } = await run(['-V', version, '-h', '127.0.0.1', '-p', server.mqttPort, '-u', pump.apiToken, '-t', '#', '-W', '5'], { binary: 'mosquitto_sub' });
        assert.match(stderr, /denied|rejected|not authori/i);
    }
});

test('mqtt.js publishes at every QoS, both versions', { skip: noJs }, async () => {
    for (const protocolVersion of [4, 5]) {
        const client = await open({ protocolVersion, username: pump.apiToken, password: '' });
        for (const qos of [0, 1, 2]) await client.publishAsync(TOPIC, JSON.stringify({ deviceId: 'pump-1', variables: { [`js${protocolVersion}q${qos}`]: qos } }), { qos });
        await until('QoS 0', async () => (await latest())[`js${protocolVersion}q0`] === 0);
        assert.equal((await latest())[`js${protocolVersion}q2`], 2);
        // many at once, as a client does that was offline
        await Promise.all(Array.from({ length: 300 }, (_, i) => client.publishAsync('v1/devices/me/telemetry', JSON.stringify({ burst: i }), { qos: 1 + i % 2 })));
        await client.endAsync();
    }
});

test('mqtt.js hears why under version 5', { skip: noJs }, async () => {
    const client = await open({ protocolVersion: 5, username: pump.apiToken });
    const why = (topic, body, qos) => client.publishAsync(topic, body, { qos }).then(() => 0, (e) => e.code);
    assert.equal(await why(TOPIC, 'no json', 1), 0x99);
    assert.equal(await why('elsewhere', '{"a":1}', 1), 0x87);
    await assert.rejects(client.subscribeAsync('#', { qos: 1 }));
    await client.endAsync();
    await assert.rejects(open({ protocolVersion: 5, username: 'x', password: 'y', reconnectPeriod: 0 }),
        (e) => e.code === 0x86);
});

test('mqtt.js takes its commands, also those of the time it was away', { skip: noJs }, async () => {
    const { default: mqtt } = await import(new URL('build/index.js', JS));
    const options = { protocolVersion: 5, clientId: 'js-device', clean: false, properties: { sessionExpiryInterval: 600 }, username: pump.apiToken };
    const client = await open(options);
    const got = [];
    client.on('message', (topic, body) => got.push(JSON.parse(body).command));
    await client.subscribeAsync(COMMANDS, { qos: 1 });
    await wish('present');
    await until('the first', async () => got.includes('present') && (await server.ok('GET', '/devices/pump-1/commands', { token: owner.token }))
        .some((c) => c.command === 'present' && c.state === 'delivered'));
    await client.endAsync();
    await wish('absent');
    const again = await open({ ...options, on: (topic, body) => got.push(JSON.parse(body).command) });
    await until('the second', () => got.includes('absent'));
    assert.deepEqual(got, ['present', 'absent']);
    await again.endAsync();
});
