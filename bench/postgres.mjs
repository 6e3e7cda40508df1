// The store on PostgreSQL: a real server with fsync on, on a disk of this machine, and the release binary in
// front of it. Prints the table of bench/README.md; what PostgreSQL itself costs is read from /proc too.
//   node bench/postgres.mjs [build/release]
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const build = process.argv[2] ?? 'build/release';
process.env.SV_BINARY = join(process.cwd(), build, 'sensorvision');
const { startPostgres } = await import('../tests/system/postgres.mjs');
const { ADMIN, startServer, temporaryDir } = await import('../tests/system/server.mjs');

const hertz = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const stat = (pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
const cpuOf = (pid) => { const s = stat(pid); return (Number(s[11]) + Number(s[12])) / hertz; };
// The postmaster, its children that live, and (13, 14) those that have ended.
function cpuOfPostgres(pid) {
    const s = stat(pid);
    let sum = (Number(s[11]) + Number(s[12]) + Number(s[13]) + Number(s[14])) / hertz;
    for (const entry of readdirSync('/proc'))
        if (/^\d+$/.test(entry)) {
            try { if (stat(entry)[1] === String(pid)) sum += cpuOf(entry); } catch { /* ended meanwhile */ }
        }
    return sum;
}

async function load(...args) {
    const child = spawn(join(build, 'bench_load'), args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part) => { text += part; });
    await once(child, 'close');
    return JSON.parse(text);
}
const line = (name, text) => console.log(`${name.padEnd(52)} ${text}`);
const begin = Math.floor(Date.now() / 3_600_000) * 3600 - 7200;
const dir = temporaryDir();

const postgres = await startPostgres({ durable: true, settings: { shared_buffers: '1GB', max_wal_size: '4GB', checkpoint_timeout: '15min' } });
const url = postgres.database('bench');
const server = await startServer({ dir, env: { STORE_URL: url }, sets: { 'rate-limiting.enabled': false, 'pilot.mode': false } });
const access = await server.login(ADMIN.username, ADMIN.password);
const { apiToken } = await server.device(access, 'dev-000');

async function ingest(name, workload, requests, points, from) {
    const before = [cpuOf(server.child.pid), cpuOfPostgres(postgres.child.pid)];
    const out = await load('--port', server.port, '--workload', workload, '--connections', 64, '--requests', requests, '--token', apiToken, '--start', from);
    const used = [cpuOf(server.child.pid) - before[0], cpuOfPostgres(postgres.child.pid) - before[1]];
    const total = requests * points;
    line(name, `${Math.round(total / out.seconds)} points/s; per second of CPU: server ${Math.round(total / used[0])}, PostgreSQL ${Math.round(total / used[1])} `
        + `(${out.seconds.toFixed(2)} s wall, p99 ${out.p99Ms} ms, errors ${out.errors})`);
    return total / out.seconds;
}

console.log('## PostgreSQL 15, fsync on, keys, newest values and hours kept (64 connections)');
await ingest('line protocol, new devices and variables', 'lp', 64, 10_000, begin);
const batched = await ingest('line protocol, 10,000 points a request', 'lp', 436, 10_000, begin + 0);
await ingest('JSON /data/bulk, 10,000 points a request', 'json', 200, 10_000, begin - 86_400);
await ingest('one reading a request', 'single', 20_000, 1, begin);

// What the same server does with one INSERT and one commit for each record, from 64 connections: pgbench, the
// same table of records, a statement that is prepared.
postgres.askIn('bench', 'CREATE TABLE plain (org bigint, device bigint, series bigint, ts_ns bigint, value float8, PRIMARY KEY (org, device, series, ts_ns))');
const script = join(dir, 'plain.sql');
writeFileSync(script, '\\set d random(1, 500)\n\\set s random(1, 10)\n\\set t random(1, 9000000000000000)\nINSERT INTO plain VALUES (1, :d, :s, :t, 20.5) ON CONFLICT (org, device, series, ts_ns) DO UPDATE SET value = EXCLUDED.value;\n');
const bench = execFileSync('/usr/lib/postgresql/15/bin/pgbench', ['-n', '-M', 'prepared', '-c', '64', '-j', '2', '-T', '5', '-f', script, postgres.urlOf('bench')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
const single = Number(/tps = ([\d.]+)/.exec(bench)[1]);
line('one INSERT and commit a record (pgbench, 64 clients)', `${Math.round(single)} points/s; ratio ${(batched / single).toFixed(1)}`);

console.log('## Reading, caches none');
const { key } = await server.ok('POST', '/api-keys', { token: access, body: { name: 'bench' } });
async function get(name, path, requests = 300) {
    const out = await load('--port', server.port, '--workload', 'get', '--connections', 1, '--requests', requests, '--path', path, '--token', key);
    line(name, `p50 ${out.p50Ms} ms, p99 ${out.p99Ms} ms (errors ${out.errors})`);
}
await get('latest of 500 devices, 1 variable', '/api/v1/data/latest?variables=var0');
await get('1,000 raw points of one series', `/api/v1/data/query?deviceId=dev-100&variables=var3&from=${begin}&to=${begin + 1000}`);

// A year of one device: a reading every minute of one variable, hours summed up by the server itself.
const now = Math.floor(Date.now() / 3_600_000) * 3600;
const DAYS = 365;
await server.stop();
const again = await startServer({ dir, env: { STORE_URL: url }, sets: { 'rate-limiting.enabled': false, 'pilot.data-retention-days': 0 } });
let sent = 0;
for (let day = DAYS; day > 0; day--) {
    const from = now - day * 86_400;
    const body = Array.from({ length: 1440 }, (_, i) => `telemetry,device=year v=${(20 + Math.sin(i / 100) * 5).toFixed(2)} ${from + i * 60}`).join('\n');
    const answer = await again.request('POST', '/api/v2/write?precision=s', { body, headers: { 'x-api-key': apiToken } });
    if (answer.status !== 204) throw new Error(answer.text);
    sent += 1440;
}
for (;;) {
    const waiting = postgres.askIn('bench', `SELECT count(*) FROM telemetry_stale WHERE hour_ns < ${now - 3600}::bigint * 1000000000`);
    if (waiting === '0') break;
    await new Promise((resolve) => { setTimeout(resolve, 200); });
}
const path = `/api/v1/analytics/aggregate?deviceId=year&variable=v&aggregation=AVG&interval=1h&from=${now - DAYS * 86_400}&to=${now}`;
const out = await load('--port', again.port, '--workload', 'get', '--connections', 1, '--requests', 200, '--path', path, '--token', key);
line(`hourly averages of a year (${sent} readings, 8,760 hours)`, `p50 ${out.p50Ms} ms, p99 ${out.p99Ms} ms (errors ${out.errors})`);
await again.stop();
await postgres.stop();
rmSync(dir, { recursive: true, force: true });
