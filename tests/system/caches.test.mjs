// Contract, section 10.2: each cache is read through, says so in its figures, is never older than an acknowledged
// write nor another tenant's, and is warm when somebody comes. Under load, and with Redis away: cache_coherence.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { hasRedis, Redis } from './redis.mjs';
import { run, startServer, temporaryDir } from './server.mjs';

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

    // Windows that begin and end anywhere, as pages ask for "the last hour", against what was sent: cut out of wider
    // entries, ended by each reading.
    test('rows of any recent window are what was sent, while it is sent', async () => {
        const seed = Number(process.env.SV_SEED ?? Date.now() % 1e6);
        console.log(`seed ${seed}`);
        let state = seed;
        const random = (n) => { state = (state * 1103515245 + 12345) % 2147483648; return Math.floor(state / 2147483648 * n); };
        const now = Date.now(), id = 'rows', sent = new Map();
        key[id] = (await server.device(token, id)).apiToken;
        const put = async (points) => { await send(id, points); for (const [t, v] of points) sent.set(t, v); };
        const span = 30 * HOUR;
        await put(Array.from({ length: 1500 }, () => [now - random(span), random(1000)]));
        for (let i = 0; i < 250; i++) {
            if (i % 4 === 3) await put([[now - random(random(2) ? span : 60_000), random(1000)]]);
            const length = [10 * 60_000, HOUR, 6 * HOUR, 25 * HOUR][random(4)], to = random(3) ? Date.now() + random(60_000) : now - random(span), from = to - length;
            const limit = random(5) ? undefined : 1000;
            const { json, headers } = await server.call('GET', `/data/query?deviceId=${id}&from=${from}&to=${to}${limit ? `&limit=${limit}` : ''}`, { token });
            const all = [...sent].filter(([t]) => t >= from && t <= to).sort(([a], [b]) => a - b), most = all.slice(0, limit);
            assert.deepEqual(json.map((row) => [Date.parse(row.timestamp), row.v]), most, `from=${from} to=${to} limit=${limit}`);
            assert.equal(/rel="next"/.test(headers.get('link') ?? ''), most.length < all.length);
            const newest = await server.ok('GET', `/devices/${id}/telemetry?limit=7`, { token });
            assert.deepEqual(newest.map((row) => Date.parse(row.timestamp)), [...sent.keys()].sort((a, b) => b - a).slice(0, 7));
        }
        assert.ok(await metric('sensorvision_cache_hit_ratio{cache="telemetry-query"}') > 0.3);
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

describe('ahead of who asks', () => {
    let one, boss_;
    const figure = async (name) => {
        const { text } = await one.request('GET', '/metrics');
        return Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (.*)$`, 'm').exec(text)[1]);
    };
    after(async () => {
        await one?.stop();
        rmSync(one.dir, { recursive: true, force: true });
    });

    test('after a start the devices and the hours that dashboards show are there before anybody asks', async () => {
        const dir = temporaryDir();
        one = await startServer({ dir });
        boss_ = (await one.register()).accessToken;
        const { apiToken } = await one.device(boss_, 'w-1');
        await one.device(boss_, 'w-2');
        const body = Array.from({ length: 600 }, (_, i) => ({ deviceId: 'w-1', timestamp: Date.now() - i * 120_000, variables: { v: 1, unseen: 1 } }));
        await one.ok('POST', '/data/bulk', { device: apiToken, body });
        await one.ok('POST', '/ingest/w-1', { device: apiToken, body: { v: 1 } }); // it is alive
        const board = (await one.ok('POST', '/dashboards', { token: boss_, body: { name: 'w' } })).id;
        await one.ok('POST', `/dashboards/${board}/widgets`, { token: boss_, body: { name: 'w', type: 'LINE_CHART', deviceId: 'w-1', variableName: 'v', aggregation: 'AVG', timeRangeMinutes: 1440 } });
        await one.stop();
        one = await startServer({ dir });
        await until('devices are warm', async () => await figure('sensorvision_cache_size{cache="pilot-devices"}') === 1);
        await until('hours are warm', async () => await figure('sensorvision_cache_size{cache="pilot-analytics"}') >= 1);
        assert.ok(await figure('sensorvision_cache_size{cache="pilot-analytics"}') <= 2); // two days at most, of the one series that is shown
        assert.equal((await one.ok('GET', '/devices', { token: boss_ })).length, 2);
        assert.ok(await figure('sensorvision_cache_hit_ratio{cache="pilot-devices"}') > 0); // the first question was a hit
    });

    test('what is cleared is made again before anybody asks', async () => {
        const token_ = await one.admin(), stats = async () => (await one.ok('GET', '/pilot/performance/cache/stats', { token: token_ }));
        const before_ = await stats();
        assert.ok(before_['pilot-devices'].size >= 1 && before_['pilot-analytics'].size >= 1);
        for (const name of ['pilot-devices', 'pilot-analytics']) {
            const { previousSize } = await one.ok('DELETE', `/pilot/performance/cache/${name}`, { token: token_ });
            assert.equal(previousSize, before_[name].size);
            await until(`${name} is warm`, async () => (await stats())[name].size >= 1);
        }
    });

    test('lifetimes are LIVE, and pilot.device.cache-ttl stands for the cache it names', async () => {
        const set = async (key, value) => { const { code, stdout, stderr } = await run(['config', 'set', key, value, '--data', one.dir]); assert.equal(code, 0, stdout + stderr); };
        const misses = async () => { const f = await figure('sensorvision_cache_hit_ratio{cache="pilot-devices"}'); await one.ok('GET', '/devices', { token: boss_ }); return await figure('sensorvision_cache_hit_ratio{cache="pilot-devices"}') < f; };
        assert.equal(await misses(), false);
        await set('spring.cache.redis.time-to-live', '1');
        await set('pilot.device.cache-ttl', '0'); // the one above, a millisecond
        await until('what is there has ended too', misses);
        await set('cache.ttl.pilot-devices', '300'); // wins over it
        await misses();
        assert.equal(await misses(), false);
        await set('cache.max-bytes', '0');
        await until('nothing is kept', async () => await figure('sensorvision_cache_size{cache="pilot-devices"}') === 0);
        assert.equal(await misses(), true);
    });
});
