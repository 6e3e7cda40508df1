// A real mosquitto for a test: on a free port of loopback, its files in a directory of the test's.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MqttClient } from './mqtt_client.mjs';
import { freePort } from './server.mjs';

const PROGRAM = ['/usr/sbin/mosquitto', new URL('../../build/tools/mosquitto/usr/sbin/mosquitto', import.meta.url).pathname].find(existsSync);
export const hasMosquitto = PROGRAM !== undefined;

export class Mosquitto {
    constructor(dir) { this.config = join(dir, 'mosquitto.conf'); }

    // The same port at each start.
    async start() {
        this.port ??= await freePort();
        this.url = `mqtt://127.0.0.1:${this.port}`;
        writeFileSync(this.config, `listener ${this.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n`);
        this.child = spawn(PROGRAM, ['-c', this.config], { stdio: 'ignore' });
        process.once('exit', () => this.child?.kill('SIGKILL'));
        for (const end = Date.now() + 10_000; ;) {
            try { const probe = await MqttClient.connect(this.port); probe.destroy(); if (probe.connack) return this; } catch { /* not yet */ }
            assert.ok(Date.now() < end, 'mosquitto does not answer');
            await new Promise((resolve) => { setTimeout(resolve, 20); });
        }
    }

    async kill() {
        const child = this.child;
        this.child = undefined;
        if (!child) return;
        child.kill('SIGKILL');
        await once(child, 'exit');
    }
}
