// Analytics can never starve ingest: readings one by one, made durable, with and without a flood of aggregates and
// exports that fills the analytics executor and its queue. Prints p50 and p99 of the readings both ways, the
// executor's state meanwhile, and what became of the flood (answered, refused with 503).
//   node bench/analytics_flood.mjs [rounds] [readings]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

const rounds = Number(process.argv[2] ?? 3), readings = Number(process.argv[3] ?? 10_000);
const { ADMIN, startServer } = await import('../tests/system/server.mjs');
const DEVICES = 20, FLOOD = 64;
const server = await startServer({ sets: { 'rate-limiting.enabled': false, 'pilot.mode': false, 'log.level': 'warn', 'pilot.analytics.executor.queue-capacity': 32 } });
const admin = await server.login(ADMIN.username, ADMIN.password);
const me = await server.register();
const devices = [];
for (let i = 0; i < DEVICES; i++) devices.push({ id: `d-${i}`, token: (await server.device(me.accessToken, `d-${i}`)).apiToken });
const now = Date.now();
for (const { id, token } of devices) // two days of ten variables, every minute
    for (let day = 0; day < 2; day++)
        await server.ok('POST', '/data/bulk', { device: token, body: Array.from({ length: 1440 }, (_, i) => ({ deviceId: id, timestamp: now - (day * 1440 + i) * 60_000,
            variables: Object.fromEntries(Array.from({ length: 10 }, (_v, v) => [`v${v}`, i + v])) })) });

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const executors = async () => (await server.ok('GET', '/pilot/performance/metrics', { token: admin })).executors;

// 8 connections of another process, each sends its next reading when the last is durable: {p50Ms, p99Ms, maxMs, errors}
async function ingest() {
    const child = spawn('build/release/bench_load', ['--port', server.port, '--workload', 'single', '--connections', 8, '--requests', readings,
        '--token', devices[0].token].map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part) => { text += part; });
    await once(child, 'close');
    return JSON.parse(text);
}

async function flood(goesOn, counts) {
    const paths = ['/analytics/fleet?variable=v0&aggregation=P99&interval=1h&groupBy=device', '/data/query?deviceId=d-1&limit=10000',
        '/analytics/aggregate?deviceId=d-2&variable=v3&aggregation=P95&interval=1m'];
    await Promise.all(Array.from({ length: FLOOD }, async (_, i) => {
        while (goesOn()) {
            const { status } = await server.call('GET', paths[i % paths.length], { token: me.accessToken });
            counts[status] = (counts[status] ?? 0) + 1;
            if (status === 503) await new Promise((resolve) => { setTimeout(resolve, 20); });
        }
    }));
}

console.log(`command: node bench/analytics_flood.mjs ${rounds} ${readings}      load of the machine: ${readFileSync('/proc/loadavg', 'utf8').split(' ')[0]}`);
const quiet = [], loud = [], counts = {};
let busiest = { active: 0, queued: 0, threads: 0, maxSize: 0 };
for (let i = 0; i < rounds; i++) {
    quiet.push(await ingest());
    let running = true;
    const watch = (async () => {
        while (running) {
            const { analytics } = await executors();
            if (analytics.queued >= busiest.queued) busiest = analytics;
            await new Promise((resolve) => { setTimeout(resolve, 100); });
        }
    })();
    const flooding = flood(() => running, counts);
    loud.push(await ingest());
    running = false;
    await Promise.all([flooding, watch]);
}
const say = (name, list) => console.log(`${name.padEnd(30)} ${rounds} x ${readings} readings   p50 ${median(list.map((r) => r.p50Ms)).toFixed(2)} ms   p99 ${median(list.map((r) => r.p99Ms)).toFixed(2)} ms   errors ${list.reduce((n, r) => n + r.errors, 0)}`);
say('ingest alone', quiet);
say(`ingest beside ${FLOOD} that query`, loud);
console.log(`analytics at its busiest: ${busiest.threads} threads of ${busiest.maxSize}, ${busiest.active} active, ${busiest.queued} queued of 32; rejected ${(await executors()).analytics.rejected}`);
console.log(`the flood: ${Object.entries(counts).map(([status, n]) => `${n} x ${status}`).join(', ')}`);
console.log(`ratio of p99: ${(median(loud.map((r) => r.p99Ms)) / median(quiet.map((r) => r.p99Ms))).toFixed(2)} (server, readings and flood share the machine's processors)`);
await server.stop();
