// The caches, over both stores: what a read costs with and without them, alone and through the whole server, and
// how often the pilot's dashboards find what they ask for. Prints the tables of bench/README.md.
//   node bench/caches.mjs [build/release] [embedded|postgres|both] [seconds of the pilot's load]
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const build = process.argv[2] ?? 'build/release', which = process.argv[3] ?? 'both', seconds = Number(process.argv[4] ?? 60);
process.env.SV_BINARY = join(process.cwd(), build, 'sensorvision');
const { startPostgres } = await import('../tests/system/postgres.mjs');
const { hasRedis, Redis } = await import('../tests/system/redis.mjs');
const { startServer, temporaryDir } = await import('../tests/system/server.mjs');

const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const OPEN = { 'rate-limiting.enabled': false, 'pilot.mode': false, 'log.level': 'warn' };
const CACHES = ['pilot-devices', 'telemetry-query', 'pilot-analytics', 'organizations', 'users'];
const line = (name, text) => console.log(`${name.padEnd(44)} ${text}`);

async function load(...args) {
    const child = spawn(join(build, 'bench_load'), args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part) => { text += part; });
    await once(child, 'close');
    return JSON.parse(text);
}

async function looks(server) {
    const { text } = await server.request('GET', '/metrics');
    const read = (family, name) => Number(new RegExp(`^sensorvision_cache_${family}\\{cache="${name}"\\} (.*)$`, 'm').exec(text)[1]);
    return Object.fromEntries(CACHES.map((name) => [name, { hits: read('hits_total', name), misses: read('misses_total', name) }]));
}

// --- what a read costs -------------------------------------------------------------------------------------

// One organisation of the pilot: 50 devices with 3 variables and a reading every 2 minutes; two days of each,
// and 30 days of the first.
async function fill(server, token) {
    const now = Date.now(), send = (device, body) => server.ok('POST', '/data/bulk', { device, body });
    for (let d = 0; d < 50; d++) {
        const id = `dev-${d}`, { apiToken } = await server.device(token, id);
        const rows = (d ? 2 : 30) * DAY / (2 * MINUTE);
        for (let at = 0; at < rows; at += 5000) {
            await send(apiToken, Array.from({ length: Math.min(5000, rows - at) }, (_, i) => ({ deviceId: id, timestamp: now - (at + i) * 2 * MINUTE, variables: { kw: 20 + (i % 50) / 10, volt: 230 + i % 7, amp: 3 + (i % 11) / 10 } })));
        }
    }
}

function reads(me) {
    const now = Math.floor(Date.now() / HOUR) * HOUR, span = (ms) => `from=${now - ms}&to=${now}`; // hours as charts have them
    const one = (ms, aggregation, interval) => `/analytics/aggregate?deviceId=dev-0&variable=kw&aggregation=${aggregation}&${span(ms)}${interval ? `&interval=${interval}` : ''}`;
    return [
        ['pilot-devices', 'one device', '/devices/dev-7'],
        ['pilot-devices', 'the 50 devices of an organisation', '/devices'],
        ['organizations', 'the organisation', `/organizations/${me.organizationId}`],
        ['users', 'who am I', '/auth/me'],
        ['users', 'the users of an organisation', '/users'],
        ['telemetry-query', 'rows of the last hour', `/data/query?deviceId=dev-7&${span(HOUR)}`],
        ['telemetry-query', 'rows of the last day', `/data/query?deviceId=dev-7&${span(DAY)}`],
        ['pilot-analytics', 'hourly averages of a day', one(DAY, 'AVG', '1h')],
        ['pilot-analytics', 'hourly averages of 30 days', one(30 * DAY, 'AVG', '1h')],
        ['pilot-analytics', 'the maximum of 30 days', one(30 * DAY, 'MAX')],
    ];
}

async function medians(open, paths, requests) {
    const server = await open(), found = [];
    const { key } = await server.ok('POST', '/api-keys', { token: server.me.accessToken, body: { name: `bench ${Math.random()}` } });
    for (const path of ['/actuator/health/liveness', ...paths.map((p) => `/api/v1${p}`)]) {
        const get = (n) => load('--port', server.port, '--workload', 'get', '--connections', 1, '--requests', n, '--path', path, '--token', key);
        await get(5);
        const out = await get(requests);
        if (out.errors) throw new Error(`${path}: ${out.errors} errors`);
        found.push(Number(out.p50Ms));
    }
    await server.stop();
    return found;
}

async function compare(title, start) {
    const first = await start({});
    const me = await first.register('bench');
    await fill(first, me.accessToken);
    for (let u = 0; u < 9; u++) await first.ok('POST', '/users', { token: me.accessToken, body: { username: `user-${u}`, email: `user-${u}@example.org`, password: 'a long enough password' } });
    await first.stop();
    const open = async (sets) => {
        const server = await start(sets);
        server.me = { accessToken: await server.login('bench', me.password) };
        return server;
    };
    const rows = reads(me), paths = rows.map(([, , path]) => path);
    const without = await medians(() => open({ 'cache.max-bytes': 0 }), paths, 300);
    const with_ = await medians(() => open({}), paths, 1000);
    console.log(`\n## ${title}: p50 of a request in ms, without caches and with them, one connection`);
    console.log(`an empty request: ${without[0].toFixed(3)} and ${with_[0].toFixed(3)}; the ratio in brackets is without it`);
    rows.forEach(([cache, name], i) => {
        const [a, b] = [without[i + 1], with_[i + 1]], net = (a - without[0]) / Math.max(b - with_[0], 0.001);
        line(`${name} (${cache})`, `${a.toFixed(3).padStart(8)} ${b.toFixed(3).padStart(8)}  ${(a / b).toFixed(1).padStart(5)} times (${net.toFixed(1)})`);
    });
}

// The reads of the handlers alone, in one process.
function alone(title, ...store) {
    const dir = temporaryDir();
    console.log(`\n## ${title}: the read alone, from the store and from the cache, medians`);
    console.log(execFileSync(join(build, 'bench_cached_reads'), [dir, ...store], { encoding: 'utf8', env: { PATH: process.env.PATH, ADMIN_PASSWORD: 'first administrator 1', ADMIN_EMAIL: 'admin@example.org' } }).trimEnd());
    rmSync(dir, { recursive: true, force: true });
}

// --- the pilot's dashboards ----------------------------------------------------------------------------------

// 10 organisations with 50 devices and 10 people each. A device sends its 3 variables every 130 s (1 M points a
// day in all). A person looks at the dashboard of the organisation, as the old front end shows it: who am I, the
// devices, the dashboard and the newest values when it opens, then for each of 6 charts the rows of the last hour
// every 30 s and whenever its device has sent, for each of 3 cards the average, minimum or maximum of the last day every
// 30 s; and once in two minutes another page: a device, the people, the organisation.
async function pilot(title, start) {
    const server = await start({}), devices = [], people = [];
    const now = Date.now();
    for (let o = 0; o < 10; o++) {
        const me = await server.register(`org-${o}`), token = me.accessToken;
        for (let d = 0; d < 50; d++) {
            const id = `dev-${d}`, { apiToken } = await server.device(token, id);
            const at = (i) => ({ deviceId: id, timestamp: now - i * 130_000, variables: { kw: 20 + i % 9, volt: 230, amp: 3 } });
            await server.ok('POST', '/data/bulk', { device: apiToken, body: Array.from({ length: 1330 }, (_, i) => at(i + 1)) });
            devices.push({ o, id, apiToken });
        }
        for (let p = 0; p < 10; p++) people.push({ o, token, me });
    }
    let failed = 0, asked = 0;
    const watchers = new Map();
    const get = async (who, path) => { asked++; failed += (await server.call('GET', path, { token: who.token })).status !== 200; };
    const rows = (who, id) => get(who, `/data/query?deviceId=${id}&from=${Date.now() - HOUR}&to=${Date.now()}`);
    const end = Date.now() + (30 + seconds) * 1000, alive = () => Date.now() < end;
    const sleep = (ms) => pause(Math.max(0, Math.min(ms, end - Date.now())));
    const person = async (who, n) => {
        await sleep(Math.random() * 20_000);
        const charts = [0, 1, 2, 3, 4, 5].map((i) => `dev-${i}`);
        for (const path of ['/auth/me', '/devices', '/dashboards/default', '/data/latest']) await get(who, path);
        for (const id of charts) {
            const name = `${who.o}/${id}`;
            watchers.set(name, [...watchers.get(name) ?? [], () => rows(who, id)]);
        }
        for (let turn = n; alive(); turn++) {
            for (const id of charts) await rows(who, id);
            for (const how of ['AVG', 'MIN', 'MAX']) await get(who, `/analytics/aggregate?deviceId=dev-0&variable=kw&aggregation=${how}&from=${Date.now() - DAY}&to=${Date.now()}`);
            if (turn % 4 === 0) for (const path of ['/devices/dev-7', '/users', `/organizations/${who.me.organizationId}`]) await get(who, path);
            await sleep(30_000);
        }
    };
    const device = async ({ o, id, apiToken }) => {
        for (await sleep(Math.random() * 130_000); alive(); await sleep(130_000)) {
            failed += (await server.call('POST', `/ingest/${id}`, { device: apiToken, body: { kw: 21, volt: 231, amp: 3 } })).status !== 200;
            for (const look of watchers.get(`${o}/${id}`) ?? []) void look();
        }
    };
    const running = Promise.all([...people.map(person), ...devices.map(device)]);
    const cold = looks(server);
    await pause(30_000);
    const before = await looks(server);
    await running;
    await pause(200);
    const after = await looks(server);
    console.log(`\n## ${title}: hit ratios of the pilot's dashboards, 100 people, 500 devices, ${seconds} s after the first 30 s`);
    console.log(`${asked} requests in all, ${failed} failed`);
    const sum = { hits: 0, misses: 0, first: 0 };
    for (const name of CACHES) {
        const hits = after[name].hits - before[name].hits, misses = after[name].misses - before[name].misses;
        const start_ = (await cold)[name], all = after[name].hits - start_.hits, none = after[name].misses - start_.misses;
        line(name, `${(100 * hits / Math.max(hits + misses, 1)).toFixed(1).padStart(5)} %  (${hits} hits, ${misses} misses; from the cold start on ${(100 * all / Math.max(all + none, 1)).toFixed(1)} %)`);
        sum.hits += hits;
        sum.misses += misses;
    }
    line('all', `${(100 * sum.hits / (sum.hits + sum.misses)).toFixed(1).padStart(5)} %`);
    await server.stop();
}

// --- both stores ---------------------------------------------------------------------------------------------

console.log(`machine: ${execFileSync('nproc', { encoding: 'utf8' }).trim()} cores, load average ${execFileSync('cut', ['-d ', '-f1-3', '/proc/loadavg'], { encoding: 'utf8' }).trim()}`);
console.log(`commit:  ${execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' }).trim()}`);
console.log(`command: node bench/caches.mjs ${process.argv.slice(2).join(' ')}`);
if (which !== 'postgres') {
    const dirs = [temporaryDir(), temporaryDir()];
    alone('Embedded');
    await compare('Embedded', (sets) => startServer({ dir: dirs[0], sets: { ...OPEN, ...sets } }));
    if (seconds) await pilot('Embedded', () => startServer({ dir: dirs[1], sets: OPEN }));
    for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
}
if (which !== 'embedded') {
    const postgres = await startPostgres({ durable: true, settings: { shared_buffers: '512MB' } });
    const redis = hasRedis ? await new Redis().start() : undefined;
    const sets = { ...OPEN, ...(redis ? { 'cache.url': redis.url } : {}) };
    const [a, b] = [postgres.database('a'), postgres.database('b')], title = `PostgreSQL${redis ? ' and Redis' : ''}`;
    alone('PostgreSQL', postgres.database('c'));
    await compare(title, (more) => startServer({ sets: { ...('cache.max-bytes' in more ? OPEN : sets), 'store.url': a, ...more } }));
    if (seconds) await pilot(title, () => startServer({ sets: { ...sets, 'store.url': b } }));
    await redis?.stop();
    await postgres.stop();
}
