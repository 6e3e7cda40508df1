// Two builds of the server over PostgreSQL, round by round in turn: what one of them has paid for. Each start has
// a database of its own on one PostgreSQL (fsync on), and the same bodies of the generator of the second build.
// Points of the wall's second, and of a second of CPU of server and PostgreSQL together (/proc).
//   node bench/postgres_pairs.mjs BEFORE AFTER [rounds]        BEFORE, AFTER: build directories
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';

const [before, after, rounds = 5] = process.argv.slice(2);
const { startPostgres } = await import('../tests/system/postgres.mjs');
const { ADMIN, startServer, temporaryDir } = await import('../tests/system/server.mjs');
const begin = Math.floor(Date.now() / 3_600_000) * 3600 - 7200;
const KINDS = [['lp', 100, 10_000, 'line protocol, 10,000 points a request'], ['single', 8_000, 1, 'one reading a request']];

const hertz = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const stat = (pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
const own = (s) => (Number(s[11]) + Number(s[12])) / hertz;
// The postmaster, those of its children that have ended (13, 14), and those that live.
function cpuOfPostgres(pid) {
    const s = stat(pid);
    let sum = own(s) + (Number(s[13]) + Number(s[14])) / hertz;
    for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        try {
            const child = stat(entry);
            if (child[1] === String(pid)) sum += own(child);
        } catch { /* ended meanwhile */ }
    }
    return sum;
}

async function load(...args) {
    const child = spawn(join(after, 'bench_load'), args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part) => { text += part; });
    await once(child, 'close');
    return JSON.parse(text);
}

const postgres = await startPostgres({ durable: true, settings: { shared_buffers: '1GB', max_wal_size: '4GB', checkpoint_timeout: '15min' } });
let databases = 0;

// Points a second of wall and CPU for each kind, by one build on an empty database whose devices were made before the clock.
async function measure(build) {
    const dir = temporaryDir();
    const name = `bench_${databases++}`;
    const server = await startServer({ dir, binary: resolve(build, 'sensorvision'), env: { STORE_URL: postgres.database(name) },
        sets: { 'rate-limiting.enabled': false, 'pilot.mode': false } });
    const access = await server.login(ADMIN.username, ADMIN.password);
    const { apiToken } = await server.device(access, 'dev-000');
    const run = (workload, requests, from) => load('--port', server.port, '--workload', workload, '--connections', 64, '--requests', requests,
        '--token', apiToken, '--start', from);
    await run('lp', 64, begin - 3600);
    const rates = [];
    for (const [workload, requests, points] of KINDS) {
        const used = () => own(stat(server.child.pid)) + cpuOfPostgres(postgres.child.pid);
        const from = used();
        const out = await run(workload, requests, begin);
        if (out.errors) throw new Error(`${build}: ${out.errors} errors`);
        rates.push([requests * points / out.seconds, requests * points / (used() - from)]);
    }
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
    postgres.ask(`DROP DATABASE ${name} WITH (FORCE)`);
    return rates;
}

const median = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
const ratios = KINDS.map(() => [[], []]);
for (let round = 0; round < rounds; round++) {
    const order = round % 2 ? [after, before] : [before, after];
    const rates = {};
    for (const build of order) rates[build] = await measure(build);
    KINDS.forEach(([,,, name], i) => {
        const [was, is] = [rates[before][i], rates[after][i]];
        const ratio = is.map((rate, k) => rate / was[k]);
        ratio.forEach((r, k) => ratios[i][k].push(r));
        const [wall, cpu] = [0, 1].map((k) => `${Math.round(was[k])} -> ${Math.round(is[k])} (${ratio[k].toFixed(2)})`);
        console.log(`round ${round + 1}  ${name.padEnd(38)} wall ${wall}; CPU ${cpu}; load ${loadavg()[0].toFixed(1)}`);
    });
}
KINDS.forEach(([,,, name], i) => console.log(`median   ${name.padEnd(38)} ratio: wall ${median(ratios[i][0]).toFixed(2)}, CPU ${median(ratios[i][1]).toFixed(2)}`));
await postgres.stop();
