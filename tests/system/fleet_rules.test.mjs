// Contract, section 9: rules over many devices, evaluated on their interval, and their alerts.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startServer } from './server.mjs';

let server, user, token, groupId;
const ids = ['f-1', 'f-2', 'f-3'];
const send = (id, body) => server.ok('POST', `/ingest/${id}`, { device: token, body });
async function ask(method, path, body, status) {
    const answer = await server.call(method, path, { token: user.accessToken, body });
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    return answer.json;
}

before(async () => {
    server = await startServer();
    user = await server.register();
    for (const id of ids) token = (await server.device(user.accessToken, id)).apiToken;
    await ask('POST', '/device-tags', { name: 'hot', color: '#FF0000' }, 201);
    groupId = (await ask('POST', '/device-groups', { name: 'hall' }, 201)).id;
    await ask('PUT', '/devices/f-1', { tags: ['hot'], groupIds: [groupId] }, 200);
    await ask('PUT', '/devices/f-2', { groupIds: [groupId] }, 200);
    await send('f-1', { heat: 10 });
    await send('f-2', { heat: 30 });
    await send('f-3', { heat: 80 });
});
after(() => server?.stop());

const rule = (over) => ({
    name: 'too hot', selectorType: 'ORGANIZATION', aggregationFunction: 'avg', aggregationVariable: 'heat',
    operator: 'GT', threshold: 35, ...over,
});
const make = (over) => ask('POST', '/global-rules', rule(over), 201);

describe('a fleet rule', () => {
    test('is made, read, changed in part, switched and deleted', async () => {
        const made = await make({ enabled: false, aggregationParams: { window: '1h' } });
        assert.deepEqual(Object.keys(made).sort(), [
            'aggregationFunction', 'aggregationParams', 'aggregationVariable', 'cooldownMinutes', 'createdAt',
            'description', 'enabled', 'evaluationInterval', 'id', 'lastEvaluatedAt', 'lastTriggeredAt', 'name',
            'operator', 'organizationId', 'selectorType', 'selectorValue', 'sendSms', 'smsRecipients', 'threshold',
            'updatedAt',
        ]);
        assert.equal(made.evaluationInterval, '5m');
        assert.equal(made.cooldownMinutes, 5);
        assert.deepEqual(made.aggregationParams, { window: '1h' });
        assert.deepEqual(await ask('GET', `/global-rules/${made.id}`, undefined, 200), made);
        const changed = await ask('PUT', `/global-rules/${made.id}`, { threshold: 50, evaluationInterval: '90s' }, 200);
        assert.deepEqual([changed.threshold, changed.evaluationInterval, changed.name], [50, '90s', 'too hot']);
        const list = await ask('GET', '/global-rules', undefined, 200);
        assert.deepEqual(list.map((r) => r.id), [made.id]);
        assert.equal((await ask('POST', `/global-rules/${made.id}/toggle`, undefined, 200)).enabled, true);
        await ask('DELETE', `/global-rules/${made.id}`, undefined, 204);
        await ask('GET', `/global-rules/${made.id}`, undefined, 404);
    });

    test('says which fields are wrong', async () => {
        const wrong = async (over, field) => {
            const answer = await ask('POST', '/global-rules', rule(over), 400);
            assert.ok(field in answer.errors, `${field} in ${JSON.stringify(answer.errors)}`);
        };
        await wrong({ name: '' }, 'name');
        await wrong({ name: undefined }, 'name');
        await wrong({ threshold: 'x' }, 'threshold');
        await wrong({ operator: 'NE' }, 'operator');
        await wrong({ aggregationFunction: 'mode' }, 'aggregationFunction');
        await wrong({ aggregationVariable: null }, 'aggregationVariable');
        await wrong({ aggregationFunction: 'countOnline', aggregationParams: { window: '1h' } }, 'aggregationParams');
        await wrong({ aggregationParams: { window: '31d' } }, 'aggregationParams');
        await wrong({ evaluationInterval: '9s' }, 'evaluationInterval');
        await wrong({ evaluationInterval: '25h' }, 'evaluationInterval');
        await wrong({ cooldownMinutes: 10081 }, 'cooldownMinutes');
        await wrong({ selectorType: 'CUSTOM' }, 'selectorType');
        await ask('POST', '/global-rules', rule({ selectorType: 'TAG', selectorValue: 'cold' }), 404);
        await ask('POST', '/global-rules', rule({ selectorType: 'GROUP', selectorValue: 'hall' }), 404);
        await ask('POST', '/global-rules', rule({ selectorType: 'GROUP', selectorValue: groupId + 1000 }), 404);
        await wrong({ sendSms: true }, 'sendSms');
    });

    test('sees the organisation, a tag or a group', async () => {
        const value = async (over) => {
            const r = await make({ enabled: false, ...over });
            const answer = await ask('POST', `/global-rules/${r.id}/evaluate`, undefined, 200);
            await ask('DELETE', `/global-rules/${r.id}`, undefined, 204);
            return answer;
        };
        assert.deepEqual(await value({}), { value: 40, deviceCount: 3, holds: true });
        assert.deepEqual(await value({ selectorType: 'TAG', selectorValue: 'hot' }), { value: 10, deviceCount: 1, holds: false });
        assert.deepEqual(await value({ selectorType: 'GROUP', selectorValue: groupId, aggregationFunction: 'sum' }),
            { value: 40, deviceCount: 2, holds: true });
        assert.deepEqual(await value({ aggregationFunction: 'MAX', aggregationParams: { window: '1h' } }),
            { value: 80, deviceCount: 3, holds: true });
        assert.deepEqual(await value({ aggregationFunction: 'percentOnline', threshold: 99 }),
            { value: 100, deviceCount: 3, holds: true });
        assert.deepEqual(await value({ aggregationVariable: 'cold' }), { value: null, deviceCount: 0, holds: false });
    });

    test('raises one alert while it holds, and ends it by itself', async () => {
        const r = await make({ threshold: 35 });
        const alerts = async () => (await ask('GET', '/global-alerts', undefined, 200)).content.filter((a) => a.globalRuleId === r.id);
        const until = async (done) => {
            for (const end = Date.now() + 30_000; Date.now() < end; await new Promise((go) => setTimeout(go, 100))) {
                const found = await alerts();
                if (done(found)) return found;
            }
            throw new Error(`alerts: ${JSON.stringify(await alerts())}`);
        };
        const [raised] = await until((found) => found.length === 1); // by its own turn: a new rule is due at once
        assert.deepEqual(Object.keys(raised).sort(), [
            'acknowledged', 'acknowledgedAt', 'acknowledgedBy', 'affectedDevices', 'createdAt', 'deviceCount',
            'globalRuleId', 'globalRuleName', 'id', 'message', 'organizationId', 'resolutionNote', 'resolved',
            'resolvedAt', 'resolvedBy', 'severity', 'triggeredAt', 'triggeredValue',
        ]);
        assert.deepEqual([raised.triggeredValue, raised.deviceCount, raised.affectedDevices.length, raised.severity],
            [40, 3, 3, 'LOW']);
        assert.equal(raised.message, 'avg(heat) of 3 devices is 40, above 35');
        const evaluate = () => ask('POST', `/global-rules/${r.id}/evaluate`, undefined, 200);
        await evaluate();
        assert.equal((await alerts()).length, 1);
        const seen = await ask('POST', `/global-alerts/${raised.id}/acknowledge`, undefined, 200);
        assert.deepEqual([seen.acknowledged, seen.acknowledgedBy, seen.resolved], [true, user.userId, false]);
        assert.deepEqual(await ask('GET', '/global-alerts/stats', undefined, 200), { unacknowledged: 0, unresolved: 1 });
        await ask('GET', '/global-alerts?unacknowledgedOnly=perhaps', undefined, 400);
        await send('f-3', { heat: 20 });
        await evaluate();
        const [ended] = await alerts();
        assert.deepEqual([ended.resolved, ended.resolvedBy], [true, null]);
        await send('f-3', { heat: 80 });
        await evaluate();
        assert.equal((await alerts()).length, 1, 'the cooldown of five minutes is not over');
        const types = (await ask('GET', '/events?size=200', undefined, 200)).content.map((e) => e.eventType);
        for (const type of ['FLEET_RULE_CREATED', 'ALERT_CREATED', 'ALERT_ACKNOWLEDGED', 'ALERT_RESOLVED'])
            assert.ok(types.includes(type), type);
    });

    test('is resolved by a person with a note, and ends with its rule', async () => {
        const r = await make({ name: 'cold', operator: 'LT', threshold: 1000, cooldownMinutes: 0 });
        await ask('POST', `/global-rules/${r.id}/evaluate`, undefined, 200);
        const of = async () => (await ask('GET', '/global-alerts?size=100', undefined, 200)).content.filter((a) => a.globalRuleId === r.id);
        const [first] = await of();
        const ended = await ask('POST', `/global-alerts/${first.id}/resolve`, { resolutionNote: 'a door' }, 200);
        assert.deepEqual([ended.resolved, ended.resolvedBy, ended.resolutionNote], [true, user.userId, 'a door']);
        assert.equal((await ask('GET', `/global-alerts/${first.id}`, undefined, 200)).resolutionNote, 'a door');
        await ask('POST', `/global-rules/${r.id}/evaluate`, undefined, 200);
        assert.deepEqual((await of()).map((a) => a.resolved), [false, true]);
        await ask('DELETE', `/global-rules/${r.id}`, undefined, 204);
        assert.deepEqual((await of()).map((a) => a.resolved), [true, true]);
    });
});
