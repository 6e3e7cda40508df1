// Contract, section 9: synthetic variables. The language itself is in tests/unit/rules/expression_test.c.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startServer, temporaryDir } from './server.mjs';
import { EVENT, PAGE, RULE, VARIABLE, problem, shape } from './shape.mjs';
import { openSocket } from './socket.mjs';

const SYNTHETIC = 'id,name,description,deviceId,deviceName,expression,unit,enabled,variableId,lastValue,lastValueAt,createdAt,updatedAt';
const T0 = Math.floor(Date.now() / 1000) * 1000 - 3600_000;
const at = (seconds) => new Date(T0 + seconds * 1000).toISOString();

let server, token;
before(async () => { server = await startServer(); token = (await server.register()).accessToken; });
after(() => server?.stop());

const unique = () => `s-${randomBytes(4).toString('hex')}`;
const create = (body, more = {}) => server.call('POST', '/synthetic-variables', { token, body, ...more });
async function made(body) {
    const answer = await create(body);
    assert.equal(answer.status, 201, answer.text);
    shape(answer.json, SYNTHETIC);
    return answer.json;
}
async function send(deviceId, seconds, variables, on = server, as = token) {
    await on.ok('POST', '/data/ingest', { token: as, body: { deviceId, timestamp: at(seconds), variables } });
}
async function until(what, look, wanted) {
    const end = Date.now() + 20_000;
    for (;;) {
        const got = await look();
        try {
            assert.deepEqual(got, wanted);
            return;
        } catch (error) {
            if (Date.now() > end) throw new Error(`${what}: ${error.message}`);
        }
        await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
}
// [[seconds, value], …] of one variable
async function values(deviceId, name, on = server, as = token) {
    const rows = await on.ok('GET', `/data/query?deviceId=${deviceId}&from=${at(-86400)}&to=${at(90000)}&variables=${name}`, { token: as });
    return rows.filter((row) => row[name] !== undefined && row[name] !== null).map((row) => [(Date.parse(row.timestamp) - T0) / 1000, row[name]]);
}

describe('a synthetic variable', () => {
    test('is computed at the times of its inputs, with the newest value of each', async () => {
        const deviceId = unique();
        await server.device(token, deviceId);
        const power = await made({ name: 'power', deviceId, expression: 'voltage * current', unit: 'W', description: 'apparent' });
        assert.equal(power.deviceId, deviceId);
        assert.equal(power.enabled, true);
        assert.equal(power.unit, 'W');
        assert.equal(power.lastValue, null);
        await send(deviceId, 0, { voltage: 230 }); // no current yet: no result
        await send(deviceId, 1, { current: 2 });
        await send(deviceId, 2, { voltage: 231, current: 3 });
        await send(deviceId, 3, { unrelated: 1 });
        await send(deviceId, 4, { voltage: 200 });
        await until('power', () => values(deviceId, 'power'), [[1, 460], [2, 693], [4, 600]]);
        const read = await server.ok('GET', `/synthetic-variables/${power.id}`, { token });
        shape(read, SYNTHETIC);
        assert.equal(read.lastValue, 600);
        assert.equal(Date.parse(read.lastValueAt), T0 + 4000);
        const [variable] = (await server.ok('GET', `/devices/${deviceId}/variables`, { token })).filter((v) => v.name === 'power');
        shape(variable, VARIABLE);
        assert.equal(variable.dataSource, 'SYNTHETIC');
        assert.equal(variable.id, power.variableId);
        assert.equal(variable.unit, 'W');
        assert.equal(variable.description, 'apparent');
        assert.equal((await server.ok('GET', `/devices/${deviceId}/variables/latest`, { token })).power, 600);
    });

    test('has no result where there is none, and goes on', async () => {
        const deviceId = unique();
        await server.device(token, deviceId);
        await made({ name: 'ratio', deviceId, expression: 'a / b' });
        await made({ name: 'safe', deviceId, expression: 'if(b == 0, -1, a / b)' });
        for (const [i, b] of [4, 0, 2].entries()) await send(deviceId, i, { a: 8, b });
        await until('ratio', () => values(deviceId, 'ratio'), [[0, 2], [2, 4]]);
        await until('safe', () => values(deviceId, 'safe'), [[0, 2], [1, -1], [2, 4]]);
    });

    test('looks at windows that include what came before it was made', async () => {
        const deviceId = unique();
        await server.device(token, deviceId);
        for (let i = 0; i < 5; i++) await send(deviceId, i * 60, { t: i });
        await made({ name: 'mean', deviceId, expression: 'avg("t", "5m")' });
        await made({ name: 'n', deviceId, expression: 'count(t, 1h) * 10 + max(t, 5m)' });
        await made({ name: 'middle', deviceId, expression: 'median(t, 24h)' });
        await made({ name: 'perHour', deviceId, expression: 'rate(t, 15m)' });
        await send(deviceId, 300, { t: 5 }); // (0, 300]: 1 2 3 4 5
        await send(deviceId, 360, { t: 6 }); // (60, 360]: 2 3 4 5 6
        await until('mean', () => values(deviceId, 'mean'), [[300, 3], [360, 4]]);
        await until('n', () => values(deviceId, 'n'), [[300, 65], [360, 76]]);
        await until('middle', () => values(deviceId, 'middle'), [[300, 2.5], [360, 3]]);
        await until('perHour', () => values(deviceId, 'perHour'), [[300, 60], [360, 60]]);
    });

    test('may use another one, is computed after it, and a late reading changes both', async () => {
        const deviceId = unique();
        await server.device(token, deviceId);
        const c = await made({ name: 'c', deviceId, expression: 'b + x' });
        await made({ name: 'b', deviceId, expression: 'a * 10' });
        assert.equal(c.expression, 'b + x');
        await send(deviceId, 10, { a: 1, x: 1 });
        await send(deviceId, 20, { x: 2 });
        await send(deviceId, 30, { a: 3 });
        await until('c', () => values(deviceId, 'c'), [[10, 11], [20, 12], [30, 32]]);
        await send(deviceId, 15, { a: 2 }); // late: what follows it is computed again
        await until('b', () => values(deviceId, 'b'), [[10, 10], [15, 20], [30, 30]]);
        await until('c', () => values(deviceId, 'c'), [[10, 11], [15, 21], [20, 22], [30, 32]]);
    });

    test('is live, and a rule on it raises an alert', async () => {
        const deviceId = unique();
        await server.device(token, deviceId);
        await made({ name: 'double', deviceId, expression: 'v * 2' });
        const rule = await server.ok('POST', '/rules', { token, body: { name: 'r', deviceId, variable: 'double', operator: 'GT', threshold: 100 } });
        shape(rule, RULE);
        const socket = await openSocket(server, `/ws/telemetry?token=${token}`);
        await send(deviceId, 3590, { v: 60 });
        const frame = await socket.next((f) => f.deviceId === deviceId && f.double === 120);
        assert.equal(Date.parse(frame.timestamp), T0 + 3590_000);
        socket.close();
        await until('alert', async () => (await server.ok('GET', `/alerts?ruleId=${rule.id}`, { token })).map((a) => a.triggeredValue), [120]);
    });
});

describe('what is refused', () => {
    let deviceId;
    before(async () => { deviceId = unique(); await server.device(token, deviceId); await send(deviceId, 0, { raw: 1 }); });

    test('a wrong expression, with its place', async () => {
        const answer = await create({ name: 'wrong', deviceId, expression: '1 +\n  avg(raw, 6h)' });
        const { errors } = problem(answer, 400, 'errors');
        assert.deepEqual(errors, { expression: 'line 2, column 12: expected a window: 5m, 15m, 1h, 24h, 7d or 30d, found \"6h\"' });
    });

    test('wrong members, each by name', async () => {
        const some = { name: 'n', deviceId, expression: 'raw' };
        for (const [field, body] of [['name', { ...some, name: undefined }], ['name', { ...some, name: 'timestamp' }], ['name', { ...some, name: 'x'.repeat(101) }],
            ['deviceId', { ...some, deviceId: undefined }], ['expression', { ...some, expression: '' }], ['expression', { ...some, expression: '1 + 2' }],
            ['expression', { ...some, expression: 5 }], ['expression', { ...some, expression: 'x'.repeat(4001) }], ['enabled', { ...some, enabled: 'yes' }],
            ['unit', { ...some, unit: 'x'.repeat(33) }]]) {
            const answer = await create(body);
            assert.equal(answer.status, 400, `${JSON.stringify(body)}: ${answer.text}`);
            assert.deepEqual(Object.keys(answer.json.errors), [field], answer.text);
        }
    });

    test('a name that the device has, or that is computed already', async () => {
        assert.match(problem(await create({ name: 'raw', deviceId, expression: 'raw + 1' }), 409).detail, /has sent/);
        await made({ name: 'once', deviceId, expression: 'raw + 1' });
        assert.match(problem(await create({ name: 'once', deviceId, expression: 'raw + 2' }), 409).detail, /synthetic/);
    });

    test('what would be computed from itself, however far around', async () => {
        assert.match(problem(await create({ name: 'self', deviceId, expression: 'avg(self, 5m)' }), 422).detail, /self -> self/);
        const first = await made({ name: 'first', deviceId, expression: 'raw + 1' });
        await made({ name: 'second', deviceId, expression: 'first * 2', enabled: false });
        await made({ name: 'third', deviceId, expression: 'max(second, 5m)' });
        const answer = await server.call('PUT', `/synthetic-variables/${first.id}`, { token, body: { expression: 'third + raw' } });
        assert.match(problem(answer, 422).detail, /first -> third -> second -> first/);
        assert.equal((await server.ok('GET', `/synthetic-variables/${first.id}`, { token })).expression, 'raw + 1');
    });

    test('a chain of more than eight', async () => {
        const id = unique();
        await server.device(token, id);
        for (let i = 1; i <= 8; i++) await made({ name: `c${i}`, deviceId: id, expression: i === 1 ? 'raw' : `c${i - 1} + 1` });
        problem(await create({ name: 'c9', deviceId: id, expression: 'c8 + 1' }), 422);
        await send(id, 0, { raw: 5 });
        await until('c8', () => values(id, 'c8'), [[0, 12]]);
    });

    test('a message that carries it', async () => {
        const id = unique();
        await server.device(token, id);
        const y = await made({ name: 'calc', deviceId: id, expression: 'v' });
        const answer = await server.call('POST', '/data/ingest', { token, body: { deviceId: id, variables: { v: 1, calc: 2 } } });
        assert.equal(answer.status, 400, answer.text);
        assert.match(answer.json.message, /calc is a synthetic variable/);
        const bulk = await server.ok('POST', '/data/ingest/bulk', { token, body: { telemetry: [{ deviceId: id, timestamp: at(1), variables: { calc: 2 } }, { deviceId: id, timestamp: at(2), variables: { v: 3 } }] } });
        assert.equal(bulk.successCount, 1);
        assert.equal(bulk.failureCount, 1);
        await until('calc', () => values(id, 'calc'), [[2, 3]]);
        assert.equal((await server.call('DELETE', `/synthetic-variables/${y.id}`, { token })).status, 204);
        await send(id, 3, { calc: 9 }); // the name is free again
        assert.deepEqual(await values(id, 'calc'), [[2, 3], [3, 9]]);
    });

    test('the fifty-first of a device', async () => {
        const id = unique();
        await server.device(token, id);
        for (let i = 0; i < 50; i++) await made({ name: `y${i}`, deviceId: id, expression: 'x' });
        const { limit } = problem(await create({ name: 'y50', deviceId: id, expression: 'x' }), 403, 'limit');
        assert.deepEqual(limit, { name: 'synthetic-variables-per-device', max: 50, used: 50 });
    });

    test('another name or device, but not the present ones', async () => {
        const y = await made({ name: 'fixed', deviceId, expression: 'raw' });
        for (const body of [{ name: 'other' }, { deviceId: 'other' }]) {
            const answer = await server.call('PATCH', `/synthetic-variables/${y.id}`, { token, body });
            assert.deepEqual(Object.keys(problem(answer, 400, 'errors').errors), Object.keys(body));
        }
        const again = await server.ok('PUT', `/synthetic-variables/${y.id}`, { token, body: { ...y, unit: 'K', id: 'x', createdAt: 0 } });
        assert.deepEqual({ ...again, unit: null, updatedAt: y.updatedAt }, y);
        assert.equal(again.unit, 'K');
    });
});

describe('routes', () => {
    test('list in pages and by device, change, disable, enable, and tell of it', async () => {
        const own = (await server.register()).accessToken;
        const as = { token: own };
        for (const id of ['one', 'two']) await server.device(own, id);
        const ys = [];
        for (const [deviceId, name] of [['one', 'a'], ['one', 'b'], ['two', 'c']]) ys.push(await server.ok('POST', '/synthetic-variables', { ...as, body: { name, deviceId, expression: 'x + 1' } }));
        assert.deepEqual((await server.ok('GET', '/synthetic-variables', as)).map((y) => y.name), ['a', 'b', 'c']);
        assert.deepEqual((await server.ok('GET', '/synthetic-variables?deviceId=one', as)).map((y) => y.name), ['a', 'b']);
        const page = await server.ok('GET', '/synthetic-variables?page=0&size=2&sort=name,desc', as);
        shape(page, PAGE);
        assert.deepEqual(page.content.map((y) => y.name), ['c', 'b']);
        assert.equal((await server.ok('POST', `/synthetic-variables/${ys[0].id}/disable`, as)).enabled, false);
        assert.deepEqual((await server.ok('GET', '/synthetic-variables?enabled=false', as)).map((y) => y.name), ['a']);
        await send('one', 0, { x: 1 }, server, own);
        await until('b', () => values('one', 'b', server, own), [[0, 2]]);
        assert.equal((await server.ok('POST', `/synthetic-variables/${ys[0].id}/enable`, as)).enabled, true);
        await server.ok('PATCH', `/synthetic-variables/${ys[1].id}`, { ...as, body: { expression: 'x * 100' } });
        await send('one', 1, { x: 2 }, server, own);
        await until('a', () => values('one', 'a', server, own), [[1, 3]]);
        await until('b', () => values('one', 'b', server, own), [[0, 2], [1, 200]]);
        assert.equal((await server.call('DELETE', `/synthetic-variables/${ys[2].id}`, as)).status, 204);
        problem(await server.call('GET', `/synthetic-variables/${ys[2].id}`, as), 404);
        const { content } = await server.ok('GET', '/events?page=0&size=50', as);
        const types = content.map((e) => e.eventType).filter((t) => t.startsWith('SYNTHETIC'));
        assert.deepEqual(types, ['SYNTHETIC_VARIABLE_DELETED', ...Array(3).fill('SYNTHETIC_VARIABLE_UPDATED'), ...Array(3).fill('SYNTHETIC_VARIABLE_CREATED')]);
        shape(content.find((e) => e.eventType === 'SYNTHETIC_VARIABLE_CREATED'), EVENT);
    });

    test('try an expression without making anything', async () => {
        const deviceId = unique();
        await server.device(token, deviceId);
        for (let i = 0; i < 3; i++) await send(deviceId, i, { t: 10 + i, zero: 0 });
        const validate = (body) => server.ok('POST', '/synthetic-variables/validate', { token, body });
        assert.deepEqual(await validate({ deviceId, expression: 't * 2 + avg(t, 5m) + gone * 0' }), {
            valid: true, errors: [],
            variables: [{ name: 't', known: true }, { name: 'gone', known: false }],
            windows: [{ function: 'avg', variable: 't', window: '5m' }],
            preview: { value: null, timestamp: at(2), reason: 'there is no reading for it', line: 1, column: 22 } });
        assert.deepEqual((await validate({ deviceId, expression: 't * 2 + avg(t, 5m)' })).preview, { value: 35, timestamp: at(2) });
        assert.deepEqual((await validate({ deviceId, expression: 't / zero' })).preview.reason, 'division by zero');
        assert.deepEqual(await validate({ expression: 't $ 2' }), { valid: false, errors: [{ line: 1, column: 3, offset: 2, message: 'this character has no meaning here' }], variables: [], windows: [], preview: null });
        assert.equal((await validate({ expression: 't' })).preview, null);
        const loop = await validate({ deviceId, name: 'me', expression: 't + me' });
        assert.equal(loop.valid, false);
        assert.match(loop.errors[0].message, /me -> me/);
        problem(await server.call('POST', '/synthetic-variables/validate', { token, body: { deviceId: 'nowhere', expression: 't' } }), 404);
        problem(await server.call('POST', '/synthetic-variables/validate', { token, body: {} }), 400, 'errors');
    });

    test('name the functions as the earlier platform did', async () => {
        const groups = await server.ok('GET', '/expression-functions', { token });
        assert.deepEqual(Object.keys(groups), ['Math', 'Logic', 'Statistical']);
        const flat = await server.ok('GET', '/expression-functions/flat', { token });
        assert.equal(flat.length, 31);
        for (const f of flat) shape(f, 'name,description,category');
        for (const name of ['sqrt', 'if', 'percentChange', 'minTime']) assert.ok(flat.some((f) => f.name === name), name);
    });

    test('compute history on request, in the background', async () => {
        const deviceId = unique();
        await server.device(token, deviceId);
        for (let i = 0; i < 4; i++) await send(deviceId, i, { h: i });
        const y = await made({ name: 'hh', deviceId, expression: 'h * 2' });
        await send(deviceId, 4, { h: 4 });
        await until('hh', () => values(deviceId, 'hh'), [[4, 8]]);
        const backfill = (from) => server.call('POST', `/synthetic-variables/${y.id}/backfill`, { token, body: { from } });
        const answer = await backfill(at(1));
        assert.equal(answer.status, 202, answer.text);
        assert.deepEqual(answer.json, { accepted: true, from: at(1) });
        await until('hh', () => values(deviceId, 'hh'), [[1, 2], [2, 4], [3, 6], [4, 8]]);
        for (const from of [undefined, 'yesterday', at(-32 * 86400), at(2 * 86400)]) problem(await backfill(from), 400, 'errors');
    });
});

describe('nothing is lost', () => {
    // Many devices send while the server is killed; after the next start every acknowledged reading has its result.
    test('by kill -9', async () => {
        const dir = temporaryDir();
        let one = await startServer({ dir, sets: { 'rate-limiting.enabled': false } });
        const { accessToken: own, username, password } = await one.register();
        const devices = Array.from({ length: 8 }, (_, i) => `k${i}`);
        for (const id of devices) {
            await one.device(own, id);
            await one.ok('POST', '/synthetic-variables', { token: own, body: { name: 'y', deviceId: id, expression: 'x * 10 + count(x, 24h) * 0' } });
            await one.ok('POST', '/synthetic-variables', { token: own, body: { name: 'z', deviceId: id, expression: 'y + 1' } });
        }
        const acknowledged = Object.fromEntries(devices.map((id) => [id, []]));
        let next = 0;
        const sender = async () => {
            for (;;) {
                const i = next++;
                const id = devices[i % devices.length];
                const seconds = i % 5 ? i : i - 20; // some are late
                if (seconds < 0) continue;
                try {
                    const body = { deviceId: id, timestamp: at(seconds), variables: { x: seconds } };
                    if ((await one.call('POST', '/data/ingest', { token: own, body })).status !== 200) return;
                } catch { return; }
                acknowledged[id].push(seconds);
            }
        };
        const senders = Array.from({ length: 8 }, sender);
        const early = Promise.all(senders).then(() => { throw new Error(`sending ended early: ${one.exitCode} ${one.log}`); });
        while (next < 2000) await Promise.race([early, new Promise((resolve) => { setTimeout(resolve, 5); })]);
        early.catch(() => {});
        await one.kill();
        await Promise.all(senders);
        one = await startServer({ dir, sets: { 'rate-limiting.enabled': false } });
        const again = await one.login(username, password);
        for (const id of devices) {
            const wanted = [...new Set(acknowledged[id])].sort((a, b) => a - b);
            const missing = async (name, of) => {
                const got = new Map(await values(id, name, one, again));
                return wanted.filter((s) => got.get(s) !== of(s));
            };
            await until(`${id}.y`, () => missing('y', (s) => s * 10), []);
            await until(`${id}.z`, () => missing('z', (s) => s * 10 + 1), []);
        }
        await send('k0', 3500, { x: 7 }, one, again); // and it goes on
        await until('on', async () => (await one.ok('GET', '/data/latest/k0', { token: again })).z, 71);
        await one.stop();
        // a stop in good order owes nothing, and the next start goes on from there
        one = await startServer({ dir, sets: { 'rate-limiting.enabled': false } });
        const third = await one.login(username, password);
        await send('k0', 3501, { x: 8 }, one, third);
        await until('again', async () => (await one.ok('GET', '/data/latest/k0', { token: third })).z, 81);
        await one.stop();
    });
});
