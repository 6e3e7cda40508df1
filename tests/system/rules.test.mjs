// Rules on variables and their alerts (contract §9), through the started binary.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startServer } from './server.mjs';
import { ALERT, EVENT, PAGE, problem, RULE, shape } from './shape.mjs';
import { openSocket } from './socket.mjs';

let server;
before(async () => { server = await startServer(); });
after(() => server?.stop());

const SECOND = 1000;
const base = Math.floor(Date.now() / 1000) * 1000 - 3600 * SECOND; // an hour of past to fill

// An organisation with a device, and a hand for both.
async function world(deviceId = 'pump') {
    const me = await server.register();
    const token = me.accessToken;
    const { apiToken } = await server.device(token, deviceId);
    const w = {
        me, token, deviceId, apiToken,
        rule: (more = {}) => server.ok('POST', '/rules', { token, body: { name: 'hot', deviceId, variable: 't', operator: 'GT', threshold: 80, cooldownMinutes: 0, ...more } }),
        // readings [[second, value], …] of one variable, in one request
        send: (readings, variable = 't') => server.ok('POST', '/data/bulk', { device: apiToken, body: readings.map(([s, v]) => ({ deviceId, timestamp: base + s * SECOND, variables: { [variable]: v } })) }),
        alerts: (query = '') => server.ok('GET', `/alerts${query}`, { token }),
        // alerts as [second, value, resolved at second], oldest first
        seen: async () => (await w.alerts()).map((a) => [at(a.timestamp), a.triggeredValue, a.resolvedAt && at(a.resolvedAt)]).reverse(),
        // the last reading is known to be judged once the marker rule's alert is there
        judged: async () => {
            const marker = await w.rule({ name: 'marker', variable: 'marker' });
            await server.ok('POST', `/ingest/${deviceId}`, { device: apiToken, body: { marker: 12345 } });
            await until(async () => (await w.alerts(`?ruleId=${marker.id}`)).length, 'the marker');
            await server.call('DELETE', `/rules/${marker.id}`, { token });
            return (await w.seen()).filter(([, value]) => value !== 12345);
        },
    };
    return w;
}
const at = (time) => (Date.parse(time) - base) / SECOND;

async function until(look, what, deadline = 10_000) {
    for (const end = Date.now() + deadline; Date.now() < end;) {
        const found = await look();
        if (found) return found;
    }
    throw new Error(`no ${what} within ${deadline / 1000} s`);
}

describe('a rule', () => {
    test('is made, read, changed in part and deleted, with exact shapes and its events', async () => {
        const w = await world();
        const made = await server.call('POST', '/rules', { token: w.token, body: { name: ' hot ', deviceId: 'pump', variable: 't', operator: 'GTE', threshold: 80.5, id: 'x', organizationId: 1, createdAt: '2000-01-01' } });
        assert.equal(made.status, 201, made.text);
        const rule = made.json;
        shape(rule, RULE);
        assert.deepEqual({ ...rule, id: 0, createdAt: 0 }, { id: 0, name: 'hot', description: null, deviceId: 'pump', deviceName: 'pump', variable: 't', operator: 'GTE', threshold: 80.5, enabled: true, forSeconds: 0, clearThreshold: null, cooldownMinutes: 5, createdAt: 0 });
        assert.ok(Date.parse(rule.createdAt) > Date.now() - 60_000);
        assert.deepEqual(await server.ok('GET', `/rules/${rule.id}`, { token: w.token }), rule);
        assert.deepEqual(await server.ok('GET', '/rules', { token: w.token }), [rule]);

        const changed = await server.ok('PUT', `/rules/${rule.id}`, { token: w.token, body: { threshold: 90, clearThreshold: 85, forSeconds: 1.5, cooldownMinutes: 0.5, description: 'why', enabled: false } });
        assert.deepEqual(changed, { ...rule, threshold: 90, clearThreshold: 85, forSeconds: 1.5, cooldownMinutes: 0.5, description: 'why', enabled: false });
        const cleared = await server.ok('PATCH', `/rules/${rule.id}`, { token: w.token, body: { clearThreshold: null, description: null, forSeconds: null, cooldownMinutes: null, enabled: true } });
        assert.deepEqual(cleared, { ...rule, threshold: 90 });

        const page = await server.ok('GET', '/rules?page=0&size=1&sort=name,desc', { token: w.token });
        shape(page, PAGE);
        assert.deepEqual([page.totalElements, page.content.length], [1, 1]);
        for (const [query, n] of [['deviceId=pump', 1], ['deviceId=other', 0], ['enabled=true', 1], ['enabled=false', 0], ['q=HO', 1], ['q=%25', 0]]) assert.equal((await server.ok('GET', `/rules?${query}`, { token: w.token })).length, n, query);
        problem(await server.call('GET', '/rules?enabled=maybe', { token: w.token }), 400);

        const gone = await server.call('DELETE', `/rules/${rule.id}`, { token: w.token });
        assert.deepEqual([gone.status, gone.text], [204, '']);
        problem(await server.call('GET', `/rules/${rule.id}`, { token: w.token }), 404);
        problem(await server.call('DELETE', `/rules/${rule.id}`, { token: w.token }), 404);
        const events = (await server.ok('GET', '/events?entityType=RULE', { token: w.token })).content;
        events.forEach((event) => shape(event, EVENT));
        assert.deepEqual(events.map((e) => [e.eventType, e.entityId, e.deviceId, e.userId]), ['RULE_DELETED', 'RULE_UPDATED', 'RULE_UPDATED', 'RULE_CREATED'].map((type) => [type, rule.id, 'pump', w.me.userId]));
    });

    test('names every wrong field, and an unknown device is 404', async () => {
        const w = await world();
        const good = { name: 'n', deviceId: 'pump', variable: 't', operator: 'GT', threshold: 1 };
        const wrong = async (body, fields) => {
            const answer = await server.call('POST', '/rules', { token: w.token, body });
            assert.deepEqual(Object.keys(problem(answer, 400, 'errors').errors).sort(), fields, JSON.stringify(body));
        };
        await wrong({}, ['deviceId', 'name', 'operator', 'threshold', 'variable']);
        await wrong({ ...good, operator: 'NE' }, ['operator']);
        await wrong({ ...good, operator: null }, ['operator']);
        await wrong({ ...good, threshold: '80' }, ['threshold']);
        await wrong({ ...good, threshold: null }, ['threshold']);
        await wrong({ ...good, name: 'x'.repeat(256) }, ['name']);
        await wrong({ ...good, name: ' ' }, ['name']);
        await wrong({ ...good, description: 'x'.repeat(2001) }, ['description']);
        await wrong({ ...good, variable: 'x'.repeat(101) }, ['variable']);
        await wrong({ ...good, clearThreshold: 2 }, ['clearThreshold']);
        await wrong({ ...good, operator: 'LT', clearThreshold: 0 }, ['clearThreshold']);
        await wrong({ ...good, operator: 'EQ', clearThreshold: 1 }, ['clearThreshold']);
        await wrong({ ...good, forSeconds: -1 }, ['forSeconds']);
        await wrong({ ...good, forSeconds: 604801 }, ['forSeconds']);
        await wrong({ ...good, cooldownMinutes: 10081 }, ['cooldownMinutes']);
        await wrong({ ...good, enabled: 'yes' }, ['enabled']);
        await wrong([], ['body']);
        problem(await server.call('POST', '/rules', { token: w.token, body: { ...good, deviceId: 'nobody' } }), 404);
        problem(await server.call('POST', '/rules', { token: w.token, body: '{' }), 400);
        const edge = await server.ok('POST', '/rules', { token: w.token, body: { ...good, name: 'x'.repeat(255), variable: 'v'.repeat(100), forSeconds: 604800, cooldownMinutes: 10080, description: 'd'.repeat(2000) } });
        assert.deepEqual([edge.forSeconds, edge.cooldownMinutes], [604800, 10080]);
        const answer = await server.call('PUT', `/rules/${edge.id}`, { token: w.token, body: { name: null, deviceId: '', threshold: null } });
        assert.deepEqual(Object.keys(problem(answer, 400, 'errors').errors).sort(), ['deviceId', 'name', 'threshold']);
    });
});

describe('an alert', () => {
    test('is raised by the first reading that holds, resolved by the first that does not, once each', async () => {
        const w = await world();
        await w.rule();
        await w.send([[0, 80], [1, 80.5], [2, 300], [3, 80], [4, 79], [5, 200]]);
        assert.deepEqual(await w.judged(), [[1, 80.5, 3], [5, 200, null]]);
        const [newest, older] = (await w.alerts()).filter((a) => a.ruleName === 'hot');
        shape(newest, ALERT);
        assert.deepEqual([newest.severity, older.severity, newest.message, newest.deviceName, newest.acknowledged], ['HIGH', 'LOW', 'pump: t is 200, above 80', 'pump', false]);
    });

    test('waits for the hold time, resolves past the clear threshold, and respects the cooldown', async () => {
        const w = await world();
        await w.rule({ forSeconds: 10, clearThreshold: 70, cooldownMinutes: 1 });
        await w.send([[0, 90], [9, 90], [9.5, 80], [10, 90], [20, 90], [25, 75], [30, 70], [31, 90], [60, 90], [79, 90], [80, 91], [81, 92], [90, 60]]);
        assert.deepEqual(await w.judged(), [[20, 90, 30], [80, 91, 90]]);
    });

    test('of a variable that a message lacks never comes, and a variable that appears later is judged', async () => {
        const w = await world();
        await w.rule({ operator: 'LT', threshold: 10 });
        await w.send([[0, 100], [1, 100]], 'other');
        assert.deepEqual(await w.judged(), []);
        await w.send([[2, 5]]);
        assert.deepEqual(await w.judged(), [[2, 5, null]]);
    });

    test('never comes from history, not from what is late, and each operator is what it says', async () => {
        const w = await world();
        await w.send([[0, 100], [10, 100]]);
        for (const operator of ['GT', 'GTE', 'LT', 'LTE', 'EQ']) await w.rule({ name: operator, operator, threshold: 50 });
        await w.send([[5, 50], [9, 1000]]); // late: behind the newest when the rules were made
        assert.deepEqual(await w.judged(), []);
        await w.send([[20, 50], [21, 51], [22, 49]]);
        await w.judged();
        const by = {};
        for (const a of (await w.alerts()).reverse()) (by[a.ruleName] ??= []).push(at(a.timestamp));
        delete by.marker;
        assert.deepEqual(by, { GTE: [20], LTE: [20, 22], EQ: [20], GT: [21], LT: [22] });
    });

    test('of a clock that is 20 hours ahead comes once and hides nothing that follows', async () => {
        const w = await world();
        await w.rule();
        const ahead = 3600 + 20 * 3600;
        for (const reading of [[0, 90], [1, 10], [ahead, 95], [ahead, 95], [2, 10], [3, 99]]) await w.send([reading]);
        const seen = await w.judged();
        assert.deepEqual(seen.map(([s, v]) => [s, v]).sort((a, b) => a[0] - b[0]), [[0, 90], [3, 99], [ahead, 95]]);
        assert.deepEqual(seen.filter(([, , resolved]) => resolved === null).map(([s]) => s), [3]);
    });

    test('is acknowledged and resolved by people, the first one counts, with events', async () => {
        const w = await world();
        const rule = await w.rule({ cooldownMinutes: 1 });
        await w.send([[0, 100]]);
        const [raised] = await until(async () => { const all = await w.alerts(); return all.length && all; }, 'alert');
        assert.deepEqual(await server.ok('GET', `/alerts/${raised.id}`, { token: w.token }), raised);
        const acknowledged = await server.ok('POST', `/alerts/${raised.id}/acknowledge`, { token: w.token });
        shape(acknowledged, ALERT);
        assert.ok(acknowledged.acknowledged && Date.parse(acknowledged.acknowledgedAt) > Date.now() - 60_000);
        assert.equal(acknowledged.resolvedAt, null);
        assert.deepEqual(await server.ok('POST', `/alerts/${raised.id}/acknowledge`, { token: w.token }), acknowledged);
        assert.deepEqual(await w.alerts('?unacknowledgedOnly=true'), []);
        assert.equal((await w.alerts('?openOnly=true')).length, 1);
        const resolved = await server.ok('POST', `/alerts/${raised.id}/resolve`, { token: w.token });
        assert.ok(resolved.resolvedAt);
        assert.deepEqual(await server.ok('POST', `/alerts/${raised.id}/resolve`, { token: w.token, body: {} }), resolved);
        assert.deepEqual(await w.alerts('?openOnly=true'), []);
        const events = (await server.ok('GET', '/events?entityType=ALERT', { token: w.token })).content;
        assert.deepEqual(events.map((e) => [e.eventType, e.actor]), [['ALERT_RESOLVED', `user:${w.me.username}`], ['ALERT_ACKNOWLEDGED', `user:${w.me.username}`], ['ALERT_CREATED', 'system']]);
        await w.send([[30, 100], [61, 100], [62, 100]]); // still holds: again once the cooldown has ended
        assert.deepEqual((await w.judged()).map(([s]) => s), [0, 61]);
        problem(await server.call('POST', '/alerts/00000000-0000-4000-8000-000000000000/resolve', { token: w.token }), 404);
        problem(await server.call('POST', '/alerts/nonsense/acknowledge', { token: w.token }), 404);
        assert.equal((await w.alerts(`?ruleId=${rule.id}`)).length, 2);
    });

    test('is found by rule, device, severity, time and page', async () => {
        const w = await world();
        const rule = await w.rule({ threshold: 10 });
        await w.send([[0, 11], [1, 5], [2, 16], [3, 5], [4, 21], [5, 5], [6, 31]]);
        await until(async () => (await w.alerts()).length === 4, 'four alerts');
        const seconds = async (query) => (await w.alerts(`?${query}`)).map((a) => at(a.timestamp));
        assert.deepEqual(await seconds(`ruleId=${rule.id}`), [6, 4, 2, 0]);
        assert.deepEqual(await seconds('deviceId=pump'), [6, 4, 2, 0]);
        for (const [severity, wanted] of [['LOW', [0]], ['MEDIUM', [2]], ['HIGH', [4]], ['CRITICAL', [6]]]) assert.deepEqual(await seconds(`severity=${severity}`), wanted);
        assert.deepEqual(await seconds(`startTime=${base + 2000}&endTime=${base + 4000}`), [4, 2]);
        const page = await server.ok('GET', '/alerts?page=1&size=3', { token: w.token });
        shape(page, PAGE);
        assert.deepEqual([page.totalElements, page.content.map((a) => at(a.timestamp))], [4, [0]]);
        const sorted = await server.ok('GET', '/alerts?page=0&size=2&sort=timestamp,asc', { token: w.token });
        assert.deepEqual(sorted.content.map((a) => at(a.timestamp)), [0, 2]);
        for (const query of ['severity=LOUD', 'openOnly=1', 'unacknowledgedOnly=yes', 'startTime=x', 'sort=nothing']) problem(await server.call('GET', `/alerts?${query}`, { token: w.token }), 400);
    });

    test('ends with its rule: disabled, moved or deleted; enabled again nothing of before is judged', async () => {
        const w = await world();
        const rule = await w.rule();
        const put = (body) => server.ok('PUT', `/rules/${rule.id}`, { token: w.token, body });
        const open = async () => (await w.alerts('?openOnly=true')).length;
        await w.send([[0, 90]]);
        await until(open, 'alert');
        await put({ enabled: false });
        assert.equal(await open(), 0);
        await w.send([[1, 70], [2, 99]]);
        assert.deepEqual((await w.judged()).map(([s]) => s), [0]);
        await put({ enabled: true });
        await w.send([[1.5, 98], [3, 95]]);
        await until(open, 'alert');
        await put({ variable: 'u' });
        assert.equal(await open(), 0);
        await w.send([[4, 91]], 'u');
        await until(open, 'alert');
        await put({ threshold: 95 }); // 91 does not hold any more: the next reading resolves
        await w.send([[5, 92]], 'u');
        await until(async () => !await open(), 'resolution');
        await w.send([[6, 96]], 'u');
        await until(open, 'alert');
        assert.equal((await server.call('DELETE', `/rules/${rule.id}`, { token: w.token })).status, 204);
        assert.equal(await open(), 0);
        assert.deepEqual((await w.judged()).map(([s]) => s), [0, 3, 4, 6]);
    });

    test('shows on live sockets of its organisation that came with a login, in every change', async () => {
        const w = await world();
        const other = await world('other');
        const mine = await openSocket(server, `/ws/telemetry?token=${w.token}`);
        const theirs = await openSocket(server, `/ws/telemetry?token=${other.token}`);
        const device = await openSocket(server, '/ws/telemetry', { 'X-API-Key': w.apiToken });
        await w.rule();
        await w.send([[0, 100]]);
        const frame = await mine.next((f) => f.type === 'ALERT');
        shape(frame, `type,change,${ALERT}`);
        const [alert] = await w.alerts();
        assert.deepEqual(frame, { type: 'ALERT', change: 'RAISED', ...alert });
        await server.ok('POST', `/alerts/${alert.id}/acknowledge`, { token: w.token });
        assert.equal((await mine.next((f) => f.change === 'ACKNOWLEDGED')).id, alert.id);
        await w.send([[1, 0]]);
        assert.ok((await mine.next((f) => f.change === 'RESOLVED')).resolvedAt);
        await w.judged();
        assert.ok(![...theirs.frames, ...device.frames].some((f) => f.type === 'ALERT'));
        for (const socket of [mine, theirs, device]) socket.close();
    });
});

test('an organisation that flips a rule 600 times in one body gets every alert, and another one its own', async () => {
    const FLIPS = 600;
    const noisy = await world(), other = await world();
    for (const w of [noisy, other]) { await w.rule(); await w.send([[0, 1]]); }
    const lines = Array.from({ length: FLIPS }, (_, i) => `telemetry,device=pump t=${i % 2 ? 1 : 99} ${base + (i + 1) * SECOND}`);
    const taken = await server.request('POST', '/api/v2/write?precision=ms', { body: lines.join('\n'), headers: { 'x-api-key': noisy.apiToken, 'content-type': 'text/plain' } });
    assert.equal(taken.status, 204, taken.text);
    await other.send([[10, 99]]);
    assert.deepEqual(await until(async () => (await other.seen()).at(0), 'alert of the other'), [10, 99, null]);
    const resolved = async () => (await server.ok('GET', '/alerts?page=0&size=1000', { token: noisy.token })).content.filter((a) => a.resolvedAt);
    const alerts = await until(async () => { const all = await resolved(); return all.length === FLIPS / 2 && all; }, `${FLIPS / 2} alerts`, 60_000);
    assert.deepEqual(alerts.map((a) => [at(a.timestamp), at(a.resolvedAt)]).sort((a, b) => a[0] - b[0]), Array.from({ length: FLIPS / 2 }, (_, i) => [2 * i + 1, 2 * i + 2]));
    assert.equal((await other.alerts()).length, 1);
});

test('a deleted device ends the alerts of its rules, and hides the rules until it is restored', async () => {
    const w = await world();
    const rule = await w.rule();
    await w.send([[0, 100]]);
    await until(async () => (await w.alerts('?openOnly=true')).length, 'alert');
    const socket = await openSocket(server, `/ws/telemetry?token=${w.token}`);
    assert.equal((await server.call('DELETE', '/devices/pump', { token: w.token })).status, 204);
    assert.equal((await socket.next((f) => f.change === 'RESOLVED')).ruleId, rule.id);
    problem(await server.call('GET', `/rules/${rule.id}`, { token: w.token }), 404);
    assert.deepEqual([await server.ok('GET', '/rules', { token: w.token }), (await w.alerts('?openOnly=true')).length, (await w.alerts()).length], [[], 0, 1]);
    socket.close();
    await server.ok('POST', '/devices/pump/restore', { token: w.token });
    assert.deepEqual(await server.ok('GET', '/rules', { token: w.token }), [rule]);
    const { token: apiToken } = await server.ok('POST', '/devices/pump/token/generate', { token: w.token });
    await server.ok('POST', '/ingest/pump', { device: apiToken, body: { t: 101 } });
    await until(async () => (await w.alerts('?openOnly=true')).length, 'alert of the restored device');
});

test('rules go on where they stood after a stop and after a kill', async () => {
    const own = await startServer();
    const { dir } = own;
    own.keepDir = true;
    const me = await own.register();
    const { apiToken } = await own.device(me.accessToken, 'pump');
    await own.ok('POST', '/rules', { token: me.accessToken, body: { name: 'hot', deviceId: 'pump', variable: 't', operator: 'GT', threshold: 80, cooldownMinutes: 0, forSeconds: 10 } });
    const send = (to, s, t) => to.ok('POST', '/data/bulk', { device: apiToken, body: [{ deviceId: 'pump', timestamp: base + s * SECOND, variables: { t } }] });
    await send(own, 0, 90);
    await own.stop();
    const second = await startServer({ dir });
    await send(second, 10, 91); // held since 0: raises
    await second.kill(); // at once: the alert may not be there yet
    const third = await startServer({ dir });
    await send(third, 11, 92);
    await send(third, 12, 10);
    const alerts = await until(async () => { const all = await third.ok('GET', '/alerts', { token: me.accessToken }); return all[0]?.resolvedAt && all; }, 'resolved alert');
    assert.deepEqual(alerts.map((a) => [at(a.timestamp), a.triggeredValue, at(a.resolvedAt)]), [[10, 91, 12]]);
    third.keepDir = false;
    await third.stop();
});
