// `move --online`: the server of the source goes on while its readings are copied. Every point that it
// acknowledged is in the target, once, also what came late, over something else, or from a new device.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { postgresIsHere, startPostgres } from './postgres.mjs';
import { BINARY, run, startServer, temporaryDir } from './server.mjs';

const skip = postgresIsHere ? false : 'there is no PostgreSQL 15 here (package postgresql-15)';
const SETS = { 'pilot.data-retention-days': 0, 'rate-limiting.enabled': false };
const BEGIN = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 30 * 86_400_000;
const dirs = [];
let postgres;

const dir = () => { const made = temporaryDir(); dirs.push(made); return made; };
const embedded = () => { const path = dir(); return { dir: path, url: `embedded:${path}`, env: {} }; };
const database = (name) => ({ dir: dir(), url: postgres.database(name), env: { STORE_URL: postgres.urlOf(name) } });

before(async () => { if (!skip) postgres = await startPostgres(); });
after(async () => {
    await postgres?.stop();
    for (const made of dirs) rmSync(made, { recursive: true, force: true });
});

// Sends until it is told to end, and keeps what was acknowledged: device -> time -> value.
class Sender {
    constructor(server, token) {
        Object.assign(this, { server, token, acknowledged: new Map(), on: true, rounds: 0 });
        this.done = this.send();
    }

    async send() {
        for (let n = 0; this.on; n++) {
            const records = [
                ['steady', BEGIN + n * 1000, n], // in order
                ['late', BEGIN - n * 7_200_000, n], // further and further back
                ['over', BEGIN + (n % 5) * 1000, n], // the same five times
                [`new-${n % 40}`, BEGIN + n, n], // devices that appear meanwhile
            ];
            const body = records.map(([deviceId, at, v]) => ({ deviceId, timestamp: new Date(at).toISOString(), variables: { v } }));
            for (const answer of await this.server.ok('POST', '/data/bulk', { token: this.token, body })) assert.equal(answer.status, 'success');
            for (const [deviceId, at, v] of records) {
                if (!this.acknowledged.has(deviceId)) this.acknowledged.set(deviceId, new Map());
                this.acknowledged.get(deviceId).set(at, v);
            }
            this.rounds++;
        }
    }

    stop() {
        this.on = false;
        return this.done;
    }
}

async function checkAll(server, token, acknowledged) {
    for (const [deviceId, expected] of acknowledged) {
        const rows = await server.ok('GET', `/data/query?deviceId=${deviceId}&variables=v&from=1980-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&limit=100000`, { token });
        assert.deepEqual(rows.map((row) => [Date.parse(row.timestamp), row.v]), [...expected].sort((a, b) => a[0] - b[0]), deviceId);
    }
}

for (const [name, make] of [['a directory to PostgreSQL', () => [embedded(), database('there')]], ['PostgreSQL to a directory', () => [database('source'), embedded()]]])
    test(`a server goes on while it is moved from ${name}, and nothing it acknowledged is missing`, { skip }, async () => {
        const [from, to] = make();
        const server = await startServer({ dir: from.dir, env: from.env, sets: SETS });
        const user = await server.register('mover');
        const token = user.accessToken;
        const sender = new Sender(server, token);
        for (const end = Date.now() + 30_000; sender.rounds < 20;) {
            assert.ok(Date.now() < end, 'nothing is acknowledged');
            await new Promise((resolve) => { setImmediate(resolve); });
        }
        const busy = await run(['move', '--from', from.url, '--to', to.url]);
        assert.deepEqual([busy.code, /in use by process|1 server works on this database; stop it/.test(busy.stderr)], [1, true], 'without --online it is refused');

        const child = spawn(BINARY, ['move', '--online', '--from', from.url, '--to', to.url], { env: { PATH: process.env.PATH, NO_COLOR: '1' } });
        const output = { stdout: '', stderr: '' };
        for (const part of ['stdout', 'stderr']) child[part].setEncoding('utf8').on('data', (text) => { output[part] += text; });
        const ended = once(child, 'close');
        const copied = sender.rounds;
        for (const end = Date.now() + 60_000; !/caught up: the last pass found \d+ points/.test(output.stderr);) {
            assert.ok(Date.now() < end && child.exitCode === null, `it does not catch up: ${output.stderr}`);
            await new Promise((resolve) => { setTimeout(resolve, 10); });
        }
        const caught = sender.rounds;
        for (const end = Date.now() + 30_000; sender.rounds < caught + 20;) { // and on, behind the last pass
            assert.ok(Date.now() < end, 'the server no longer takes readings');
            await new Promise((resolve) => { setImmediate(resolve); });
        }
        assert.ok(sender.rounds > copied, 'it took readings meanwhile');
        await sender.stop();
        await server.stop();
        const [code] = await ended;
        assert.equal(code, 0, output.stderr);
        assert.match(output.stdout, /^moved 4\d devices/);
        const next = await startServer({ dir: to.dir, env: to.env, sets: SETS });
        await checkAll(next, await next.login(user.username, user.password), sender.acknowledged);
        await next.stop();
        if (!to.env.STORE_URL) assert.equal((await run(['verify', '--data', to.dir])).stdout, 'sound\n');
    });

test('a target that is taken is refused by the server that would copy', { skip }, async () => {
    const [from, to] = [embedded(), database('full_already')];
    const other = await startServer({ dir: to.dir, env: to.env });
    await other.stop();
    const server = await startServer({ dir: from.dir });
    const result = await run(['move', '--online', '--from', from.url, '--to', to.url]);
    assert.deepEqual([result.code, /the server: the target is not empty: its table organizations has rows/.test(result.stderr)], [1, true], result.stderr);
    assert.equal((await server.call('GET', '//actuator/health')).status, 200);
    await server.stop();
});
