// R1: kill -9 at random instants under mixed HTTP, line protocol and MQTT load. A ledger outside the server
// keeps what was sent and what was acknowledged; afterwards every acknowledged record must be there with
// its value, none twice, and nothing that was never sent.
//   KILLS=200 SEED=1 node --test tests/crash/kill.test.mjs      (SV_LONG=1: 10,000 kills)
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { MqttClient, TYPE, ack } from '../system/mqtt_client.mjs';
import { startServer, temporaryDir } from '../system/server.mjs';
import { random, seed } from './random.mjs';

const KILLS = Number(process.env.KILLS ?? (process.env.SV_LONG ? 10_000 : 200));
console.log(`seed ${seed}, ${KILLS} kills`);

const base = Date.now() - 6 * 3600 * 1000;
const dir = temporaryDir();

// A worker owns one device; record `seq` has the time base + seq ms and the value seq.
const workers = [];
const forms = {
  bulk: (w, from, n) => ({
    target: '/api/v1/data/bulk',
    body: JSON.stringify(Array.from({ length: n }, (_, i) => ({
      deviceId: w.device, timestamp: new Date(base + from + i).toISOString(), variables: { seq: from + i, half: (from + i) / 2 } }))),
    good: (res) => res.status === 200 && res.json.every((item) => item.status === 'success'),
  }),
  lines: (w, from, n) => ({
    target: '/api/v2/write?precision=ms',
    body: Array.from({ length: n }, (_, i) => `telemetry,device=${w.device} seq=${from + i},half=${(from + i) / 2} ${base + from + i}`).join('\n'),
    good: (res) => res.status === 204,
  }),
  one: (w, from) => ({
    target: `/api/v1/data/ingest/${w.device}`,
    body: JSON.stringify({ timestamp: base + from, variables: { seq: from, half: from / 2 } }),
    good: (res) => res.status === 200,
  }),
};
for (const [i, form] of ['bulk', 'bulk', 'lines', 'lines', 'one', 'one', 'one', 'one'].entries())
  workers.push({ device: `kill-${i}`, form: forms[form], single: form === 'one', next: 0, acked: new Set() });

// Over MQTT a message is acknowledged by its PUBACK, or by its PUBREC at QoS 2; packet ids go round.
for (const [i, qos] of [1, 1, 2].entries())
  workers.push({ device: `kill-mqtt-${i}`, qos, next: 0, acked: new Set() });

let token;
let running = true;
const refusals = []; // answers no live server should have given
async function speakMqtt(w, at) {
  const client = await MqttClient.connect(at.mqttPort, { user: token }).catch(() => undefined);
  while (running && client && !client.ended) {
    const n = 1 + Math.floor(random() * 20), from = w.next;
    w.next += n;
    client.send(...Array.from({ length: n }, (_, i) => client.publishPacket(`sensorvision/devices/${w.device}/telemetry`,
      { deviceId: w.device, timestamp: base + from + i, variables: { seq: from + i, half: (from + i) / 2 } }, { qos: w.qos, id: 1 + i })));
    for (let i = 0; i < n; i++) {
      const got = ack(await client.next());
      if (!got) return; // the server was killed
      if (got.type !== (w.qos === 1 ? TYPE.PUBACK : TYPE.PUBREC) || got.id !== 1 + i) refusals.push(`MQTT answered ${JSON.stringify(got)} to message ${1 + i}`);
      w.acked.add(from + i);
    }
    if (w.qos === 1) continue;
    client.send(...Array.from({ length: n }, (_, i) => Buffer.from([0x62, 2, 0, 1 + i])));
    for (let i = 0; i < n; i++) if (!await client.next()) return;
  }
  client?.destroy();
}

async function work(w, at) {
  if (w.qos) return speakMqtt(w, at);
  while (running) {
    const n = w.single ? 1 : 1 + Math.floor(random() * 40);
    const from = w.next;
    w.next += n; // sent, whatever happens
    const { target, body, good } = w.form(w, from, n);
    try {
      const res = await at.request('POST', target, { body, headers: { 'x-api-key': token, 'content-type': 'application/json' } });
      if (good(res)) for (let i = 0; i < n; i++) w.acked.add(from + i);
      else if (res.status !== 503) throw Object.assign(new Error(`${res.status} ${res.text}`), { refused: true });
    } catch (e) {
      if (e.refused) refusals.push(e.message);
      return; // the server was killed
    }
  }
}

let lost = 0, foreign = 0, twice = 0, wrong = 0, stored = 0;
async function verify(server) {
  const auth = { authorization: `Bearer ${await server.admin()}` };
  lost = foreign = twice = wrong = stored = 0;
  for (const w of workers) {
    const res = await server.request('GET', `/api/v1/export/csv/${w.device}`, { headers: auth });
    if (res.status === 404 && !w.acked.size) continue; // killed before its first record
    const lines = res.text.trimEnd().split(/\r?\n/);
    const header = lines[0].split(',');
    const seqAt = header.indexOf('seq'), halfAt = header.indexOf('half');
    const seen = new Set();
    for (const line of lines.slice(1)) {
      const cells = line.split(',');
      const seq = Math.round(Date.parse(cells[1]) - base);
      stored++;
      if (seen.has(seq)) twice++;
      if (seq < 0 || seq >= w.next) foreign++;
      if (Number(cells[seqAt]) !== seq || Number(cells[halfAt]) !== seq / 2) wrong++;
      seen.add(seq);
    }
    for (const seq of w.acked) if (!seen.has(seq)) lost++;
  }
}

const startsMs = [];
async function start() {
  const begun = performance.now();
  const started = await startServer({ dir, mqtt: true });
  startsMs.push(performance.now() - begun);
  return started;
}

test(`${KILLS} kills lose no acknowledged record, repeat none, invent none`, async () => {
  let server = await start();
  token = (await server.device(await server.admin(), 'kill-0')).apiToken;
  for (let kill = 1; kill <= KILLS; kill++) {
    running = true;
    const all = workers.map((w) => work(w, server));
    await new Promise((resolve) => { setTimeout(resolve, 5 + random() * 90); });
    await server.kill();
    running = false;
    await Promise.all(all);
    server = await start();
    if (kill % 50 !== 0 && kill !== KILLS) continue;
    await verify(server);
    console.error(`${kill} kills, ${stored} records stored`);
    if (lost || twice || foreign || wrong) break;
  }
  await server.stop();
  startsMs.sort((a, b) => a - b);
  const acked = workers.reduce((n, w) => n + w.acked.size, 0);
  console.log(`acknowledged ${acked}, stored ${stored}, lost ${lost}, duplicated ${twice}, never sent ${foreign}, wrong value ${wrong}`);
  console.log(`restart p50 ${startsMs[startsMs.length >> 1].toFixed(0)} ms, p99 ${startsMs[Math.floor(startsMs.length * 0.99)].toFixed(0)} ms`);
  assert.deepEqual({ lost, twice, foreign, wrong, refusals }, { lost: 0, twice: 0, foreign: 0, wrong: 0, refusals: [] }, `the data stays in ${dir}`);
  assert.ok(acked > 10 * KILLS, `only ${acked} records were acknowledged`);
  rmSync(dir, { recursive: true, force: true });
});
