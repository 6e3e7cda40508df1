// What the probes cost: the same server built with and without them (SV_PROBES=OFF), loaded in turns; processor
// time of the server for each request, from /proc, so that what else the machine does counts little. Prints a
// line for each kind of load: the median of the paired ratios, and how far they lie apart.
//   node bench/probes.mjs [rounds]      builds build/bare beside build/release
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

const rounds = Number(process.argv[2] ?? 15);
const { startServer } = await import('../tests/system/server.mjs');
const OPEN = { 'rate-limiting.enabled': false, 'pilot.mode': false, 'log.level': 'warn' };
const build = (...args) => execFileSync('cmake', args, { stdio: ['ignore', 'ignore', 'inherit'] });
build('-S', '.', '-B', 'build/bare', '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=RelWithDebInfo', '-DSV_FLAVOUR=release', '-DSV_PROBES=OFF');
build('--build', 'build/bare', '--target', 'sensorvision');
build('--build', 'build/release', '--target', 'sensorvision', 'bench_load');

// Nanoseconds that its threads ran, in microseconds; the server's threads stay.
const cpu = (pid) => readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
    try { return sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1000; } catch { return sum; }
}, 0);
const median = (list) => { const s = [...list].sort((a, b) => a - b); return s[s.length >> 1]; };

async function open(name) {
    const server = await startServer({ sets: OPEN, binary: `build/${name}/sensorvision` });
    const me = await server.register();
    const { apiToken } = await server.device(me.accessToken, 'dev-000');
    const { key } = await server.ok('POST', '/api-keys', { token: me.accessToken, body: { name: 'bench' } });
    return { server, key, token: apiToken };
}

// kinds of load: bench_load's workload, connections, requests, path
const LOADS = [
    ['one reading a request (JSON)', 'single', 32, 20_000],
    ['10,000 points a request (line protocol)', 'lp', 8, 100],
    ['latest of a device', 'get', 8, 20_000, '/api/v1/data/latest/dev-000'],
    ['aggregate of a day by the hour', 'get', 4, 4_000, '/api/v1/analytics/aggregate?deviceId=dev-000&variable=var0&aggregation=AVG&interval=1h'],
    ['list of devices (catalog)', 'get', 4, 4_000, '/api/v1/devices?page=0&size=20'],
];

function play({ server, key, token }, [, workload, connections, requests, path]) {
    const begin = cpu(server.child.pid);
    const args = ['--port', server.port, '--workload', workload, '--connections', connections, '--requests', requests, '--token', workload === 'get' ? key : token,
        '--start', Math.floor(Date.now() / 1000 / 3600) * 3600 - 7200, ...(path ? ['--path', path] : [])];
    const out = JSON.parse(execFileSync('build/release/bench_load', args.map(String), { encoding: 'utf8' }));
    if (out.errors) throw new Error(JSON.stringify(out));
    return (cpu(server.child.pid) - begin) / requests;
}

const bare = await open('bare'), probed = await open('release');
console.log(`command: node bench/probes.mjs ${rounds}      load of the machine meanwhile: ${readFileSync('/proc/loadavg', 'utf8').split(' ')[0]}`);
console.log(`${'load'.padEnd(44)} without, us CPU   with   ratio (quartiles)`);
let worst = 0;
for (const load of LOADS) {
    const ratios = [], a = [], b = [];
    play(bare, load), play(probed, load); // warm
    for (let i = 0; i < rounds; i++) {
        const first = i % 2 ? [bare, probed] : [probed, bare];
        const x = play(first[0], load), y = play(first[1], load);
        const [without, with_] = i % 2 ? [x, y] : [y, x];
        a.push(without), b.push(with_), ratios.push(with_ / without);
    }
    ratios.sort((x, y) => x - y);
    const at = (q) => ratios[Math.floor(q * (ratios.length - 1))].toFixed(3);
    worst = Math.max(worst, median(ratios));
    console.log(`${load[0].padEnd(44)} ${median(a).toFixed(2).padStart(15)} ${median(b).toFixed(2).padStart(6)}   ${at(0.5)} (${at(0.25)} to ${at(0.75)})`);
}
console.log(`most: ${((worst - 1) * 100).toFixed(1)} % of processor time; the aim is under 2 %`);
await bare.server.stop();
await probed.server.stop();
