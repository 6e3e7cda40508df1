// Contract, section 10.1: what operators see of the running server, with exact shapes, on the embedded
// store and on PostgreSQL with Redis; what is slow, with its plan; what they may do by hand.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { postgresIsHere, startPostgres } from './postgres.mjs';
import { hasRedis, Redis } from './redis.mjs';
import { ADMIN, run, startServer } from './server.mjs';
import { problem, shape } from './shape.mjs';

const P = '/pilot/performance';
const CACHES = ['pilot-devices', 'telemetry-query', 'pilot-analytics', 'pilot-quotas', 'performance-metrics', 'organizations', 'users'];
const DATABASE = 'databaseProductName,databaseProductVersion,activeConnections,databaseSizeMB,cacheHitRatio,tableSizesMB,slowQueries,slowQueriesFrom,collectedAt';
const MEMORY = ['memoryUsedMB', 'memoryTotalMB', 'memoryMaxMB', 'memoryUsagePercent'];
const EXECUTOR = 'coreSize,maxSize,active,queued,completed,rejected,threads';
let server, admin;

async function until(what, condition) {
    for (const begin = Date.now(); ;) {
        const value = await condition();
        if (value) return value;
        assert.ok(Date.now() - begin < 20_000, what); // a hang, not slowness
        await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
}

// Old documents: numbers and strings, never null, also inside lists.
function numbersOrStrings(value, path) {
    if (value !== null && typeof value === 'object') for (const [key, v] of Object.entries(value)) numbersOrStrings(v, `${path}.${key}`);
    else assert.ok(['number', 'string'].includes(typeof value), `${path} is ${value}`);
}

function judgeMetrics(m) {
    for (const part of ['database', 'application', 'pilot', 'batchProcessing', 'executors', 'organizations', 'system']) numbersOrStrings(m[part], part);
    for (const q of m.database.slowQueries) shape(q, 'query,calls,total_exec_time,mean_exec_time');
    assert.ok(m.database.slowQueries.length > 0 && m.database.databaseSizeMB > 0, JSON.stringify(m.database));
    shape(m.application, `${MEMORY.join()},jvmMemoryUsedMB,jvmMemoryTotalMB,jvmMemoryMaxMB,jvmMemoryUsagePercent,activeThreads,availableProcessors,uptimeHours,runtime`);
    for (const name of MEMORY) assert.equal(m.application[name], m.application[`jvm${name[0].toUpperCase()}${name.slice(1)}`]);
    assert.ok(m.application.memoryUsedMB > 1 && m.application.memoryUsedMB <= m.application.memoryTotalMB && m.application.memoryTotalMB <= m.application.memoryMaxMB);
    shape(m.application.runtime, 'rssMB,heapInUseMB,heapFreeMB,majorFaults,threadsByPool');
    const threads = Object.values(m.application.runtime.threadsByPool).reduce((a, b) => a + b, 0);
    assert.equal(threads, m.application.activeThreads);
    shape(m.pilot, 'telemetryIngestionsLastHour,avgTelemetryProcessingTimeSeconds,activeDevicesLast24h,totalApiCallsToday,alertsLast24h,avgWidgetsPerDashboard,collectedAt');
    shape(m.batchProcessing, 'pendingRecords,activeBatches,batchSize,batchTimeoutMs,maxConcurrentBatches,lastBatchTime,queueCapacity,recordsWritten,batchesFailed,recordsRetried');
    shape(m.executors, 'async,telemetry,analytics');
    for (const executor of Object.values(m.executors)) shape(executor, EXECUTOR);
    for (const organization of m.organizations) shape(organization, 'id,name,requests,points,p95Ms,errors');
    shape(m.system, 'availableProcessors,javaVersion,runtime,osName,osVersion,metricsCollectedAt');
    assert.equal(m.system.javaVersion, 'none (C)');
    assert.equal(m.system.osName, 'Linux');
}

before(async () => {
    server = await startServer({ env: { STORE_URL: '' } });
    admin = await server.login(ADMIN.username, ADMIN.password);
});
after(() => server?.stop());

const get = (path, options = {}) => server.ok('GET', `${P}${path}`, { token: admin, ...options });

describe('the metrics document', () => {
    test('has every field, measured, on the embedded store', async () => {
        const m = await get('/metrics');
        shape(m, 'database,redis,redisReason,application,pilot,batchProcessing,executors,organizations,system');
        shape(m.database, DATABASE);
        assert.equal(m.database.databaseProductName, 'SensorVision embedded store');
        assert.deepEqual(Object.keys(m.database.tableSizesMB), ['log', 'telemetry_records', 'telemetry_hours']);
        assert.equal(m.redis, null);
        assert.equal(m.redisReason, 'No Redis is configured.');
        judgeMetrics(m);
        assert.deepEqual([m.executors.async.coreSize, m.executors.async.maxSize], [8, 16]);
        assert.deepEqual([m.executors.telemetry.coreSize, m.executors.telemetry.maxSize], [4, 8]);
        assert.deepEqual([m.executors.analytics.coreSize, m.executors.analytics.maxSize], [2, 4]);
        assert.deepEqual([m.batchProcessing.batchSize, m.batchProcessing.batchTimeoutMs, m.batchProcessing.maxConcurrentBatches, m.batchProcessing.queueCapacity], [100, 5000, 5, 100000]);
    });

    test('counts each organisation by itself', async () => {
        const quiet = await server.register(), busy = await server.register();
        const { apiToken } = await server.device(busy.accessToken, 'pump');
        for (let i = 0; i < 5; i++) await server.ok('POST', '/ingest/pump', { device: apiToken, body: { a: i, b: i } });
        await server.call('GET', '/devices/none', { token: quiet.accessToken });
        const of = async (who) => (await get('/metrics')).organizations.find((o) => o.id === who.organizationId);
        const mine = await until('the last answer is counted', async () => { const o = await of(busy); return o.requests >= 6 && o; });
        assert.deepEqual([mine.points, mine.errors], [10, 0]);
        assert.ok(mine.p95Ms > 0);
        const theirs = await of(quiet);
        assert.deepEqual([theirs.points, theirs.errors], [0, 0]);
        assert.ok(theirs.requests < mine.requests);
    });

    test('reads counters live and keeps what is costly', async () => {
        const [a, b] = [await get('/metrics'), await get('/metrics')];
        assert.equal(a.database.collectedAt, b.database.collectedAt);
        assert.ok(b.system.metricsCollectedAt > a.system.metricsCollectedAt);
        assert.ok(b.pilot.totalApiCallsToday > a.pilot.totalApiCallsToday);
        await server.ok('DELETE', `${P}/cache/performance-metrics`, { token: admin });
        assert.ok((await get('/metrics')).database.collectedAt > a.database.collectedAt);
    });

    test('and the whole layer can be switched off while the server runs', async () => {
        const set = async (key, value) => assert.equal((await run(['config', 'set', key, value, '--data', server.dir])).code, 0);
        await set('pilot.performance.metrics-enabled', 'false');
        problem(await server.call('GET', `${P}/metrics`, { token: admin }), 404);
        await get('/health');
        await set('pilot.performance.enabled', 'false');
        problem(await server.call('GET', `${P}/health`, { token: admin }), 404);
        await set('pilot.performance.enabled', 'true');
        await set('pilot.performance.metrics-enabled', 'true');
        await get('/metrics');
    });
});

describe('health', () => {
    test('each check says why, in a sentence', async () => {
        const h = await get('/health');
        shape(h, 'healthy,status,checks,timestamp,responseTimeMs');
        assert.deepEqual([h.healthy, h.status], [true, 'UP']);
        shape(h.checks, 'database,redis,memory,performance');
        for (const check of Object.values(h.checks)) {
            shape(check, 'healthy,message');
            assert.match(check.message, /^[A-Z0-9].*\.$/);
            assert.equal(check.healthy, true);
        }
        assert.match(h.checks.redis.message, /No Redis is configured/);
    });
});

describe('caches and batches by hand', () => {
    const trail = async (type) => (await server.ok('GET', `/events?eventType=${type}`, { token: admin })).content;

    test('statistics name all seven, in percent and seconds', async () => {
        const stats = await get('/cache/stats');
        assert.deepEqual(Object.keys(stats), CACHES);
        for (const one of Object.values(stats)) shape(one, 'hitRatio,size,evictions,hits,misses,ttlSeconds,bytes,tier');
        assert.deepEqual([stats['pilot-devices'].ttlSeconds, stats['performance-metrics'].ttlSeconds, stats.users.tier], [300, 120, 'memory']);
    });

    test('one is cleared, and who did it stands in the trail', async () => {
        await get('/metrics');
        const answer = await server.ok('DELETE', `${P}/cache/performance-metrics`, { token: admin });
        shape(answer, 'status,message,clearedAt,previousSize');
        assert.equal(answer.status, 'success');
        assert.ok(answer.previousSize >= 2);
        assert.equal((await get('/cache/stats'))['performance-metrics'].size, 0);
        const [event] = await trail('CACHE_CLEARED');
        assert.deepEqual([event.entityId, event.actor], ['performance-metrics', 'user:admin']);
    });

    test('one that is none is 400 in the words old clients read', async () => {
        const answer = await server.call('DELETE', `${P}/cache/none`, { token: admin });
        assert.equal(answer.status, 400);
        shape(answer.json, 'status,message');
        assert.equal(answer.json.status, 'error');
    });

    test('all are cleared', async () => {
        const answer = await server.ok('DELETE', `${P}/cache`, { token: admin });
        shape(answer, 'status,message,clearedCaches,clearedAt');
        assert.deepEqual(answer.clearedCaches, CACHES);
        assert.equal((await trail('CACHE_CLEARED'))[0].entityId, 'all');
    });

    test('a flush answers when all is durable', async () => {
        const answer = await server.ok('POST', `${P}/telemetry/flush`, { token: admin });
        shape(answer, 'status,message,pendingRecords,activeBatches,batchSize,flushedAt,processingTimeMs');
        assert.deepEqual([answer.status, answer.batchSize], ['success', 100]);
        assert.equal((await trail('TELEMETRY_FLUSHED')).length, 1);
    });
});

describe('prometheus', () => {
    // contract, section 11
    const NAMES = ['http_requests_total', 'http_request_duration_seconds', 'api_response_seconds', 'telemetry_messages_total', 'telemetry_points_total',
        'telemetry_processing_seconds', 'telemetry_throughput_per_hour', 'telemetry_queue_depth', 'db_connections_active', 'db_cache_hit_ratio',
        'db_query_duration_seconds', 'cache_hit_ratio', 'cache_size', 'cache_evictions_total', 'memory_usage_ratio', 'jvm_memory_usage_percent',
        'active_devices_24h', 'errors_total', 'pilot_user_login_failures_total', 'pilot_organizations_active'];
    const promtool = ['/usr/bin/promtool', new URL('../../build/tools/prometheus/usr/bin/promtool', import.meta.url).pathname].find(existsSync);

    test('every name of the contract is there, on both addresses', async () => {
        for (const path of ['/metrics', '/actuator/prometheus']) {
            const { text } = await server.request('GET', path);
            for (const name of NAMES) assert.match(text, new RegExp(`^# TYPE sensorvision_${name} `, 'm'));
        }
    });

    test('promtool finds nothing to say', { skip: !promtool && 'no promtool here' }, async () => {
        const { text } = await server.request('GET', '/metrics');
        assert.equal(execFileSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8' }), '');
    });

    test('operations of every kind are counted by name, and no label is unbounded', async () => {
        await server.call('POST', '/auth/login', { body: { username: 'admin', password: 'wrong' } });
        const { text } = await server.request('GET', '/metrics');
        const count = (kind, operation) => Number(text.match(new RegExp(`^sensorvision_operation_seconds_count\\{kind="${kind}",operation="${operation}"\\} (\\d+)$`, 'm'))?.[1] ?? 0);
        for (const [kind, operation] of [['service', 'auth_service_login'], ['service', 'device_service_create'], ['sql', 'catalog_devices_insert'], ['sql', 'sql_commit'],
            ['store', 'store_write'], ['store', 'cached_write'], ['cache', 'cache_read'], ['task', 'async.run'], ['task', 'async.wait']])
            assert.ok(count(kind, operation) > 0, `${kind} ${operation}`);
        assert.match(text, /^sensorvision_pilot_user_login_failures_total [1-9]/m);
        const labels = new Set([...text.matchAll(/^\w+\{([^}]*)\}/gm)].flatMap(([, all]) => [...all.matchAll(/(\w+)="/g)].map(([, name]) => name)));
        assert.deepEqual([...labels].sort(), ['cache', 'commit', 'kind', 'le', 'method', 'operation', 'pool', 'result', 'route', 'stage', 'status', 'transport', 'version']);
    });
});

const SLOW = 'query,name,avgExecutionTimeMs,maxExecutionTimeMs,executionCount,slowCount,totalTimeMs,recommendation,plan?,plannedAt?,slowest';
const IMPACT = 'slowQueriesPercent,totalSlowTimeMs,potentialSavingsMs';

describe('slow queries', () => {
    test('none is slow at first; hours are checked', async () => {
        const answer = await get('/slow-queries');
        shape(answer, 'timeRange,coveredHours,thresholdMs,totalQueries,slowQueries,performanceImpact');
        assert.deepEqual([answer.timeRange, answer.thresholdMs], ['Last 24 hours', 1000]);
        shape(answer.performanceImpact, IMPACT);
        assert.ok(answer.totalQueries > 10);
        for (const hours of ['0', '-1', 'x', '8761', '1.5']) problem(await server.call('GET', `${P}/slow-queries?hours=${hours}`, { token: admin }), 400);
        assert.equal((await get('/slow-queries?hours=720')).timeRange, 'Last 720 hours');
    });
});

describe('on PostgreSQL with Redis', { skip: !postgresIsHere || !hasRedis }, () => {
    let postgres, redis, node, boss;
    const ask = (path) => node.ok('GET', `${P}${path}`, { token: boss });

    before(async () => {
        postgres = await startPostgres({ settings: { shared_preload_libraries: 'pg_stat_statements' } });
        redis = await new Redis().start();
        node = await startServer({ env: { STORE_URL: postgres.database('performance') }, sets: { 'cache.url': redis.url, 'pilot.performance.slow-query-threshold': 1 } });
        boss = await node.login(ADMIN.username, ADMIN.password);
    });
    after(async () => {
        await node?.stop();
        await redis?.stop();
        await postgres?.stop();
    });

    test('both say themselves how they are', async () => {
        const m = await ask('/metrics');
        shape(m, 'database,redis,application,pilot,batchProcessing,executors,organizations,system');
        shape(m.database, `${DATABASE},serverConnections,serverConnectionsActive,pool`);
        shape(m.database.pool, 'open,lent,waiting,opened,failed,timeouts,leaks');
        assert.equal(m.database.databaseProductName, 'PostgreSQL');
        assert.match(m.database.databaseProductVersion, /^15/);
        assert.equal(m.database.slowQueriesFrom, 'this server'); // the extension is loaded, and not made in this database
        assert.ok(m.database.cacheHitRatio > 50 && m.database.tableSizesMB.telemetry_records >= 0, JSON.stringify(m.database.tableSizesMB));
        assert.ok(m.database.pool.open >= 1 && m.database.serverConnections >= 1); // of two moments: the pool may have grown between
        shape(m.redis, 'usedMemory,maxMemory,connectedClients,operationsPerSecond,keyspaceInfo,cacheHitRatio,collectedAt');
        assert.match(m.redis.usedMemory, /^[0-9.]+[BKMG]$/);
        assert.ok(m.redis.connectedClients >= 2);
        judgeMetrics(m);
    });

    test('pg_stat_statements is read once it is there', async () => {
        postgres.askIn('performance', 'CREATE EXTENSION pg_stat_statements');
        await node.ok('GET', '/devices', { token: boss });
        await node.ok('DELETE', `${P}/cache/performance-metrics`, { token: boss });
        const { database } = await ask('/metrics');
        assert.equal(database.slowQueriesFrom, 'pg_stat_statements');
        for (const q of database.slowQueries) shape(q, 'query,calls,total_exec_time,mean_exec_time');
        assert.ok(database.slowQueries.length > 0);
    });

    test('a slow statement is listed with its plan, and who ran it', async () => {
        const me = await node.register();
        postgres.askIn('performance', `INSERT INTO events (org, created_ns, type, severity, title, actor) SELECT ${me.organizationId}, g, 'NOTHING', 0, repeat('x', 100), 'system' FROM generate_series(1, 60000) g`);
        const slow = await until('the plan is there', async () => {
            await node.call('GET', '/events?sort=title,asc&size=1', { token: me.accessToken, headers: { 'x-request-id': 'the-slow-one' } });
            await node.call('GET', '/events?q=nothing&size=1', { token: me.accessToken, headers: { 'x-request-id': 'the-slow-one' } });
            const { slowQueries } = await ask('/slow-queries?hours=1');
            return slowQueries.find((q) => /FROM events/.test(q.query) && q.plan);
        });
        shape(slow, SLOW);
        assert.match(slow.name, /^catalog_events/);
        assert.match(slow.plan, /cost=/);
        assert.ok(slow.slowCount >= 1 && slow.executionCount >= slow.slowCount && slow.maxExecutionTimeMs >= 1);
        shape(slow.slowest[0], 'tookMs,organizationId,requestId,outcome');
        assert.deepEqual([slow.slowest[0].organizationId, slow.slowest[0].requestId], [me.organizationId, 'the-slow-one']);
        const { performanceImpact } = await ask('/slow-queries');
        assert.ok(performanceImpact.totalSlowTimeMs >= slow.maxExecutionTimeMs);
    });

    test('so is a slow statement of readings, which no catalog knows', async () => {
        const me = await node.register();
        const { apiToken } = await node.device(me.accessToken, 'slow-1');
        const from = Math.floor(Date.now() / 1000) - 7200;
        const lines = Array.from({ length: 5000 }, (_, i) => `telemetry,device=slow-1 v=${i} ${from + i}`).join('\n');
        const written = await node.request('POST', '/api/v2/write?precision=s', { body: lines, headers: { 'x-api-key': apiToken } });
        assert.equal(written.status, 204, written.text);
        const named = async (name) => (await ask('/slow-queries?hours=1')).slowQueries.find((q) => q.name === name && q.plan);
        const write = await until('the write is explained', () => named('postgres_write.bind_records'));
        assert.match(write.plan, /^with the first 1000 elements of its arrays\nInsert on telemetry_records/);
        const read = await until('the read is explained', async () => {
            const rows = await node.call('GET', `/data/query?deviceId=slow-1&variables=v&from=${from}&to=${from + 5000}`, { token: me.accessToken, headers: { 'x-request-id': 'the-long-read' } });
            assert.equal(rows.status, 200, rows.text);
            return named('postgres_scan_open');
        });
        shape(read, SLOW);
        assert.match(read.query, /^SELECT ts_ns, series, value FROM telemetry_records/);
        assert.match(read.plan, /cost=/);
        shape(read.slowest[0], 'tookMs,organizationId,requestId,outcome');
        assert.deepEqual([read.slowest[0].organizationId, read.slowest[0].requestId], [me.organizationId, 'the-long-read']);
    });

    test('Redis away: healthy, DEGRADED, and that check says so', async () => {
        await redis.kill();
        const h = await until('it is seen', async () => { const answer = await node.call('GET', `${P}/health`, { token: boss }); return answer.json.status === 'DEGRADED' && answer; });
        assert.equal(h.status, 200);
        assert.deepEqual([h.json.healthy, h.json.checks.redis.healthy, h.json.checks.database.healthy], [true, false, true]);
        const m = await ask('/metrics');
        assert.deepEqual([m.redis, m.redisReason], [null, 'Redis does not answer.']);
    });

    test('PostgreSQL away: 503, and the sentence says why', async () => {
        await postgres.end('SIGQUIT');
        const h = await until('it is seen', async () => { const answer = await node.call('GET', `${P}/health`, { token: boss }); return answer.status === 503 && answer; });
        assert.deepEqual([h.json.healthy, h.json.status, h.json.checks.database.healthy], [false, 'DOWN', false]);
        assert.match(h.json.checks.database.message, /^Writes cannot be made durable: /);
        const m = await ask('/metrics');
        numbersOrStrings(m.database, 'database');
    });
});
