// `sensorvision loadtest`: people and devices against a running server, in a short form. What it says about
// the server is checked against what is known; what it must notice is made to happen by a proxy in between.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { ADMIN, run, startServer, temporaryDir } from './server.mjs';

const KINDS = ['login', 'me', 'devices', 'latest', 'dashboard', 'widgets', 'query', 'aggregate', 'device', 'alerts', 'events', 'socket', 'live', 'ingest', 'monitor', 'late'];
const dir = temporaryDir();
const saved = `${dir}/saved.json`;
const usual = ['--users', '30', '--devices', '40', '--points-per-day', '8e6', '--organizations', '3', '--duration', '4s', '--json'];
let server;
const closing = [];
before(async () => { server = await startServer({ mqtt: true, limits: true, sets: { 'mqtt.enabled': true, 'rate-limiting.auth-per-minute': 1000 } }); });
after(async () => {
    for (const one of closing) { one.closeAllConnections(); one.close(); }
    await server?.stop();
    rmSync(dir, { recursive: true, force: true });
});

const loadtest = (...args) => run(['loadtest', ...args], { deadline: 60_000 });
const own = (...args) => loadtest('--data', server.dir, ...args);
const small = (users, duration) => ['--users', users, '--devices', '6', '--points-per-day', '8e6', '--json', '--duration', duration];
const organizations = async () => (await server.ok('GET', '/organizations', { token: await server.admin() })).map((o) => o.name);

// Closes each connection after its answer as some do.
// Forwards everything but what `meddle` answers itself ({status, body}) or delays ({delay} in milliseconds).
async function proxy(meddle) {
    const forward = (incoming, parts, answer) => {
        const onward = request({ port: server.port, host: '127.0.0.1', method: incoming.method, path: incoming.url, headers: incoming.headers }, (back) => {
            answer.writeHead(back.statusCode, { ...back.headers, connection: 'close' });
            back.pipe(answer);
        });
        onward.on('error', () => answer.destroy());
        onward.end(Buffer.concat(parts));
    };
    const front = createServer((incoming, answer) => {
        const parts = [];
        incoming.on('data', (part) => parts.push(part)).on('end', () => {
            const own = meddle(incoming.method, incoming.url);
            if (own?.status) answer.writeHead(own.status, { 'content-type': 'application/json' }).end(own.body);
            else if (own?.delay) setTimeout(forward, own.delay, incoming, parts, answer);
            else forward(incoming, parts, answer);
        });
    });
    front.on('upgrade', (incoming, socket) => {
        const onward = connect(server.port, '127.0.0.1', () => {
            onward.write(`GET ${incoming.url} HTTP/1.1\r\n${Object.entries(incoming.headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
            socket.pipe(onward).pipe(socket);
        });
        for (const end of [socket, onward]) end.on('error', () => { socket.destroy(); onward.destroy(); });
    });
    closing.push(front.listen(0, '127.0.0.1'));
    await once(front, 'listening');
    return `http://127.0.0.1:${front.address().port}`;
}
const through = (url, ...args) => run(['loadtest', '--url', url, '--user', ADMIN.username, ...args], { env: { SENSORVISION_PASSWORD: ADMIN.password }, deadline: 60_000 });

describe('a load test of the running server', () => {
    test('sends, looks, reads everything back, and takes away what it made', async () => {
        const before = await organizations();
        const { code, stdout, stderr } = await own(...usual, '--save', saved);
        assert.equal(code, 0, stdout + stderr);
        const report = JSON.parse(stdout);
        assert.deepEqual([report.users, report.devices, report.organizations, report.variables, report.errors, report.sentEqualsStored], [30, 40, 3, 3, 0, true]);
        assert.ok(report.seconds >= 5.4 && report.seconds < 30, report.seconds);
        // A day at one reading each ten minutes, and what was sent.
        assert.equal(report.historyPoints, 40 * 3 * 144);
        assert.equal(report.pointsReadBack, report.historyPoints + report.pointsWritten);
        assert.equal(report.seriesReadBack, 120);
        assert.ok(report.pointsWritten > 200 && report.pointsWritten < 900, report.pointsWritten);
        const kinds = new Map(report.kinds.map((one) => [one.kind, one]));
        for (const kind of kinds.keys()) assert.ok(KINDS.includes(kind), kind);
        assert.deepEqual([kinds.get('login').requests, kinds.get('socket').requests], [30, 30]);
        assert.equal(kinds.get('ingest').requests * 3, report.pointsWritten);
        // Each reading is seen by the people of its organisation whose socket is open by then.
        assert.ok(kinds.get('live').requests > kinds.get('ingest').requests && report.liveFrames > kinds.get('live').requests);
        for (const one of report.kinds) {
            assert.ok(one.p50Ms <= one.p95Ms && one.p95Ms <= one.p99Ms && one.p99Ms <= one.maxMs, JSON.stringify(one));
            assert.equal(one.intervals.reduce((sum, i) => sum + i.requests, 0) <= one.requests, true);
            assert.equal(one.latencies.reduce((sum, [, n]) => sum + n, 0), one.requests);
            assert.ok(one.latencies.every(([ms], i) => !i || ms > one.latencies[i - 1][0]));
            assert.ok(one.intervals.length >= 4);
        }
        assert.deepEqual(await organizations(), before);
        assert.deepEqual(JSON.parse(readFileSync(saved, 'utf8')), report);
    });


    test('with --keep what it made stays', async () => {
        const { code, stderr } = await own('--users', '1', '--devices', '1', '--duration', '1s', '--keep');
        assert.equal(code, 0, stderr);
        const [, name, password] = stderr.match(/kept: 1 organisations, (loadtest-[a-z]+-1) …; their users' password is (\w+)/);
        const token = await server.admin();
        const { content } = await server.ok('GET', '/organizations?page=0&size=50', { token });
        const { id } = content.find((organization) => organization.name === name);
        await server.login(name.replace(/-1$/, '-u1'), password);
        await server.ok('DELETE', `/organizations/${id}`, { token });
    });

    test('a noisy organisation is refused by its daily limit, and is not counted among the others', async () => {
        const { code, stdout, stderr } = await own('--users', '0', '--devices', '6', '--organizations', '3', '--points-per-day', '4e6', '--noisy', '10', '--duration', '3s', '--json');
        assert.equal(code, 0, stdout + stderr);
        const report = JSON.parse(stdout);
        const requests = (kind) => report.kinds.find((one) => one.kind === kind).requests;
        assert.ok(requests('noisy') > 2 * requests('ingest') && report.noisyRefused > requests('noisy') / 2, stdout);
        assert.equal((requests('ingest') + requests('noisy') - report.noisyRefused) * 3, report.pointsWritten);
        assert.match(report.kinds.find((one) => one.kind === 'noisy').firstFailure, /^429 /);
        assert.ok(requests('monitor') >= 20);
    });
});

describe('other loads', { concurrency: true }, () => {
    test('with --max-rate a given number of points is sent and stored, and then it is over', async () => {
        const { code, stdout, stderr } = await own('--users', '0', '--devices', '20', '--max-rate', '--points', '30000', '--variables', '2', '--json', '--duration', '60s');
        assert.equal(code, 0, stdout + stderr);
        const report = JSON.parse(stdout);
        assert.deepEqual([report.pointsWritten, report.pointsReadBack, report.historyPoints, report.errors], [30000, 30000, 0, 0]);
        assert.ok(report.seconds < 30);
    });

    test('devices may speak MQTT', async () => {
        const { code, stdout, stderr } = await own(...small('0', '1s'), '--transport', 'mqtt', '--mqtt', `127.0.0.1:${server.mqttPort}`);
        assert.equal(code, 0, stdout + stderr);
        const report = JSON.parse(stdout);
        assert.deepEqual([report.transport, report.errors, report.sentEqualsStored], ['mqtt', 0, true]);
        assert.ok(report.pointsWritten > 20);
        const { text } = await server.request('GET', '/metrics');
        const messages = Number(text.match(/^sensorvision_telemetry_messages_total\{transport="mqtt"\} (\d+)/m)[1]);
        assert.equal(messages * 3, report.pointsWritten);
    });

    test('stress doubles the pace five times and tells what held', async () => {
        const { code, stdout, stderr } = await own(...small('0', '3s').map((a) => a === '8e6' ? '1.5e6' : a), '--scenario', 'stress');
        assert.equal(code, 0, stdout + stderr);
        const { stages, holdsUpTo, sentEqualsStored } = JSON.parse(stdout);
        assert.deepEqual([stages.map((stage) => stage.factor), sentEqualsStored], [[1, 2, 4, 8, 16, 32], true]);
        assert.ok(stages[5].requests > 5 * stages[0].requests && stages[5].requests > 40, JSON.stringify(stages));
        assert.ok([1, 2, 4, 8, 16, 32].includes(holdsUpTo));
    });

    test('a run past the limits of a pilot lifts them meanwhile, and says so in a table for people', async () => {
        const { code, stdout, stderr } = await own('--users', '2', '--devices', '101', '--organizations', '1', '--duration', '1s', '--seed', '9');
        assert.equal(code, 0, stdout + stderr);
        assert.match(stderr, /past a limit \(devices of an organisation, of 100\): pilot.mode=false until the end of this run.*making 1 organisations.*deleted again.*pilot.mode is true again/s);
        assert.match(stdout, /^baseline: 2 users, 101 devices with 3 variables over HTTP, 1 organisations; [\d.]+ s, of which 0\.1 s of logins; seed 9$/m);
        assert.match(stdout, /^pilot.mode=false: the limits of a pilot were lifted for this run$/m);
        assert.match(stdout, /^kind +requests +errors +p50 ms +p95 ms +p99 ms +max ms$/m);
        assert.match(stdout, /^login +2 +0 +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ {2}POST \/auth\/login$/m);
        assert.match(stdout, /^sent = stored: yes, \d+ points in 303 series read back, counts and checksums equal$/m);
        const { stdout: overrides } = await run(['config', 'list', '--data', server.dir, '--json']);
        assert.doesNotMatch(overrides, /pilot\.mode/);
        const refused = await through(server.url, '--users', '0', '--devices', '101', '--organizations', '1');
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, /past a limit of the server \(devices of an organisation, of 100\): it needs pilot.mode=false/);
    });
});

describe('what it must notice', { concurrency: true }, () => {
    test('a point that was acknowledged and is not stored', async () => {
        let swallowed = 0;
        const url = await proxy((method, path) => method === 'POST' && path.startsWith('/api/v1/data/ingest/') && swallowed++ === 3 && { status: 200, body: '{"success":true}' });
        const { code, stdout } = await through(url, ...small('0', '2s'));
        assert.equal(code, 1);
        const report = JSON.parse(stdout);
        assert.deepEqual([report.errors, report.sentEqualsStored], [0, false]);
        assert.equal(report.pointsReadBack, report.historyPoints + report.pointsWritten - 3);
        assert.match(report.firstDifference, /^temperature of load-\d+ in loadtest-[a-z]+-1: \d+ points acknowledged, \d+ stored$/);
    });

    test('a request that is refused is an error with its reason, and sent again where that helps', async () => {
        let refused = 0;
        const url = await proxy((method, path) => method === 'POST' && path.startsWith('/api/v1/data/ingest/') && refused++ === 3 && { status: 503, body: '{"detail":"full"}' });
        const { code, stdout } = await through(url, ...small('0', '2s'));
        assert.equal(code, 1);
        const report = JSON.parse(stdout);
        assert.deepEqual([report.errors, report.sentEqualsStored], [1, true]);
        const ingest = report.kinds.find((one) => one.kind === 'ingest');
        assert.equal(ingest.firstFailure, '503 {"detail":"full"}');
        assert.equal((ingest.requests - 1) * 3, report.pointsWritten);
    });
});

describe('endurance', { concurrency: true }, () => {
    // A run of four seconds in which a reading is answered after so long, by how far it has come (0 to 1).
    async function endure(delayMs) {
        let begin;
        const url = await proxy((method, path) => {
            if (method !== 'POST' || !path.startsWith('/api/v1/data/ingest/')) return false;
            begin ??= Date.now();
            return { delay: delayMs(Math.min((Date.now() - begin) / 4000, 1)) };
        });
        const { code, stdout, stderr } = await through(url, ...small('0', '4s'), '--scenario', 'endurance');
        const report = JSON.parse(stdout || '{}');
        assert.deepEqual([report.scenario, report.stages?.map((stage) => stage.factor), report.errors, report.sentEqualsStored], ['endurance', [1], 0, true], stderr);
        return { code, ...report };
    }

    test('what becomes slower and slower is named, and fails the run', async () => {
        const { code, growing } = await endure((done) => 10 + 500 * done);
        assert.deepEqual([code, growing.includes('ingest')], [1, true], `${growing}`);
    });

    test('what becomes faster is not', async () => {
        const { growing } = await endure((done) => 10 + 500 * (1 - done));
        assert.deepEqual(growing.filter((kind) => kind === 'ingest'), []);
    });
});

describe('against a saved run', () => {
    test('a route that became slow is worse', async () => {
        const url = await proxy((method, path) => method === 'POST' && path.startsWith('/api/v1/data/ingest/') && { delay: 80 });
        const { code, stdout, stderr } = await through(url, ...usual, '--compare', saved);
        assert.equal(code, 1, stderr);
        const { comparison, errors } = JSON.parse(stdout);
        assert.equal(errors, 0);
        const ingest = comparison.figures.filter((one) => one.kind === 'ingest');
        assert.deepEqual(ingest.map((one) => [one.figure, one.verdict]), [['p50', 'worse'], ['p99', 'worse']], JSON.stringify(ingest));
        for (const one of ingest) assert.ok(one.shiftMs > 50 && one.p < 0.001, JSON.stringify(one));
        assert.ok(comparison.worse >= 2 && comparison.savedAt.startsWith('20'));
    });

    test('a run of another load is not compared', async () => {
        const other = usual.map((a) => a === '40' ? '41' : a);
        const answer = await own(...other, '--compare', saved);
        assert.equal(answer.code, 2);
        assert.match(answer.stderr, /is of another load: devices was 40, not 41/);
        writeFileSync(`${dir}/no.json`, '{}');
        assert.match((await own(...usual, '--compare', `${dir}/no.json`)).stderr, /was not written by loadtest --save/);
    });
});

describe('what it refuses to begin', () => {
    test('without an administrator', async () => {
        const user = await server.register();
        const { key } = await server.ok('POST', '/api-keys', { token: user.accessToken, body: { name: 'mine' } });
        const answer = await loadtest('--url', server.url, '--token', key);
        assert.equal(answer.code, 1);
        assert.match(answer.stderr, /needs an administrator of the installation/);
        assert.match((await loadtest('--url', server.url)).stderr, /--url needs --user with --password, or --token/);
    });

    test('without a server', async () => {
        const answer = await loadtest('--data', '/nonexistent');
        assert.equal(answer.code, 1);
        assert.match(answer.stderr, /no server runs/);
    });

    for (const [args, why] of [
        [['--users', '5001'], /--users 5001: it takes a number from 0 to 5000/],
        [['--devices', '0'], /--devices 0: it takes a number from 1 to 50000/],
        [['--duration', '8h'], /--duration 8h: it takes 1s to 7h/],
        [['--duration', 'x'], /--duration x: it takes 1s to 7h/],
        [['--points-per-day', 'nan'], /--points-per-day nan/],
        [['--max-rate', '--points-per-day', '5'], /either --points-per-day or --max-rate/],
        [['--scenario', 'worst'], /--scenario takes baseline, peak, stress or endurance/],
        [['--transport', 'coap'], /--transport takes http or mqtt/],
        [['--transport', 'mqtt', '--max-rate'], /--max-rate sends bulks, which MQTT does not have/],
        [['--compare', '/nonexistent'], /--compare: \/nonexistent: No such file/],
        [['--points', '5'], /--points goes with --max-rate/],
        [['--devices', '3', '--organizations', '4'], /more organisations than devices/],
        [['--url', 'ftp://x', '--token', 'y'], /it takes http:/],
    ]) test(`${args.join(' ')}`, async () => {
        const answer = await own(...args);
        assert.equal(answer.code, args[0] === '--url' ? 1 : 2);
        assert.match(answer.stderr, why);
    });
});
