// Dashboards and widgets: shapes, versions, the default one, JSON that stays as it was sent, limits.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startServer } from './server.mjs';
import { DASHBOARD, PAGE, WIDGET, problem, shape } from './shape.mjs';

let server, me, stranger, token;

before(async () => {
    server = await startServer();
    me = await server.register('dashboards-own');
    stranger = await server.register('dashboards-foreign');
    token = me.accessToken;
    await server.device(token, 'pump-1');
    await server.device(stranger.accessToken, 'theirs-1');
});
after(() => server?.stop());

const call = (method, path, body, headers = {}) => server.call(method, path, { token, body, headers });
const make = (body = {}) => server.ok('POST', '/dashboards', { token, body: { name: 'Hall', ...body } });
const widgetOn = (id, body = {}) => server.ok('POST', `/dashboards/${id}/widgets`, { token, body: { name: 'W', type: 'GAUGE', ...body } });
const events = async (entity) => (await server.ok('GET', '/events?size=500', { token })).content.filter((event) => event.entityType === entity);

describe('dashboards', () => {
    test('one is made, read, listed, changed in part and deleted', async () => {
        const made = await call('POST', '/dashboards', { name: 'Boiler', description: 'two\nlines', defaultDeviceId: 'pump-1', layoutConfig: { cols: 12 } });
        assert.equal(made.status, 201);
        shape(made.json, DASHBOARD);
        const { id } = made.json;
        assert.deepEqual({ ...made.json, createdAt: 0, updatedAt: 0 }, { id, name: 'Boiler', description: 'two\nlines', isDefault: false,
            defaultDeviceId: 'pump-1', layoutConfig: { cols: 12 }, widgets: [], createdAt: 0, updatedAt: 0 });
        assert.equal(made.headers.get('etag'), '"1"');
        assert.equal((await call('GET', `/dashboards/${id}`)).text, made.text);

        const changed = await call('PUT', `/dashboards/${id}`, { description: null, id: 7, organizationId: 1, createdAt: '2020-01-01', widgets: [{}], useContextDevice: true });
        assert.equal(changed.status, 200);
        assert.deepEqual([changed.json.id, changed.json.name, changed.json.description, changed.json.defaultDeviceId], [id, 'Boiler', null, 'pump-1']);
        assert.equal((await call('PATCH', `/dashboards/${id}`, { defaultDeviceId: '' })).json.defaultDeviceId, null);

        const list = await call('GET', '/dashboards');
        const row = list.json.find((one) => one.id === id);
        shape(row, DASHBOARD);
        assert.equal(row.widgets, null);
        const page = await server.ok('GET', '/dashboards?page=0&size=1&sort=name,desc', { token });
        shape(page, PAGE);
        assert.equal((await call('GET', '/dashboards', undefined, { 'if-none-match': list.headers.get('etag') })).status, 304);

        assert.equal((await call('DELETE', `/dashboards/${id}`)).status, 204);
        problem(await call('GET', `/dashboards/${id}`), 404);
        problem(await call('DELETE', `/dashboards/${id}`), 404);
        assert.deepEqual((await events('DASHBOARD')).filter((event) => event.entityId === String(id)).map((event) => event.eventType),
            ['DASHBOARD_DELETED', 'DASHBOARD_UPDATED', 'DASHBOARD_UPDATED', 'DASHBOARD_CREATED']);
    });

    test('what is wrong is named by its field', async () => {
        const wrong = async (body, fields) => assert.deepEqual(Object.keys(problem(await call('POST', '/dashboards', body), 400, 'errors').errors).sort(), fields);
        await wrong({}, ['name']);
        await wrong({ name: '  ' }, ['name']);
        await wrong({ name: 'x'.repeat(256) }, ['name']);
        await wrong({ name: 7, isDefault: 'yes', layoutConfig: [1] }, ['isDefault', 'layoutConfig', 'name']);
        await wrong({ name: 'x', description: 'x'.repeat(2001) }, ['description']);
        await wrong([], ['body']);
        assert.equal((await make({ name: 'x'.repeat(255), description: 'é'.repeat(2000) })).description.length, 2000);
    });

    test('a device of another organisation is a missing one', async () => {
        const bare = (answer, id) => answer.text.replaceAll(id, 'ID').replace(/"requestId":"[^"]*"/, '');
        const foreign = await call('POST', '/dashboards', { name: 'x', defaultDeviceId: 'theirs-1' });
        const missing = await call('POST', '/dashboards', { name: 'x', defaultDeviceId: 'nobody-1' });
        assert.equal(problem(foreign, 404).detail, 'There is no such device.');
        assert.equal(bare(foreign, 'theirs-1'), bare(missing, 'nobody-1'));
    });

    test('a dashboard outlives the device it names', async () => {
        await server.device(token, 'short-lived');
        const { id } = await make({ defaultDeviceId: 'short-lived' });
        const widget = await widgetOn(id, { deviceId: 'short-lived' });
        await call('DELETE', '/devices/short-lived');
        assert.equal((await call('PUT', `/dashboards/${id}`, { name: 'still', defaultDeviceId: 'short-lived' })).status, 200);
        assert.equal((await call('PUT', `/dashboards/${id}/widgets/${widget.id}`, { ...widget, name: 'still' })).status, 200);
        problem(await call('PUT', `/dashboards/${id}/widgets/${widget.id}`, { secondDeviceId: 'short-lived' }), 404);
    });

    test('layoutConfig comes back as it was sent, numbers digit by digit', async () => {
        const layout = '{"big":12345678901234567890,"cents":1.10,"tiny":1E-400,"tiny2":-0.0,"text":"<b>\\u0000é\\ud83d\\ude00","empty":{},"list":[null,true,false,[]],"twice":1,"twice":2}';
        const made = await call('POST', '/dashboards', `{ "name": "raw",\n "layoutConfig": ${layout.replaceAll(',', ' , ')} }`, { 'content-type': 'application/json' });
        assert.equal(made.status, 201, made.text);
        const kept = layout.replace('<b>', '\\u003cb\\u003e').replace('\\ud83d\\ude00', '😀');
        assert.ok(made.text.includes(`"layoutConfig":${kept},`), made.text);
        assert.ok((await call('GET', `/dashboards/${made.json.id}`)).text.includes(`"layoutConfig":${kept},`));
    });

    test('layoutConfig and config have a bound in bytes and in depth', async () => {
        const { id } = await make();
        const nested = (depth) => JSON.parse('{"a":'.repeat(depth) + '1' + '}'.repeat(depth));
        const filled = (bytes) => ({ a: 'x'.repeat(bytes - '{"a":""}'.length) });
        const put = (body) => call('PUT', `/dashboards/${id}`, body);
        assert.deepEqual((await put({ layoutConfig: nested(16) })).json.layoutConfig, nested(16));
        assert.deepEqual(Object.keys(problem(await put({ layoutConfig: nested(17) }), 400, 'errors').errors), ['layoutConfig']);
        assert.equal((await put({ layoutConfig: filled(65536) })).status, 200);
        problem(await put({ layoutConfig: filled(65537) }), 400, 'errors');
        assert.equal((await call('POST', `/dashboards/${id}/widgets`, { name: 'w', type: 'TABLE', config: filled(16384) })).status, 201);
        problem(await call('POST', `/dashboards/${id}/widgets`, { name: 'w', type: 'TABLE', config: filled(16385) }), 400, 'errors');
        assert.equal((await put({ layoutConfig: null })).json.layoutConfig.a.length, 65528); // null changes nothing, as before
    });
});

describe('versions', () => {
    test('of two writers who read the same version the second is told, and nothing is lost', async () => {
        const { id } = await make({ layoutConfig: { cols: 1 } });
        const [one, two] = await Promise.all([call('GET', `/dashboards/${id}`), call('GET', `/dashboards/${id}`)]);
        const write = (cols, etag) => call('PUT', `/dashboards/${id}`, { layoutConfig: { cols } }, { 'if-match': etag });
        const answers = await Promise.all([write(2, one.headers.get('etag')), write(3, two.headers.get('etag'))]);
        assert.deepEqual(answers.map((answer) => answer.status).sort(), [200, 412]);
        const won = answers.find((answer) => answer.status === 200);
        problem(answers.find((answer) => answer.status === 412), 412);
        const now = await call('GET', `/dashboards/${id}`);
        assert.deepEqual(now.json.layoutConfig, won.json.layoutConfig);
        assert.equal(now.headers.get('etag'), won.headers.get('etag'));
        assert.equal((await write(4, now.headers.get('etag'))).status, 200); // read again, then it goes
    });

    test('an old client that says no version writes over whatever is there', async () => {
        const { id } = await make();
        await call('PUT', `/dashboards/${id}`, { name: 'a' });
        assert.equal((await call('PUT', `/dashboards/${id}`, { name: 'b' })).json.name, 'b');
    });

    test('If-Match is a list, * is any, and weak or strange tags match nothing', async () => {
        const { id } = await make();
        const put = async (match) => (await call('PATCH', `/dashboards/${id}`, { name: match }, { 'if-match': match })).status;
        assert.equal(await put('"9", "1"'), 200);
        assert.equal(await put('*'), 200);
        for (const match of ['W/"3"', '3', '"03x"', '""', '"99999999999999999999"', 'nonsense', '"1","2"']) assert.equal(await put(match), 412, match);
        assert.equal(await put('"3"'), 200);
        assert.equal((await call('DELETE', `/dashboards/${id}`, undefined, { 'if-match': '"3"' })).status, 412);
        assert.equal((await call('DELETE', `/dashboards/${id}`, undefined, { 'if-match': '"4"' })).status, 204);
        problem(await call('PUT', `/dashboards/${id}`, { name: 'gone' }, { 'if-match': '"4"' }), 404);
    });

    test('a widget has a version of its own, and its dashboard\'s rises with it', async () => {
        const { id } = await make();
        const widget = await call('POST', `/dashboards/${id}/widgets`, { name: 'w', type: 'MAP' });
        assert.equal(widget.headers.get('etag'), '"1"');
        const at = `/dashboards/${id}/widgets/${widget.json.id}`;
        assert.equal((await call('GET', `/dashboards/${id}`)).headers.get('etag'), '"2"');
        const moved = await call('PUT', at, { positionX: 3 }, { 'if-match': '"1"' });
        assert.equal(moved.headers.get('etag'), '"2"');
        problem(await call('PUT', at, { positionX: 4 }, { 'if-match': '"1"' }), 412);
        problem(await call('DELETE', at, undefined, { 'if-match': '"1"' }), 412);
        problem(await call('PUT', `/dashboards/${id}`, { name: 'stale' }, { 'if-match': '"2"' }), 412);
        assert.equal((await call('GET', at, undefined, { 'if-none-match': '"2"' })).status, 304);
        assert.equal((await call('GET', at)).json.positionX, 3);
        assert.equal((await call('DELETE', at, undefined, { 'if-match': '"2"' })).status, 204);
        assert.equal((await call('GET', `/dashboards/${id}`)).headers.get('etag'), '"4"');
    });
});

describe('the default dashboard', () => {
    test('is made when there is none, once, whoever asks at the same time', async () => {
        const { accessToken } = await server.register('dashboards-default');
        const answers = await Promise.all(Array.from({ length: 8 }, () => server.call('GET', '/dashboards/default', { token: accessToken })));
        assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([200]));
        assert.equal(new Set(answers.map((answer) => answer.json.id)).size, 1);
        shape(answers[0].json, DASHBOARD);
        assert.deepEqual([answers[0].json.name, answers[0].json.isDefault, answers[0].json.layoutConfig, answers[0].json.widgets], ['Dashboard', true, {}, []]);
        assert.equal((await server.ok('GET', '/dashboards', { token: accessToken })).length, 1);
        const { content: made } = await server.ok('GET', '/events?eventType=DASHBOARD_CREATED', { token: accessToken });
        assert.equal(made.length, 1);
    });

    test('is one of the organisation: the newest that says so', async () => {
        const first = await make({ isDefault: true });
        const second = await make({ isDefault: true });
        const before = await call('GET', `/dashboards/${first.id}`);
        assert.equal(before.json.isDefault, false);
        assert.equal(before.headers.get('etag'), '"2"'); // changed, so its version rose
        assert.equal((await server.ok('GET', '/dashboards/default', { token })).id, second.id);
        await call('PUT', `/dashboards/${first.id}`, { isDefault: true });
        assert.equal((await server.ok('GET', '/dashboards/default', { token })).id, first.id);
        assert.equal((await server.ok('GET', '/dashboards', { token })).filter((one) => one.isDefault).length, 1);
        await call('DELETE', `/dashboards/${first.id}`);
        const fresh = await server.ok('GET', '/dashboards/default', { token });
        assert.ok(fresh.id > second.id);
        assert.notEqual((await server.ok('GET', '/dashboards/default', { token: stranger.accessToken })).id, fresh.id);
    });
});

describe('widgets', () => {
    test('one of every type is made as old clients make it, changed in part and taken off', async () => {
        const { id } = await make();
        const types = ['LINE_CHART', 'BAR_CHART', 'GAUGE', 'INDICATOR', 'TABLE', 'MAP', 'CONTROL_BUTTON', 'METRIC_CARD', 'PIE_CHART', 'AREA_CHART', 'SCATTER_CHART'];
        for (const type of types) {
            const made = await call('POST', `/dashboards/${id}/widgets`, { name: type, type, positionX: 0, positionY: 0, width: 4, height: 4, deviceId: '',
                variableName: 'kwConsumption', aggregation: 'LAST', timeRangeMinutes: 60, config: {} });
            assert.equal(made.status, 201, made.text);
            shape(made.json, WIDGET);
        }
        const list = await server.ok('GET', `/dashboards/${id}/widgets`, { token });
        assert.deepEqual(list.map((one) => one.type), types);
        assert.deepEqual((await call('GET', `/dashboards/${id}`)).json.widgets, list);

        const { id: wid } = list[0];
        const at = `/dashboards/${id}/widgets/${wid}`;
        const changed = (await call('PUT', at, { deviceId: 'pump-1', secondDeviceId: 'pump-1', secondVariableName: 'voltage', deviceLabel: 'Pump', secondDeviceLabel: null, aggregation: 'p95', config: { min: 1.50 } })).json;
        assert.deepEqual({ ...changed, createdAt: 0, updatedAt: 0 }, { id: wid, dashboardId: id, name: 'LINE_CHART', type: 'LINE_CHART', positionX: 0, positionY: 0, width: 4, height: 4,
            deviceId: 'pump-1', secondDeviceId: 'pump-1', variableName: 'kwConsumption', secondVariableName: 'voltage', deviceLabel: 'Pump', secondDeviceLabel: null,
            aggregation: 'P95', timeRangeMinutes: 60, config: { min: 1.5 }, createdAt: 0, updatedAt: 0 });
        assert.deepEqual((await call('PATCH', at, { timeRangeMinutes: null, aggregation: '', deviceLabel: '' })).json.timeRangeMinutes, null);
        assert.equal((await call('DELETE', at)).status, 204);
        problem(await call('GET', at), 404);
        assert.equal((await server.ok('GET', `/dashboards/${id}/widgets`, { token })).length, types.length - 1);
        assert.deepEqual((await events('WIDGET')).filter((event) => event.entityId === String(wid)).map((event) => event.eventType),
            ['WIDGET_DELETED', 'WIDGET_UPDATED', 'WIDGET_UPDATED', 'WIDGET_CREATED']);
    });

    test('what is absent has its default', async () => {
        const { id } = await make();
        const { id: wid, ...rest } = await widgetOn(id);
        assert.deepEqual({ ...rest, createdAt: 0, updatedAt: 0 }, { dashboardId: id, name: 'W', type: 'GAUGE', positionX: 0, positionY: 0, width: 4, height: 4, deviceId: null,
            secondDeviceId: null, variableName: null, secondVariableName: null, deviceLabel: null, secondDeviceLabel: null, aggregation: 'NONE', timeRangeMinutes: null, config: {}, createdAt: 0, updatedAt: 0 });
        assert.ok(wid > 0);
    });

    test('every limit holds at it and refuses one past it', async () => {
        const { id } = await make();
        const tries = [['positionX', 0, -1], ['positionX', 100000, 100001], ['positionY', 100000, 100001], ['width', 1, 0], ['width', 1000, 1001], ['height', 1, 0], ['height', 1000, 1001],
            ['timeRangeMinutes', 1, 0], ['timeRangeMinutes', 5256000, 5256001], ['positionY', 1, 1.5], ['name', 'x'.repeat(255), 'x'.repeat(256)],
            ['variableName', 'x'.repeat(100), 'x'.repeat(101)], ['secondVariableName', 'x'.repeat(100), 'x'.repeat(101)], ['deviceLabel', 'x'.repeat(255), 'x'.repeat(256)],
            ['secondDeviceLabel', 'é'.repeat(255), 'é'.repeat(256)], ['type', 'MAP', 'map'], ['aggregation', 'none', 'MEDIAN'], ['config', {}, []], ['variableName', 'x', 'a\nb'], ['width', 4, '4']];
        for (const [field, good, bad] of tries) {
            const body = { name: 'w', type: 'GAUGE' };
            assert.equal((await call('POST', `/dashboards/${id}/widgets`, { ...body, [field]: good })).status, 201, `${field} ${String(good).slice(0, 20)}`);
            const refused = await call('POST', `/dashboards/${id}/widgets`, { ...body, [field]: bad });
            assert.deepEqual(Object.keys(problem(refused, 400, 'errors').errors), [field]);
        }
        assert.deepEqual(Object.keys(problem(await call('POST', `/dashboards/${id}/widgets`, { name: 'w' }), 400, 'errors').errors), ['type']);
    });

    test('a widget is found on its own dashboard only', async () => {
        const one = await make();
        const two = await make();
        const { id } = await widgetOn(one.id);
        for (const method of ['GET', 'PUT', 'DELETE']) {
            assert.equal(problem(await call(method, `/dashboards/${two.id}/widgets/${id}`, method === 'PUT' ? {} : undefined), 404).detail, 'There is no such widget.');
        }
        assert.equal((await call('GET', `/dashboards/${one.id}/widgets/${id}`)).status, 200);
    });

    test('a dashboard holds 100 widgets and an organisation 200 dashboards', async () => {
        const { accessToken } = await server.register('dashboards-many');
        const post = (path, body) => server.call('POST', path, { token: accessToken, body });
        const { id } = (await post('/dashboards', { name: 'full' })).json;
        const fill = async (n, path, body) => { // 40 at once: the executor's queue has a bound, too
            const answers = [];
            while (answers.length < n) answers.push(...await Promise.all(Array.from({ length: Math.min(40, n - answers.length) }, () => post(path, body))));
            return answers;
        };
        const widgets = await fill(100, `/dashboards/${id}/widgets`, { name: 'w', type: 'GAUGE' });
        assert.ok(widgets.every((answer) => answer.status === 201));
        const refused = problem(await post(`/dashboards/${id}/widgets`, { name: 'w', type: 'GAUGE' }), 403, 'limit');
        assert.deepEqual(refused.limit, { name: 'widgets-per-dashboard', max: 100, used: 100 });
        assert.equal((await server.ok('GET', `/dashboards/${id}`, { token: accessToken })).widgets.length, 100);
        const dashboards = await fill(199, '/dashboards', { name: 'one more' });
        assert.ok(dashboards.every((answer) => answer.status === 201));
        assert.deepEqual(problem(await post('/dashboards', { name: 'too many' }), 403, 'limit').limit, { name: 'dashboards-per-organization', max: 200, used: 200 });
        assert.equal((await server.ok('GET', '/dashboards', { token: accessToken })).length, 200);
    });
});
