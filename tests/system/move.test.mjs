// `move`: an installation from the embedded store to PostgreSQL and back. What a server answers before and after
// is compared to the byte; a killed move goes on and doubles nothing; half a move is served by nobody.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { postgresIsHere, startPostgres } from './postgres.mjs';
import { BINARY, run, startServer, temporaryDir } from './server.mjs';

const skip = postgresIsHere ? false : 'there is no PostgreSQL 15 here (package postgresql-15)';
const HOUR = 3_600_000;
const END = Math.floor(Date.now() / HOUR) * HOUR - 4 * HOUR; // nothing here is of the hour under way
const first = { dir: undefined, env: {} };
const dirs = [];
let postgres, user, keptToken, uuid, answers;

const dir = () => { const made = temporaryDir(); dirs.push(made); return made; };
const embedded = (path) => ({ dir: path, url: `embedded:${path}`, env: { STORE_URL: `embedded:${path}` } });
const database = (name) => ({ dir: dir(), url: postgres.database(name), env: { STORE_URL: postgres.urlOf(name) } });
const move = (from, to, ...args) => run(['move', '--from', from.url, '--to', to.url, '--json', ...args], { deadline: 120_000 });

async function moved(from, to) {
    const result = await move(from, to);
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.stderr, '', 'no bar where there is no terminal');
    return JSON.parse(result.stdout);
}

// A device of `series` variables with a reading a minute for so many hours.
async function fill(server, token, externalId, series, hours, days) {
    const telemetry = [];
    for (let at = END - days * 24 * HOUR, n = 0; n < hours * 60; at += 60_000, n++) {
        const variables = {};
        for (let s = 0; s < series; s++) variables[`v${s}`] = Math.sin(n + s) * 1000 / 3;
        telemetry.push({ deviceId: externalId, timestamp: new Date(at).toISOString(), variables });
    }
    for (let i = 0; i < telemetry.length; i += 5000) await server.ok('POST', '/data/ingest/bulk', { token, body: { telemetry: telemetry.slice(i, i + 5000) } });
}

// What clients see of it all.
async function look(server) {
    const token = await server.login(user.username, user.password);
    const from = new Date(END - 60 * 24 * HOUR).toISOString();
    const to = new Date(END + HOUR).toISOString();
    const seen = {};
    const note = async (path) => { seen[path] = await server.ok('GET', path, { token }); };
    for (const path of ['/devices?sort=externalId,asc&page=0', '/rules', '/dashboards', '/dashboards/default', `/organizations/${user.organizationId}/retention`, '/device-tags', '/devices/old/variables',
        '/synthetic-variables', '/data/latest?deviceIds=old,wide,sparse', `/data/query?deviceId=sparse&from=${from}&to=${to}`, `/data/query?deviceId=wide&from=${from}&to=${to}&variables=v3,v69`]) await note(path);
    for (const deviceId of ['old', 'wide', 'sparse'])
        for (const aggregation of ['COUNT', 'MIN', 'MAX', 'FIRST', 'LAST', 'P95']) await note(`/analytics/aggregate?deviceId=${deviceId}&variable=v0&aggregation=${aggregation}&from=${from}&to=${to}&interval=${aggregation === 'P95' ? '1d' : '1h'}`);
    return JSON.parse(JSON.stringify(seen, (key, value) => (['lastValueAt', 'lastHealthCheckAt', 'healthScore', 'healthStatus', 'status'].includes(key) ? undefined : value)));
}

before(async () => {
    if (skip) return;
    postgres = await startPostgres();
    Object.assign(first, embedded(dir()));
    const server = await startServer({ dir: first.dir, sets: { 'pilot.data-retention-days': 0 } });
    user = await server.register('mover');
    const token = user.accessToken;
    await fill(server, token, 'old', 2, 48, 30); // raw points will be forgotten, hours stay
    await fill(server, token, 'wide', 70, 5, 3); // more series than are merged at once
    await fill(server, token, 'sparse', 1, 3, 2);
    await fill(server, token, 'long', 4, 300, 15);
    ({ apiToken: keptToken, id: uuid } = await server.device(token, 'with-token'));
    await server.ok('POST', '/rules', { token, body: { name: 'hot', deviceId: 'sparse', variable: 'v0', operator: 'GT', threshold: 5000 } });
    await server.ok('POST', '/device-tags', { token, body: { name: 'site é', color: '#102030' } });
    await server.ok('POST', '/synthetic-variables', { token, body: { deviceId: 'sparse', name: 'twice', expression: 'v0 * 2' } });
    const board = await server.ok('GET', '/dashboards/default', { token });
    await server.ok('POST', `/dashboards/${board.id}/widgets`, { token, body: { name: 'w', type: 'LINE_CHART', deviceId: 'sparse', variableName: 'v0', config: { a: [1, 2, { b: null }] } } });
    const gone = await server.device(token, 'deleted');
    await server.ok('POST', `/data/ingest/deleted`, { token, body: { variables: { x: 1 } } });
    await server.call('DELETE', `/devices/${gone.externalId}`, { token });
    await server.ok('PUT', `/organizations/${user.organizationId}/retention`, { token, body: { retentionDays: 20 } });
    assert.equal((await run(['cleanup', '--data', first.dir])).code, 0);
    answers = await look(server);
    const counted = Object.entries(answers).find(([path]) => path.includes('deviceId=old&variable=v0&aggregation=COUNT'));
    assert.equal(counted[1].length, 48, 'hours outlive their points');
    await server.stop();
});
after(async () => {
    await postgres?.stop();
    for (const made of dirs) rmSync(made, { recursive: true, force: true });
});

async function sameAnswers(place) {
    const server = await startServer({ dir: place.dir, env: place.env, sets: { 'pilot.data-retention-days': 0 } });
    const seen = await look(server);
    for (const [path, value] of Object.entries(answers)) assert.deepEqual(seen[path], value, path);
    await server.ok('POST', '/data/ingest/with-token', { device: keptToken, body: { variables: { t: 1 } } });
    const made = await server.device(await server.login(user.username, user.password), 'made-afterwards');
    assert.notEqual(made.id, uuid);
    await server.stop();
}

test('a server answers the same from PostgreSQL, and the same again back in a directory', { skip }, async () => {
    const there = database('there');
    const result = await moved(first, there);
    assert.equal(result.status, 'moved');
    assert.equal(result.resumed, false);
    assert.equal(result.copiedPoints, result.points);
    assert.ok(result.points >= 5 * 60 * 70 + 300 * 60 * 4 && result.hours > 48 && result.rows > 80, JSON.stringify(result));
    assert.equal(postgres.askIn('there', "SELECT count(*) FROM telemetry_hours WHERE series = (SELECT v.id FROM variables v JOIN devices d ON d.id = v.device WHERE d.external_id = 'old' AND v.name = 'v0')"), '48');
    const back = embedded(dir());
    const again = await moved(there, back);
    assert.deepEqual([again.points, again.hours, again.series, again.rows], [result.points, result.hours, result.series, result.rows]);
    assert.equal((await run(['verify', '--data', back.dir])).stdout, 'sound\n');
    await sameAnswers(there);
    await sameAnswers(back);
});

test('a move that is killed is not served, goes on when it is run again, and doubles nothing', { skip }, async () => {
    const there = database('killed');
    const child = spawn(BINARY, ['move', '--from', first.url, '--to', there.url], { stdio: 'ignore' });
    const ended = once(child, 'close');
    for (const end = Date.now() + 30_000; ;) { // some of it is there
        assert.ok(Date.now() < end, 'nothing arrived');
        try {
            if (postgres.askIn('killed', 'SELECT count(*) FROM telemetry_records') !== '0') break;
        } catch { /* no table yet */ }
    }
    child.kill('SIGKILL');
    assert.deepEqual(await ended, [null, 'SIGKILL'], 'it was killed before its end');
    const refused = await run(['serve', '--http', '127.0.0.1:0', '--set', 'mqtt.enabled=false', '--data', there.dir], { env: there.env });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /is being filled by `sensorvision move`/);
    assert.equal((await run(['org', 'list', '--data', there.dir], { env: there.env })).code, 1, 'commands neither');
    const result = await moved(first, there);
    assert.equal(result.resumed, true);
    const stored = postgres.askIn('killed', 'SELECT sum(cardinality(series)) FROM telemetry_records');
    assert.equal(stored, String(result.points));
    await sameAnswers(there);
});

test('a directory that was being filled is not served, and filled to its end', { skip }, async () => {
    const source = database('half');
    await moved(first, source);
    const back = embedded(dir());
    const child = spawn(BINARY, ['move', '--from', source.url, '--to', back.url], { stdio: 'ignore' });
    const ended = once(child, 'close');
    for (const end = Date.now() + 30_000; ;) {
        assert.ok(Date.now() < end, 'nothing arrived');
        const looked = await run(['verify', '--data', back.dir]);
        if (/in use by process/.test(looked.stderr)) break;
    }
    child.kill('SIGKILL');
    await ended;
    const result = await moved(source, back);
    assert.equal((await run(['verify', '--data', back.dir])).stdout, 'sound\n');
    assert.ok(result.points > 0);
    await sameAnswers(back);
});

test('what cannot be is refused in words', { skip }, async () => {
    const used = database('taken_already');
    await moved(first, used);
    const cases = [
        [[], 2, /move needs --from/],
        [['--from', first.url], 2, /move needs --to/],
        [['--from', first.url, '--to', 'mysql://x'], 2, /--to: /],
        [['--from', first.url, '--to', first.url], 2, /name the same store/],
        [['--from', first.url, '--to', `embedded:${dir()}`], 2, /copy the directory of the stopped server/],
        [['--from', `embedded:${dir()}`, '--to', postgres.urlOf('nowhere')], 1, /there is no installation in/],
        [['--from', first.url, '--to', used.url], 1, /the target is not empty: its table organizations has rows/],
    ];
    for (const [args, code, said] of cases) {
        const result = await run(['move', ...args]);
        assert.deepEqual([result.code, said.test(result.stderr)], [code, true], `${args.join(' ')}: ${result.stderr}`);
    }
    const server = await startServer({ dir: first.dir });
    const busy = await move(first, database('busy'));
    assert.equal(busy.code, 1);
    assert.match(JSON.parse(busy.stderr).error, /in use by process/);
    await server.stop();
});

test('a target of another move is left to it', { skip }, async () => {
    const other = embedded(dir());
    const server = await startServer({ dir: other.dir });
    await server.stop();
    const there = database('taken');
    const child = spawn(BINARY, ['move', '--from', first.url, '--to', there.url], { stdio: 'ignore' });
    const ended = once(child, 'close');
    for (const end = Date.now() + 30_000; ;) {
        assert.ok(Date.now() < end, 'no mark');
        try {
            if (postgres.askIn('taken', "SELECT count(*) FROM settings WHERE key = 'takeover'") === '1') break;
        } catch { /* no table yet */ }
    }
    child.kill('SIGKILL');
    await ended;
    const refused = await move(other, there);
    assert.equal(refused.code, 1);
    assert.match(JSON.parse(refused.stderr).error, /being filled from another source/);
});
