// The page at "/", in Chromium, against the started server: from nothing to a live chart, and every state
// it can be in. Screenshots go to build/web/ for whoever wants to look.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { startServer } from '../system/server.mjs';
import { startChromium } from './chromium.mjs';

const shots = new URL('../../build/web/', import.meta.url).pathname;
let server, chromium;
before(async () => {
    mkdirSync(shots, { recursive: true });
    [server, chromium] = await Promise.all([startServer(), startChromium()]);
});
after(async () => { await chromium?.close(); await server?.stop(); });

// A page of a fresh organisation, logged in, with one device that has sent ten minutes of values.
async function boardOf(options) {
    const user = await server.register();
    const device = await server.device(user.accessToken, 'boiler');
    const now = Date.now();
    const body = Array.from({ length: 600 }, (_, i) => ({ deviceId: 'boiler', timestamp: now - (600 - i) * 1000, variables: { temperature: 60 + Math.sin(i / 40) * 5, pressure: 1 + i / 1000 } }));
    await server.ok('POST', '/data/bulk', { device: device.apiToken, body });
    const page = await chromium.newPage(options);
    await page.open(`${server.url}/`);
    await page.type('#login-form [name=username]', user.username);
    await page.type('#login-form [name=password]', user.password);
    await page.click('#login-form button.main');
    await page.says('boiler');
    await page.says('Live');
    return { user, device, page };
}
const ruleOf = (user, rule) => server.ok('POST', '/rules', { token: user.accessToken, body: { name: 'r', deviceId: 'boiler', variable: 'temperature', operator: 'GT', threshold: 90, enabled: true, ...rule } });
// The page that is asked about afterwards is the new one.
async function reload(page) {
    await page.run(() => { window.before = true; location.reload(); });
    await page.until(() => !window.before && document.readyState === 'complete');
}
const drawn = (page) => page.until(() => {
    const canvas = document.getElementById('chart');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width || 1, canvas.height || 1);
    let inked = 0;
    for (let i = 3; i < data.length; i += 4) inked += data[i] > 0;
    return inked > 2000;
});

describe('the page', () => {
    test('leads from sign-up to the first point: register, add a device, run the line it shows', async () => {
        const page = await chromium.newPage();
        await page.open(`${server.url}/`);
        await page.click('[data-show=register]');
        const form = { username: 'newcomer', email: 'newcomer@example.org', password: 'correct horse battery', firstName: 'New', lastName: 'Comer', organizationName: 'Workshop' };
        for (const [name, value] of Object.entries(form)) await page.type(`#register-form [name=${name}]`, value);
        await page.click('#register-form button.main');
        await page.says('No devices yet');
        await page.says('newcomer, Workshop');
        await page.screenshot(`${shots}empty.png`);
        await page.click('#add');
        await page.type('#add-form [name=externalId]', 'boiler-1');
        await page.click('#add-form button.main');
        await page.says('shown this once');
        const line = await page.run(() => document.getElementById('snippet').textContent);
        await page.screenshot(`${shots}snippet.png`);
        const { stdout } = await promisify(execFile)('bash', ['-c', line]);
        assert.match(stdout, /"success":true/);
        await page.says('temperature 23.5');
        await page.says('online');
        assert.deepEqual(page.problems, []);
    });

    test('shows history and then live values', async () => {
        const { device, page } = await boardOf();
        await page.says('temperature');
        await drawn(page);
        await page.screenshot(`${shots}board.png`);
        await server.ok('POST', '/ingest/boiler', { device: device.apiToken, body: { temperature: 77.125 } });
        await page.says('77.125');
        await page.click('#values tr:last-child button');
        await page.until(() => document.querySelector('#values tr:last-child button').getAttribute('aria-pressed') === 'true');
        assert.match(await page.run(() => location.hash), /variable=pressure/);
        assert.deepEqual(page.problems, []);
    });

    test('shows an alert when it is raised, takes an acknowledgement, and lets it go when it is over', async () => {
        const { user, device, page } = await boardOf();
        const send = (temperature) => server.ok('POST', '/ingest/boiler', { device: device.apiToken, body: { temperature } });
        await page.says('No open alerts');
        await ruleOf(user, { name: 'Too hot' });
        await send(120);
        await page.until(() => document.querySelector('#alerts li .seen:not([hidden])'));
        await page.says('1 open, 1 new');
        const { message, severity } = (await server.ok('GET', '/alerts', { token: user.accessToken }))[0];
        await page.says(message);
        await page.says(severity.toLowerCase());
        await page.screenshot(`${shots}alert.png`);
        await page.click('#alerts li .seen');
        await page.says('acknowledged');
        await page.says('1 open, 0 new');
        assert.equal((await server.ok('GET', '/alerts?openOnly=true', { token: user.accessToken }))[0].acknowledged, true);
        await send(60);
        await page.says('No open alerts');
        assert.deepEqual(page.problems, []);
    });

    test('shows alerts that were raised before it came and while it was away, the most urgent first', async () => {
        const { user, device, page } = await boardOf();
        const send = (body) => server.ok('POST', '/ingest/boiler', { device: device.apiToken, body });
        await ruleOf(user, { name: 'Warm', threshold: 100 });
        await ruleOf(user, { name: 'High pressure', variable: 'pressure', threshold: 2 });
        await page.says('No open alerts');
        await page.offline(true);
        await page.says('Offline');
        await send({ temperature: 101, pressure: 50 });
        await page.offline(false);
        await page.says('2 open, 2 new');
        const severities = () => page.run(() => [...document.querySelectorAll('#alerts .severity')].map((one) => one.textContent));
        assert.deepEqual(await severities(), ['critical', 'low']);
        await page.click('#alerts li .seen'); // what somebody has seen goes behind what nobody has
        await page.until(() => [...document.querySelectorAll('#alerts .severity')].map((one) => one.textContent).join() === 'low,critical');
        await reload(page);
        await page.says('2 open, 1 new');
        assert.deepEqual(await severities(), ['low', 'critical']);
        await page.click('#alerts li .link');
        await page.until(() => document.getElementById('device-title').textContent === 'boiler');
    });

    test('reads the chart by mouse and by keyboard', async () => {
        const { page } = await boardOf();
        await drawn(page);
        const box = await page.run(() => { const c = document.getElementById('chart'); c.scrollIntoView({ block: 'center' }); const b = c.getBoundingClientRect(); return { x: b.right - 20, y: b.y + b.height / 2 }; });
        await page.moveTo(box.x, box.y);
        await page.until(() => /: \d/.test(document.getElementById('reading').textContent));
        await page.run(() => document.getElementById('chart').focus());
        await page.press('Home', 36);
        const first = await page.until(() => document.getElementById('reading').textContent);
        await page.press('ArrowRight', 39);
        await page.until((before1) => document.getElementById('reading').textContent !== before1, first);
    });

    test('says what is wrong with a login, a registration and a device', async () => {
        const page = await chromium.newPage();
        await page.open(`${server.url}/`);
        await page.type('#login-form [name=username]', 'nobody');
        await page.type('#login-form [name=password]', 'wrong password 1');
        await page.press('Enter', 13);
        await page.says('Invalid');
        await page.screenshot(`${shots}refused.png`);
        const user = await server.register();
        await page.click('[data-show=register]');
        for (const [name, value] of Object.entries({ username: user.username, email: 'other@example.org', password: 'correct horse battery', firstName: 'a', lastName: 'b' })) await page.type(`#register-form [name=${name}]`, value);
        await page.click('#register-form button.main');
        await page.until(() => !document.querySelector('#register-form .notice').hidden);
    });

    test('fills the gap of a lost connection', async () => {
        const { device, page } = await boardOf();
        await drawn(page);
        await page.offline(true);
        await page.says('Offline');
        await page.screenshot(`${shots}offline.png`);
        await server.ok('POST', '/ingest/boiler', { device: device.apiToken, body: { temperature: 91.5, fresh: 1 } });
        await page.offline(false);
        await page.says('Live');
        await page.says('91.5');
    });

    test('comes back after the server did', async () => {
        const own = await startServer();
        const user = await own.register();
        const device = await own.device(user.accessToken, 'again');
        const page = await chromium.newPage();
        await page.open(`${own.url}/`);
        await page.type('#login-form [name=username]', user.username);
        await page.type('#login-form [name=password]', user.password);
        await page.press('Enter', 13);
        await page.says('Live');
        own.keepDir = true;
        await own.stop();
        await page.says('Connection lost');
        const next = await startServer({ dir: own.dir, port: own.port });
        try {
            await page.says('Live');
            await next.ok('POST', '/ingest/again', { device: device.apiToken, body: { x: 4242 } });
            await page.says('4242');
        } finally {
            next.keepDir = false;
            await next.stop();
        }
    });

    test('ends with the session', async () => {
        const { user, page } = await boardOf();
        const passwords = { currentPassword: user.password, newPassword: `${user.password} 2` };
        await server.ok('POST', '/auth/change-password', { token: user.accessToken, body: passwords }); // ends every session
        await page.says('Your session has ended');
    });

    test('logs out, and stays out after a reload', async () => {
        const { page } = await boardOf();
        await page.click('#logout');
        await page.says('Password');
        await reload(page);
        await page.says('Password');
        assert.equal(await page.run(() => document.getElementById('board').hidden), true);
    });

    for (const dark of [false, true]) {
        test(`fits 360 pixels, ${dark ? 'dark' : 'light'}, readable`, async () => {
            const { user, device, page } = await boardOf({ width: 360, height: 780, dark });
            await ruleOf(user, { name: 'A rule with a rather long name, to see where it breaks' });
            await server.ok('POST', '/ingest/boiler', { device: device.apiToken, body: { temperature: 100 } });
            await page.says('1 open, 1 new');
            await drawn(page);
            await page.screenshot(`${shots}narrow-${dark ? 'dark' : 'light'}.png`);
            assert.ok(await page.run(() => document.documentElement.scrollWidth <= innerWidth), 'no sideways scrolling');
            // WCAG AA: 4.5 to 1 for every visible text against what is behind it.
            const faint = await page.run(() => {
                const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
                const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
                const behind = (element) => {
                    for (let at = element; at; at = at.parentElement) {
                        const colour = parts(getComputedStyle(at).backgroundColor);
                        if (colour.length < 4 || colour[3] > 0) return colour;
                    }
                    return [255, 255, 255];
                };
                return [...document.querySelectorAll('body *')].filter((e) => e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).map((e) => {
                    const [a, b] = [light(parts(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
                    return { text: e.textContent.slice(0, 30), ratio: (a + 0.05) / (b + 0.05) };
                }).filter(({ ratio }) => ratio < 4.5);
            });
            assert.deepEqual(faint, []);
        });
    }

    test('names every control for those who do not see it', async () => {
        const { user, device, page } = await boardOf();
        await ruleOf(user, {});
        await server.ok('POST', '/ingest/boiler', { device: device.apiToken, body: { temperature: 100 } });
        await page.says('1 open, 1 new');
        const nameless = await page.run(() => [...document.querySelectorAll('button, input, canvas, a, section')]
            .filter((e) => !(e.textContent.trim() || e.ariaLabel || e.labels?.length || e.getAttribute('aria-labelledby')))
            .map((e) => e.outerHTML.slice(0, 80)));
        assert.deepEqual(nameless, []);
        assert.equal(await page.run(() => document.documentElement.lang), 'en');
    });
});
