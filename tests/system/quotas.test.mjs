// Daily limits from outside: exact, never exceeded, on every way in; what a refused client is told.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MqttClient } from './mqtt_client.mjs';
import { run, startServer, temporaryDir } from './server.mjs';

const POINTS = 'pilot.max-telemetry-points-per-day';
const CALLS = 'pilot.max-api-calls-per-day';
const SETS = { 'rate-limiting.auth-per-minute': 1000 };

let server;
before(async () => { server = await startServer({ limits: true, mqtt: true, sets: SETS }); });
after(() => server?.stop());

// An organisation with a device, and limits of its own.
async function organization(limits, on = server) {
    const owner = await on.register();
    const token = owner.accessToken;
    const { apiToken, externalId } = await on.device(token);
    const grant = (body) => on.admin().then((admin) => on.ok('PUT', `/pilot/organizations/${owner.organizationId}/limits`, { token: admin, body }));
    await grant(limits);
    return { owner, token, key: apiToken, device: externalId, grant,
        send: (values) => on.call('POST', `/ingest/${externalId}`, { key: apiToken, body: values }),
        usage: async () => (await on.ok('GET', '/pilot/usage', { token })).data,
        stored: async (variable) => {
            const [all] = await on.ok('GET', `/analytics/aggregate?deviceId=${externalId}&variable=${variable}&aggregation=COUNT&from=0&to=${Date.now() + 60_000}`, { token });
            return all?.value ?? 0;
        } };
}
const values = (n) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`v${i}`, i]));

function refused(answer, name, max, remaining) {
    assert.equal(answer.status, 429, answer.text);
    const midnight = 86_400 - Math.floor(Date.now() / 1000) % 86_400;
    assert.ok(Math.abs(Number(answer.headers.get('retry-after')) - midnight) <= 2, answer.headers.get('retry-after'));
    assert.equal(answer.headers.get('ratelimit-limit'), String(max));
    assert.equal(answer.headers.get('ratelimit-remaining'), String(remaining));
    assert.ok(Number(answer.headers.get('ratelimit-reset')) > 0);
    assert.deepEqual(answer.json.limit, { name, max, used: max - remaining });
}

describe('points', () => {
    test('what fits is taken, what does not is refused whole and names the limit', async () => {
        const org = await organization({ maxTelemetryPointsPerDay: 100 });
        assert.equal((await org.send(values(95))).status, 200);
        refused(await org.send(values(6)), POINTS, 100, 5);
        const bulk = [{ deviceId: org.device, variables: values(3) }, { deviceId: 'made-by-a-refused-body', variables: values(3) }];
        refused(await server.call('POST', '/data/bulk', { key: org.key, body: bulk }), POINTS, 100, 5);
        refused(await server.call('POST', '//write', { key: org.key, headers: { 'content-type': 'text/plain' }, body: `telemetry,device=${org.device} a=1,b=1,c=1,d=1,e=1,f=1` }), POINTS, 100, 5);
        refused(await server.call('POST', '/import/telemetry/csv', { key: org.key, headers: { 'content-type': 'text/csv' },
            body: `deviceId,timestamp,x\n${Array.from({ length: 6 }, (_, i) => `${org.device},${Date.now() - i},1`).join('\n')}\n` }), POINTS, 100, 5);
        const large = await org.send(values(101));
        assert.equal(large.status, 413);
        assert.equal(large.json.limit.name, POINTS);
        assert.equal((await org.send(values(5))).status, 200);
        refused(await org.send(values(1)), POINTS, 100, 0);
        const usage = await org.usage();
        assert.deepEqual([usage.telemetryPointsToday, usage.maxTelemetryPointsPerDay, usage.telemetryUtilization], [100, 100, 100]);
        assert.equal((await server.ok('GET', '/devices', { token: org.token })).length, 1, 'a refused body makes no device');
        const [event] = (await server.ok('GET', '/events?eventType=QUOTA_WARNING', { token: org.token })).content;
        assert.equal(event.metadata.limit, POINTS);
        assert.ok(event.metadata.used >= 90 && event.metadata.used <= 100);
    });

    test('what is refused record by record does not count', async () => {
        const org = await organization({ maxTelemetryPointsPerDay: 100 });
        const bad = Array.from({ length: 50 }, () => ({ deviceId: org.device, timestamp: '2001-01-01T00:00:00Z', variables: { x: 1 } }));
        for (let i = 0; i < 4; i++) await server.ok('POST', '/data/ingest/bulk', { key: org.key, body: { telemetry: bad } });
        assert.equal((await org.usage()).telemetryPointsToday, 0);
        assert.equal((await org.send(values(100))).status, 200);
    });

    test('of 64 clients at once every point is taken and none more, and others notice nothing', async () => {
        const [org, other] = [await organization({ maxTelemetryPointsPerDay: 1000 }), await organization({ maxTelemetryPointsPerDay: 1000 })];
        let taken = 0;
        await Promise.all(Array.from({ length: 64 }, async () => {
            for (;;) {
                const answer = await org.send({ x: 1 });
                if (answer.status === 429) return;
                assert.equal(answer.status, 200, answer.text);
                taken += 1;
            }
        }));
        assert.equal(taken, 1000);
        assert.equal(await org.stored('x'), 1000);
        assert.equal((await org.usage()).telemetryPointsToday, 1000);
        assert.equal((await other.send({ x: 1 })).status, 200);
    });

    test('MQTT: version 5 is told quota exceeded, 3.1.1 gets no PUBACK and is closed', async () => {
        const org = await organization({ maxTelemetryPointsPerDay: 20 });
        const open = (version) => MqttClient.connect(server.mqttPort, { version, user: org.device, password: org.key });
        const topic = `sensorvision/devices/${org.device}/telemetry`;
        const five = await open(5);
        for (let i = 0; i < 4; i++) assert.equal((await five.publish(topic, values(5), { qos: 1 })).reason, 0);
        assert.equal((await five.publish(topic, values(1), { qos: 1 })).reason, 0x97);
        assert.equal((await five.publish(topic, values(1), { qos: 1 })).reason, 0x97, 'and the connection goes on');
        const old = await open(4);
        old.publish(topic, values(1), { qos: 1 }).catch(() => {});
        await old.closed;
        five.destroy();
        assert.equal((await org.usage()).telemetryPointsToday, 20);
    });
});

describe('API calls', () => {
    test('are counted and refused by name; telemetry and the pilot\'s own pages are not refused', async () => {
        const org = await organization({ maxApiCallsPerDay: 30 });
        const { apiCallsToday } = await org.usage();
        let answer;
        for (let i = apiCallsToday; i < 30; i++) {
            answer = await server.call('GET', '/devices', { token: org.token });
            assert.equal(answer.status, 200, answer.text);
        }
        refused(await server.call('GET', '/devices', { token: org.token }), CALLS, 30, 0);
        refused(await server.call('POST', '/devices', { token: org.token, body: { externalId: 'x' } }), CALLS, 30, 0);
        assert.equal((await org.send({ x: 1 })).status, 200);
        const usage = await org.usage();
        assert.deepEqual([usage.apiCallsToday, usage.apiCallUtilization], [30, 100]);
        await org.grant({ maxApiCallsPerDay: null });
        assert.equal((await server.call('GET', '/devices', { token: org.token })).status, 200);
    });
});

describe('restarts', () => {
    test('a stop gives leases back, a kill loses a block at most, and who has no limit of its own follows the configuration', async () => {
        const dir = temporaryDir();
        const start = (max) => startServer({ limits: true, dir, sets: { ...SETS, [POINTS]: max } });
        let on = await start(10_000);
        const owner = await on.register();
        const { apiToken: key } = await on.device(owner.accessToken, 'd');
        const used = async () => (await on.ok('GET', '/pilot/usage', { token: owner.accessToken })).data;
        const send = (n) => on.call('POST', '/ingest/d', { key, body: values(n) });
        assert.equal((await send(100)).status, 200);
        await on.stop();
        on = await start(10_000);
        assert.equal((await used()).telemetryPointsToday, 100);
        assert.equal((await send(10)).status, 200);
        await on.kill();
        on = await start(400);
        const after = await used();
        assert.ok(after.telemetryPointsToday >= 110 && after.telemetryPointsToday <= 110 + 50, String(after.telemetryPointsToday));
        assert.equal(after.maxTelemetryPointsPerDay, 400);
        assert.equal((await send(400 - after.telemetryPointsToday)).status, 200);
        assert.equal((await send(1)).status, 429);
        await on.stop();
    });
});

describe('limits per minute', () => {
    let slow;
    before(async () => {
        slow = await startServer({ limits: true, mqtt: true, sets: { ...SETS, 'rate-limiting.requests-per-minute': 6, 'rate-limiting.burst': 14,
            'rate-limiting.reads-per-minute': 10, 'rate-limiting.telemetry-per-minute': 5 } });
    });
    after(() => slow?.stop());

    function paced(answer, name, max) {
        assert.equal(answer.status, 429, answer.text);
        assert.deepEqual(answer.json.limit, { name, max, used: max });
        assert.equal(answer.headers.get('ratelimit-limit'), String(max));
        assert.equal(answer.headers.get('ratelimit-remaining'), '0');
        const wait = Number(answer.headers.get('retry-after'));
        assert.ok(wait >= 1 && wait <= 60, String(wait));
        assert.equal(answer.headers.get('ratelimit-reset'), String(wait));
    }
    // Asks until refused; answers how often it was taken, and the refusal.
    async function until(ask) {
        for (let taken = 0; taken < 100; taken++) {
            const answer = await ask();
            if (answer.status === 429) return { taken, answer };
            assert.ok(answer.status < 300, answer.text);
        }
        return assert.fail('never refused');
    }

    test('a user has a bucket for requests and one for reads, and the next user has his own', async () => {
        const [ada, bob] = [await slow.register(), await slow.register()];
        const rules = await until(() => slow.call('GET', '/rules', { token: ada.accessToken }));
        assert.ok(rules.taken >= 20 && rules.taken <= 22, String(rules.taken));
        paced(rules.answer, 'rate-limiting.requests-per-minute', 20);
        const reads = await until(() => slow.call('GET', '/data/latest', { token: ada.accessToken }));
        assert.ok(reads.taken >= 10 && reads.taken <= 12, String(reads.taken));
        paced(reads.answer, 'rate-limiting.reads-per-minute', 10);
        assert.equal((await slow.call('GET', '/devices', { token: ada.accessToken })).status, 429, 'the same bucket');
        assert.equal((await slow.call('GET', '/rules', { token: bob.accessToken })).status, 200);
        assert.equal((await slow.call('GET', '/pilot/info')).status, 200, 'nobody has no bucket');
    });

    test('a device has one for its token: a bulk is one request, MQTT counts, rate-limiting.enabled=false is off', async () => {
        const owner = await slow.register();
        const device = await slow.device(owner.accessToken, 'paced');
        const bulk = { telemetry: [1, 2, 3].map((x) => ({ deviceId: 'paced', variables: { x } })) };
        const sent = await until(() => slow.call('POST', '/data/ingest/bulk', { key: device.apiToken, body: bulk }));
        assert.ok(sent.taken >= 5 && sent.taken <= 6, String(sent.taken));
        paced(sent.answer, 'rate-limiting.telemetry-per-minute', 5);
        const client = await MqttClient.connect(slow.mqttPort, { version: 5, user: 'paced', password: device.apiToken });
        assert.equal((await client.publish('sensorvision/devices/paced/telemetry', { x: 1 }, { qos: 1 })).reason, 0x97);
        client.destroy();
        assert.equal((await run(['config', 'set', 'rate-limiting.enabled', 'false', '--data', slow.dir])).code, 0);
        for (let i = 0; i < 20; i++) assert.equal((await slow.call('POST', '/ingest/paced', { key: device.apiToken, body: { x: i } })).status, 200);
    });
});
