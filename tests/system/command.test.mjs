// Contract, sections 1 and 2, from outside: what the command line says when something is wrong, and what
// survives a stop.
import assert from 'node:assert/strict';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BINARY, freePort, run, startServer, temporaryDir } from './server.mjs';

const dirs = [];
const dir = () => { const made = temporaryDir(); dirs.push(made); return made; };
after(() => { for (const made of dirs) rmSync(made, { recursive: true, force: true }); });

describe('the command line', () => {
    test('tells its version and its help, and 2 for what it does not know', async () => {
        const version = await run(['version']);
        assert.equal(version.code, 0);
        assert.match(version.stdout, /sensorvision \d+\.\d+/i);
        for (const args of [['--help'], ['serve', '--help'], ['check-config', '--help'], ['import', '--help'], ['verify', '--help']]) {
            const help = await run(args);
            assert.equal(help.code, 0, args.join(' '));
            assert.ok(help.stdout.length > 200, args.join(' '));
        }
        for (const args of [['dance'], ['serve', '--dance'], ['serve', '--set', 'server.port'], []]) {
            const wrong = await run(args, { deadline: 5000 });
            assert.equal(wrong.code, 2, `${args.join(' ')}: ${wrong.stdout} ${wrong.stderr}`);
        }
    });

    test('names file, line, key, value and range of a wrong setting', async () => {
        const file = join(dir(), 'wrong.properties');
        writeFileSync(file, '# a comment\npilot.telemetry.batch-size=many\n');
        for (const args of [['check-config', '--config', file], ['serve', '--config', file, '--data', dir(), '--http', `127.0.0.1:${await freePort()}`]]) {
            const { code, stderr, stdout } = await run(args, { deadline: 5000 });
            assert.equal(code, args[0] === 'serve' ? code : 2);
            assert.notEqual(code, 0);
            const said = stderr + stdout;
            for (const word of ['wrong.properties', '2', 'pilot.telemetry.batch-size', 'many']) assert.ok(said.includes(word), `${word}: ${said}`);
        }
    });

    test('prints every effective key with its origin', async () => {
        const file = join(dir(), 'a.properties');
        writeFileSync(file, 'pilot.telemetry.batch-size=250\nspring.jpa.hibernate.ddl-auto=none\nno.such.key=1\n');
        const { code, stdout } = await run(['check-config', '--config', file, '--set', 'log.level=warn'], { env: { PILOT_TELEMETRY_QUEUE_CAPACITY: '5000' } });
        assert.equal(code, 0, stdout);
        for (const word of ['pilot.telemetry.batch-size', '250', 'a.properties', 'pilot.telemetry.queue-capacity', '5000', 'log.level', 'LIVE', 'RESTART', 'spring.jpa.hibernate.ddl-auto', 'no.such.key']) assert.ok(stdout.includes(word), `${word}\n${stdout}`);
    });
});

describe('a start that cannot be', () => {
    let server;
    before(async () => { server = await startServer(); });
    after(() => server?.stop());
    const serve = (args) => run(['serve', ...args], { deadline: 10_000 });

    test('an occupied port is named', async () => {
        const { code, stderr, stdout } = await serve(['--data', dir(), '--http', `127.0.0.1:${server.port}`]);
        assert.equal(code, 1);
        assert.match(stderr + stdout, new RegExp(`${server.port}`));
    });

    test('a data directory of a running server is named', async () => {
        const { code, stderr, stdout } = await serve(['--data', server.dir, '--http', `127.0.0.1:${await freePort()}`]);
        assert.equal(code, 1);
        assert.ok((stderr + stdout).includes(server.dir), stderr);
        assert.match(stderr + stdout, /lock|running|use/i);
    });

    test('a data directory that is a file, or of a newer version, is named', async () => {
        const file = join(dir(), 'a-file');
        writeFileSync(file, 'x');
        const { code, stderr } = await serve(['--data', file, '--http', `127.0.0.1:${await freePort()}`]);
        assert.equal(code, 1);
        assert.ok(stderr.includes('a-file'), stderr);
    });

    test('a read-only data directory is named', async () => {
        const locked = dir();
        const where = dir();
        const nobody = process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {}; // root writes everywhere
        const binary = join(where, 'sensorvision');
        copyFileSync(BINARY, binary);
        chmodSync(where, 0o755);
        chmodSync(binary, 0o755);
        if (nobody.uid) chownSync(locked, nobody.uid, nobody.gid);
        chmodSync(locked, 0o500);
        const { code, stderr } = await run(['serve', '--data', locked, '--http', `127.0.0.1:${await freePort()}`], { deadline: 10_000, binary, ...nobody });
        assert.equal(code, 1, stderr);
        assert.ok(stderr.includes(locked), stderr);
    });
});

describe('a running server', () => {
    test('drains at SIGTERM and leaves a store that verifies', async () => {
        const data = dir();
        const server = await startServer({ dir: data });
        const { accessToken } = await server.register();
        const made = await server.device(accessToken, 'drain');
        const sent = Array.from({ length: 50 }, (_, x) => server.call('POST', '/ingest/drain', { device: made.apiToken, body: { x } }));
        await Promise.all(sent);
        assert.equal(await server.stop(), 0, server.log);
        const verified = await run(['verify', '--data', data]);
        assert.equal(verified.code, 0, verified.stdout + verified.stderr);
        assert.equal(statSync(data).mode & 0o077, 0, 'nobody else may look into the data directory');
    });

    test('has a control socket for its owner only', async () => {
        const data = dir();
        const server = await startServer({ dir: data });
        try {
            const socket = join(data, 'control.sock');
            assert.ok(existsSync(socket));
            assert.equal(statSync(socket).mode & 0o777, 0o600);
        } finally {
            await server.stop();
        }
    });

    test('imports a file while it runs, and afterwards', async () => {
        const data = dir();
        const csv = join(dir(), 'readings.csv');
        const now = Math.floor(Date.now() / 1000);
        writeFileSync(csv, `when,temp\n${now - 20},1.5\n${now - 10},2.5\n`);
        const server = await startServer({ dir: data });
        const common = ['import', csv, '--data', data, '--device', 'from-file', '--time-column', 'when'];
        try {
            const dry = await run([...common, '--dry-run']);
            assert.equal(dry.code, 0, dry.stderr);
            const live = await run(common);
            assert.equal(live.code, 0, live.stdout + live.stderr);
            const rows = await server.ok('GET', '/data/query?deviceId=from-file', { token: await server.admin() });
            assert.deepEqual(rows.map((row) => row.temp), [1.5, 2.5]);
        } finally {
            await server.stop();
        }
    });

    test('tells the first administrator\'s password once when none is given', async () => {
        const data = dir();
        mkdirSync(data, { recursive: true });
        const first = await startServer({ dir: data, env: { ADMIN_PASSWORD: '', ADMIN_EMAIL: '' } });
        const password = first.log.match(/password[^A-Za-z0-9]+(\S{12,})/i)?.[1];
        assert.ok(password, first.log);
        await first.stop();
        const second = await startServer({ dir: data, env: { ADMIN_PASSWORD: '', ADMIN_EMAIL: '' } });
        assert.ok(!second.log.includes(password));
        await second.stop();
    });
});
