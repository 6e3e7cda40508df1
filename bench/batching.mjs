// Batching against one write per record, on both stores: the same binary, readings and disk. `one by one` makes
// each reading a batch of its own, written and synced for itself (pilot.telemetry.batch-size=1,
// async-processing=false, one batch at a time); `grouped` is the default, which writes what waits as one group.
// Rounds alternate, so that what else the machine does falls on both; the ratio is that of a round.
//   node bench/batching.mjs [build/release] [rounds]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';

const build = process.argv[2] ?? 'build/release';
const rounds = Number(process.argv[3] ?? 5);
process.env.SV_BINARY = join(process.cwd(), build, 'sensorvision');
const { startPostgres } = await import('../tests/system/postgres.mjs');
const { ADMIN, startServer, temporaryDir } = await import('../tests/system/server.mjs');

const begin = Math.floor(Date.now() / 3_600_000) * 3600 - 86_400;
const alone = { 'pilot.telemetry.batch-size': 1, 'pilot.telemetry.async-processing': false, 'pilot.telemetry.max-concurrent-batches': 1 };
const lifted = { 'rate-limiting.enabled': false, 'pilot.mode': false };

async function load(side, workload, requests) {
    const args = ['--port', side.server.port, '--workload', workload, '--connections', 64, '--requests', requests, '--token', side.token, '--start', begin];
    const child = spawn(join(build, 'bench_load'), args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part) => { text += part; });
    await once(child, 'close');
    const out = JSON.parse(text);
    if (out.errors) throw new Error(`${out.errors} of ${requests} requests failed`);
    return out.seconds;
}

async function start(env, sets) {
    const dir = temporaryDir();
    const server = await startServer({ dir, env, sets: { ...lifted, ...sets } });
    const { apiToken } = await server.device(await server.login(ADMIN.username, ADMIN.password), 'dev-000');
    const side = { dir, server, token: apiToken };
    await load(side, 'single', 500); // its devices are made, and its statements prepared
    return side;
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const range = (list, digits) => `${median(list).toFixed(digits)} (${Math.min(...list).toFixed(digits)} to ${Math.max(...list).toFixed(digits)})`;

async function compare(name, before, after) {
    const grouped = [], bodies = [], single = [];
    for (let i = 0; i < rounds; i++) {
        single.push(4_000 / await load(before, 'single', 4_000));
        grouped.push(20_000 / await load(after, 'single', 20_000));
        bodies.push(2_000_000 / await load(after, 'lp', 200));
    }
    const row = (what, list) => console.log(`${name.padEnd(12)} ${what.padEnd(44)} ${range(list, 0).padStart(30)} readings/s; ratio ${range(list.map((v, i) => v / single[i]), 1)}`);
    row('one write a reading, 64 connections', single);
    row('grouped, one reading a request', grouped);
    row('grouped, 10,000 readings a request', bodies);
}

console.log(`## batching, ${rounds} rounds, load average ${loadavg()[0].toFixed(1)}; median (smallest to largest)`);
const postgres = await startPostgres({ durable: true });
const sides = [];
for (const [name, env] of [['embedded', () => ({})], ['PostgreSQL', (db) => ({ STORE_URL: postgres.database(db) })]]) {
    const before = await start(env('alone'), alone), after = await start(env('grouped'), {});
    sides.push(before, after);
    await compare(name, before, after);
}
console.log(`load average at the end ${loadavg()[0].toFixed(1)}`);
for (const side of sides) {
    await side.server.stop();
    rmSync(side.dir, { recursive: true, force: true });
}
await postgres.stop();
