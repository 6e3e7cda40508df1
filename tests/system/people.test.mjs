// Contract, section 4: who is in an organisation. User administration, invitations, and who may not.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ADMIN, run, startServer } from './server.mjs';
import { INVITATION, ME, PAGE, TOKENS, USER, problem, shape } from './shape.mjs';

const PASSWORD = 'a long enough password';
let server, boss, token, admin;
let at = 0;
const name = () => `person-${at += 1}`;

before(async () => {
    server = await startServer();
    boss = await server.register('boss');
    token = boss.accessToken;
    admin = await server.admin();
});
after(() => server?.stop());

// A user of the boss's organisation: {id, username, …, token}.
async function person(roles = ['ROLE_USER'], by = token, query = '') {
    const username = name();
    const user = await server.ok('POST', `/users${query}`, { token: by, body: { username, email: `${username}@example.org`, password: PASSWORD, roles } });
    return { ...user, token: await server.login(username, PASSWORD) };
}
const status = async (method, path, options) => (await server.call(method, path, options)).status;

describe('users', () => {
    test('one is made, read, listed and changed', async () => {
        const made = await server.call('POST', '/users', { token, body: { username: 'ann', email: 'ann@example.org', password: PASSWORD, firstName: 'Ann', roles: ['ROLE_VIEWER'] } });
        assert.equal(made.status, 201, made.text);
        shape(made.json, USER);
        assert.deepEqual([made.json.roles, made.json.enabled, made.json.organizationName], [['ROLE_VIEWER'], true, 'Org of boss']);
        const path = `/users/${made.json.id}`;
        assert.deepEqual(await server.ok('GET', path, { token }), made.json);
        const page = await server.ok('GET', '/users?sort=username,asc', { token });
        shape(page, PAGE);
        assert.deepEqual(page.content.map((u) => u.username), ['ann', 'boss']);
        const changed = await server.ok('PUT', path, { token, body: { lastName: 'Lee', email: 'ann.lee@example.org', role: 'USER' } });
        assert.deepEqual([changed.firstName, changed.lastName, changed.email, changed.roles], ['Ann', 'Lee', 'ann.lee@example.org', ['ROLE_USER']]);
        assert.equal(changed.enabled, true);
    });

    test('what is wrong is named by field, and nothing is changed', async () => {
        const user = await person();
        for (const [body, field] of [[{ roles: [] }, 'roles'], [{ roles: ['ROLE_KING'] }, 'roles'], [{ roles: 7 }, 'roles'], [{ enabled: 'no' }, 'enabled'], [{ email: 'nowhere' }, 'email'], [{ firstName: 'x'.repeat(101) }, 'firstName']]) {
            const answer = await server.call('PUT', `/users/${user.id}`, { token, body });
            assert.ok(problem(answer, 400, 'errors').errors[field], answer.text);
        }
        problem(await server.call('PUT', `/users/${user.id}`, { token, body: { email: boss.email } }), 409);
        problem(await server.call('POST', '/users', { token, body: {} }), 400, 'errors');
        problem(await server.call('GET', '/users?deleted=perhaps', { token }), 400);
        assert.deepEqual((await server.ok('GET', `/users/${user.id}`, { token })).roles, ['ROLE_USER']);
    });

    test('members that are not the caller\'s to set are ignored', async () => {
        const user = await person();
        const after1 = await server.ok('PUT', `/users/${user.id}`, { token, body: { id: 1, organizationId: 1, username: 'other', createdAt: '2000-01-01T00:00:00Z', password: 'x', deletedAt: null } });
        const { token: mine, ...before1 } = user;
        assert.deepEqual({ ...after1, lastLoginAt: null }, before1);
        assert.equal(await status('GET', '/auth/me', { token: mine }), 200);
    });

    test('who is disabled or gets other roles has lost every session with the answer', async () => {
        for (const body of [{ enabled: false }, { roles: ['ROLE_DEVELOPER'] }]) {
            const user = await person();
            const key = (await server.ok('POST', '/api-keys', { token: user.token, body: { name: 'k' } })).key;
            assert.equal(await status('GET', '/auth/me', { token: user.token }), 200);
            await server.ok('PATCH', `/users/${user.id}`, { token, body });
            assert.equal(await status('GET', '/auth/me', { token: user.token }), 401);
            assert.equal(await status('GET', '/auth/me', { key }), body.roles ? 200 : 401);
            assert.equal(await status('POST', '/auth/login', { body: { username: user.username, password: PASSWORD } }), body.roles ? 200 : 401);
        }
        const user = await person();
        await server.ok('PATCH', `/users/${user.id}`, { token, body: { firstName: 'Same' } });
        assert.equal(await status('GET', '/auth/me', { token: user.token }), 200, 'a name ends no session');
    });

    test('a deleted user is gone at once, the names are free, and an administrator brings the user back', async () => {
        const user = await person(['ROLE_DEVELOPER']);
        const key = (await server.ok('POST', '/api-keys', { token: user.token, body: { name: 'k' } })).key;
        assert.equal(await status('DELETE', `/users/${user.id}`, { token }), 204);
        assert.equal(await status('GET', '/auth/me', { token: user.token }), 401);
        assert.equal(await status('GET', '/auth/me', { key }), 401);
        assert.equal(await status('POST', '/auth/login', { body: { username: user.username, password: PASSWORD } }), 401);
        assert.equal(await status('GET', `/users/${user.id}`, { token }), 404);
        assert.equal(await status('DELETE', `/users/${user.id}`, { token }), 404);
        const gone = (await server.ok('GET', '/users?deleted=true&size=1000', { token })).content.find((u) => u.id === user.id);
        shape(gone, `${USER},deletedAt,restorableUntil`);
        assert.equal(Date.parse(gone.restorableUntil) - Date.parse(gone.deletedAt), 7 * 86400e3);

        const heir = await server.ok('POST', '/users', { token, body: { username: user.username, email: user.email, password: PASSWORD } });
        problem(await server.call('POST', `/users/${user.id}/restore`, { token }), 409);
        assert.equal(await status('DELETE', `/users/${heir.id}`, { token }), 204);
        const back = await server.ok('POST', `/users/${user.id}/restore`, { token });
        shape(back, USER);
        assert.deepEqual([back.id, back.roles], [user.id, ['ROLE_DEVELOPER']]);
        assert.equal(await status('GET', '/auth/me', { key }), 401, 'the key stays revoked');
        assert.equal(await status('GET', '/auth/me', { token: user.token }), 401, 'the session too');
        await server.login(user.username, PASSWORD);
        problem(await server.call('POST', `/users/${user.id}/restore`, { token }), 404);
    });

    test('an installation\'s administrator reaches every organisation, nobody else does', async () => {
        const other = await server.register();
        const theirs = await server.ok('GET', `/users?organizationId=${other.organizationId}`, { token: admin });
        assert.deepEqual(theirs.content.map((u) => [u.id, u.organizationName]), [[other.userId, `Org of ${other.username}`]]);
        assert.equal((await server.ok('GET', `/users/${other.userId}`, { token: admin })).username, other.username);
        const made = await person(['ROLE_ORG_ADMIN'], admin, `?organizationId=${other.organizationId}`);
        assert.equal(made.organizationId, other.organizationId);
        await server.ok('PUT', `/users/${other.userId}`, { token: admin, body: { enabled: false } });
        const missing = await server.call('GET', '/users?organizationId=999999', { token, headers: { 'x-request-id': 'same' } });
        const foreign = await server.call('GET', `/users?organizationId=${other.organizationId}`, { token, headers: { 'x-request-id': 'same' } });
        assert.deepEqual([missing.status, missing.text], [404, foreign.text]);
        problem(await server.call('GET', '/users?organizationId=999999', { token: admin }), 404);
        problem(await server.call('POST', '/users?organizationId=999999', { token: admin, body: { username: 'lost1', email: 'lost1@example.org', password: PASSWORD } }), 404);
    });
});

describe('roles', () => {
    test('nobody grants a role above his own', async () => {
        const user = await person();
        for (const role of ['ROLE_ADMIN', 'ROLE_PILOT_ADMIN']) {
            problem(await server.call('PUT', `/users/${user.id}`, { token, body: { roles: [role] } }), 403);
            problem(await server.call('PUT', `/users/${user.id}`, { token, body: { roles: ['ROLE_USER', role] } }), 403);
            problem(await server.call('POST', '/users', { token, body: { username: name(), email: `${name()}@example.org`, password: PASSWORD, roles: [role] } }), 403);
            problem(await server.call('POST', '/organizations/invitations', { token, body: { email: `${name()}@example.org`, role } }), 403);
        }
        for (const role of ['ROLE_USER', 'ROLE_VIEWER', 'ROLE_DEVELOPER', 'ROLE_ORG_ADMIN']) {
            assert.deepEqual((await server.ok('PUT', `/users/${user.id}`, { token, body: { roles: [role] } })).roles, [role]);
        }
        assert.deepEqual((await server.ok('PUT', `/users/${user.id}`, { token: admin, body: { roles: ['PILOT_ADMIN', 'USER'] } })).roles, ['ROLE_PILOT_ADMIN', 'ROLE_USER']);
    });

    test('who has a role above the caller\'s cannot be touched', async () => {
        const high = await person(['ROLE_ADMIN'], admin, `?organizationId=${boss.organizationId}`);
        for (const body of [{ email: 'mine@example.org' }, { enabled: false }, { roles: ['ROLE_USER'] }, { firstName: 'x' }]) {
            problem(await server.call('PUT', `/users/${high.id}`, { token, body }), 403);
        }
        problem(await server.call('DELETE', `/users/${high.id}`, { token }), 403);
        assert.equal(await status('GET', '/auth/me', { token: high.token }), 200);
        assert.equal(await status('DELETE', `/users/${high.id}`, { token: admin }), 204);
        problem(await server.call('POST', `/users/${high.id}/restore`, { token }), 403);
    });

    test('nobody takes rights away from himself', async () => {
        await person(['ROLE_ORG_ADMIN']); // not the last one
        for (const body of [{ enabled: false }, { roles: ['ROLE_USER'] }]) problem(await server.call('PUT', `/users/${boss.userId}`, { token, body }), 409);
        problem(await server.call('DELETE', `/users/${boss.userId}`, { token }), 409);
        assert.equal((await server.ok('PUT', `/users/${boss.userId}`, { token, body: { firstName: 'Big', roles: ['ROLE_ORG_ADMIN'] } })).firstName, 'Big');
    });

    test('the last enabled administrator of an organisation stays, even against two at once', async () => {
        const one = await server.register();
        for (const [method, body] of [['PUT', { enabled: false }], ['PUT', { roles: ['ROLE_USER'] }], ['DELETE', undefined]]) {
            problem(await server.call(method, `/users/${one.userId}`, { token: admin, body }), 409);
        }
        const two = await person(['ROLE_ORG_ADMIN'], one.accessToken);
        const answers = await Promise.all([
            server.call('PUT', `/users/${two.id}`, { token: one.accessToken, body: { roles: ['ROLE_USER'] } }),
            server.call('PUT', `/users/${one.userId}`, { token: two.token, body: { roles: ['ROLE_USER'] } }),
        ]);
        assert.equal(answers.filter((a) => a.status === 200).length, 1, answers.map((a) => a.text).join());
        const left = (await server.ok('GET', `/users?organizationId=${one.organizationId}`, { token: admin })).content;
        assert.equal(left.filter((u) => u.roles.includes('ROLE_ORG_ADMIN') && u.enabled).length, 1);
    });

    test('the last administrator of the installation stays', async () => {
        const me = await server.ok('GET', '/auth/me', { token: admin });
        const second = await person(['ROLE_ADMIN', 'ROLE_ORG_ADMIN'], admin);
        assert.equal(await status('DELETE', `/users/${second.id}`, { token: admin }), 204);
        problem(await server.call('DELETE', `/users/${me.id}`, { token: admin }), 409);
    });
});

describe('invitations', () => {
    const invite = (body, by = token) => server.ok('POST', '/organizations/invitations', { token: by, body });
    const accept = (given, more = {}) => server.call('POST', '/auth/accept-invitation', { body: { token: given, username: name(), password: PASSWORD, ...more } });

    test('one is made, listed, looked at and taken, once', async () => {
        const made = await server.call('POST', '/organizations/invitations', { token, body: { email: 'New@Example.org', role: 'ROLE_VIEWER' } });
        assert.equal(made.status, 201, made.text);
        shape(made.json, `${INVITATION},sent,token,acceptUrl?`);
        assert.deepEqual([made.json.status, made.json.roles, made.json.sent, made.json.invitedBy], ['PENDING', ['ROLE_VIEWER'], false, 'user:boss']);
        assert.equal(Date.parse(made.json.expiresAt) - Date.parse(made.json.createdAt), 7 * 86400e3);
        const list = await server.ok('GET', '/organizations/invitations', { token });
        shape(list[0], INVITATION);
        assert.equal(list[0].id, made.json.id);
        const page = await server.ok('GET', '/organizations/invitations?page=0&size=1', { token });
        shape(page, PAGE);
        const look = await server.ok('POST', '/auth/invitation', { body: { token: made.json.token } });
        assert.deepEqual(look, { email: 'New@Example.org', organizationName: 'Org of boss', roles: ['ROLE_VIEWER'], expiresAt: made.json.expiresAt });

        problem(await accept(made.json.token, { username: 'boss' }), 409);
        problem(await accept(made.json.token, { password: 'short' }), 400, 'errors');
        const answer = await accept(made.json.token, { firstName: 'New', roles: ['ROLE_ADMIN'], organizationId: 1, email: 'other@example.org' });
        assert.equal(answer.status, 200, answer.text);
        shape(answer.json, TOKENS);
        assert.match(answer.headers.get('set-cookie') ?? '', /^sv_session=/);
        const me = await server.ok('GET', '/auth/me', { token: answer.json.accessToken });
        shape(me, ME);
        assert.deepEqual([me.roles, me.organizationId, me.email, me.firstName], [['ROLE_VIEWER'], boss.organizationId, 'New@Example.org', 'New']);
        assert.ok(problem(await accept(made.json.token), 400, 'errors').errors.token);
        assert.equal((await server.ok('GET', '/organizations/invitations', { token }))[0].status, 'ACCEPTED');
        problem(await server.call('DELETE', `/organizations/invitations/${made.json.id}`, { token }), 409);
        problem(await server.call('POST', `/organizations/invitations/${made.json.id}/resend`, { token }), 409);
    });

    test('of two who take it at once one gets it', async () => {
        const { token: given } = await invite({ email: 'race@example.org' });
        const answers = await Promise.all([accept(given), accept(given), accept(given)]);
        assert.deepEqual(answers.map((a) => a.status).sort(), [200, 400, 400]);
    });

    test('sent again it has a new token, the old one is void; revoked it is worth nothing', async () => {
        const made = await invite({ email: 'again@example.org' });
        const again = await server.ok('POST', `/organizations/invitations/${made.id}/resend`, { token });
        shape(again, `${INVITATION},sent,token,acceptUrl?`);
        assert.notEqual(again.token, made.token);
        assert.ok(problem(await accept(made.token), 400, 'errors').errors.token);
        assert.equal(await status('POST', '/auth/invitation', { body: { token: again.token } }), 200);
        assert.equal(await status('DELETE', `/organizations/invitations/${made.id}`, { token }), 204);
        assert.equal(await status('DELETE', `/organizations/invitations/${made.id}`, { token }), 204);
        assert.ok(problem(await accept(again.token), 400, 'errors').errors.token);
        problem(await server.call('POST', `/organizations/invitations/${made.id}/resend`, { token }), 409);
        await invite({ email: 'AGAIN@example.org' });
    });

    test('ten sends are the limit of one invitation', async () => {
        const made = await invite({ email: 'often@example.org' });
        for (let i = 2; i <= 10; i += 1) await server.ok('POST', `/organizations/invitations/${made.id}/resend`, { token });
        const refused = problem(await server.call('POST', `/organizations/invitations/${made.id}/resend`, { token }), 403, 'limit');
        assert.deepEqual(refused.limit, { name: 'invitation-sends', max: 10, used: 10 });
    });

    test('an address of the organisation and one invited already are refused; one of elsewhere tells nothing', async () => {
        problem(await server.call('POST', '/organizations/invitations', { token, body: { email: boss.email } }), 409);
        await invite({ email: 'twice@example.org' });
        problem(await server.call('POST', '/organizations/invitations', { token, body: { email: 'Twice@example.org' } }), 409);
        for (const body of [{}, { email: 'no' }, { email: 5 }]) assert.ok(problem(await server.call('POST', '/organizations/invitations', { token, body }), 400, 'errors').errors.email);

        const other = await server.register();
        const made = await server.call('POST', '/organizations/invitations', { token, body: { email: other.email } });
        assert.equal(made.status, 201, made.text);
        const headers = { 'x-request-id': 'same' };
        const known = await server.call('POST', '/auth/invitation', { headers, body: { token: made.json.token } });
        const unknown = await server.call('POST', '/auth/invitation', { headers, body: { token: 'A'.repeat(43) } });
        assert.deepEqual([known.status, known.text], [400, unknown.text]);
        const body = { username: name(), password: PASSWORD };
        const taken = await server.call('POST', '/auth/accept-invitation', { headers, body: { ...body, token: made.json.token } });
        const never = await server.call('POST', '/auth/accept-invitation', { headers, body: { ...body, token: 'A'.repeat(43) } });
        assert.deepEqual([taken.status, taken.text], [400, never.text]);
    });

    test('a hundred open ones are the limit of an organisation', async () => {
        const host = await server.register();
        for (let i = 0; i < 100; i += 1) await invite({ email: `guest${i}@example.org` }, host.accessToken);
        const refused = problem(await server.call('POST', '/organizations/invitations', { token: host.accessToken, body: { email: 'one.more@example.org' } }), 403, 'limit');
        assert.deepEqual(refused.limit, { name: 'open-invitations', max: 100, used: 100 });
    });

    test('guessing tokens is slowed down', async () => {
        const slow = await startServer({ sets: { 'rate-limiting.auth-per-minute': 5 } });
        try {
            const answers = [];
            for (let i = 0; i < 7; i += 1) answers.push(await slow.call('POST', '/auth/invitation', { body: { token: `guess-${i}` } }));
            assert.deepEqual(answers.map((a) => a.status).filter((s) => s !== 400 && s !== 429), []);
            assert.deepEqual([answers[0].status, answers[6].status], [400, 429]);
            assert.ok(answers[6].headers.get('retry-after'));
            assert.equal((await slow.call('POST', '/auth/login', { body: ADMIN })).status, 200, 'logging in goes on');
        } finally { await slow.stop(); }
    });
});

test('the administration pages of the old front end work on the same people, and leave the same events', async () => {
    const user = await person();
    const call = (method, path, body) => server.ok(method, `/admin${path}`, { token: admin, body, headers: { 'x-request-id': 'old-admin' } });
    const all = await call('GET', '/users');
    shape(all[0], USER);
    assert.ok(all.some((u) => u.id === user.id) && new Set(all.map((u) => u.organizationName)).size > 1);
    assert.deepEqual((await call('GET', `/users/organization/${boss.organizationId}`)).map((u) => u.organizationId).filter((id) => id !== boss.organizationId), []);
    assert.equal((await call('GET', `/users/${user.id}`)).username, user.username);
    assert.deepEqual((await call('GET', '/users/roles')).map((r) => r.name), ['ROLE_ADMIN', 'ROLE_PILOT_ADMIN', 'ROLE_ORG_ADMIN', 'ROLE_USER', 'ROLE_VIEWER', 'ROLE_DEVELOPER']);
    const wrapped = async (path, body) => { const answer = await call('PUT', path, body); shape(answer, 'success,message,data'); shape(answer.data, USER); return answer.data; };
    assert.equal((await wrapped(`/users/${user.id}`, { firstName: 'Old' })).firstName, 'Old');
    assert.equal((await wrapped(`/users/${user.id}/disable`)).enabled, false);
    assert.equal(await status('GET', '/auth/me', { token: user.token }), 401);
    assert.equal((await wrapped(`/users/${user.id}/enable`)).enabled, true);
    assert.deepEqual((await wrapped(`/users/${user.id}/roles`, { roles: ['ROLE_USER', 'ROLE_DEVELOPER'] })).roles, ['ROLE_USER', 'ROLE_DEVELOPER']);
    problem(await server.call('PUT', `/admin/users/${user.id}/roles`, { token: admin, body: {} }), 400, 'errors');
    const gone = await call('DELETE', `/users/${user.id}`);
    shape(gone.data, 'trashId,entityType,entityName,expiresAt,daysRemaining');
    assert.deepEqual([gone.success, gone.data.entityName, gone.data.daysRemaining], [true, user.username, 7]);
    for (const path of [`/users/${user.id}`, '/users/x', '/users/organization/999999']) problem(await server.call('GET', `/admin${path}`, { token: admin }), 404);
    problem(await server.call('PUT', '/admin/users/999999/enable', { token: admin }), 404);
    assert.ok((await call('GET', '/organizations')).some((o) => o.id === boss.organizationId));
    assert.equal((await call('GET', `/organizations/${boss.organizationId}`)).name, 'Org of boss');
    const told = (await server.ok('GET', '/events?size=100', { token })).content.filter((e) => e.requestId === 'old-admin');
    assert.deepEqual(told.map((e) => e.eventType), ['USER_DELETED', 'USER_UPDATED', 'USER_UPDATED', 'USER_UPDATED', 'USER_UPDATED']);
    assert.deepEqual(told.map((e) => [e.actor, e.address]).filter(([actor, address]) => actor !== 'user:admin' || address !== '127.0.0.1'), []);
});

test('the command line adds people by the same rules', async () => {
    const made = await run(['user', 'add', 'cli-user', '--data', server.dir, '--org', 'Org of boss', '--email', boss.email, '--role', 'USER'], { env: { SENSORVISION_PASSWORD: PASSWORD } });
    assert.equal(made.code, 1, made.stdout);
    assert.match(made.stderr, /e-mail/);
});
