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
    constructor() { this.dir = temporaryDir(); this.socket = join(this.dir, 'redis'); this.url = `unix://${this.socket}`; }

    async start() {
        this.child = spawn(PROGRAM, ['--port', '0', '--unixsocket', this.socket, '--save', '', '--dir', this.dir], { argv0: 'redis-server', stdio: 'ignore' });
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
        this.child?.kill('SIGCONT');
        await this.kill();
        rmSync(this.dir, { recursive: true, force: true });
    }
}
