// R9: PostgreSQL, with fsync on, is restarted as after a crash, stopped for ten seconds, has its connections
// terminated; and the server is killed with -9: all of it under load. A ledger outside keeps what was sent and
// what was acknowledged. Nothing acknowledged may be lost, nothing stored twice, nothing changed; while
// PostgreSQL is away a sender waits or is told 503 with Retry-After, never anything else; when it is back, all
// go on within 30 s.
//   ROUNDS=20 SEED=1 node --test tests/crash/postgres.test.mjs      (SV_LONG=1: 100 rounds)
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { rmSync } from 'node:fs';
import { postgresIsHere, startPostgres } from '../system/postgres.mjs';
import { startServer, temporaryDir } from '../system/server.mjs';
import { random, seed } from './random.mjs';

const skip = postgresIsHere ? false : 'there is no PostgreSQL 15 here (package postgresql-15)';
const ROUNDS = Number(process.env.ROUNDS ?? (process.env.SV_LONG ? 100 : 1));
const AWAY_MS = 10_000;
const DRAINED_MS = 30_000;
console.log(`seed ${seed}, ${ROUNDS} rounds`);

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

const base = Date.now() - 6 * 3600 * 1000;
const forms = [
    (w, from, n) => ({
        target: '/api/v1/data/bulk',
        body: JSON.stringify(Array.from({ length: n }, (_, i) => ({
            deviceId: w.device, timestamp: new Date(base + from + i).toISOString(), variables: { seq: from + i, half: (from + i) / 2 } }))),
    }),
    (w, from, n) => ({
        target: '/api/v2/write?precision=ms',
        body: Array.from({ length: n }, (_, i) => `telemetry,device=${w.device} seq=${from + i},half=${(from + i) / 2} ${base + from + i}`).join('\n'),
    }),
    (w, from) => ({
        target: `/api/v1/data/ingest/${w.device}`, single: true,
        body: JSON.stringify({ timestamp: base + from, variables: { seq: from, half: from / 2 } }),
    }),
];
const workers = Array.from({ length: 12 }, (_, i) => ({ device: `away-${i}`, form: forms[i % 3], next: 0, acked: new Set(), ackedAt: 0, refusals: 0 }));
const dir = temporaryDir();
const wrong = []; // answers that nobody should get
let postgres, url, server, token, running, all;

const start = () => startServer({ dir, env: { STORE_URL: url } });

async function work(w, at) {
    while (running) {
        const from = w.next;
        const n = w.form === forms[2] ? 1 : 1 + Math.floor(random() * 40);
        w.next += n; // sent, whatever happens
        const { target, body } = w.form(w, from, n);
        let answer;
        try {
            answer = await at.request('POST', target, { body, headers: { 'x-api-key': token, 'content-type': 'application/json' } });
        } catch {
            return; // the server was killed
        }
        if (answer.status === 503 && answer.headers.get('retry-after')) {
            w.refusals++;
            await pause(50);
        } else if (answer.status === 204 || (answer.status === 200 && (!Array.isArray(answer.json) || answer.json.every((item) => item.status === 'success')))) {
            for (let i = 0; i < n; i++) w.acked.add(from + i);
            w.ackedAt = Date.now();
        } else {
            wrong.push(`${target}: ${answer.status} ${answer.text.slice(0, 300)}`);
            await pause(50);
        }
    }
}

// Reading while PostgreSQL is away: the same two answers.
async function read(at) {
    while (running) {
        try {
            for (const [path, device] of [['/data/latest/away-0', 0], ['/devices?size=5&page=0', null],
                [`/analytics/aggregate?deviceId=away-1&variable=seq&aggregation=AVG&interval=1h&from=${base - 3600000}&to=${base + 36000000}`, 1]]) {
                const missing = device !== null && !workers[device].acked.size; // its first reading makes it
                const answer = await at.call('GET', path, { token: at.reader });
                const fine = answer.status === 200 || (answer.status === 503 && answer.headers.get('retry-after')) || (missing && answer.status === 404);
                if (!fine) wrong.push(`${path}: ${answer.status} ${answer.text.slice(0, 300)}`);
            }
        } catch {
            return;
        }
        await pause(20);
    }
}

async function load() {
    running = true;
    server.reader = await server.admin();
    all = [...workers.map((w) => work(w, server)), read(server)];
}

async function unload() {
    running = false;
    await Promise.all(all);
}

// Every worker was acknowledged something that it sent after this moment.
async function drained() {
    const back = Date.now();
    while (workers.some((w) => w.ackedAt <= back)) {
        assert.ok(Date.now() - back < DRAINED_MS, `not drained after ${DRAINED_MS} ms; ${server.log.slice(-2000)}`);
        await pause(10);
    }
    return Date.now() - back;
}

async function verify() {
    const auth = { authorization: `Bearer ${await server.admin()}` };
    const sum = { lost: 0, twice: 0, foreign: 0, changed: 0, stored: 0, acked: 0 };
    for (const w of workers) {
        const res = await server.request('GET', `/api/v1/export/csv/${w.device}`, { headers: auth });
        assert.equal(res.status, 200, res.text);
        const lines = res.text.trimEnd().split(/\r?\n/);
        const header = lines[0].split(',');
        const seqAt = header.indexOf('seq'), halfAt = header.indexOf('half');
        const seen = new Set();
        for (const line of lines.slice(1)) {
            const cells = line.split(',');
            const seq = Math.round(Date.parse(cells[1]) - base);
            sum.stored++;
            if (seen.has(seq)) sum.twice++;
            if (seq < 0 || seq >= w.next) sum.foreign++;
            if (Number(cells[seqAt]) !== seq || Number(cells[halfAt]) !== seq / 2) sum.changed++;
            seen.add(seq);
        }
        for (const seq of w.acked) if (!seen.has(seq)) sum.lost++;
        sum.acked += w.acked.size;
    }
    console.log(JSON.stringify(sum));
    assert.deepEqual({ ...sum, stored: 0, acked: 0 }, { lost: 0, twice: 0, foreign: 0, changed: 0, stored: 0, acked: 0 });
    assert.deepEqual(wrong.slice(0, 5), []);
    assert.ok(sum.acked > 1000, `only ${sum.acked} records were acknowledged`);
}

// PostgreSQL gone for so long, then back.
async function away(signal, ms) {
    await pause(200 + random() * 600);
    await postgres.end(signal);
    await pause(ms);
    await postgres.start();
    const took = await drained();
    console.log(`${signal}, away ${ms} ms: all acknowledged again ${took} ms after it was back; ${workers.reduce((n, w) => n + w.refusals, 0)} told to retry so far`);
}

before(async () => {
    if (skip) return;
    postgres = await startPostgres({ durable: true });
    url = postgres.database('away');
    server = await start();
    token = (await server.device(await server.admin(), workers[0].device)).apiToken;
});
after(async () => {
    if (server && server.exitCode === undefined) await server.stop();
    await postgres?.stop();
    rmSync(dir, { recursive: true, force: true });
});

test('restarts as after a crash lose nothing that was acknowledged', { skip }, async () => {
    await load();
    for (let i = 0; i < 3 * ROUNDS; i++) await away('SIGQUIT', 0);
    await unload();
    await verify();
});

test('ten seconds without PostgreSQL are answered 503 with Retry-After, and lose nothing', { skip }, async () => {
    await load();
    const before = workers.reduce((n, w) => n + w.refusals, 0);
    const health = pause(5000).then(() => server.request('GET', '/actuator/health/readiness'));
    await away('SIGINT', AWAY_MS);
    assert.equal((await health).status, 503, 'it is not ready meanwhile');
    assert.ok(workers.reduce((n, w) => n + w.refusals, 0) > before, 'somebody was told to retry');
    await unload();
    await verify();
    assert.equal((await server.request('GET', '/actuator/health/readiness')).status, 200);
});

test('connections that are terminated lose nothing', { skip }, async () => {
    await load();
    for (let i = 0; i < 10 * ROUNDS; i++) {
        await pause(50 + random() * 150);
        postgres.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'sensorvision%'");
    }
    await drained();
    await unload();
    await verify();
});

test('kill -9 of the server loses nothing, and the next one takes the database over', { skip }, async () => {
    for (let i = 0; i < 5 * ROUNDS; i++) {
        await load();
        await pause(100 + random() * 300);
        await server.kill();
        await unload();
        server = await start();
    }
    await verify();
});
