// Starts the built server on loopback with a data directory of its own, and speaks to it the way a client
// does. Every body that any test ever sees is kept, so that secrets.mjs can search them all.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { startPostgres } from './postgres.mjs';
import { searchForSecrets } from './secrets.mjs';

export const BINARY = process.env.SV_BINARY ?? new URL('../../build/release/sensorvision', import.meta.url).pathname;
export const ADMIN = { username: 'admin', password: 'first administrator 1' };
// Tests share servers and make more than a pilot may have; those of the limits ask for { limits: true }.
const WIDE = { 'pilot.max-organizations': 1000, 'pilot.max-users-per-org': 100_000, 'pilot.max-devices-per-org': 1_000_000, 'pilot.max-dashboards-per-org': 10_000,
    'pilot.max-rules-per-org': 100_000, 'pilot.max-api-calls-per-day': 1e9, 'pilot.max-telemetry-points-per-day': 1e12, 'rate-limiting.auth-per-minute': 1000,
    'rate-limiting.requests-per-minute': 1e9, 'rate-limiting.reads-per-minute': 1e9, 'rate-limiting.telemetry-per-minute': 1e9 };
const START_DEADLINE_MS = 20_000;

export async function freePort() {
    const probe = net.createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address();
    probe.close();
    await once(probe, 'close');
    return port;
}

export function temporaryDir() {
    return mkdtempSync(join(tmpdir(), 'sensorvision-system-'));
}

// SENSORVISION_TEST_STORE=postgres: every data directory has a database of its own on one PostgreSQL.
const postgres = process.env.SENSORVISION_TEST_STORE === 'postgres' ? await startPostgres() : undefined;
if (postgres) after(() => postgres.stop());
const databases = new Map();

function storeOf(dir) {
    if (!postgres || !dir) return {};
    if (!databases.has(dir)) databases.set(dir, postgres.database(`sv_${databases.size}`));
    return { STORE_URL: databases.get(dir) };
}

// Runs the binary to its end. Answers {code, stdout, stderr}.
export async function run(args, { env = {}, input, deadline = 30_000, binary = BINARY, uid, gid } = {}) {
    const dir = args.includes('--data') ? args[args.indexOf('--data') + 1] : undefined;
    const child = spawn(binary, args, { env: { PATH: process.env.PATH, NO_COLOR: '1', ...storeOf(dir), ...env }, uid, gid });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => { output[name] += text; });
    child.stdin.end(input);
    const timer = setTimeout(() => child.kill('SIGKILL'), deadline);
    const [code] = await once(child, 'close');
    clearTimeout(timer);
    return { code, ...output };
}

// options: binary, sets {key: value}, limits (as configured by default), env, args, dir (kept when given), port, mqtt (listen, on server.mqttPort)
export async function startServer(options = {}) {
    const port = options.port ?? await freePort();
    const dir = options.dir ?? temporaryDir();
    const mqttPort = options.mqtt ? await freePort() : undefined;
    const sets = { 'mqtt.enabled': false, ...(options.limits ? {} : WIDE), ...options.sets };
    const args = ['serve', '--data', dir, '--http', `127.0.0.1:${port}`,
        ...Object.entries(sets).flatMap(([key, value]) => ['--set', `${key}=${value}`]), ...(options.mqtt ? ['--mqtt', `127.0.0.1:${mqttPort}`] : []),
        ...(options.args ?? [])];
    const child = spawn(options.binary ?? BINARY, args, { env: { PATH: process.env.PATH, NO_COLOR: '1',
        ADMIN_EMAIL: 'admin@example.org', ADMIN_PASSWORD: ADMIN.password, ...storeOf(dir), ...options.env } });
    const server = new Server(child, port, dir, options.dir !== undefined);
    server.mqttPort = mqttPort;
    const end = Date.now() + START_DEADLINE_MS;
    for (;;) {
        if (server.exitCode !== undefined) throw new Error(`the server ended (${server.exitCode}):\n${server.log}`);
        if (Date.now() > end) { child.kill('SIGKILL'); throw new Error(`the server did not start:\n${server.log}`); }
        try {
            if ((await server.request('GET', '/actuator/health')).status === 200) return server;
        } catch { /* not listening yet */ }
        await new Promise((resolve) => { setTimeout(resolve, 10); });
    }
}

// A test that fails before its stop() leaves its server behind: it does not keep the run alive, and dies
// with it.
const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

class Server {
    constructor(child, port, dir, keepDir) {
        running.add(child);
        child.once('close', () => running.delete(child));
        for (const handle of [child, child.stdout, child.stderr]) handle.unref();
        Object.assign(this, { child, port, dir, keepDir, log: '', exitCode: undefined });
        this.url = `http://127.0.0.1:${port}`;
        this.ended = once(child, 'close').then(([code, signal]) => { this.exitCode = code ?? signal; });
        for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { this.log += text; });
    }

    // A raw request: path from the root, any body. Answers {status, headers, text, json, bytes}.
    async request(method, path, { headers = {}, body } = {}) {
        const answer = await fetch(this.url + path, { method, headers, body, redirect: 'manual', duplex: 'half' });
        const bytes = Buffer.from(await answer.arrayBuffer());
        const text = bytes.toString('utf8');
        let json;
        if (/json/.test(answer.headers.get('content-type') ?? '')) json = JSON.parse(text);
        searchForSecrets(method, path, answer.status, text);
        return { status: answer.status, headers: answer.headers, text, json, bytes };
    }

    // An API call: path below /api/v1 (or from the root when it begins with a slash twice), JSON both ways.
    call(method, path, { token, key, device, body, headers = {} } = {}) {
        const all = { ...headers };
        if (token) all.authorization = `Bearer ${token}`;
        if (key) all['x-api-key'] = key;
        if (device) all['x-device-token'] = device;
        if (body !== undefined && !all['content-type']) all['content-type'] = 'application/json';
        const at = path.startsWith('//') ? path.slice(1) : `/api/v1${path}`;
        return this.request(method, at, { headers: all, body: body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) });
    }

    // The same, and it must succeed; answers the JSON.
    async ok(method, path, options) {
        const answer = await this.call(method, path, options);
        assert.ok(answer.status >= 200 && answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
        return answer.json;
    }

    // A new organisation with its first user: {token, refreshToken, userId, organizationId, username, password, email}.
    async register(name = `u${randomBytes(5).toString('hex')}`) {
        const password = `password of ${name}`;
        const email = `${name}@example.org`;
        const body = { username: name, email, password, firstName: 'First', lastName: 'Last', organizationName: `Org of ${name}` };
        const answer = await this.ok('POST', '/auth/register', { body });
        return { ...answer, password, email };
    }

    async login(username, password) {
        return (await this.ok('POST', '/auth/login', { body: { username, password } })).accessToken;
    }

    async admin() {
        this.adminToken ??= await this.login(ADMIN.username, ADMIN.password);
        return this.adminToken;
    }

    // {id, externalId, apiToken, …}
    device(token, externalId = `d-${randomBytes(4).toString('hex')}`) {
        return this.ok('POST', '/devices', { token, body: { externalId } });
    }

    kill() {
        this.child.ref();
        this.child.kill('SIGKILL');
        return this.ended;
    }

    // A graceful stop; answers the exit code and removes the data directory unless the caller gave it.
    async stop() {
        this.child.ref();
        const timer = setTimeout(() => this.child.kill('SIGKILL'), 20_000);
        if (this.exitCode === undefined) this.child.kill('SIGTERM');
        await this.ended;
        clearTimeout(timer);
        if (!this.keepDir) rmSync(this.dir, { recursive: true, force: true });
        return this.exitCode;
    }
}
