// Starts the built server on loopback in a temporary directory, and stops it by its pid.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const BINARY = process.env.SENSORVISION ?? 'build/release/sensorvision';
export const ADMIN = { username: 'root', password: 'correct horse battery' };

export async function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

export function temporaryDirectory(prefix = 'sensorvision-test-') {
  const dir = mkdtempSync(path.join(tmpdir(), prefix));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

// One request; never throws for a status, only when there is no answer.
export function request(port, method, target, { body, headers = {}, agent } = {}) {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined
      : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const req = http.request({
      host: '127.0.0.1', port, method, path: target, agent,
      headers: {
        ...(payload !== undefined && !('Content-Type' in headers) ? { 'Content-Type': 'application/json' } : {}),
        ...(payload !== undefined ? { 'Content-Length': Buffer.byteLength(payload) } : {}),
        ...headers,
      },
    }, (res) => {
      const parts = [];
      res.on('data', (part) => parts.push(part));
      res.on('error', reject);
      res.on('aborted', () => reject(new Error('answer cut')));
      res.on('end', () => {
        const text = Buffer.concat(parts).toString();
        let json;
        try { json = JSON.parse(text); } catch { json = undefined; }
        resolve({ status: res.statusCode, headers: res.headers, text, json });
      });
    });
    req.on('error', reject);
    if (payload !== undefined) req.write(payload);
    req.end();
  });
}

export class Server {
  static async start({ dir, port, args = [], env = {}, wait = true } = {}) {
    const s = new Server();
    s.port = port ?? await freePort();
    s.dir = dir;
    s.log = '';
    s.process = spawn(BINARY, ['serve', '--http', `127.0.0.1:${s.port}`, '--data', dir, ...args], {
      env: { ...process.env, ADMIN_EMAIL: `${ADMIN.username}@example.org`, ADMIN_PASSWORD: ADMIN.password, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    s.process.stderr.on('data', (part) => { s.log = (s.log + part).slice(-200000); });
    s.exited = new Promise((resolve) => s.process.once('exit', (code, signal) => resolve({ code, signal })));
    if (wait) await s.ready();
    return s;
  }

  async ready(deadlineMs = 30000) {
    const until = Date.now() + deadlineMs;
    for (;;) {
      try {
        const res = await request(this.port, 'GET', '/actuator/health');
        if (res.status === 200) return;
      } catch { /* not listening yet */ }
      if (this.process.exitCode !== null) throw new Error(`the server ended: ${this.log}`);
      if (Date.now() > until) throw new Error(`the server did not answer in time: ${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  request(method, target, options) {
    return request(this.port, method, target, options);
  }

  async login(user = ADMIN) {
    const res = await this.request('POST', '/api/v1/auth/login', { body: { username: user.username, password: user.password } });
    if (res.status !== 200) throw new Error(`login: ${res.status} ${res.text}`);
    return { Authorization: `Bearer ${res.json.accessToken}` };
  }

  kill() {
    this.process.kill('SIGKILL');
    return this.exited;
  }

  stop() {
    this.process.kill('SIGTERM');
    return this.exited;
  }
}
