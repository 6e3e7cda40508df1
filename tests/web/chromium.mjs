// Drives Debian's headless Chromium over --remote-debugging-pipe: DevTools messages as JSON between NUL
// bytes on descriptors 3 and 4. Everything the page's tests need and nothing else; no package, no port.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const DEADLINE_MS = 15_000;

export async function startChromium() {
    const profile = mkdtempSync(join(tmpdir(), 'sensorvision-chromium-'));
    const child = spawn('/usr/bin/chromium', ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
        '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
        '--disable-dev-shm-usage', '--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank'],
        { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    const connection = connect(child.stdio[3], child.stdio[4]);
    const exited = new Promise((resolve) => child.once('exit', resolve));
    return {
        newPage: (options) => newPage(connection, options),
        async close() {
            await connection.send('Browser.close').catch(() => {});
            await exited;
            rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
        },
    };
}

function connect(out, input) {
    const waiting = new Map();
    const listeners = new Set();
    let next = 1, rest = '';
    input.setEncoding('utf8');
    input.on('data', (chunk) => {
        const parts = (rest + chunk).split('\0');
        rest = parts.pop();
        for (const part of parts) {
            const message = JSON.parse(part);
            if (message.id === undefined) {
                for (const listener of listeners) listener(message);
                continue;
            }
            const { resolve, reject } = waiting.get(message.id);
            waiting.delete(message.id);
            if (message.error) reject(new Error(message.error.message));
            else resolve(message.result);
        }
    });
    input.on('close', () => {
        for (const { reject } of waiting.values()) reject(new Error('Chromium has ended'));
        waiting.clear();
    });
    out.on('error', () => {});
    return {
        listeners,
        send(method, params = {}, sessionId = undefined) {
            return new Promise((resolve, reject) => {
                const id = next++;
                waiting.set(id, { resolve, reject });
                out.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
            });
        },
    };
}

// A tab of its own browser context: no cookies or storage of another test.
async function newPage(connection, { width = 1200, height = 800, dark = false } = {}) {
    const { browserContextId } = await connection.send('Target.createBrowserContext');
    const { targetId } = await connection.send('Target.createTarget', { url: 'about:blank', browserContextId });
    const { sessionId } = await connection.send('Target.attachToTarget', { targetId, flatten: true });
    const send = (method, params) => connection.send(method, params, sessionId);
    const page = new Page(send);
    connection.listeners.add((message) => { if (message.sessionId === sessionId) page.note(message); });
    for (const domain of ['Page', 'Runtime', 'Network', 'Log', 'Audits']) await send(`${domain}.enable`);
    await send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
    await page.useTheme(dark);
    return page;
}

class Page {
    constructor(send) {
        this.send = send;
        this.problems = []; // uncaught errors, console errors, refused by the content security policy
    }

    note({ method, params }) {
        if (method === 'Runtime.exceptionThrown') this.problems.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
        if (method === 'Audits.issueAdded' && params.issue.code === 'ContentSecurityPolicyIssue') this.problems.push(JSON.stringify(params.issue.details));
        if (method === 'Log.entryAdded' && params.entry.source === 'security') this.problems.push(params.entry.text);
    }

    useTheme(dark) {
        return this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] });
    }

    async open(url) {
        await this.send('Page.navigate', { url });
        await this.until(() => document.readyState === 'complete');
    }

    // Runs a function in the page; arguments and result travel as JSON.
    async run(action, ...args) {
        const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
            expression: `(${action})(...${JSON.stringify(args)})`, awaitPromise: true, returnByValue: true, userGesture: true });
        if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
        return result.value;
    }

    // Until the function answers something true; that is the result.
    async until(action, ...args) {
        const end = Date.now() + DEADLINE_MS;
        for (;;) {
            const value = await this.run(action, ...args).catch((error) => {
                if (!/context|navigat/i.test(error.message)) throw error; // between two documents
                return false;
            });
            if (value) return value;
            if (Date.now() > end) {
                const text = await this.run(() => document.body.innerText).catch(() => '');
                throw new Error(`never true: ${action} ${JSON.stringify(args)}\nthe page says:\n${text}\nproblems: ${this.problems}`);
            }
            await new Promise((resolve) => { setTimeout(resolve, 30); });
        }
    }

    // Waits for visible text anywhere on the page.
    says(text) { return this.until((wanted) => document.body?.innerText.includes(wanted), text); }

    // A real click in the middle of the element, after scrolling to it.
    async click(selector) {
        const at = await this.until((s) => {
            const element = document.querySelector(s);
            if (!element || !element.checkVisibility()) return false;
            element.scrollIntoView({ block: 'center' });
            const box = element.getBoundingClientRect();
            return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
        }, selector);
        for (const type of ['mousePressed', 'mouseReleased']) {
            await this.send('Input.dispatchMouseEvent', { type, ...at, button: 'left', clickCount: 1 });
        }
    }

    moveTo(x, y) { return this.send('Input.dispatchMouseEvent', { type: 'mouseMoved', x, y }); }

    async type(selector, text) {
        await this.until((s) => document.querySelector(s)?.checkVisibility(), selector);
        await this.run((s) => { const input = document.querySelector(s); input.focus(); input.select(); }, selector);
        await this.send('Input.insertText', { text });
    }

    async press(key, code = 0) {
        const text = key === 'Enter' ? '\r' : undefined;
        await this.send('Input.dispatchKeyEvent', { type: 'keyDown', key, windowsVirtualKeyCode: code, text });
        await this.send('Input.dispatchKeyEvent', { type: 'keyUp', key, windowsVirtualKeyCode: code });
    }

    offline(yes) {
        return this.send('Network.emulateNetworkConditions', { offline: yes, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
    }

    resize(width, height) {
        return this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
    }

    async screenshot(file) {
        const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
        writeFileSync(file, Buffer.from(data, 'base64'));
    }
}
