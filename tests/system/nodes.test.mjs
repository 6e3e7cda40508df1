// Several servers over one PostgreSQL and one Redis: what is done through one is seen by queries and live
// sockets of the other; what is done once is done by one of them, and taken over when it dies.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { postgresIsHere, startPostgres } from './postgres.mjs';
import { hasRedis, Redis } from './redis.mjs';
import { run, startServer, temporaryDir } from './server.mjs';
import { openSocket } from './socket.mjs';

const skip = postgresIsHere && hasRedis ? false : 'there is no PostgreSQL 15 or no Redis here (packages postgresql-15, redis-server)';
const DEADLINE_MS = 10_000;
const WRITES = 300;
const sockets = [];
let postgres, redis, url, a, b, user;

const start = (options = {}) => startServer({ dir: temporaryDir(), ...options, env: { STORE_URL: url, CACHE_URL: redis.url, ...options.env } });
const settled = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// Asks until the answer is right; gives how long that took.
async function until(what, ask) {
    const begin = performance.now();
    for (;;) {
        const answer = await ask();
        if (answer) return { answer, ms: performance.now() - begin };
        assert.ok(performance.now() - begin < DEADLINE_MS, `${what}: not within ${DEADLINE_MS} ms\nA: ${a.log.slice(-1500)}\nB: ${b.log.slice(-1500)}`);
        await settled(1);
    }
}
const status = async (server, method, path, options) => (await server.call(method, path, options)).status;
const info = (server) => server.ok('GET', '//actuator/info').then((i) => i.nodes);
async function listen(server, token) {
    const socket = await openSocket(server, `/ws/telemetry?token=${token}`);
    sockets.push(socket);
    return socket;
}
// The token too, which is news of its own: a device is found in the catalog before.
const knows = (server, device, key) => until('the device and its token', async () => await status(server, 'GET', `/devices/${device}/commands?wait=0`, { device: key }) === 200);
async function addUser(name, org) {
    const made = await run(['user', 'add', name, '--org', org, '--password', `password of ${name}`, '--email', `${name}@example.org`, '--data', temporaryDir()], { env: { STORE_URL: url } });
    assert.equal(made.code, 0, made.stderr);
}
const quantile = (list, q) => [...list].sort((x, y) => x - y)[Math.min(list.length - 1, Math.floor(list.length * q))].toFixed(1);

before(async () => {
    if (skip) return;
    postgres = await startPostgres();
    redis = await new Redis().start();
    url = postgres.database('shared');
    a = await start();
    b = await start();
    user = await a.register('nodes');
    await until('the user at the other', async () => await status(b, 'GET', '/devices', { token: user.accessToken }) === 200);
});
after(async () => {
    for (const socket of sockets) socket.close();
    await a?.stop();
    await b?.stop();
    await redis?.stop();
    await postgres?.stop();
});

describe('readings', { skip }, () => {
    let device, live;
    const latest = async (server) => (await server.call('GET', '/data/latest/n-1', { token: user.accessToken })).json;
    before(async () => {
        if (skip) return;
        device = await a.device(user.accessToken, 'n-1');
        live = await listen(b, user.accessToken);
        await until('the first reading', async () => {
            await a.ok('POST', '/data/ingest/n-1', { device: device.apiToken, body: { variables: { v: -1 } } });
            return live.frames.some((f) => f.deviceId === 'n-1');
        });
    });

    test('sent to one are the newest at the other, and on its sockets', async () => {
        const seen = { latest: [], socket: [] };
        for (let i = 0; i < WRITES; i++) {
            live.frames.length = 0;
            await a.ok('POST', '/data/ingest/n-1', { device: device.apiToken, body: { variables: { v: i } } });
            const begin = performance.now();
            const shown = live.next((f) => f.type === 'DYNAMIC_TELEMETRY' && f.variables.v === i, DEADLINE_MS).then(() => performance.now() - begin);
            seen.latest.push((await until('the newest value', async () => (await latest(b)).v === i)).ms);
            seen.socket.push(await shown);
        }
        for (const [name, list] of Object.entries(seen))
            console.log(`visible at the other server after the acknowledgement, ${name}, ${WRITES} writes: p50 ${quantile(list, 0.5)} ms, p99 ${quantile(list, 0.99)} ms`);
    });

    test('are in ranges and aggregates of the other at once, late ones too', async () => {
        const hour = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 5 * 3_600_000;
        const at = (i) => new Date(hour + i * 1000).toISOString();
        const range = `deviceId=n-1&from=${at(0)}&to=${at(3600)}`;
        const sum = async (server) => (await server.ok('GET', `/analytics/aggregate?${range}&variable=late&aggregation=SUM&interval=1h`, { token: user.accessToken }))[0]?.value;
        const send = (server, i, value) => server.ok('POST', '/data/bulk', { key: undefined, device: device.apiToken, body: [{ deviceId: 'n-1', timestamp: at(i), variables: { late: value } }] });
        await send(a, 1, 1);
        await until('the variable', async () => (await b.call('GET', `/data/query?${range}&variables=late`, { token: user.accessToken })).json?.length === 1);
        for (let i = 2; i < 12; i++) {
            assert.equal(await sum(a), i - 1, 'what the one has cached');
            assert.equal(await sum(b), i - 1, 'what the other has cached');
            await send(i % 2 ? a : b, i, 1);
            assert.equal(await sum(i % 2 ? a : b), i, 'at the one that wrote it, at once');
            await until('the sum', async () => await sum(i % 2 ? b : a) === i);
        }
    });

    test('of one time at both servers end as the same value everywhere', async () => {
        const time = new Date().toISOString();
        for (let i = 0; i < 20; i++)
            await Promise.all([a, b].map((server, k) => server.ok('POST', '/data/ingest/n-1', { device: device.apiToken, body: { timestamp: time, variables: { clash: 2 * i + k } } })));
        await until('one value', async () => {
            const stored = (await a.ok('GET', `/data/query?deviceId=n-1&from=${time}&to=${time}&variables=clash`, { token: user.accessToken }))[0].clash;
            return [await latest(a), await latest(b)].every((l) => l.clash === stored);
        });
    });

    test('make a device that was made at the other just now, and not a second one', async () => {
        for (let i = 0; i < 10; i++)
            await Promise.all([a, b].map((server) => server.ok('POST', `/data/ingest/twin-${i}`, { device: device.apiToken, body: { variables: { [`x${i}`]: 1 } } })));
        for (const server of [a, b]) {
            const { answer } = await until('both', async () => {
                const all = (await server.ok('GET', '/devices?size=100&page=0', { token: user.accessToken })).content.filter((d) => d.externalId.startsWith('twin-'));
                return all.length === 10 && all;
            });
            assert.equal(new Set(answer.map((d) => d.externalId)).size, 10);
        }
    });
});

describe('the catalog', { skip }, () => {
    test('a device made, renamed, silenced, given another token and deleted at one is so at the other', async () => {
        const token = user.accessToken;
        const made = await a.device(token, 'cat-1');
        const send = (server, apiToken) => status(server, 'POST', '/data/ingest/cat-1', { device: apiToken, body: { variables: { a: 1 } } });
        await until('its token', async () => await send(b, made.apiToken) === 200);
        await a.ok('PUT', '/devices/cat-1', { token, body: { name: 'Renamed', location: 'Hall 3' } });
        await until('its name', async () => (await b.ok('GET', '/devices/cat-1', { token })).name === 'Renamed');
        const { apiToken: fresh } = await b.ok('POST', '/devices/cat-1/rotate-token', { token });
        assert.ok(fresh);
        await until('the old token refused', async () => await send(a, made.apiToken) === 401);
        await until('the new token', async () => await send(a, fresh) === 200);
        await a.ok('PUT', '/devices/cat-1', { token, body: { active: false } });
        await until('silenced', async () => await send(b, fresh) !== 200);
        await b.ok('PUT', '/devices/cat-1', { token, body: { active: true } });
        await until('speaking', async () => await send(a, fresh) === 200);
        assert.equal(await status(a, 'DELETE', '/devices/cat-1', { token }), 204);
        await until('gone', async () => await status(b, 'GET', '/devices/cat-1', { token }) === 404);
        await until('its token too', async () => await send(b, fresh) === 401);
    });

    test('who logs out, changes a password or is disabled at one is refused at the other', async () => {
        const hr = await a.register('people');
        const inside = (server, token) => status(server, 'GET', '/devices', { token });
        await until('the first login', async () => await inside(b, hr.accessToken) === 200);
        await a.ok('POST', '/auth/logout', { token: hr.accessToken });
        await until('logged out', async () => await inside(b, hr.accessToken) === 401);

        const second = await b.login(hr.username, hr.password);
        await until('the second login', async () => await inside(a, second) === 200);
        await a.ok('POST', '/auth/change-password', { token: second, body: { currentPassword: hr.password, newPassword: 'another password 1' } });
        await until('other sessions ended', async () => await inside(b, hr.accessToken) === 401);
        const third = await b.login(hr.username, 'another password 1');
        const { key } = await a.ok('POST', '/api-keys', { token: third, body: { name: 'k' } });
        await until('the key', async () => await status(b, 'GET', '/devices', { key }) === 200);

        assert.equal(await inside(a, third), 200);

        await addUser('worker', 'Org of people');
        const fourth = (await until('the new user', async () => (await b.call('POST', '/auth/login', { body: { username: 'worker', password: 'password of worker' } })).json?.accessToken)).answer;
        const worker = await b.ok('GET', '/auth/me', { token: fourth });
        const { key: workersKey } = await b.ok('POST', '/api-keys', { token: fourth, body: { name: 'w' } });
        await until('both', async () => await inside(a, fourth) === 200 && await status(a, 'GET', '/devices', { key: workersKey }) === 200);
        await b.ok('PUT', `/admin/users/${worker.id}/disable`, { token: await a.admin() });
        await until('disabled', async () => await inside(a, fourth) !== 200 && await status(a, 'GET', '/devices', { key: workersKey }) !== 200);
    });

    test('logins that failed at one lock the account at the other, for that address', async () => {
        const hr = await a.register('guessed');
        const token = hr.accessToken;
        await until('the user', async () => await status(b, 'GET', '/devices', { token }) === 200);
        const { apiToken } = await a.device(token, 'tells');
        await knows(b, 'tells', apiToken);
        const login = (server, password) => server.call('POST', '/auth/login', { body: { username: 'guessed', password } });
        for (const [i, server] of [a, b, a, b, a].entries()) {
            assert.equal((await login(server, `wrong password ${i}`)).status, 401, `guess ${i}`);
            await server.ok('POST', '/ingest/tells', { device: apiToken, body: { i } }); // what is told arrives in order
            await until('what was told behind it', async () => (await (server === a ? b : a).call('GET', '/data/latest/tells', { token })).json?.i === i);
        }
        for (const server of [a, b]) {
            const said = await login(server, hr.password);
            assert.equal(said.status, 429, said.text);
            assert.equal(said.json.limit.name, 'login-lockout');
            assert.equal(await status(server, 'GET', '/devices', { token }), 200, 'who is logged in stays');
        }
    });

    test('commands work beside the servers, which hear of what they changed', async () => {
        await addUser('guest', 'Org of nodes');
        await until('the user', async () => await status(a, 'POST', '/auth/login', { body: { username: 'guest', password: 'password of guest' } }) === 200);
        assert.equal((await info(a)).alive, 2, 'a command is no server');
    });

    test('a key that is LIVE, set at one, takes effect at the other, and so does taking it away', async () => {
        const set = async (...args) => assert.equal((await run(['config', ...args, '--data', a.dir], { env: { STORE_URL: url } })).code, 0);
        const many = () => status(b, 'GET', `/analytics/aggregate?deviceId=n-1&variable=v&aggregation=AVG&interval=1m&from=${new Date(Date.now() - 86_400_000).toISOString()}&to=${new Date().toISOString()}`, { token: user.accessToken });
        assert.equal(await many(), 200);
        await set('set', 'pilot.analytics.max-data-points', '100');
        await until('the new limit', async () => await many() === 422);
        await set('unset', 'pilot.analytics.max-data-points');
        await until('the old limit', async () => await many() === 200);
    });

    test('a retention set at one is kept by the other', async () => {
        const org = await a.register('short');
        const d = await a.device(org.accessToken, 'r-1');
        const admin = await a.admin();
        const old = (server) => server.call('POST', '/data/bulk', { device: d.apiToken, body: [{ deviceId: 'r-1', timestamp: new Date(Date.now() - 3 * 86_400_000).toISOString(), variables: { o: 1 } }] });
        await until('it may send', async () => (await old(b)).json?.[0]?.status === 'success');
        await a.ok('PUT', `/organizations/${org.organizationId}/retention`, { token: admin, body: { retentionDays: 1 } });
        await until('too old now', async () => (await old(b)).json?.[0]?.status !== 'success');
    });
});

describe('lists and what is cached of them', { skip }, () => {
    const CHANGES = 30;
    const named = (list, i) => list.some((one) => one.name === `n${i}`);

    // What is made first, what is changed, and how the list shows it.
    const lists = {
        'devices': { path: '/devices', make: (on, token) => on.device(token, 'listed'),
            change: (on, token, i) => on.ok('PUT', '/devices/listed', { token, body: { name: `n${i}` } }), shows: named },
        'dashboards': { path: '/dashboards', make: (on, token) => on.ok('POST', '/dashboards', { token, body: { name: 'd' } }),
            change: (on, token, i, made) => on.ok('PUT', `/dashboards/${made.id}`, { token, body: { name: `n${i}` } }), shows: named },
        'rules': { path: '/rules', make: (on, token) => on.ok('POST', '/rules', { token, body: { name: 'r', deviceId: 'listed', variable: 'v', operator: 'GT', threshold: 1 } }),
            change: (on, token, i, made) => on.ok('PUT', `/rules/${made.id}`, { token, body: { name: `n${i}` } }), shows: named },
        'device groups': { path: '/device-groups', make: () => undefined,
            change: (on, token, i) => on.ok('POST', '/device-groups', { token, body: { name: `n${i}` } }), shows: named },
        'users': { path: '/users', make: () => undefined,
            change: (on, token, i, made, id, user) => on.ok('PATCH', `/users/${user}`, { token, body: { firstName: `n${i}` } }),
            shows: (list, i) => (list.content ?? list).some((one) => one.firstName === `n${i}`) },
        'usage': { path: '/pilot/usage', make: () => undefined,
            change: (on, token, i) => on.device(token, `used-${i}`), shows: (usage, i) => usage.data.deviceCount === i + 2 },
        'the organisation': { path: '/organizations/ID', make: () => undefined,
            change: (on, token, i, made, id) => on.ok('PUT', `/organizations/${id}`, { token, body: { name: `Listed ${i}` } }), shows: (org, i) => org.name === `Listed ${i}` },
    };

    test('a change at one is in the list of the other, whatever that had cached', async () => {
        const hr = await a.register('lists');
        const token = hr.accessToken;
        await until('the user', async () => await status(b, 'GET', '/devices', { token }) === 200);
        for (const [name, { path, make, change, shows }] of Object.entries(lists)) {
            const made = await make(a, token);
            const at = path.replace('ID', hr.organizationId);
            const took = [];
            if (made) await until('what is changed', async () => (await b.ok('GET', at, { token })).some((one) => one.id === made.id));
            for (let i = 0; i < CHANGES; i++) {
                const [writes, reads] = i % 2 ? [b, a] : [a, b];
                for (let warm = 0; warm < 3; warm++) await reads.ok('GET', at, { token });
                await change(writes, token, i, made, hr.organizationId, hr.userId);
                took.push((await until(`${name} ${i}`, async () => shows(await reads.ok('GET', at, { token }), i))).ms);
            }
            console.log(`in the list of the other server after the answer, ${name}, ${CHANGES} changes: p50 ${quantile(took, 0.5)} ms, worst ${quantile(took, 1)} ms`);
        }
    });
});

describe('what is done once', { skip }, () => {
    test('one of two leads, and both know how many there are', async () => {
        const both = [await info(a), await info(b)];
        assert.deepEqual(both.map((n) => n.alive), [2, 2]);
        assert.deepEqual(both.map((n) => n.leads).sort(), [false, true]);
        assert.deepEqual(both.map((n) => n.number).sort(), [1, 2]);
    });

    test('a rule made at one judges what is sent to either, once, and both show the alert', async () => {
        const token = user.accessToken;
        const d = await a.device(token, 'rule-1');
        const sees = [await listen(a, token), await listen(b, token)];
        await knows(b, 'rule-1', d.apiToken);
        await b.ok('POST', '/rules', { token, body: { name: 'hot', deviceId: 'rule-1', variable: 't', operator: 'GT', threshold: 80, cooldownMinutes: 0 } });
        for (const [i, server] of [a, b, a].entries()) {
            for (const t of [20, 90 + i])
                await server.ok('POST', '/data/ingest/rule-1', { device: d.apiToken, body: { variables: { t } } });
            await until('the alert', async () => (await b.ok('GET', '/alerts', { token })).filter((x) => x.triggeredValue === 90 + i).length === 1);
            await Promise.all(sees.map((s) => s.next((f) => f.type === 'ALERT' && f.change === 'RAISED' && f.triggeredValue === 90 + i, DEADLINE_MS)));
        }
        assert.equal((await a.ok('GET', '/alerts', { token })).length, 3);
        for (const s of sees) assert.deepEqual(s.frames.filter((f) => f.type === 'ALERT' && f.change === 'RAISED'), [], 'each frame came once');
    });

    test('a synthetic variable made at either is computed of what is sent to either, and refused from messages', async () => {
        const token = user.accessToken;
        for (const [i, [make, send]] of [[a, b], [b, a]].entries()) {
            const d = await make.device(token, `syn-${i}`);
            await make.ok('POST', `/data/ingest/syn-${i}`, { device: d.apiToken, body: { variables: { x: 1 } } });
            await knows(send, `syn-${i}`, d.apiToken);
            await make.ok('POST', '/synthetic-variables', { token, body: { deviceId: `syn-${i}`, name: 'twice', expression: 'x * 2' } });
            await until('refused', async () => await status(send, 'POST', `/data/ingest/syn-${i}`, { device: d.apiToken, body: { variables: { twice: 1 } } }) === 400);
            await until('computed', async () => {
                await send.ok('POST', `/data/ingest/syn-${i}`, { device: d.apiToken, body: { variables: { x: 21 } } });
                return (await send.ok('GET', `/data/latest/syn-${i}`, { token })).twice === 42;
            });
            await until('seen by both', async () => (await make.ok('GET', `/data/latest/syn-${i}`, { token })).twice === 42);
        }
    });

    test('a command given at one reaches a device that waits at the other', async () => {
        const token = user.accessToken;
        const d = await a.device(token, 'cmd-1');
        await knows(b, 'cmd-1', d.apiToken);
        const waits = b.ok('GET', '/devices/cmd-1/commands?wait=20', { device: d.apiToken });
        await settled(100);
        await a.ok('POST', '/devices/cmd-1/commands', { token, body: { command: 'restart' } });
        const got = await waits;
        assert.equal((Array.isArray(got) ? got : got.commands)[0].command, 'restart');
    });

    test('the leader is killed: the other leads within seconds, and an alert that was due comes once', async () => {
        const token = user.accessToken;
        const d = await a.device(token, 'fail-1');
        await a.ok('POST', '/rules', { token, body: { name: 'over', deviceId: 'fail-1', variable: 't', operator: 'GT', threshold: 50, cooldownMinutes: 0 } });
        await knows(b, 'fail-1', d.apiToken);
        const [leader, other] = (await info(a)).leads ? [a, b] : [b, a];
        await other.ok('POST', '/data/ingest/fail-1', { device: d.apiToken, body: { variables: { t: 10 } } });
        const writes = leader.ok('POST', '/data/ingest/fail-1', { device: d.apiToken, body: { variables: { t: 60 } } });
        await writes;
        await leader.kill();
        const begin = performance.now();
        await until('the lead', async () => (await info(other)).leads);
        console.log(`taken over ${(performance.now() - begin).toFixed(0)} ms after kill -9`);
        await until('the alert', async () => (await other.ok('GET', '/alerts', { token })).some((x) => x.triggeredValue === 60));
        await other.ok('POST', '/data/ingest/fail-1', { device: d.apiToken, body: { variables: { t: 20 } } });
        await other.ok('POST', '/data/ingest/fail-1', { device: d.apiToken, body: { variables: { t: 70 } } });
        await until('the next alert', async () => (await other.ok('GET', '/alerts', { token })).some((x) => x.triggeredValue === 70));
        for (const value of [60, 70])
            assert.equal((await other.ok('GET', '/alerts', { token })).filter((x) => x.deviceId === 'fail-1' && x.triggeredValue === value).length, 1);
        assert.equal((await other.ok('GET', '/data/latest/fail-1', { token })).t, 70);
        await until('alone', async () => (await info(other)).alive === 1);
        const again = await start();
        if (leader === a) a = again; else b = again;
        assert.deepEqual((({ alive, leads }) => ({ alive, leads }))(await info(again)), { alive: 2, leads: false });
    });

    test('a server that stops hands the lead over', async () => {
        const [leader, other] = (await info(a)).leads ? [a, b] : [b, a];
        assert.equal(await leader.stop(), 0);
        await until('the lead', async () => (await info(other)).leads);
        const again = await start();
        if (leader === a) a = again; else b = again;
        await until('two', async () => (await info(other)).alive === 2);
    });
});
