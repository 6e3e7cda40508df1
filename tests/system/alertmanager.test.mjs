// Alerts pushed to a real Alertmanager (Debian's, unpacked by tools/unpack.sh).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { eventually, machine } from './receivers.mjs';
import { freePort, startServer, temporaryDir } from './server.mjs';

const dir = temporaryDir();
const { binary, cwd } = program();
const FAST = { 'notifications.retry-delay': '50ms', 'notifications.max-attempts': 100, 'alertmanager.resend-interval': '1s' };
let port, manager, server;

// Installed, or unpacked: then it would look for its templates where they are not. The same number of
// characters lead to the current directory instead.
function program() {
    const installed = '/usr/bin/prometheus-alertmanager';
    if (existsSync(installed)) return { binary: installed, cwd: dir };
    const tree = new URL('../../build/tools/prometheus-alertmanager', import.meta.url).pathname;
    if (!existsSync(tree + installed)) return {};
    const templates = '/usr/share/prometheus/alertmanager';
    const text = readFileSync(tree + installed, 'latin1').replaceAll(templates, './'.repeat(templates.length / 2));
    writeFileSync(`${dir}/alertmanager`, text, { encoding: 'latin1', mode: 0o755 });
    return { binary: `${dir}/alertmanager`, cwd: tree + templates };
}

async function startManager() {
    const child = spawn(binary, [`--config.file=${dir}/am.yml`, `--storage.path=${dir}/am`, `--web.listen-address=127.0.0.1:${port}`, '--cluster.listen-address='], { stdio: 'ignore', cwd });
    await eventually('Alertmanager is ready', async () => (await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => ({}))).ok);
    return { child, async stop() { child.kill('SIGKILL'); await once(child, 'close'); } };
}

before(async () => {
    if (!binary) return;
    // an Alertmanager that hears nothing of an alert for two seconds takes it for resolved
    writeFileSync(`${dir}/am.yml`, 'global: {resolve_timeout: 2s}\nroute: {receiver: none}\nreceivers: [{name: none}]\n');
    port = await freePort();
    manager = await startManager();
    server = await startServer({ sets: { ...FAST, 'alertmanager.url': `http://127.0.0.1:${port}/`, 'server.public-url': 'https://iot.example.org' } });
});
after(async () => {
    await server?.stop();
    await manager?.stop();
    rmSync(dir, { recursive: true, force: true });
});

// What the Alertmanager holds to be firing of an organisation.
async function firing(org) {
    const all = await (await fetch(`http://127.0.0.1:${port}/api/v2/alerts?filter=organization="${org}"`)).json();
    return all.filter((alert) => alert.status.state === 'active');
}

describe('an Alertmanager', { skip: !binary && 'no Alertmanager here' }, () => {
    test('hears of an alert, again while it is open, and when it is over', async () => {
        const me = await server.register();
        const token = me.accessToken;
        const m = await machine(server, token);
        await m.alarm();
        const [got] = await eventually('it fires', async () => { const all = await firing(me.organizationId); return all.length && all; });
        const [alert] = await server.ok('GET', '/alerts', { token });
        assert.deepEqual(got.labels, { alertname: 'Hot pump-1', severity: 'critical', organization: String(me.organizationId), device: 'pump-1', variable: 'x', rule: m.rule.id, alert: alert.id });
        assert.deepEqual([got.annotations.summary, got.generatorURL], [alert.message, 'https://iot.example.org']);
        assert.equal(Date.parse(got.startsAt), Date.parse(alert.timestamp));
        await eventually('it is told again', async () => { const [now] = await firing(me.organizationId); return now && now.updatedAt !== got.updatedAt && Date.parse(now.endsAt) > Date.now() + 2000; });
        await m.calm();
        await eventually('it is over', async () => (await firing(me.organizationId)).length === 0);
        const lines = await eventually('both were taken', async () => {
            const { content } = await server.ok('GET', '/notifications/logs?scope=organization&channel=ALERTMANAGER', { token });
            return content.length === 2 && content.every((line) => line.status === 'SENT') && content;
        });
        assert.deepEqual(lines.map((line) => [line.event, line.destination]), [['alert.resolved', 'installation'], ['alert.raised', 'installation']]);
        // another one is told twice: what is over is not among what is open
        const other = await machine(server, token, 'other');
        await other.alarm();
        const told = await eventually('the other fires', async () => { const all = await firing(me.organizationId); return all.length && all; });
        const [again] = await eventually('the other is told again', async () => { const all = await firing(me.organizationId); return all.some((one) => one.updatedAt !== told[0].updatedAt) && all; });
        assert.deepEqual([told.length, again.labels.device, (await firing(me.organizationId)).length], [1, 'other', 1]);
    });

    test('that was away hears in the right order, and that was emptied hears all that is open', async () => {
        const me = await server.register();
        const token = me.accessToken;
        const [over, open] = [await machine(server, token, 'over'), await machine(server, token, 'open')];
        await manager.stop();
        await over.alarm();
        await eventually('raised', async () => (await server.ok('GET', '/alerts', { token })).length === 1);
        await over.calm();
        await open.alarm();
        await eventually('all are owed', async () => (await server.ok('GET', '/notifications/logs?scope=organization&channel=ALERTMANAGER', { token })).content.length === 3);
        rmSync(`${dir}/am`, { recursive: true, force: true });
        manager = await startManager();
        await eventually('all were taken', async () => (await server.ok('GET', '/notifications/logs?scope=organization&channel=ALERTMANAGER&status=SENT', { token })).content.length === 3);
        const now = await eventually('one fires', async () => { const all = await firing(me.organizationId); return all.length && all; });
        assert.deepEqual(now.map((alert) => alert.labels.device), ['open']);
        await manager.stop();
        rmSync(`${dir}/am`, { recursive: true, force: true });
        manager = await startManager(); // it knows nothing
        await eventually('it is told what is open', async () => (await firing(me.organizationId)).length === 1);
    });

    test('hears of the server itself: a threshold that is passed, and its end', async () => {
        const admin = await server.admin();
        const org = (await server.ok('GET', '/auth/me', { token: admin })).organizationId;
        const change = (threshold) => server.ok('PUT', '/pilot/performance/thresholds', { token: admin, body: { memoryUsage: { threshold, holdSeconds: 0 } } });
        await change(0);
        const [got] = await eventually('it fires', async () => { const all = await firing(org); return all.length && all; }, 60_000);
        assert.deepEqual([got.labels.alertname, got.labels.variable], ['Memory usage', 'memoryUsage']);
        await change(99);
        await eventually('it is over', async () => (await firing(org)).length === 0, 60_000);
    });
});
