// Contract, section 5: many devices at once, devices from a file, where they are, deleted and restored.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startServer } from './server.mjs';
import { DEVICE, PAGE, problem, shape } from './shape.mjs';

const REPORT = 'totalRequested,successCount,failureCount,successfulDeviceIds,failedDevices,message';
const IMPORT = 'success,totalRecords,successCount,failureCount,errors,results,message';
const PLACE = 'deviceId,externalId,deviceName,latitude,longitude,altitude,locationUpdatedAt,status';
let server, token, stranger;
before(async () => {
    server = await startServer();
    token = (await server.register()).accessToken;
    stranger = (await server.register()).accessToken;
});
after(() => server?.stop());

const ok = (method, path, body, who = token) => server.ok(method, path, { token: who, body });
const call = (method, path, body, who = token) => server.call(method, path, { token: who, body });
const bulk = async (deviceIds, operation, parameters) => {
    const report = await ok('POST', '/devices/bulk', { deviceIds, operation, parameters });
    shape(report, REPORT);
    assert.equal(report.totalRequested, report.successCount + report.failureCount);
    assert.equal(report.successfulDeviceIds.length, report.successCount);
    assert.equal(Object.keys(report.failedDevices).length, report.failureCount);
    return report;
};
const eventsOf = async (device) => (await ok('GET', `/events?deviceId=${device}&size=50`)).content.map((e) => e.eventType);

describe('a bulk operation', () => {
    test('does each device on its own, and says why not', async () => {
        const names = ['b-1', 'b-2', 'b-3'];
        for (const name of names) await server.device(token, name);
        const theirs = await server.device(stranger, 'theirs');
        const uuid = (await ok('GET', '/devices/b-3')).id;
        const done = await bulk(['b-1', 'b-2', uuid, 'missing', theirs.id, 'b-1'], 'DISABLE');
        assert.deepEqual(done.successfulDeviceIds, ['b-1', 'b-2', uuid]);
        assert.deepEqual(Object.keys(done.failedDevices).sort(), ['missing', theirs.id].sort());
        assert.equal(done.failedDevices.missing, done.failedDevices[theirs.id]);
        for (const name of names) assert.equal((await ok('GET', `/devices/${name}`)).active, false);
        await bulk(names, 'ENABLE');
        assert.equal((await ok('GET', '/devices/b-1')).active, true);
        await bulk(['b-1'], 'UPDATE_STATUS', { status: 'INACTIVE' });
        assert.equal((await ok('GET', '/devices/b-1')).active, false);
        await bulk(['b-1'], 'UPDATE_STATUS', { status: 'ACTIVE' });
        assert.equal((await ok('GET', '/devices/b-1')).active, true);
        assert.deepEqual((await eventsOf('b-1')).filter((t) => t === 'DEVICE_UPDATED').length, 4);
    });

    test('stops and starts who may send', async () => {
        const device = await server.device(token, 'b-sender');
        await bulk(['b-sender'], 'DISABLE');
        assert.ok([401, 403].includes((await server.call('POST', '/ingest/b-sender', { device: device.apiToken, body: { x: 1 } })).status));
        await bulk(['b-sender'], 'ENABLE');
        await server.ok('POST', '/ingest/b-sender', { device: device.apiToken, body: { x: 1 } });
    });

    test('gives and takes tags and groups', async () => {
        for (const name of ['l-1', 'l-2']) await server.device(token, name);
        const group = await ok('POST', '/device-groups', { name: 'bulk' });
        const tags = async (name) => (await ok('GET', `/devices/${name}`)).tags.map((t) => t.name);
        await bulk(['l-1', 'l-2'], 'ASSIGN_TAGS', { tags: ['x', 'y'] });
        assert.deepEqual(await tags('l-2'), ['x', 'y']);
        await bulk(['l-1', 'l-2'], 'REMOVE_TAGS', { tags: ['x', 'never there'] });
        assert.deepEqual(await tags('l-1'), ['y']);
        await bulk(['l-1', 'l-2'], 'ASSIGN_GROUP', { groupId: group.id });
        assert.equal((await ok('GET', `/device-groups/${group.id}`)).deviceCount, 2);
        await bulk(['l-1'], 'REMOVE_FROM_GROUP', { groupId: group.id });
        assert.deepEqual((await ok('GET', `/device-groups/${group.id}`)).deviceIds, ['l-2']);
        const foreign = await ok('POST', '/device-groups', { name: 'bulk' }, stranger);
        problem(await call('POST', '/devices/bulk', { deviceIds: ['l-1'], operation: 'ASSIGN_GROUP', parameters: { groupId: foreign.id } }), 404);
        assert.equal((await ok('GET', '/device-tags')).filter((t) => t.name === 'never there').length, 0);
    });

    test('that passes a limit of one device is that device\'s failure', async () => {
        for (const name of ['full', 'room']) await server.device(token, name);
        await ok('PUT', '/devices/full', { tags: Array.from({ length: 100 }, (_, i) => `f${i}`) });
        const report = await bulk(['full', 'room'], 'ASSIGN_TAGS', { tags: ['one more'] });
        assert.deepEqual([report.successfulDeviceIds, Object.keys(report.failedDevices)], [['room'], ['full']]);
        assert.equal((await ok('GET', '/devices/full')).tags.length, 100);
    });

    test('takes a thousand devices, and not one more', async () => {
        const rows = Array.from({ length: 1000 }, (_, i) => `t-${i}`);
        await server.ok('POST', '/import/devices/csv', { token, headers: { 'content-type': 'text/csv' }, body: `externalId\n${rows.join('\n')}\n` });
        assert.equal((await bulk(rows, 'DELETE')).successCount, 1000);
        problem(await call('GET', '/devices/t-999'), 404);
        problem(await call('POST', '/devices/bulk', { deviceIds: [...rows, 'x'], operation: 'ENABLE' }), 400, 'errors');
    });

    test('that is wrong is 400 by field', async () => {
        await server.device(token, 'w-1');
        for (const [body, field] of [[{}, 'operation'], [{ deviceIds: ['w-1'] }, 'operation'], [{ deviceIds: ['w-1'], operation: 'EXPLODE' }, 'operation'], [{ operation: 'ENABLE' }, 'deviceIds'], [{ deviceIds: [], operation: 'ENABLE' }, 'deviceIds'], [{ deviceIds: 'w-1', operation: 'ENABLE' }, 'deviceIds'], [{ deviceIds: [5], operation: 'ENABLE' }, 'deviceIds'],
            [{ deviceIds: ['w-1'], operation: 'ASSIGN_TAGS' }, 'body'], [{ deviceIds: ['w-1'], operation: 'ASSIGN_TAGS', parameters: {} }, 'tags'], [{ deviceIds: ['w-1'], operation: 'ASSIGN_TAGS', parameters: { tags: [''] } }, 'tags'], [{ deviceIds: ['w-1'], operation: 'ASSIGN_GROUP', parameters: { groupId: 'x' } }, 'groupId'], [{ deviceIds: ['w-1'], operation: 'UPDATE_STATUS', parameters: { status: 'SLEEPY' } }, 'status']]) {
            const said = problem(await call('POST', '/devices/bulk', body), 400, 'errors');
            assert.ok(said.errors[field], JSON.stringify([body, said.errors]));
        }
    });
});

describe('devices from a file', () => {
    const csv = (text, headers = { 'content-type': 'text/csv' }, who = token) => server.call('POST', '/import/devices/csv', { token: who, headers, body: text });

    test('are made and changed, row by row', async () => {
        await ok('POST', '/devices', { externalId: 'c-old', name: 'Old', location: 'kept', sensorType: 'changed' });
        const answer = await csv(['externalId,name,location,sensorType,firmwareVersion,status,latitude,longitude,altitude',
            'c-1,"Meter, ""one""",Room 101,METER,v2.1,ACTIVE,40.7128,-74.0060,10.5', 'c-old,Renamed,,NEW,,,,,', 'c-off,,,,,inactive,,,', ',no id,,,,,,,', 'c-bad,,,,,,95,0,', 'c-worse,,,,,,north,0,', 'c-what,,,,,SLEEPY,,,', 'c-short,x', 'c-1,Twice,,,,UNKNOWN,,,'].join('\r\n'));
        assert.equal(answer.status, 200, answer.text);
        shape(answer.json, IMPORT);
        assert.deepEqual([answer.json.success, answer.json.totalRecords, answer.json.successCount, answer.json.failureCount], [false, 9, 4, 5]);
        for (const row of answer.json.results) shape(row, 'line,externalId,result,error');
        assert.deepEqual(answer.json.results.map((r) => [r.line, r.result]), [[2, 'created'], [3, 'updated'], [4, 'created'], [5, 'failed'], [6, 'failed'], [7, 'failed'], [8, 'failed'], [9, 'failed'], [10, 'updated']]);
        assert.match(answer.json.errors[1], /^line 6: latitude /);
        const made = await ok('GET', '/devices/c-1');
        assert.deepEqual([made.name, made.location, made.sensorType, made.firmwareVersion, made.active, made.latitude, made.longitude, made.altitude], ['Twice', 'Room 101', 'METER', 'v2.1', true, 40.7128, -74.006, 10.5]);
        const old = await ok('GET', '/devices/c-old');
        assert.deepEqual([old.name, old.location, old.sensorType], ['Renamed', 'kept', 'NEW']);
        assert.equal((await ok('GET', '/devices/c-off')).active, false);
        for (const name of ['c-bad', 'c-worse', 'c-what', 'c-short']) problem(await call('GET', `/devices/${name}`), 404);
        assert.deepEqual(await eventsOf('c-old'), ['DEVICE_UPDATED', 'DEVICE_CREATED']);
        const token1 = await ok('POST', '/devices/c-1/token/generate');
        await server.ok('POST', '/ingest/c-1', { device: token1.token, body: { x: 1 } });
    });

    test('come as a form, too', async () => {
        const body = '--b\r\nContent-Disposition: form-data; name="file"; filename="d.csv"\r\n\r\nEXTERNALID,Name\nc-form,Form\n\r\n--b--\r\n';
        const answer = await csv(body, { 'content-type': 'multipart/form-data; boundary=b' });
        assert.deepEqual([answer.status, answer.json.successCount], [200, 1], answer.text);
    });

    test('that cannot be read are refused whole', async () => {
        for (const text of ['', 'name\nx\n', 'externalId,color\nx,y\n', 'externalId,externalId\nx,y\n']) problem(await csv(text), 400);
        problem(await csv(`externalId\n${'c-x\n'.repeat(10_001)}`), 413);
        problem(await call('GET', '/devices/c-x'), 404);
        const most = await csv(`externalId\n${'c-same\n'.repeat(10_000)}`);
        assert.deepEqual([most.status, most.json?.successCount], [200, 10_000]);
    });
});

describe('the place of a device', () => {
    test('is said, read, listed and forgotten', async () => {
        const device = await server.device(token, 'p-1');
        await server.device(token, 'p-nowhere');
        for (const id of ['p-1', device.id]) {
            const said = await ok('PUT', `/locations/devices/${id}`, { latitude: 52.5, longitude: 13.4, altitude: 34 });
            shape(said, PLACE);
            assert.deepEqual([said.deviceId, said.latitude, said.longitude, said.altitude, said.status], [device.id, 52.5, 13.4, 34, 'UNKNOWN']);
            assert.ok(Math.abs(Date.parse(said.locationUpdatedAt) - Date.now()) < 5000);
            assert.deepEqual(await ok('GET', `/locations/devices/${id}`), said);
        }
        const list = await ok('GET', '/locations');
        assert.ok(list.some((p) => p.externalId === 'p-1') && !list.some((p) => p.externalId === 'p-nowhere'));
        shape(await ok('GET', '/locations?page=0&size=1'), PAGE);
        assert.equal((await ok('GET', '/devices/p-1')).latitude, 52.5);
        assert.equal((await call('DELETE', '/locations/devices/p-1')).status, 204);
        const gone = await ok('GET', '/locations/devices/p-1');
        assert.deepEqual([gone.latitude, gone.longitude, gone.locationUpdatedAt], [null, null, null]);
        for (const [body, field] of [[{}, 'latitude'], [{ latitude: 1 }, 'longitude'], [{ latitude: 90.1, longitude: 0 }, 'latitude'], [{ latitude: 0, longitude: -180.1 }, 'longitude'], [{ latitude: 'x', longitude: 0 }, 'latitude'], [{ latitude: 0, longitude: 0, altitude: 2e6 }, 'altitude']]) {
            assert.ok(problem(await call('PUT', '/locations/devices/p-1', body), 400, 'errors').errors[field], field);
        }
        await ok('PUT', '/locations/devices/p-1', { latitude: 90, longitude: -180 });
    });
});

describe('a deleted device', () => {
    test('comes back with everything but its token', async () => {
        const made = await ok('POST', '/devices', { externalId: 'r-1', name: 'Returner', tags: ['blue'], latitude: 1, longitude: 2 });
        await server.ok('POST', '/ingest/r-1', { device: made.apiToken, body: { t: 42 } });
        assert.equal((await call('DELETE', '/devices/r-1')).status, 204);
        const listed = (await ok('GET', '/devices?deleted=true')).find((d) => d.id === made.id);
        shape(listed, `${DEVICE},deletedAt,restorableUntil`);
        problem(await call('GET', '/devices?deleted=perhaps'), 400);
        assert.equal(Date.parse(listed.restorableUntil) - Date.parse(listed.deletedAt), 7 * 24 * 3600_000);
        const back = await ok('POST', `/devices/${made.id}/restore`);
        shape(back, DEVICE);
        assert.deepEqual([back.id, back.name, back.tags.map((t) => t.name), back.latitude, back.status], [made.id, 'Returner', ['blue'], 1, 'ONLINE']);
        assert.deepEqual(await ok('GET', '/devices/r-1/variables/latest'), { t: 42 });
        assert.equal((await ok('GET', '/data/query?deviceId=r-1')).length, 1);
        assert.equal((await server.call('POST', '/ingest/r-1', { device: made.apiToken, body: { t: 1 } })).status, 401);
        const fresh = await ok('POST', '/devices/r-1/token/generate');
        await server.ok('POST', '/ingest/r-1', { device: fresh.token, body: { t: 43 } });
        assert.equal((await ok('GET', '/data/latest/r-1')).t, 43);
        problem(await call('POST', `/devices/${made.id}/restore`), 404);
        assert.ok((await eventsOf('r-1')).includes('DEVICE_RESTORED'));
    });

    test('whose name was taken says what to do, and doing it works', async () => {
        const first = await server.device(token, 'r-name');
        assert.equal((await call('DELETE', '/devices/r-name')).status, 204);
        const second = await server.device(token, 'r-name');
        assert.notEqual(first.id, second.id);
        const refused = problem(await call('POST', `/devices/${first.id}/restore`), 409);
        assert.match(refused.detail, /r-name/);
        assert.equal((await ok('GET', '/devices/r-name')).id, second.id);
        assert.equal((await call('DELETE', '/devices/r-name')).status, 204);
        assert.equal((await ok('POST', `/devices/${first.id}/restore`)).id, first.id);
        assert.equal((await ok('GET', '/devices/r-name')).id, first.id);
    });

    test('by name means the one that was deleted last', async () => {
        await server.device(token, 'r-last');
        await call('DELETE', '/devices/r-last');
        const last = await server.device(token, 'r-last');
        await call('DELETE', '/devices/r-last');
        assert.equal((await ok('POST', '/devices/r-last/restore')).id, last.id);
    });

    test('that is foreign, missing or alive is missing', async () => {
        const theirs = await server.device(stranger, 'r-theirs');
        await call('DELETE', '/devices/r-theirs', undefined, stranger);
        await server.device(token, 'r-alive');
        const bare = (answer) => answer.text.replaceAll(/"(instance|requestId)":"[^"]*"/g, '');
        const answers = await Promise.all([theirs.id, randomUUID(), 'r-alive', 'x'].map((id) => call('POST', `/devices/${id}/restore`)));
        for (const answer of answers) assert.deepEqual([answer.status, bare(answer)], [404, bare(answers[0])]);
        assert.ok(!(await ok('GET', '/devices?deleted=true')).some((d) => d.id === theirs.id));
    });

    test('comes back after a restart, too', async () => {
        const own = await startServer({ dir: server.dir + '-again' });
        const { accessToken } = await own.register();
        const made = await own.device(accessToken, 'r-restart');
        await own.ok('POST', '/ingest/r-restart', { device: made.apiToken, body: { t: 7 } });
        await own.call('DELETE', '/devices/r-restart', { token: accessToken });
        await own.stop();
        const again = await startServer({ dir: own.dir });
        const back = await again.ok('POST', `/devices/${made.id}/restore`, { token: accessToken });
        assert.equal(back.status, 'ONLINE');
        assert.deepEqual(await again.ok('GET', '/devices/r-restart/variables/latest', { token: accessToken }), { t: 7 });
        again.keepDir = false;
        await again.stop();
    });
});
