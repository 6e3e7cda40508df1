// The dashboard of the earlier platform: 100 devices x 3 variables x AVG, MIN and MAX over 24 hours, 900
// aggregates, which its front end asked for one by one. Here as one batch, on both stores: cold (a day that
// nobody has asked about) and again; and the single requests beside it.
//   node bench/old_dashboard.mjs [build/release]
import { rmSync } from 'node:fs';
import { join } from 'node:path';

const build = process.argv[2] ?? 'build/release';
process.env.SV_BINARY = join(process.cwd(), build, 'sensorvision');
const { startPostgres } = await import('../tests/system/postgres.mjs');
const { ADMIN, startServer, temporaryDir } = await import('../tests/system/server.mjs');

const DEVICES = 100, DAYS = 7, VARIABLES = ['kw', 'voltage', 'current'], KINDS = ['AVG', 'MIN', 'MAX'];
const hour = Math.floor(Date.now() / 3_600_000) * 3600;
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

// A reading a minute of every device.
async function fill(server, token) {
    const begin = hour - DAYS * 86_400;
    for (let at = begin; at < hour; at += 7200) {
        const lines = [];
        for (let d = 0; d < DEVICES; d++)
            for (let t = at; t < at + 7200; t += 60)
                lines.push(`telemetry,device=meter-${d} kw=${10 + (t / 60 + d) % 17},voltage=${220 + t / 60 % 11},current=${(t / 60 + d) % 29} ${t}`);
        const answer = await server.request('POST', '/api/v2/write?precision=s', { body: lines.join('\n'), headers: { 'x-api-key': token } });
        if (answer.status !== 204) throw new Error(answer.text);
    }
}

// A day that ends at half past an hour: both of its ends are ragged.
function day(back) {
    const to = hour - 1800 - back * 86_400;
    const window = { from: new Date((to - 86_400) * 1000).toISOString(), to: new Date(to * 1000).toISOString() };
    const requests = [];
    for (let d = 0; d < DEVICES; d++)
        for (const variable of VARIABLES)
            for (const aggregation of KINDS) requests.push({ deviceId: `meter-${d}`, variable, aggregation, ...window });
    return requests;
}

async function time(work) {
    const begin = performance.now();
    await work();
    return performance.now() - begin;
}

async function run(name, env, settled) {
    const dir = temporaryDir();
    const server = await startServer({ dir, env, sets: { 'rate-limiting.enabled': false, 'pilot.mode': false } });
    const access = await server.login(ADMIN.username, ADMIN.password);
    const { apiToken } = await server.device(access, 'meter-0');
    await fill(server, apiToken);
    await settled();
    const batch = async (back) => {
        const { results } = await server.ok('POST', '/analytics/aggregate/batch', { token: access, body: { requests: day(back) } });
        if (results.length !== 900 || results.some((r) => r.length !== 1 || r[0].count !== 1440)) throw new Error(JSON.stringify(results[0]));
    };
    const cold = [], again = [];
    for (let back = 0; back < DAYS - 1; back++) {
        cold.push(await time(() => batch(back)));
        for (let i = 0; i < 3; i++) again.push(await time(() => batch(back)));
    }
    console.log(`${name.padEnd(12)} 900 aggregates as one batch: cold ${cold.map((ms) => ms.toFixed(1)).join(', ')} ms (median ${median(cold).toFixed(1)}); again ${median(again).toFixed(1)} ms`);
    const one = day(0).slice(0, 90);
    const single = await time(async () => {
        for (const { deviceId, variable, aggregation, from, to } of one)
            await server.ok('GET', `/analytics/aggregate?deviceId=${deviceId}&variable=${variable}&aggregation=${aggregation}&from=${from}&to=${to}`, { token: access });
    });
    console.log(`${name.padEnd(12)} one by one, as the old front end asked: ${(single * 10).toFixed(0)} ms for 900`);
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
}

await run('embedded', {}, async () => {});
const postgres = await startPostgres({ durable: true, settings: { shared_buffers: '1GB', max_wal_size: '4GB' } });
const url = postgres.database('dashboard');
await run('PostgreSQL', { STORE_URL: url }, async () => {
    // the hours are summed up by the server itself, those of the last hour and a half stay open
    for (;;) {
        if (postgres.askIn('dashboard', `SELECT count(*) FROM telemetry_stale WHERE hour_ns < ${hour - 7200}::bigint * 1000000000`) === '0') return;
        await new Promise((resolve) => { setTimeout(resolve, 200); });
    }
});
await postgres.stop();
