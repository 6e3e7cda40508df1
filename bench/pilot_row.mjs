// One line of bench/pilot.sh's table, out of a report of `sensorvision loadtest --save`; or what one organisation that sends far too much
// costs the others, out of runs without and with it that took turns.
//   node pilot_row.mjs REPORT NAME LOAD      |      node pilot_row.mjs --ratio DIR ROUNDS   (calm-1.json, noisy-1.json, …)
import { readFileSync } from 'node:fs';

const MINE = ['login', 'live', 'monitor', 'noisy', 'late']; // kinds that are no requests of the others
const LIMIT = 1.5, RESAMPLES = 1000;
const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const kind = (report, name) => report.kinds.find((one) => one.kind === name);
const p99 = (report, name) => kind(report, name)?.p99Ms.toFixed(2) ?? '–';
const others = (report) => report.kinds.filter((one) => !MINE.includes(one.kind));
const median = (list) => { const s = [...list].sort((a, b) => a - b), at = (s.length - 1) / 2; return (s[Math.floor(at)] + s[Math.ceil(at)]) / 2; };
const rank = (list, q) => { const s = [...list].sort((a, b) => a - b); return s[Math.min(s.length - 1, Math.ceil(q * s.length) - 1)]; };

// splitmix32, so that a report says the same each time it is looked at
function random(seed) {
    return () => {
        seed = (seed + 0x9e3779b9) | 0;
        let z = seed ^ (seed >>> 16);
        z = Math.imul(z, 0x21f0aaad); z ^= z >>> 15; z = Math.imul(z, 0x735a2d97); z ^= z >>> 15;
        return (z >>> 0) / 2 ** 32;
    };
}

// Latencies of a kind (or of several), a list for each round.
const latencies = (reports, names) => reports.map((report) => names.flatMap((name) => kind(report, name)?.latencies.flatMap(([ms, n]) => Array(n).fill(ms)) ?? []));

function ratioOf(calm, noisy, draw) {
    const pooled = (rounds) => rank(rounds.flat(), 0.99);
    const again = (rounds) => rounds.map((list) => list.map(() => list[Math.floor(draw() * list.length)]));
    const ratios = Array.from({ length: RESAMPLES }, () => pooled(again(noisy)) / pooled(again(calm)));
    return { before: pooled(calm), beside: pooled(noisy), low: rank(ratios, 0.025), high: rank(ratios, 0.975),
        rounds: median(calm.map((list, i) => rank(noisy[i], 0.99) / rank(list, 0.99))) };
}

if (process.argv[2] === '--ratio') {
    const [dir, rounds] = [process.argv[3], Number(process.argv[4])], draw = random(1);
    const of = (name) => Array.from({ length: rounds }, (_, i) => read(`${dir}/${name}-${i + 1}.json`));
    const calm = of('calm'), noisy = of('noisy'), names = others(noisy[0]).map((one) => one.kind);
    const refused = noisy.reduce((sum, one) => sum + one.noisyRefused, 0);
    console.log(`\none organisation at 50 times its pace, ${rounds} rounds by turns (${refused} of its readings refused by its daily limit); p99 of the others, all`);
    console.log('rounds together; in brackets the 95 % interval of the ratio (bootstrap of the requests of each round) and the median of the rounds:');
    let over = 0;
    for (const [name, list] of [...names.map((one) => [one, [one]]), ['all', names]]) {
        const a = latencies(calm, list), b = latencies(noisy, list);
        if ([...a, ...b].some((one) => !one.length)) continue;
        const r = ratioOf(a, b, draw);
        const verdict = r.low > LIMIT ? 'over' : r.high < LIMIT ? 'under' : 'open';
        over += verdict === 'over' && name !== 'all';
        console.log(`  ${name.padEnd(10)} ${r.beside.toFixed(2).padStart(8)} / ${r.before.toFixed(2).padStart(8)} ms = ${(r.beside / r.before).toFixed(2)}  (${r.low.toFixed(2)} to ${r.high.toFixed(2)}; ${r.rounds.toFixed(2)})  ${verdict}`);
    }
    console.log(`${over} of ${names.length} kinds are over ${LIMIT} times for certain; asked for: none`);
} else {
    const [file, name, load] = process.argv.slice(2);
    const report = read(file);
    const worst = others(report).reduce((a, b) => a.p99Ms > b.p99Ms ? a : b);
    const lifted = report.pilotLimitsLifted ? ', pilot.mode=false' : '';
    const took = report.pointsPerDay === null ? `, ${(report.pointsWritten / report.pointsPerSecond).toFixed(2)} s for ${report.pointsWritten} points` : '';
    console.log(`| ${name}: ${report.users} users, ${report.devices} devices, ${report.variables} values a reading${lifted}${took} | ${load} | ${report.requests} | ${report.errors} | ${p99(report, 'login')} | ${worst.p99Ms.toFixed(2)} (${worst.kind}) | ${p99(report, 'live')} | ${p99(report, 'monitor')} | ${p99(report, 'late')} | ${report.pointsPerSecond.toFixed(0)} | ${report.sentEqualsStored ? 'yes' : 'NO'} |`);
}
