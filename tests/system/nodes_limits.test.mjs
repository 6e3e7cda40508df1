// Limits per minute over two servers that share a Redis: one bucket for both, all of it there through either,
// never more through both. Each number is checked against what the time that passed gives back at most.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MqttClient } from './mqtt_client.mjs';
import { postgresIsHere, startPostgres } from './postgres.mjs';
import { eventually } from './receivers.mjs';
import { hasRedis, Redis } from './redis.mjs';
import { startServer, temporaryDir } from './server.mjs';

const skip = postgresIsHere && hasRedis ? false : 'there is no PostgreSQL 15 or no Redis here (packages postgresql-15, redis-server)';
const LIMIT = 120; // a minute
const BURST = 30;
let postgres, redis, servers, user, token;

// However busy this machine is: Redis is not slow.
const start = () => startServer({ dir: temporaryDir(), limits: true, mqtt: true, env: { STORE_URL: postgres.urlOf('limits'), CACHE_URL: redis.url },
    sets: { 'pilot.mode': false, 'rate-limiting.redis-timeout': '2s', 'rate-limiting.auth-per-minute': 1000, 'rate-limiting.telemetry-per-minute': LIMIT,
        'rate-limiting.requests-per-minute': LIMIT, 'rate-limiting.burst': BURST, 'rate-limiting.reads-per-minute': 1e9 } });

// A device whose token both know: one message of its minute is used up by the look, and its minute has begun.
async function device(name) {
    const made = await servers[0].device(token, name);
    const begin = performance.now();
    await eventually('its token', async () => (await servers[1].call('POST', `/ingest/${name}`, { device: made.apiToken, body: { x: 1 } })).status === 200);
    return { name, key: made.apiToken, begin };
}
// One message; true: taken; false: refused, and the refusal is in `last`.
let last;
async function send(server, { name, key }) {
    const answer = await server.call('POST', `/ingest/${name}`, { device: key, body: { x: 1 } });
    if (answer.status === 200) return true;
    assert.equal(answer.status, 429, answer.text);
    assert.equal(answer.json.limit.name, 'rate-limiting.telemetry-per-minute');
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    last = answer;
    return false;
}
async function untilRefused(take) {
    let n = 0;
    while (await take()) n++;
    return n;
}
const sinceThen = (begin) => Math.floor((performance.now() - begin) / 60_000 * LIMIT) + 1; // tokens that came back

before(async () => {
    if (skip) return;
    postgres = await startPostgres();
    postgres.database('limits');
    redis = await new Redis().start();
    servers = [await start(), await start()];
    user = await servers[0].register('limits');
    token = user.accessToken;
    await eventually('the user at the other', async () => (await servers[1].call('GET', '/devices', { token })).status === 200);
    for (const server of servers) await eventually('two', async () => (await server.ok('GET', '//actuator/info')).nodes.alive === 2);
});
after(async () => {
    for (const server of servers ?? []) await server.stop();
    await redis?.stop();
    await postgres?.stop();
});

test('all of a limit is there through one server, and nothing more through the other', { skip }, async () => {
    const one = await device('one');
    const taken = 1 + await untilRefused(() => send(servers[0], one));
    assert.equal(last.json.limit.max, LIMIT);
    assert.equal(last.headers.get('ratelimit-limit'), String(LIMIT));
    assert.ok(taken >= LIMIT, `${taken}`);
    const more = await untilRefused(() => send(servers[1], one));
    assert.ok(taken + more <= LIMIT + sinceThen(one.begin), `${taken} and ${more}`);
});

test('both at once take what there is together, and never more', { skip }, async () => {
    const both = await device('both');
    const clients = Array.from({ length: 12 }, (_, i) => untilRefused(() => send(servers[i % 2], both)));
    let taken = (await Promise.all(clients)).reduce((sum, n) => sum + n, 1);
    await eventually('what one gave back', async () => {
        for (const server of servers) taken += await untilRefused(() => send(server, both));
        return taken >= LIMIT;
    });
    assert.ok(taken <= LIMIT + sinceThen(both.begin), `${taken} in ${performance.now() - both.begin} ms`);
});

test('MQTT at one server and HTTP at the other are one bucket', { skip }, async () => {
    const mixed = await device('mixed');
    const client = await MqttClient.connect(servers[0].mqttPort, { version: 5, user: mixed.name, password: mixed.key });
    const publish = async () => {
        const { reason } = await client.publish(`sensorvision/devices/${mixed.name}/telemetry`, { x: 1 }, { qos: 1 });
        assert.ok([0, 0x97].includes(reason), `${reason}`);
        return reason === 0;
    };
    let taken = 1;
    for (; taken < LIMIT / 2; taken++) assert.ok(await publish());
    taken += await untilRefused(() => send(servers[1], mixed));
    taken += await untilRefused(publish);
    client.destroy();
    assert.ok(taken >= LIMIT && taken <= LIMIT + sinceThen(mixed.begin), `${taken}`);
});

test('a user\'s requests are one bucket too, of the limit and the burst', { skip }, async () => {
    const hr = await servers[0].register('paced');
    await eventually('the user at the other', async () => (await servers[1].call('GET', '/devices', { token: hr.accessToken })).status === 200);
    const begin = performance.now();
    const ask = async (server) => {
        const answer = await server.call('GET', '/auth/me', { token: hr.accessToken });
        assert.ok([200, 429].includes(answer.status), answer.text);
        return answer.status === 200;
    };
    const taken = (await Promise.all(servers.map((server) => untilRefused(() => ask(server))))).reduce((sum, n) => sum + n, 0);
    assert.ok(taken <= LIMIT + BURST + sinceThen(begin), `${taken}`);
    assert.ok(taken > (LIMIT + BURST) / 2, `${taken}`);
});

test('Redis killed: each gives its part and nothing fails; back: all of it again', { skip }, async () => {
    const away = await device('away');
    await redis.kill();
    for (const server of servers) {
        const taken = await untilRefused(() => send(server, away));
        assert.equal(last.json.limit.max, LIMIT / 2);
        assert.ok(taken >= LIMIT / 2 - 1 && taken <= LIMIT / 2 + sinceThen(away.begin), `${taken}`);
    }
    await redis.start();
    const back = performance.now();
    for (let i = 0; ; i++) { // another device each time, asked until it is refused
        const one = await device(`back-${i}`);
        await untilRefused(() => send(servers[i % 2], one));
        if (last.json.limit.max === LIMIT) break;
        assert.ok(performance.now() - back < 20_000, 'never shared again');
    }
    console.log(`limits are shared again ${(performance.now() - back).toFixed(0)} ms after Redis is back`);
});
