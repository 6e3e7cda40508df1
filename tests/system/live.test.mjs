// Contract, section 8: the live socket, by token and by key.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { startServer } from './server.mjs';
import { openSocket } from './socket.mjs';

let server, user, made, other;
const sockets = [];
before(async () => {
    server = await startServer({ sets: { 'websocket.max-sessions': 50 } });
    user = await server.register();
    made = await server.device(user.accessToken, 'live-1');
    other = await server.device(user.accessToken, 'live-2');
    await server.ok('POST', '/ingest/live-1', { device: made.apiToken, body: { warm: 1 } });
});
after(async () => {
    for (const socket of sockets) socket.close();
    await server?.stop();
});
const open = async (path, headers) => {
    const socket = await openSocket(server, path, headers);
    sockets.push(socket);
    return socket;
};
const send = (id, body) => server.ok('POST', `/ingest/${id}`, { device: made.apiToken, body });
// A socket is known to the hub from its handshake on, but for the moment until the loop has opened it: send
// until something arrives.
async function settled(socket, id = 'live-1') {
    for (let i = 0; i < 100; i++) {
        await send(id, { settle: i });
        try {
            await socket.next((f) => f.deviceId === id, 100);
            socket.frames.length = 0;
            return;
        } catch (error) {
            if (socket.closed) throw error;
        }
    }
    throw new Error('the socket never said anything');
}

describe('a socket by access token', () => {
    test('receives its organisation in both forms', async () => {
        const socket = await open(`/ws/telemetry?token=${user.accessToken}`);
        await settled(socket);
        await send('live-1', { temperature: 23.5, kw_consumption: 2 });
        const dynamic = await socket.next((f) => f.type === 'DYNAMIC_TELEMETRY' && 'temperature' in f.variables);
        assert.deepEqual(Object.keys(dynamic).sort(), ['deviceId', 'timestamp', 'type', 'variables']);
        assert.equal(dynamic.deviceId, 'live-1');
        assert.deepEqual(dynamic.variables, { temperature: 23.5, kw_consumption: 2 });
        const flat = await socket.next((f) => f.type === undefined && 'temperature' in f);
        assert.deepEqual([flat.deviceId, flat.temperature, flat.kwConsumption, flat.voltage], ['live-1', 23.5, 2, null]);
        await send('live-2', { x: 1 });
        await socket.next((f) => f.deviceId === 'live-2' && f.type === 'DYNAMIC_TELEMETRY');
    });

    test('is told once that a device came alive', async () => {
        const socket = await open(`/ws/telemetry?token=${user.accessToken}`);
        await settled(socket);
        await server.device(user.accessToken, 'newborn');
        await send('newborn', { x: 1 });
        const told = await socket.next((f) => f.type === 'DEVICE_STATUS' && f.deviceId === 'newborn', 30_000);
        assert.deepEqual(Object.keys(told).sort(), ['deviceId', 'lastSeenAt', 'status', 'timestamp', 'type']);
        assert.equal(told.status, 'ONLINE');
        assert.ok(told.timestamp >= told.lastSeenAt);
    });

    test('receives only what it subscribed to, once it did', async () => {
        const socket = await open(`/ws/telemetry?token=${user.accessToken}`);
        await settled(socket);
        socket.say({ type: 'subscribe', deviceId: 'live-2' });
        for (let i = 0; ; i++) { // until live-1 is silent
            assert.ok(i < 100);
            socket.frames.length = 0;
            await send('live-1', { probe: i });
            await send('live-2', { probe: i });
            await socket.next((f) => f.deviceId === 'live-2' && (f.variables?.probe ?? f.probe) === i);
            if (!socket.frames.some((f) => f.deviceId === 'live-1')) break;
        }
        socket.say({ type: 'unsubscribe', deviceId: 'live-2' });
        await settled(socket, 'live-1');
    });

    test('hears nothing of another organisation', async () => {
        const stranger = await server.register();
        const theirs = await server.device(stranger.accessToken, 'live-1');
        const socket = await open(`/ws/telemetry?token=${stranger.accessToken}`);
        socket.say({ type: 'subscribe', deviceId: made.id });
        await send('live-1', { secret: 42 });
        await server.ok('POST', '/ingest/live-1', { device: theirs.apiToken, body: { own: 1 } });
        for (let i = 0; i < 20; i++) {
            await send('live-1', { secret: i });
            await server.ok('POST', '/ingest/live-1', { device: theirs.apiToken, body: { own: i } });
        }
        assert.ok(socket.frames.every((f) => !JSON.stringify(f).includes('secret')), JSON.stringify(socket.frames));
    });
});

describe('a socket by device token', () => {
    test('receives flat frames of its device', async () => {
        const socket = await open('/ws/telemetry', { 'X-API-Key': made.apiToken });
        await settled(socket);
        await send('live-1', { a: 1 });
        const frame = await socket.next((f) => 'a' in f);
        assert.deepEqual(Object.keys(frame).sort(), ['a', 'deviceId', 'timestamp']);
        await server.ok('POST', '/ingest/live-2', { device: other.apiToken, body: { b: 1 } });
        await send('live-1', { c: 1 });
        await socket.next((f) => 'c' in f);
        assert.ok(socket.frames.every((f) => f.deviceId === 'live-1'), JSON.stringify(socket.frames));
    });
});

describe('the handshake', () => {
    test('without a valid credential completes and closes with 1008', async () => {
        for (const [path, headers] of [['/ws/telemetry', {}], ['/ws/telemetry?token=nonsense', {}], [`/ws/telemetry?token=${user.refreshToken}`, {}], ['/ws/telemetry', { 'X-API-Key': '00000000-0000-4000-8000-000000000000' }]]) {
            const socket = await open(path, headers);
            const { code, reason } = await socket.end();
            assert.equal(code, 1008, path);
            assert.ok(reason.length > 3);
            assert.deepEqual(socket.frames, []);
        }
    });

    test('does not take the login cookie', async () => {
        const answer = await server.call('POST', '/auth/login', { body: { username: user.username, password: user.password } });
        const socket = await open('/ws/telemetry', { Cookie: answer.headers.get('set-cookie').split(';')[0] });
        assert.equal((await socket.end()).code, 1008);
    });

    test('from a page of another origin is refused, from ours and listed ones taken', async () => {
        const refused = await open(`/ws/telemetry?token=${user.accessToken}`, { Origin: 'http://evil.example' }).then((s) => s.end(), (error) => error);
        assert.ok(refused.code === 1008 || /HTTP\/1\.1 403/.test(refused.message), String(refused.message ?? refused.code));
        for (const origin of [server.url, 'http://localhost:3000']) {
            const socket = await open(`/ws/telemetry?token=${user.accessToken}`, { Origin: origin });
            await settled(socket);
        }
    });

    test('without the upgrade is an ordinary error', async () => {
        const answer = await server.request('GET', '/ws/telemetry');
        assert.ok([400, 426].includes(answer.status), answer.text);
    });
});

describe('an open socket', () => {
    test('says what a message that it does not take lacks', async () => {
        const socket = await open(`/ws/telemetry?token=${user.accessToken}`);
        socket.say({ type: 'dance' });
        assert.match((await socket.next((f) => f.type === 'error')).message, /subscribe or unsubscribe/);
        socket.say({ type: 'subscribe' });
        assert.match((await socket.next((f) => f.type === 'error' && f.message.includes('deviceId'))).message, /missing/);
    });

    test('survives nonsense, and closes when its login ends', async () => {
        const guest = await server.register();
        const device = await server.device(guest.accessToken, 'mine');
        const socket = await open(`/ws/telemetry?token=${guest.accessToken}`);
        for (const text of ['', '{', '[]', '{"type":"dance"}', '{"type":"subscribe"}', '{"type":"subscribe","deviceId":5}']) socket.say(text);
        let heard = null;
        for (let i = 0; i < 50 && !heard; i++) {
            await server.ok('POST', '/ingest/mine', { device: device.apiToken, body: { x: i } });
            heard = await socket.next((f) => f.deviceId === 'mine', 200).catch(() => null);
        }
        assert.ok(heard, 'still alive');
        await server.call('POST', '/auth/logout', { token: guest.accessToken });
        assert.equal((await socket.end(40_000)).code, 1008);
    });

    test('closes when its device token was replaced, or its key taken away', async () => {
        const guest = await server.register();
        const device = await server.device(guest.accessToken, 'changing');
        const key = await server.ok('POST', '/api-keys', { token: guest.accessToken, body: { name: 'socket' } });
        const byToken = await open('/ws/telemetry', { 'X-Device-Token': device.apiToken });
        const byKey = await open('/ws/telemetry', { 'X-API-Key': key.apiKey });
        for (const socket of [byToken, byKey]) {
            for (let i = 0, heard; i < 100 && !heard; i++) {
                await server.ok('POST', '/ingest/changing', { device: device.apiToken, body: { x: i } });
                heard = await socket.next((f) => f.deviceId === 'changing', 100).catch((error) => { if (socket.closed) throw error; });
            }
        }
        await server.ok('POST', '/devices/changing/rotate-token', { token: guest.accessToken });
        await server.call('DELETE', `/api-keys/${key.id}`, { token: guest.accessToken });
        assert.equal((await byToken.end()).code, 1008);
        assert.equal((await byKey.end()).code, 1008);
    });

    test('has its place whatever strangers and other organisations open', async () => {
        const small = await startServer({ sets: { 'websocket.max-sessions': 4 } });
        const [many, few] = [await small.register(), await small.register()];
        const strangers = Array.from({ length: 8 }, () => connect(small.port, '127.0.0.1').on('error', () => {}));
        for (const s of strangers) s.write(`GET /ws/telemetry HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n\r\n`);
        await Promise.all(strangers.map((s) => once(s, 'data'))); // refused, and they do not close
        const enter = (who) => openSocket(small, `/ws/telemetry?token=${who.accessToken}`);
        const held = [];
        for (let i = 0; i < 4; i++) held.push(await enter(many));
        assert.equal((await (await enter(many)).end()).code, 1013, 'it takes nothing from itself');
        assert.deepEqual(held.map((s) => s.closed), [null, null, null, null]);
        for (let i = 0; i < 2; i++) {
            held.push(await enter(few));
            assert.equal((await held[3 - i].end()).code, 1013, 'the newest of who has more than half');
        }
        assert.equal((await (await enter(few)).end()).code, 1013, 'half each');
        assert.deepEqual(held.map((s) => s.closed?.code ?? 0), [0, 0, 1013, 1013, 0, 0]);
        for (const s of strangers) s.destroy();
        for (const s of held) s.close();
        assert.equal(await small.stop(), 0);
    });

    test('is told goodbye when the server stops', async () => {
        const second = await startServer();
        const guest = await second.register();
        const socket = await openSocket(second, `/ws/telemetry?token=${guest.accessToken}`);
        const stopping = second.stop();
        assert.equal((await socket.end()).code, 1001);
        assert.equal(await stopping, 0);
    });
});
