// Contract, section 4: who may. Register, log in, refresh, keys, tokens, and everything that is refused.
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startServer } from './server.mjs';
import { ME, TOKENS, problem, shape } from './shape.mjs';

// A server for each group: failed attempts of one address are counted, and the tests have one address.
const SECRET = 'a secret of the tests, long enough';
let server;
function ownServer() {
    before(async () => { server = await startServer({ sets: { 'app.jwt.secret': SECRET } }); });
    after(() => server?.stop());
}
const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const sign = (head, claims, secret = SECRET, hash = 'sha256') => {
    const text = `${encode(head)}.${encode(claims)}`;
    return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`;
};
const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

describe('accounts', () => {
    ownServer();
    test('registering makes an organisation, its administrator and a login', async () => {
        const answer = await server.call('POST', '/auth/register', { body: { username: 'ada', email: 'Ada@Example.org', password: 'correct horse battery', firstName: 'Ada', lastName: 'L', organizationName: 'Mill' } });
        assert.equal(answer.status, 200, answer.text);
        shape(answer.json, TOKENS);
        assert.equal(answer.json.tokenType, 'Bearer');
        assert.equal(answer.json.token, answer.json.accessToken);
        const me = await server.ok('GET', '/auth/me', { token: answer.json.accessToken });
        shape(me, ME);
        assert.equal(me.organizationName, 'Mill');
        assert.ok(me.roles.includes('ROLE_ORG_ADMIN') && !me.roles.includes('ROLE_ADMIN'), me.roles.join());
        assert.equal(me.enabled, true);
    });

    test('without a name the organisation is called after its user', async () => {
        const { accessToken } = await server.ok('POST', '/auth/register', { body: { username: 'nameless', email: 'n@example.org', password: 'correct horse battery', firstName: 'N', lastName: 'N' } });
        assert.equal((await server.ok('GET', '/auth/me', { token: accessToken })).organizationName, "nameless's Organization");
    });

    test('a taken user name, e-mail or organisation is refused and names itself', async () => {
        const good = { username: 'taken1', email: 'taken1@example.org', password: 'correct horse battery', firstName: 'a', lastName: 'b', organizationName: 'Taken' };
        await server.ok('POST', '/auth/register', { body: good });
        for (const change of [{ username: 'TAKEN1' }, { email: 'taken1@EXAMPLE.org' }, { organizationName: 'Taken' }]) {
            const other = { ...good, username: 'other1', email: 'other1@example.org', organizationName: 'Other', ...change };
            const answer = await server.call('POST', '/auth/register', { body: other });
            assert.ok([400, 403, 409].includes(answer.status), `${JSON.stringify(change)}: ${answer.status} ${answer.text}`);
        }
    });

    test('a short password, a bad e-mail and a missing name are named by field', async () => {
        const answer = await server.call('POST', '/auth/register', { body: { username: '', email: 'no', password: 'short' } });
        problem(answer, 400, 'errors');
        for (const field of ['username', 'email', 'password']) assert.ok(answer.json.errors[field], answer.text);
    });

    test('members that are not the caller\'s to set are ignored or refused', async () => {
        const body = { username: 'sneaky', email: 'sneaky@example.org', password: 'correct horse battery', firstName: 'a', lastName: 'b', id: 1, organizationId: 1, roles: ['ROLE_ADMIN'], token: 'x', createdAt: '2000-01-01T00:00:00Z' };
        const answer = await server.call('POST', '/auth/register', { body });
        if (answer.status === 400) return;
        const me = await server.ok('GET', '/auth/me', { token: answer.json.accessToken });
        assert.ok(me.roles.includes('ROLE_ORG_ADMIN') && !me.roles.includes('ROLE_ADMIN'), me.roles.join());
        assert.notEqual(me.organizationId, 1);
    });

    test('login takes the user name or the e-mail in any case', async () => {
        const user = await server.register();
        for (const username of [user.username, user.username.toUpperCase(), user.email.toUpperCase()]) {
            const answer = await server.call('POST', '/auth/login', { body: { username, password: user.password } });
            assert.equal(answer.status, 200, `${username}: ${answer.text}`);
            shape(answer.json, TOKENS);
        }
    });

    test('a wrong password and an unknown user get the same 401', async () => {
        const user = await server.register();
        const answers = [];
        for (const username of [user.username, 'nobodyatall']) {
            const answer = await server.call('POST', '/auth/login', { body: { username, password: 'wrong password 123' } });
            assert.equal(answer.status, 401);
            assert.match(answer.json.detail, /Invalid/);
            const { requestId, ...rest } = answer.json;
            answers.push(rest);
        }
        assert.deepEqual(answers[0], answers[1]);
    });

    test('five failures lock the account for this address, also for the right password', async () => {
        const user = await server.register();
        const locked = await startServer({ sets: { 'rate-limiting.auth-per-minute': 1000 } });
        try {
            const name = 'lockme';
            const body = { username: name, email: 'lockme@example.org', password: 'correct horse battery', firstName: 'a', lastName: 'b' };
            await locked.ok('POST', '/auth/register', { body });
            for (let i = 0; i < 5; i++) await locked.call('POST', '/auth/login', { body: { username: name, password: 'wrong password 123' } });
            const answer = await locked.call('POST', '/auth/login', { body: { username: name, password: body.password } });
            assert.equal(answer.status, 429, answer.text);
            assert.ok(Number(answer.headers.get('retry-after')) > 0);
            assert.deepEqual(answer.json.limit, { name: 'login-lockout', max: 5, used: 5 });
        } finally {
            await locked.stop();
        }
        assert.ok(user);
    });

    test('a refresh token works once; its second use revokes the family', async () => {
        const user = await server.register();
        const second = await server.ok('POST', '/auth/refresh', { body: { refreshToken: user.refreshToken } });
        shape(second, TOKENS);
        assert.notEqual(second.refreshToken, user.refreshToken);
        await server.ok('GET', '/auth/me', { token: second.accessToken });
        assert.equal((await server.call('POST', '/auth/refresh', { body: { refreshToken: user.refreshToken } })).status, 401);
        assert.equal((await server.call('POST', '/auth/refresh', { body: { refreshToken: second.refreshToken } })).status, 401);
        assert.equal((await server.call('GET', '/auth/me', { token: second.accessToken })).status, 401);
    });

    test('logout ends the session at once', async () => {
        const user = await server.register();
        const answer = await server.call('POST', '/auth/logout', { token: user.accessToken });
        assert.ok(answer.status < 300, answer.text);
        assert.equal((await server.call('GET', '/auth/me', { token: user.accessToken })).status, 401);
        assert.equal((await server.call('POST', '/auth/refresh', { body: { refreshToken: user.refreshToken } })).status, 401);
    });

    test('a changed password ends other sessions and the old password', async () => {
        const user = await server.register();
        const other = await server.login(user.username, user.password);
        const wrong = await server.call('POST', '/auth/change-password', { token: user.accessToken, body: { currentPassword: 'not this one 12', newPassword: 'another good password' } });
        assert.equal(wrong.status, 400, wrong.text);
        const answer = await server.call('POST', '/auth/change-password', { token: user.accessToken, body: { currentPassword: user.password, newPassword: 'another good password' } });
        assert.ok(answer.status < 300, answer.text);
        assert.equal((await server.call('GET', '/auth/me', { token: other })).status, 401);
        assert.equal((await server.call('POST', '/auth/login', { body: { username: user.username, password: user.password } })).status, 401);
        await server.login(user.username, 'another good password');
    });

    test('a forgotten password answers the same for any address', async () => {
        const user = await server.register();
        const texts = [];
        for (const email of [user.email, 'nobody@example.org']) {
            const answer = await server.call('POST', '/auth/forgot-password', { body: { email } });
            texts.push([answer.status, answer.text]);
        }
        assert.deepEqual(texts[0], texts[1]);
        assert.equal((await server.call('POST', '/auth/reset-password', { body: { token: 'x'.repeat(43), newPassword: 'another good password' } })).status, 400);
    });

    test('preferences are kept', async () => {
        const { accessToken: token } = await server.register();
        await server.ok('PUT', '/auth/preferences', { token, body: { themePreference: 'dark' } });
        assert.equal((await server.ok('GET', '/auth/me', { token })).themePreference, 'dark');
    });

    test('the login cookie reads and does not write', async () => {
        const user = await server.register();
        const answer = await server.call('POST', '/auth/login', { body: { username: user.username, password: user.password } });
        const cookie = answer.headers.get('set-cookie');
        assert.match(cookie, /HttpOnly/i);
        assert.match(cookie, /SameSite=Strict/i);
        const headers = { cookie: cookie.split(';')[0] };
        assert.equal((await server.call('GET', '/devices', { headers })).status, 200);
        assert.equal((await server.call('POST', '/devices', { headers, body: { externalId: 'by-cookie' } })).status, 401);
    });

    test('registrations from one address are limited by the minute', async () => {
        const own = await startServer({ sets: { 'rate-limiting.auth-per-minute': 3 } });
        try {
            const statuses = [];
            for (let i = 0; i < 5; i++) {
                const body = { username: `flood${i}`, email: `flood${i}@example.org`, password: 'correct horse battery', firstName: 'a', lastName: 'b' };
                statuses.push((await own.call('POST', '/auth/register', { body })).status);
            }
            assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
            await own.login('flood0', 'correct horse battery'); // a bucket of its own
        } finally {
            await own.stop();
        }
    });

    test('a crowd that logs in keeps nobody else out', async () => {
        const me = await server.register();
        const crowd = Array.from({ length: 200 }, (_, i) => server.call('POST', '/auth/login', { body: { username: `stranger-${i}`, password: 'no such password' } }));
        for (let i = 0; i < 20; i++) assert.equal((await server.call('GET', `/device-groups?page=${i}`, { token: me.accessToken })).status, 200);
        for (const answer of await Promise.all(crowd)) {
            assert.ok([401, 503].includes(answer.status), answer.text);
            if (answer.status === 503) assert.ok(answer.headers.get('retry-after'));
        }
    });

    test('registration can be switched off', async () => {
        const closed = await startServer({ sets: { 'app.registration.enabled': false } });
        try {
            const answer = await closed.call('POST', '/auth/register', { body: { username: 'x1', email: 'x1@example.org', password: 'correct horse battery', firstName: 'a', lastName: 'b' } });
            assert.equal(answer.status, 403, answer.text);
        } finally {
            await closed.stop();
        }
    });
});

describe('access tokens', () => {
    ownServer();
    test('carry the claims of the contract', async () => {
        const user = await server.register();
        const claims = claimsOf(user.accessToken);
        for (const name of ['sub', 'userId', 'organizationId', 'roles', 'tokenType', 'iss', 'iat', 'exp']) assert.ok(name in claims, name);
        assert.equal(claims.sub, user.username);
        assert.equal(claims.exp - claims.iat, 28800);
    });

    test('that somebody else made, or that have ended, are refused', async () => {
        const user = await server.register();
        const good = claimsOf(user.accessToken);
        const [head, body, signature] = user.accessToken.split('.');
        const realHead = JSON.parse(Buffer.from(head, 'base64url'));
        const now = Math.floor(Date.now() / 1000);
        assert.equal((await server.call('GET', '/auth/me', { token: sign(realHead, good) })).status, 200, 'the test signs as the server does');
        const forged = {
            'alg none': `${encode({ alg: 'none', typ: 'JWT' })}.${body}.`,
            'alg None': `${encode({ alg: 'None', typ: 'JWT' })}.${body}.`,
            'alg none with the signature': `${encode({ alg: 'none', typ: 'JWT' })}.${body}.${signature}`,
            'alg HS384': sign({ alg: 'HS384', typ: 'JWT' }, good, SECRET, 'sha384'),
            'alg RS256 keyed by the secret': sign({ alg: 'RS256', typ: 'JWT' }, good),
            'a kid': sign({ alg: 'HS256', typ: 'JWT', kid: '../../dev/null' }, good),
            'a jku': sign({ alg: 'HS256', typ: 'JWT', jku: 'http://127.0.0.1/keys' }, good),
            'a jwk': sign({ alg: 'HS256', typ: 'JWT', jwk: { kty: 'oct', k: 'AAAA' } }, good),
            'another secret': sign(realHead, good, 'not the secret of this server at all'),
            'an empty secret': sign(realHead, good, ''),
            'no signature': `${head}.${body}`,
            'an empty signature': `${head}.${body}.`,
            'a cut signature': `${head}.${body}.${signature.slice(0, -2)}`,
            'a longer signature': `${head}.${body}.${signature}AA`,
            'a fourth part': `${user.accessToken}.AA`,
            'another body': `${head}.${encode({ ...good, organizationId: 1 })}.${signature}`,
            'ended': sign(realHead, { ...good, iat: now - 100, exp: now - 1 }),
            'ends now': sign(realHead, { ...good, iat: now - 100, exp: now }),
            'not before tomorrow': sign(realHead, { ...good, nbf: now + 86400 }),
            'made tomorrow': sign(realHead, { ...good, iat: now + 86400, exp: now + 90000 }),
            'no end': sign(realHead, { ...good, exp: undefined }),
            'an end in words': sign(realHead, { ...good, exp: 'never' }),
            'a refresh token': user.refreshToken,
            'roles in words': sign(realHead, { ...good, tokenType: 'refresh' }),
            'an array as claims': sign(realHead, [good]),
            'not JSON': sign(realHead, '{"sub":'),
            'nothing': '',
            'dots': '..',
        };
        for (const [name, token] of Object.entries(forged)) {
            const answer = await server.request('GET', '/api/v1/auth/me', { headers: { authorization: `Bearer ${token}` } });
            assert.equal(answer.status, 401, `${name}: ${answer.status} ${answer.text}`);
            assert.ok(answer.headers.get('www-authenticate'), name);
        }
    });

    test('an access token does not refresh', async () => {
        const user = await server.register();
        assert.equal((await server.call('POST', '/auth/refresh', { body: { refreshToken: user.accessToken } })).status, 401);
    });

    test('changed roles in a token signed by us are what the token says only as long as they are the user\'s', async () => {
        const user = await server.register();
        const [head] = user.accessToken.split('.');
        const token = sign(JSON.parse(Buffer.from(head, 'base64url')), { ...claimsOf(user.accessToken), organizationId: 1 });
        const answer = await server.call('GET', '/auth/me', { token });
        if (answer.status === 200) assert.equal(answer.json.organizationId, user.organizationId);
        else assert.equal(answer.status, 401);
    });
});

describe('API keys', () => {
    ownServer();
    test('are shown once, listed masked, rotated with a grace, revoked at once', async () => {
        const { accessToken: token } = await server.register();
        const made = await server.call('POST', '/api-keys', { token, body: { name: 'script' } });
        assert.equal(made.status, 201, made.text);
        const key = made.json.key ?? made.json.apiKey ?? made.json.keyValue;
        assert.ok(key?.length > 30, made.text);
        assert.equal((await server.call('GET', '/devices', { key })).status, 200);
        const list = await server.ok('GET', '/api-keys', { token });
        const listed = (list.content ?? list).find(({ id }) => id === made.json.id);
        assert.ok(listed, JSON.stringify(list));
        const rotated = await server.ok('POST', `/api-keys/${made.json.id}/rotate`, { token });
        const next = rotated.key ?? rotated.apiKey ?? rotated.keyValue;
        assert.notEqual(next, key);
        assert.equal((await server.call('GET', '/devices', { key })).status, 200, 'the old key has a grace');
        assert.equal((await server.call('DELETE', `/api-keys/${rotated.id}`, { token })).status, 204);
        assert.equal((await server.call('GET', '/devices', { key: next })).status, 401);
    });

    test('the eleventh is refused with its limit', async () => {
        const { accessToken: token } = await server.register();
        for (let i = 0; i < 10; i++) assert.equal((await server.call('POST', '/api-keys', { token, body: { name: `k${i}` } })).status, 201);
        const answer = await server.call('POST', '/api-keys', { token, body: { name: 'k10' } });
        problem(answer, 403, 'limit');
        shape(answer.json.limit, 'name,max,used');
        assert.equal(answer.json.limit.max, 10);
        assert.equal(answer.json.limit.used, 10);
    });
});

describe('device tokens', () => {
    ownServer();
    test('send in every header that the contract names', async () => {
        const { accessToken: token } = await server.register();
        const { externalId, apiToken } = await server.device(token);
        for (const headers of [{ 'x-api-key': apiToken }, { 'x-device-token': apiToken }, { authorization: `Bearer ${apiToken}` }, { authorization: `Token ${apiToken}` }]) {
            const answer = await server.call('POST', `/ingest/${externalId}`, { headers, body: { temperature: 1 } });
            assert.equal(answer.status, 200, `${JSON.stringify(Object.keys(headers))}: ${answer.text}`);
        }
        assert.equal((await server.call('POST', `/ingest/${externalId}`, { device: randomUUID(), body: { t: 1 } })).status, 401);
        assert.equal((await server.call('POST', `/ingest/${externalId}`, { device: apiToken.toUpperCase(), body: { t: 1 } })).status, 401);
        assert.equal((await server.call('POST', `/ingest/${externalId}`, { body: { t: 1 } })).status, 401);
    });

    test('read nothing and change nothing', async () => {
        const { accessToken: token } = await server.register();
        const { externalId, apiToken } = await server.device(token);
        for (const [method, path] of [['GET', '/devices'], ['GET', `/devices/${externalId}`], ['GET', '/data/latest'], ['GET', `/data/query?deviceId=${externalId}`], ['DELETE', `/devices/${externalId}`], ['GET', '/auth/me'], ['GET', '/events']]) {
            const answer = await server.call(method, path, { device: apiToken });
            assert.equal(answer.status, 403, `${method} ${path}: ${answer.text}`);
            assert.match(answer.text, /device token/);
        }
    });

    test('are good for one device only when the scope says so', async () => {
        const narrow = await startServer({ sets: { 'device.token-scope': 'device' } });
        try {
            const { accessToken: token } = await narrow.register();
            const own = await narrow.device(token), other = await narrow.device(token);
            assert.equal((await narrow.call('POST', `/ingest/${own.externalId}`, { device: own.apiToken, body: { t: 1 } })).status, 200);
            assert.equal((await narrow.call('POST', `/ingest/${other.externalId}`, { device: own.apiToken, body: { t: 1 } })).status, 403);
            const made = await narrow.call('POST', '/ingest/brand-new', { device: own.apiToken, body: { t: 1 } });
            assert.ok([403, 404].includes(made.status), made.text);
        } finally {
            await narrow.stop();
        }
    });
});
