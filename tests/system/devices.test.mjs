// Contract, section 5: devices, their tokens and their variables.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startServer } from './server.mjs';
import { DEVICE, EVENT, PAGE, VARIABLE, problem, shape } from './shape.mjs';

let server, token;
before(async () => { server = await startServer(); token = (await server.register()).accessToken; });
after(() => server?.stop());

describe('a device', () => {
    test('is created with everything the contract names and its token once', async () => {
        const body = { externalId: 'pump-1', name: 'Pump', description: 'in the cellar', location: 'cellar', sensorType: 'pump', firmwareVersion: '1.2' };
        const made = await server.call('POST', '/devices', { token, body });
        assert.equal(made.status, 201, made.text);
        shape(made.json, `${DEVICE},apiToken`);
        assert.match(made.json.apiToken, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
        assert.match(made.json.id, /^[0-9a-f-]{36}$/);
        for (const [name, value] of Object.entries(body)) assert.equal(made.json[name], value);
        assert.equal(made.json.status, 'UNKNOWN');
        assert.equal(made.json.active, true);
        const read = await server.ok('GET', '/devices/pump-1', { token });
        shape(read, DEVICE);
        assert.deepEqual(await server.ok('GET', `/devices/${made.json.id}`, { token }), read);
    });

    test('is called by deviceId as well', async () => {
        const made = await server.call('POST', '/devices', { token, body: { deviceId: 'by-alias' } });
        assert.equal(made.status, 201, made.text);
        assert.equal(made.json.externalId, 'by-alias');
    });

    test('twice is 409, and fine in another organisation', async () => {
        await server.device(token, 'twice');
        problem(await server.call('POST', '/devices', { token, body: { externalId: 'twice' } }), 409);
        const other = await server.register();
        await server.device(other.accessToken, 'twice');
    });

    test('with wrong members is 400 by field', async () => {
        for (const body of [{}, { externalId: '' }, { externalId: 'x'.repeat(65) }, { externalId: 5 }, { externalId: 'ok-1', active: 'perhaps' }]) {
            const answer = await server.call('POST', '/devices', { token, body });
            assert.equal(answer.status, 400, `${JSON.stringify(body)}: ${answer.text}`);
            assert.ok(Object.keys(answer.json.errors ?? {}).length > 0, answer.text);
        }
    });

    test('of 64 characters is the longest', async () => {
        assert.equal((await server.call('POST', '/devices', { token, body: { externalId: 'x'.repeat(64) } })).status, 201);
    });

    test('changes only what PUT and PATCH name', async () => {
        await server.ok('POST', '/devices', { token, body: { externalId: 'partial', name: 'before', location: 'here' } });
        for (const method of ['PUT', 'PATCH']) {
            const changed = await server.ok(method, '/devices/partial', { token, body: { name: `after ${method}` } });
            shape(changed, DEVICE);
            assert.equal(changed.name, `after ${method}`);
            assert.equal(changed.location, 'here');
        }
    });

    test('keeps its id, organisation and time against whoever writes them', async () => {
        const made = await server.device(token, 'steady');
        const foreign = { id: randomUUID(), organizationId: 1, roles: ['ROLE_ADMIN'], token: 'x', createdAt: '2000-01-01T00:00:00Z' };
        const answer = await server.call('PUT', '/devices/steady', { token, body: { name: 'n', ...foreign } });
        assert.ok([200, 400].includes(answer.status), answer.text);
        const read = await server.ok('GET', '/devices/steady', { token });
        assert.equal(read.id, made.id);
        assert.notEqual(read.createdAt, foreign.createdAt);
    });

    test('is gone after DELETE: hidden, its token refused, its name free under a new id', async () => {
        const made = await server.device(token, 'short-lived');
        await server.ok('POST', '/ingest/short-lived', { device: made.apiToken, body: { t: 1 } });
        assert.equal((await server.call('DELETE', '/devices/short-lived', { token })).status, 204);
        problem(await server.call('GET', '/devices/short-lived', { token }), 404);
        assert.equal((await server.call('POST', '/ingest/short-lived', { device: made.apiToken, body: { t: 1 } })).status, 401);
        assert.equal((await server.call('DELETE', '/devices/short-lived', { token })).status, 404);
        const again = await server.device(token, 'short-lived');
        assert.notEqual(again.id, made.id);
        assert.deepEqual(await server.ok('GET', '/data/query?deviceId=short-lived', { token }), []);
    });

    test('that was deleted does not come back by its own old messages', async () => {
        const sender = await server.device(token, 'colleague');
        await server.device(token, 'departed');
        assert.equal((await server.call('DELETE', '/devices/departed', { token })).status, 204);
        const answer = await server.call('POST', '/ingest/departed', { device: sender.apiToken, body: { t: 1 } });
        assert.equal(answer.status, 403, answer.text);
    });

    test('becomes ONLINE when it sends, and says when', async () => {
        const made = await server.device(token, 'awake');
        const before = Date.now();
        await server.ok('POST', '/ingest/awake', { device: made.apiToken, body: { t: 1 } });
        const read = await server.ok('GET', '/devices/awake', { token });
        assert.equal(read.status, 'ONLINE');
        assert.ok(Math.abs(Date.parse(read.lastSeenAt) - before) < 5000, read.lastSeenAt);
    });

    test('stays as it was by points older than an hour', async () => {
        const made = await server.device(token, 'historian');
        const timestamp = new Date(Date.now() - 2 * 3600_000).toISOString();
        await server.ok('POST', '/data/ingest', { device: made.apiToken, body: { deviceId: 'historian', timestamp, variables: { t: 1 } } });
        assert.equal((await server.ok('GET', '/devices/historian', { token })).status, 'UNKNOWN');
    });

    test('that is not active does not send', async () => {
        const made = await server.device(token, 'paused');
        await server.ok('PUT', '/devices/paused', { token, body: { active: false } });
        const answer = await server.call('POST', '/ingest/paused', { device: made.apiToken, body: { t: 1 } });
        assert.ok([401, 403].includes(answer.status), answer.text);
    });

    test('is found by words and by status', async () => {
        const { accessToken } = await server.register();
        const made = await server.device(accessToken, 'needle-7');
        await server.device(accessToken, 'other');
        await server.ok('POST', '/ingest/needle-7', { device: made.apiToken, body: { t: 1 } });
        const names = async (query) => (await server.ok('GET', `/devices?${query}`, { token: accessToken })).map((d) => d.externalId);
        assert.deepEqual(await names('q=needle'), ['needle-7']);
        assert.deepEqual(await names('status=ONLINE'), ['needle-7']);
        assert.equal((await server.call('GET', '/devices?status=SLEEPY', { token: accessToken })).status, 400);
    });
});

describe('the token of a device', () => {
    test('is generated, rotated and taken away; the old one ends at once', async () => {
        const first = await server.device(token, 'tokens');
        let current = first.apiToken;
        for (const path of ['/devices/tokens/token/rotate', '/devices/tokens/token/generate', '/device-tokens/tokens/generate']) {
            const made = await server.ok('POST', path, { token });
            shape(made, 'deviceId,token,message,success,tokenCreatedAt');
            assert.equal(made.success, true);
            assert.equal((await server.call('POST', '/ingest/tokens', { device: current, body: { t: 1 } })).status, 401, path);
            assert.equal((await server.call('POST', '/ingest/tokens', { device: made.token, body: { t: 1 } })).status, 200, path);
            current = made.token;
        }
        const short = await server.ok('POST', '/devices/tokens/rotate-token', { token });
        shape(short, 'deviceExternalId,apiToken');
        const masked = await server.ok('GET', '/devices/tokens/token', { token });
        shape(masked, 'deviceId,maskedToken,message,success,tokenCreatedAt,tokenLastUsedAt');
        assert.equal(masked.maskedToken, `${short.apiToken.slice(0, 8)}...${short.apiToken.slice(-4)}`);
        assert.ok((await server.call('DELETE', '/devices/tokens/token', { token })).status < 300);
        assert.equal((await server.call('POST', '/ingest/tokens', { device: short.apiToken, body: { t: 1 } })).status, 401);
    });
});

describe('the variables of a device', () => {
    test('appear with the first value and can be described', async () => {
        const made = await server.device(token, 'vars');
        await server.ok('POST', '/ingest/vars', { device: made.apiToken, body: { temperature: 21.5, on: true } });
        const list = await server.ok('GET', '/devices/vars/variables', { token });
        assert.deepEqual(list.map((v) => v.name).sort(), ['on', 'temperature']);
        const found = list.find((v) => v.name === 'temperature');
        shape(found, VARIABLE);
        assert.equal(found.lastValue, 21.5);
        assert.equal(found.deviceExternalId, 'vars');
        assert.deepEqual(await server.ok('GET', '/devices/vars/variables/latest', { token }), { temperature: 21.5, on: 1 });
        const path = (await server.call('PUT', `/devices/vars/variables/${found.id}`, { token, body: { unit: '°C', displayName: 'Temperature', decimalPlaces: 1 } })).status === 200
            ? `/devices/vars/variables/${found.id}` : `/variables/${found.id}`;
        const changed = await server.ok('PUT', path, { token, body: { unit: '°C', displayName: 'Temperature', decimalPlaces: 1 } });
        shape(changed, VARIABLE);
        assert.equal(changed.unit, '°C');
    });

    test('are made before the first value, and taken up by it', async () => {
        const me = await server.register();
        const mine = { token: me.accessToken };
        const made = await server.device(me.accessToken, 'planned');
        const answer = await server.call('POST', '/devices/planned/variables', { ...mine, body: { name: 'flow', displayName: 'Flow', unit: 'l/s', minValue: 0, maxValue: 5, decimalPlaces: 2 } });
        assert.equal(answer.status, 201);
        shape(answer.json, VARIABLE);
        assert.deepEqual([answer.json.name, answer.json.dataSource, answer.json.maxValue, answer.json.lastValue], ['flow', 'MANUAL', 5, null]);
        await server.ok('POST', '/ingest/planned', { device: made.apiToken, body: { flow: 1.5 } });
        const [after] = await server.ok('GET', '/devices/planned/variables', mine);
        assert.deepEqual([after.id, after.unit, after.lastValue], [answer.json.id, 'l/s', 1.5]);
        const again = await server.call('POST', '/devices/planned/variables', { ...mine, body: { name: 'flow' } });
        assert.equal(again.status, 409);
        for (const [body, field] of [[{}, 'name'], [{ name: 'timestamp' }, 'name'], [{ name: 'x'.repeat(101) }, 'name'], [{ name: 'y', minValue: 2, maxValue: 1 }, 'minValue'], [{ name: 'y', decimalPlaces: 1.5 }, 'decimalPlaces']]) {
            const wrong = await server.call('POST', '/devices/planned/variables', { ...mine, body });
            assert.equal(wrong.status, 400, JSON.stringify(body));
            assert.ok(wrong.json.errors[field], JSON.stringify(wrong.json));
        }
        const nowhere = await server.call('POST', '/variables', { ...mine, body: { name: 'z' } });
        assert.ok(nowhere.status === 400 && nowhere.json.errors.deviceId);
        assert.equal((await server.ok('POST', '/variables', { ...mine, body: { name: 'z', deviceId: 'planned' } })).deviceExternalId, 'planned');
        const renamed = await server.call('PUT', `/variables/${after.id}`, { ...mine, body: { name: 'other' } });
        assert.ok(renamed.status === 400 && renamed.json.errors.name);
        assert.equal((await server.ok('PUT', `/variables/${after.id}`, { ...mine, body: { name: 'flow', unit: 'm3/h' } })).unit, 'm3/h');
    });

    test('are listed for the organisation, as an array or in pages, without those of deleted devices', async () => {
        const me = await server.register();
        const mine = { token: me.accessToken };
        for (const device of ['one', 'two', 'gone']) await server.ok('POST', '/data/ingest', { ...mine, body: { deviceId: device, variables: { b: 1, a: 2 } } });
        await server.call('DELETE', '/devices/gone', mine);
        const all = await server.ok('GET', '/variables', mine);
        for (const one of all) shape(one, VARIABLE);
        assert.deepEqual(all.map((v) => `${v.deviceExternalId}.${v.name}=${v.lastValue}`).sort(), ['one.a=2', 'one.b=1', 'two.a=2', 'two.b=1']);
        const page = await server.ok('GET', '/variables?page=1&size=3&sort=name,asc', mine);
        shape(page, PAGE);
        assert.deepEqual([page.totalElements, page.content.length, page.content[0].name], [4, 1, 'b']);
        assert.equal((await server.call('GET', '/variables?page=0&sort=color', mine)).status, 400);
    });

    test('have their newest values, newest first', async () => {
        const me = await server.register();
        const mine = { token: me.accessToken };
        const at = Date.now() - 600_000;
        await server.ok('POST', '/data/bulk', { ...mine, body: Array.from({ length: 120 }, (_, i) => ({ deviceId: 'newest', timestamp: new Date(at + i * 1000).toISOString(), variables: { x: i } })) });
        const [{ id }] = await server.ok('GET', '/devices/newest/variables', mine);
        for (const base of [`/devices/newest/variables/${id}`, `/variables/${id}`]) {
            const two = await server.ok('GET', `${base}/values/latest?count=2`, mine);
            assert.deepEqual(two.map((v) => v.value), [119, 118]);
            shape(two[0], 'variableId,timestamp,value');
            assert.equal((await server.ok('GET', `${base}/values/latest`, mine)).length, 100);
            assert.equal((await server.ok('GET', `${base}/values/latest?count=1000`, mine)).length, 120);
            for (const count of [0, 1001, 'x']) assert.equal((await server.call('GET', `${base}/values/latest?count=${count}`, mine)).status, 400);
        }
    });

    test('what the old front end asks for and is not here is an empty list, or says what to use', async () => {
        for (const path of ['/playlists', '/ml/models', '/plugins/installed', '/dashboard-templates', '/device-types']) assert.deepEqual(await server.ok('GET', path, { token }), []);
        const page = await server.ok('GET', '/email-templates?page=0&size=20', { token });
        shape(page, PAGE);
        assert.deepEqual([page.content, page.totalElements, page.empty], [[], 0, true]);
        for (const what of ['telemetry', 'devices', 'events']) {
            const answer = await server.call('POST', `/export/${what}/excel`, { token, body: { deviceId: 'vars' } });
            assert.equal(answer.status, 406);
            assert.match(answer.json.detail, /export\/csv/);
        }
    });

    test('have values and statistics over a range', async () => {
        const made = await server.device(token, 'stat');
        const at = Date.now() - 60_000;
        const body = [1, 2, 3, 4].map((value, i) => ({ deviceId: 'stat', timestamp: new Date(at + i * 1000).toISOString(), variables: { x: value } }));
        await server.ok('POST', '/data/bulk', { device: made.apiToken, body });
        const [{ id }] = await server.ok('GET', '/devices/stat/variables', { token });
        const range = `startTime=${new Date(at).toISOString()}&endTime=${new Date(at + 10_000).toISOString()}`;
        let base = `/devices/stat/variables/${id}`;
        if ((await server.call('GET', `${base}/values?${range}`, { token })).status === 404) base = `/variables/${id}`;
        const values = await server.ok('GET', `${base}/values?${range}`, { token });
        assert.equal((values.content ?? values).length, 4);
        const statistics = await server.ok('GET', `${base}/statistics?${range}`, { token });
        shape(statistics, 'variableId,variableName,startTime,endTime,average,min,max,sum,count');
        assert.deepEqual([statistics.average, statistics.min, statistics.max, statistics.sum, statistics.count], [2.5, 1, 4, 10, 4]);
    });
});

describe('events', () => {
    test('tell who did what from where in which request', async () => {
        const me = await server.register();
        await server.call('POST', '/devices', { token: me.accessToken, body: { externalId: 'audited' }, headers: { 'x-request-id': 'audit-1' } });
        const page = await server.ok('GET', '/events', { token: me.accessToken });
        shape(page, PAGE);
        const event = page.content.find((e) => e.requestId === 'audit-1');
        assert.ok(event, JSON.stringify(page.content.map((e) => e.eventType)));
        shape(event, EVENT);
        assert.equal(event.userId, me.userId);
        assert.ok(event.actor.includes(me.username));
        assert.equal(event.address, '127.0.0.1');
        const recent = await server.ok('GET', '/events/recent?hours=1&limit=5', { token: me.accessToken });
        assert.ok((recent.content ?? recent).length > 0);
        await server.ok('GET', '/events/statistics/by-type', { token: me.accessToken });
        await server.ok('GET', '/events/statistics/by-severity', { token: me.accessToken });
        const filtered = await server.ok('GET', `/events?eventType=${event.eventType}&severity=INFO`, { token: me.accessToken });
        assert.ok(filtered.content.every((e) => e.eventType === event.eventType));
    });
});
