// Contract, section 10.1: the thresholds and who is told of them, trends that outlive a restart, and
// recommendations: what causes them, applying one, taking it back.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { eventually, Receiver } from './receivers.mjs';
import { run, startServer, temporaryDir } from './server.mjs';
import { problem, shape } from './shape.mjs';

const P = '/pilot/performance';
const THRESHOLD = 'title,unit,bad,threshold,clearsAt,holdSeconds,value,state,since,alertId,key,holdKey';
const NAMES = ['slowQuery', 'cacheHitRatio', 'memoryUsage', 'responseTime'];
const WAIT_MS = 60_000; // it looks every second; this tells a hang from slowness
const dir = temporaryDir();
let receiver, server, admin;

async function start() {
    server = await startServer({ dir, sets: { 'notifications.webhook.url': `${receiver.url}/site/ok`, 'pilot.telemetry.queue-capacity': 100, 'pilot.performance.watch-interval': 1 } });
    admin = await server.login('admin', (await import('./server.mjs')).ADMIN.password);
}

before(async () => {
    receiver = await Receiver.start();
    await start();
});
after(async () => {
    await server?.stop();
    receiver.server.close();
    rmSync(dir, { recursive: true, force: true });
});

const get = (path) => server.ok('GET', P + path, { token: admin });
const thresholds = () => get('/thresholds');
const change = (body) => server.ok('PUT', `${P}/thresholds`, { token: admin, body });
const advice = async (id) => (await get('/recommendations')).recommendations.find((one) => one.id === id);
const events = async (type) => (await server.ok('GET', `/events?eventType=${type}&size=100`, { token: admin })).content;
const overrides = async () => JSON.parse((await run(['config', 'list', '--json', '--data', dir])).stdout).overrides;

describe('the watch', () => {
    test('says nothing of an idle server', async () => {
        const all = await get('/recommendations');
        shape(all, 'recommendations,overallScore,status,windowSeconds,generatedAt');
        assert.deepEqual([all.recommendations, all.overallScore, all.status], [[], 100, 'excellent']);
    });

    test('has four thresholds, as configured', async () => {
        const all = await thresholds();
        shape(all, NAMES.join());
        for (const name of NAMES) shape(all[name], all[name].value === null ? THRESHOLD.replace('value,', 'value,valueReason,') : THRESHOLD);
        assert.deepEqual(NAMES.map((name) => [all[name].threshold, all[name].unit, all[name].bad, all[name].holdSeconds]),
            [[1000, 'ms', 'above', 60], [80, '%', 'below', 60], [85, '%', 'above', 60], [500, 'ms', 'above', 60]]);
    });

    test('thresholds are changed as keys of the configuration, and survive', async () => {
        const all = await change({ slowQuery: { threshold: 1500, holdSeconds: 30 }, cacheHitRatio: { threshold: 70 } });
        assert.deepEqual([all.slowQuery.threshold, all.slowQuery.holdSeconds, all.cacheHitRatio.threshold, all.cacheHitRatio.holdSeconds], [1500, 30, 70, 60]);
        const kept = Object.fromEntries((await overrides()).map(({ key, value }) => [key, value]));
        assert.deepEqual(kept, { 'pilot.performance.slow-query-threshold': '1500', 'pilot.performance.slow-query-hold': '30s', 'pilot.performance.cache-hit-ratio-threshold': '0.7' });
        for (const [body, field] of [[{ noise: {} }, 'noise'], [{ slowQuery: 3 }, 'slowQuery'], [{ slowQuery: { threshold: 'x' } }, 'slowQuery'], [{ slowQuery: { threshold: 0 } }, 'slowQuery'],
            [{ memoryUsage: { threshold: 100.1 } }, 'memoryUsage'], [{ memoryUsage: { threshold: -1 } }, 'memoryUsage'], [{ responseTime: { holdSeconds: 86401 } }, 'responseTime']]) {
            const bad = problem(await server.call('PUT', `${P}/thresholds`, { token: admin, body }), 400, 'errors');
            assert.deepEqual(Object.keys(bad.errors), [field], JSON.stringify(body));
        }
        assert.equal((await thresholds()).memoryUsage.threshold, 85);
    });

    test('a threshold that is passed is told once, and once when it is over', async () => {
        await change({ memoryUsage: { threshold: 0, holdSeconds: 0 } });
        const raised = await eventually('raised', async () => { const { memoryUsage } = await thresholds(); return memoryUsage.alertId && memoryUsage; }, WAIT_MS);
        assert.ok(raised.value > 0 && raised.state === 'RAISED' && raised.since);
        const bad = await server.call('GET', `${P}/health`, { token: admin }); // of the same state
        assert.deepEqual([bad.status, bad.json.status, bad.json.healthy, bad.json.checks.memory.healthy], [503, 'DOWN', false, false]);
        assert.match(bad.json.checks.memory.message, /over 0.0 %, unhealthy for \d+ s\.$/);
        const alerts = () => receiver.at('/site/ok').filter((one) => one.json.alert?.id === raised.alertId).map((one) => one.json.type);
        await eventually('the webhook heard of it', () => alerts().length > 0, WAIT_MS);
        const [event] = await events('ALERT_CREATED');
        assert.match(event.description, /^Memory usage: the share of memory in use is .* %, more than 0 %$/);
        await change({ memoryUsage: { threshold: 99 } });
        await eventually('it is over', async () => (await thresholds()).memoryUsage.state === 'OK', WAIT_MS);
        assert.equal((await get('/health')).checks.memory.healthy, true);
        await eventually('the webhook heard of the end', () => alerts().includes('alert.resolved'), WAIT_MS);
        assert.deepEqual(alerts(), ['alert.raised', 'alert.resolved']);
        assert.deepEqual([(await events('ALERT_CREATED')).length, (await events('ALERT_RESOLVED')).length], [1, 1]);
        await eventually('nothing is open', async () => (await thresholds()).memoryUsage.alertId === null, WAIT_MS);
    });

    test('a device with a wrong clock, and one that makes ever new variables', async () => {
        const me = await server.register();
        const ingest = (device, body) => server.call('POST', '/data/ingest', { token: me.accessToken, body: { deviceId: device, ...body } });
        assert.equal((await ingest('lost', { variables: { x: 1 } })).status, 200);
        for (let i = 0; i < 12; i++) assert.equal((await ingest('lost', { timestamp: '2001-01-01T00:00:00Z', variables: { x: 1 } })).status, 422);
        for (let part = 0; part < 6; part++)
            assert.equal((await ingest('wild', { variables: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`v${part}_${i}`, i])) })).status, 200);
        const org = `Org of ${me.username}`;
        const clock = await eventually('the clock', () => advice(`wrong-clock:${org}/lost`), WAIT_MS);
        shape(clock, 'id,category,priority,title,description,impact,effort,evidence,gain');
        assert.deepEqual([clock.category, clock.priority, clock.evidence.refusedRecords >= 12], ['devices', 'high', true]);
        const wild = await eventually('the variables', () => advice(`series-explosion:${org}/wild`), WAIT_MS);
        assert.deepEqual([wild.evidence.variables, wild.evidence.variablesMax], [600, 10000]);
        const refused = problem(await server.call('POST', `${P}/recommendations/${encodeURIComponent(clock.id)}/apply`, { token: admin }), 422);
        assert.match(refused.detail, /for a person to do/);
        assert.equal(await advice(`wrong-clock:${org}/wild`), undefined);
    });

    test('dashboards that ask one by one', async () => {
        const me = await server.register();
        const { externalId } = await server.device(me.accessToken);
        await server.ok('POST', '/data/ingest', { token: me.accessToken, body: { deviceId: externalId, variables: { x: 1 } } });
        const ask = () => server.call('GET', `/analytics/aggregate?deviceId=${externalId}&variable=x&aggregation=AVG&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z`, { token: me.accessToken });
        const found = await eventually('the advice', async () => { // at least five in a second, since the start
            await Promise.all(Array.from({ length: 50 }, ask));
            return advice('dashboards-one-by-one');
        }, WAIT_MS);
        assert.ok(found.evidence.singleAggregates > 0 && found.evidence.batchedRequests === 0 && found.gain.unit === 'requests/s');
    });

    test('a full queue: applied, taken back, each with who did it', async () => {
        const me = await server.register();
        const bulk = Array.from({ length: 90 }, (_, i) => ({ deviceId: `q${i}`, variables: { x: i } }));
        const found = await eventually('the advice', async () => {
            await Promise.all(Array.from({ length: 20 }, () => server.call('POST', '/data/bulk', { token: me.accessToken, body: bulk })));
            return advice('queue-near-bound');
        }, WAIT_MS);
        assert.ok(found.evidence.refusedRequests > 0, JSON.stringify(found));
        assert.deepEqual(found.apply, { key: 'pilot.telemetry.queue-capacity', value: '200', needsRestart: false, applied: false });
        const at = (what, id = 'queue-near-bound') => server.call('POST', `${P}/recommendations/${id}/${what}`, { token: admin });
        problem(await at('undo'), 404);
        assert.deepEqual((await at('apply')).json, { id: 'queue-near-bound', status: 'applied', key: 'pilot.telemetry.queue-capacity', value: '200' });
        assert.equal((await overrides()).find(({ key }) => key === 'pilot.telemetry.queue-capacity').value, '200');
        assert.deepEqual((await events('RECOMMENDATION_APPLIED')).map((one) => [one.description, one.entityId]), [['pilot.telemetry.queue-capacity is set to 200', 'queue-near-bound']]);
        assert.deepEqual((await at('undo')).json, { id: 'queue-near-bound', status: 'undone', key: 'pilot.telemetry.queue-capacity', value: null });
        assert.equal((await overrides()).find(({ key }) => key === 'pilot.telemetry.queue-capacity'), undefined);
        assert.equal((await events('RECOMMENDATION_UNDONE')).length, 1);
        problem(await at('undo'), 404);
        problem(await at('apply', 'no-such'), 404);
        assert.equal((await at('apply')).status, 200); // and somebody else sets it then
        assert.equal((await run(['config', 'set', 'pilot.telemetry.queue-capacity', '5000', '--data', dir])).code, 0);
        assert.match(problem(await at('undo'), 409).detail, /set again since/);
        assert.equal((await overrides()).find(({ key }) => key === 'pilot.telemetry.queue-capacity').value, '5000');
    });

    test('trends outlive the process; their hours are bounded', async () => {
        const calls = async () => { const { pilot, system } = await get('/metrics'); return { n: pilot.totalApiCallsToday, day: system.metricsCollectedAt.slice(0, 10) }; };
        const before = await calls();
        assert.ok(before.n > 100, before.n); // those that dashboards asked one by one, above
        await server.stop();
        await start();
        const since = await calls(); // and so does what was called today: one call more, as logins are nobody's
        if (since.day === before.day) assert.equal(since.n, before.n + 1);
        const all = await get('/trends');
        shape(all, 'timeRange,stepSeconds,dataPoints,trends,statistics,alerts');
        assert.deepEqual([all.timeRange, all.stepSeconds, all.alerts], ['24 hours', 300, []]);
        assert.ok(all.dataPoints.length >= 1);
        shape(all.dataPoints[0], 'timestamp,databaseResponseTimeMs,responseTimeMs,cacheHitRatio,memoryUsagePercent,telemetryThroughput,storeBytes,unmeasured');
        assert.ok(all.dataPoints[0].memoryUsagePercent > 0 && all.dataPoints[0].databaseResponseTimeMs > 0);
        assert.deepEqual(all.trends, { databasePerformance: 'stable', responseTime: 'stable', cacheEfficiency: 'stable', memoryUsage: 'stable', telemetryThroughput: 'stable', storeSize: 'stable' });
        assert.equal((await get('/trends?hours=2160')).stepSeconds, 8 * 3600);
        for (const hours of ['0', '2161', 'x', '-1']) problem(await server.call('GET', `${P}/trends?hours=${hours}`, { token: admin }), 400);
    });

    test('switched off, it is not there', async () => {
        assert.equal((await run(['config', 'set', 'pilot.performance.enabled', 'false', '--data', dir])).code, 0);
        for (const path of ['/thresholds', '/trends', '/recommendations']) problem(await server.call('GET', P + path, { token: admin }), 404);
    });
});
