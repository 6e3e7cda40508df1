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
