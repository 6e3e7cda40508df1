// Queries that take too long are given up, a client that is gone is worked for no longer, and one
// organisation's queries leave another's theirs.
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { after, before, test } from 'node:test';
import { run, startServer } from './server.mjs';
import { problem } from './shape.mjs';

const POINTS = 200_000;
let server, busy, other;
before(async () => {
    server = await startServer({ sets: { 'pilot.analytics.aggregation-timeout': 600_000 } }); // a busy machine is not what times out here
    [busy, other] = [(await server.register()).accessToken, (await server.register()).accessToken];
    const begin = Date.now() - 3 * 86_400_000;
    const lines = [];
    for (let i = 0; i < POINTS; i++) lines.push(`telemetry,device=d v=${(i * 7919) % 10007} ${begin + i * 1000}`);
    for (const [token, body] of [[busy, lines.slice(0, POINTS / 2)], [busy, lines.slice(POINTS / 2)], [other, lines.slice(0, 100)]]) {
        const answer = await server.call('POST', '//api/v2/write?precision=ms', { token, body: body.join('\n'), headers: { 'content-type': 'text/plain' } });
        assert.equal(answer.status, 204, answer.text);
    }
});
after(() => server?.stop());

const set = async (key, value) => {
    const { code, stderr } = await run(['config', 'set', key, value, '--data', server.dir]);
    assert.equal(code, 0, stderr);
};
const one = { deviceId: 'd', variable: 'v', aggregation: 'P99', from: '2000-01-01T00:00:00Z' };
const heavy = { token: undefined, body: Array(2000).fill(one) }; // about a minute of work
const active = async () => Number(/sensorvision_executor_active\{[^}]*"analytics"[^}]*\} (\d+)/.exec((await server.request('GET', '/metrics')).text)[1]);
async function until(what, holds) {
    for (const end = Date.now() + 20_000; !await holds();) {
        assert.ok(Date.now() < end, what);
        await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
}

test('a client that goes away takes its queries along; meanwhile others are answered', async () => {
    const requests = [];
    const gone = Array.from({ length: 6 }, () => new Promise((resolve) => {
        const asked = httpRequest(`${server.url}/api/v1/analytics/aggregate/batch`, { method: 'POST', agent: false,
            headers: { authorization: `Bearer ${busy}`, 'content-type': 'application/json' } }, (answer) => resolve(answer.statusCode));
        asked.on('error', () => resolve('left'));
        asked.end(JSON.stringify(heavy.body));
        requests.push(asked);
    }));
    await until('the batches run', async () => await active() >= 2);
    const started = Date.now();
    const [answer] = await server.ok('GET', '/analytics/aggregate?deviceId=d&variable=v&aggregation=COUNT&from=2000-01-01T00:00:00Z', { token: other });
    assert.equal(answer.value, 100);
    assert.equal((await server.ok('GET', '/data/query?deviceId=d&limit=5&from=2000-01-01T00:00:00Z', { token: other })).length, 5);
    console.log(`another organisation's two answers: ${Date.now() - started} ms`);
    assert.equal(await active(), 2, 'the busy organisation has half of the four threads, and still works');
    const left = Date.now();
    for (const asked of requests) asked.destroy();
    assert.deepEqual(await Promise.all(gone), Array(6).fill('left'));
    await until('nobody works for a client that is gone', async () => await active() === 0);
    console.log(`given up after ${Date.now() - left} ms`);
});

test('an aggregation past its time is 503 and says what to do', async () => {
    await set('pilot.analytics.aggregation-timeout', '300');
    const refused = problem(await server.call('POST', '/analytics/aggregate/batch', { token: busy, body: heavy.body }), 503);
    assert.match(refused.detail, /300 ms that pilot\.analytics\.aggregation-timeout allows.*shorter range/);
    const answer = await server.call('POST', '/analytics/aggregate/batch', { token: busy, body: [one, one] });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.json.results.map(([bucket]) => bucket.count), [POINTS, POINTS]);
});

test('a query of raw telemetry past its time is 503 too, an export is not', async () => {
    await set('pilot.device.query-timeout', '100');
    const many = Array(200).fill('v').join(',');
    const answer = await server.call('GET', `/data/query?deviceId=d&variables=${many}&maxPoints=2000&from=2000-01-01T00:00:00Z`, { token: busy });
    const refused = problem(answer, 503);
    assert.match(refused.detail, /100 ms that pilot\.device\.query-timeout allows/);
    assert.ok(answer.headers.get('retry-after'));
    const file = await server.call('GET', '/export/csv/d?from=2000-01-01T00:00:00Z', { token: busy });
    assert.equal(file.text.trim().split('\r\n').length, 1 + POINTS);
});
