// One line of bench/pilot.sh's table, out of a report of `sensorvision loadtest --save`.
//   node pilot_row.mjs REPORT NAME LOAD      |      node pilot_row.mjs --ratio CALM NOISY
import { readFileSync } from 'node:fs';

const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const kind = (report, name) => report.kinds.find((one) => one.kind === name);
const p99 = (report, name) => kind(report, name)?.p99Ms.toFixed(2) ?? '–';
const others = (report) => report.kinds.filter((one) => !['login', 'live', 'monitor', 'noisy', 'late'].includes(one.kind));

if (process.argv[2] === '--ratio') {
    const [calm, noisy] = process.argv.slice(3).map(read);
    console.log(`\none organisation at 50 times its pace (${noisy.noisyRefused} of its readings refused by its daily limit); the others' p99, noisy / calm:`);
    for (const one of others(noisy)) {
        const before = kind(calm, one.kind);
        if (before) console.log(`  ${one.kind.padEnd(10)} ${one.p99Ms.toFixed(2).padStart(8)} / ${before.p99Ms.toFixed(2).padStart(8)} ms = ${(one.p99Ms / before.p99Ms).toFixed(2)}`);
    }
} else {
    const [file, name, load] = process.argv.slice(2);
    const report = read(file);
    const worst = others(report).reduce((a, b) => a.p99Ms > b.p99Ms ? a : b);
    const lifted = report.pilotLimitsLifted ? ', pilot.mode=false' : '';
    const took = report.pointsPerDay === null ? `, ${(report.pointsWritten / report.pointsPerSecond).toFixed(2)} s for ${report.pointsWritten} points` : '';
    console.log(`| ${name}: ${report.users} users, ${report.devices} devices, ${report.variables} values a reading${lifted}${took} | ${load} | ${report.requests} | ${report.errors} | ${p99(report, 'login')} | ${worst.p99Ms.toFixed(2)} (${worst.kind}) | ${p99(report, 'live')} | ${p99(report, 'monitor')} | ${p99(report, 'late')} | ${report.pointsPerSecond.toFixed(0)} | ${report.sentEqualsStored ? 'yes' : 'NO'} |`);
}
