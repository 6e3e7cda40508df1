// What widgets show, in one answer: the same values as the query API gives for each of them alone.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startServer } from './server.mjs';
import { problem, shape } from './shape.mjs';

const MINUTE = 60_000;
const now = Date.now();
const start = now - 50 * MINUTE;
let server, token, stranger;

// One reading a second for 50 minutes, with a spike; `y` only at every third one.
function readings() {
    return Array.from({ length: 3000 }, (_, i) => ({ deviceId: 'pump-1', timestamp: start + i * 1000,
        variables: { x: i === 1234 ? 9999.5 : Math.sin(i / 100) * 10, ...(i % 3 ? {} : { y: i / 7 }) } }));
}

before(async () => {
    server = await startServer();
    const me = await server.register('data-own');
    stranger = (await server.register('data-foreign')).accessToken;
    token = me.accessToken;
    await server.ok('POST', '/devices', { token, body: { externalId: 'pump-1', name: 'Pump', latitude: 52.5, longitude: 13.4, altitude: 34 } });
    await server.ok('POST', '/data/bulk', { token, body: readings() });
    await server.ok('POST', '/data/ingest/truck', { token, body: { variables: { latitude: 48.1, longitude: 11.6, speed: 80 } } });
    await server.device(token, 'silent');
    await server.ok('POST', '/data/ingest/theirs', { token: stranger, body: { variables: { x: 1 } } });
});
after(() => server?.stop());

const at = (path, answer) => answer.widgets.find((one) => one.widgetId === path);
const query = (parameters) => new URLSearchParams(parameters).toString();

// A dashboard with these widgets; answers {id, data(body), widgets: [ids]}
async function board(widgets, body = {}) {
    const { id } = await server.ok('POST', '/dashboards', { token, body: { name: 'b', ...body } });
    const ids = [];
    for (const widget of widgets) ids.push((await server.ok('POST', `/dashboards/${id}/widgets`, { token, body: { name: 'w', ...widget } })).id);
    return { id, ids, call: (said) => server.call('POST', `/dashboards/${id}/data`, { token, body: said }), data: (said) => server.ok('POST', `/dashboards/${id}/data`, { token, body: said }) };
}
async function only(widget, said) {
    const { ids, data } = await board([widget]);
    return at(ids[0], await data(said));
}
const pump = (more) => ({ deviceId: 'pump-1', variableName: 'x', ...more });

describe('as the query API has it', () => {
    test('a chart has the thinned samples of its range, and its spike', async () => {
        for (const type of ['LINE_CHART', 'AREA_CHART', 'BAR_CHART']) {
            const { id, ids, data } = await board([pump({ type, aggregation: 'LAST', timeRangeMinutes: 45 })]);
            const answer = await data();
            shape(answer, 'dashboardId,timestamp,widgets');
            assert.equal(answer.dashboardId, id);
            const widget = at(ids[0], answer);
            shape(widget, 'widgetId,type,kind,from,to,error,series');
            assert.deepEqual([widget.type, widget.kind, widget.error, widget.to], [type, 'SERIES', null, answer.timestamp]);
            assert.equal(Date.parse(widget.to) - Date.parse(widget.from), 45 * MINUTE);
            const [line] = widget.series;
            shape(line, 'deviceId,variable,label,error,timestamps,values');
            assert.deepEqual([line.deviceId, line.variable, line.label, line.error], ['pump-1', 'x', null, null]);
            const rows = await server.ok('GET', `/data/query?${query({ deviceId: 'pump-1', variables: 'x', from: widget.from, to: widget.to, maxPoints: 800 })}`, { token });
            assert.deepEqual(line.timestamps, rows.map((row) => row.timestamp));
            assert.deepEqual(line.values, rows.map((row) => row.x));
            assert.ok(line.values.length > 100 && line.values.length <= 800);
            assert.ok(line.values.includes(9999.5));
        }
    });

    test('a chart with an aggregation has buckets that start on multiples of their interval', async () => {
        const widget = await only(pump({ type: 'BAR_CHART', aggregation: 'AVG', timeRangeMinutes: 45 }));
        shape(widget, 'widgetId,type,kind,aggregation,from,to,interval,error,series');
        assert.deepEqual([widget.kind, widget.aggregation, widget.interval], ['BUCKETS', 'AVG', '15s']); // 200 columns of 45 minutes
        assert.equal(Date.parse(widget.from) % 15_000, 0);
        const [line] = widget.series;
        shape(line, 'deviceId,variable,label,error,timestamps,values,counts');
        const buckets = await server.ok('GET', `/analytics/aggregate?${query({ deviceId: 'pump-1', variable: 'x', aggregation: 'AVG', from: widget.from, to: widget.to, interval: widget.interval })}`, { token });
        assert.deepEqual(line, { deviceId: 'pump-1', variable: 'x', label: null, error: null, timestamps: buckets.map((one) => one.timestamp), values: buckets.map((one) => one.value), counts: buckets.map((one) => one.count) });
        const said = await only(pump({ type: 'LINE_CHART', aggregation: 'MAX', timeRangeMinutes: 45, config: { interval: '5m' } }));
        assert.equal(said.interval, '300s');
        const range = { from: new Date(start + 123).toISOString(), to: new Date(start + 10 * MINUTE).toISOString() };
        const exact = await only(pump({ type: 'LINE_CHART', aggregation: 'MIN' }), range);
        assert.equal(Date.parse(exact.from), start + 123); // a range that was said stays what it is
        assert.equal(exact.to, new Date(range.to).toISOString());
    });

    test('a number is the newest one, or one over the range', async () => {
        const types = ['GAUGE', 'INDICATOR', 'METRIC_CARD'];
        const { ids, data } = await board([...types.map((type) => pump({ type, aggregation: 'LAST' })), ...types.map((type) => pump({ type, aggregation: 'P95', timeRangeMinutes: 40 }))]);
        const answer = await data();
        const latest = await server.ok('GET', '/data/latest/pump-1?variables=x', { token });
        for (const id of ids.slice(0, 3)) {
            const widget = at(id, answer);
            shape(widget, 'widgetId,type,kind,error,series');
            assert.deepEqual([widget.kind, widget.series], ['LATEST', [{ deviceId: 'pump-1', variable: 'x', label: null, error: null, timestamp: latest.timestamp, value: latest.x }]]);
        }
        for (const id of ids.slice(3, 6)) {
            const widget = at(id, answer);
            shape(widget, 'widgetId,type,kind,aggregation,from,to,error,series');
            const [one] = await server.ok('GET', `/analytics/aggregate?${query({ deviceId: 'pump-1', variable: 'x', aggregation: 'P95', from: widget.from, to: widget.to })}`, { token });
            assert.deepEqual([widget.kind, widget.series], ['TOTAL', [{ deviceId: 'pump-1', variable: 'x', label: null, error: null, value: one.value, count: one.count }]]);
        }
        const empty = await only(pump({ type: 'GAUGE', aggregation: 'AVG' }), { from: '2020-01-01T00:00:00Z', to: '2020-02-01T00:00:00Z' });
        assert.deepEqual([empty.series[0].value, empty.series[0].count], [null, 0]);
    });

    test('a table or a pie has its listed variables, its own one, or all of them', async () => {
        for (const [type, list] of [['TABLE', 'fields'], ['PIE_CHART', 'variables']]) {
            const names = async (widget) => (await only({ type, deviceId: 'pump-1', ...widget })).series.map((line) => line.variable);
            assert.deepEqual(await names({}), ['x', 'y']);
            assert.deepEqual(await names({ variableName: 'y' }), ['y']);
            assert.deepEqual(await names({ variableName: 'x', secondVariableName: 'y' }), ['x', 'y']);
            assert.deepEqual(await names({ variableName: 'kwConsumption', config: { [list]: ['y', 'x', 7] } }), ['y', 'x']);
        }
    });

    test('two lines stand side by side, each with its own label', async () => {
        const widget = await only(pump({ type: 'LINE_CHART', secondDeviceId: 'truck', secondVariableName: 'speed', deviceLabel: 'Pump', secondDeviceLabel: 'Truck' }));
        assert.deepEqual(widget.series.map((line) => [line.deviceId, line.variable, line.label, line.error]), [['pump-1', 'x', 'Pump', null], ['truck', 'speed', 'Truck', null]]);
        assert.deepEqual(widget.series[1].values, [80]);
    });

    test('a scatter chart has pairs: the second variable at the times of the first', async () => {
        for (const widget of [{ secondVariableName: 'x' }, { config: { xVariable: 'x' } }]) {
            const [y, x] = (await only({ type: 'SCATTER_CHART', deviceId: 'pump-1', variableName: 'y', ...widget }, { maxPoints: 100 })).series;
            assert.deepEqual(x.timestamps, y.timestamps);
            assert.ok(y.timestamps.length > 30);
            for (const [i, time] of y.timestamps.entries()) {
                const n = Math.round((Date.parse(time) - start) / 1000);
                assert.deepEqual([y.values[i], x.values[i]], [n / 7, n === 1234 ? 9999.5 : Math.sin(n / 100) * 10]);
            }
        }
        const [x, y] = (await only({ type: 'SCATTER_CHART', deviceId: 'pump-1', variableName: 'x', secondVariableName: 'y' }, { maxPoints: 20 })).series;
        assert.equal(x.values.length, y.values.length);
        assert.ok(y.values.includes(null)); // y is there at every third time only
        assert.equal((await only({ type: 'SCATTER_CHART', deviceId: 'pump-1', variableName: 'x', config: { xVariable: 'timestamp' } })).series.length, 1);
    });

    test('a map has where its device is, or all devices that are somewhere', async () => {
        const one = await only({ type: 'MAP', deviceId: 'pump-1' });
        shape(one, 'widgetId,type,kind,positions,error');
        shape(one.positions[0], 'deviceId,name,latitude,longitude,altitude,status,lastSeenAt');
        const { lastSeenAt, status, ...place } = one.positions[0];
        assert.deepEqual(place, { deviceId: 'pump-1', name: 'Pump', latitude: 52.5, longitude: 13.4, altitude: 34 });
        assert.ok(lastSeenAt === null || status === 'ONLINE');
        const { ids, data } = await board([{ type: 'MAP' }, { type: 'MAP', deviceId: 'truck' }, { type: 'MAP', deviceId: 'silent' }]);
        const answer = await data();
        assert.deepEqual(at(ids[0], answer).positions.map((where) => [where.deviceId, where.latitude, where.longitude]), [['pump-1', 52.5, 13.4], ['truck', 48.1, 11.6]]);
        assert.deepEqual(at(ids[1], answer).positions.map((where) => where.altitude), [null]);
        assert.deepEqual(at(ids[2], answer).positions, []);
    });

    test('a button shows the state of its variable when it has one', async () => {
        assert.deepEqual((await only({ type: 'CONTROL_BUTTON', deviceId: 'truck' })).kind, 'NONE');
        assert.deepEqual((await only({ type: 'CONTROL_BUTTON', deviceId: 'truck', variableName: 'speed' })).series[0].value, 80);
    });

    test('an alias is found, and a widget without a device shows the dashboard\'s', async () => {
        await server.ok('POST', '/ingest/meter', { token, body: { kw_consumption: 3.5 } });
        const { ids, data } = await board([{ type: 'GAUGE', variableName: 'kwConsumption' }], { defaultDeviceId: 'meter' });
        assert.deepEqual(at(ids[0], await data()).series.map((line) => [line.deviceId, line.value]), [['meter', 3.5]]);
    });
});

describe('what cannot be shown', () => {
    test('is said in its place, and the others are shown', async () => {
        await server.ok('POST', '/ingest/doomed', { token, body: { x: 1 } });
        const { ids, data } = await board([pump({ type: 'GAUGE', deviceId: 'doomed' }), { type: 'MAP', deviceId: 'doomed' }, pump({ type: 'GAUGE', variableName: 'nobody' }), { type: 'GAUGE', variableName: 'x' },
            { type: 'LINE_CHART', deviceId: 'pump-1' }, pump({ type: 'LINE_CHART', secondVariableName: 'nobody' }), pump({ type: 'LINE_CHART', aggregation: 'AVG', timeRangeMinutes: 500000, config: { interval: '1s' } }),
            pump({ type: 'GAUGE' }), { type: 'GAUGE', deviceId: 'silent', variableName: 'x' }, { type: 'TABLE', deviceId: 'doomed' }]);
        assert.equal((await server.call('DELETE', '/devices/doomed', { token })).status, 204);
        const answer = await data();
        assert.deepEqual(answer.widgets.map((one) => one.widgetId), ids);
        const errors = answer.widgets.map((one) => one.error ?? one.series?.map((line) => line.error));
        assert.match(errors[6][0], /buckets would be needed.*smallest interval/);
        errors[6] = 'too many';
        assert.deepEqual(errors, [['There is no such device.'], 'There is no such device.', ['This device has no variable "nobody".'], 'This widget names no device.', 'This widget names no variable.',
            [null, 'This device has no variable "nobody".'], 'too many', [null], ['This device has no variable "x".'], ['There is no such device.']]);
        assert.ok(answer.widgets[5].series[0].values.length > 100);
    });

    test('a foreign dashboard is a missing one, and a bad request names its field', async () => {
        const { id, call } = await board([pump({ type: 'GAUGE' })]);
        problem(await server.call('POST', `/dashboards/${id}/data`, { token: stranger }), 404);
        const wrong = async (body, ...fields) => assert.deepEqual(Object.keys(problem(await call(body), 400, 'errors').errors), fields);
        for (const maxPoints of [3, 20001, 4.5, 'many', -1]) await wrong({ maxPoints }, 'maxPoints');
        await wrong({ from: 'yesterday' }, 'from');
        await wrong({ from: '2030-01-01T00:00:00Z', to: '2029-01-01T00:00:00Z' }, 'from');
        await wrong({ from: '2999-01-01T00:00:00Z' }, 'from');
        await wrong([], 'body');
        problem(await call('{'), 400);
        assert.equal((await call({})).status, 200);
        assert.equal((await call({ maxPoints: 20000, from: '1970-01-01T00:00:00Z', to: '2200-01-01T00:00:00Z' })).status, 200);
    });

    test('points of all lines together have a bound', async () => {
        const { call } = await board(Array.from({ length: 10 }, () => pump({ type: 'LINE_CHART' })));
        assert.equal((await call({ maxPoints: 10000 })).status, 200); // 10 widgets, two lines each at most: 200,000
        assert.match(problem(await call({ maxPoints: 10001 }), 422).detail, /maxPoints=10000 fits/);
    });

    test('a full dashboard of charts is one answer', async () => {
        const { ids, data } = await board(Array.from({ length: 100 }, (_, i) => pump({ type: 'LINE_CHART', timeRangeMinutes: 10 + i % 5, secondVariableName: 'y' })));
        const answer = await data();
        assert.deepEqual(answer.widgets.map((one) => one.widgetId), ids);
        assert.ok(answer.widgets.every((one) => one.series.every((line) => line.error === null && line.values.length > 10)));
        assert.deepEqual(answer.widgets[0].series, answer.widgets[5].series);
    });
});

describe('visitors of a shared dashboard', () => {
    test('see the same values, without ids of devices, over the widgets\' own range', async () => {
        const { id, ids, data } = await board([pump({ type: 'LINE_CHART', deviceLabel: 'Pump' }), pump({ type: 'TABLE', variableName: null }), { type: 'MAP' }, pump({ type: 'GAUGE', deviceId: 'silent' }), pump({ type: 'BAR_CHART', aggregation: 'SUM' })]);
        const { token: link } = await server.ok('POST', `/dashboards/${id}/shares`, { token, body: {} });
        const visit = (body) => server.call('POST', `/public/dashboards/${link}/data`, { body });
        const [mine, theirs] = [await data({ maxPoints: 40 }), (await visit({ maxPoints: 40 })).json];
        shape(theirs, 'timestamp,widgets');
        const bare = (widgets) => widgets.map(({ from, to, series, positions, ...rest }) => ({ ...rest, span: from && Date.parse(to) - Date.parse(from) > 0,
            lines: series?.map(({ deviceId, timestamps, values, counts, ...line }) => line), places: positions?.map(({ deviceId, lastSeenAt, ...place }) => place) }));
        assert.deepEqual(bare(theirs.widgets), bare(mine.widgets));
        const text = JSON.stringify(theirs);
        for (const hidden of ['deviceId', 'pump-1', 'silent']) assert.ok(!text.includes(hidden), hidden);
        assert.ok(theirs.widgets[0].series[0].values.length > 10);
        for (const field of ['from', 'to']) assert.deepEqual(Object.keys(problem(await visit({ [field]: '2020-01-01T00:00:00Z' }), 400, 'errors').errors), [field]);
        problem(await visit({ maxPoints: 20001 }), 400, 'errors');
        assert.equal(ids.length, theirs.widgets.length);
    });

    test('need the ticket, and nothing of a link that is over', async () => {
        const { id } = await board([pump({ type: 'GAUGE' })]);
        const { id: shareId, token: link } = await server.ok('POST', `/dashboards/${id}/shares`, { token, body: { password: 'open sesame' } });
        const visit = (ticket) => server.call('POST', `/public/dashboards/${link}/data`, { headers: ticket ? { 'x-share-ticket': ticket } : {} });
        problem(await visit(), 401);
        const { ticket } = await server.ok('POST', `/public/dashboards/${link}/open`, { body: { password: 'open sesame' } });
        assert.equal((await visit(ticket)).status, 200);
        await server.call('DELETE', `/dashboards/${id}/shares/${shareId}`, { token });
        assert.equal(problem(await visit(ticket), 404).detail, 'There is no such shared dashboard.');
    });
});
