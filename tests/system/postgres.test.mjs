// The server on PostgreSQL, where that differs from the embedded store: its configuration, who may work on a
// database, what the commands say. What it answers is the other suites' (tools/run_tests.sh postgres).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readdirSync } from 'node:fs';
import { postgresIsHere, startPostgres } from './postgres.mjs';
import { run, startServer, temporaryDir } from './server.mjs';

const skip = postgresIsHere ? false : 'there is no PostgreSQL 15 here (package postgresql-15)';
let postgres, server, url, dir;

before(async () => {
    if (skip) return;
    postgres = await startPostgres();
    url = postgres.database('main');
    dir = temporaryDir();
    server = await startServer({ dir, env: { STORE_URL: url } });
});
after(async () => {
    await server?.stop();
    await postgres?.stop();
});

const other = (env, ...args) => run(['serve', '--http', '127.0.0.1:0', '--set', 'mqtt.enabled=false', '--data', temporaryDir(), ...args], { env });

test('the data directory holds the lock and the socket only', { skip }, async () => {
    const token = await server.admin();
    const device = await server.device(token, 'kept');
    await server.ok('POST', '/data/ingest/kept', { device: device.apiToken, body: { variables: { a: 1 } } });
    assert.deepEqual(readdirSync(dir).sort(), ['control.sock', 'lock']);
    assert.equal((await server.ok('GET', '//actuator/health')).components.db.details.store, 'postgres');
});

test('commands go to the running server, and a command beside it works on the same database', { skip }, async () => {
    const listed = await run(['migrate', '--status', '--data', dir], { env: { STORE_URL: url } });
    assert.equal(listed.code, 0);
    assert.match(listed.stdout, /^ +1 {2}applied/);
    const elsewhere = await run(['org', 'list', '--data', temporaryDir()], { env: { STORE_URL: url } });
    assert.deepEqual([elsewhere.code, elsewhere.stderr], [0, '']);
    const looking = await run(['migrate', '--status', '--data', temporaryDir()], { env: { STORE_URL: url } });
    assert.equal(looking.code, 0, 'looking disturbs nobody');
    assert.equal(looking.stdout, listed.stdout);
});

test('a device of more variables than there are connections is one scan', { skip }, async () => {
    const token = await server.admin();
    const variables = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`v${i}`, i]));
    const at = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
    for (const minutes of [3, 2, 1]) await server.ok('POST', '/data/ingest', { token, body: { deviceId: 'wide', timestamp: at(minutes), variables: minutes === 2 ? { v7: -7 } : variables } });
    const ask = (more) => server.ok('GET', `/data/query?deviceId=wide${more}`, { token });
    const rows = await Promise.all(Array.from({ length: 8 }, () => ask(''))); // at once: they would wait for each other
    for (const all of rows) assert.deepEqual(all.map(({ v0, v7, v39 }) => [v0 ?? null, v7, v39 ?? null]), [[0, 7, 39], [null, -7, null], [0, 7, 39]]);
    assert.deepEqual((await ask('&variables=v39,v1')).map(({ v1, v39 }) => [v1, v39]), [[1, 39], [1, 39]], 'a time without any of them is no row');
    const newest = await server.ok('GET', '/devices/wide/telemetry?limit=2', { token });
    assert.deepEqual(newest.map((row) => row.v7), [7, -7], 'newest first');
});

test('a stopped server leaves everything in the database, and the next one goes on with it', { skip }, async () => {
    await server.stop();
    const looked = await run(['migrate', '--dry-run', '--data', dir], { env: { STORE_URL: url } });
    assert.deepEqual([looked.code, looked.stdout], [0, 'nothing is pending\n']);
    const listed = await run(['org', 'list', '--data', temporaryDir()], { env: { STORE_URL: url } });
    assert.match(listed.stdout, /[a-z]/);
    server = await startServer({ dir: temporaryDir(), env: { SPRING_DATASOURCE_URL: url } });
    const latest = await server.ok('GET', '/data/latest/kept', { token: await server.admin() });
    assert.equal(latest.a, 1);
});

test('verify says whose work it is', { skip }, async () => {
    const said = await run(['verify', '--data', temporaryDir()], { env: { STORE_URL: url } });
    assert.equal(said.code, 1);
    assert.match(said.stderr, /this store is in PostgreSQL, which checks its own bytes/);
});

test('migrations of a new database can be read before they are applied', { skip }, async () => {
    const fresh = postgres.database('fresh');
    const looked = await run(['migrate', '--dry-run', '--data', temporaryDir()], { env: { STORE_URL: fresh } });
    assert.match(looked.stdout, /-- +1 {2}pending/);
    assert.match(looked.stdout, /PARTITION BY RANGE \(ts_ns\)/);
    assert.equal((await run(['migrate', '--data', temporaryDir()], { env: { STORE_URL: fresh } })).code, 0);
    const after = await run(['migrate', '--status', '--data', temporaryDir()], { env: { STORE_URL: fresh } });
    assert.doesNotMatch(after.stdout, /pending/);
});

test('a database of another program is refused by its table', { skip }, async () => {
    const strange = postgres.database('strange');
    postgres.askIn('strange', 'CREATE TABLE devices (id int)');
    const said = await other({ STORE_URL: strange });
    assert.equal(said.code, 1);
    assert.match(said.stderr, /holds tables of another program \(devices\)/);
});

test('a server that is away, and an address that is none, are one sentence without the password', { skip: false }, async () => {
    const away = await other({ STORE_URL: 'postgres://me:geheim@127.0.0.1:1/x' });
    assert.equal(away.code, 1);
    assert.match(away.stderr, /^sensorvision: PostgreSQL: connection to server at "127.0.0.1", port 1 failed: Connection refused\n$/);
    for (const wrong of ['postgres://me:geheim@127.0.0.1:1/%zz', 'postgres://me:ge heim@[::1/x', 'oracle://me:geheim@h/x',
        'jdbc:postgresql://h/x?user=me&password=geheim%'])
        for (const said of [await other({ STORE_URL: wrong }), await other({}, '--set', `store.url=${wrong}`)]) {
            assert.equal(said.code, 1, wrong);
            assert.match(said.stderr, /store\.url/);
            assert.doesNotMatch(said.stderr + said.stdout, /geheim|heim/);
        }
    const separate = await other({ STORE_URL: 'jdbc:postgresql://127.0.0.1:1/x', SPRING_DATASOURCE_USERNAME: 'me', SPRING_DATASOURCE_PASSWORD: 'geheim' });
    assert.match(separate.stderr, /Connection refused/);
    assert.doesNotMatch(separate.stderr, /geheim/);
});

test('check-config shows neither address nor password', { skip: false }, async () => {
    const env = { STORE_URL: 'postgres://me:geheim@127.0.0.1:1/x', STORE_POSTGRES_PASSWORD: 'geheim' };
    for (const more of [[], ['--json']]) {
        const shown = await run(['check-config', '--data', temporaryDir(), ...more], { env });
        assert.match(shown.stdout, /store\.url/);
        assert.doesNotMatch(shown.stdout + shown.stderr, /geheim/);
    }
});

test('the log of a server that ran never held the address', { skip }, () => {
    assert.ok(!server.log.includes(url) && !server.log.includes(postgres.dir));
});

test('an extension that the server does not have is said so, and the start goes on', { skip }, async () => {
    for (const key of ['timescaledb', 'citus']) {
        if (postgres.ask(`SELECT count(*) FROM pg_available_extensions WHERE name = '${key}'`) !== '0') continue;
        const without = await startServer({ env: { STORE_URL: postgres.database(`without_${key}`), [`STORE_POSTGRES_${key.toUpperCase()}`]: 'true' } });
        assert.match(without.log, new RegExp(`event=extension_not_used key=store\\.postgres\\.${key} why="this PostgreSQL server does not have it`));
        await without.stop();
    }
});
