// Mail against a real mail server: alerts, invitations and forgotten passwords, written once, sent at least
// once, and nobody can write a header.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { eventually, machine, MailServer } from './receivers.mjs';
import { run, startServer, temporaryDir } from './server.mjs';
import { DELIVERY, PREFERENCE, problem, shape, TRIED } from './shape.mjs';

const FAST = { 'notifications.retry-delay': '20ms', 'notifications.max-attempts': 4, 'notifications.timeout': '3s' };
const smtp = (port, more = {}) => ({ ...FAST, 'smtp.host': '127.0.0.1', 'smtp.port': port, 'smtp.starttls': 'never', 'smtp.from': 'Wächter <alerts@example.org>', 'server.public-url': 'https://iot.example.org/', ...more });
let mail, server;
before(async () => {
    mail = await MailServer.start();
    server = await startServer({ sets: smtp(mail.port) });
});
after(async () => { await server?.stop(); await mail?.stop(); });

const prefer = (token, body, on = server) => on.call('POST', '/notifications/preferences', { token, body });
const logs = async (token, on = server) => (await on.ok('GET', '/notifications/logs', { token })).content;
const ended = (token, on = server) => eventually('an end', async () => {
    const [line] = await logs(token, on);
    return ['SENT', 'FAILED'].includes(line?.status) && line;
});

describe('preferences', () => {
    test('are one of each channel, as old clients know them', async () => {
        const { accessToken: token } = await server.register();
        assert.deepEqual(await server.ok('GET', '/notifications/preferences', { token }), []);
        const made = await prefer(token, { channel: 'EMAIL', enabled: true, destination: undefined, minSeverity: 'MEDIUM', immediate: true, digestIntervalMinutes: undefined, id: 9, userId: 1 });
        assert.equal(made.status, 201, made.text);
        shape(made.json, PREFERENCE);
        assert.deepEqual([made.json.destination, made.json.minSeverity, made.json.immediate, made.json.digestIntervalMinutes], [null, 'MEDIUM', true, null]);
        const again = await prefer(token, { channel: 'EMAIL', destination: ' else@example.org ' });
        assert.deepEqual([again.json.id, again.json.destination, again.json.minSeverity, again.json.createdAt], [made.json.id, 'else@example.org', 'LOW', made.json.createdAt]);
        const hook = (await prefer(token, { channel: 'WEBHOOK', destination: 'https://hooks.example.org/mine' })).json;
        shape(hook, `${PREFERENCE},signingSecret`);
        shape((await prefer(token, { channel: 'WEBHOOK', destination: 'https://hooks.example.org/mine', enabled: false })).json, PREFERENCE);
        assert.equal((await prefer(token, { channel: 'IN_APP' })).status, 201);
        const all = await server.ok('GET', '/notifications/preferences', { token });
        assert.deepEqual(all.map((one) => one.channel), ['EMAIL', 'WEBHOOK', 'IN_APP']);
        for (const one of all) shape(one, PREFERENCE);
        for (const channel of ['WEBHOOK', 'WEBHOOK', 'SMS']) assert.equal((await server.call('DELETE', `/notifications/preferences/${channel}`, { token })).status, 204);
        problem(await server.call('DELETE', '/notifications/preferences/PIGEON', { token }), 404);
        assert.equal((await server.ok('GET', '/notifications/preferences', { token })).length, 2);
        const types = (await server.ok('GET', '/events?entityType=NOTIFICATION_PREFERENCE', { token })).content.map((event) => event.eventType);
        assert.deepEqual(types, ['NOTIFICATION_PREFERENCE_REMOVED', ...Array(5).fill('NOTIFICATION_PREFERENCE_SET')]);
    });

    test('send mail to the own address, unless an administrator names another', async () => {
        const { accessToken: admin } = await server.register();
        const password = 'a long enough password';
        await server.ok('POST', '/users', { token: admin, body: { username: 'mail-viewer', email: 'mail-viewer@example.org', password, roles: ['ROLE_VIEWER'] } });
        const token = await server.login('mail-viewer', password);
        const refused = problem(await prefer(token, { channel: 'EMAIL', destination: 'victim@example.org' }), 400, 'errors');
        assert.deepEqual(Object.keys(refused.errors), ['destination']);
        assert.deepEqual(await server.ok('GET', '/notifications/preferences', { token }), []);
        assert.equal((await prefer(token, { channel: 'EMAIL', destination: 'Mail-Viewer@example.org' })).status, 201);
        assert.equal((await prefer(token, { channel: 'EMAIL' })).status, 201);
        assert.equal((await prefer(admin, { channel: 'EMAIL', destination: 'ops@example.org' })).status, 201);
    });

    test('that cannot be kept are refused by field', async () => {
        const { accessToken: token } = await server.register();
        const errors = async (body) => Object.keys(problem(await prefer(token, body), 400, 'errors').errors);
        assert.deepEqual(await errors({}), ['channel']);
        for (const channel of ['SMS', 'ALERTMANAGER', 'email', 7]) assert.deepEqual([...new Set(await errors({ channel }))], ['channel']);
        for (const destination of ['a', 'a@b\r\nBcc: c@d', 'a b@c', 'a@b,c@d', '<a@b>', 7]) assert.deepEqual(await errors({ channel: 'EMAIL', destination }), ['destination']);
        for (const destination of [undefined, 'no url', 'ftp://a/']) assert.deepEqual(await errors({ channel: 'WEBHOOK', destination }), ['destination']);
        assert.deepEqual(await errors({ channel: 'EMAIL', immediate: false, digestIntervalMinutes: 30 }), ['immediate']);
        assert.deepEqual(await errors({ channel: 'EMAIL', minSeverity: 'HUGE' }), ['minSeverity']);
    });
});

describe('an alert', () => {
    test('reaches whoever wants it, readable in every alphabet, and nobody can add a header', async () => {
        const me = await server.register();
        const token = me.accessToken;
        const { device } = await machine(server, token, 'evil');
        const rule = await server.ok('POST', '/rules', { token, body: { name: 'Überhitzung 🔥', deviceId: 'evil', variable: 'y', operator: 'GT', threshold: 80 } });
        await server.ok('PATCH', '/devices/evil', { token, body: { name: 'x\u2028Bcc: eve@example.org' } });
        await prefer(token, { channel: 'EMAIL', minSeverity: 'HIGH' });
        await server.ok('POST', '/ingest/evil', { device: device.apiToken, body: { y: 200, x: 81 } }); // HIGH, and a LOW one
        const [got] = await mail.wait(me.email);
        assert.deepEqual([got.from, got.tls, got.login], ['alerts@example.org', false, null]);
        assert.equal(got.headers.subject, '[HIGH] Überhitzung 🔥: x\u2028Bcc: eve@example.org');
        assert.equal(got.headers.from, 'Wächter <alerts@example.org>');
        assert.deepEqual(got.names, ['from', 'to', 'subject', 'date', 'message-id', 'x-sensorvision-delivery', 'auto-submitted', 'mime-version', 'content-type', 'content-transfer-encoding']);
        assert.ok(Math.abs(Date.parse(got.headers.date) - Date.now()) < 60_000);
        assert.match(got.text, /Severity: +HIGH\nRule: +Überhitzung 🔥\n/);
        assert.match(got.text, /\nhttps:\/\/iot\.example\.org\/alerts\n/);
        const line = await ended(token);
        shape(line, DELIVERY);
        const [alert] = await server.ok('GET', `/alerts?ruleId=${rule.id}`, { token });
        assert.deepEqual([line.channel, line.status, line.destination, line.alertId, got.headers['x-sensorvision-delivery']], ['EMAIL', 'SENT', me.email, alert.id, line.deliveryId]);
        assert.equal(mail.to(me.email).length, 1);
    });

    test('that is not taken at once is tried again as the same message; one that is refused is not', async () => {
        for (const [name, status, attempts, code] of [['busy', 'SENT', 3, 250], ['refused', 'FAILED', 1, 550]]) {
            const me = await server.register();
            const m = await machine(server, me.accessToken);
            await prefer(me.accessToken, { channel: 'EMAIL', destination: `${name}@example.org` });
            await m.alarm();
            const line = await ended(me.accessToken);
            assert.deepEqual([line.status, line.attempts, line.responseStatus], [status, attempts, code], JSON.stringify(line));
        }
        const [got] = mail.to('busy@example.org');
        assert.equal(got.attempts, 3); // the mail server saw this Message-ID three times
        assert.equal(mail.to('refused@example.org').length, 0);
    });

    test('is told to nobody who was deleted, and to everybody for themselves', async () => {
        const me = await server.register();
        const m = await machine(server, me.accessToken);
        const added = await run(['user', 'add', `v-${me.username}`, '--data', server.dir, '--org', `Org of ${me.username}`, '--email', `v-${me.email}`, '--role', 'VIEWER'], { env: { SENSORVISION_PASSWORD: 'a long enough password' } });
        assert.equal(added.code, 0, added.stderr);
        const viewer = await server.login(`v-${me.username}`, 'a long enough password');
        await prefer(viewer, { channel: 'EMAIL' });
        await m.alarm();
        await mail.wait(`v-${me.email}`);
        await ended(viewer);
        assert.equal((await logs(viewer)).length, 1);
        assert.equal((await logs(me.accessToken)).length, 0);
        const all = (await server.ok('GET', '/notifications/logs?scope=organization', { token: me.accessToken })).content;
        assert.equal(all.length, 1);
        problem(await server.call('GET', '/notifications/logs?scope=organization', { token: viewer }), 403);
        assert.deepEqual(await server.ok('GET', '/notifications/stats', { token: viewer }), { total: 1, sent: 1, failed: 0, pending: 0 });
        const { id } = (await server.ok('GET', '/users', { token: me.accessToken })).content?.find((user) => user.email === `v-${me.email}`)
            ?? (await server.ok('GET', '/users', { token: me.accessToken })).find((user) => user.email === `v-${me.email}`);
        assert.equal((await server.call('DELETE', `/users/${id}`, { token: me.accessToken })).status, 204);
        await m.calm();
        await m.alarm();
        await eventually('a second alert', async () => (await server.ok('GET', '/alerts', { token: me.accessToken })).length === 2);
        assert.equal((await server.ok('GET', '/notifications/logs?scope=organization', { token: me.accessToken })).totalElements, 1);
    });
});

describe('letters', () => {
    const forgot = (on, email) => on.call('POST', '/auth/forgot-password', { body: { email } });

    test('a forgotten password is set with the link of the mail, which no log repeats', async () => {
        const me = await server.register();
        assert.equal((await forgot(server, me.email)).status, 200);
        const [got] = await mail.wait(me.email);
        const [, token] = got.text.match(/https:\/\/iot\.example\.org\/reset-password\?token=([\w-]{43})\n/);
        const line = await eventually('sent', async () => { const [one] = (await server.ok('GET', '/notifications/logs?scope=organization', { token: me.accessToken })).content; return one.status === 'SENT' && one; });
        assert.ok(!JSON.stringify(line).includes(token) && !server.log.includes(token));
        assert.equal((await server.call('POST', '/auth/reset-password', { body: { token, newPassword: 'another good password' } })).status, 200);
        await server.login(me.username, 'another good password');
        assert.equal((await forgot(server, 'nobody@example.org')).status, 200);
    });

    test('an invitation is answered with the link of the mail', async () => {
        const me = await server.register();
        const invited = await server.ok('POST', '/organizations/invitations', { token: me.accessToken, body: { email: 'guest@example.org' } });
        assert.equal(invited.token, undefined);
        const [got] = await mail.wait('guest@example.org');
        const [, token] = got.text.match(/\/accept-invitation\?token=([\w-]{43})\n/);
        const joined = await server.call('POST', '/auth/accept-invitation', { body: { token, username: `guest-${me.username}`, password: 'another good password' } });
        assert.ok(joined.status < 300, joined.text);
    });

    test('kill -9 between commit and sending: the letter goes out after the start', async () => {
        const dir = temporaryDir();
        const away = await MailServer.start();
        await away.stop(); // its port refuses from now on
        const patient = { 'notifications.retry-delay': '300ms', 'notifications.max-attempts': 100 };
        let own = await startServer({ dir, sets: smtp(away.port, patient) });
        const me = await own.register();
        assert.equal((await forgot(own, me.email)).status, 200);
        await own.kill();
        assert.equal(mail.to(me.email).length, 0);
        own = await startServer({ dir, sets: smtp(mail.port, patient) });
        const [got] = await mail.wait(me.email);
        const line = await eventually('sent', async () => { const [one] = (await own.ok('GET', '/notifications/logs?scope=organization', { token: me.accessToken })).content; return one.status === 'SENT' && one; });
        assert.equal(got.headers['x-sensorvision-delivery'], line.deliveryId);
        await own.stop();
        rmSync(dir, { recursive: true, force: true });
    });

    test('without a mail server alerts say so in the log, and invitations show their token', async () => {
        const own = await startServer({});
        const me = await own.register();
        const m = await machine(own, me.accessToken);
        await prefer(me.accessToken, { channel: 'EMAIL' }, own);
        await m.alarm();
        const line = await ended(me.accessToken, own);
        assert.deepEqual([line.status, line.attempts, line.errorMessage], ['FAILED', 0, 'mail is not configured']);
        await own.stop();
    });
});

describe('the way to the mail server', () => {
    const dir = temporaryDir();
    let secure;
    before(async () => {
        const file = (name) => `${dir}/${name}.pem`;
        execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=mail', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', file('key'), '-out', file('cert')], { stdio: 'ignore' });
        secure = await MailServer.start('--cert', file('cert'), '--key', file('key'), '--login', 'us:the-mail-password');
    });
    after(async () => { await secure?.stop(); rmSync(dir, { recursive: true, force: true }); });

    async function trial(more, port = secure.port) {
        const own = await startServer({ sets: smtp(port, more) });
        const me = await own.register();
        const answer = await own.ok('POST', '/notifications/preferences/EMAIL/test', { token: me.accessToken });
        shape(answer, TRIED);
        assert.ok(!own.log.includes('the-mail-password'));
        await own.stop();
        return { ...answer, email: me.email };
    }

    test('is encrypted and logged in to when it must be', async () => {
        const login = { 'smtp.starttls': 'required', 'smtp.username': 'us', 'smtp.password': 'the-mail-password', 'smtp.ca-file': `${dir}/cert.pem` };
        const [good, wrong, unknown, none, offered] = await Promise.all([trial(login), trial({ ...login, 'smtp.password': 'wrong' }), trial({ ...login, 'smtp.ca-file': '' }),
            trial({ 'smtp.starttls': 'required' }, mail.port), trial({ 'smtp.starttls': 'optional' }, mail.port)]);
        assert.deepEqual([good.delivered, good.error, good.destination], [true, null, good.email]);
        const [got] = await secure.wait(good.email);
        assert.deepEqual([got.tls, got.login], [true, 'us']);
        assert.deepEqual([wrong.delivered, wrong.status], [false, 535]);
        assert.match(unknown.error, /certificate/i);
        assert.deepEqual([none.delivered, offered.delivered], [false, true]); // it offers no encryption
    });

    test('needs an address to send from, and says so at the start', async () => {
        for (const from of ['', 'not an address', 'a@b\nBcc: c@d']) {
            const { code, stderr, stdout } = await run(['serve', '--data', `${dir}/none`, '--http', '127.0.0.1:0', '--set', 'smtp.host=127.0.0.1', '--set', `smtp.from=${from}`]);
            assert.notEqual(code, 0);
            assert.match(stderr + stdout, /smtp\.from/);
        }
    });
});
