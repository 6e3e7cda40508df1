// `move` between the embedded store and PostgreSQL, both ways: 500 devices x 10 variables, 5 M points; fsync on.
//   node bench/move.mjs [build/release]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';

const build = process.argv[2] ?? 'build/release';
process.env.SV_BINARY = join(process.cwd(), build, 'sensorvision');
const { startPostgres } = await import('../tests/system/postgres.mjs');
const { ADMIN, run, startServer, temporaryDir } = await import('../tests/system/server.mjs');

const first = temporaryDir();
const second = temporaryDir();
const begin = Math.floor(Date.now() / 3_600_000) * 3600 - 7200;
const server = await startServer({ dir: first, sets: { 'rate-limiting.enabled': false } });
const { apiToken } = await server.device(await server.login(ADMIN.username, ADMIN.password), 'dev-000');
const loader = spawn(join(build, 'bench_load'), ['--port', server.port, '--workload', 'lp', '--connections', '4', '--requests', '500',
    '--token', apiToken, '--start', begin].map(String), { stdio: 'ignore' });
await once(loader, 'close');
await server.stop();

const postgres = await startPostgres({ durable: true, settings: { shared_buffers: '1GB', max_wal_size: '4GB', checkpoint_timeout: '15min' } });
const there = postgres.database('moved');
async function move(name, from, to) {
    const result = await run(['move', '--from', from, '--to', to, '--json'], { deadline: 600_000 });
    if (result.code) throw new Error(result.stderr);
    const { points, copySeconds, verifySeconds, pointsPerSecond, rows } = JSON.parse(result.stdout);
    console.log(`${name.padEnd(28)} ${pointsPerSecond} points/s (${points} points in ${copySeconds.toFixed(2)} s; compared in ${verifySeconds.toFixed(2)} s; ${rows} rows of the catalog; load average ${loadavg()[0].toFixed(1)})`);
}
console.log('## move, 500 devices x 10 variables x 1,000 s, PostgreSQL 15 with fsync on');
await move('embedded to PostgreSQL', `embedded:${first}`, there);
await move('PostgreSQL to embedded', there, `embedded:${second}`);
await postgres.stop();
for (const dir of [first, second]) rmSync(dir, { recursive: true, force: true });
