// Who may, generated from the route table: every route x every field that carries an id x {own, foreign,
// deleted, random, malformed}, and every route x every kind of caller. Another organisation's object is a
// missing one, to the byte, and nothing of it changes.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { EVENTS } from './audit.mjs';
import { run, startServer } from './server.mjs';
import { CALLERS, MAY, ROUTES } from './routes.mjs';

let server;
const callers = {}; // name -> headers
const ids = {}; // kind -> {own, foreign, deleted, random, malformed}
let stranger, before1, boss;
const known = []; // [method, path, row]

const normal = (path) => path.replace(/\{[^}]*\}/g, '{}');

async function addUser(role, org) {
    const name = `m-${role.toLowerCase().replace('_', '-')}`;
    const made = await run(['user', 'add', name, '--data', server.dir, '--org', org, '--email', `${name}@example.org`, '--role', role], { env: { SENSORVISION_PASSWORD: 'a long enough password' } });
    assert.equal(made.code, 0, made.stdout + made.stderr);
    return { authorization: `Bearer ${await server.login(name, 'a long enough password')}` };
}

async function dashboardIds(mine, theirs, random) {
    const make = async (token) => (await server.ok('POST', '/dashboards', { token, body: { name: 'm' } })).id;
    const widget = async (token, on) => (await server.ok('POST', `/dashboards/${on}/widgets`, { token, body: { name: 'm', type: 'GAUGE' } })).id;
    const gone = async (path) => assert.equal((await server.call('DELETE', path, { token: mine })).status, 204);
    const [own, old, elsewhere, deleted, foreign] = [await make(mine), await make(mine), await make(mine), await make(mine), await make(theirs)];
    const widgets = { own: await widget(mine, own), foreign: await widget(theirs, foreign), 'of another dashboard': await widget(mine, elsewhere), deleted: await widget(mine, own), random, malformed: 'one' };
    await gone(`/dashboards/${deleted}`);
    await server.ok('GET', '/dashboards/default', { token: theirs }); // made here, so that a snapshot changes nothing
    await gone(`/dashboards/${own}/widgets/${widgets.deleted}`);
    const share = (token, on) => server.ok('POST', `/dashboards/${on}/shares`, { token, body: {} });
    const links = { own: await share(mine, old), deleted: await share(mine, own), foreign: await share(theirs, foreign), 'of another dashboard': await share(mine, elsewhere) };
    await gone(`/dashboards/${own}/shares/${links.deleted.id}`);
    links.own = await share(mine, own); // with `old` goes the other one
    const shares = Object.fromEntries(Object.entries(links).map(([which, one]) => [which, one.id]));
    const dashboard = { own, foreign, deleted, random, malformed: '1.5' };
    return { dashboard, oldDashboard: { ...dashboard, own: old }, widget: widgets, share: { ...shares, random, malformed: '-' },
        link: { own: (await share(mine, elsewhere)).token, deleted: links.deleted.token, random: 'A'.repeat(43), malformed: 'short' } };
}

// A rule and an alert of it on that device.
async function alertOn(token, deviceId, send) {
    const rule = await server.ok('POST', '/rules', { token, body: { name: 'm', deviceId, variable: 'm', operator: 'GT', threshold: 1 } });
    await server.ok('POST', `/ingest/${deviceId}`, { device: send, body: { m: 2 } });
    for (const end = Date.now() + 10_000; Date.now() < end;) {
        const [alert] = await server.ok('GET', `/alerts?ruleId=${rule.id}`, { token });
        if (alert) return { rule: rule.id, alert: alert.id };
    }
    throw new Error(`no alert on ${deviceId}`);
}

// Rules that are switched off again, so that nothing changes by itself; each left an alert behind.
async function fleetIds(mine, theirs) {
    const rule = { name: 'm', selectorType: 'ORGANIZATION', aggregationFunction: 'countDevices', operator: 'GTE', threshold: 0 };
    const make = async (token) => {
        const { id } = await server.ok('POST', '/global-rules', { token, body: rule });
        await server.ok('POST', `/global-rules/${id}/evaluate`, { token });
        await server.ok('POST', `/global-rules/${id}/toggle`, { token });
        const { content } = await server.ok('GET', '/global-alerts', { token });
        return { id, alert: content.find((a) => a.globalRuleId === id).id };
    };
    const [own, deleted, foreign] = [await make(mine), await make(mine), await make(theirs)];
    assert.equal((await server.call('DELETE', `/global-rules/${deleted.id}`, { token: mine })).status, 204);
    const more = { random: randomUUID(), malformed: '1' };
    return { fleetRule: { own: own.id, deleted: deleted.id, foreign: foreign.id, ...more }, fleetAlert: { own: own.alert, foreign: foreign.alert, ...more } };
}

// Port 1 of loopback: a test of it fails at once, and reaches nobody. Alerts stay silent: their log would change.
async function webhookIds(mine, theirs, random) {
    const make = async (token) => (await server.ok('POST', '/notifications/webhooks', { token, body: { url: 'http://127.0.0.1:1/', enabled: false } })).id;
    const [own, deleted, foreign] = [await make(mine), await make(mine), await make(theirs)];
    assert.equal((await server.call('DELETE', `/notifications/webhooks/${deleted}`, { token: mine })).status, 204);
    return { own, foreign, deleted, random, malformed: '0' };
}

async function prepare() {
    server = await startServer({ sets: { 'rate-limiting.auth-per-minute': 1000, 'notifications.webhook.allow-private': true } });
    const me = await server.register('matrix-own');
    boss = me;
    stranger = await server.register('matrix-foreign');
    const org = 'Org of matrix-own';
    callers.orgAdmin = { authorization: `Bearer ${me.accessToken}` };
    for (const [name, role] of [['viewer', 'VIEWER'], ['developer', 'DEVELOPER'], ['user', 'USER'], ['pilotAdmin', 'PILOT_ADMIN'], ['admin', 'ADMIN']]) callers[name] = await addUser(role, org);
    callers.nobody = {};
    const sender = await server.device(me.accessToken, 'm-sender');
    callers.device = { 'x-device-token': sender.apiToken };

    const own = await server.device(me.accessToken, 'm-own');
    const gone = await server.device(me.accessToken, 'm-gone');
    const foreign = await server.device(stranger.accessToken, 'm-foreign');
    for (const [id, token] of [['m-own', own.apiToken], ['m-gone', gone.apiToken], ['m-foreign', foreign.apiToken]]) await server.ok('POST', `/ingest/${id}`, { device: token, body: { x: 7 } });
    const variableOf = async (token, id) => (await server.ok('GET', `/devices/${id}/variables`, { token }))[0].id;
    const keyOf = async (token) => (await server.ok('POST', '/api-keys', { token, body: { name: 'm' } })).id;
    const big = 9007199254740881;
    ids.device = { own: 'm-own', foreign: 'm-foreign', 'foreign by uuid': foreign.id, deleted: 'm-gone', random: randomUUID(), malformed: 'x'.repeat(65) };
    ids.variable = { own: await variableOf(me.accessToken, 'm-own'), foreign: await variableOf(stranger.accessToken, 'm-foreign'), deleted: await variableOf(me.accessToken, 'm-gone'), random: big, malformed: 'abc' };
    ids.key = { own: await keyOf(me.accessToken), foreign: await keyOf(stranger.accessToken), random: big, malformed: '-1' };
    const person = async (token, username) => (await server.ok('POST', '/users', { token, body: { username, email: `${username}@example.org`, password: 'a long enough password' } })).id;
    const gonePerson = async (token, username) => { const id = await person(token, username); await server.call('DELETE', `/users/${id}`, { token }); return id; };
    const invite = async (token, email) => (await server.ok('POST', '/organizations/invitations', { token, body: { email } })).id;
    ids.invitation = { own: await invite(me.accessToken, 'm-in@example.org'), foreign: await invite(stranger.accessToken, 'm-out@example.org'), random: big, malformed: '1.5' };
    ids.goneUser = { own: await gonePerson(me.accessToken, 'm-gone-own'), foreign: await gonePerson(stranger.accessToken, 'm-gone-foreign'), random: big, malformed: 'x' };
    ids.user = { own: await person(me.accessToken, 'm-person'), foreign: stranger.userId, deleted: ids.goneUser.own, random: big, malformed: '1e3' };
    ids.seen = { ...ids.user, own: me.userId }; // with a picture, and not deleted by another row
    for (const who of [me, stranger]) await server.ok('POST', `/users/${who.userId}/avatar`, { token: who.accessToken, headers: { 'content-type': 'image/png' }, body: Buffer.from('\x89PNG\r\n\x1a\n', 'latin1') });
    ids.organization = { own: me.organizationId, foreign: stranger.organizationId, random: big, malformed: '0x1' };
    Object.assign(ids, await dashboardIds(me.accessToken, stranger.accessToken, big));
    const [mine, theirs] = [await alertOn(me.accessToken, 'm-sender', sender.apiToken), await alertOn(stranger.accessToken, 'm-foreign', foreign.apiToken)];
    const goneRule = (await alertOn(me.accessToken, 'm-own', own.apiToken)).rule;
    assert.equal((await server.call('DELETE', `/rules/${goneRule}`, { token: me.accessToken })).status, 204);
    ids.rule = { own: mine.rule, foreign: theirs.rule, deleted: goneRule, random: randomUUID(), malformed: '7' };
    ids.pastRule = { ...ids.rule, deleted: randomUUID() }; // alerts outlive their rule
    ids.alert = { own: mine.alert, foreign: theirs.alert, random: randomUUID(), malformed: '7' };
    ids.ruleDevice = { ...ids.device, own: 'm-sender' }; // it outlives m-own
    ids.webhook = await webhookIds(me.accessToken, stranger.accessToken, big);
    ids.channel = { own: 'EMAIL', random: 'NEVER', malformed: 'e mail' };
    const computed = async (token, deviceId, name) => (await server.ok('POST', '/synthetic-variables', { token, body: { name, deviceId, expression: 'x' } })).id;
    const goneSynthetic = await computed(me.accessToken, 'm-sender', 'm-y-gone');
    assert.equal((await server.call('DELETE', `/synthetic-variables/${goneSynthetic}`, { token: me.accessToken })).status, 204);
    ids.synthetic = { own: await computed(me.accessToken, 'm-sender', 'm-y'), foreign: await computed(stranger.accessToken, 'm-foreign', 'm-y'), deleted: goneSynthetic, random: randomUUID(), malformed: '7' };
    ids.enabledSynthetic = { ...ids.synthetic, own: await computed(me.accessToken, 'm-sender', 'm-y-on') };
    ids.name = { own: 'x' };
    for (const kind of ['tag', 'group']) {
        const make = async (token, name) => (await server.ok('POST', `/device-${kind}s`, { token, body: { name } })).id;
        ids[kind] = { own: await make(me.accessToken, 'm'), foreign: await make(stranger.accessToken, 'm'), deleted: await make(me.accessToken, 'm-gone'), random: big, malformed: '1x' };
        assert.equal((await server.call('DELETE', `/device-${kind}s/${ids[kind].deleted}`, { token: me.accessToken })).status, 204);
    }
    Object.assign(ids, await fleetIds(me.accessToken, stranger.accessToken));
    const trash = {}; // deleted devices: their own can be restored
    for (const [which, token] of [['own', me.accessToken], ['foreign', stranger.accessToken]]) {
        trash[which] = (await server.device(token, `m-trash-${which}`)).id;
        assert.equal((await server.call('DELETE', `/devices/${trash[which]}`, { token })).status, 204);
    }
    ids.trash = { ...trash, 'not deleted': own.id, random: randomUUID(), malformed: 'x'.repeat(65) };
    await server.ok('GET', '/data/latest/m-gone', { token: me.accessToken }); // caches are warm
    assert.equal((await server.call('DELETE', '/devices/m-gone', { token: me.accessToken })).status, 204);

    const { json } = await server.request('GET', '/openapi.json');
    for (const [path, methods] of Object.entries(json.paths)) {
        for (const method of Object.keys(methods)) known.push([method.toUpperCase(), path, ROUTES[`${method.toUpperCase()} ${normal(path)}`]]);
    }
    before1 = await snapshot();
}

// All that the stranger can see of their own organisation.
async function snapshot() {
    const token = stranger.accessToken;
    const read = (path) => server.call('GET', path, { token }).then((answer) => answer.text.replace(/"healthScore".*?"lastHealthCheckAt":[^,]*/g, '')); // the server's own clockwork
    return Promise.all(['/devices', '/devices/m-foreign', '/devices/m-foreign/token', '/devices/m-foreign/variables', '/rules', '/synthetic-variables', '/alerts', '/data/query?deviceId=m-foreign', '/data/latest', '/events', '/api-keys', '/users', '/users?deleted=true', '/organizations/invitations', '/dashboards', '/dashboards/default', '/global-rules', '/global-alerts', '/device-tags', '/device-groups', '/notifications/webhooks', '/notifications/preferences', '/notifications/logs?scope=organization'].map(read));
}

// One request of a row with these ids. `headers` say who asks.
function ask(method, path, row, chosen, headers, requestId = 'matrix') {
    let at = 0;
    const filled = path.replace(/\{[^}]*\}/g, () => encodeURIComponent(chosen[at++] ?? 'x'));
    const query = row.query ? `?${row.query(chosen)}` : '';
    const all = { ...headers, 'x-request-id': requestId };
    let body;
    if (row.body) { body = row.body(chosen); body = typeof body === 'string' ? body : JSON.stringify(body); all['content-type'] = 'application/json'; }
    if (row.text) { body = row.bytes ? Buffer.from(row.text(chosen), 'latin1') : row.text(chosen); all['content-type'] = path.includes('csv') ? 'text/csv' : 'text/plain'; }
    return server.request(method, filled + query, { headers: all, body });
}

const fieldsOf = (row) => Array.isArray(row.ids) ? row.ids.map((kind, i) => [i, kind]) : Object.entries(row.ids ?? {});
const ownIds = (row) => Object.fromEntries(fieldsOf(row).map(([field, kind]) => [field, ids[kind].own]));

// An answer without what may differ between two ids: the id itself, in every way it can be written.
function bare(answer, id) {
    const whole = (text) => new RegExp(`(?<![\\w.-])${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w.-])`, 'g'); // 4 is not a part of 404
    const text = answer.text.replace(/"instance":"[^"]*"/, '"instance":"PATH"').replace(whole(String(id)), 'ID').replace(whole(encodeURIComponent(String(id))), 'ID');
    const headers = [...answer.headers].filter(([name]) => !['date', 'content-length'].includes(name));
    return JSON.stringify([answer.status, headers, text]);
}

// What is wrong with the events of this request: there is exactly one of the type, and it tells everything.
async function misses(what, wanted, played, id) {
    const { content } = await server.ok('GET', '/events?size=100', { token: played.read ?? boss.accessToken });
    const events = content.filter((event) => event.requestId === id && event.eventType === wanted.event);
    if (events.length !== (wanted.times ?? 1)) return [`${what}: ${events.length} events ${wanted.event}; ${JSON.stringify(content.filter((event) => event.requestId === id).map((event) => event.eventType))}`];
    const actor = played.actor ?? 'user:matrix-own';
    return events.filter((event) => event.actor !== actor || event.address !== '127.0.0.1' || !event.title || !event.entityType)
        .map((event) => `${what}: ${JSON.stringify(event)}`);
}

before(prepare);
after(() => server?.stop());

describe('the tables agree', () => {
    test('every route has a row, and every row a route', () => {
        const without = known.filter(([, , row]) => !row).map(([method, path]) => `${method} ${path}`);
        const served = new Set(known.map(([method, path]) => `${method} ${normal(path)}`));
        const unserved = Object.keys(ROUTES).filter((key) => !served.has(key));
        assert.deepEqual({ without, unserved }, { without: [], unserved: [] });
    });

    test('every route that is no GET says which event it leaves, or why none', () => {
        const changing = known.filter(([method]) => method !== 'GET').map(([method, path]) => `${method} ${normal(path)}`);
        const without = changing.filter((key) => !EVENTS[key]);
        const unserved = Object.keys(EVENTS).filter((key) => !changing.includes(key));
        assert.deepEqual({ without, unserved }, { without: [], unserved: [] });
    });
});

describe('roles', () => {
    for (const caller of CALLERS) {
        test(`${caller} may what the table says and nothing else`, async () => {
            const wrong = [];
            for (const [method, path, row] of known) {
                if (!row || row.who === 'live' || row.skipRoles) continue;
                const nothing = Object.fromEntries(fieldsOf(row).map(([field, kind]) => [field, ids[kind].random ?? 'x']));
                const answer = await ask(method, path, row.creates ? { ...row, body: row.body && (() => '{'), text: row.text && (() => '\u0001') } : row, nothing, callers[caller]);
                const allowed = MAY[row.who].includes(caller);
                const passed = answer.status !== 401 && answer.status !== 403;
                const refusedRight = answer.status === (caller === 'nobody' ? 401 : 403);
                // A login that fails is 401 by its own right.
                if (row.who === 'anyone' && /auth\/(login|refresh)$/.test(path)) continue;
                if (allowed ? !passed : !refusedRight) wrong.push(`${method} ${path}: ${answer.status}, should be ${allowed ? 'let in' : 'refused'}`);
                if (answer.status >= 500) wrong.push(`${method} ${path}: ${answer.status}`);
            }
            assert.deepEqual(wrong, []);
        });
    }
});

// Every answer that reads what is the stranger's, by the stranger and by the installation's administrator:
// what is kept of it is somebody else's for the caller that comes next.
async function warmAll() {
    const owner = { authorization: `Bearer ${stranger.accessToken}` };
    let warm = 0;
    for (const [method, path, row] of known) {
        if (method !== 'GET' || !row || row.skip || path.endsWith('/commands')) continue; // which waits for one
        const theirs = Object.fromEntries(fieldsOf(row).map(([field, kind]) => [field, ids[kind].foreign ?? ids[kind].own]));
        for (const who of [owner, owner, callers.admin]) warm += (await ask(method, path, row, theirs, who)).status === 200;
    }
    return warm;
}

describe('ids', () => {
    before(async () => assert.ok(await warmAll() > 100));

    test('a foreign, deleted, random or malformed id is a missing one, to the byte, on every route', async () => {
        const wrong = [];
        for (const [method, path, row] of known) {
            if (!row || row.skip || row.creates) continue;
            for (const [field, kind] of fieldsOf(row)) {
                if (kind === 'name') continue;
                const choose = (which) => ({ ...ownIds(row), [field]: ids[kind][which] });
                const random = await ask(method, path, row, choose('random'), callers.orgAdmin);
                const say = (which, answer, why) => wrong.push(`${method} ${path} ${field}=${which}: ${answer.status} ${why} ${answer.text.slice(0, 160)}`);
                if (!row.lists && random.status !== 404) say('random', random, 'should be 404');
                for (const which of Object.keys(ids[kind])) {
                    if (which === 'own' || which === 'random') continue;
                    const answer = await ask(method, path, row, choose(which), callers.orgAdmin);
                    if (answer.status >= 500) say(which, answer, 'is never an answer');
                    if (which === 'malformed') {
                        if (answer.status < 400 && !row.lists && !/write|bulk|csv|json$/.test(path)) say(which, answer, 'should be refused');
                        continue;
                    }
                    if (bare(answer, ids[kind][which]) !== bare(random, ids[kind].random)) say(which, answer, `differs from ${random.status} ${random.text.slice(0, 160)};`);
                }
            }
        }
        assert.deepEqual(wrong, []);
    });

    test('a sender that names a foreign, deleted or unknown device writes into its own organisation only', async () => {
        const wrong = [];
        for (const [method, path, row] of known) {
            if (!row?.creates) continue;
            for (const which of ['foreign', 'foreign by uuid', 'deleted', 'random', 'malformed']) {
                const [[field]] = fieldsOf(row);
                for (const caller of ['device', 'orgAdmin']) {
                    const answer = await ask(method, path, row, { ...ownIds(row), [field]: ids.device[which] }, callers[caller]);
                    const good = which === 'malformed' ? answer.status < 500 : which === 'deleted' && caller === 'device' ? true : answer.status < 300;
                    if (!good) wrong.push(`${caller} ${method} ${path} ${which}: ${answer.status} ${answer.text.slice(0, 160)}`);
                }
            }
        }
        assert.deepEqual(wrong, []);
    });

    test('nothing of the other organisation has changed', async () => {
        assert.deepEqual(await snapshot(), before1);
    });

    test('the caller\'s own id works on every route, and a change is an event with who, from where, in which request', async () => {
        const wrong = [];
        const changes = ([method, path]) => !(EVENTS[`${method} ${normal(path)}`]?.none ?? method === 'GET');
        const rows = known.filter((one) => one[2] && !one[2].skip && (one[2].ids || changes(one))).sort((a, b) => Number(!!a[2].last) - Number(!!b[2].last));
        for (const [at, [method, path, row]] of rows.entries()) {
            const id = `trail-${at}`;
            const said = EVENTS[`${method} ${normal(path)}`] ?? {};
            const wanted = typeof said === 'string' ? { event: said } : said;
            const played = wanted.play ? await wanted.play({ server, token: boss.accessToken }, id)
                : { answer: await ask(method, path, wanted.body ? { ...row, body: wanted.body } : row, ownIds(row), callers.orgAdmin, id) };
            if (played.answer.status >= 300) wrong.push(`${method} ${path}: ${played.answer.status} ${played.answer.text.slice(0, 200)}`);
            if (wanted.event) wrong.push(...await misses(`${method} ${path}`, wanted, played, id));
        }
        assert.deepEqual(wrong, []);
    });

    test('what is warm for one organisation is cold for the other', async () => {
        const token = stranger.accessToken;
        const mine = callers.orgAdmin;
        await server.call('POST', '/ingest/m-warm', { headers: mine, body: { x: 12345.5 } });
        for (const path of ['/data/latest', '/devices', '/devices/m-warm', '/users', '/auth/me', `/organizations/${ids.organization.own}`, '/data/query?deviceId=m-warm', '/analytics/fleet?variable=x&aggregation=MAX&groupBy=device', '/analytics/aggregate?deviceId=m-warm&variable=x&aggregation=MAX']) {
            const warm = await server.call('GET', path, { headers: mine });
            assert.equal(warm.status, 200, path + warm.text);
            const read = await server.call('GET', path, { token });
            assert.ok(!read.text.includes('m-warm') || read.status === 404, `${path}: ${read.text.slice(0, 200)}`);
            assert.ok(!read.text.includes('12345.5') && !read.text.includes('matrix-own'), path);
        }
    });
});
