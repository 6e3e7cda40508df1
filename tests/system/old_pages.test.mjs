// What the pages of the earlier platform's front end ask for, at their own pace, under default limits: never refused. They
// poll: a chart and a value every 30 seconds, a chart besides with each live reading of its device; the performance
// page three routes every 30 seconds. Ten minutes of all that are asked for at once here, which is harder than ten minutes:
// nothing is refilled meanwhile. The live socket is neither paced nor counted.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ADMIN, startServer } from './server.mjs';

const CHARTS = 12, VALUES = 8, MINUTES = 10;
const POLLS = 2; // of a widget or the performance page in a minute
const READINGS = 0.5; // of a device in a minute, at the pilot's pace: 2000 points a day, three at a time
const A_MINUTE = (CHARTS + VALUES) * POLLS + CHARTS * READINGS;
let server, token, devices;

before(async () => {
    server = await startServer({ limits: true });
    token = (await server.register()).accessToken;
    devices = Array.from({ length: 100 }, (_, i) => `meter-${i}`);
    const bulk = devices.map((deviceId) => ({ deviceId, variables: { kwConsumption: 1, voltage: 230, current: 4 } }));
    assert.equal((await server.call('POST', '/data/bulk', { token, body: bulk })).status, 200);
});
after(() => server?.stop());

// In parts, as a browser has few connections; answers how many there were.
async function all(who, paths) {
    for (let i = 0; i < paths.length; i += 25)
        await Promise.all(paths.slice(i, i + 25).map(async (path) => {
            const { status, text } = await server.call('GET', path, { token: who });
            assert.equal(status, 200, `${path}: ${status} ${text}`);
        }));
    return paths.length;
}
const times = (n, make) => Array.from({ length: n }, (_, i) => make(i));
const range = (minutes) => `from=${new Date(Date.now() - minutes * 60_000).toISOString()}&to=${new Date().toISOString()}`;
const chart = (i) => `/data/query?deviceId=${devices[i]}&${range(60)}`;
const value = (i) => `/data/latest/${devices[i]}`;
const usage = async () => (await server.ok('GET', '/pilot/usage', { token })).data;

describe('one user of the old pages', () => {
    test('goes through all of them at once, with a dashboard that asks for 900 numbers one by one', async () => {
        const pages = ['/auth/me', '/devices', `/data/latest?deviceIds=${devices.join(',')}`, '/dashboards/default', '/dashboards', '/rules', '/alerts', '/alerts?unacknowledgedOnly=true',
            '/events?page=0&size=50', '/global-rules', '/synthetic-variables', '/notifications/preferences', '/notifications/logs', '/webhooks', '/devices/locations'];
        const there = [];
        for (const path of pages) if ((await server.call('GET', path, { token })).status !== 404) there.push(path);
        assert.ok(there.length >= 10, there.join());
        await all(token, there);
        const numbers = devices.flatMap((id) => ['kwConsumption', 'voltage', 'current'].flatMap((variable) => ['AVG', 'MIN', 'MAX']
            .map((aggregation) => `/analytics/aggregate?deviceId=${id}&variable=${variable}&aggregation=${aggregation}&${range(24 * 60)}`)));
        assert.equal(await all(token, numbers), 900);
    });

    test('leaves a dashboard of twenty widgets open: ten minutes of it at once are not refused', async () => {
        const before = (await usage()).apiCallsToday;
        const asked = await all(token, times(MINUTES, () => [
            ...times(CHARTS * POLLS, (i) => chart(i % CHARTS)), ...times(CHARTS * READINGS, (i) => chart(i * 2)), ...times(VALUES * POLLS, (i) => value(i % VALUES)),
        ]).flat());
        assert.equal(asked, MINUTES * A_MINUTE);
        const { apiCallsToday, maxApiCallsPerDay } = await usage();
        if (apiCallsToday >= before) assert.ok(apiCallsToday - before <= asked + 2, `${apiCallsToday - before}`); // not so at midnight
        assert.ok(A_MINUTE * 24 * 60 < maxApiCallsPerDay, 'open day and night it stays within the organisation\'s calls of a day');
    });

    test('an administrator leaves the performance page open', async () => {
        const admin = await server.login(ADMIN.username, ADMIN.password);
        const page = ['metrics', 'health', 'cache/stats'].map((one) => `/pilot/performance/${one}`);
        assert.equal(await all(admin, times(MINUTES * POLLS, () => page).flat()), 60);
        const { status } = await server.call('GET', '/auth/me', { token: admin });
        assert.equal(status, 200);
    });
});

test('what is not paced like a page is refused, and says when to come back', async () => {
    const own = (await server.register()).accessToken;
    let refused;
    for (let i = 0; i < 60 && !refused; i++) // more than 1,100 within a minute, unless a minute is over before
        refused = (await Promise.all(times(100, () => server.call('GET', '/auth/me', { token: own })))).find((answer) => answer.status === 429);
    assert.ok(refused, 'never refused');
    assert.equal(refused.json.limit.name, 'rate-limiting.requests-per-minute');
    assert.ok(Number(refused.headers.get('retry-after')) >= 1);
});
