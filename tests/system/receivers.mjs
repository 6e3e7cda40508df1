// Real receivers of notifications: an HTTP server whose paths say how it behaves, and a mail server.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { createInterface } from 'node:readline';

const DEADLINE_MS = 15_000;

// Polls until probe() gives something; it may be async.
export async function eventually(what, probe, deadline = DEADLINE_MS) {
    for (const end = Date.now() + deadline; ;) {
        const found = await probe();
        if (found) return found;
        if (Date.now() > end) throw new Error(`never: ${what}`);
        await new Promise((resolve) => { setTimeout(resolve, 10); });
    }
}

// By the last part of the path: ok, 500, gone, redirect, half, reset, big, hang, flaky (500 twice for each
// delivery), later (503 and Retry-After once for each), gate (500 until `open`).
export class Receiver {
    got = []; // {path, headers, body (Buffer), json}
    hanging = [];
    open = false;

    static async start(host = '127.0.0.1', port = 0) {
        const r = new Receiver();
        r.server = http.createServer((request, response) => {
            const parts = [];
            request.on('data', (part) => parts.push(part));
            request.on('end', () => r.answer(request, Buffer.concat(parts), response));
        }).listen(port, host);
        await once(r.server, 'listening');
        r.port = r.server.address().port;
        r.url = `http://${host.includes(':') ? `[${host}]` : host}:${r.port}`;
        return r;
    }

    answer(request, body, response) {
        const path = request.url.split('?')[0];
        const delivery = request.headers['x-sensorvision-delivery'];
        const before = this.got.filter((one) => one.headers['x-sensorvision-delivery'] === delivery).length;
        this.got.push({ path, headers: request.headers, body, json: JSON.parse(body.toString('utf8')) });
        const end = (status, headers = {}) => response.writeHead(status, headers).end('a body that nobody reads');
        switch (path.split('/').at(-1)) {
        case '500': return end(500);
        case 'gate': this.got.at(-1).taken = this.open; return end(this.open ? 200 : 500);
        case 'gone': return end(410);
        case 'redirect': return end(302, { location: `${this.url}/redirected/ok` });
        case 'half': response.writeHead(200, { 'content-length': 100 }); response.write('a'); return setImmediate(() => response.destroy());
        case 'reset': return request.socket.destroy();
        case 'big': response.writeHead(200); response.on('error', () => {}); return response.end(Buffer.alloc(8 << 20, 97));
        case 'hang': return this.hanging.push(response);
        case 'flaky': return end(before < 2 ? 500 : 200);
        case 'later': return before < 1 ? end(503, { 'retry-after': '1' }) : end(200);
        default: return end(200);
        }
    }

    at(path) { return this.got.filter((one) => one.path === path); }

    wait(path, n = 1) {
        return eventually(`${n} requests at ${path}`, () => this.at(path).length >= n && this.at(path));
    }

    async stop() {
        this.server.closeAllConnections();
        this.server.close();
        await once(this.server, 'close');
    }
}

// As docs/notifications.md tells receivers to do it.
export function isGenuine(secret, headers, body) {
    const time = headers['x-sensorvision-timestamp'] ?? '';
    const given = Buffer.from(headers['x-sensorvision-signature'] ?? '');
    const wanted = Buffer.from(`sha256=${createHmac('sha256', secret).update(`${time}.`).update(body).digest('hex')}`);
    return given.length === wanted.length && timingSafeEqual(given, wanted) && Math.abs(Date.now() / 1000 - time) < 300;
}

// aiosmtpd, see mail_server.py.
export class MailServer {
    mails = [];

    static async start(...args) {
        const m = new MailServer();
        m.child = spawn('/usr/bin/python3', [new URL('mail_server.py', import.meta.url).pathname, ...args]);
        m.log = '';
        m.child.stderr.setEncoding('utf8').on('data', (text) => { m.log += text; });
        const lines = createInterface(m.child.stdout);
        const ready = new Promise((resolve, reject) => {
            m.child.once('close', () => reject(new Error(`no mail server: ${m.log}`)));
            lines.on('line', (line) => {
                const said = JSON.parse(line);
                if (said.ready) resolve(said.ready);
                else m.mails.push(said);
            });
        });
        m.port = await ready;
        return m;
    }

    to(address) { return this.mails.filter((mail) => mail.to[0] === address); }

    async wait(address, n = 1) {
        return eventually(`${n} mails to ${address}: ${this.log}`, () => this.to(address).length >= n && this.to(address));
    }

    async stop() {
        this.child.stdin.end();
        if (this.child.exitCode === null) await once(this.child, 'close');
        assert.equal(this.child.exitCode, 0, this.log);
    }
}

// A device with a rule on `x` above 80: alarm() raises an alert of its own severity, calm() resolves it.
export async function machine(server, token, name = 'pump-1') {
    const device = await server.device(token, name);
    const rule = await server.ok('POST', '/rules', { token, body: { name: `Hot ${name}`, deviceId: name, variable: 'x', operator: 'GT', threshold: 80, cooldownMinutes: 0 } });
    const send = (x) => server.ok('POST', `/ingest/${name}`, { device: device.apiToken, body: { x } });
    return { device, rule, alarm: (x = 300) => send(x), calm: () => send(1) };
}
