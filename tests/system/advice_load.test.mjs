// Recommendations of contract 10.1, each caused by the load it is about through the public API, on servers with
// small settings, and each absent beside a load that is like it but harms nobody. The others (clock, series, one by
// one, queue) stand in advice.test.mjs. What cannot be caused in seconds is that a disk is full in some days: its
// growth needs a day of hours; that it is full now is caused here, the days are tests/unit/pilot/recommend_test.c.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, closeSync, openSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { describe, test } from 'node:test';
import { postgresIsHere, startPostgres } from './postgres.mjs';
import { eventually } from './receivers.mjs';
import { ADMIN, BINARY, startServer, temporaryDir } from './server.mjs';

const WAIT_MS = 60_000;
const LOOK = { 'pilot.performance.watch-interval': 1 };

// A server that looks every second, and what is said of it.
async function begin(options) {
    const server = await startServer({ ...options, sets: { ...LOOK, ...options.sets }, env: { STORE_URL: '', ...options.env } });
    const admin = await server.login(ADMIN.username, ADMIN.password);
    const report = () => server.ok('GET', '/pilot/performance/recommendations', { token: admin });
    const ids = async () => (await report()).recommendations.map((one) => one.id);
    await eventually('the first looks', async () => (await report()).windowSeconds > 0, WAIT_MS); // counts are differences of looks
    return { server, admin, ids,
        find: (id) => eventually(id, async () => (await report()).recommendations.find((one) => one.id === id), WAIT_MS),
        // What is advised once the watch has looked at everything that was done up to now.
        settled: async () => {
            const { windowSeconds } = await report();
            await eventually('another look', async () => (await report()).windowSeconds > (windowSeconds ?? 0), WAIT_MS);
            return ids();
        } };
}

const send = async (server, token, body) => assert.equal((await server.call('POST', '/data/bulk', { token, body })).status, 200);
const bulk = (device, records, values) => Array.from({ length: records }, (_, i) => ({ deviceId: device, timestamp: Date.now() - i * 1000,
    variables: Object.fromEntries(Array.from({ length: values }, (_v, v) => [`v${v}`, i])) }));

// Windows of two hours, long ago and every five minutes: each is an entry of telemetry-query.
async function windows(server, token, device, numbers) {
    const at = (i) => new Date(Date.UTC(2026, 0, 1) + i * 300_000).toISOString();
    for (let i = 0; i < numbers.length; i += 50)
        await Promise.all(numbers.slice(i, i + 50).map((k) => server.ok('GET', `/data/query?deviceId=${device}&limit=1000&from=${at(k)}&to=${at(k + 24)}`, { token })));
}
const count = (n) => Array.from({ length: n }, (_, i) => i);

describe('each is caused by a load and absent beside another', { concurrency: true }, () => {
    test('caches that are too small for what is read again and again', async () => {
        const { server, find, settled } = await begin({ sets: { 'cache.max-bytes': 65_536 } });
        const { accessToken: token } = await server.register();
        const { externalId } = await server.device(token);
        for (let i = 0; i < 8; i++) await windows(server, token, externalId, count(200).map((k) => k % 50)); // fit, and are read again
        assert.deepEqual(await settled(), []);
        await windows(server, token, externalId, count(2500).slice(1000)); // others each time
        const small = await find('cache-small');
        assert.equal(small.apply.value, '131072');
        assert.ok(small.evidence.evictions >= 200 && small.evidence.cacheBytes >= 0.9 * 65_536, JSON.stringify(small));
        await server.stop();
    });

    test('entries that nobody reads again', async () => {
        const { server, find, settled } = await begin({ sets: { 'cache.max-bytes': 65_536 } });
        const { accessToken: token } = await server.register();
        const { externalId } = await server.device(token);
        await windows(server, token, externalId, count(40)); // not read again either, but few
        assert.deepEqual(await settled(), []);
        await windows(server, token, externalId, count(1200));
        const long = await find('ttl-long:telemetry-query');
        assert.deepEqual(long.apply, { key: 'cache.ttl.telemetry-query', value: '30s', needsRestart: false, applied: false });
        assert.ok(long.evidence.misses >= 1000 && long.gain.unit === 'bytes', JSON.stringify(long));
        await server.stop();
    });

    test('entries that end before they are asked for again', async () => {
        const { server, find, ids, settled } = await begin({ sets: { 'cache.ttl.telemetry-query': 1 } });
        const { accessToken: token } = await server.register();
        const { externalId } = await server.device(token);
        const round = (n) => windows(server, token, externalId, count(n));
        for (let i = 0; i < 4; i++) await windows(server, token, externalId, count(300).map((k) => 9000 + i * 300 + k)); // new each time: nothing has ended
        assert.deepEqual(await settled(), []);
        for (const end = Date.now() + WAIT_MS; !(await ids()).includes('ttl-short:telemetry-query') && Date.now() < end;) {
            const again = Date.now() + 1100; // a dashboard that comes back a little too late
            await round(500);
            await eventually('its entries have ended', () => Date.now() > again);
        }
        const short = await find('ttl-short:telemetry-query');
        assert.deepEqual([short.apply.key, short.apply.value, short.priority], ['cache.ttl.telemetry-query', '2s', 'low']);
        assert.ok(short.evidence.expired >= 500, JSON.stringify(short));
        await server.stop();
    });

    test('an organisation that makes most of the points, and keeps them for ever', async () => {
        const { server, admin, find, ids, settled } = await begin({ sets: { 'pilot.performance.retention-cost-size': 100_000, 'analytics.refresh-interval': 1 } });
        const [loud, calm] = [await server.register(), await server.register()];
        for (const one of [loud, calm]) await send(server, one.accessToken, bulk(`of-${one.username}`, 500, 10));
        assert.deepEqual(await settled(), []); // two that send alike
        for (let i = 0; i < 7; i++) await send(server, loud.accessToken, bulk(`loud-${i}`, 1000, 10));
        const noisy = await find(`noisy-organization:${loud.organizationId}:points`);
        assert.ok(noisy.evidence.points >= 60_000 && noisy.evidence.sharePercent > 50 && noisy.gain.unit === 'points/s', JSON.stringify(noisy));
        assert.ok(!(await ids()).some((id) => id.startsWith('noisy') && !id.includes(`:${loud.organizationId}:`)));
        // Large, and with an end: no word of cost. Without one: what an end would give back.
        const keep = (days) => server.ok('PUT', `/pilot/organizations/${loud.organizationId}/retention`, { token: admin, body: { retentionDays: days } });
        assert.deepEqual((await settled()).filter((id) => id.startsWith('retention')), []);
        await keep(0);
        const cost = await find(`retention-cost:${loud.organizationId}`);
        assert.ok(cost.evidence.bytes >= 100_000 && cost.gain.unit === 'bytes', JSON.stringify(cost));
        await keep(30);
        assert.deepEqual((await settled()).filter((id) => id.startsWith('retention')), []);
        await server.stop();
    });

    // A disk of its own, in a namespace of its own.
    const own = process.getuid() === 0 ? ['-m'] : ['-Urm'];
    const mounts = spawnSync('unshare', [...own, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
    test('a disk that is nearly full', { skip: !mounts && 'no file system may be mounted here' }, async () => {
        const dir = temporaryDir();
        const binary = `${dir}.sh`;
        writeFileSync(binary, `#!/bin/sh\nexec unshare ${own.join(' ')} sh -c 'mount -t tmpfs -o size=128m none ${dir} && exec ${BINARY} "$@"' sh "$@"\n`);
        chmodSync(binary, 0o755);
        const { server, find, settled } = await begin({ dir, binary });
        const inside = `/proc/${server.child.pid}/root${dir}`;
        assert.deepEqual(await settled(), []);
        const { bavail, bsize, blocks } = statfsSync(inside);
        const filler = openSync(`${inside}/filler`, 'w');
        const zeros = Buffer.alloc(bsize);
        for (let left = bavail - Math.floor(blocks / 100); left > 0; left--) writeSync(filler, zeros);
        closeSync(filler);
        const full = await find('disk-full');
        assert.ok(full.priority === 'high' && full.evidence.freeBytes < 0.02 * full.evidence.totalBytes, JSON.stringify(full));
        const gauge = async (name) => Number((await server.request('GET', '/metrics')).text.match(new RegExp(`^sensorvision_disk_${name}_bytes (\\S+)`, 'm'))[1]);
        assert.ok(await gauge('free') / await gauge('size') < 0.02);
        rmSync(`${inside}/filler`);
        assert.deepEqual(await settled(), []);
        await server.stop();
        rmSync(dir, { recursive: true, force: true });
        rmSync(binary);
    });
});

describe('of a database', { skip: postgresIsHere ? false : 'there is no PostgreSQL 15 here (package postgresql-15)', concurrency: true }, () => {
    // Somebody else's transaction holds a table until release(), which waits until ready(), and `ms` more: so long
    // everything that is there by then has waited.
    async function hold(postgres, name, table) {
        const psql = spawn('psql', ['-XAtq', '-d', postgres.urlOf(name)], { stdio: ['pipe', 'ignore', 'inherit'] });
        psql.stdin.write(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE;\n`);
        const ask = (sql) => Number(postgres.askIn(name, sql));
        await eventually('the lock', () => ask(`SELECT count(*) FROM pg_locks WHERE relation = '${table}'::regclass AND mode = 'AccessExclusiveLock' AND granted`) === 1);
        return async (ready, ms) => {
            await eventually('they are there', ready, WAIT_MS);
            const from = Date.now();
            await eventually('they have waited', () => Date.now() - from >= ms, WAIT_MS);
            psql.stdin.end('COMMIT;\n');
        };
    }
    const gauge = async (server, name) => Number((await server.request('GET', '/metrics')).text.split('\n').find((line) => line.startsWith(`sensorvision_${name} `)).split(' ')[1]);
    const start = async (sets, prepare) => {
        const postgres = await startPostgres();
        const url = postgres.database('own');
        prepare?.(postgres);
        const it = await begin({ env: { STORE_URL: url }, sets });
        return { ...it, postgres, end: async () => { await it.server.stop(); await postgres.stop(); } };
    };

    test('batches that are too small for what comes in', async () => {
        const { server, postgres, find, settled, end } = await start({ 'pilot.telemetry.batch-size': 10, 'pilot.telemetry.max-concurrent-batches': 1 });
        const { accessToken: token } = await server.register();
        for (let i = 0; i < 20; i++) await send(server, token, bulk('calm', 5, 1)); // one after the other: none is full
        assert.deepEqual(await settled(), []);
        for (let burst = 0; burst < 4; burst++) { // each of fifty that come at once and wait
            const release = await hold(postgres, 'own', 'telemetry_records');
            const sent = Promise.all(count(50).map(() => send(server, token, bulk(`burst-${burst}`, 20, 1))));
            await release(async () => await gauge(server, 'telemetry_queue_depth') >= 900, 100);
            await sent;
        }
        const found = await find('batch-size-small');
        assert.deepEqual([found.apply.key, found.apply.value], ['pilot.telemetry.batch-size', '40']);
        assert.ok(found.evidence.fullBatchesPercent >= 50 && found.evidence.queueMeanMs >= 20, JSON.stringify(found));
        await end();
    });

    test('batches that are too large, and too few connections', async () => {
        const { server, postgres, find, settled, end } = await start({ 'pilot.telemetry.batch-size': 20_000, 'spring.datasource.hikari.maximum-pool-size': 4 });
        const { accessToken: token } = await server.register();
        await server.ok('GET', '/dashboards', { token });
        assert.deepEqual(await settled(), []);
        let release = await hold(postgres, 'own', 'dashboards');
        const looks = count(12).map(() => server.call('GET', '/dashboards', { token }));
        await release(async () => await gauge(server, 'executor_active{pool="async"}') >= 8, 300); // of which four have a connection
        for (const answer of await Promise.all(looks)) assert.equal(answer.status, 200);
        const pool = await find('pool-exhausted');
        assert.deepEqual([pool.apply.key, pool.apply.value], ['spring.datasource.hikari.maximum-pool-size', '8']);
        assert.ok(pool.evidence.waits > 0 && pool.evidence.waitMeanMs >= 10, JSON.stringify(pool));
        release = await hold(postgres, 'own', 'telemetry_records'); // a disk, or a vacuum, that is slow
        const large = send(server, token, bulk('large', 6000, 1));
        await release(async () => await gauge(server, 'telemetry_queue_depth') >= 6000, 400);
        await large;
        const found = await find('batch-size-large');
        assert.deepEqual([found.apply.key, found.apply.value], ['pilot.telemetry.batch-size', '1500']);
        assert.ok(found.evidence.recordsPerBatch >= 5000 && found.evidence.writeMeanMs >= 250, JSON.stringify(found));
        await end();
    });

    test('an index that is missing, and one that nobody uses', async () => {
        // Statistics of a week cannot be waited for: a view in front of PostgreSQL's own says they began earlier.
        const { server, postgres, find, ids, settled, end } = await start({}, (at) => at.askIn('own', `
            CREATE VIEW pg_stat_database AS SELECT datname, now() - interval '8 days' AS stats_reset FROM pg_catalog.pg_stat_database;
            ALTER DATABASE own SET search_path = public, pg_catalog`));
        const { accessToken: token } = await server.register();
        const ask = (sql) => postgres.askIn('own', sql);
        const look = async () => { for (let i = 0; i < 3; i++) await Promise.all(count(10).map(() => server.ok('GET', '/pilot/refusals', { token }))); };
        ask(`INSERT INTO refusals (org, hour, name, who, way, requests, amount, first_ns, last_ns)
             SELECT 1000000 + i % 100, i, 'a limit', repeat(md5(i::text), 3), 'a way', 1, 1, now, now
             FROM generate_series(1, 100000) AS i, (SELECT (extract(epoch FROM now()) * 1e9)::bigint AS now) AS t`);
        ask('CREATE INDEX refusals_asked ON refusals (who, org)');
        ask('ANALYZE refusals');
        ask("SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(*) FROM refusals WHERE who = 'x'");
        // By the index that is there. PostgreSQL counts when the next statement of a connection ends, so go on asking.
        await eventually('its use is counted', async () => {
            await look();
            return Number(ask("SELECT CASE WHEN min(idx_scan) > 0 THEN sum(idx_scan) ELSE 0 END FROM pg_stat_user_indexes WHERE indexrelname IN ('refusals_hour', 'refusals_asked')")) > 100;
        }, WAIT_MS);
        assert.deepEqual((await settled()).filter((id) => id.endsWith(':refusals') || id.endsWith(':refusals_asked')), []);
        ask('DROP INDEX refusals_hour');
        ask('CREATE INDEX refusals_odd ON refusals (who, way)');
        const unused = await find('unused-index:refusals_odd');
        assert.deepEqual([unused.evidence.indexScans, unused.gain.unit, unused.evidence.countedDays], [0, 'bytes', 8]);
        assert.ok(unused.gain.value >= 1e7, JSON.stringify(unused));
        await eventually('it is missed', async () => { await look(); return (await ids()).includes('missing-index:refusals'); }, WAIT_MS);
        const missing = await find('missing-index:refusals');
        assert.ok(missing.priority === 'high' && missing.evidence.rowsRead >= 1e7, JSON.stringify(missing));
        assert.ok(!(await ids()).includes('unused-index:refusals_asked'));
        await end();
    });
});
