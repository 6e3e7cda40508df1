// Contract, section 10.2, and R8: after the 2xx of a write no read shows what was before, on every route that
// reads through a cache, with many writers and readers, over both stores, with Redis and whatever happens to it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CacheLoad, NOTHING_WRONG, wrongOf } from './cache_load.mjs';
import { postgresIsHere, startPostgres } from './postgres.mjs';
import { hasRedis, Redis } from './redis.mjs';
import { startServer } from './server.mjs';

const CACHES = ['pilot-devices', 'telemetry-query', 'pilot-analytics', 'pilot-quotas', 'organizations', 'users'];
const OPEN = { 'rate-limiting.enabled': false, 'pilot.mode': false };

async function metrics(server) {
    const { text } = await server.request('GET', '/metrics');
    return (name) => Number(text.split('\n').find((line) => line.startsWith(`${name} `))?.split(' ')[1]);
}

async function until(what, condition) {
    const begin = Date.now();
    while (!await condition()) {
        assert.ok(Date.now() - begin < 20_000, what); // a hang, not slowness
        await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
    return (Date.now() - begin) / 1000;
}

const say = (what, l) => console.log(`${what}: ${l.reads} reads, ${l.writes} writes (${l.retried} again), ${l.failed} failed, ${l.stale} stale, ${l.foreign} foreign, p50 ${l.p50.toFixed(2)} ms, p99 ${l.p99.toFixed(2)} ms`);

async function everyCacheWasRead(load, server) {
    await load.visit();
    const figure = await metrics(server);
    const ratios = CACHES.map((name) => [name, figure(`sensorvision_cache_hit_ratio{cache="${name}"}`)]);
    console.log(`hit ratios: ${ratios.map(([name, ratio]) => `${name} ${(ratio * 100).toFixed(0)} %`).join(', ')}`);
    for (const [name, ratio] of ratios) assert.ok(ratio > 0, name);
}

describe('embedded, in memory', () => {
    let server;
    after(() => server?.stop());

    test('nobody reads what is older than an acknowledged write, nor another\'s', async () => {
        server = await startServer({ sets: OPEN });
        const load = await new CacheLoad(server).prepare();
        const l = await load.run(1500);
        say('embedded', l);
        assert.deepEqual(wrongOf(l), NOTHING_WRONG);
        await everyCacheWasRead(load, server);
    });
});

describe(`${postgresIsHere ? 'PostgreSQL' : 'embedded'} and Redis`, { skip: hasRedis ? false : 'there is no redis-server here (Debian: redis-tools)' }, () => {
    let postgres, redis, server, load, calm;
    before(async () => {
        [postgres, redis] = await Promise.all([postgresIsHere ? startPostgres() : undefined, new Redis().start()]);
        const store = postgres ? { 'store.url': postgres.url } : {};
        server = await startServer({ sets: { ...OPEN, ...store, 'cache.url': redis.url } });
        load = await new CacheLoad(server).prepare();
    });
    after(async () => {
        await server?.stop();
        await Promise.all([redis?.stop(), postgres?.stop()]);
    });
    const up = async () => (await metrics(server))('sensorvision_redis_up') === 1;

    test('nobody reads what is older than an acknowledged write, nor another\'s', async () => {
        await until('up', up);
        const l = await load.run(1500);
        calm = l.p99;
        say('R8 calm', l);
        assert.deepEqual(wrongOf(l), NOTHING_WRONG);
        await everyCacheWasRead(load, server);
    });

    // What each does to Redis while the load runs, and how it ends.
    const harms = {
        killed: [() => redis.kill(), () => redis.start()],
        stopped: [() => redis.pause(), () => redis.resume()],
        slow: [() => redis.slow(60), () => redis.quick()],
        wrong: [() => redis.lie(), () => redis.tellTruth()],
    };
    for (const [what, [harm, heal]] of Object.entries(harms)) {
        test(`Redis ${what} under load: no request fails, no answer is stale or another's, and it is taken up again`, async () => {
            const lies = async () => (await metrics(server))('sensorvision_redis_wrong_answers_total'), before_ = await lies();
            const running = load.run(1200);
            await harm();
            const l = await running, { status, json } = await server.request('GET', '/actuator/health');
            if (what === 'killed') assert.deepEqual([status, json.components.redis.status], [200, 'DOWN']);
            await heal();
            if (what === 'wrong') assert.ok(await lies() > before_); // else nothing was shown
            say(`R8 ${what}, ${(l.p99 / calm).toFixed(2)} times the calm p99`, l);
            assert.deepEqual(wrongOf(l), NOTHING_WRONG);
            console.log(`R8 ${what}: taken up again after ${(await until('taken up', up)).toFixed(2)} s (5 allowed)`);
            const after_ = await load.run(300);
            assert.deepEqual(wrongOf(after_), NOTHING_WRONG);
        });
    }
});
