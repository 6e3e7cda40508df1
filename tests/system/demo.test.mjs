// `serve --demo`, which is what `make run` starts: it says where it is, how to log in, and three lines that
// work as they are printed; the recordings are there and the pumps are live.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { startServer } from './server.mjs';

const bash = (line) => promisify(execFile)('bash', ['-c', line], { maxBuffer: 16 << 20 });
let server, lines;

async function until(look, what) {
    for (let i = 0; i < 600; i++) {
        const value = await look();
        if (value) return value;
        await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
    throw new Error(`never: ${what}\n${server.log}`);
}

before(async () => {
    server = await startServer({ args: ['--demo'] });
    lines = await until(() => {
        const found = server.log.split('\n').filter((line) => /^\s*curl /.test(line));
        return found.length === 3 && server.log.endsWith('\n') ? found : null;
    }, 'three curl lines');
});
after(() => server?.stop());

describe('the demo', () => {
    test('prints three lines that run verbatim', async () => {
        for (const line of lines) await bash(`set -o pipefail; ${line.trim().replace(/^curl/, 'curl -sS --fail')}`);
    });

    test('has a login that shows recordings and live devices', async () => {
        const username = server.log.match(/login\s+(\S+)/)[1];
        const password = server.log.match(/\n\s+password\s+(\S+)\n/)[1];
        const token = await server.login(username, password);
        const devices = await server.ok('GET', '/devices', { token });
        for (const id of ['household-meter', 'machine-temperature', 'pump-1']) assert.ok(devices.some((d) => d.externalId === id), `${id}: ${devices.map((d) => d.externalId)}`);
        const from = new Date(Date.now() - 100 * 86400_000).toISOString();
        const count = async (deviceId, variable) => (await server.ok('GET', `/analytics/aggregate?deviceId=${deviceId}&variable=${variable}&aggregation=COUNT&from=${from}`, { token }))[0]?.value ?? 0;
        // 22,695 rows, of which twelve have a time that stood before: the later one wins.
        await until(async () => await count('machine-temperature', 'temperature') === 22_683, 'the whole recording of the machine');
        await until(async () => await count('household-meter', 'voltage') > 2_000, 'two days of the meter');
        const first = await server.ok('GET', '/data/latest/pump-1', { token });
        await until(async () => (await server.ok('GET', '/data/latest/pump-1', { token })).timestamp !== first.timestamp, 'a pump that goes on');
    });
});
