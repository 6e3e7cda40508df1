// Analytics can never starve ingest: readings one by one, made durable, with and without a flood of aggregates and
// exports that fills the analytics executor and its queue. Prints p50 and p99 of the readings both ways, the
// executor's state meanwhile, and what became of the flood (answered, refused with 503).
//   node bench/analytics_flood.mjs [rounds] [seconds]
import { readFileSync } from 'node:fs';

const rounds = Number(process.argv[2] ?? 3), seconds = Number(process.argv[3] ?? 5);
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

const at = (list, q) => [...list].sort((a, b) => a - b)[Math.floor(q * (list.length - 1))];
const executors = async () => (await server.ok('GET', '/pilot/performance/metrics', { token: admin })).executors;

// 8 devices, each sends its next reading when the last is answered.
async function ingest(until) {
    const took = [];
    await Promise.all(devices.slice(0, 8).map(async ({ id, token }) => {
        while (Date.now() < until) {
            const begin = performance.now();
            await server.ok('POST', `/ingest/${id}`, { device: token, body: { v0: 1 } });
            took.push(performance.now() - begin);
        }
    }));
    return took;
}

async function flood(until, counts) {
    const paths = ['/analytics/fleet?variable=v0&aggregation=P99&interval=1h&groupBy=device', '/data/query?deviceId=d-1&limit=10000',
        '/analytics/aggregate?deviceId=d-2&variable=v3&aggregation=P95&interval=1m'];
    await Promise.all(Array.from({ length: FLOOD }, async (_, i) => {
        while (Date.now() < until) {
            const { status } = await server.call('GET', paths[i % paths.length], { token: me.accessToken });
            counts[status] = (counts[status] ?? 0) + 1;
            if (status === 503) await new Promise((resolve) => { setTimeout(resolve, 20); });
        }
    }));
}

console.log(`command: node bench/analytics_flood.mjs ${rounds} ${seconds}      load of the machine: ${readFileSync('/proc/loadavg', 'utf8').split(' ')[0]}`);
const quiet = [], loud = [], counts = {};
let busiest = { active: 0, queued: 0, threads: 0 };
for (let i = 0; i < rounds; i++) {
    quiet.push(...await ingest(Date.now() + seconds * 1000));
    const until = Date.now() + seconds * 1000;
    const watch = (async () => {
        while (Date.now() < until - 200) {
            const { analytics } = await executors();
            if (analytics.queued >= busiest.queued) busiest = analytics;
            await new Promise((resolve) => { setTimeout(resolve, 100); });
        }
    })();
    const [took] = await Promise.all([ingest(until), flood(until, counts), watch]);
    loud.push(...took);
}
const say = (name, list) => console.log(`${name.padEnd(34)} ${String(list.length).padStart(7)} readings   p50 ${at(list, 0.5).toFixed(2)} ms   p99 ${at(list, 0.99).toFixed(2)} ms   max ${at(list, 1).toFixed(1)} ms`);
say('ingest alone', quiet);
say(`ingest beside ${FLOOD} that query`, loud);
console.log(`analytics at its busiest: ${busiest.threads} threads of ${busiest.maxSize}, ${busiest.active} active, ${busiest.queued} queued of 32; rejected ${(await executors()).analytics.rejected}`);
console.log(`the flood: ${Object.entries(counts).map(([status, n]) => `${n} x ${status}`).join(', ')}`);
console.log(`readings refused or failed: 0 (each was awaited)      ratio of p99: ${(at(loud, 0.99) / at(quiet, 0.99)).toFixed(2)} (client and server share the machine)`);
await server.stop();
