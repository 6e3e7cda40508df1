// R9 with two servers: one of them is killed with -9 at a random moment under load, and started again; and
// PostgreSQL is restarted as after a crash beneath both; and Redis is killed and comes back. A ledger outside keeps what was sent and what was
// acknowledged by whichever of them. Nothing acknowledged may be lost, nothing stored twice, nothing changed;
// both agree on the newest value of every device with what is stored; and each time a value went over its
// threshold there is one alert, whoever judged it.
//   ROUNDS=20 SEED=1 node --test tests/crash/nodes.test.mjs      (SV_LONG=1: 100 rounds)
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { rmSync } from 'node:fs';
import { postgresIsHere, startPostgres } from '../system/postgres.mjs';
import { hasRedis, Redis } from '../system/redis.mjs';
import { startServer, temporaryDir } from '../system/server.mjs';
import { random, seed } from './random.mjs';

const skip = postgresIsHere && hasRedis ? false : 'there is no PostgreSQL 15 or no Redis here (packages postgresql-15, redis-server)';
const ROUNDS = Number(process.env.ROUNDS ?? (process.env.SV_LONG ? 100 : 1));
const DEADLINE_MS = 60_000;
const FLIP_MS = 2500; // longer than a death goes unnoticed
console.log(`seed ${seed}, ${ROUNDS} rounds`);

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const base = Date.now() - 6 * 3600 * 1000;
const started = Date.now();
const workers = Array.from({ length: 8 }, (_, i) => ({ device: `node-${i}`, next: 0, acked: new Set(), at: i % 2, flips: [] }));
const dirs = [temporaryDir(), temporaryDir()];
const servers = [];
const wrong = [];
let refused = 0, postgres, redis, url, token, running, all;

const start = async (i) => { servers[i] = await startServer({ dir: dirs[i], env: { STORE_URL: url, CACHE_URL: redis.url } }); };

function body(w, from, n) {
    const flip = Math.floor((Date.now() - started) / FLIP_MS) % 2;
    for (let i = 0; i < n; i++) w.flips[from + i] = flip;
    return Array.from({ length: n }, (_, i) => `telemetry,device=${w.device} seq=${from + i},half=${(from + i) / 2},flip=${flip} ${base + from + i}`).join('\n');
}

// Stays with its server until that is gone, as a device does behind a balancer.
async function work(w) {
    while (running) {
        const from = w.next, n = 1 + Math.floor(random() * 30);
        w.next += n; // sent, whatever happens
        let answer;
        try {
            answer = await servers[w.at].request('POST', '/api/v2/write?precision=ms', { body: body(w, from, n), headers: { 'x-api-key': token } });
        } catch {
            w.at = 1 - w.at;
            await pause(5);
            continue;
        }
        if (answer.status === 204) for (let i = 0; i < n; i++) w.acked.add(from + i);
        else if (answer.status === 503 && answer.headers.get('retry-after')) {
            refused++;
            await pause(50);
        }
        else {
            wrong.push(`${answer.status} ${answer.text.slice(0, 300)}`);
            await pause(50);
        }
        await pause(random() * 10);
    }
}

const load = () => { running = true; all = workers.map(work); };
const unload = async () => { running = false; await Promise.all(all); };

async function until(what, ask) {
    for (const end = Date.now() + DEADLINE_MS; ;) {
        const answer = await ask();
        if (answer === true) return;
        assert.ok(Date.now() < end, `${what}: ${JSON.stringify(answer)}\n${servers.map((s) => s.log.slice(-1500)).join('\n')}`);
        await pause(100);
    }
}

async function stored(w, auth) {
    const res = await servers[0].request('GET', `/api/v1/export/csv/${w.device}`, { headers: auth });
    assert.equal(res.status, 200, res.text);
    const [header, ...lines] = res.text.trimEnd().split(/\r?\n/).map((line) => line.split(','));
    return lines.map((cells) => ({ seq: Math.round(Date.parse(cells[1]) - base), said: Number(cells[header.indexOf('seq')]), half: Number(cells[header.indexOf('half')]), flip: Number(cells[header.indexOf('flip')]) }));
}

// The stretches in which flip is 1: [first, last] as sequence numbers.
function stretches(rows) {
    const list = [];
    for (const [i, row] of rows.entries()) {
        if (!row.flip) continue;
        if (i && rows[i - 1].flip) list.at(-1)[1] = row.seq;
        else list.push([row.seq, row.seq]);
    }
    return list;
}

async function verify() {
    const admin = await servers[0].admin(), auth = { authorization: `Bearer ${admin}` };
    const sum = { lost: 0, twice: 0, foreign: 0, changed: 0, stored: 0, acked: 0, alerts: 0 };
    for (const w of workers) {
        const rows = await stored(w, auth);
        const seen = new Set();
        for (const { seq, said, half, flip } of rows) {
            sum.stored++;
            if (seen.has(seq)) sum.twice++;
            if (seq < 0 || seq >= w.next) sum.foreign++;
            if (said !== seq || half !== seq / 2 || flip !== w.flips[seq]) sum.changed++;
            seen.add(seq);
        }
        for (const seq of w.acked) if (!seen.has(seq)) sum.lost++;
        sum.acked += w.acked.size;
        const newest = rows.at(-1)?.seq;
        for (const server of servers)
            await until(`the newest of ${w.device}`, async () => {
                const latest = (await server.call('GET', `/data/latest/${w.device}`, { token: admin })).json;
                return latest?.seq === newest || { latest, newest };
            });
        const expected = stretches(rows);
        await until(`the alerts of ${w.device}`, async () => {
            const page = await servers[1].ok('GET', `/alerts?deviceId=${w.device}&size=1000&page=0`, { token: admin });
            const at = (page.content ?? page).map((x) => Math.round(Date.parse(x.timestamp) - base));
            const missing = expected.filter(([from, to]) => at.filter((t) => t >= from && t <= to).length !== 1);
            return (missing.length === 0 && at.length === expected.length) || { missing: missing.slice(0, 5), alerts: at.length, stretches: expected.length };
        });
        sum.alerts += expected.length;
    }
    console.log(JSON.stringify(sum));
    assert.deepEqual({ ...sum, stored: 0, acked: 0, alerts: 0 }, { lost: 0, twice: 0, foreign: 0, changed: 0, stored: 0, acked: 0, alerts: 0 });
    assert.deepEqual(wrong.slice(0, 5), []);
    assert.ok(sum.acked > 300, `only ${sum.acked} records were acknowledged`);
}

before(async () => {
    if (skip) return;
    postgres = await startPostgres({ durable: true });
    redis = await new Redis().start();
    url = postgres.database('nodes');
    await start(0);
    await start(1);
    const admin = await servers[0].admin();
    token = (await servers[0].device(admin, workers[0].device)).apiToken;
    for (const w of workers.slice(1)) await servers[0].device(admin, w.device);
    for (const w of workers)
        await servers[0].ok('POST', '/rules', { token: admin, body: { name: 'flip', deviceId: w.device, variable: 'flip', operator: 'GT', threshold: 0.5, cooldownMinutes: 0 } });
    await until('the token', async () => (await servers[1].call('GET', '/devices/node-0/commands?wait=0', { device: token })).status === 200);
});
after(async () => {
    for (const server of servers) if (server && server.exitCode === undefined) await server.stop();
    await redis?.stop();
    await postgres?.stop();
    for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
});

test('kill -9 of either server loses nothing, and the other goes on', { skip }, async () => {
    load();
    for (let i = 0; i < 4 * ROUNDS; i++) {
        await pause(300 + random() * 1500);
        const victim = random() < 0.5 ? 0 : 1;
        await servers[victim].kill();
        await pause(random() * 1500);
        await start(victim);
    }
    await pause(500);
    await unload();
    await verify();
});

test('PostgreSQL restarted as after a crash, beneath both', { skip }, async () => {
    load();
    for (let i = 0; i < 2 * ROUNDS; i++) {
        await pause(500 + random() * 1000);
        await postgres.end('SIGQUIT');
        await postgres.start();
        await pause(1500);
    }
    const admin = await servers[0].admin();
    for (const server of servers)
        await until('two again, one leads', async () => {
            const states = await Promise.all(servers.map((s) => s.ok('GET', '//actuator/info').then((x) => x.nodes)));
            return (states.every((n) => n.alive === 2) && states.filter((n) => n.leads).length === 1) || { states, server: server.port, admin: admin.length };
        });
    await unload();
    await verify();
});

test('Redis killed and started again under load: nobody is refused for it', { skip }, async () => {
    const before = refused;
    load();
    for (let i = 0; i < 2 * ROUNDS; i++) {
        await pause(200 + random() * 500);
        await redis.kill();
        await pause(200 + random() * 500);
        await redis.start();
    }
    await pause(500);
    await unload();
    await verify();
    assert.equal(refused, before);
});
