// deploy/compose.yaml without containers: the same processes with the same settings, from Debian's packages,
// on loopback. Its text is read here line by line; what it says of images and volumes is theirs to do.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { postgresIsHere, startPostgres } from './postgres.mjs';
import { eventually } from './receivers.mjs';
import { hasRedis, Redis } from './redis.mjs';
import { freePort, run, startServer, temporaryDir } from './server.mjs';

const skip = postgresIsHere && hasRedis ? false : 'there is no PostgreSQL 15 or no Redis here (packages postgresql-15, redis-server)';
const PASSWORD = 'of the compose file'; // what .env would hold
const text = readFileSync(new URL('../../deploy/compose.yaml', import.meta.url), 'utf8').replace(/ *#.*$/gm, '');

// The lines of services.NAME, and of one of its members.
const service = (name) => text.match(new RegExp(`^  ${name}:\\n((?:    .*\\n|\\n)+)`, 'm'))[1];
const member = (name, key) => service(name).match(new RegExp(`^    ${key}:[ \\t]*(.*)\\n((?:      .*\\n)*)`, 'm'));
const environment = (name) => Object.fromEntries([...member(name, 'environment')[2].matchAll(/^ {6}(\w+): (.*)$/gm)]
    .map(([, key, value]) => [key, value.replace(/^"|"$/g, '').replace(/\$\{POSTGRES_PASSWORD[^}]*\}/, PASSWORD)]));
const command = (name) => JSON.parse(member(name, 'command')[1]);
const healthcheck = (name) => JSON.parse(service(name).match(/^ {6}test: (.*)$/m)[1]);

let postgres, redis, ports, secrets;
const servers = [];

// What the server is told, with the addresses that the names have here.
const settings = () => Object.fromEntries(Object.entries(environment('sensorvision'))
    .map(([key, value]) => [key, value.replace('//postgres:5432', `//127.0.0.1:${ports.postgres}`).replace('//redis:6379', `//127.0.0.1:${ports.redis}`)]));

before(async () => {
    if (skip) return;
    ports = { postgres: await freePort(), redis: await freePort() };
    const { POSTGRES_INITDB_ARGS, POSTGRES_PASSWORD, POSTGRES_DB } = environment('postgres');
    const options = command('postgres').filter((word) => word.includes('=')).map((word) => word.split('='));
    secrets = mkdtempSync(join(tmpdir(), 'sensorvision-compose-'));
    execFileSync('chmod', ['755', secrets]); // PostgreSQL may be somebody else
    writeFileSync(join(secrets, 'password'), POSTGRES_PASSWORD, { mode: 0o644 });
    postgres = await startPostgres({ initdb: ['--auth-host=scram-sha-256', `--pwfile=${join(secrets, 'password')}`, ...POSTGRES_INITDB_ARGS.split(' ')],
        settings: { ...Object.fromEntries(options), listen_addresses: '127.0.0.1', port: ports.postgres } });
    postgres.database(POSTGRES_DB);
    const [program, ...args] = command('redis');
    assert.equal(program, 'redis-server');
    redis = await new Redis({ port: ports.redis, args }).start();
});
after(async () => {
    for (const server of servers) await server.stop();
    await redis?.stop();
    await postgres?.stop();
    if (secrets) rmSync(secrets, { recursive: true });
});

test('the server knows every name of its environment, and takes its value from there', async () => {
    const given = environment('sensorvision');
    const { code, stdout, stderr } = await run(['check-config'], { env: given });
    assert.equal(code, 0, stderr);
    for (const name of Object.keys(given)) assert.match(stdout, new RegExp(`\\(environment ${name}\\)`));
    assert.doesNotMatch(stdout + stderr, /unknown/i);
});

test('a second server has a directory of its own: no volume with a name is everybody\'s', () => {
    assert.equal(member('sensorvision', 'volumes'), null);
});

test('PostgreSQL and Redis are healthy by the checks that the servers wait for', { skip }, () => {
    const env = { PATH: process.env.PATH, PGHOST: '127.0.0.1', PGPORT: `${ports.postgres}` };
    const [shell, line] = healthcheck('postgres');
    assert.equal(shell, 'CMD-SHELL');
    execFileSync('sh', ['-c', line], { env, stdio: 'ignore' });
    const [, program, ...words] = healthcheck('redis');
    assert.equal(execFileSync(program, ['-p', `${ports.redis}`, ...words], { env, encoding: 'utf8' }).trim(), 'PONG');
});

test('two servers start over them; a reading sent to one is at the other', { skip }, async () => {
    for (let i = 0; i < 2; i++) servers.push(await startServer({ dir: temporaryDir(), limits: true, env: settings() }));
    const [a, b] = servers;
    const { accessToken: token } = await a.register('compose');
    const { apiToken } = await a.device(token, 'first');
    await a.ok('POST', '/ingest/first', { device: apiToken, body: { temperature: 21.5 } });
    await eventually('the reading at the other', async () => (await b.call('GET', '/data/latest/first', { token })).json?.temperature === 21.5);
    for (const server of servers) {
        const health = await server.ok('GET', '//actuator/health');
        assert.equal(health.status, 'UP');
        assert.equal((await server.ok('GET', '//actuator/info')).nodes.alive, 2);
        await eventually('Redis', async () => (await server.request('GET', '/metrics')).text.includes('\nsensorvision_redis_up 1\n'));
    }
    assert.match(await redis.tell('CONFIG', 'GET', 'maxmemory-policy'), /allkeys-lru/);
    assert.equal(postgres.askIn('sensorvision', 'SELECT count(*) FROM telemetry_records'), '1');
});
