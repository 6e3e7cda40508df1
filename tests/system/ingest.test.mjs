// Contract, section 6: variants A to H, what they answer and what they refuse.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import zlib from 'node:zlib';
import { startServer } from './server.mjs';
import { problem, shape } from './shape.mjs';

let server, token, device;
before(async () => {
    server = await startServer();
    token = (await server.register()).accessToken;
    device = (await server.device(token, 'dev')).apiToken;
});
after(() => server?.stop());

const latest = (id) => server.ok('GET', `/data/latest/${id}`, { token });
const B = 'deviceId,timestamp,variablesReceived,status,message';

// A to F: problem+json with `message` beside it, and what A, B, C and E add.
function refusal(answer, status, variant) {
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.headers.get('content-type'), /problem\+json/);
    assert.equal(answer.json.message, answer.json.detail);
    if (variant === 'A' || variant === 'E') assert.equal(answer.json.success, false);
    if (variant === 'B' || variant === 'C') assert.equal(answer.json.status, 'error');
    else assert.equal(answer.json.status, status);
    return answer.json;
}

describe('each variant stores what it is given', () => {
    test('A: flat values, server time, durable', async () => {
        const answer = await server.call('POST', '/ingest/a-dev', { device, body: { temperature: 23.5, door: true, text: '7.25', nothing: null } });
        assert.equal(answer.status, 200, answer.text);
        shape(answer.json, 'success,message');
        assert.equal(answer.json.success, true);
        assert.equal(answer.headers.get('sensorvision-ack'), 'durable');
        const row = await latest('a-dev');
        assert.deepEqual([row.temperature, row.door, row.text, 'nothing' in row], [23.5, 1, 7.25, false]);
        assert.ok(Math.abs(Date.parse(row.timestamp) - Date.now()) < 5000);
    });

    test('B: device, time, variables and properties', async () => {
        const timestamp = new Date(Date.now() - 5000).toISOString();
        const answer = await server.call('POST', '/data/ingest', { device, body: { deviceId: 'b-dev', timestamp, variables: { x: 1, y: 2 }, metadata: { location: 'roof', sensor_type: 'vane', firmware_version: '3' } } });
        assert.equal(answer.status, 200, answer.text);
        shape(answer.json, B);
        assert.deepEqual([answer.json.deviceId, answer.json.variablesReceived, answer.json.status], ['b-dev', 2, 'success']);
        assert.equal(Date.parse(answer.json.timestamp), Date.parse(timestamp));
        const made = await server.ok('GET', '/devices/b-dev', { token });
        assert.deepEqual([made.location, made.sensorType, made.firmwareVersion], ['roof', 'vane', '3']);
    });

    test('C: one value in the address\'s variable', async () => {
        for (const [body, value] of [['42.5', 42.5], ['{"value":7}', 7]]) {
            const answer = await server.call('POST', '/data/c-dev/level', { device, body, headers: { 'content-type': 'application/json' } });
            assert.equal(answer.status, 200, answer.text);
            shape(answer.json, B);
            assert.equal((await latest('c-dev')).level, value);
        }
    });

    test('D: many, each answered in order with its own status', async () => {
        const now = Date.now();
        const body = [
            { deviceId: 'd-dev', timestamp: new Date(now - 2000).toISOString(), variables: { x: 1 } },
            { deviceId: 'd-dev', timestamp: new Date(now - 1000).toISOString(), variables: { x: 'red' } },
            { deviceId: 'd-dev', timestamp: new Date(now).toISOString(), variables: { x: 3 } },
        ];
        const answer = await server.call('POST', '/data/bulk', { device, body });
        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual(answer.json.map((one) => one.status), ['success', 'error', 'success']);
        shape(answer.json[0], B);
        assert.match(answer.json[1].message, /x/);
        assert.equal((await server.ok('GET', '/data/query?deviceId=d-dev', { token })).length, 2);
    });

    test('E: for the address\'s device', async () => {
        const answer = await server.call('POST', '/data/ingest/e-dev', { device, body: { variables: { x: 5 } } });
        assert.equal(answer.status, 200, answer.text);
        shape(answer.json, 'success,message');
        assert.equal((await latest('e-dev')).x, 5);
    });

    test('F: many, answered by counts', async () => {
        const body = { telemetry: [{ deviceId: 'f-dev', variables: { x: 1 } }, { deviceId: 'f-dev', variables: { x: {} } }, { deviceId: 'f-dev', variables: { y: 1 } }] };
        const answer = await server.call('POST', '/data/ingest/bulk', { device, body });
        assert.equal(answer.status, 200, answer.text);
        shape(answer.json, 'successCount,failureCount,errors');
        assert.deepEqual([answer.json.successCount, answer.json.failureCount], [2, 1]);
        shape(answer.json.errors[0], 'index,detail');
        assert.equal(answer.json.errors[0].index, 1);
    });

    test('G: line protocol, by tag, measurement, precision and credential', async () => {
        const seconds = Math.floor(Date.now() / 1000);
        const lines = [
            `# a comment`,
            `cpu,host=g-dev,cpu=cpu0,region=eu usage_idle=98.5,usage_user=1i,name="text" ${seconds}`,
            `telemetry,device=g-dev temperature=21.5 ${seconds}`,
            `g-measure value=3.5 ${seconds}`,
            `env,device_id=g-dev,variable=humidity value=40 ${seconds}`,
            `flags,device=g-dev on=true,off=f ${seconds}`,
        ].join('\n');
        const answer = await server.call('POST', '//api/v2/write?precision=s&org=x&bucket=y', { body: lines, headers: { authorization: `Token ${device}`, 'content-type': 'text/plain' } });
        assert.equal(answer.status, 204, answer.text);
        assert.equal(answer.headers.get('x-skipped-fields'), '1');
        const row = await server.ok('GET', '/devices/g-dev/variables/latest', { token });
        assert.deepEqual([row['cpu_usage_idle{cpu=cpu0}'], row['cpu_usage_user{cpu=cpu0}'], row.temperature, row.humidity, row.flags_on, row.flags_off], [98.5, 1, 21.5, 40, 1, 0], JSON.stringify(row));
        assert.deepEqual((await server.ok('GET', '/devices/g-dev', { token })).properties, { region: 'eu' });
        const byMeasurement = await server.ok('GET', '/devices/g-measure/variables/latest', { token });
        assert.deepEqual(byMeasurement, { 'g-measure_value': 3.5 });
        for (const attempt of [
            { path: '//write', headers: { authorization: `Basic ${Buffer.from(`any:${device}`).toString('base64')}` } },
            { path: `//write?u=any&p=${device}`, headers: {} },
            { path: '//api/v2/write', headers: { authorization: `Token ${device}`, 'content-encoding': 'gzip' } },
        ]) {
            const body = attempt.headers['content-encoding'] ? zlib.gzipSync('telemetry,device=g-dev x=1') : 'telemetry,device=g-dev x=1';
            const sent = await server.call('POST', attempt.path, { body, headers: { 'content-type': 'text/plain', ...attempt.headers } });
            assert.equal(sent.status, 204, `${attempt.path}: ${sent.text}`);
        }
        assert.equal((await server.request('GET', '/ping')).status, 204);
    });

    test('G: property tags are stored with the device, merged and shown with its newest values', async () => {
        const write = async (lines, status = 204) => {
            const answer = await server.call('POST', '//api/v2/write', { body: lines, headers: { authorization: `Token ${device}`, 'content-type': 'text/plain' } });
            assert.equal(answer.status, status, answer.text);
            return answer;
        };
        const now = async () => {
            const made = await server.ok('GET', '/devices/g-props', { token });
            const [row] = await server.ok('GET', '/data/latest?deviceIds=g-props', { token });
            return { device: [made.location, made.sensorType, made.properties], metadata: row.metadata };
        };
        await write('m,device=g-props,rack=r1,os=linux,location=roof,cpu=0 v=1');
        assert.deepEqual(await now(), { device: ['roof', null, { rack: 'r1', os: 'linux' }], metadata: { location: 'roof', rack: 'r1', os: 'linux' } });
        await write('m,device=g-props,rack=r2,sensor_type=vane,team=ops v=2');
        const end = { device: ['roof', 'vane', { rack: 'r2', os: 'linux', team: 'ops' }], metadata: { location: 'roof', rack: 'r2', os: 'linux', sensor_type: 'vane', team: 'ops' } };
        assert.deepEqual(await now(), end);
        const refused = await write(`m,device=g-props,rack=${'x'.repeat(256)} v=3`, 400);
        assert.match(refused.text, /rack.*255/);
        await server.ok('PUT', '/devices/g-props', { token, body: { location: 'cellar', properties: { rack: 'forged' } } }).catch(() => undefined);
        const after = await now();
        assert.deepEqual(after.device[2], end.device[2], 'properties come from messages only');
    });

    test('G: bad lines are named and the good ones kept', async () => {
        const lines = 'telemetry,device=g2 a=1\nthis is no line\ntelemetry,device=g2 b=2';
        const v2 = await server.call('POST', '//api/v2/write', { body: lines, headers: { authorization: `Token ${device}`, 'content-type': 'text/plain' } });
        assert.equal(v2.status, 400);
        shape(v2.json, 'code,message,line');
        assert.equal(v2.json.line, 2);
        const v1 = await server.call('POST', '//write', { body: lines, headers: { authorization: `Token ${device}`, 'content-type': 'text/plain' } });
        assert.equal(v1.status, 400);
        assert.match(v1.json.error, /^partial write/);
        assert.deepEqual(await server.ok('GET', '/devices/g2/variables/latest', { token }), { a: 1, b: 2 });
    });

    test('H: CSV and JSON, raw and as a form, line by line', async () => {
        const now = Date.now();
        const csv = `deviceId,timestamp,temperature,"the ""humidity"""\nh-dev,${new Date(now).toISOString()},21.5,40\nh-dev,not a time,1,2\nh-dev,${now + 1000},,41\n`;
        const answer = await server.call('POST', '/import/telemetry/csv', { token, body: csv, headers: { 'content-type': 'text/csv' } });
        assert.equal(answer.status, 200, answer.text);
        shape(answer.json, 'success,totalRecords,successCount,failureCount,errors,message');
        assert.deepEqual([answer.json.totalRecords, answer.json.successCount, answer.json.failureCount], [3, 2, 1]);
        assert.match(JSON.stringify(answer.json.errors), /3/);
        const boundary = 'a-boundary';
        const form = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\nContent-Type: text/csv\r\n\r\ndeviceId,timestamp,t\r\nh-form,${now},5\r\n\r\n--${boundary}--\r\n`;
        const multi = await server.call('POST', '/import/telemetry/csv', { token, body: form, headers: { 'content-type': `multipart/form-data; boundary=${boundary}` } });
        assert.equal(multi.status, 200, multi.text);
        const heard = await server.ok('GET', '/devices/h-form', { token });
        assert.deepEqual([heard.status, heard.lastSeenAt], ['UNKNOWN', null]); // a file is not the device
        assert.equal((await latest('h-form')).t, 5);
        const json = await server.call('POST', '/import/telemetry/json', { token, body: [{ deviceId: 'h-json', timestamp: now, variables: { z: 9 } }] });
        assert.equal(json.status, 200, json.text);
        assert.equal(json.json.successCount, 1);
        assert.equal((await latest('h-json')).z, 9);
    });

    test('a user who may write sends as well', async () => {
        assert.equal((await server.call('POST', '/ingest/by-user', { token, body: { x: 1 } })).status, 200);
    });
});

describe('times', () => {
    test('are RFC 3339 with any offset, without zone UTC, or a number by its size', async () => {
        const at = Date.now() - 3600_000;
        const second = Math.floor(at / 1000);
        const texts = {
            z: new Date(second * 1000).toISOString(),
            offset: `${new Date(second * 1000 + 2 * 3600_000).toISOString().slice(0, 19)}+02:00`,
            noZone: new Date(second * 1000).toISOString().slice(0, 19),
            seconds: second, millis: second * 1000, micros: second * 1e6,
        };
        for (const [name, timestamp] of Object.entries(texts)) {
            const { json, text } = await server.call('POST', '/data/ingest', { device, body: { deviceId: `time-${name}`, timestamp, variables: { x: 1 } } });
            assert.equal(Date.parse(json.timestamp), second * 1000, `${name}: ${text}`);
        }
        const nanos = await server.call('POST', '/data/ingest', { device, body: `{"deviceId":"time-ns","timestamp":${second}123456789,"variables":{"x":1}}`, headers: { 'content-type': 'application/json' } });
        assert.match(nanos.json.timestamp, /\.123456789Z$/);
    });

    test('nobody can use are refused', async () => {
        const send = (timestamp) => server.call('POST', '/data/ingest', { device, body: { deviceId: 'time-bad', timestamp, variables: { x: 1 } } });
        for (const timestamp of ['yesterday', '2025-13-01T00:00:00Z', '2025-02-30T00:00:00Z', {}, true]) refusal(await send(timestamp), 400, 'B');
        // Well formed, but more than a day ahead, and older than what is kept.
        for (const days of [2, -200]) refusal(await send(new Date(Date.now() + days * 86400_000).toISOString()), 422, 'B');
    });

    test('the same again: the last write wins', async () => {
        const timestamp = new Date(Date.now() - 1000).toISOString();
        for (const x of [1, 2, 3]) await server.ok('POST', '/data/ingest', { device, body: { deviceId: 'again', timestamp, variables: { x } } });
        const rows = await server.ok('GET', '/data/query?deviceId=again', { token });
        assert.deepEqual(rows.map((row) => row.x), [3]);
    });

    test('given by the server are unique for a device', async () => {
        await Promise.all(Array.from({ length: 40 }, (_, x) => server.ok('POST', '/ingest/busy', { device, body: { x } })));
        assert.equal((await server.ok('GET', '/data/query?deviceId=busy', { token })).length, 40);
    });

    test('late ones are welcome', async () => {
        const now = Date.now();
        for (const ago of [0, 50_000, 10_000, 86_400_000 - 60_000]) {
            await server.ok('POST', '/data/ingest', { device, body: { deviceId: 'late', timestamp: now - ago, variables: { x: ago } } });
        }
        const rows = await server.ok('GET', '/data/query?deviceId=late', { token });
        assert.deepEqual(rows.map((row) => row.x), [86_400_000 - 60_000, 50_000, 10_000, 0]);
        assert.equal((await latest('late')).x, 0);
    });
});

describe('what is refused names the thing', () => {
    const bad = [
        ['a text', { x: 'red' }, /x/], ['an object', { x: {} }, /x/], ['an array', { x: [1] }, /x/], ['a reserved name', { deviceId: 5 }, /deviceId/],
        ['an overlong name', { ['n'.repeat(101)]: 1 }, /name|100/], ['an empty name', { '': 1 }, /name/], ['nothing', {}, /./], ['only null', { x: null }, /./],
        ['NaN in words', { x: 'NaN' }, /x/], ['infinity in words', { x: 'Infinity' }, /x/],
    ];
    for (const [name, body, words] of bad) {
        test(`A with ${name}`, async () => {
            const json = refusal(await server.call('POST', '/ingest/refused', { device, body }), 400, 'A');
            assert.match(json.detail, words);
        });
    }

    test('a number that no double holds', async () => {
        refusal(await server.call('POST', '/ingest/refused', { device, body: '{"x":1e999}', headers: { 'content-type': 'application/json' } }), 400, 'A');
    });

    test('malformed JSON in every variant', async () => {
        for (const [path, variant] of [['/ingest/m', 'A'], ['/data/ingest', 'B'], ['/data/m/x', 'C'], ['/data/bulk', 'D'], ['/data/ingest/m', 'E'], ['/data/ingest/bulk', 'F']]) {
            refusal(await server.call('POST', path, { device, body: '{"x":', headers: { 'content-type': 'application/json' } }), 400, variant);
        }
    });

    test('nothing of a refused A is stored, not even its device', async () => {
        await server.call('POST', '/ingest/never-made', { device, body: { a: 1, x: 'red' } });
        assert.equal((await server.call('GET', '/devices/never-made', { token })).status, 404);
    });

    test('a name of 100 characters is the longest', async () => {
        assert.equal((await server.call('POST', '/ingest/long-name', { device, body: { ['n'.repeat(100)]: 1 } })).status, 200);
    });

    test('a body that says it is something else altogether', async () => {
        refusal(await server.call('POST', '/ingest/dev', { device, body: '<x/>', headers: { 'content-type': 'text/xml' } }), 415, 'A');
        assert.equal((await server.call('POST', '/ingest/dev', { device, body: '{"x":1}', headers: { 'content-type': 'application/x-www-form-urlencoded' } })).status, 200);
    });

    test('more new devices than one request may make', async () => {
        const lines = (n) => Array.from({ length: n }, (_, i) => `telemetry,device=crowd-${i} x=1`).join('\n');
        const many = await server.request('POST', '/api/v2/write', { headers: { 'x-api-key': device }, body: lines(10_001) });
        assert.equal(many.status, 413, many.text);
        assert.equal((await server.call('GET', '/devices/crowd-0', { token })).status, 404);
        assert.equal((await server.request('POST', '/api/v2/write', { headers: { 'x-api-key': device }, body: lines(50) })).status, 204);
    });

    test('a body beyond the limit', async () => {
        const answer = await server.call('POST', '/data/bulk', { device, body: ' '.repeat((16 << 20) + 1), headers: { 'content-type': 'application/json' } });
        refusal(answer, 413, 'D');
    });

    test('a missing credential, a random one, and another organisation\'s device', async () => {
        refusal(await server.call('POST', '/ingest/dev', { body: { x: 1 } }), 401, 'A');
        refusal(await server.call('POST', '/data/ingest', { device: randomUUID(), body: { deviceId: 'dev', variables: { x: 1 } } }), 401, 'B');
        const other = await server.register();
        const foreign = await server.device(other.accessToken, 'foreign-one');
        // By its uuid it is an unknown name here, and becomes a new device of this organisation at most.
        await server.call('POST', `/ingest/${foreign.id}`, { device, body: { x: 1 } });
        assert.equal((await server.call('GET', '/data/latest/foreign-one', { token: other.accessToken })).status, 404);
    });

    test('unknown devices when provisioning is off', async () => {
        const closed = await startServer({ sets: { 'telemetry.auto-provision.enabled': false } });
        try {
            const { accessToken } = await closed.register();
            const made = await closed.device(accessToken, 'known');
            assert.equal((await closed.call('POST', '/ingest/known', { device: made.apiToken, body: { x: 1 } })).status, 200);
            const answer = await closed.call('POST', '/ingest/unknown', { device: made.apiToken, body: { x: 1 } });
            refusal(answer, 404, 'A');
        } finally {
            await closed.stop();
        }
    });
});

describe('acknowledgement', () => {
    test('queued is promised when configured', async () => {
        const fast = await startServer({ sets: { 'pilot.telemetry.ack': 'queued', 'pilot.telemetry.batch-timeout': 50 } });
        try {
            const { accessToken } = await fast.register();
            const made = await fast.device(accessToken, 'q');
            const answer = await fast.call('POST', '/ingest/q', { device: made.apiToken, body: { x: 1 } });
            assert.equal(answer.headers.get('sensorvision-ack'), 'queued');
            for (let i = 0; i < 200; i++) {
                const row = await fast.call('GET', '/data/latest/q', { token: accessToken });
                if (row.status === 200) { assert.equal(row.json.x, 1); return; }
                await new Promise((resolve) => { setTimeout(resolve, 25); });
            }
            assert.fail('never written');
        } finally {
            await fast.stop();
        }
    });

    test('a CSV row that is too long or too wide ends the import with 400', async () => {
        const call = (body) => server.call('POST', '/import/telemetry/csv', { device, body, headers: { 'Content-Type': 'text/csv' } });
        for (const row of ['"' + 'a'.repeat((1 << 20) + 1), '1,'.repeat(1024) + '1']) {
            problem(await call(`deviceId,timestamp,x\n${row}`), 400);
            problem(await call(row), 400);
        }
    });

    test('a request larger than the queue is 413, nothing of it taken', async () => {
        const small = await startServer({ sets: { 'pilot.telemetry.queue-capacity': 10 } });
        try {
            const { accessToken } = await small.register();
            const made = await small.device(accessToken, 'big');
            const body = Array.from({ length: 11 }, (_, i) => ({ deviceId: 'big', timestamp: Date.now() - i * 1000, variables: { x: i } }));
            refusal(await small.call('POST', '/data/bulk', { device: made.apiToken, body }), 413, 'D');
            assert.deepEqual(await small.ok('GET', '/data/query?deviceId=big', { token: accessToken }), []);
            const strangers = body.map((record, i) => ({ ...record, deviceId: `stranger-${i}` }));
            refusal(await small.call('POST', '/data/bulk', { device: made.apiToken, body: strangers }), 413, 'D');
            assert.equal((await small.ok('GET', '/devices', { token: accessToken })).length, 1, 'no device of a refused request is made');
            assert.equal((await small.call('POST', '/data/bulk', { device: made.apiToken, body: body.slice(1) })).status, 200);
        } finally {
            await small.stop();
        }
    });
});
