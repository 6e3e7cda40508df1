// Contract, section 5: tags and groups, and the devices that have them.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startServer } from './server.mjs';
import { DEVICE, PAGE, problem, shape } from './shape.mjs';

const TAG = 'id,name,color,deviceCount,deviceIds,createdAt,updatedAt';
const GROUP = 'id,name,description,deviceCount,deviceIds,createdAt,updatedAt';
let server, token, stranger;
before(async () => {
    server = await startServer();
    token = (await server.register()).accessToken;
    stranger = (await server.register()).accessToken;
});
after(() => server?.stop());

const ok = (method, path, body, who = token) => server.ok(method, path, { token: who, body });
const call = (method, path, body, who = token) => server.call(method, path, { token: who, body });
const events = async (type) => (await ok('GET', `/events?eventType=${type}`)).content;

describe('a tag', () => {
    test('is made, read, changed and deleted', async () => {
        const made = await call('POST', '/device-tags', { name: 'roof', color: '#ff5733' });
        assert.equal(made.status, 201, made.text);
        shape(made.json, TAG);
        assert.deepEqual([made.json.name, made.json.color, made.json.deviceCount, made.json.deviceIds], ['roof', '#ff5733', 0, []]);
        assert.ok(Number.isSafeInteger(made.json.id));
        assert.deepEqual(await ok('GET', `/device-tags/${made.json.id}`), made.json);
        const changed = await ok('PUT', `/device-tags/${made.json.id}`, { name: 'attic' });
        assert.deepEqual([changed.name, changed.color], ['attic', '#ff5733']);
        assert.equal((await call('DELETE', `/device-tags/${made.json.id}`)).status, 204);
        problem(await call('GET', `/device-tags/${made.json.id}`), 404);
        for (const type of ['DEVICE_TAG_CREATED', 'DEVICE_TAG_UPDATED', 'DEVICE_TAG_DELETED']) assert.equal((await events(type)).length, 1, type);
    });

    test('has a name of its own and a colour of six digits', async () => {
        const first = await ok('POST', '/device-tags', { name: 'taken' });
        assert.match(first.color, /^#[0-9A-F]{6}$/);
        problem(await call('POST', '/device-tags', { name: 'taken' }), 409);
        const second = await ok('POST', '/device-tags', { name: 'Taken' });
        problem(await call('PUT', `/device-tags/${second.id}`, { name: 'taken' }), 409);
        await ok('PUT', `/device-tags/${second.id}`, { name: 'Taken' });
        await ok('POST', '/device-tags', { name: 'taken' }, stranger);
        for (const body of [{}, { name: '' }, { name: ' x' }, { name: 'x'.repeat(101) }, { name: 5 }, { name: 'c', color: 'red' }, { name: 'c', color: '#12345' }, { name: 'c', color: '#1234567' }, { name: 'c', color: '#12345g' }, []]) {
            problem(await call('POST', '/device-tags', body), 400, 'errors');
        }
        await ok('POST', '/device-tags', { name: 'x'.repeat(100), color: '#aAbB09' });
    });
});

describe('a group', () => {
    test('is made, read, changed and deleted; its devices stay', async () => {
        const made = await call('POST', '/device-groups', { name: 'hall', description: 'the big one' });
        assert.equal(made.status, 201, made.text);
        shape(made.json, GROUP);
        await server.device(token, 'in-hall');
        const filled = await ok('POST', `/device-groups/${made.json.id}/devices/in-hall`);
        assert.deepEqual([filled.deviceCount, filled.deviceIds], [1, ['in-hall']]);
        assert.deepEqual(await ok('POST', `/device-groups/${made.json.id}/devices/in-hall`), filled);
        assert.deepEqual(await ok('GET', '/device-groups/by-device/in-hall'), [filled]);
        assert.deepEqual((await ok('GET', '/devices/in-hall')).groups, [{ id: made.json.id, name: 'hall', description: 'the big one' }]);
        const emptied = await ok('DELETE', `/device-groups/${made.json.id}/devices/in-hall`);
        assert.equal(emptied.deviceCount, 0);
        await ok('POST', `/device-groups/${made.json.id}/devices/in-hall`);
        const changed = await ok('PUT', `/device-groups/${made.json.id}`, { description: null });
        assert.deepEqual([changed.name, changed.description], ['hall', null]);
        assert.equal((await call('DELETE', `/device-groups/${made.json.id}`)).status, 204);
        assert.deepEqual((await ok('GET', '/devices/in-hall')).groups, []);
        problem(await call('POST', '/device-groups', { name: 'g', description: 'x'.repeat(501) }), 400, 'errors');
    });

    test('is listed by name, in pages when asked', async () => {
        const { accessToken } = await server.register();
        for (const name of ['c', 'a', 'b']) await ok('POST', '/device-groups', { name }, accessToken);
        const list = await ok('GET', '/device-groups', undefined, accessToken);
        assert.deepEqual(list.map((g) => g.name), ['a', 'b', 'c']);
        for (const one of list) shape(one, GROUP);
        const page = await ok('GET', '/device-groups?page=1&size=2&sort=name,desc', undefined, accessToken);
        shape(page, PAGE);
        assert.deepEqual([page.content.map((g) => g.name), page.totalElements], [['a'], 3]);
    });
});

describe('a device', () => {
    test('is made with tags by name and groups by id, and shows them', async () => {
        const group = await ok('POST', '/device-groups', { name: 'pumps' });
        const made = await call('POST', '/devices', { externalId: 'labelled', tags: ['new', 'old', 'new'], groupIds: [group.id] });
        assert.equal(made.status, 201, made.text);
        shape(made.json, `${DEVICE},apiToken`);
        for (const tag of made.json.tags) shape(tag, 'id,name,color');
        assert.deepEqual(made.json.tags.map((t) => t.name), ['new', 'old']);
        assert.deepEqual(made.json.groups, [{ id: group.id, name: 'pumps', description: null }]);
        const read = await ok('GET', '/devices/labelled');
        assert.deepEqual([read.tags, read.groups], [made.json.tags, made.json.groups]);
        const listed = (await ok('GET', '/devices')).find((d) => d.externalId === 'labelled');
        assert.deepEqual([listed.tags, listed.groups], [made.json.tags, made.json.groups]);
        // what an old page sends back is what it was given
        const echoed = await ok('PUT', '/devices/labelled', { ...read, name: 'changed' });
        assert.deepEqual([echoed.tags, echoed.groups], [read.tags, read.groups]);
        const other = await ok('PUT', '/devices/labelled', { tags: [read.tags[1].id], groupIds: [] });
        assert.deepEqual([other.tags.map((t) => t.name), other.groups], [['old'], []]);
        assert.deepEqual((await ok('PUT', '/devices/labelled', { name: 'kept' })).tags.map((t) => t.name), ['old']);
        assert.deepEqual((await ok('PUT', '/devices/labelled', { tags: null })).tags, []);
    });

    test('with wrong, missing or foreign labels is refused whole', async () => {
        const foreign = await ok('POST', '/device-groups', { name: 'theirs' }, stranger);
        const foreignTag = await ok('POST', '/device-tags', { name: 'theirs' }, stranger);
        for (const body of [{ tags: 'x' }, { tags: [true] }, { tags: [''] }, { tags: ['x'.repeat(101)] }, { tags: [1.5] }, { groupIds: ['a'] }, { groupIds: 5 }, { groupIds: [{ id: 1 }] }]) {
            problem(await call('POST', '/devices', { externalId: 'never', ...body }), 400, 'errors');
        }
        const bare = (answer) => answer.text.replaceAll(/"requestId":"[^"]*"/g, '');
        for (const [name, id] of [['groupIds', foreign.id], ['tags', foreignTag.id]]) {
            const theirs = await call('POST', '/devices', { externalId: 'never', [name]: [id] });
            const nobodys = await call('POST', '/devices', { externalId: 'never', [name]: [9007199254740881] });
            assert.equal(theirs.status, 404, theirs.text);
            assert.equal(bare(theirs), bare(nobodys));
        }
        problem(await call('GET', '/devices/never'), 404);
        assert.equal((await ok('GET', `/device-groups/${foreign.id}`, undefined, stranger)).deviceCount, 0);
    });

    test('has a hundred of a kind, and not one more', async () => {
        await server.device(token, 'many');
        const names = Array.from({ length: 101 }, (_, i) => `t${i}`);
        const refused = problem(await call('PUT', '/devices/many', { tags: names }), 403, 'limit');
        assert.deepEqual(refused.limit, { name: 'tags-per-device', max: 100, used: 101 });
        assert.equal((await ok('PUT', '/devices/many', { tags: names.slice(0, 100) })).tags.length, 100);
        const one = await ok('POST', '/device-tags', { name: 'one-more' });
        problem(await call('POST', `/device-tags/${one.id}/devices/many`), 403, 'limit');
        assert.equal((await ok('GET', '/devices/many')).tags.length, 100);
    });

    test('is found by tag and by group', async () => {
        const { accessToken } = await server.register();
        const group = await ok('POST', '/device-groups', { name: 'g' }, accessToken);
        for (let i = 0; i < 130; i++) {
            await ok('POST', '/devices', { externalId: `f-${i}`, tags: i % 2 ? ['odd'] : ['even', 'two'], groupIds: i < 3 ? [group.id] : [] }, accessToken);
        }
        const names = async (query) => (await ok('GET', `/devices?${query}`, undefined, accessToken)).map((d) => d.externalId);
        assert.equal((await names('tagName=odd')).length, 65);
        assert.deepEqual(await names(`groupId=${group.id}`), ['f-0', 'f-1', 'f-2']);
        assert.deepEqual(await names(`groupId=${group.id}&tagName=odd`), ['f-1']);
        assert.deepEqual(await names('tagName=nobody'), []);
        assert.deepEqual(await names('groupId=9007199254740881'), []);
        problem(await call('GET', '/devices?groupId=x', undefined, accessToken), 400);
        const page = await ok('GET', `/devices?tagName=even&page=1&size=30`, undefined, accessToken);
        assert.deepEqual([page.totalElements, page.content.length], [65, 30]);
        for (const [i, d] of (await ok('GET', '/devices', undefined, accessToken)).entries()) {
            assert.deepEqual(d.tags.map((t) => t.name), i % 2 ? ['odd'] : ['even', 'two'], d.externalId);
        }
        const tag = (await ok('GET', '/device-tags', undefined, accessToken)).find((t) => t.name === 'odd');
        assert.deepEqual([tag.deviceCount, tag.deviceIds.length], [65, 65]);
        assert.equal((await call('DELETE', '/devices/f-1', undefined, accessToken)).status, 204);
        assert.equal((await ok('GET', `/device-tags/${tag.id}`, undefined, accessToken)).deviceCount, 64);
    });
});

describe('a fleet', () => {
    test('is aggregated by tag and by group', async () => {
        const { accessToken } = await server.register();
        const group = await ok('POST', '/device-groups', { name: 'north' }, accessToken);
        const at = Date.now() - 60_000;
        for (const [id, value, body] of [['a', 10, { tags: ['red'], groupIds: [group.id] }], ['b', 20, { tags: ['red', 'blue'] }], ['c', 60, {}]]) {
            const device = await ok('POST', '/devices', { externalId: id, ...body }, accessToken);
            await server.ok('POST', '/data/ingest', { device: device.apiToken, body: { deviceId: id, timestamp: new Date(at).toISOString(), variables: { t: value } } });
        }
        await ok('POST', '/device-tags', { name: 'unused' }, accessToken);
        const fleet = (by) => ok('GET', `/analytics/fleet?variable=t&aggregation=AVG&groupBy=${by}`, undefined, accessToken);
        const byTag = await fleet('tag');
        for (const one of byTag) shape(one, 'group,variable,aggregation,timestamp,value,count');
        assert.deepEqual(byTag.map((r) => [r.group, r.value, r.count]), [['blue', 20, 1], ['red', 15, 2], [null, 60, 1]]);
        assert.deepEqual((await fleet('group')).map((r) => [r.group, r.value]), [['north', 10], [null, 40]]);
        assert.deepEqual((await fleet('none')).map((r) => [r.group, r.value]), [[null, 30]]);
    });
});
