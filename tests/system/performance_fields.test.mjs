// Contract 10.1, field by field, of both stores: what each answer has to have, that it is a number or a string, and
// the few that may be null, each with why. Answers may have more than is listed here; performance.test.mjs knows them all.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { postgresIsHere, startPostgres } from './postgres.mjs';
import { eventually } from './receivers.mjs';
import { hasRedis, Redis } from './redis.mjs';
import { ADMIN, startServer } from './server.mjs';

const P = '/pilot/performance';
const under = (path, names) => names.split(',').map((name) => `${path}.${name}`);
const METRICS = [
    ...under('database', 'databaseProductName,databaseProductVersion,activeConnections,databaseSizeMB,cacheHitRatio,tableSizesMB'),
    ...under('database.slowQueries.*', 'query,calls,total_exec_time,mean_exec_time'),
    ...under('application', 'memoryUsedMB,memoryTotalMB,memoryMaxMB,memoryUsagePercent,jvmMemoryUsedMB,jvmMemoryTotalMB,jvmMemoryMaxMB,jvmMemoryUsagePercent,activeThreads,availableProcessors,uptimeHours'),
    ...under('application.runtime', 'rssMB,heapInUseMB,heapFreeMB,majorFaults,threadsByPool'),
    ...under('pilot', 'telemetryIngestionsLastHour,avgTelemetryProcessingTimeSeconds,activeDevicesLast24h,totalApiCallsToday,alertsLast24h,avgWidgetsPerDashboard'),
    ...under('batchProcessing', 'pendingRecords,activeBatches,batchSize,batchTimeoutMs,maxConcurrentBatches,lastBatchTime,queueCapacity,recordsWritten,batchesFailed,recordsRetried'),
    ...['async', 'telemetry', 'analytics'].flatMap((pool) => under(`executors.${pool}`, 'coreSize,maxSize,active,queued,completed,rejected')),
    ...under('organizations.*', 'id,name,requests,points,p95Ms,errors'),
    ...under('system', 'availableProcessors,javaVersion,runtime,osName,osVersion,metricsCollectedAt'),
];
const REDIS = under('redis', 'usedMemory,maxMemory,connectedClients,operationsPerSecond,keyspaceInfo,cacheHitRatio');
const CACHES = ['pilot-devices', 'telemetry-query', 'pilot-analytics', 'pilot-quotas', 'performance-metrics', 'organizations', 'users'];
const ANSWERS = {
    '/metrics': METRICS,
    '/health': ['healthy', 'status', 'timestamp', 'responseTimeMs', ...['database', 'redis', 'memory', 'performance'].flatMap((check) => under(`checks.${check}`, 'healthy,message'))],
    '/cache/stats': CACHES.flatMap((cache) => under(cache, 'hitRatio,size,evictions,hits,misses,ttlSeconds,bytes,tier')),
    '/recommendations': ['recommendations', 'overallScore', 'status', 'generatedAt',
        ...under('recommendations.*', 'id,category,priority,title,description,impact,effort,evidence')],
    '/thresholds': ['slowQuery', 'cacheHitRatio', 'memoryUsage', 'responseTime'].flatMap((name) => under(name, 'threshold,holdSeconds,state')),
    '/slow-queries': ['timeRange', 'totalQueries', ...under('slowQueries.*', 'query,avgExecutionTimeMs,maxExecutionTimeMs,executionCount,totalTimeMs,recommendation'),
        ...under('performanceImpact', 'slowQueriesPercent,totalSlowTimeMs,potentialSavingsMs')],
    '/trends': ['timeRange', 'alerts', ...under('dataPoints.*', 'timestamp,databaseResponseTimeMs,cacheHitRatio,memoryUsagePercent,telemetryThroughput'),
        ...under('trends', 'databasePerformance,cacheEfficiency,memoryUsage,telemetryThroughput')],
};
// Where null may stand, what it means, and how the answer says so (`of`: the object that has it).
const NULLS = [
    ['/metrics', /^redis$/, 'no Redis, or it does not answer', (of) => typeof of.redisReason === 'string'],
    ['/thresholds', /\.value$/, 'too little happened to have a figure', (of) => typeof of.valueReason === 'string'],
    ['/thresholds', /\.alertId$/, 'nothing is raised', (of) => of.state === 'OK' || of.state === 'PENDING'],
    ['/thresholds', /\.since$/, 'nobody has judged yet', (of) => of.state === 'OK'],
    ['/slow-queries', /\.slowest\.\*\.(requestId|organizationId)$/, 'work of the server, not of a request', (of) => of.requestId === null],
    ['/trends', /^dataPoints\.\*\.(responseTimeMs|storeBytes)$/, 'none was measured in that step', (of, name) => of.unmeasured.includes(name)],
];

// Every value below a path with * for the members of a list.
function reach(value, [name, ...rest]) {
    if (name === undefined) return [value];
    if (name === '*') return value.flatMap((one) => reach(one, rest));
    assert.ok(value !== null && typeof value === 'object' && name in value, `${name} in ${JSON.stringify(value)}`);
    return reach(value[name], rest);
}

function judgeNulls(route, of, path) {
    for (const [key, value] of Object.entries(of)) {
        const at = [...path, Array.isArray(of) ? '*' : key];
        if (value !== null && typeof value === 'object') judgeNulls(route, value, at);
        if (value !== null) continue;
        const known = NULLS.find(([where, pattern]) => where === route && pattern.test(at.join('.')));
        assert.ok(known, `${route} ${at.join('.')} is null`);
        assert.ok(known[3](of, key), `${route} ${at.join('.')} does not say why: ${known[2]}`);
    }
}

for (const store of ['embedded', 'PostgreSQL']) describe(`every field, ${store}`, { skip: store === 'PostgreSQL' && !(postgresIsHere && hasRedis) && 'no PostgreSQL or Redis here' }, () => {
    test('is there, and what is null says why', async () => {
        const postgres = store === 'PostgreSQL' ? await startPostgres() : undefined;
        const redis = postgres ? await new Redis().start() : undefined;
        const sets = { 'pilot.performance.watch-interval': 1, 'pilot.performance.slow-query-threshold': 1, ...(redis ? { 'cache.url': redis.url } : {}) };
        const options = { env: { STORE_URL: postgres?.database('own') ?? '' }, sets };
        let server = await startServer(options);
        const dir = server.dir;
        let admin = await server.login(ADMIN.username, ADMIN.password);
        const me = await server.register();
        await server.ok('POST', '/data/ingest', { token: me.accessToken, body: { deviceId: 'pump', variables: { x: 1 } } });
        for (let i = 0; i < 12; i++) // a clock that is wrong: something to recommend
            assert.equal((await server.call('POST', '/data/ingest', { token: me.accessToken, body: { deviceId: 'pump', timestamp: '2001-01-01T00:00:00Z', variables: { x: 1 } } })).status, 422);
        const get = (path) => server.ok('GET', P + path, { token: admin });
        await eventually('something is advised', async () => (await get('/recommendations')).recommendations.length > 0, 60_000);
        const judge = async (route) => {
            const answer = await get(route);
            for (const path of [...ANSWERS[route], ...(route === '/metrics' && redis ? REDIS : [])])
                for (const value of reach(answer, path.split('.'))) assert.notEqual(value, null, `${route} ${path}`);
            judgeNulls(route, answer, []);
            return answer;
        };
        for (const route of Object.keys(ANSWERS)) if (route !== '/trends') await judge(route);
        assert.equal((await get('/metrics')).redis === null, !redis);
        const keep = server;
        keep.keepDir = true;
        await keep.stop(); // which writes the minute under way: a point of a trend
        server = await startServer({ ...options, dir });
        admin = await server.login(ADMIN.username, ADMIN.password);
        assert.ok((await judge('/trends')).dataPoints.length >= 1);
        server.keepDir = false;
        await server.stop();
        await redis?.stop();
        await postgres?.stop();
    });
});
