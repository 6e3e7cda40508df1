// What the probes cost: the same server built with and without them (SV_PROBES=OFF) does the same fixed work under callgrind, which
// counts the instructions that it executes in user space. That does not depend on what else the machine does, so two runs of one build
// differ by less than what is asked for; processor time in turns, as this bench had it before, differed by ten times that.
// Instructions of the housekeeper are left out: how often its second comes round depends on how long the run takes.
//   node bench/probes.mjs [rounds]      builds build/bare beside build/release; needs valgrind
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ADMIN, freePort } from '../tests/system/server.mjs';

const rounds = Number(process.argv[2] ?? 3);
const AIM = 2; // per cent
const run = promisify(execFile);
const build = (...args) => execFileSync('cmake', args, { stdio: ['ignore', 'ignore', 'inherit'] });
build('-S', '.', '-B', 'build/bare', '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=RelWithDebInfo', '-DSV_FLAVOUR=release', '-DSV_PROBES=OFF');
build('--build', 'build/bare', '--target', 'sensorvision');
build('--build', 'build/release', '--target', 'sensorvision', 'bench_load');

// kinds of load: bench_load's workload, connections, requests, path
const LOADS = [
    ['one reading a request (JSON)', 'single', 64, 4_000],
    ['10,000 points a request (line protocol)', 'lp', 4, 24],
    ['latest of a device', 'get', 8, 4_000, '/api/v1/data/latest/dev-000'],
    ['aggregate of a day by the hour', 'get', 4, 1_000, '/api/v1/analytics/aggregate?deviceId=dev-000&variable=var0&aggregation=AVG&interval=1h'],
    ['list of devices (catalog)', 'get', 4, 1_000, '/api/v1/devices?page=0&size=20'],
];

// A server under callgrind, which counts only what it is told to.
async function open(name) {
    const dir = mkdtempSync(join(tmpdir(), 'sensorvision-probes-')), port = await freePort();
    const child = spawn('valgrind', ['--tool=callgrind', '--instr-atstart=no', '--separate-threads=yes', `--callgrind-out-file=${dir}/out`, `build/${name}/sensorvision`, 'serve',
        '--data', `${dir}/data`, '--http', `127.0.0.1:${port}`, '--set', 'mqtt.enabled=false', '--set', 'rate-limiting.enabled=false', '--set', 'pilot.mode=false', '--set', 'log.level=error'],
    { stdio: 'ignore', env: { ...process.env, ADMIN_EMAIL: 'bench@example.org', ADMIN_PASSWORD: ADMIN.password } });
    const call = async (method, path, body, headers = {}) => (await fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { 'content-type': 'application/json', ...headers }, body: body && JSON.stringify(body) })).json();
    for (const end = Date.now() + 120_000; ;) {
        try { await call('GET', '/actuator/health'); break; } catch (e) { if (Date.now() > end || child.exitCode !== null) throw e; }
        await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
    const { accessToken } = await call('POST', '/api/v1/auth/login', { username: 'bench@example.org', password: ADMIN.password });
    const authorization = { authorization: `Bearer ${accessToken}` };
    const { key } = await call('POST', '/api/v1/api-keys', { name: 'bench' }, authorization);
    const { apiToken } = await call('POST', '/api/v1/devices', { externalId: 'dev-000', name: 'dev-000' }, authorization);
    const control = (...args) => run('callgrind_control', [...args, String(child.pid)]);
    return { dir, port, child, key, token: apiToken, control };
}

async function close({ child, dir }) {
    const ended = new Promise((resolve) => { child.once('close', resolve); });
    child.kill('SIGTERM');
    await ended;
    rmSync(dir, { recursive: true, force: true });
}

async function send({ port, key, token }, [, workload, connections, , path], requests) {
    const { stdout } = await run('build/release/bench_load', ['--port', port, '--workload', workload, '--connections', connections, '--requests', requests, '--token', workload === 'single' ? token : key,
        '--start', Math.floor(Date.now() / 1000 / 3600) * 3600 - 7200, ...(path ? ['--path', path] : [])].map(String));
    if (JSON.parse(stdout).errors) throw new Error(stdout);
}

// Instructions a request, of all threads but the housekeeper.
async function play(server, load) {
    const [, , , requests] = load, before = new Set(readdirSync(server.dir));
    await send(server, load, Math.max(20, Math.round(requests / 8))); // what is new is made, what is cached is there
    await server.control('-z');
    await server.control('-i', 'on');
    await send(server, load, requests);
    await server.control('-i', 'off');
    await server.control('-d');
    let sum = 0;
    for (const file of readdirSync(server.dir).filter((name) => name.startsWith('out') && !before.has(name))) {
        const text = readFileSync(join(server.dir, file), 'utf8');
        if (/\) (watch_performance|keep_quotas|maintain_store)\b/.test(text)) continue; // jobs of the housekeeper
        sum += Number(text.match(/^totals: (\d+)/m)?.[1] ?? 0);
    }
    return sum / requests;
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const seen = LOADS.map(() => ({ bare: [], release: [] }));
for (let i = 0; i < rounds; i++)
    for (const name of i % 2 ? ['release', 'bare'] : ['bare', 'release']) {
        const server = await open(name);
        try { for (const [n, load] of LOADS.entries()) seen[n][name].push(await play(server, load)); } finally { await close(server); }
    }
console.log(`command: node bench/probes.mjs ${rounds}      (callgrind; instructions in user space, median of ${rounds} runs)`);
console.log(`${'load'.padEnd(44)} without     with    cost   runs of one build differ by`);
let worst = -Infinity;
for (const [n, [title]] of LOADS.entries()) {
    const { bare, release } = seen[n], a = median(bare), b = median(release), cost = (b / a - 1) * 100;
    const spread = Math.max(...[bare, release].map((list) => (Math.max(...list) / Math.min(...list) - 1) * 100));
    worst = Math.max(worst, cost);
    console.log(`${title.padEnd(44)} ${a.toFixed(0).padStart(7)}  ${b.toFixed(0).padStart(7)}  ${cost.toFixed(2).padStart(5)} %   ${spread.toFixed(2)} %`);
}
console.log(`most: ${worst.toFixed(2)} % of the instructions; asked for: under ${AIM} %`);
process.exitCode = worst < AIM ? 0 : 1;
