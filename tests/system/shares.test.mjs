// Dashboards shared by link: tokens shown once, passwords, ends, revocation, and that a visitor sees the
// dashboard and nothing else of the organisation.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startServer } from './server.mjs';
import { problem, shape } from './shape.mjs';

const SHARE = 'id,dashboardId,name,passwordProtected,expiresAt,createdBy,createdAt';
const SHARED = 'name,description,layoutConfig,widgets,expiresAt';
const SHARED_WIDGET = 'id,name,type,positionX,positionY,width,height,variableName,secondVariableName,deviceLabel,secondDeviceLabel,aggregation,timeRangeMinutes,config';
const password = 'open sesame';

let server, me, stranger, token, board;

before(async () => {
    server = await startServer();
    me = await server.register('shares-own');
    stranger = await server.register('shares-foreign');
    token = me.accessToken;
    await server.device(token, 'secret-pump-1');
    board = await server.ok('POST', '/dashboards', { token, body: { name: 'Hall', description: 'for visitors', defaultDeviceId: 'secret-pump-1', layoutConfig: { cols: 3 } } });
    await server.ok('POST', `/dashboards/${board.id}/widgets`, { token, body: { name: 'W', type: 'GAUGE', deviceId: 'secret-pump-1', variableName: 'x', deviceLabel: 'Pump' } });
});
after(() => server?.stop());

const share = (body = {}, id = board.id) => server.ok('POST', `/dashboards/${id}/shares`, { token, body });
const view = (link, ticket) => server.call('GET', `/public/dashboards/${link}`, { headers: ticket ? { 'x-share-ticket': ticket } : {} });
const open = (link, body = { password }) => server.call('POST', `/public/dashboards/${link}/open`, { body });
const bare = (answer, link) => JSON.stringify([answer.status, answer.text.replaceAll(link, 'LINK').replace(/"requestId":"[^"]*"/, '')]);
const eventsOf = async (type) => (await server.ok('GET', `/events?eventType=${type}&size=100`, { token })).content;

describe('owners', () => {
    test('a link is made, listed without its token, and revoked', async () => {
        const made = await server.call('POST', `/dashboards/${board.id}/shares`, { token, body: { name: 'Lobby', password, expiresAt: '2099-01-01T00:00:00Z' } });
        assert.equal(made.status, 201, made.text);
        shape(made.json, `${SHARE},token,shareUrl`);
        const { id, token: link, shareUrl, createdAt, ...rest } = made.json;
        assert.match(link, /^[A-Za-z0-9_-]{43}$/);
        assert.equal(shareUrl, `/public/dashboards/${link}`);
        assert.deepEqual(rest, { dashboardId: board.id, name: 'Lobby', passwordProtected: true, expiresAt: '2099-01-01T00:00:00.000Z', createdBy: me.userId });
        const list = await server.ok('GET', `/dashboards/${board.id}/shares`, { token });
        assert.deepEqual(list, [{ id, ...rest, createdAt }]);
        assert.ok(!readFileSync(join(server.dir, 'catalog.db')).includes(link)); // a hash of it is stored
        const gone = await server.call('DELETE', `/dashboards/${board.id}/shares/${id}`, { token });
        assert.equal(gone.status, 204);
        assert.deepEqual(await server.ok('GET', `/dashboards/${board.id}/shares`, { token }), []);
        problem(await server.call('DELETE', `/dashboards/${board.id}/shares/${id}`, { token }), 404);
        for (const type of ['DASHBOARD_SHARED', 'DASHBOARD_SHARE_REVOKED']) {
            const [event] = await eventsOf(type);
            assert.deepEqual([event.entityType, event.entityId, event.description, event.actor], ['DASHBOARD_SHARE', String(id), 'Lobby', 'user:shares-own']);
        }
    });

    test('what is wrong is named by its field', async () => {
        for (const [field, good, bad] of [['password', 'x'.repeat(8), 'x'.repeat(7)], ['password', 'é'.repeat(512), 'é'.repeat(513)], ['name', 'x'.repeat(255), 'x'.repeat(256)],
            ['expiresAt', Date.now() + 60_000, Date.now() - 60_000], ['expiresAt', null, 'tomorrow'], ['name', null, 7]]) {
            const made = await share({ [field]: good });
            const refused = await server.call('POST', `/dashboards/${board.id}/shares`, { token, body: { [field]: bad } });
            assert.deepEqual(Object.keys(problem(refused, 400, 'errors').errors), [field]);
            await server.call('DELETE', `/dashboards/${board.id}/shares/${made.id}`, { token });
        }
    });

    test('a dashboard has 20 links, and one that has ended makes room', async () => {
        const { id } = await server.ok('POST', '/dashboards', { token, body: { name: 'many' } });
        const end = new Date(Date.now() + 1000).toISOString();
        for (let i = 0; i < 20; i++) await share(i ? {} : { expiresAt: end }, id);
        const more = () => server.call('POST', `/dashboards/${id}/shares`, { token, body: {} });
        const refused = await more();
        if (refused.status === 403) assert.deepEqual(problem(refused, 403, 'limit').limit, { name: 'shares-per-dashboard', max: 20, used: 20 });
        await until(async () => (await more()).status === 201);
        assert.equal((await more()).status, 403);
    });

    test('another organisation finds neither the dashboard nor the link', async () => {
        const { id } = await share();
        const theirs = { token: stranger.accessToken };
        problem(await server.call('GET', `/dashboards/${board.id}/shares`, theirs), 404);
        problem(await server.call('POST', `/dashboards/${board.id}/shares`, { ...theirs, body: {} }), 404);
        problem(await server.call('DELETE', `/dashboards/${board.id}/shares/${id}`, theirs), 404);
        const own = await server.ok('POST', '/dashboards', { ...theirs, body: { name: 'theirs' } });
        assert.equal(problem(await server.call('DELETE', `/dashboards/${own.id}/shares/${id}`, theirs), 404).detail, 'There is no such share.');
    });
});

async function until(check) {
    for (const end = Date.now() + 10_000; Date.now() < end;) {
        if (await check()) return;
        await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
    assert.fail('it did not happen within 10 s');
}

describe('visitors', () => {
    test('see the dashboard and its widgets, and nothing else of the organisation', async () => {
        const { token: link } = await share();
        const answer = await view(link);
        assert.equal(answer.status, 200, answer.text);
        shape(answer.json, SHARED);
        const [widget] = answer.json.widgets;
        shape(widget, SHARED_WIDGET);
        assert.deepEqual([answer.json.name, answer.json.layoutConfig, answer.json.expiresAt, widget.deviceLabel, widget.variableName], ['Hall', { cols: 3 }, null, 'Pump', 'x']);
        for (const hidden of ['secret-pump-1', 'shares-own', 'organization', 'isDefault', 'dashboardId']) assert.ok(!answer.text.includes(hidden), hidden);
        assert.equal((await server.call('GET', `/public/dashboards/${link}`, { headers: { 'if-none-match': answer.headers.get('etag') } })).status, 304);
        assert.deepEqual((await open(link, undefined)).json, { ticket: null, expiresAt: null });
        // the token is no credential of anything else
        for (const [method, path] of [['GET', '/dashboards'], ['GET', `/dashboards/${board.id}`], ['PUT', `/dashboards/${board.id}`], ['GET', '/devices']]) {
            for (const headers of [{ authorization: `Bearer ${link}` }, { 'x-api-key': link }, { 'x-share-ticket': link }]) assert.equal((await server.call(method, path, { headers })).status, 401);
        }
        for (const method of ['PUT', 'DELETE', 'POST']) assert.equal((await server.call(method, `/public/dashboards/${link}`, {})).status, 405);
    });

    test('with a password need it once, and then show their ticket', async () => {
        const { token: link } = await share({ password, expiresAt: '2099-01-01T00:00:00Z' });
        const other = await share({ password });
        problem(await view(link), 401);
        const opened = await open(link);
        assert.equal(opened.status, 200, opened.text);
        shape(opened.json, 'ticket,expiresAt');
        const hours = (Date.parse(opened.json.expiresAt) - Date.now()) / 3_600_000;
        assert.ok(hours > 11.9 && hours < 12.1, opened.json.expiresAt);
        const { ticket } = opened.json;
        assert.equal((await view(link, ticket)).json.expiresAt, '2099-01-01T00:00:00.000Z');
        for (const bad of [`B${ticket.slice(1)}`, `${ticket.slice(0, 20)}${ticket[20] === 'x' ? 'y' : 'x'}${ticket.slice(21)}`, ticket.slice(0, 42), `${ticket}A`, 'x', (await open(other.token)).json.ticket]) problem(await view(link, bad), 401);
    });

    test('with a wrong password are refused, counted and told of', async () => {
        const { id, token: link } = await share({ password });
        for (let i = 0; i < 4; i++) assert.match(problem(await open(link, { password: 'a wrong one' }), 401).detail, /Invalid/);
        problem(await open(link, {}), 401); // none is a wrong one, too
        const refused = await open(link); // the right one, but too late
        assert.equal(problem(refused, 429, 'limit').limit.max, 5);
        assert.ok(Number(refused.headers.get('retry-after')) > 1700);
        const { token: another } = await share({ password });
        assert.equal((await open(another)).status, 200); // a link is locked, not its visitor's address
        const events = (await eventsOf('DASHBOARD_SHARE_REFUSED')).filter((event) => event.entityId === String(id));
        assert.equal(events.length, 5);
        assert.deepEqual([events[0].severity, events[0].actor, events[0].address, events[0].userId], ['WARNING', 'anonymous', '127.0.0.1', null]);
    });

    test('of an unknown, revoked, ended or deleted link all see the same', async () => {
        const unknown = 'A'.repeat(43);
        const ended = await share({ password, expiresAt: Date.now() + 900 });
        const { ticket } = (await open(ended.token)).json;
        const revoked = await share({ password });
        const revokedTicket = (await open(revoked.token)).json.ticket;
        const doomed = await server.ok('POST', '/dashboards', { token, body: { name: 'doomed' } });
        const deleted = await share({}, doomed.id);
        assert.equal((await view(deleted.token)).status, 200);
        assert.equal((await view(revoked.token, revokedTicket)).status, 200);
        assert.equal((await server.call('DELETE', `/dashboards/${board.id}/shares/${revoked.id}`, { token })).status, 204);
        assert.equal((await server.call('DELETE', `/dashboards/${doomed.id}`, { token })).status, 204);
        await until(async () => (await view(ended.token, ticket)).status === 404);
        const wanted = bare(await view(unknown), unknown);
        assert.match(wanted, /^\[404,.*There is no such shared dashboard\./);
        const wantedOpen = bare(await open(unknown), unknown);
        for (const [link, shown] of [[revoked.token, revokedTicket], [ended.token, ticket], [deleted.token]]) {
            assert.equal(bare(await view(link, shown), link), wanted);
            assert.equal(bare(await view(link), link), wanted);
            assert.equal(bare(await open(link), link), wantedOpen);
        }
        for (const odd of ['x', 'A'.repeat(44), 'A'.repeat(2000), '%00', 'A'.repeat(42) + '%F0']) problem(await view(odd), 404);
    });

    test('keep their ticket over a restart', async () => {
        const { token: link } = await share({ password });
        const { ticket } = (await open(link)).json;
        const { dir, port } = server;
        server.keepDir = true;
        assert.equal(await server.stop(), 0);
        server = await startServer({ dir, port });
        server.keepDir = false;
        assert.equal((await view(link, ticket)).status, 200);
    });
});
