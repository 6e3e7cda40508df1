// A walk through a day of the machine-temperature recording, the day on which the machine failed: rules on it
// raise their alerts at the right readings, once, as the list, a live socket, a webhook's receiver and the page see
// them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { eventually, isGenuine, Receiver } from './receivers.mjs';
import { reference } from './rule_reference.mjs';
import { startServer } from './server.mjs';
import { openSocket } from './socket.mjs';
import { startChromium } from '../web/chromium.mjs';

const DAY = '2013-12-16';
const RULES = [
    { name: 'too cold', operator: 'LT', threshold: 60, cooldownMinutes: 0 },
    { name: 'stays cold', operator: 'LT', threshold: 60, clearThreshold: 70, forSeconds: 1800, cooldownMinutes: 60 },
    { name: 'too hot', operator: 'GTE', threshold: 95, clearThreshold: 90 },
    { name: 'stands still', operator: 'LT', threshold: 5, forSeconds: 600 },
    { name: 'never', operator: 'GT', threshold: 1000 },
];

let server, receiver, chromium;
before(async () => {
    [receiver, chromium] = await Promise.all([Receiver.start(), startChromium()]);
    server = await startServer({ sets: { 'notifications.webhook.allow-private': true } });
});
after(async () => { await chromium?.close(); await server?.stop(); await receiver?.stop(); });

// The page, logged in; from now on it writes down each alert that it shows, however shortly.
async function watchPage({ username, password }) {
    const page = await chromium.newPage();
    await page.open(`${server.url}/`);
    await page.type('#login-form [name=username]', username);
    await page.type('#login-form [name=password]', password);
    await page.click('#login-form button.main');
    await page.says('Live');
    await page.says('No open alerts');
    await page.run(() => {
        window.shown = new Set();
        const look = () => { for (const one of document.querySelectorAll('#alerts li')) window.shown.add(one.textContent); };
        new MutationObserver((changes) => {
            for (const change of changes) for (const node of change.addedNodes) if (node.textContent) window.shown.add(node.textContent);
            look();
        }).observe(document.getElementById('alerts'), { childList: true, subtree: true });
    });
    return page;
}

// The day moved so that it ends now: [[ms, value], …].
function recording() {
    const rows = readFileSync(new URL('../../examples/data/machine-temperature.csv', import.meta.url), 'utf8').trimEnd().split('\n')
        .filter((row) => row.startsWith(DAY)).map((row) => row.split(',')).map(([time, value]) => [Date.parse(`${time.replace(' ', 'T')}Z`), Number(value)]);
    const shift = Date.now() - 1000 - rows.at(-1)[0];
    return rows.map(([at, value]) => [at + shift, value]);
}

test('a day of the failing machine raises the right alerts, once, in the list, on the socket, at a webhook and on the page', async () => {
    const day = recording();
    assert.equal(day.length, 288);
    const user = await server.register();
    const { accessToken: token } = user;
    const { apiToken } = await server.device(token, 'machine');
    const rules = new Map();
    for (const rule of RULES) rules.set((await server.ok('POST', '/rules', { token, body: { ...rule, deviceId: 'machine', variable: 'temperature' } })).id, rule);
    const hook = await server.ok('POST', '/notifications/webhooks', { token, body: { url: `${receiver.url}/walk` } });
    const socket = await openSocket(server, `/ws/telemetry?token=${token}`);
    const page = await watchPage(user);

    for (const [at, temperature] of day) await server.ok('POST', '/data/ingest/machine', { device: apiToken, body: { timestamp: at, variables: { temperature } } });

    const changes = []; // [rule name, what, when], of every rule
    for (const rule of RULES)
        for (const { raised, resolved } of reference(rule, day)) {
            changes.push([rule.name, 'RAISED', raised]);
            if (resolved) changes.push([rule.name, 'RESOLVED', resolved]);
        }
    changes.sort();
    assert.ok(changes.length >= 9, `a dull day: ${changes.length}`);

    await receiver.wait('/walk', changes.length);
    const list = await server.ok('GET', '/alerts', { token });
    const listed = list.flatMap((a) => [[a.ruleName, 'RAISED', Date.parse(a.timestamp)], ...(a.resolvedAt ? [[a.ruleName, 'RESOLVED', Date.parse(a.resolvedAt)]] : [])]);
    assert.deepEqual(listed.sort(), changes);
    for (const a of list) {
        const [, value] = day.find(([at]) => at === Date.parse(a.timestamp));
        assert.equal(a.triggeredValue, value);
        assert.equal(rules.get(a.ruleId).name, a.ruleName);
    }

    const when = (change, a) => [a.ruleName, change, Date.parse(change === 'RAISED' ? a.timestamp : a.resolvedAt)];
    const shown = await eventually('every frame', () => {
        const frames = socket.frames.filter((f) => f.type === 'ALERT');
        return frames.length >= changes.length && frames;
    });
    assert.deepEqual(shown.map((f) => when(f.change, f)).sort(), changes);

    const told = receiver.at('/walk');
    for (const { headers, body } of told) assert.ok(isGenuine(hook.signingSecret, headers, body));
    assert.deepEqual(told.map(({ json }) => when(json.type === 'alert.raised' ? 'RAISED' : 'RESOLVED', json.alert)).sort(), changes);

    const open = list.filter((a) => !a.resolvedAt);
    await page.until((n) => document.querySelectorAll('#alerts li').length === n, open.length);
    const written = await page.run(() => [...window.shown]);
    for (const a of list) assert.ok(written.some((text) => text.includes(a.message)), `the page never said: ${a.message}`);
    const text = await page.run(() => document.getElementById('alerts').textContent);
    for (const a of open) assert.ok(text.includes(a.message));

    const events = (await server.ok('GET', '/events?entityType=ALERT&size=1000', { token })).content;
    assert.equal(events.length, changes.length);
    socket.close();
});
