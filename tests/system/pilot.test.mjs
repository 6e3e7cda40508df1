// The pilot mode from outside: what may exist at most, on every way in; features; who grants what.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ADMIN, run, startServer } from './server.mjs';

const SETS = { 'pilot.max-organizations': 4, 'pilot.max-users-per-org': 2, 'pilot.max-devices-per-org': 3, 'pilot.max-dashboards-per-org': 2,
    'pilot.max-rules-per-org': 2, 'pilot.support.email': 'help@example.org', 'rate-limiting.auth-per-minute': 1000, 'pilot.features-disabled': 'sharing' };
const PASSWORD = 'a long enough password';
const rule = (deviceId) => ({ name: 'r', deviceId, variable: 'x', operator: 'GT', threshold: 1 });

let server;
let ada; // of an organisation that fills up
let bob;

const refused = (answer, name, max) => {
    assert.equal(answer.status, 403, answer.text);
    assert.deepEqual(answer.json.limit, { name, max, used: max });
    assert.match(answer.json.detail, /help@example\.org/);
};

before(async () => {
    server = await startServer({ limits: true, sets: SETS });
    ada = await server.register('ada');
    bob = await server.register('bob');
});
after(() => server?.stop());

describe('counts', () => {
    test('devices are refused by name on every way in, and records of known devices are taken', async () => {
        const token = ada.accessToken;
        const first = await server.device(token, 'one');
        const key = first.apiToken;
        await server.ok('POST', '/ingest/two', { key, body: { x: 1 } });
        const csv = (rows) => server.call('POST', '/import/devices/csv', { token, headers: { 'content-type': 'text/csv' }, body: `externalId,name\n${rows.join('\n')}\n` });
        const imported = await csv(['three,3', 'four,4']);
        assert.equal(imported.json.successCount ?? imported.json.created, 1, imported.text);

        const name = 'pilot.max-devices-per-org';
        refused(await server.call('POST', '/devices', { token, body: { externalId: 'five' } }), name, 3);
        refused(await server.call('POST', '/ingest/five', { key, body: { x: 1 } }), name, 3);
        refused(await server.call('POST', '/data/ingest', { key, body: { deviceId: 'five', variables: { x: 1 } } }), name, 3);
        refused(await server.call('POST', '/data/five/x', { key, body: '1' }), name, 3);
        refused(await server.call('POST', '/data/ingest/five', { key, body: { variables: { x: 1 } } }), name, 3);

        const bulk = await server.ok('POST', '/data/bulk', { key, body: ['one', 'five', 'two', 'six'].map((deviceId) => ({ deviceId, variables: { x: 2 } })) });
        assert.deepEqual(bulk.map((one) => one.status), ['success', 'error', 'success', 'error']);
        assert.match(bulk[1].detail, /pilot\.max-devices-per-org/);
        const lines = await server.call('POST', '//write', { key, headers: { 'content-type': 'text/plain' }, body: 'telemetry,device=one x=3\ntelemetry,device=five x=3\n' });
        assert.equal(lines.status, 400);
        assert.match(lines.json.error, /line 2: .*pilot\.max-devices-per-org/);
        const file = await server.ok('POST', '/import/telemetry/csv', { key, headers: { 'content-type': 'text/csv' }, body: `deviceId,timestamp,x\none,${Date.now()},1\nfive,${Date.now()},1\n` });
        assert.deepEqual([file.successCount, file.failureCount], [1, 1]);
        assert.equal((await server.ok('GET', '/devices', { token })).length, 3);
    });

    test('a body of many new devices fills what room there is, in one go', async () => {
        const device = await server.device(bob.accessToken, 'b-0');
        const many = Array.from({ length: 2000 }, (_, i) => ({ deviceId: `b-${i}`, variables: { x: 1 } }));
        const answer = await server.ok('POST', '/data/ingest/bulk', { key: device.apiToken, body: { telemetry: many } });
        assert.deepEqual([answer.successCount, answer.failureCount], [3, 1997]);
        assert.equal((await server.ok('GET', '/devices', { token: bob.accessToken })).length, 3);
    });

    test('a deleted device leaves room, and its way back needs room', async () => {
        const token = ada.accessToken;
        const gone = await server.ok('GET', '/devices/two', { token });
        assert.equal((await server.call('DELETE', '/devices/two', { token })).status, 204);
        await server.device(token, 'five');
        refused(await server.call('POST', `/devices/${gone.id}/restore`, { token }), 'pilot.max-devices-per-org', 3);
    });

    test('users, also by invitation; dashboards; rules of both kinds', async () => {
        const token = ada.accessToken;
        const person = (username) => ({ username, email: `${username}@example.org`, password: PASSWORD });
        const invited = await server.ok('POST', '/organizations/invitations', { token, body: { email: 'eve@example.org' } });
        refused(await server.call('POST', '/organizations/invitations', { token, body: { email: 'fay@example.org' } }), 'pilot.max-users-per-org', 2);
        await server.ok('POST', '/users', { token, body: person('dan') });
        refused(await server.call('POST', '/users', { token, body: person('eve') }), 'pilot.max-users-per-org', 2);
        refused(await server.call('POST', '/auth/accept-invitation', { body: { token: invited.token, username: 'eve', password: PASSWORD } }), 'pilot.max-users-per-org', 2);

        for (const at of ['first', 'second']) await server.ok('POST', '/dashboards', { token, body: { name: at } });
        refused(await server.call('POST', '/dashboards', { token, body: { name: 'third' } }), 'pilot.max-dashboards-per-org', 2);
        refused(await server.call('GET', '/dashboards/default', { token }), 'pilot.max-dashboards-per-org', 2);

        await server.ok('POST', '/rules', { token, body: rule('one') });
        const fleet = { name: 'f', selectorType: 'ALL', aggregationFunction: 'countDevices', operator: 'LT', threshold: 0 };
        const made = await server.call('POST', '/global-rules', { token, body: { ...fleet, selectorType: 'ORGANIZATION' } });
        assert.ok(made.status < 300, made.text);
        refused(await server.call('POST', '/rules', { token, body: rule('one') }), 'pilot.max-rules-per-org', 2);
        refused(await server.call('POST', '/global-rules', { token, body: { ...fleet, selectorType: 'ORGANIZATION' } }), 'pilot.max-rules-per-org', 2);
    });

    test('of 20 at once that ask for the last place, one gets it', async () => {
        const cy = await server.register('cyd'); // the fourth: the installation's own counts too
        await server.device(cy.accessToken, 'c-0');
        await server.device(cy.accessToken, 'c-1');
        const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => server.call('POST', '/devices', { token: cy.accessToken, body: { externalId: `c-x${i}` } })));
        assert.equal(answers.filter((one) => one.status === 201).length, 1);
        refused(await server.call('POST', '/auth/register', { body: { username: 'dora', email: 'dora@example.org', password: PASSWORD } }), 'pilot.max-organizations', 4);
    });
});

describe('what one organisation is granted', () => {
    const path = (what) => `/pilot/organizations/${ada.organizationId}/${what}`;

    test('an administrator gives it limits of its own, with the event of it', async () => {
        const token = await server.admin();
        const before = (await server.ok('GET', path('limits'), { token })).data;
        assert.equal(before.maxDevices, 3);
        assert.equal(before.own.maxDevices, null);
        const { success, data } = await server.ok('PUT', path('limits'), { token, body: { maxDevices: 5, maxRules: 9 } });
        assert.ok(success);
        assert.deepEqual([data.maxDevices, data.maxRules, data.maxUsers], [5, 9, 2]);
        assert.deepEqual([data.own.maxDevices, data.own.maxRules, data.own.maxUsers], [5, 9, null]);
        await server.device(ada.accessToken, 'six');
        const events = await server.ok('GET', '/events?eventType=LIMITS_CHANGED', { token: ada.accessToken });
        assert.equal(events.content[0].actor, `user:${ADMIN.username}`);
        assert.deepEqual(events.content[0].metadata, { maxDevices: 5, maxRules: 9 });
        const back = (await server.ok('PUT', path('limits'), { token, body: { maxRules: null } })).data;
        assert.deepEqual([back.maxRules, back.own.maxRules], [2, null]);
        for (const bad of [0, -1, 1.5, 1e16, 'many'])
            assert.equal((await server.call('PUT', path('limits'), { token, body: { maxDevices: bad } })).status, 400, String(bad));
        assert.equal((await server.call('GET', '/pilot/organizations/999999/limits', { token })).status, 404);
        assert.equal((await server.call('PUT', path('limits'), { token: ada.accessToken, body: { maxDevices: 100 } })).status, 403);
    });

    test('features: as configured, of its own, and what they answer', async () => {
        const token = await server.admin();
        const ask = async (name) => (await server.ok('GET', `/pilot/features/${name}`, { token: ada.accessToken })).data;
        assert.deepEqual({ ...await ask('rules'), message: '' }, { feature: 'rules', enabled: true, message: '' });
        assert.equal((await ask('sharing')).enabled, false);
        assert.equal((await ask('teleportation')).enabled, false);
        const { data } = await server.ok('PUT', path('features'), { token, body: { sharing: true, rules: false } });
        assert.deepEqual([data.features.sharing, data.features.rules], [true, false]);
        assert.equal((await ask('sharing')).enabled, true);
        const status = (await server.ok('GET', '/pilot/status', { token: ada.accessToken })).data;
        assert.ok(status.featuresEnabled.includes('sharing') && !status.featuresEnabled.includes('rules'));
        assert.deepEqual({ ...status, featuresEnabled: [] }, { pilotMode: true, maxOrganizations: 4, featuresEnabled: [], supportEmail: 'help@example.org', feedbackEnabled: true });
        await server.ok('PUT', path('features'), { token, body: { sharing: null, rules: null } });
        assert.equal((await ask('rules')).enabled, true);
        assert.equal((await server.call('PUT', path('features'), { token, body: { rules: 'yes' } })).status, 400);
        assert.equal((await server.call('PUT', path('features'), { token, body: { 'a b': true } })).status, 400);
    });

    test('retention', async () => {
        const token = await server.admin();
        assert.deepEqual((await server.ok('PUT', path('retention'), { token, body: { retentionDays: 30 } })).data,
            { organizationId: ada.organizationId, retentionDays: 30, effectiveDays: 30, defaultDays: 90 });
        assert.equal((await server.ok('GET', path('retention'), { token })).data.retentionDays, 30);
    });

    test('anybody may see what the program is and whether it works', async () => {
        const info = (await server.ok('GET', '/pilot/info')).data;
        assert.equal(info.supportEmail, 'help@example.org');
        assert.ok(info.features.includes('rules') && !info.features.includes('sharing'));
        const health = (await server.ok('GET', '/pilot/health')).data;
        assert.deepEqual([health.status, health.pilotMode], ['UP', true]);
    });
});

test('pilot.mode=false lifts limits and switches features on, without a restart', async () => {
    const { code } = await run(['config', 'set', 'pilot.mode', 'false', '--data', server.dir]);
    assert.equal(code, 0);
    await server.device(ada.accessToken, 'lifted-1');
    await server.device(ada.accessToken, 'lifted-2');
    const status = (await server.ok('GET', '/pilot/status', { token: ada.accessToken })).data;
    assert.equal(status.pilotMode, false);
    assert.ok(status.featuresEnabled.includes('sharing'));
    await server.register('dora');
});

describe('what people say, what was refused, how the program goes', () => {
    let on; // with the default limits but few points
    let eve;
    before(async () => {
        on = await startServer({ limits: true, sets: { 'rate-limiting.auth-per-minute': 1000, 'pilot.max-telemetry-points-per-day': 10, 'pilot.max-devices-per-org': 1 } });
        eve = await on.register('eve');
    });
    after(() => on?.stop());
    // Asks until the answer is as wanted: what is gathered in memory is written about once a second.
    async function until(ask, wanted) {
        for (const end = Date.now() + 20_000; ;) {
            const answer = await ask();
            if (wanted(answer) || Date.now() > end) return answer;
            await new Promise((resolve) => { setTimeout(resolve, 100); });
        }
    }

    test('the ledger has what was refused, whose and by which limit, folded, as JSON and as CSV', async () => {
        const token = eve.accessToken;
        const { apiToken: key } = await on.device(token, 'only');
        assert.equal((await on.call('POST', '/ingest/only', { key, body: Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`v${i}`, i])) })).status, 200);
        for (let i = 0; i < 25; i++) assert.equal((await on.call('POST', '/ingest/only', { key, body: { v0: 1, v1: 2 } })).status, 429);
        assert.equal((await on.call('POST', '/devices', { token, body: { externalId: 'second' } })).status, 403);
        assert.equal((await on.call('POST', '/data/bulk', { key, body: [{ deviceId: 'second', variables: { x: 1 } }] })).status, 200);
        const rows = await until(async () => (await on.ok('GET', '/pilot/refusals', { token })).data, (list) => list.length === 3 && list.some((one) => one.requests === 25));
        const points = rows.find((one) => one.limit === 'pilot.max-telemetry-points-per-day');
        assert.deepEqual([points.who, points.requests, points.amount, points.way], ['device:only', 25, 50, '/api/v1/ingest/{device}']);
        assert.ok(points.firstAt <= points.lastAt);
        const devices = rows.filter((one) => one.limit === 'pilot.max-devices-per-org').map((one) => one.who).sort();
        assert.deepEqual(devices, ['device:only', 'user:eve']);
        const file = 'externalId,name\nonly,still here\nnew-1,a\nnew-2,b\nnew-3,c\n'; // an import is one request, for so many devices
        const report = await on.ok('POST', '/import/devices/csv', { token, headers: { 'content-type': 'text/csv' }, body: file });
        assert.deepEqual([report.successCount, report.failureCount], [1, 3], JSON.stringify(report));
        const imported = await until(async () => (await on.ok('GET', '/pilot/refusals', { token })).data, (list) => list.length === 4);
        const { who, limit, requests, amount } = imported.find((one) => one.way === '/api/v1/import/devices/csv');
        assert.deepEqual({ who, limit, requests, amount }, { who: 'user:eve', limit: 'pilot.max-devices-per-org', requests: 1, amount: 3 });
        const csv = await on.call('GET', '/pilot/refusals?format=csv', { token });
        assert.match(csv.headers.get('content-disposition'), /attachment/);
        assert.equal(csv.text.trim().split('\r\n').length, 5);
        assert.match(csv.text, /^limit,who,way,requests,amount,firstAt,lastAt\r\n/);
        assert.equal((await on.ok('GET', '/pilot/refusals?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z', { token })).data.length, 0);
        assert.equal((await on.call('GET', '/pilot/refusals?format=xml', { token })).status, 400);
        const stranger = await on.register('stranger');
        assert.deepEqual((await on.ok('GET', '/pilot/refusals', { token: stranger.accessToken })).data, []);
    });

    test('a dry run says what a plan would have refused', async () => {
        const token = eve.accessToken;
        assert.equal((await on.call('POST', '/pilot/limits/dry-run', { token, body: { days: 0 } })).status, 400);
        assert.equal((await on.call('POST', '/pilot/limits/dry-run', { token, body: { maxUsers: -1 } })).status, 400);
        const { data } = await on.ok('POST', '/pilot/limits/dry-run', { token, body: { maxDevices: 5, maxUsers: 1, maxTelemetryPointsPerDay: 4 } });
        assert.equal(data.days, 7);
        const [users, devices, points] = data.limits;
        assert.deepEqual(users, { limit: 'pilot.max-users-per-org', max: 1, used: 1, wouldRefuse: 0 });
        assert.deepEqual(devices, { limit: 'pilot.max-devices-per-org', max: 5, used: 1, wouldRefuse: 0 });
        assert.equal(points.max, 4);
        assert.ok(Array.isArray(points.days));
        const rates = await on.ok('POST', '/pilot/limits/dry-run', { token, body: { requestsPerMinute: 90, burst: 10, telemetryPerMinute: 5 } });
        assert.deepEqual(rates.data.limits.map(({ limit, max }) => [limit, max]), [['rate-limiting.requests-per-minute', 100], ['rate-limiting.telemetry-per-minute', 5]]);
        for (const one of rates.data.limits) assert.deepEqual(Object.keys(one), ['limit', 'max', 'used', 'wouldRefuse', 'busiestMinute', 'days']);
        for (const body of [{ readsPerMinute: 0 }, { readsPerMinute: 1.5 }, { burst: 5 }, { telemetryPerMinute: 'x' }])
            assert.deepEqual(Object.keys((await on.call('POST', '/pilot/limits/dry-run', { token, body })).json.errors), Object.keys(body));
    });

    test('feedback is stored and summed up', async () => {
        const token = eve.accessToken;
        for (const [rating, category] of [[10, 'praise'], [9, 'praise'], [2, 'bug']]) {
            const { success } = await on.ok('POST', '/pilot/feedback', { token, body: { category, rating, title: `rated ${rating}`, message: 'text', email: 'eve@example.org', metadata: { page: '/' } } });
            assert.ok(success);
        }
        for (const bad of [{ rating: 0, message: 'x' }, { rating: 11, message: 'x' }, { rating: 5.5, message: 'x' }, { message: 'x' }, { rating: 5 }, { rating: 5, message: 'x', metadata: [] }])
            assert.equal((await on.call('POST', '/pilot/feedback', { token, body: bad })).status, 400, JSON.stringify(bad));
        const { data } = await on.ok('GET', '/pilot/feedback/summary?days=7', { token: await on.admin() });
        assert.equal(data.totalFeedbacks, 3);
        assert.equal(data.period, '7 days');
        assert.equal(data.averageRating, 7);
        assert.deepEqual(data.ratingDistribution, { 2: 1, 9: 1, 10: 1 });
        assert.deepEqual(data.categoryBreakdown, { praise: 2, bug: 1 });
        assert.deepEqual(data.organizationBreakdown, { [eve.organizationId]: 3 });
        assert.ok(Math.abs(data.netPromoterScore - 100 / 3) < 1e-9);
        assert.deepEqual(data.criticalFeedback.map((one) => one.rating), [2]);
        assert.equal(data.recentFeedback.length, 3);
        assert.deepEqual(data.sentiment, { positive: 2, neutral: 0, negative: 1 });
        assert.equal((await on.call('GET', '/pilot/feedback/summary', { token })).status, 403);
    });

    test('a hundred opinions a day are enough for an organisation', async () => {
        const { accessToken: token } = await on.register('talker');
        const say = () => on.call('POST', '/pilot/feedback', { token, body: { rating: 5, message: 'again' } });
        for (let i = 0; i < 100; i++) assert.equal((await say()).status, 200);
        const answer = await say();
        assert.equal(answer.status, 429);
        assert.equal(answer.json.limit.name, 'feedback-per-day');
    });

    test('analytics are counted', async () => {
        const token = await on.admin();
        const { data } = await on.ok('GET', '/pilot/analytics', { token });
        assert.equal(data.programOverview.totalOrganizations, 4);
        assert.equal(data.programOverview.totalDevices, 1);
        assert.equal(data.programOverview.organizationUtilization, 40);
        assert.equal(data.organizationMetrics.organizations.find((one) => one.name === 'Org of eve').deviceCount, 1);
        assert.equal(data.dailyTrends.dates.length, 31);
        assert.match(data.dailyTrends.dates[30], /^\d{4}-\d\d-\d\d$/);
        assert.equal(data.dailyTrends.dates[30], new Date().toISOString().slice(0, 10));
        assert.ok(data.performanceMetrics.avgApiResponseTime > 0);
        assert.ok(data.dailyTrends.userLogins[30] >= 1);
        const [one] = [(await on.ok('GET', `/pilot/analytics/organizations?organizationId=${eve.organizationId}&days=3`, { token })).data];
        assert.deepEqual([one.organizationId, one.period, one.userCount, one.deviceCount, one.quotaUtilization.devices], [eve.organizationId, '3 days', 1, 1, 100]);
        assert.equal(one.usagePatterns.pointsByHourUtc.length, 24);
        assert.equal((await on.ok('GET', '/pilot/analytics/organizations', { token })).data.length, 4);
        assert.equal((await on.call('GET', '/pilot/analytics/organizations?organizationId=99999', { token })).status, 404);
        assert.equal((await on.call('GET', '/pilot/analytics/organizations?days=99', { token })).status, 400);
        assert.equal((await on.call('GET', '/pilot/analytics', { token: eve.accessToken })).status, 403);
    });
});

describe('onboarding', () => {
    let on;
    before(async () => {
        on = await startServer({ limits: true, sets: { 'rate-limiting.auth-per-minute': 1000, 'pilot.max-organizations': 3, 'server.public-url': 'https://iot.example.org' } });
    });
    after(() => on?.stop());
    const organizations = async () => (await on.ok('GET', '/organizations', { token: await on.admin() })).length;

    test('one call makes an organisation with its administrator, dashboard, device and limits, and the next steps work', async () => {
        const token = await on.admin();
        const answer = await on.call('POST', '/pilot/organizations', { token, body: { name: 'North Plant', adminEmail: 'ann@example.org', deviceId: 'pump-1', limits: { maxDevices: 7 } } });
        assert.equal(answer.status, 201, answer.text);
        const made = answer.json.data;
        assert.equal(made.invitation.sent, false);
        assert.match(made.nextSteps[0], /ann@example\.org.*https:\/\/iot\.example\.org\/accept-invitation\?token=/);
        assert.ok(made.nextSteps[1].includes(made.device.apiToken) && made.nextSteps[1].includes(`http://127.0.0.1:${on.port}/api/v1/ingest/pump-1`));
        assert.equal((await on.call('POST', '/ingest/pump-1', { key: made.device.apiToken, body: { temperature: 23.5 } })).status, 200);
        const ann = await on.ok('POST', '/auth/accept-invitation', { body: { token: made.invitation.token, username: 'ann', password: PASSWORD } });
        assert.equal(ann.organizationId, made.organizationId);
        assert.deepEqual((await on.ok('GET', '/auth/me', { token: ann.accessToken })).roles, ['ROLE_ORG_ADMIN']);
        const dashboards = await on.ok('GET', '/dashboards', { token: ann.accessToken });
        assert.deepEqual(dashboards.map((one) => [one.id, one.isDefault]), [[made.dashboardId, true]]);
        assert.equal((await on.ok('GET', '/data/latest/pump-1', { token: ann.accessToken })).temperature, 23.5);
        assert.equal((await on.ok('GET', '/pilot/usage', { token: ann.accessToken })).data.maxDevices, 7);
        const events = (await on.ok('GET', '/events', { token: ann.accessToken })).content.map((one) => one.eventType);
        for (const type of ['ORGANIZATION_CREATED', 'LIMITS_CHANGED', 'DASHBOARD_CREATED', 'DEVICE_CREATED', 'INVITATION_CREATED']) assert.ok(events.includes(type), type);
    });

    test('what is wrong leaves nothing behind', async () => {
        const token = await on.admin();
        const before = await organizations();
        const good = { name: 'South Plant', adminEmail: 'bea@example.org' };
        for (const bad of [{ ...good, name: '' }, { ...good, adminEmail: 'nobody' }, { ...good, deviceId: 'a'.repeat(65) }, { ...good, deviceId: 'a b\n' }, { ...good, limits: { maxDevices: 0 } }, { ...good, limits: 5 }, {}]) {
            const answer = await on.call('POST', '/pilot/organizations', { token, body: bad });
            assert.equal(answer.status, 400, JSON.stringify(bad) + answer.text);
        }
        assert.equal((await on.call('POST', '/pilot/organizations', { token, body: { ...good, name: 'north plant' } })).status, 409);
        assert.equal(await organizations(), before);
    });

    test('the command does the same', async () => {
        const made = await run(['org', 'onboard', 'East Plant', '--email', 'eva@example.org', '--data', on.dir]);
        assert.equal(made.code, 0, made.stderr);
        const [, link] = /invitation: https:\/\/iot\.example\.org\/accept-invitation\?token=(\S+)/.exec(made.stdout);
        const [, url, key] = /curl -X POST (\S+) -H 'X-API-Key: ([0-9a-f-]{36})'/.exec(made.stdout);
        assert.equal((await on.request('POST', new URL(url).pathname, { headers: { 'x-api-key': key, 'content-type': 'application/json' }, body: '{"temperature":23.5}' })).status, 200);
        assert.equal(new URL(url).port, String(on.port));
        await on.ok('POST', '/auth/accept-invitation', { body: { token: link, username: 'eva', password: PASSWORD } });
        const full = await run(['org', 'onboard', 'One Too Many', '--email', 'x@example.org', '--data', on.dir]);
        assert.equal(full.code, 1);
        assert.match(full.stderr, /pilot\.max-organizations/);
        const answer = await on.call('POST', '/pilot/organizations', { token: await on.admin(), body: { name: 'West', adminEmail: 'w@example.org' } });
        refusedAt(answer, 3);
    });
    const refusedAt = (answer, max) => {
        assert.equal(answer.status, 403, answer.text);
        assert.deepEqual(answer.json.limit, { name: 'pilot.max-organizations', max, used: max });
    };
});
