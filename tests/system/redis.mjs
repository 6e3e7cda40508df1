// A real Redis for a test: its own directory, reached through a socket in it, stopped by its pid.
import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { temporaryDir } from './server.mjs';

const PROGRAM = '/usr/bin/redis-check-rdb'; // the server by another name
export const hasRedis = existsSync(PROGRAM);

export class Redis {
    // port: of loopback as well; args: other than none of its own
    constructor({ port = 0, args = ['--save', ''] } = {}) {
        this.dir = temporaryDir();
        this.socket = join(this.dir, 'redis');
        this.url = `unix://${this.socket}`;
        this.args = ['--bind', '127.0.0.1', '--port', `${port}`, '--unixsocket', this.socket, '--dir', this.dir, ...args];
    }

    async start() {
        this.child = spawn(PROGRAM, this.args, { argv0: 'redis-server', stdio: 'ignore' });
        for (const end = Date.now() + 20_000; Date.now() < end;) {
            if (await this.answers()) return this;
            await new Promise((resolve) => { setTimeout(resolve, 10); });
        }
        throw new Error('Redis did not start');
    }

    answers() {
        return new Promise((resolve) => {
            const socket = net.connect(this.socket, () => socket.write('PING\r\n'));
            socket.once('data', () => { socket.destroy(); resolve(true); });
            socket.once('error', () => resolve(false));
        });
    }

    // One command on a connection of its own; what it answers is not looked at.
    tell(...args) {
        return new Promise((resolve, reject) => {
            const text = `*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(`${arg}`)}\r\n${arg}\r\n`).join('')}`;
            const socket = net.connect(this.socket, () => socket.write(text));
            socket.once('data', (answer) => { socket.destroy(); resolve(answer.toString()); });
            socket.once('error', reject);
        });
    }

    // Again and again, until it ends; what fails meanwhile is Redis's state, not the test's.
    keep(what, everyMs) {
        let going = true;
        const run = (async () => {
            while (going) {
                await what().catch(() => {});
                await new Promise((resolve) => { setTimeout(resolve, everyMs); });
            }
        })();
        this.harm = { stop: async () => { going = false; await run; } };
    }

    // Answers nobody for so long, then takes what came in, then again.
    slow(ms) { this.keep(() => this.tell('CLIENT', 'PAUSE', ms, 'ALL'), ms / 2); }

    // Every entry says what another one says: right bytes in the wrong place, and some that are cut short.
    lie() {
        this.keep(() => this.tell('EVAL', `local all = redis.call('KEYS', '*')
            local first = nil
            for i, key in ipairs(all) do
                if redis.call('TYPE', key).ok == 'string' then
                    local value = redis.call('GET', key)
                    if first then redis.call('SET', key, i % 3 == 0 and string.sub(value, 1, -5) or first) end
                    first = value
                end
            end return #all`, 0), 20);
    }

    async quick() { await this.harm?.stop(); }
    async tellTruth() { await this.harm?.stop(); await this.tell('FLUSHALL'); }

    async kill() {
        const child = this.child;
        this.child = undefined;
        if (!child) return;
        child.kill('SIGKILL');
        await once(child, 'exit');
        rmSync(this.socket, { force: true });
    }

    pause() { this.child.kill('SIGSTOP'); }
    resume() { this.child.kill('SIGCONT'); }

    async stop() {
        await this.harm?.stop();
        this.child?.kill('SIGCONT');
        await this.kill();
        rmSync(this.dir, { recursive: true, force: true });
    }
}
