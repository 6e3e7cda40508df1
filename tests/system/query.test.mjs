// Contract, section 7: what was sent comes out again, in rows, latest values, aggregates and exports.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startServer } from './server.mjs';
import { problem, shape } from './shape.mjs';

const HOUR = 3600_000;
let server, token, device;
// 90 minutes by the second from a full hour: x rises, y is a saw tooth, kw is one of the five electrical ones.
const start = Math.floor((Date.now() - 6 * HOUR) / HOUR) * HOUR;
const samples = Array.from({ length: 5400 }, (_, i) => ({ t: start + i * 1000, x: i / 4, y: i % 97 }));
const iso = (t) => new Date(t).toISOString();
const range = `from=${iso(start)}&to=${iso(start + 5400_000)}`;

before(async () => {
    server = await startServer();
    token = (await server.register()).accessToken;
    device = (await server.device(token, 'q-1')).apiToken;
    const body = samples.map(({ t, x, y }) => ({ deviceId: 'q-1', timestamp: t, variables: { x, y } }));
    await server.ok('POST', '/data/bulk', { device, body });
    await server.ok('POST', '/data/ingest', { device, body: { deviceId: 'meter', variables: { kw_consumption: 1.5, voltage: 230, power_factor: 0.9 } } });
});
after(() => server?.stop());

describe('rows', () => {
    test('are ascending, whole, and name every variable', async () => {
        const rows = await server.ok('GET', `/data/query?deviceId=q-1&${range}`, { token });
        assert.equal(rows.length, 5400);
        for (const name of ['deviceId', 'timestamp', 'x', 'y', 'kwConsumption', 'voltage', 'current', 'powerFactor', 'frequency']) assert.ok(name in rows[0], name);
        assert.equal(rows[0].voltage, null);
        rows.forEach((row, i) => {
            assert.equal(Date.parse(row.timestamp), samples[i].t);
            assert.equal(row.x, samples[i].x);
        });
    });

    test('take the older names of their parameters', async () => {
        for (const names of [['start', 'end'], ['startTime', 'endTime'], ['from', 'to']]) {
            const rows = await server.ok('GET', `/data/query?deviceId=q-1&${names[0]}=${iso(start)}&${names[1]}=${iso(start + 9000)}`, { token });
            assert.equal(rows.length, 10, names.join());
        }
    });

    test('hold only the variables that are asked for', async () => {
        const rows = await server.ok('GET', `/data/query?deviceId=q-1&variables=y&from=${iso(start)}&to=${iso(start + 4000)}`, { token });
        assert.equal(rows.length, 5);
        assert.ok('y' in rows[0] && !('x' in rows[0]));
        problem(await server.call('GET', `/data/query?deviceId=q-1&variables=nope&${range}`, { token }), 400);
    });

    test('are cut at the limit and go on', async () => {
        const rows = await server.ok('GET', `/data/query?deviceId=q-1&${range}&limit=100`, { token });
        assert.equal(rows.length, 100);
        assert.equal(rows[99].x, samples[99].x);
    });

    test('thinned keep every extreme', async () => {
        const rows = await server.ok('GET', `/data/query?deviceId=q-1&variables=y&${range}&maxPoints=400`, { token });
        assert.ok(rows.length <= 400 && rows.length > 100, String(rows.length));
        assert.equal(Math.max(...rows.map((row) => row.y)), 96);
        assert.equal(Math.min(...rows.map((row) => row.y)), 0);
    });

    test('of the electrical five come in camelCase too', async () => {
        const row = await server.ok('GET', '/data/latest/meter', { token });
        assert.deepEqual([row.kwConsumption, row.kw_consumption, row.voltage, row.powerFactor, row.current], [1.5, 1.5, 230, 0.9, null]);
        const rows = await server.ok('GET', '/data/query?deviceId=meter&variables=kwConsumption', { token });
        assert.equal(rows.length, 1, 'an alias finds the variable');
    });

    test('newest first, of one device', async () => {
        const rows = await server.ok('GET', `/devices/q-1/telemetry?limit=3&${range}`, { token });
        assert.deepEqual(rows.map((row) => row.x), samples.slice(-3).reverse().map((s) => s.x));
    });

    test('refuse a missing device, bad times and a turned range', async () => {
        problem(await server.call('GET', '/data/query', { token }), 400);
        problem(await server.call('GET', '/data/query?deviceId=nowhere', { token }), 404);
        problem(await server.call('GET', '/data/query?deviceId=q-1&from=soon', { token }), 400);
        const turned = await server.call('GET', `/data/query?deviceId=q-1&from=${iso(start + 1000)}&to=${iso(start)}`, { token });
        assert.ok([400, 422].includes(turned.status), turned.text);
    });
});

describe('latest values', () => {
    test('of one device, 404 when it has none', async () => {
        const row = await server.ok('GET', '/data/latest/q-1', { token });
        assert.equal(row.x, samples.at(-1).x);
        assert.equal(row.deviceId, 'q-1');
        await server.device(token, 'silent');
        problem(await server.call('GET', '/data/latest/silent', { token }), 404);
    });

    test('of many or all', async () => {
        const all = await server.ok('GET', '/data/latest', { token });
        assert.deepEqual(all.map((row) => row.externalId).filter((id) => id !== 'silent' && id !== 'q-late').sort(), ['meter', 'q-1']);
        const some = await server.ok('GET', '/data/latest?deviceIds=q-1&variables=x', { token });
        assert.equal(some.length, 1);
        assert.ok('x' in some[0] && !('y' in some[0]) && 'metadata' in some[0]);
    });
});

// The answer computed here, from what was sent.
function expected(aggregation, values) {
    const sum = values.reduce((a, b) => a + b, 0);
    const mean = sum / values.length;
    const sorted = [...values].sort((a, b) => a - b);
    const percentile = (p) => {
        const at = (sorted.length - 1) * p, low = Math.floor(at);
        return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
    };
    return {
        MIN: sorted[0], MAX: sorted.at(-1), AVG: mean, SUM: sum, COUNT: values.length, FIRST: values[0], LAST: values.at(-1),
        STDDEV: Math.sqrt(values.reduce((a, v) => a + (v - mean) ** 2, 0) / values.length),
        P50: percentile(0.5), P95: percentile(0.95), P99: percentile(0.99),
    }[aggregation];
}
const near = (a, b) => Math.abs(a - b) <= 1e-12 * Math.max(1, Math.abs(a), Math.abs(b));

describe('aggregates', () => {
    for (const aggregation of ['MIN', 'MAX', 'AVG', 'SUM', 'COUNT', 'FIRST', 'LAST', 'STDDEV', 'P50', 'P95', 'P99']) {
        test(`${aggregation} equals what was sent, over the range and by bucket`, async () => {
            const ask = (more) => server.ok('GET', `/analytics/aggregate?deviceId=q-1&variable=y&aggregation=${aggregation}&${more}`, { token });
            const odd = `from=${iso(start + 7000)}&to=${iso(start + 4327_000)}`;
            const inside = samples.filter(({ t }) => t >= start + 7000 && t < start + 4327_000);
            const [whole] = await ask(odd);
            shape(whole, 'deviceId,variable,aggregation,timestamp,value,count');
            assert.equal(Date.parse(whole.timestamp), start + 7000);
            assert.equal(whole.count, inside.length);
            assert.ok(near(whole.value, expected(aggregation, inside.map((s) => s.y))), `${whole.value}`);
            const buckets = await ask(`${odd}&interval=7m`);
            assert.equal(buckets.length, Math.ceil(4320 / 420));
            for (const bucket of buckets) {
                const from = Date.parse(bucket.timestamp);
                const values = inside.filter(({ t }) => t >= from && t < from + 420_000).map((s) => s.y);
                assert.equal(bucket.count, values.length);
                assert.ok(near(bucket.value, expected(aggregation, values)), `${bucket.timestamp} ${bucket.value}`);
            }
        });
    }

    test('still equal after a late point into a full hour', async () => {
        await server.ok('POST', '/data/ingest', { device, body: { deviceId: 'q-late', timestamp: start + 500, variables: { late: 7 } } });
        await server.ok('POST', '/data/ingest', { device, body: { deviceId: 'q-late', timestamp: start + 100, variables: { late: 3 } } });
        const [first] = await server.ok('GET', `/analytics/aggregate?deviceId=q-late&variable=late&aggregation=FIRST&from=${iso(start)}&to=${iso(start + HOUR)}`, { token });
        assert.deepEqual([first.value, first.count], [3, 2]);
    });

    test('too fine an interval is 422 with the smallest that fits', async () => {
        const answer = await server.call('GET', `/analytics/aggregate?deviceId=q-1&variable=y&aggregation=AVG&interval=1s&from=${iso(start - 86400_000)}&to=${iso(start)}`, { token });
        assert.equal(answer.status, 422, answer.text);
        assert.match(answer.json.detail, /\d+ ?[smhd]/);
    });

    test('an unknown variable, aggregation or interval is 400', async () => {
        for (const more of ['variable=nope&aggregation=AVG', 'variable=y&aggregation=BEST', 'variable=y&aggregation=AVG&interval=often', 'aggregation=AVG', 'variable=y&aggregation=AVG&interval=0s']) {
            problem(await server.call('GET', `/analytics/aggregate?deviceId=q-1&${more}&${range}`, { token }), 400);
        }
    });

    test('many in one request answer as each alone does, in order, a refused one among them', async () => {
        const kinds = ['AVG', 'MIN', 'MAX', 'SUM', 'COUNT', 'FIRST', 'LAST', 'STDDEV', 'P95'];
        const ask = (variable, aggregation, from, to, more) => ({ deviceId: 'q-1', variable, aggregation, from: iso(from), to: iso(to), ...more });
        const requests = [
            ...['x', 'y'].flatMap((variable) => kinds.map((kind) => ask(variable, kind, start + 7000, start + 4327_000))),
            ask('nope', 'AVG', start, start + 1000),
            ...kinds.map((kind) => ask('x', kind, start, start + 5400_000)),
            ask('x', 'MAX', start, start + 5400_000, { interval: '30m' }),
            ask('x', 'MAX', start - 86400_000, start - 80000_000),
        ];
        const { results } = await server.ok('POST', '/analytics/aggregate/batch', { token, body: { requests } });
        assert.equal(results.length, requests.length);
        for (const [i, result] of results.entries()) {
            const alone = await server.call('GET', `/analytics/aggregate?${new URLSearchParams(requests[i])}`, { token });
            if (alone.status !== 200) {
                assert.deepEqual(result, { error: alone.json.detail });
                continue;
            }
            const close = (row) => ({ ...row, value: Number(row.value.toPrecision(10)) });
            assert.deepEqual(result.map(close), alone.json.map(close), JSON.stringify(requests[i]));
        }
        assert.deepEqual(results.at(-1), []);
        assert.match(JSON.stringify(results), /1349\.75/);
    });

    test('over the fleet, by device and all together', async () => {
        for (const groupBy of ['device', 'none']) {
            const fleet = await server.ok('GET', `/analytics/fleet?variable=y&aggregation=MAX&${range}&groupBy=${groupBy}`, { token });
            assert.match(JSON.stringify(fleet), /96/, groupBy);
        }
    });
});

test('a thinned answer is bounded over all its variables', async () => {
    const many = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`v${i}`, i]));
    await server.ok('POST', '/data/ingest', { device, body: { deviceId: 'wide', variables: many } });
    const answer = await server.call('GET', '/data/query?deviceId=wide&maxPoints=100000', { token });
    assert.equal(answer.status, 422, answer.text);
    assert.match(answer.json.detail, /maxPoints=80000 fits/);
    assert.equal((await server.call('GET', '/data/query?deviceId=wide&maxPoints=80000', { token })).status, 200);
});

describe('exports', () => {
    test('CSV holds every row once', async () => {
        const { text, headers } = await server.call('GET', `/export/csv/q-1?${range}`, { token });
        assert.match(headers.get('content-type'), /^text\/csv/);
        const lines = text.trim().split(/\r?\n/);
        assert.equal(lines.length, 1 + 5400);
        const names = lines[0].split(',');
        const values = lines[1].split(',');
        assert.equal(Number(values[names.indexOf('x')]), samples[0].x);
    });

    test('JSON is one document with every row', async () => {
        const answer = await server.call('GET', `/export/json/q-1?${range}`, { token });
        const rows = Array.isArray(answer.json) ? answer.json : answer.json.rows ?? answer.json.data ?? answer.json.telemetry;
        assert.equal(rows.length, 5400);
        const [old] = rows;
        for (const name of ['kwConsumption', 'voltage', 'current', 'powerFactor', 'frequency']) assert.ok(name in old, `rows as /data/query has them: ${name}`);
        const [exact] = (await server.call('GET', `/export/json/q-1?${range}&names=exact`, { token })).json;
        assert.deepEqual(Object.keys(exact).slice(0, 2), ['deviceId', 'timestamp']);
        assert.ok(!('kwConsumption' in exact) && exact.x === old.x);
        assert.equal((await server.call('GET', `/export/json/q-1?${range}&names=some`, { token })).status, 400);
    });
});

describe('after kill -9', () => {
    test('everything that was acknowledged is there again', async () => {
        const first = await startServer({ dir: (await import('./server.mjs')).temporaryDir() });
        const user = await first.register();
        const made = await first.device(user.accessToken, 'crash');
        for (let i = 0; i < 20; i++) await first.ok('POST', '/ingest/crash', { device: made.apiToken, body: { x: i } });
        await first.kill();
        const second = await startServer({ dir: first.dir });
        second.keepDir = false;
        try {
            const again = await second.login(user.username, user.password);
            const rows = await second.ok('GET', '/data/query?deviceId=crash', { token: again });
            assert.deepEqual(rows.map((row) => row.x), Array.from({ length: 20 }, (_, i) => i));
            await second.ok('POST', '/ingest/crash', { device: made.apiToken, body: { x: 20 } });
        } finally {
            await second.stop();
        }
    });
});
