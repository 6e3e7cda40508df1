// Webhooks against real receivers: signed, repeated until they are taken, given up with a reason, and never
// led to where they may not go.
import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { eventually, isGenuine, machine, Receiver } from './receivers.mjs';
import { freePort, startServer, temporaryDir } from './server.mjs';
import { DELIVERY, PAGE, problem, shape, TRIED, WEBHOOK } from './shape.mjs';

const FAST = { 'notifications.retry-delay': '20ms', 'notifications.timeout': '1500ms', 'notifications.max-attempts': 4 };
let server, receiver;
before(async () => {
    receiver = await Receiver.start();
    server = await startServer({ sets: { ...FAST, 'notifications.webhook.allow-private': true, 'notifications.webhook.url': `${receiver.url}/site`, 'notifications.webhook.secret': 'the secret of the site' } });
});
after(async () => { await server?.stop(); await receiver?.stop(); });

// An organisation with a machine, and its webhooks.
async function world(on = server) {
    const { accessToken: token, organizationId } = await on.register();
    const w = { token, organizationId, ...await machine(on, token) };
    w.hook = (url, more = {}) => on.ok('POST', '/notifications/webhooks', { token, body: { url, ...more } });
    w.log = async (query = '') => (await on.ok('GET', `/notifications/logs?scope=organization&channel=WEBHOOK${query}`, { token })).content;
    w.ended = (hook, n = 1) => eventually(`${n} ended`, async () => {
        const lines = await w.log(`&webhookId=${hook.id}`);
        return lines.length >= n && lines.every((line) => ['SENT', 'FAILED'].includes(line.status)) && lines;
    });
    w.test = (hook) => on.call('POST', `/notifications/webhooks/${hook.id}/test`, { token });
    return w;
}

describe('a webhook', () => {
    test('is made with a secret that shows once, changed, and taken away, each with its event', async () => {
        const { token, hook } = await world();
        const body = { id: 7, organizationId: 1, createdAt: 0, secret: 'mine', url: `${receiver.url}/crud/ok?key=hidden`, name: ' Ops ', events: ['alert.raised', 'alert.acknowledged'], minSeverity: 'HIGH' };
        const made = await server.ok('POST', '/notifications/webhooks', { token, body });
        shape(made, `${WEBHOOK},signingSecret`);
        assert.match(made.signingSecret, /^whsec_[\w-]{43}$/);
        assert.deepEqual([made.name, made.url, made.events, made.minSeverity, made.enabled], ['Ops', body.url, body.events, 'HIGH', true]);
        const plain = await hook('https://hooks.example.org/x');
        assert.deepEqual([plain.name, plain.events, plain.minSeverity], [null, ['alert.raised', 'alert.resolved'], 'LOW']);
        const { signingSecret, ...shown } = made;
        assert.deepEqual(await server.ok('GET', `/notifications/webhooks/${made.id}`, { token }), shown);
        assert.deepEqual((await server.ok('GET', '/notifications/webhooks', { token }))[0], shown);
        const changed = await server.ok('PATCH', `/notifications/webhooks/${made.id}`, { token, body: { enabled: false, name: null } });
        assert.deepEqual({ ...changed, updatedAt: 0 }, { ...shown, name: null, enabled: false, updatedAt: 0 });
        const rotated = await server.ok('POST', `/notifications/webhooks/${made.id}/secret`, { token });
        shape(rotated, `${WEBHOOK},signingSecret`);
        assert.notEqual(rotated.signingSecret, signingSecret);
        assert.equal((await server.call('DELETE', `/notifications/webhooks/${made.id}`, { token })).status, 204);
        problem(await server.call('GET', `/notifications/webhooks/${made.id}`, { token }), 404);
        const events = (await server.ok('GET', '/events?entityType=WEBHOOK', { token })).content;
        assert.deepEqual(events.map((event) => event.eventType), ['WEBHOOK_DELETED', 'WEBHOOK_UPDATED', 'WEBHOOK_UPDATED', 'WEBHOOK_CREATED', 'WEBHOOK_CREATED']);
        assert.ok(!JSON.stringify(events).includes('hidden') && !JSON.stringify(events).includes('/crud/'));
    });

    test('with wrong fields is refused, each by its name', async () => {
        const { token } = await world();
        const errors = async (body, method = 'POST', at = '') => problem(await server.call(method, `/notifications/webhooks${at}`, { token, body }), 400, 'errors').errors;
        assert.deepEqual(Object.keys(await errors({})), ['url']);
        assert.deepEqual(Object.keys(await errors({ url: 7, name: 7, events: 'x', minSeverity: 'BAD', enabled: 'yes' })).sort(), ['enabled', 'events', 'minSeverity', 'name', 'url']);
        for (const url of ['ftp://a/', 'http://user:pass@a/', 'http://a b/', 'http:///x', `http://a/${'x'.repeat(2048)}`, 'http://a/#x', '\u0000', '']) {
            assert.deepEqual(Object.keys(await errors({ url })), ['url'], url);
        }
        for (const events of [[], ['alert.raised', 'x'], [7], {}]) assert.deepEqual(Object.keys(await errors({ url: 'http://a/', events })), ['events']);
        assert.deepEqual(Object.keys(await errors({ url: 'http://a/', name: 'x'.repeat(101) })), ['name']);
        const { id } = await server.ok('POST', '/notifications/webhooks', { token, body: { url: `http://a/${'x'.repeat(2048 - 9)}`, name: 'x'.repeat(100) } });
        assert.deepEqual(Object.keys(await errors({ url: 'x' }, 'PUT', `/${id}`)), ['url']);
        problem(await server.call('POST', '/notifications/webhooks', { token, body: '{' }), 400);
    });

    test('is refused as the twenty-first of its organisation', async () => {
        const { token, hook } = await world();
        for (let i = 0; i < 20; i++) await hook('http://a.example/');
        const { limit } = problem(await server.call('POST', '/notifications/webhooks', { token, body: { url: 'http://a.example/' } }), 403, 'limit');
        assert.deepEqual(limit, { name: 'webhooks-per-org', max: 20, used: 20 });
    });
});

describe('an alert', () => {
    test('is told once when it is raised and once when it is resolved, signed', async () => {
        const w = await world();
        const hook = await w.hook(`${receiver.url}/signed/ok?key=hidden`);
        await w.alarm();
        await receiver.wait('/signed/ok');
        await w.calm();
        const told = await receiver.wait('/signed/ok', 2);
        const [alert] = await server.ok('GET', '/alerts', { token: w.token });
        for (const [i, type] of ['alert.raised', 'alert.resolved'].entries()) {
            const { headers, body, json } = told[i];
            assert.ok(isGenuine(hook.signingSecret, headers, body));
            assert.ok(!isGenuine(`${hook.signingSecret}x`, headers, body) && !isGenuine(hook.signingSecret, headers, Buffer.concat([body, Buffer.from(' ')])));
            assert.equal(headers['content-type'], 'application/json');
            shape(json, 'id,type,createdAt,organizationId,alert');
            assert.deepEqual([json.id, json.type, json.organizationId], [headers['x-sensorvision-delivery'], headers['x-sensorvision-event'], w.organizationId]);
            assert.equal(json.type, type);
            assert.deepEqual({ ...json.alert, variable: undefined, resolvedAt: 0 }, { ...alert, variable: undefined, resolvedAt: 0 });
        }
        assert.deepEqual([told[0].json.alert.resolvedAt, told[1].json.alert.resolvedAt], [null, alert.resolvedAt]);
        const lines = await w.ended(hook, 2);
        for (const line of lines) shape(line, DELIVERY);
        assert.deepEqual(lines.map((line) => [line.event, line.status, line.attempts, line.responseStatus, line.alertId, line.destination]).sort(),
            [['alert.raised', 'SENT', 1, 200, alert.id, receiver.url], ['alert.resolved', 'SENT', 1, 200, alert.id, receiver.url]]);
        assert.equal(receiver.at('/signed/ok').length, 2);
        const site = await eventually('the site is told too', () => { const all = receiver.at('/site').filter((one) => one.json.organizationId === w.organizationId); return all.length === 2 && all; });
        assert.ok(isGenuine('the secret of the site', site[0].headers, site[0].body));
    });

    test('goes to webhooks that want it: by severity, by event, when enabled, and only to its organisation', async () => {
        const w = await world();
        const other = await world();
        const critical = await w.hook(`${receiver.url}/critical/ok`, { minSeverity: 'CRITICAL' });
        const resolved = await w.hook(`${receiver.url}/resolved/ok`, { events: ['alert.resolved'] });
        await w.hook(`${receiver.url}/disabled/ok`, { enabled: false });
        await other.hook(`${receiver.url}/other/ok`);
        await w.alarm(100); // LOW
        await eventually('an alert', async () => (await server.ok('GET', '/alerts', { token: w.token })).length === 1);
        await w.calm();
        await w.ended(resolved);
        await w.alarm(300);
        await w.ended(critical);
        assert.deepEqual(receiver.at('/critical/ok').map((one) => [one.json.type, one.json.alert.severity]), [['alert.raised', 'CRITICAL']]);
        assert.deepEqual(receiver.at('/resolved/ok').map((one) => one.json.type), ['alert.resolved']);
        assert.deepEqual([receiver.at('/disabled/ok').length, receiver.at('/other/ok').length], [0, 0]);
    });

    test('is repeated with the same id until it is taken', async () => {
        const w = await world();
        const hook = await w.hook(`${receiver.url}/flaky`);
        await w.alarm();
        const [line] = await w.ended(hook);
        assert.deepEqual([line.status, line.attempts, line.responseStatus, line.errorMessage], ['SENT', 3, 200, null]);
        const seen = receiver.at('/flaky');
        assert.equal(new Set(seen.map((one) => one.headers['x-sensorvision-delivery'])).size, 1);
        assert.equal(new Set(seen.map((one) => one.body.toString())).size, 1);
        assert.equal(seen[0].json.id, line.deliveryId);
        assert.ok(seen.every((one) => isGenuine(hook.signingSecret, one.headers, one.body)));
    });

    test('is given up after four attempts, or when the receiver is gone, and the log says why', async () => {
        const w = await world();
        const dead = await w.hook(`${receiver.url}/dead/secret-path/500`);
        const gone = await w.hook(`${receiver.url}/gone`);
        const redirect = await w.hook(`${receiver.url}/redirect`);
        const nobody = await w.hook(`http://127.0.0.1:${await freePort()}/`);
        await w.alarm();
        const told = {};
        for (const [name, hook] of Object.entries({ dead, gone, redirect, nobody })) [told[name]] = await w.ended(hook);
        assert.deepEqual([told.dead.status, told.dead.attempts, told.dead.responseStatus, told.dead.errorMessage], ['FAILED', 4, 500, 'answered 500']);
        assert.deepEqual([told.gone.status, told.gone.attempts, told.gone.responseStatus], ['FAILED', 1, 410]);
        assert.deepEqual([told.redirect.attempts, told.redirect.errorMessage], [4, 'answered 302; redirects are not followed']);
        assert.deepEqual([told.nobody.status, told.nobody.responseStatus], ['FAILED', null]);
        assert.match(told.nobody.errorMessage, /connect/i);
        assert.equal(receiver.at('/dead/secret-path/500').length, 4);
        assert.equal(receiver.at('/redirected/ok').length, 0);
        assert.match(server.log, new RegExp(`event=notification_given_up delivery=${told.dead.deliveryId} .*attempts=4`));
        assert.ok(!server.log.includes('secret-path'));
        const stats = await server.ok('GET', `/notifications/stats?scope=organization&webhookId=${dead.id}`, { token: w.token });
        assert.deepEqual(stats, { total: 1, sent: 0, failed: 1, pending: 0 });
        const page = await server.ok('GET', '/notifications/logs?scope=organization&status=FAILED&size=2', { token: w.token });
        shape(page, PAGE);
        assert.deepEqual([page.content.length, page.totalElements], [2, 4]);
    });

    test('waits as long as the receiver asks', async () => {
        const w = await world();
        const hook = await w.hook(`${receiver.url}/later`);
        await w.alarm();
        await w.ended(hook);
        const [first, second] = receiver.at('/later').map((one) => Number(one.headers['x-sensorvision-timestamp']));
        assert.ok(second - first >= 1, `${second - first} s`);
    });
});

describe('the test button', () => {
    test('sends and says how it went, whatever the receiver does', async () => {
        const w = await world();
        const tell = async (path) => {
            const answer = await w.test(await w.hook(path.startsWith('http') ? path : `${receiver.url}/button/${path}`));
            assert.equal(answer.status, 200, answer.text);
            shape(answer.json, TRIED);
            return [answer.json.delivered, answer.json.status, answer.json.error];
        };
        assert.deepEqual(await tell('ok'), [true, 200, null]);
        assert.deepEqual(await tell('500'), [false, 500, 'answered 500']);
        assert.deepEqual(await tell('big'), [true, 200, null]);
        assert.deepEqual((await tell('redirect')).slice(0, 2), [false, 302]);
        for (const way of ['half', 'reset', 'http://127.0.0.1:1/', 'http://nowhere.invalid/']) {
            const [delivered, status, error] = await tell(way);
            assert.deepEqual([delivered, status], [false, null], way);
            assert.ok(error.length > 5 && !error.includes('/button/'), error);
        }
        const [sent] = receiver.at('/button/ok');
        assert.equal(sent.json.type, 'test');
        const [line] = (await w.log()).filter((one) => one.deliveryId === sent.json.id);
        assert.deepEqual([line.event, line.status, line.attempts], ['test', 'SENT', 1]);
    });

    test('holds nobody up: a third at once is refused, and others are served meanwhile', async () => {
        const w = await world();
        const other = await world();
        const hook = await w.hook(`${receiver.url}/hang`);
        const slow = [w.test(hook), w.test(hook)];
        await receiver.wait('/hang', 2);
        problem(await w.test(hook), 503);
        assert.equal((await other.test(await other.hook(`${receiver.url}/quick/ok`))).json.delivered, true);
        assert.equal((await server.request('GET', '/actuator/health')).status, 200);
        for (const answer of await Promise.all(slow)) {
            assert.equal(answer.json.delivered, false);
            assert.ok(answer.json.durationMs >= 1000 && answer.json.durationMs < 5000);
        }
    });

    test('is refused after ten in a minute', async () => {
        const w = await world();
        const hook = await w.hook(`${receiver.url}/often/ok`);
        for (let i = 0; i < 10; i++) assert.equal((await w.test(hook)).status, 200);
        const answer = await w.test(hook);
        assert.equal(problem(answer, 429, 'limit').limit.name, 'notification-tests-per-minute');
        assert.ok(Number(answer.headers.get('retry-after')) > 0);
        assert.equal(receiver.at('/often/ok').length, 10);
    });
});

describe('kill -9', () => {
    test('between commit and sending loses no delivery, and what comes twice has the same id', async () => {
        const dir = temporaryDir();
        const port = await freePort();
        const sets = { ...FAST, 'notifications.webhook.allow-private': true, 'notifications.retry-delay': '300ms', 'notifications.max-attempts': 100, 'notifications.timeout': '10s' };
        let own = await startServer({ sets, dir });
        const w = await world(own);
        const hanging = await w.hook(`${receiver.url}/killed/hang`);
        const away = await w.hook(`http://127.0.0.1:${port}/killed/ok`);
        await w.alarm();
        await receiver.wait('/killed/hang'); // it is on its way
        await eventually('both rows', async () => (await w.log()).length >= 2);
        await own.kill();
        own = await startServer({ sets, dir });
        const late = await Receiver.start('127.0.0.1', port);
        const [one] = await late.wait('/killed/ok');
        const twice = await receiver.wait('/killed/hang', 2);
        assert.equal(twice[0].headers['x-sensorvision-delivery'], twice[1].headers['x-sensorvision-delivery']);
        const [alert] = await own.ok('GET', '/alerts', { token: w.token });
        assert.deepEqual([one.json.alert.id, twice[1].json.alert.id], [alert.id, alert.id]);
        for (const response of receiver.hanging.splice(0)) response.end();
        const lines = await eventually('the end', async () => {
            const all = (await own.ok('GET', '/notifications/logs?scope=organization', { token: w.token })).content;
            return all.every((line) => line.status === 'SENT') && all;
        });
        assert.deepEqual(lines.map((line) => line.webhookId).sort(), [hanging.id, away.id].sort());
        await own.stop();
        await late.stop();
    });

    test('a stop does not wait for a receiver', async () => {
        const own = await startServer({ sets: { 'notifications.webhook.allow-private': true, 'notifications.timeout': '60s' } });
        const w = await world(own);
        await w.hook(`${receiver.url}/stop/hang`);
        await w.alarm();
        await receiver.wait('/stop/hang');
        const begun = Date.now();
        assert.equal(await own.stop(), 0);
        assert.ok(Date.now() - begun < 5000, `${Date.now() - begun} ms`);
    });
});

describe('where a webhook may lead', () => {
    let strict, w, inside;
    before(async () => {
        strict = await startServer({ sets: FAST });
        w = await world(strict);
        inside = await Receiver.start('0.0.0.0');
    });
    after(async () => { await strict?.stop(); await inside?.stop(); });

    test('addresses of the inside are refused as they are written', async () => {
        for (const host of ['127.0.0.1', 'localhost', 'a.localhost', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.169.254', '100.100.100.200', '0.0.0.0', '[::1]', '[::ffff:127.0.0.1]', '[fd00:ec2::254]', '[fe80::1]', '224.0.0.1', '[64:ff9b::a9fe:a9fe]']) {
            const { errors } = problem(await strict.call('POST', '/notifications/webhooks', { token: w.token, body: { url: `http://${host}/` } }), 400, 'errors');
            assert.match(errors.url, /public/, host);
        }
        const preference = await strict.call('POST', '/notifications/preferences', { token: w.token, body: { channel: 'WEBHOOK', destination: 'http://192.168.1.1/' } });
        assert.match(problem(preference, 400, 'errors').errors.destination, /public/);
    });

    test('names that lead inside are refused when they are resolved, and no byte is sent', async () => {
        const { address } = await lookup(hostname());
        assert.match(address, /^(127\.|10\.|172\.(1[6-9]|2\d|3[01])\.|192\.168\.|::1$|f[cd])/, 'this machine has a private name');
        const names = ['2130706433', '0x7f000001', '0x7f.1', '127.1', '0177.0.0.1', hostname()];
        for (const name of names) {
            const hook = await w.hook(`http://${name}:${inside.port}/rebound/ok`);
            const { json } = await w.test(hook);
            assert.deepEqual([json.delivered, json.status, json.error], [false, null, 'the address is not a public one'], name);
            await strict.ok('PATCH', `/notifications/webhooks/${hook.id}`, { token: w.token, body: { enabled: name === hostname() } });
        }
        await w.alarm();
        const [line] = await eventually('given up', async () => { const all = (await w.log()).filter((one) => one.event === 'alert.raised'); return all[0]?.status === 'FAILED' && all; });
        assert.deepEqual([line.attempts, line.errorMessage], [1, 'the address is not a public one']);
        assert.equal(inside.got.length, 0);
    });

    test('a proxy of the environment is no way around', async () => {
        const own = await startServer({ sets: { ...FAST, 'notifications.webhook.allow-private': true }, env: { http_proxy: inside.url, https_proxy: inside.url, all_proxy: inside.url } });
        const v = await world(own);
        assert.equal((await v.test(await v.hook('http://nowhere.invalid/proxied/ok'))).json.delivered, false);
        assert.equal(inside.got.length, 0);
        await own.stop();
    });
});
