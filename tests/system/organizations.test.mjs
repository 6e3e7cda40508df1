// Contract, sections 4 and 5: an organisation's own data, its retention, its pictures, its end and the way back.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startServer } from './server.mjs';
import { problem, shape } from './shape.mjs';

const ORGANIZATION = 'id,name,description,settings,enabled,userCount,createdAt,updatedAt';
const PASSWORD = 'a long enough password';
let server, boss, token, admin;

before(async () => {
    server = await startServer();
    boss = await server.register('chief');
    token = boss.accessToken;
    admin = await server.admin();
});
after(() => server?.stop());
const status = async (method, path, options) => (await server.call(method, path, options)).status;
const eventually = async (look) => { for (const end = Date.now() + 10_000; Date.now() < end;) { if (await look()) return; await new Promise((r) => { setTimeout(r, 20); }); } assert.fail('did not happen in 10 s'); };

describe('what an organisation says of itself', () => {
    test('is read by its people and changed by its administrators', async () => {
        const path = `/organizations/${boss.organizationId}`;
        const first = await server.ok('GET', path, { token });
        shape(first, ORGANIZATION);
        assert.deepEqual([first.name, first.description, first.settings, first.userCount], ['Org of chief', null, {}, 1]);
        const changed = await server.ok('PUT', path, { token, body: { name: ' Mill ', description: 'Grinds', settings: { zone: 'Europe/Paris', deep: [1, { a: null }] }, id: 1, createdAt: 'x', enabled: false } });
        shape(changed, ORGANIZATION);
        assert.deepEqual([changed.id, changed.name, changed.description, changed.settings, changed.enabled, changed.createdAt], [boss.organizationId, 'Mill', 'Grinds', { zone: 'Europe/Paris', deep: [1, { a: null }] }, true, first.createdAt]);
        assert.equal((await server.ok('GET', '/auth/me', { token })).organizationName, 'Mill');
        const cleared = await server.ok('PUT', path, { token, body: { description: null, settings: null } });
        assert.deepEqual([cleared.name, cleared.description, cleared.settings], ['Mill', null, {}]);
    });

    test('wrong fields are named, a taken name is refused, limits hold', async () => {
        const path = `/organizations/${boss.organizationId}`;
        for (const [body, field] of [[{ name: '  ' }, 'name'], [{ name: 'x'.repeat(101) }, 'name'], [{ name: 5 }, 'name'], [{ description: 'x'.repeat(2001) }, 'description'], [{ settings: [] }, 'settings'], [{ settings: { x: 'y'.repeat(16384) } }, 'settings']]) {
            assert.ok(problem(await server.call('PUT', path, { token, body }), 400, 'errors').errors[field], JSON.stringify(body).slice(0, 50));
        }
        const other = await server.register();
        problem(await server.call('PUT', path, { token, body: { name: `org OF ${other.username}` } }), 409);
        const atLimit = { x: 'y'.repeat(16384 - '{"x":""}'.length) };
        assert.deepEqual((await server.ok('PUT', path, { token, body: { settings: atLimit, description: 'x'.repeat(2000) } })).settings, atLimit);
    });

    test('all are listed for the installation\'s administrator', async () => {
        const list = await server.ok('GET', '/organizations', { token: admin });
        shape(list[0], ORGANIZATION.replace('userCount,', ''));
        assert.ok(list.some((o) => o.id === boss.organizationId));
        assert.equal((await server.ok('GET', '/organizations?page=0&size=1&sort=name,desc', { token: admin })).content.length, 1);
        problem(await server.call('GET', '/organizations?sort=colour', { token: admin }), 400);
    });
});

describe('retention', () => {
    test('an organisation keeps its points as long as its administrators say', async () => {
        const path = `/organizations/${boss.organizationId}/retention`;
        assert.deepEqual(await server.ok('GET', path, { token }), { organizationId: boss.organizationId, retentionDays: null, effectiveDays: 90, defaultDays: 90 });
        const old = (days) => server.call('POST', '/data/ingest', { token, body: { deviceId: 'kept', timestamp: Date.now() - days * 86400e3, variables: { x: 1 } } });
        assert.equal((await old(30)).status, 200);
        assert.equal((await old(100)).status, 422);
        assert.deepEqual(await server.ok('PUT', path, { token, body: { retentionDays: 365 } }), { organizationId: boss.organizationId, retentionDays: 365, effectiveDays: 365, defaultDays: 90 });
        assert.equal((await old(100)).status, 200);
        const other = await server.register();
        assert.equal(await status('POST', '/data/ingest', { token: other.accessToken, body: { deviceId: 'kept', timestamp: Date.now() - 100 * 86400e3, variables: { x: 1 } } }), 422);
        await server.ok('PUT', path, { token, body: { retentionDays: 7 } });
        assert.equal((await old(30)).status, 422);
        await server.ok('PUT', path, { token, body: { retentionDays: 0 } });
        assert.equal((await old(5000)).status, 200);
        assert.equal((await server.ok('PUT', path, { token, body: { retentionDays: null } })).effectiveDays, 90);
        for (const retentionDays of [-1, 1.5, 36501, 'x']) assert.ok(problem(await server.call('PUT', path, { token, body: { retentionDays } }), 400, 'errors').errors.retentionDays);
        assert.ok(problem(await server.call('PUT', path, { token, body: {} }), 400, 'errors').errors.retentionDays);
        assert.equal((await server.ok('PUT', path, { token, body: { retentionDays: 36500 } })).effectiveDays, 36500);
    });

    test('and it stays over a restart', async () => {
        const one = await startServer();
        const user = await one.register();
        await one.ok('PUT', `/organizations/${user.organizationId}/retention`, { token: user.accessToken, body: { retentionDays: 1234 } });
        const { dir, port } = one;
        one.keepDir = true;
        assert.equal(await one.stop(), 0);
        const two = await startServer({ dir, port });
        two.keepDir = false;
        try {
            const again = await two.login(user.username, user.password);
            assert.equal((await two.ok('GET', `/organizations/${user.organizationId}/retention`, { token: again })).retentionDays, 1234);
        } finally { await two.stop(); }
    });
});

describe('pictures', () => {
    const png = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(100, 7)]);
    test('one\'s own is sent as a form, shown by its address, and removed', async () => {
        const path = `/users/${boss.userId}/avatar`;
        assert.deepEqual(await server.ok('GET', `${path}/status`, { token }), { hasAvatar: false, avatarUrl: null, avatarVersion: 0 });
        assert.equal(await status('GET', path, { token }), 404);
        const form = new FormData();
        form.append('file', new Blob([png], { type: 'image/png' }), 'me.png');
        const sent = await server.request('POST', `/api/v1${path}`, { headers: { authorization: `Bearer ${token}` }, body: form });
        assert.equal(sent.status, 200, sent.text);
        shape(sent.json, 'success,message,avatarUrl,avatarVersion,uploadedAt,fileSize');
        assert.deepEqual([sent.json.success, sent.json.avatarUrl, sent.json.fileSize], [true, `/api/v1${path}`, png.length]);
        const me = await server.ok('GET', '/auth/me', { token });
        assert.deepEqual([me.avatarUrl, me.avatarVersion], [`/api/v1${path}`, sent.json.avatarVersion]);
        const shown = await server.call('GET', path, { token });
        assert.deepEqual([shown.headers.get('content-type'), shown.bytes.equals(png)], ['image/png', true]);
        const byCookie = await server.request('GET', `/api/v1${path}`, { headers: { cookie: `sv_session=${token}` } });
        assert.equal(byCookie.status, 200);
        assert.deepEqual(Object.keys(await server.ok('DELETE', path, { token })), ['success', 'message']);
        assert.equal(await status('GET', path, { token }), 404);
        assert.equal((await server.ok('GET', '/auth/me', { token })).avatarUrl, null);
    });

    test('what is no picture, too large or somebody else\'s is refused', async () => {
        const user = await server.ok('POST', '/users', { token, body: { username: 'pictured', email: 'pictured@example.org', password: PASSWORD } });
        const mine = await server.login('pictured', PASSWORD);
        const put = (who, id, body) => server.call('PUT', `/users/${id}/avatar`, { token: who, headers: { 'content-type': 'image/png' }, body });
        problem(await put(mine, user.id, Buffer.from('<svg onload="alert(1)"/>')), 415);
        problem(await put(mine, user.id, Buffer.alloc(0)), 415);
        assert.equal((await put(mine, user.id, Buffer.concat([png, Buffer.alloc((1 << 20) - png.length)]))).status, 200);
        problem(await put(mine, user.id, Buffer.concat([png, Buffer.alloc((1 << 20) + 1 - png.length)])), 413);
        problem(await put(mine, boss.userId, png), 403);
        assert.equal((await put(token, user.id, png)).status, 200, 'an administrator may');
        assert.equal(await status('GET', `/users/${user.id}/avatar`, { token: (await server.register()).accessToken }), 404);
    });
});

describe('the end of an organisation, and the way back', () => {
    test('everything of it is refused from the answer on, and comes back with its tokens', async () => {
        const gone = await server.register();
        const id = gone.organizationId;
        const device = await server.device(gone.accessToken, 'stays');
        const early = await server.device(gone.accessToken, 'went-before');
        await server.ok('POST', '/ingest/stays', { device: device.apiToken, body: { x: 5 } });
        assert.equal(await status('DELETE', '/devices/went-before', { token: gone.accessToken }), 204);
        const { key } = await server.ok('POST', '/api-keys', { token: gone.accessToken, body: { name: 'k' } });
        const { token: invitation } = await server.ok('POST', '/organizations/invitations', { token: gone.accessToken, body: { email: 'in-the-end@example.org' } });
        const second = await server.ok('POST', '/users', { token: gone.accessToken, body: { username: 'left-over', email: 'left-over@example.org', password: PASSWORD } });

        assert.equal(await status('DELETE', `/organizations/${id}`, { token: admin, headers: { 'x-request-id': 'the-end' } }), 204);
        const refused = { token: { token: gone.accessToken }, key: { key }, device: { device: device.apiToken } };
        for (const [name, options] of Object.entries(refused)) assert.equal(await status('POST', '/ingest/stays', { ...options, body: { x: 6 } }), 401, name);
        assert.equal(await status('POST', '/auth/refresh', { body: { refreshToken: gone.refreshToken } }), 401);
        assert.equal(await status('POST', '/auth/login', { body: { username: gone.username, password: gone.password } }), 401);
        assert.equal(await status('POST', '/auth/invitation', { body: { token: invitation } }), 400);
        assert.equal(await status('GET', `/organizations/${id}`, { token: admin }), 404);
        assert.equal(await status('DELETE', `/organizations/${id}`, { token: admin }), 404);
        assert.equal(await status('GET', `/users/${gone.userId}`, { token: admin }), 404);
        assert.equal(await status('GET', '/organizations?deleted=perhaps', { token: admin }), 400);
        const waiting = (await server.ok('GET', '/organizations?deleted=true', { token: admin })).find((o) => o.id === id);
        assert.equal(Date.parse(waiting.restorableUntil) - Date.parse(waiting.deletedAt), 7 * 86400e3);

        // names are free: somebody else takes the one of a user
        await server.ok('POST', '/users', { token, body: { username: 'left-over', email: 'another@example.org', password: PASSWORD } });
        const back = await server.ok('POST', `/organizations/${id}/restore`, { token: admin, headers: { 'x-request-id': 'the-end' } });
        shape(back, `${ORGANIZATION},usersNotRestored`);
        assert.deepEqual([back.id, back.userCount, back.usersNotRestored], [id, 1, 1]);
        assert.equal(await status('POST', '/ingest/stays', { device: device.apiToken, body: { x: 7 } }), 200);
        assert.equal(await status('POST', '/ingest/stays', { device: early.apiToken, body: { x: 7 } }), 401);
        const again = await server.login(gone.username, gone.password);
        assert.deepEqual(await server.ok('GET', '/devices/stays/variables/latest', { token: again }), { x: 7 });
        assert.deepEqual((await server.ok('GET', '/devices', { token: again })).map((d) => d.externalId), ['stays']);
        assert.equal(await status('GET', '/auth/me', { key }), 401, 'keys stay revoked');
        assert.ok((await server.ok('GET', '/users?deleted=true', { token: again })).content.some((u) => u.id === second.id));
        const told = await server.ok('GET', '/events?organizationId=0&size=100', { token: admin });
        assert.deepEqual(told.content.filter((e) => e.requestId === 'the-end').map((e) => [e.eventType, e.actor, e.entityId]), [['ORGANIZATION_RESTORED', 'user:admin', String(id)], ['ORGANIZATION_DELETED', 'user:admin', String(id)]]);
        problem(await server.call('POST', `/organizations/${id}/restore`, { token: admin }), 404);
    });

    test('nobody deletes his own, and only an installation\'s administrator any', async () => {
        const me = await server.ok('GET', '/auth/me', { token: admin });
        problem(await server.call('DELETE', `/organizations/${me.organizationId}`, { token: admin }), 409);
        problem(await server.call('DELETE', `/organizations/${boss.organizationId}`, { token }), 403);
        problem(await server.call('POST', `/organizations/${boss.organizationId}/restore`, { token }), 403);
    });

    test('a name that was taken keeps an organisation away until it is free', async () => {
        const gone = await server.register();
        assert.equal(await status('DELETE', `/organizations/${gone.organizationId}`, { token: admin }), 204);
        const heir = await server.ok('POST', '/auth/register', { body: { username: 'heir', email: 'heir@example.org', password: PASSWORD, organizationName: `Org of ${gone.username}` } });
        problem(await server.call('POST', `/organizations/${gone.organizationId}/restore`, { token: admin }), 409);
        await server.ok('PUT', `/organizations/${heir.organizationId}`, { token: heir.accessToken, body: { name: 'Heirs' } });
        await server.ok('POST', `/organizations/${gone.organizationId}/restore`, { token: admin });
    });

    test('it stays deleted over a restart, and comes back after it', async () => {
        const one = await startServer();
        const user = await one.register();
        const device = await one.device(user.accessToken, 'sleeper');
        await one.ok('POST', '/ingest/sleeper', { device: device.apiToken, body: { x: 1, y: 2 } });
        await one.ok('GET', '/devices', { token: user.accessToken });
        assert.equal((await one.call('DELETE', `/organizations/${user.organizationId}`, { token: await one.admin() })).status, 204);
        one.keepDir = true;
        assert.equal(await one.stop(), 0);
        const two = await startServer({ dir: one.dir });
        two.keepDir = false;
        try {
            const send = () => two.call('POST', '/ingest/sleeper', { device: device.apiToken, body: { x: 2 } });
            assert.equal((await send()).status, 401);
            await two.ok('POST', `/organizations/${user.organizationId}/restore`, { token: await two.admin() });
            assert.equal((await send()).status, 200);
            const again = await two.login(user.username, user.password);
            await eventually(async () => (await two.ok('GET', '/devices/sleeper/variables', { token: again })).length === 2);
        } finally { await two.stop(); }
    });
});
