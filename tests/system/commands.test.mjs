// Contract, sections 4, 5 and 8: commands, kept until the device has them.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startServer } from './server.mjs';
import { problem, shape } from './shape.mjs';

const GIVEN = 'id,command,payload,timestamp,expiresAt';
const LISTED = `${GIVEN},state,sentAt,endedAt,requestedBy`;
let server, me, token;
before(async () => { server = await startServer(); me = await server.register(); token = me.accessToken; });
after(() => server?.stop());

const path = (id) => `/devices/${id}/commands`;
const post = (id, body, rest = '') => server.ok('POST', path(id) + rest, { token, body });
const poll = (device, query = '') => server.ok('GET', `${path(device.externalId)}?${query}`, { device: device.apiToken });
// A poll that is certainly waiting: it has ended the one before it. In an object, or await would wait for it.
async function parked(begin) {
    const [first, second] = [begin(), begin()].map((answer, i) => ({ answer, ended: answer.then(() => i) }));
    return (await Promise.race([first.ended, second.ended])) === 0 ? second : first;
}
const states = async (id) => (await server.ok('GET', path(id), { token })).map((c) => [c.command, c.state]);
const eventTypes = async () => (await server.ok('GET', '/events?entityType=COMMAND&size=200', { token })).content.map((e) => e.eventType);

describe('a command', () => {
    test('is answered as old clients read it, and given once, oldest first', async () => {
        const device = await server.device(token, 'simple');
        for (const [body, rest] of [[{ command: 'reboot' }, ''], [{ command: 'blink', payload: { times: 3, color: ['<b>', 'é'] } }, ''], [{ target: 'relay1' }, '/toggle'], [{}, '/toggle'], [{ variable: 'led', value: 75 }, '/set-value']]) {
            const answer = await post('simple', body, rest);
            shape(answer, 'success,message');
            assert.equal(answer.success, true);
        }
        const given = await poll(device);
        for (const one of given) shape(one, GIVEN);
        assert.deepEqual(given.map((c) => [c.command, c.payload]), [['reboot', null], ['blink', { times: 3, color: ['<b>', 'é'] }],
            ['toggle', { target: 'relay1' }], ['toggle', { target: 'default' }], ['set_value', { variable: 'led', value: 75 }]]);
        assert.ok(Date.parse(given[0].expiresAt) - Date.parse(given[0].timestamp) === 24 * 3600_000);
        assert.deepEqual(await poll(device), []);
        const listed = await server.ok('GET', path('simple'), { token });
        for (const one of listed) shape(one, LISTED);
        assert.deepEqual(listed.map((c) => c.state), Array(5).fill('delivered'));
        assert.equal(listed[0].requestedBy, `user:${me.username}`);
        const types = await eventTypes();
        assert.equal(types.filter((t) => t === 'COMMAND_QUEUED').length, 5);
        assert.equal(types.filter((t) => t === 'COMMAND_DELIVERED').length, 5);
    });

    test('is given again until it is acknowledged', async () => {
        const device = await server.device(token, 'careful');
        for (const command of ['a', 'b', 'c']) await post('careful', { command });
        const first = await poll(device, 'ack=0');
        assert.deepEqual(first.map((c) => c.command), ['a', 'b', 'c']);
        assert.deepEqual(await poll(device, 'ack=0'), first);
        assert.deepEqual(await states('careful'), [['c', 'sent'], ['b', 'sent'], ['a', 'sent']]);
        const second = await poll(device, `ack=${first[1].id}`);
        assert.deepEqual(second, [first[2]]);
        assert.deepEqual(await states('careful'), [['c', 'sent'], ['b', 'delivered'], ['a', 'delivered']]);
        assert.deepEqual(await poll(device, `ack=${first[2].id}`), []);
        assert.deepEqual((await states('careful'))[0], ['c', 'delivered']);
    });

    test('that comes while the device waits is given at once', async () => {
        const device = await server.device(token, 'waiting');
        const began = Date.now();
        const waiting = await parked(() => poll(device, 'wait=30'));
        await post('waiting', { command: 'go' });
        assert.deepEqual((await waiting.answer).map((c) => c.command), ['go']);
        assert.ok(Date.now() - began < 10_000);
    });

    test('is never missed between two polls', async () => {
        const device = await server.device(token, 'racing');
        const seen = [];
        const listen = (async () => {
            while (seen.length < 40) seen.push(...(await poll(device, 'wait=20')).map((c) => c.payload));
        })();
        for (let i = 0; i < 40; i++) await post('racing', { command: 'n', payload: i });
        await listen;
        assert.deepEqual(seen, Array.from({ length: 40 }, (_, i) => i));
    });

    test('that nobody sent is an empty list after the wait', async () => {
        const device = await server.device(token, 'patient');
        const began = Date.now();
        assert.deepEqual(await poll(device, 'wait=1'), []);
        assert.ok(Date.now() - began >= 1000);
    });

    test('is waited for by one poll of a device: the later one stands', async () => {
        const device = await server.device(token, 'twice');
        const first = poll(device, 'wait=60');
        const second = poll(device, 'wait=60');
        assert.deepEqual(await Promise.race([first, second]), []);
        await post('twice', { command: 'x' });
        const both = await Promise.all([first, second]);
        assert.deepEqual(both.map((list) => list.length).sort(), [0, 1]);
    });

    test('is not given to a poll that waits with a token of before', async () => {
        const device = await server.device(token, 'replaced');
        const waiting = await parked(() => server.call('GET', `${path('replaced')}?wait=30&ack=0`, { device: device.apiToken }));
        const fresh = await server.ok('POST', '/devices/replaced/rotate-token', { token });
        await post('replaced', { command: 'secret' });
        problem(await waiting.answer, 401);
        assert.deepEqual(await states('replaced'), [['secret', 'queued']]);
        assert.deepEqual((await poll({ externalId: 'replaced', apiToken: fresh.apiToken })).map((c) => c.command), ['secret']);
    });

    test('expires undelivered, with its event', async () => {
        const device = await server.device(token, 'late');
        await post('late', { command: 'soon', expiresInSeconds: 1 });
        const end = Date.now() + 20_000;
        while ((await states('late'))[0][1] !== 'expired' && Date.now() < end) await new Promise((resolve) => { setTimeout(resolve, 100); });
        assert.deepEqual(await states('late'), [['soon', 'expired']]);
        assert.deepEqual(await poll(device), []);
        assert.ok((await eventTypes()).includes('COMMAND_EXPIRED'));
    });

    test('number 101 is refused, and said when there may be room', async () => {
        const device = await server.device(token, 'full');
        for (let i = 0; i < 100; i++) await post('full', { command: `c${i}`, expiresInSeconds: 600 });
        const refused = await server.call('POST', path('full'), { token, body: { command: 'one more' } });
        const said = problem(refused, 429, 'limit');
        assert.deepEqual(said.limit, { name: 'commands-waiting-per-device', max: 100, used: 100 });
        const wait = Number(refused.headers.get('retry-after'));
        assert.ok(wait > 0 && wait <= 600, refused.headers.get('retry-after'));
        assert.equal((await poll(device)).length, 100);
        await post('full', { command: 'room again' });
    });

    test('with wrong fields is 400 by field', async () => {
        await server.device(token, 'strict');
        for (const [body, rest, field] of [[{}, '', 'command'], [{ command: '' }, '', 'command'], [{ command: 'x'.repeat(101) }, '', 'command'], [{ command: 5 }, '', 'command'],
            [{ command: 'x', payload: 'y'.repeat(8191) }, '', 'payload'], [{ command: 'x', expiresInSeconds: 0 }, '', 'expiresInSeconds'], [{ command: 'x', expiresInSeconds: 604801 }, '', 'expiresInSeconds'],
            [{ value: 5 }, '/set-value', 'variable'], [{ variable: 'led' }, '/set-value', 'value'], [{ target: 5 }, '/toggle', 'target'], [[], '', 'body']]) {
            const said = problem(await server.call('POST', path('strict') + rest, { token, body }), 400, 'errors');
            assert.ok(said.errors[field], JSON.stringify(said.errors));
        }
        await post('strict', { command: 'x'.repeat(100), payload: 'y'.repeat(8190), expiresInSeconds: 604800 });
        assert.equal((await server.call('POST', path('strict'), { token, body: { command: 'x', payload: 'y'.repeat(17 << 10) } })).status, 413);
        for (const query of ['wait=61', 'wait=-1', 'wait=x', 'ack=-1', 'ack=1e3']) {
            const device = await server.ok('POST', '/devices/strict/token/rotate', { token });
            problem(await server.call('GET', `${path('strict')}?${query}`, { device: device.token }), 400);
        }
    });

    test('is for its own device: another one is missing, and a HEAD takes nothing', async () => {
        const device = await server.device(token, 'own');
        await server.device(token, 'neighbour');
        await post('neighbour', { command: 'secret' });
        await post('own', { command: 'mine' });
        const bare = (answer) => answer.text.replaceAll(/"(instance|requestId)":"[^"]*"/g, '');
        const neighbour = await server.call('GET', path('neighbour'), { device: device.apiToken });
        const missing = await server.call('GET', path('nobody'), { device: device.apiToken });
        assert.equal(neighbour.status, 404);
        assert.equal(bare(neighbour), bare(missing));
        assert.equal((await server.call('POST', path('own'), { device: device.apiToken, body: { command: 'x' } })).status, 403);
        const head = await fetch(`${server.url}/api/v1${path('own')}`, { method: 'HEAD', headers: { 'x-device-token': device.apiToken } });
        assert.equal(head.status, 200);
        assert.deepEqual((await poll({ ...device, externalId: device.id })).map((c) => c.command), ['mine']);
    });

    test('survives a restart', async () => {
        const own = await startServer({ dir: server.dir + '-restart' });
        const user = await own.register();
        const device = await own.device(user.accessToken, 'kept');
        await own.ok('POST', path('kept'), { token: user.accessToken, body: { command: 'after all' } });
        await own.kill();
        const again = await startServer({ dir: own.dir });
        const given = await again.ok('GET', path('kept'), { device: device.apiToken });
        assert.deepEqual(given.map((c) => c.command), ['after all']);
        again.keepDir = false;
        await again.stop();
    });

    test('a waiting poll is answered when the server stops', async () => {
        const own = await startServer();
        const user = await own.register();
        const device = await own.device(user.accessToken, 'at-stop');
        const waiting = await parked(() => own.ok('GET', `${path('at-stop')}?wait=60`, { device: device.apiToken }));
        const began = Date.now();
        assert.equal(await own.stop(), 0);
        assert.deepEqual(await waiting.answer, []);
        assert.ok(Date.now() - began < 5000);
    });
});
