// R15 and "no alert lost, none twice": kill -9 at random instants under load with rules. Each device's
// readings are sent in the order of their times; afterwards the alerts must be exactly those that a reference
// computes from the readings that are stored (which are at least the acknowledged ones): the same readings
// raise and resolve them, none is missing, none is there twice, and each has its event.
//   KILLS=30 SEED=1 node --test tests/crash/rules_kill.test.mjs      (SV_LONG=1: 1,000 kills)
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { reference } from '../system/rule_reference.mjs';
import { startServer, temporaryDir } from '../system/server.mjs';
import { below, random, seed } from './random.mjs';

const KILLS = Number(process.env.KILLS ?? (process.env.SV_LONG ? 1_000 : 30));
console.log(`seed ${seed}, ${KILLS} kills`);

const base = Date.now() - 7 * 24 * 3600 * 1000;
const dir = temporaryDir();

// Two rules on each device: one that flips often, one with hold time, hysteresis and cooldown.
const RULES = [
  { name: 'plain', operator: 'GT', threshold: 7, cooldownMinutes: 0 },
  { name: 'patient', operator: 'GTE', threshold: 6, clearThreshold: 3, forSeconds: 3, cooldownMinutes: 0.2 },
];

const workers = Array.from({ length: 8 }, (_, i) => ({ device: `rules-${i}`, next: 0, acked: new Set() }));
const lines = (w, from, n) => Array.from({ length: n }, (_, i) => `telemetry,device=${w.device} v=${below(11)},seq=${from + i} ${base + (from + i) * 1000}`).join('\n');

let token;
let running = true;
const refusals = [];
async function work(w, at) {
  while (running) {
    const n = below(20) ? 1 + below(20) : 400, from = w.next; // now and then more than a share of the rules' thread
    w.next += n;
    try {
      const res = await at.request('POST', '/api/v2/write?precision=ms', { body: lines(w, from, n), headers: { 'x-api-key': token, 'content-type': 'text/plain' } });
      if (res.status === 204) for (let i = 0; i < n; i++) w.acked.add(from + i);
      else if (res.status !== 503) throw Object.assign(new Error(`${res.status} ${res.text}`), { refused: true });
    } catch (e) {
      if (e.refused) refusals.push(e.message);
      return; // the server was killed
    }
  }
}

async function all(server, path, auth) {
  const found = [];
  for (let after = ''; after !== null;) {
    const page = await server.ok('GET', `${path}${path.includes('?') ? '&' : '?'}size=1000&after=${encodeURIComponent(after)}`, auth);
    found.push(...page.content);
    after = page.next;
  }
  return found;
}

async function readings(server, w, auth) {
  const res = await server.request('GET', `/api/v1/export/csv/${w.device}`, { headers: { authorization: `Bearer ${auth.token}` } });
  const [head, ...rows] = res.text.trimEnd().split(/\r?\n/).map((line) => line.split(','));
  const v = head.indexOf('v'), seq = head.indexOf('seq');
  const told = rows.filter((cells) => cells[v] !== ''); // the marker's row has no v
  const stored = told.map((cells) => [Math.round(Date.parse(cells[1]) - base), Number(cells[v]), Number(cells[seq])]);
  const there = new Set(stored.map(([, , n]) => n));
  for (const n of w.acked) assert.ok(there.has(n), `${w.device}: acknowledged reading ${n} is gone`);
  return stored;
}

test(`${KILLS} kills lose no alert and raise none twice`, async () => {
  let server = await startServer({ dir });
  const admin = { token: await server.admin() };
  token = (await server.device(admin.token, workers[0].device)).apiToken;
  for (const w of workers.slice(1)) await server.device(admin.token, w.device);
  const rules = [];
  for (const w of workers) for (const rule of RULES) rules.push({ w, rule, id: (await server.ok('POST', '/rules', { token: admin.token, body: { ...rule, deviceId: w.device, variable: 'v' } })).id });

  for (let kill = 1; kill <= KILLS; kill++) {
    running = true;
    const sent = workers.map((w) => work(w, server));
    await new Promise((resolve) => { setTimeout(resolve, 5 + random() * 120); });
    await server.kill();
    running = false;
    await Promise.all(sent);
    server = await startServer({ dir });
  }

  // Everything is judged once a marker that was sent last has raised its own alert.
  const marker = await server.ok('POST', '/rules', { token: admin.token, body: { name: 'marker', deviceId: workers[0].device, variable: 'marker', operator: 'GT', threshold: 0 } });
  await server.ok('POST', `/ingest/${workers[0].device}`, { device: token, body: { marker: 1 } });
  for (const end = Date.now() + 60_000; !(await server.ok('GET', `/alerts?ruleId=${marker.id}`, admin)).length;) assert.ok(Date.now() < end, 'the marker raised nothing');

  // The marker's rule does not wait for the others of its organisation, whose shares may leave them readings to
  // catch up with: each rule is asked until it has said what the reference says.
  const seenBy = (alerts, id) => alerts.filter((a) => a.ruleId === id).map((a) => ({ raised: Math.round(Date.parse(a.timestamp) - base), resolved: a.resolvedAt && Math.round(Date.parse(a.resolvedAt) - base), value: a.triggeredValue })).sort((a, b) => a.raised - b.raised);
  const wanted = new Map();
  for (const w of workers) {
    const stored = await readings(server, w, admin);
    for (const one of rules) if (one.w === w) wanted.set(one.id, reference(one.rule, stored));
  }
  let alerts;
  for (const end = Date.now() + 60_000; ;) {
    alerts = await all(server, '/alerts', admin);
    if (rules.every(({ id }) => isDeepStrictEqual(seenBy(alerts, id), wanted.get(id))) || Date.now() > end) break;
  }
  const events = await all(server, '/events?entityType=ALERT', admin);
  const created = new Map();
  for (const e of events) if (e.eventType === 'ALERT_CREATED') created.set(e.entityId, (created.get(e.entityId) ?? 0) + 1);
  let raised = 0;
  for (const { w, rule, id } of rules) {
    assert.deepEqual(seenBy(alerts, id), wanted.get(id), `${w.device} ${rule.name}; the data stays in ${dir}`);
    for (const a of alerts) if (a.ruleId === id) assert.equal(created.get(a.id), 1, `events of alert ${a.id}`);
    raised += wanted.get(id).length;
  }
  await server.stop();
  console.log(`${raised} alerts of ${rules.length} rules over ${workers.reduce((n, w) => n + w.acked.size, 0)} acknowledged readings: none lost, none twice`);
  assert.deepEqual(refusals, []);
  assert.ok(raised > 3 * KILLS, `only ${raised} alerts`);
  rmSync(dir, { recursive: true, force: true });
});
