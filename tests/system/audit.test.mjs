// The audit trail beyond the routes (those are in matrix.test.mjs): what the command line, first messages and
// the clockwork leave, who reads what, and its end.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { run, startServer } from './server.mjs';
import { EVENT, PAGE, problem, shape } from './shape.mjs';

let server, user, token, admin;
before(async () => {
    server = await startServer();
    user = await server.register('auditor');
    token = user.accessToken;
    admin = await server.admin();
});
after(() => server?.stop());

const events = async (by, query = '') => (await server.ok('GET', `/events?size=100&${query}`, { token: by })).content;

describe('who did it', () => {
    test('a device that a first message makes is its sender\'s doing, with address and request', async () => {
        const sender = await server.device(token, 'gateway');
        await server.call('POST', '/ingest/by-token', { device: sender.apiToken, headers: { 'x-request-id': 'first-1' }, body: { x: 1 } });
        await server.call('POST', '/ingest/by-person', { token, headers: { 'x-request-id': 'first-2' }, body: { x: 1 } });
        const made = await events(token, 'eventType=DEVICE_CREATED');
        for (const [id, actor, device] of [['first-1', 'device:gateway', 'by-token'], ['first-2', 'user:auditor', 'by-person']]) {
            const mine = made.filter((event) => event.requestId === id);
            assert.equal(mine.length, 1, JSON.stringify(made));
            shape(mine[0], EVENT);
            assert.deepEqual([mine[0].actor, mine[0].address, mine[0].deviceId], [actor, '127.0.0.1', device]);
        }
        await server.call('POST', '/ingest/by-token', { device: sender.apiToken, headers: { 'x-request-id': 'first-3' }, body: { x: 2 } });
        assert.equal((await events(token)).filter((event) => event.requestId === 'first-3').length, 0, 'telemetry is no event');
    });

    test('the command line is named, too, and the configuration belongs to the installation', async () => {
        const cli = (...args) => run([...args, '--data', server.dir], { env: { SENSORVISION_PASSWORD: 'a long enough password' } });
        for (const args of [['config', 'set', 'pilot.telemetry.batch-size', '77'], ['config', 'unset', 'pilot.telemetry.batch-size'], ['org', 'create', 'By Command'],
            ['user', 'add', 'by-command', '--org', 'By Command', '--email', 'by-command@example.org'], ['user', 'passwd', 'by-command'], ['token', 'create', '--device', 'cli-1', '--org', 'By Command']]) {
            const answer = await cli(...args);
            assert.equal(answer.code, 0, args.join(' ') + answer.stderr);
        }
        const installation = await events(admin, 'organizationId=0&eventType=CONFIG_CHANGED');
        assert.deepEqual(installation.map((e) => [e.entityId, e.description]), [['pilot.telemetry.batch-size', null], ['pilot.telemetry.batch-size', '77']]);
        const { content: orgs } = await server.ok('GET', '/users?size=1', { token: admin });
        assert.ok(orgs.length);
        const org = (await server.ok('GET', '/auth/me', { token: await server.login('by-command', 'a long enough password') })).organizationId;
        const told = await events(admin, `organizationId=${org}`);
        for (const type of ['ORGANIZATION_CREATED', 'USER_REGISTERED', 'PASSWORD_CHANGED', 'DEVICE_CREATED']) assert.equal(told.filter((e) => e.eventType === type).length, 1, type);
        for (const event of [...installation, ...told.filter((e) => e.eventType !== 'LOGIN_SUCCEEDED')]) {
            assert.match(event.actor, /^cli/, JSON.stringify(event));
            assert.deepEqual([event.address, event.requestId], ['control.sock', 'cli']);
        }
    });

    test('a secret that is configured is not told', async () => {
        const answer = await run(['config', 'set', 'admin.password', 'not for everybody', '--data', server.dir]);
        assert.equal(answer.code, 0, answer.stderr);
        const [event] = await events(admin, 'organizationId=0&eventType=CONFIG_CHANGED');
        assert.deepEqual([event.entityId, event.description], ['admin.password', '********']);
    });
});

describe('reading', () => {
    test('another organisation\'s trail and the installation\'s are not there, but for an administrator', async () => {
        const other = await server.register();
        for (const id of [other.organizationId, 0, 999999]) {
            for (const path of ['', '/recent', '/statistics/by-type', '/statistics/by-severity']) {
                problem(await server.call('GET', `/events${path}?organizationId=${id}`, { token }), 404);
            }
        }
        assert.ok((await events(admin, `organizationId=${other.organizationId}`)).some((e) => e.eventType === 'USER_REGISTERED'));
    });

    test('pages, a cursor and a range hold together', async () => {
        const page = await server.ok('GET', '/events?page=0&size=2', { token });
        shape(page, PAGE);
        const walked = [];
        for (let next = ''; next !== null;) {
            const some = await server.ok('GET', `/events?size=3&after=${next}`, { token });
            walked.push(...some.content.map((e) => e.id));
            next = some.next;
        }
        assert.equal(walked.length, page.totalElements);
        assert.deepEqual(walked, [...walked].sort((a, b) => b - a));
        const all = await events(token);
        const { createdAt } = all[Math.floor(all.length / 2)];
        const since = await events(token, `startTime=${createdAt}`);
        assert.deepEqual(since.map((e) => e.id), all.filter((e) => e.createdAt >= createdAt).map((e) => e.id));
        assert.deepEqual((await events(token, 'startTime=2001-01-01T00:00:00Z&endTime=2001-01-02T00:00:00Z')), []);
    });

    test('the statistics add up to the list', async () => {
        const all = await events(token);
        const count = (name) => all.reduce((sums, e) => ({ ...sums, [e[name]]: (sums[e[name]] ?? 0) + 1 }), {});
        assert.deepEqual(await server.ok('GET', '/events/statistics/by-type?hours=1', { token }), count('eventType'));
        assert.deepEqual(await server.ok('GET', '/events/statistics/by-severity?hours=1', { token }), count('severity'));
        assert.deepEqual(await server.ok('GET', '/events/statistics/by-type?startTime=2001-01-01T00:00:00Z&endTime=2001-01-02T00:00:00Z', { token }), {});
        const recent = await server.ok('GET', '/events/recent?hours=1&limit=3', { token });
        assert.deepEqual(recent.map((e) => e.id), all.slice(0, 3).map((e) => e.id));
        for (const query of ['hours=0', 'hours=8785', 'limit=0', 'limit=1001', 'hours=x']) problem(await server.call('GET', `/events/recent?${query}`, { token }), 400);
    });
});

test('cleanup says what it removed, and events stay as long as they are configured to', async () => {
    const before1 = (await events(token)).length;
    const answer = await run(['cleanup', '--json', '--data', server.dir]);
    assert.equal(answer.code, 0, answer.stderr);
    const said = JSON.parse(answer.stdout);
    assert.equal(said.eventsRemoved, 0);
    assert.equal((await events(token)).length, before1);
});
