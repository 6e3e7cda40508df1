// Contract, section 10.2, and R8: what is cached is never older than an acknowledged write nor another
// tenant's, and Redis may be killed or stopped under load without anybody noticing.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hasRedis, Redis } from './redis.mjs';
import { startServer } from './server.mjs';

const HOUR = 3600_000, DEVICES = 4;
const CACHES = ['pilot-devices', 'telemetry-query', 'pilot-analytics', 'pilot-quotas', 'performance-metrics', 'organizations', 'users'];
const start = Math.floor((Date.now() - 50 * HOUR) / HOUR) * HOUR;
const iso = (t) => new Date(t).toISOString();
let server, redis, token, key;

async function metric(name) {
    const { text } = await server.request('GET', '/metrics');
    const line = text.split('\n').find((l) => l.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.split(' ')[1]);
}

async function until(what, condition) {
    const begin = Date.now();
    while (!await condition()) {
        assert.ok(Date.now() - begin < 20_000, what); // a hang, not slowness
        await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
    return (Date.now() - begin) / 1000;
}

const average = (id, as = token) => server.call('GET',
    `/analytics/aggregate?deviceId=${id}&variable=v&aggregation=SUM&from=${iso(start)}&to=${iso(start + 48 * HOUR)}&interval=1h`, { token: as });

async function send(id, values) {
    const body = values.map(([t, v]) => ({ deviceId: id, timestamp: t, variables: { v } }));
    await server.ok('POST', '/data/bulk', { device: key[id], body });
}

before(async () => {
    if (hasRedis) redis = await new Redis().start();
    server = await startServer(redis ? { sets: { 'cache.url': redis.url } } : {});
    token = (await server.register()).accessToken;
    key = {};
    for (let d = 0; d < DEVICES; d++) {
        const id = `c-${d}`;
        key[id] = (await server.device(token, id)).apiToken;
        await send(id, Array.from({ length: 2880 }, (_, i) => [start + i * 60_000, 1]));
    }
});
after(async () => {
    await server?.stop();
    await redis?.stop();
});

describe('caches', () => {
    test('all seven have their figures', async () => {
        const { text } = await server.request('GET', '/metrics');
        for (const family of ['hit_ratio', 'size', 'bytes', 'evictions_total'])
            for (const name of CACHES) assert.match(text, new RegExp(`^sensorvision_cache_${family}\\{cache="${name}"\\} [0-9.e-]+$`, 'm'));
    });

    test('a late reading is in the next answer, every time', async () => {
        for (let i = 1; i <= 20; i++) {
            await send('c-0', [[start + 5 * HOUR + i, 1]]);
            const hours = (await average('c-0')).json;
            assert.equal(hours[5].value, 60 + i);
            assert.equal(hours[6].value, 60);
        }
        assert.ok(await metric('sensorvision_cache_hit_ratio{cache="pilot-analytics"}') > 0);
    });

    test('what the catalog says is answered again from its cache, until it says something else', async () => {
        const me = await server.register(), own = { token: me.accessToken };
        const key2 = (await server.device(own.token, 'meta')).apiToken;
        const size = (cache) => metric(`sensorvision_cache_size{cache="${cache}"}`);
        const one = `/users/${me.userId}`, home = `/organizations/${me.organizationId}`;
        let turn = 0;
        const rename = () => server.ok('PUT', '/devices/meta', { ...own, body: { name: `name ${++turn}` } });
        const call = () => server.ok('PUT', one, { ...own, body: { firstName: `name ${++turn}` } });
        const describe_ = () => server.ok('PUT', home, { ...own, body: { description: `name ${++turn}` } });
        const rows = [
            ['pilot-devices', '/devices', rename], ['pilot-devices', '/devices?q=met&page=0', rename], ['pilot-devices', '/devices/meta', rename],
            ['users', '/users', call], ['users', one, call], ['users', '/auth/me', call], ['organizations', home, describe_]];
        for (const [cache, path, change] of rows) {
            await change();
            const before_ = await size(cache), first = await server.ok('GET', path, own);
            assert.deepEqual(await server.ok('GET', path, own), first);
            assert.equal(await size(cache), before_ + 1, path);
            for (let i = 0; i < 5; i++) {
                await change();
                assert.ok(JSON.stringify(await server.ok('GET', path, own)).includes(`"name ${turn}"`), path);
            }
        }
        // what every reading changes is told at once, and ends nothing
        const before_ = await size('pilot-devices');
        assert.equal((await server.ok('GET', '/devices/meta', own)).status, 'UNKNOWN');
        await server.ok('POST', '/ingest/meta', { device: key2, body: { v: 1 } });
        assert.equal((await server.ok('GET', '/devices/meta', own)).status, 'ONLINE');
        assert.equal((await server.ok('GET', '/devices', own))[0].status, 'ONLINE');
        assert.ok(await size('pilot-devices') <= before_ + 1);
        assert.deepEqual(await server.ok('GET', '/devices?status=ONLINE', own), await server.ok('GET', '/devices', own));
    });

    test('another organisation reads nothing of what is warm', async () => {
        const stranger = (await server.register()).accessToken;
        assert.equal((await average('c-0')).status, 200);
        assert.equal((await average('c-0', stranger)).status, 404);
        const own = (await server.device(stranger, 'c-0')).apiToken;
        await server.ok('POST', '/data/bulk', { device: own, body: [{ deviceId: 'c-0', timestamp: start + 5 * HOUR, variables: { v: 3 } }] });
        assert.deepEqual((await average('c-0', stranger)).json.map((h) => h.value), [3]);
    });
});

describe('Redis away (R8)', { skip: hasRedis ? false : 'there is no redis-server here (Debian: redis-tools)' }, () => {
    const percentile = (times, p) => times.sort((a, b) => a - b)[Math.floor((times.length - 1) * p)];

    // Queries and late readings by turns from several clients; every answer is checked.
    async function load(ms) {
        const end = Date.now() + ms, times = [];
        let failed = 0, stale = 0;
        await Promise.all(Array.from({ length: DEVICES - 1 }, async (_, n) => {
            const id = `c-${n + 1}`;
            const sum = async () => (await average(id)).json[7].value;
            for (let expected = await sum(), i = 0; Date.now() < end; i++) {
                if (i % 5 === 0) {
                    const t = start + 7 * HOUR + (expected - 60 + 1);
                    const { status } = await server.call('POST', '/data/bulk', { device: key[id], body: [{ deviceId: id, timestamp: t, variables: { v: 1 } }] });
                    failed += status !== 200;
                    expected += status === 200;
                }
                const begin = performance.now(), answer = await average(id);
                times.push(performance.now() - begin);
                failed += answer.status !== 200;
                stale += answer.status === 200 && answer.json[7].value !== expected;
            }
        }));
        return { failed, stale, p99: percentile(times, 0.99), n: times.length };
    }

    const say = (what, l, calm) => console.log(`R8 ${what}: ${l.n} queries, ${l.failed} failed, ${l.stale} stale, p99 ${l.p99.toFixed(2)} ms, ${(l.p99 / calm.p99).toFixed(2)} times the calm one`);
    const up = () => metric('sensorvision_redis_up').then((v) => v === 1);
    const down = () => up().then((v) => !v);

    async function survives(what, calm, harm, heal) {
        await harm();
        const loaded = await load(700);
        say(what, loaded, calm);
        await until('noticed', down);
        const health = await server.request('GET', '/actuator/health');
        assert.equal(health.status, 200);
        assert.equal(health.json.components.redis.status, 'DOWN');
        await heal();
        console.log(`R8 ${what}: taken up again after ${(await until('taken up', up)).toFixed(2)} s (5 allowed)`);
        assert.deepEqual([loaded.failed, loaded.stale], [0, 0]);
    }

    test('killed and started again, stopped and continued: no request fails, no answer is stale', async () => {
        await until('up', up);
        const calm = await load(700);
        say('calm', calm, calm);
        assert.deepEqual([calm.failed, calm.stale], [0, 0]);
        await survives('killed', calm, () => redis.kill(), () => redis.start());
        await survives('stopped', calm, () => redis.pause(), () => redis.resume());
        assert.equal((await server.request('GET', '/actuator/health')).json.components.redis.status, 'UP');
    });
});
