// `backup` and `restore` (R12): a server under ingest is backed up, the file is restored, and what both servers
// answer is compared; what is not whole, or damaged by one bit, is never taken for a backup or an installation.
// BACKUP_ROUNDS=100 is the long form (make backup-long).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { postgresIsHere, startPostgres } from './postgres.mjs';
import { BINARY, run, startServer, temporaryDir } from './server.mjs';

const ROUNDS = Number(process.env.BACKUP_ROUNDS ?? 3);
const SEED = Number(process.env.SEED ?? Date.now() % 1e9);
const HOUR = 3_600_000;
const BASE = Math.floor(Date.now() / HOUR) * HOUR - 72 * HOUR;
const SETS = { 'store.memory-bytes': 4194304, 'pilot.data-retention-days': 0 }; // little memory: it seals and merges meanwhile
const SLOTS = 40;
const ROUND_MOST = 4000;
const pause = () => new Promise((resolve) => { setTimeout(resolve, 5); });
const iso = (ms) => new Date(ms).toISOString();
const dirs = [];
const dir = () => { const made = temporaryDir(); dirs.push(made); return made; };
const backup = (file, data, ...more) => run(['backup', file, '--data', data, '--json', ...more], { deadline: 60_000 });
const restore = (file, data, ...more) => run(['restore', file, '--data', data, '--json', ...more], { deadline: 60_000 });
let random = SEED;
const next = (below) => { random = (random * 1103515245 + 12345) % 2147483648; return random % below; };
let server, user, data, kept;

before(async () => {
    console.log(`seed ${SEED}, ${ROUNDS} rounds`);
    data = dir();
    server = await startServer({ dir: data, sets: SETS });
    user = await server.register('keeper');
    const token = user.accessToken;
    ({ apiToken: kept } = await server.device(token, 'with-token'));
    await server.ok('PUT', '/devices/with-token', { token, body: { description: '0' } });
    await server.ok('POST', '/data/ingest/chain', { token, body: { timestamp: iso(BASE), variables: { k: 0 } } });
    await server.ok('POST', '/rules', { token, body: { name: 'never', deviceId: 'chain', variable: 'k', operator: 'LT', threshold: -1 } });
    await server.ok('GET', '/dashboards/default', { token });
});
after(async () => {
    await server.stop();
    for (const made of dirs) rmSync(made, { recursive: true, force: true });
});

// --- what goes on meanwhile: each writer waits for its answers, and knows what was sent and what acknowledged ---

// Ascending readings of one device; the variable of every thousandth is new.
async function stream(state, token) {
    while (!state.stop) {
        if (state.sent >= state.most) { await pause(); continue; } // a round compares so many at most
        const telemetry = [];
        for (let n = state.sent; telemetry.length < 250; n++) telemetry.push({ deviceId: state.device, timestamp: iso(BASE + n * 100), variables: { a: Math.sin(n) * 1e3, b: n, [`c${Math.floor(n / 1000)}`]: n / 8 } });
        state.sent += telemetry.length;
        const answer = await server.ok('POST', '/data/ingest/bulk', { token, body: { telemetry } });
        assert.equal(answer.successCount, telemetry.length);
        state.acked = state.sent;
    }
}

// The same moments written over and over: what merges and rollups have most to do with.
async function rewrite(state, token) {
    while (!state.stop) {
        const k = ++state.sent;
        await server.ok('POST', '/data/ingest', { token, body: { deviceId: 'slots', timestamp: iso(BASE + (k % SLOTS) * 60_000), variables: { k } } });
        state.acked = k;
    }
}

// A reading, then a device's text that tells of it, then the next: of no instant has the catalog more than the readings.
async function chain(state, token) {
    while (!state.stop) {
        const k = ++state.sent;
        await server.ok('POST', '/data/ingest', { token, body: { deviceId: 'chain', timestamp: iso(BASE + k * 1000), variables: { k } } });
        await server.ok('PUT', '/devices/with-token', { token, body: { description: String(k) } });
        state.acked = k;
    }
}

const rows = (at, token, device, from, to) => at.ok('GET', `/data/query?deviceId=${device}&from=${from}&to=${to}&limit=100000`, { token });
const count = async (at, token, device, variable) => (await at.ok('GET', `/analytics/aggregate?deviceId=${device}&variable=${variable}&aggregation=COUNT&from=${iso(BASE - HOUR)}&to=${iso(BASE + 1e9)}`, { token }))[0]?.count ?? 0;

// The restored streams are a beginning of what was sent, with all that was acknowledged before; both servers say the same of it.
async function compareStream(restored, tokens, state, acked, sent) {
    const all = await count(restored, tokens.restored, state.device, 'a');
    assert.ok(all >= acked && all <= sent, `${state.device}: ${all} of ${acked} to ${sent}`);
    const from = iso(BASE + (state.compared ?? 0) * 100);
    const last = iso(BASE + (all - 1) * 100);
    const got = await rows(restored, tokens.restored, state.device, from, last);
    assert.equal(got.length, all - (state.compared ?? 0));
    assert.deepEqual(got, await rows(server, tokens.source, state.device, from, last));
    state.compared = Math.max(0, all - 1000);
    for (const aggregation of ['COUNT', 'MIN', 'MAX', 'AVG', 'P95']) {
        const path = `/analytics/aggregate?deviceId=${state.device}&variable=a&aggregation=${aggregation}&from=${iso(BASE)}&to=${last}&interval=${aggregation === 'P95' ? 'NONE' : '1h'}`;
        const [mine, theirs] = [await restored.ok('GET', path, { token: tokens.restored }), await server.ok('GET', path, { token: tokens.source })];
        if (aggregation === 'AVG') sameMeans(mine, theirs, path);
        else assert.deepEqual(mine, theirs, path);
    }
}

// Sums are added up in another order when they were sealed at another moment: the last digit of a mean may differ.
function sameMeans(mine, theirs, path) {
    assert.equal(mine.length, theirs.length, path);
    mine.forEach((one, i) => assert.ok(Math.abs(one.value - theirs[i].value) <= 1e-9, `${path}: ${one.value} and ${theirs[i].value}`)); // values reach 1e3: 1e-12 of that
    assert.deepEqual(mine.map(({ value, ...rest }) => rest), theirs.map(({ value, ...rest }) => rest), path);
}

async function compareSlots(restored, token, acked, sent) {
    const values = (await rows(restored, token, 'slots', iso(BASE), iso(BASE + HOUR))).map((row) => row.k);
    const newest = Math.max(0, ...values);
    assert.ok(newest >= acked && newest <= sent, `slots: ${newest} of ${acked} to ${sent}`);
    for (const value of values) assert.ok(value > newest - SLOTS, `${value} was written over before ${newest}`);
    const path = `/analytics/aggregate?deviceId=slots&variable=k&aggregation=SUM&from=${iso(BASE)}&to=${iso(BASE + HOUR)}&interval=1h`;
    const [sum] = await restored.ok('GET', path, { token });
    assert.deepEqual([sum?.value ?? 0, sum?.count ?? 0], [values.reduce((a, b) => a + b, 0), values.length]);
}

async function compareChain(restored, token, acked, sent) {
    const readings = await count(restored, token, 'chain', 'k') - 1;
    const told = Number((await restored.ok('GET', '/devices/with-token', { token })).description);
    assert.ok(readings >= acked && readings <= sent, `chain: ${readings} of ${acked} to ${sent}`);
    assert.ok(told === readings || told === readings - 1, `${told} told of ${readings} readings: not of one instant`);
}

test(`R12: ${ROUNDS} backups under ingest, restored, answer as the server they are of`, async () => {
    const token = user.accessToken;
    const streams = [0, 1].map((n) => ({ device: `stream-${n}`, sent: 0, acked: 0, most: ROUND_MOST }));
    const slots = { sent: 0, acked: 0 };
    const links = { sent: 0, acked: 0 };
    const all = [...streams, slots, links];
    const work = [...streams.map((state) => stream(state, token)), rewrite(slots, token), chain(links, token)];
    const ended = Promise.all(work);
    ended.catch(() => {}); // looked at below
    try {
        for (const end = Date.now() + 60_000; all.some((state) => state.acked === 0); await pause()) { // each has its device
            assert.ok(Date.now() < end, 'nobody writes');
        }
        for (let round = 0; round < ROUNDS; round++) {
            const file = join(dir(), 'b');
            const place = dir();
            const acked = all.map((state) => state.acked);
            for (const state of streams) state.most = state.sent + ROUND_MOST;
            const made = await backup(file, data);
            const sent = all.map((state) => state.sent);
            assert.equal(made.code, 0, made.stderr);
            const said = JSON.parse(made.stdout);
            assert.deepEqual(Object.keys(said), ['status', 'file', 'takenAt', 'files', 'bytes', 'seconds']);
            assert.deepEqual([said.status, said.file], ['written', file]);
            assert.ok(!existsSync(`${file}.part`) && !existsSync(join(data, 'backup')), 'nothing is left beside it');
            const put = await restore(file, place);
            assert.equal(put.code, 0, put.stderr);
            assert.deepEqual(JSON.parse(put.stdout), { status: 'restored', takenAt: said.takenAt, files: said.files, bytes: said.bytes });
            const restored = await startServer({ dir: place, sets: SETS });
            const tokens = { source: token, restored: await restored.login(user.username, user.password) };
            for (let i = 0; i < streams.length; i++) await compareStream(restored, tokens, streams[i], acked[i], sent[i]);
            await compareSlots(restored, tokens.restored, acked[2], sent[2]);
            await compareChain(restored, tokens.restored, acked[3], sent[3]);
            for (const path of ['/rules', '/dashboards', '/auth/me', '/devices/with-token/token'])
                assert.deepEqual(await restored.ok('GET', path, { token: tokens.restored }), await server.ok('GET', path, { token }), path);
            await restored.ok('POST', '/data/ingest/with-token', { device: kept, body: { variables: { t: round } } });
            await restored.stop();
            rmSync(place, { recursive: true });
            rmSync(file);
        }
    } finally {
        for (const state of all) state.stop = true;
    }
    await ended;
});

test('a backup never takes the place of a file, and a restore never that of an installation', async () => {
    const file = join(dir(), 'b');
    writeFileSync(file, 'precious');
    const made = await backup(file, data);
    assert.equal(made.code, 1);
    assert.match(made.stderr, /exists already, and is not overwritten/);
    assert.equal(readFileSync(file, 'utf8'), 'precious');
    const good = join(dir(), 'b');
    assert.equal((await backup(good, data)).code, 0);
    const running = await restore(good, data);
    assert.equal(running.code, 1);
    assert.match(running.stderr, /is in use by process/);
    const place = dir();
    assert.equal((await restore(good, place)).code, 0);
    const again = await restore(good, place);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /there is an installation in .*, and it is not overwritten/);
    assert.equal((await run(['verify', '--data', place])).stdout, 'sound\n');
    assert.equal((await run(['backup', '--data', data])).code, 2);
    assert.match((await backup(join(dir(), 'b'), join(dir(), 'none'))).stderr, /there is no installation in/);
});

test('a stopped installation is backed up under its lock, and a running one by its server; both are sound', async () => {
    const stopped = dir();
    const first = await startServer({ dir: stopped });
    await first.register();
    await first.stop();
    const file = join(dir(), 'b');
    const made = await backup(file, stopped);
    assert.equal(made.code, 0, made.stderr);
    const checked = await run(['restore', file, '--check']);
    assert.deepEqual([checked.code, checked.stderr], [0, '']);
    assert.match(checked.stdout, /^sound: \d+ files, \d+ bytes, as of 20\d\d-\S+Z\n$/);
    assert.deepEqual(readdirSync(stopped).sort(), ['catalog.db', 'catalog.db-journal', 'lock', 'telemetry']);
});

test('a flipped bit in a backup, or a cut, is found: nothing is restored, nothing is left behind', async () => {
    const file = join(dir(), 'b');
    assert.equal((await backup(file, data)).code, 0);
    const bytes = readFileSync(file);
    for (let i = 0; i < 6; i++) {
        const wrong = Buffer.from(bytes);
        const at = next(bytes.length);
        wrong[at] ^= 1 << next(8);
        const cut = i === 5;
        writeFileSync(file, cut ? bytes.subarray(0, at) : wrong);
        for (const place of [undefined, dir()]) {
            const result = place ? await restore(file, place) : await run(['restore', file, '--check', '--json']);
            assert.equal(result.code, 1, `seed ${SEED}: byte ${at}`);
            assert.match(result.stderr, /offset \d+: /);
            if (place) assert.deepEqual(readdirSync(place), ['lock']);
        }
    }
});

test('a flipped bit in the store is found while it is backed up, and there is no file', async () => {
    const sick = dir();
    const first = await startServer({ dir: sick });
    const { accessToken: token } = await first.register();
    await first.ok('POST', '/data/ingest', { token, body: { deviceId: 'd', timestamp: iso(BASE), variables: { a: 1.5 } } });
    await first.stop();
    const names = readdirSync(join(sick, 'telemetry')).filter((name) => name.endsWith('.seg'));
    assert.ok(names.length > 0);
    for (const damaged of [join('telemetry', names[0]), 'catalog.db']) {
        const path = join(sick, damaged);
        const sound = readFileSync(path);
        const bytes = Buffer.from(sound);
        bytes[damaged === 'catalog.db' ? bytes.length - 100 : 60] ^= 1; // a block's middle; the last page
        writeFileSync(path, bytes);
        const file = join(dir(), 'b');
        const made = await backup(file, sick);
        assert.equal(made.code, 1, damaged);
        assert.match(made.stderr, new RegExp(damaged.split('/').at(-1)));
        assert.ok(!existsSync(file) && !existsSync(`${file}.part`) && !existsSync(join(sick, 'backup')));
        writeFileSync(path, sound);
    }
    assert.equal((await backup(join(dir(), 'b'), sick)).code, 0);
});

// One request on the server's control socket, as a command sends it.
async function ask(request) {
    const socket = net.connect(join(data, 'control.sock'));
    socket.end(`${JSON.stringify(request)}\n`);
    let text = '';
    for await (const part of socket.setEncoding('utf8')) text += part;
    return JSON.parse(text);
}

test('a backup that is killed leaves no file with its name, and the next one is not in its way', async () => {
    const file = join(dir(), 'b');
    server.child.kill('SIGSTOP'); // the command waits for the snapshot
    const child = spawn(BINARY, ['backup', file, '--data', data], { stdio: 'ignore' });
    const ended = once(child, 'close');
    while (!/ S /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8')) && child.exitCode === null) await new Promise((resolve) => { setTimeout(resolve, 5); });
    child.kill('SIGKILL');
    await ended;
    server.child.kill('SIGCONT');
    assert.ok(!existsSync(file));
    const held = await ask({ do: 'backup.begin' }); // and one that died behind its snapshot: nobody holds the lock
    assert.equal(held.ok, true);
    assert.ok(existsSync(join(data, 'backup/catalog.db')));
    writeFileSync(`${file}.part`, 'what another left');
    const made = await backup(file, data);
    assert.equal(made.code, 0, made.stderr);
    assert.equal((await run(['restore', file, '--check'])).code, 0);
    assert.ok(!existsSync(`${file}.part`) && !existsSync(join(data, 'backup')));
});

test('a restore that was killed is served by nobody, and begins anew', async () => {
    const file = join(dir(), 'b');
    assert.equal((await backup(file, data)).code, 0);
    const place = dir();
    mkdirSync(join(place, 'telemetry'));
    for (const name of ['restore.unfinished', 'catalog.db', 'telemetry/s-00000000000000ff.seg', 'telemetry/MANIFEST']) writeFileSync(join(place, name), 'half');
    const served = await run(['serve', '--data', place, '--http', '127.0.0.1:0']);
    assert.equal(served.code, 1);
    assert.match(served.stderr, /a restore into .* has not ended; run `sensorvision restore` again/);
    for (const command of [['config', 'list'], ['org', 'list']]) assert.equal((await run([...command, '--data', place])).code, 1);
    const put = await restore(file, place);
    assert.equal(put.code, 0, put.stderr);
    assert.ok(!existsSync(join(place, 'restore.unfinished')) && !existsSync(join(place, 'telemetry/s-00000000000000ff.seg')));
    assert.equal((await run(['verify', '--data', place])).stdout, 'sound\n');
    assert.equal(statSync(join(place, 'catalog.db')).mode & 0o77, 0, 'passwords are nobody else\'s');
    assert.equal(statSync(file).mode & 0o77, 0);
});

test('PostgreSQL is backed up its own way, which docs/backup.md tells, under ingest too', { skip: postgresIsHere ? false : 'there is no PostgreSQL 15 here (package postgresql-15)' }, async () => {
    const postgres = await startPostgres();
    const url = postgres.database('live');
    const source = await startServer({ dir: dir(), env: { STORE_URL: url } });
    try {
        const refused = await backup(join(dir(), 'b'), source.dir);
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, /pg_dump -Fc/);
        const person = await source.register();
        const token = person.accessToken;
        const state = { sent: 0, acked: 0 };
        const writing = (async () => {
            while (!state.stop) {
                await source.ok('POST', '/data/ingest', { token, body: { deviceId: 'd', timestamp: iso(BASE + ++state.sent * 1000), variables: { k: state.sent } } });
                state.acked = state.sent;
            }
        })();
        writing.catch(() => {});
        const file = join(dir(), 'dump');
        const before = state.acked;
        postgres.tool('pg_dump', ['-Fc', '-f', file, '-d', url]);
        const after = state.sent;
        state.stop = true;
        await writing;
        const back = postgres.database('back');
        postgres.tool('pg_restore', ['--no-owner', '-d', back, file]);
        const restored = await startServer({ dir: dir(), env: { STORE_URL: back } });
        const other = await restored.login(person.username, person.password);
        const got = await rows(restored, other, 'd', iso(BASE), iso(BASE + 1e9)).catch(() => []);
        assert.ok(got.length >= before && got.length <= after, `${got.length} of ${before} to ${after}`);
        if (got.length) assert.deepEqual(got, await rows(source, token, 'd', iso(BASE), got.at(-1).timestamp));
        await restored.stop();
    } finally {
        await source.stop();
        await postgres.stop();
    }
});
