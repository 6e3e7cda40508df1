// Every command of contract section 1 from outside: its help, its exit codes, its JSON, and that it does
// the same with a server running (through the control socket) and without one (under the lock).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ADMIN, BINARY, freePort, run, startServer, temporaryDir } from './server.mjs';

const root = new URL('../../', import.meta.url).pathname;
const dirs = [];
const dir = () => { const made = temporaryDir(); dirs.push(made); return made; };
after(() => { for (const made of dirs) rmSync(made, { recursive: true, force: true }); });

const COMMANDS = ['serve', 'check-config', 'config list', 'config set', 'config unset', 'migrate', 'verify', 'cleanup', 'org create',
    'org list', 'user add', 'user passwd', 'token create', 'import', 'export', 'version'];

async function done(args, options) {
    const result = await run(args, options);
    assert.equal(result.code, 0, `${args.join(' ')}: ${result.stdout}${result.stderr}`);
    return result.stdout;
}
const json = async (args, options) => JSON.parse(await done([...args, '--json'], options));

describe('help', () => {
    test('every command has one, with examples', async () => {
        const all = await done(['--help']);
        for (const command of COMMANDS) {
            assert.ok(all.includes(`  ${command}`), command);
            const help = await done([...command.split(' '), '--help']);
            assert.match(help, /^Usage: sensorvision /);
            assert.match(help, /\nExamples:\n {2}/);
            assert.ok(help.includes('--json'), command);
        }
    });

    test('a family and an unknown command are told apart', async () => {
        const family = await run(['config']);
        assert.equal(family.code, 2);
        assert.match(family.stderr, /config set/);
        assert.equal((await run(['config', '--help'])).code, 0);
        assert.match((await run(['dance'])).stderr, /dance is not a command/);
    });

    test('the generated documents are what the binary writes', async () => {
        for (const [kind, file] of [['config', 'docs/CONFIG.md'], ['man', 'deploy/man/sensorvision.1'], ['completion', 'deploy/completion/sensorvision.bash']]) {
            assert.ok(await done(['docs', kind]) === readFileSync(join(root, file), 'utf8'), `${file} is stale: sensorvision docs ${kind} >${file}`);
        }
        assert.equal((await run(['docs', 'nothing'])).code, 2);
    });

    test('version says what it is made of, for programs too', async () => {
        const version = await json(['version']);
        assert.match(version.version, /^\d+\.\d+\.\d+$/);
        for (const name of ['libuv', 'SQLite', 'libsodium', 'zstd']) assert.ok(version.libraries[name], name);
    });
});

describe('check-config', () => {
    test('a pilot\'s file loads; only its JVM keys are ignored, planned ones are named', async () => {
        const report = await json(['check-config', '--data', dir(), '--config', join(root, 'tests/unit/app/application-pilot-performance.properties')]);
        assert.deepEqual(report.bad, []);
        assert.deepEqual(report.unknown, []);
        assert.equal(report.ignored.length, 15);
        for (const { key } of report.ignored) assert.match(key, /^(spring|server\.tomcat|server\.compression|management|logging)\./);
        const size = report.keys.find(({ key }) => key === 'pilot.telemetry.batch-size');
        assert.deepEqual([size.value, size.effect, size.origin.layer, size.origin.line], ['100', 'LIVE', 'file', 31]);
    });

    test('names all bad values at once, with their file and line, and exits 2', async () => {
        const file = join(dir(), 'bad.properties');
        writeFileSync(file, 'server.port=70000\n\npilot.telemetry.batch-timeout=5 parsecs\nlog.levle=info\n');
        const { code, stdout } = await run(['check-config', '--data', dir(), '--config', file]);
        assert.equal(code, 2);
        assert.match(stdout, /bad\.properties:1: server\.port=70000 is not accepted; it takes a whole number from 0 to 65535/);
        assert.match(stdout, /bad\.properties:3: pilot\.telemetry\.batch-timeout=5 parsecs/);
        assert.match(stdout, /log\.levle .*did you mean log\.level\?/);
    });

    test('the environment wins over the file, --set over both', async () => {
        const file = join(dir(), 'a.properties');
        writeFileSync(file, 'server.port=1\nlog.level=error\npilot.telemetry.batch-size=3\n');
        const { keys } = await json(['check-config', '--data', dir(), '--config', file, '--set', 'server.port=3'],
            { env: { SERVER_PORT: '2', LOG_LEVEL: 'warn' } });
        const value = (name) => keys.find(({ key }) => key === name);
        assert.deepEqual([value('server.port').value, value('server.port').origin.layer], ['3', 'set']);
        assert.deepEqual([value('log.level').value, value('log.level').origin.where], ['warn', 'LOG_LEVEL']);
        assert.equal(value('pilot.telemetry.batch-size').value, '3');
    });

    test('a missing file and a secret are handled in words', async () => {
        const missing = await run(['check-config', '--config', join(dir(), 'none.properties')]);
        assert.equal(missing.code, 2);
        assert.match(missing.stderr, /none\.properties: not found/);
        const secret = await done(['check-config', '--data', dir(), '--set', 'app.jwt.secret=0123456789abcdef0123456789abcdef']);
        assert.ok(!secret.includes('0123456789abcdef'));
    });
});

// The same administration twice: asked of a running server, and under the lock.
async function administer(data, tag) {
    const common = ['--data', data];
    const org = await json(['org', 'create', `Plant ${tag}`, ...common]);
    assert.equal(org.name, `Plant ${tag}`);
    assert.equal((await run(['org', 'create', `Plant ${tag}`, ...common])).code, 1);
    assert.ok((await json(['org', 'list', ...common])).organizations.some(({ name }) => name === `Plant ${tag}`));
    const user = await json(['user', 'add', `ann-${tag}`, '--org', `Plant ${tag}`, '--email', `ann-${tag}@example.org`, '--role', 'org_admin', ...common],
        { env: { SENSORVISION_PASSWORD: 'a long password 1' } });
    assert.deepEqual([user.role, user.organizationId], ['ROLE_ORG_ADMIN', org.id]);
    const short = await run(['user', 'add', 'x', '--org', `Plant ${tag}`, '--email', 'x@example.org', '--password', 'short', ...common]);
    assert.equal(short.code, 1);
    assert.match(short.stderr, /password/);
    await done(['user', 'passwd', `ann-${tag}`, '--password', 'another long password 1', ...common]);
    assert.equal((await run(['user', 'passwd', 'nobody', '--password', 'another long password 1', ...common])).code, 1);
    assert.equal((await run(['user', 'passwd', `ann-${tag}`, ...common])).code, 2, 'no password and no terminal');
    const token = (await done(['token', 'create', '--device', `pump-${tag}`, '--org', `Plant ${tag}`, ...common])).trim();
    assert.match(token, /^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    const several = await run(['token', 'create', '--device', 'pump', ...common]);
    assert.equal(several.code, 1);
    assert.match(several.stderr, /several organisations; name one with --org/);
    assert.equal((await run(['token', 'create', ...common])).code, 2);
    assert.equal((await run(['token', 'create', '--device', 'p', '--org', `Plant ${tag}`, '--value', 'NOT-A-UUID', ...common])).code, 1);
    assert.equal((await json(['cleanup', ...common])).pointsDropped, 0);
    const { steps } = await json(['migrate', '--status', ...common]);
    assert.ok(steps.length > 0 && steps.every(({ state }) => state === 'applied'));
    return token;
}

describe('administration', () => {
    const data = dir();
    let server;
    before(async () => { server = await startServer({ dir: data }); });
    after(() => server?.stop());

    test('asks a running server, and what it makes works at once', async () => {
        const token = await administer(data, 'live');
        assert.equal((await server.call('POST', '/ingest/pump-live', { device: token, body: { x: 1 } })).status, 200);
        assert.ok(await server.login('ann-live', 'another long password 1'));
        const fixed = '550e8400-e29b-41d4-a716-446655440000';
        await done(['token', 'create', '--device', 'pump-live', '--org', 'Plant live', '--value', fixed, '--data', data]);
        assert.equal((await server.call('POST', '/ingest/pump-live', { device: token, body: { x: 1 } })).status, 401);
        assert.equal((await server.call('POST', '/ingest/pump-live', { device: fixed, body: { x: 1 } })).status, 200);
    });

    test('an override of a LIVE key counts at once, of another after a restart', async () => {
        const common = ['--data', data];
        const registration = { username: 'late', email: 'late@example.org', password: 'a long password 1' };
        assert.match(await done(['config', 'set', 'app.registration.enabled', 'false', ...common]), /from now on/);
        assert.equal((await server.call('POST', '/auth/register', { body: registration })).status, 403);
        assert.match(await done(['config', 'set', 'server.loops', '1', ...common]), /after a restart/);
        const { overrides } = await json(['config', 'list', ...common]);
        assert.deepEqual(overrides.map(({ key, value }) => `${key}=${value}`), ['app.registration.enabled=false', 'server.loops=1']);
        assert.match(overrides[0].who, /^cli:/);
        assert.match(await done(['check-config', ...common]), /app\.registration\.enabled=false {3}\(override cli:/);
        assert.equal((await run(['config', 'set', 'server.port', 'many', ...common])).code, 1);
        assert.equal((await run(['config', 'set', 'no.such.key', '1', ...common])).code, 1);
        assert.match(await done(['config', 'unset', 'app.registration.enabled', ...common]), /no override any more/);
        assert.equal((await server.call('POST', '/auth/register', { body: registration })).status, 200);
        assert.equal((await run(['config', 'unset', 'app.registration.enabled', ...common])).code, 1);
    });

    test('verify leaves a running server alone', async () => {
        const { code, stderr } = await run(['verify', '--data', data]);
        assert.equal(code, 1);
        assert.match(stderr, /in use by process \d+/);
    });

    test('does the same under the lock when none runs', async () => {
        assert.equal(await server.stop(), 0, server.log);
        server = undefined;
        await administer(data, 'stopped');
        assert.deepEqual(await json(['verify', '--data', data]), { damage: [], sound: true });
        const none = await run(['org', 'list', '--data', join(data, 'nothing')]);
        assert.equal(none.code, 1);
        assert.match(none.stderr, /no installation/);
    });
});

describe('SIGHUP', () => {
    test('reads the file again: LIVE keys count, a bad file changes nothing', async () => {
        const file = join(dir(), 'live.properties');
        writeFileSync(file, 'app.registration.enabled=true\n');
        const server = await startServer({ args: ['--config', file] });
        const register = (name) => server.call('POST', '/auth/register',
            { body: { username: name, email: `${name}@example.org`, password: 'a long password 1' } });
        const until = async (text) => {
            const end = Date.now() + 10_000;
            while (!server.log.includes(text)) {
                assert.ok(Date.now() < end, `${text} not in\n${server.log}`);
                await new Promise((resolve) => { setTimeout(resolve, 5); });
            }
        };
        try {
            assert.equal((await register('one')).status, 200);
            writeFileSync(file, 'app.registration.enabled=false\nserver.loops=1\n');
            server.child.kill('SIGHUP');
            await until('config_reloaded');
            assert.equal((await register('two')).status, 403);
            writeFileSync(file, 'app.registration.enabled=true\nserver.loops=none\n');
            server.child.kill('SIGHUP');
            await until('config_refused');
            assert.match(server.log, /live\.properties:2: server\.loops=none/);
            assert.equal((await register('three')).status, 403);
        } finally {
            await server.stop();
        }
    });
});

describe('import and export', () => {
    let server, token, data;
    before(async () => {
        data = dir();
        server = await startServer({ dir: data, sets: { 'pilot.data-retention-days': 0 } });
        token = await server.admin();
    });
    after(() => server?.stop());
    const count = async (device, variable) => (await server.ok('GET',
        `/analytics/aggregate?deviceId=${device}&variable=${variable}&aggregation=COUNT&from=2000-01-01T00:00:00Z&to=2100-01-01T00:00:00Z`, { token }))[0].value;

    test('both recordings go in whole, twice changes nothing, and come out again', async () => {
        const power = ['import', join(root, 'examples/data/household-power.csv'), '--data', data, '--device', 'household', '--time-column', 'DateTime',
            '--skip', ',Date,Time,date', '--columns', 'Global_active_power=kw_consumption,Voltage=voltage'];
        assert.match(await done([...power, '--dry-run']), /^checked 2880 records, 5760 points/);
        assert.match(await done(power), /^imported 2880 records, 5760 points/);
        await done(power);
        assert.equal(await count('household', 'kw_consumption'), 2880);
        const machine = await json(['import', join(root, 'examples/data/machine-temperature.csv'), '--url', server.url, '--user', ADMIN.username,
            '--password', ADMIN.password, '--device', 'machine', '--columns', 'value=temperature']);
        assert.equal(machine.records, 22695);
        assert.equal(await count('machine', 'temperature'), 22683); // twelve times stand twice in the file
        const file = join(dir(), 'out.csv');
        await done(['export', '--data', data, '--device', 'household', '--output', file]);
        const lines = readFileSync(file, 'utf8').trim().split('\r\n');
        assert.equal(lines.length, 2881);
        assert.equal(lines[1], 'household,2007-02-01T00:00:00.000Z,0.326,243.15');
        const printed = await done(['export', '--data', data, '--device', 'household', '--from', '2007-02-02T23:58:00Z']);
        assert.equal(printed.trim().split('\r\n').length, 3);
        assert.equal((await server.ok('GET', '/api-keys', { token })).length, 0, 'the key of the command line is given back');
    });

    test('line protocol and JSON lines go in', async () => {
        const lp = join(dir(), 'points.lp');
        writeFileSync(lp, '# a comment\ntelemetry,device=lp x=1 1577836800000000000\n\ntelemetry,device=lp x=2 1577836801000000000');
        await done(['import', lp, '--data', data]);
        assert.equal(await count('lp', 'x'), 2);
        const lines = join(dir(), 'points.ndjson');
        writeFileSync(lines, '{"deviceId":"nd","timestamp":1577836800,"variables":{"x":1}}\n{"deviceId":"nd","timestamp":1577836801,"x":2}\n');
        await done(['import', lines, '--data', data]);
        assert.equal(await count('nd', 'x'), 2);
    });

    test('--shift-to-now ends now', async () => {
        await done(['import', join(root, 'examples/data/household-power.csv'), '--data', data, '--device', 'shifted', '--time-column', 'DateTime',
            '--columns', 'Voltage', '--shift-to-now']);
        const [latest] = await server.ok('GET', '/data/latest?deviceIds=shifted', { token });
        assert.ok(Math.abs(Date.parse(latest.timestamp) - Date.now()) < 60_000, latest.timestamp);
    });

    test('a broken file sends nothing; a refusal names the line to go on at', async () => {
        const broken = join(dir(), 'broken.csv');
        writeFileSync(broken, 'timestamp,x\n1577836800,1\n1577836801,one\n');
        const result = await run(['import', broken, '--data', data, '--device', 'broken']);
        assert.equal(result.code, 1);
        assert.match(result.stderr, /line 3, column x: 'one' is not a number.*nothing was sent/);
        assert.equal((await server.call('GET', '/devices/broken', { token })).status, 404);

        const refused = join(dir(), 'refused.csv');
        const future = Math.floor(Date.now() / 1000) + 10 * 86400;
        writeFileSync(refused, `timestamp,x\n1577836800,1\n1577836801,2\n${future},3\n1577836803,4\n`);
        const args = ['import', refused, '--data', data, '--device', 'refused', '--batch', '2'];
        const stopped = await run(args);
        assert.equal(stopped.code, 1);
        assert.match(stopped.stderr, /line 4 was refused: .*; 2 records are stored; go on with --from-line 4/);
        await done([...args, '--from-line', '5']);
        assert.equal(await count('refused', 'x'), 3);
    });

    test('a bad credential, no server and bad options are told apart', async () => {
        const file = join(dir(), 'one.csv');
        writeFileSync(file, 'timestamp,x\n1577836800,1\n');
        const bad = await run(['import', file, '--url', server.url, '--token', '550e8400-e29b-41d4-a716-446655440009', '--device', 'x']);
        assert.equal(bad.code, 1);
        assert.match(bad.stderr, /401/);
        const wrong = await run(['import', file, '--url', server.url, '--user', 'admin', '--password', 'wrong password 123', '--device', 'x']);
        assert.equal(wrong.code, 1);
        assert.match(wrong.stderr, /Invalid/);
        const nobody = await run(['import', file, '--url', 'http://127.0.0.1:1', '--token', 'x', '--device', 'x']);
        assert.equal(nobody.code, 1);
        assert.match(nobody.stderr, /127\.0\.0\.1:1/);
        assert.match((await run(['import', file, '--data', dir(), '--device', 'x'])).stderr, /no installation in/);
        for (const args of [['--format', 'xml'], ['--batch', '0'], ['--from-line', 'x'], ['--token', 'a', '--user', 'b']])
            assert.equal((await run(['import', file, '--device', 'x', ...args])).code, 2, args.join(' '));
        assert.equal((await run(['import', join(dir(), 'none.csv'), '--device', 'x'])).code, 1);
        assert.equal((await run(['export', '--data', data])).code, 2);
        assert.equal((await run(['export', '--data', data, '--device', 'x', '--format', 'parquet'])).code, 2);
        const unknown = await run(['export', '--data', data, '--device', 'no-such-device']);
        assert.equal(unknown.code, 1);
        assert.match(unknown.stderr, /404/);
    });
});

describe('import and export under the lock, when no server runs', () => {
    const keep = ['--set', 'pilot.data-retention-days=0'];
    const machine = join(root, 'examples/data/machine-temperature.csv');
    const data = dir();
    before(async () => {
        const first = await startServer({ dir: data }); // makes the administrator
        assert.equal(await first.stop(), 0, first.log);
    });

    test('say and store what they do with a server, as the owner and by name', async () => {
        const named = ['--user', ADMIN.username, '--password', ADMIN.password];
        const said = await done(['import', machine, '--data', data, ...keep, '--device', 'machine', '--columns', 'value=temperature']);
        assert.match(said, /^imported 22695 records, 22695 points in .* s, 2013-12-02T21:15:00.000Z to 2014-02-19T15:25:00.000Z/);
        const again = await json(['import', machine, '--data', data, ...keep, ...named, '--device', 'machine', '--columns', 'value=temperature']);
        assert.deepEqual([again.status, again.records], ['imported', 22695]);
        assert.deepEqual(await json(['verify', '--data', data]), { damage: [], sound: true });

        const under = await done(['export', '--data', data, '--device', 'machine']);
        assert.equal(under.trim().split('\r\n').length, 1 + 22683); // twelve times stand twice in the file
        const server = await startServer({ dir: data });
        try {
            assert.equal(await done(['export', '--data', data, '--device', 'machine']), under);
            assert.equal(await done(['export', '--data', data, '--device', 'machine', ...named]), under);
            assert.equal((await server.ok('GET', '/api-keys', { token: await server.admin() })).length, 0, 'the keys are given back');
        } finally {
            await server.stop();
        }
    });

    test('refuse what a server refuses, in the same words', async () => {
        const file = join(dir(), 'refused.csv');
        const future = Math.floor(Date.now() / 1000) + 10 * 86400;
        writeFileSync(file, `timestamp,x\n1577836800,1\n${future},3\n`);
        const stopped = await run(['import', file, '--data', data, ...keep, '--device', 'refused', '--batch', '1']);
        assert.equal(stopped.code, 1);
        assert.match(stopped.stderr, /^sensorvision: line 3 was refused: .*; 1 records are stored; go on with --from-line 3\n$/);
        const wrong = await run(['import', file, '--data', data, '--user', 'admin', '--password', 'wrong password 123', '--device', 'x']);
        assert.equal(wrong.code, 1);
        assert.match(wrong.stderr, /Invalid/);
        assert.match((await run(['export', '--data', data, '--device', 'no-such-device'])).stderr, /404/);
        assert.match((await run(['export', '--data', data, '--device', 'machine', '--org', 'Nobody'])).stderr, /no organisation 'Nobody'/);
        assert.equal((await run(['import', file, '--data', data, '--set', 'server.port=x', '--device', 'x'])).code, 2);
    });

    test('hold the lock while they work, unseen, and end cleanly on SIGTERM', async () => {
        const port = await freePort();
        await done(['config', 'set', 'server.port', String(port), '--data', data]);
        const child = spawn(BINARY, ['export', '--data', data, '--device', 'machine'], { stdio: ['ignore', 'pipe', 'pipe'] });
        const ended = once(child, 'close');
        let stderr = '';
        child.stderr.setEncoding('utf8').on('data', (text) => { stderr += text; });
        try {
            await once(child.stdout, 'readable'); // a megabyte that nobody reads: it waits for us
            const other = await run(['import', machine, '--data', data, '--device', 'machine']);
            assert.equal(other.code, 1);
            assert.match(other.stderr, /in use by process \d+/);
            await assert.rejects(fetch(`http://127.0.0.1:${port}/`), 'nobody else speaks to it');
        } finally {
            child.kill('SIGTERM');
            child.stdout.resume();
        }
        assert.equal((await ended)[0], 1);
        assert.match(stderr, /interrupted/);
        assert.deepEqual(await json(['verify', '--data', data]), { damage: [], sound: true });
    });
});
