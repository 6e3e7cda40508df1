// A WebSocket client of our own, because Node 18 has none: text frames, close codes, and a read that can
// be held back to play a slow reader.
import { createHash, randomBytes } from 'node:crypto';
import net from 'node:net';

export function openSocket(server, path, headers = {}) {
    const key = randomBytes(16).toString('base64');
    const stream = net.connect(server.port, '127.0.0.1');
    const socket = new Socket(stream);
    const lines = { Host: `127.0.0.1:${server.port}`, Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': key, ...headers };
    stream.write(`GET ${path} HTTP/1.1\r\n${Object.entries(lines).map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`);
    socket.accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    return socket.opened.then(() => socket);
}

class Socket {
    constructor(stream) {
        this.stream = stream;
        this.rest = Buffer.alloc(0);
        this.frames = []; // parsed JSON of every text frame
        this.closed = null; // {code, reason}
        this.waiting = new Set();
        this.opened = new Promise((resolve, reject) => { this.resolveOpen = resolve; this.rejectOpen = reject; });
        this.isOpen = false;
        stream.on('data', (data) => { this.rest = Buffer.concat([this.rest, data]); this.take(); });
        stream.on('error', () => {});
        stream.on('close', () => {
            this.closed ??= { code: 1006, reason: '' };
            this.rejectOpen(new Error(`closed before the handshake: ${this.rest}`));
            this.wake();
        });
    }

    take() {
        if (!this.isOpen) {
            const end = this.rest.indexOf('\r\n\r\n');
            if (end < 0) return;
            this.head = this.rest.subarray(0, end).toString();
            this.rest = this.rest.subarray(end + 4);
            if (!/^HTTP\/1\.1 101 /.test(this.head)) { this.rejectOpen(new Error(this.head)); this.stream.destroy(); return; }
            if (!this.head.toLowerCase().includes(`sec-websocket-accept: ${this.accept.toLowerCase()}`)) this.rejectOpen(new Error('wrong Sec-WebSocket-Accept'));
            this.isOpen = true;
            this.resolveOpen();
        }
        while (this.takeFrame());
        this.wake();
    }

    takeFrame() {
        if (this.rest.length < 2) return false;
        let size = this.rest[1] & 127, at = 2;
        if (size === 126) { if (this.rest.length < 4) return false; size = this.rest.readUInt16BE(2); at = 4; }
        else if (size === 127) { if (this.rest.length < 10) return false; size = Number(this.rest.readBigUInt64BE(2)); at = 10; }
        if (this.rest.length < at + size) return false;
        const payload = this.rest.subarray(at, at + size);
        const opcode = this.rest[0] & 15;
        this.rest = this.rest.subarray(at + size);
        if (opcode === 1) this.frames.push(JSON.parse(payload.toString('utf8')));
        if (opcode === 9) this.write(10, payload);
        if (opcode === 8) {
            this.closed = { code: payload.length >= 2 ? payload.readUInt16BE(0) : 1005, reason: payload.subarray(2).toString('utf8') };
            this.write(8, payload.subarray(0, 2));
            this.stream.end();
        }
        return true;
    }

    wake() {
        for (const check of [...this.waiting]) check();
    }

    // Until a frame fits (it is taken out), or the socket is closed and none does.
    next(fits = () => true, deadline = 10_000) {
        return this.until(() => {
            const at = this.frames.findIndex(fits);
            if (at >= 0) return this.frames.splice(at, 1)[0];
            if (this.closed) throw new Error(`closed: ${this.closed.code} ${this.closed.reason}`);
            return undefined;
        }, deadline, () => `no such frame; there are ${JSON.stringify(this.frames).slice(0, 600)}`);
    }

    end(deadline = 10_000) {
        return this.until(() => this.closed ?? undefined, deadline, () => 'not closed');
    }

    until(look, deadline, why) {
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => { this.waiting.delete(check); reject(new Error(why())); }, deadline);
            const done = (settle, value) => { clearTimeout(timer); this.waiting.delete(check); settle(value); };
            const check = () => {
                try {
                    const value = look();
                    if (value !== undefined) done(resolve, value);
                } catch (error) {
                    done(reject, error);
                }
            };
            this.waiting.add(check);
            check();
        });
    }

    write(opcode, payload) {
        const mask = randomBytes(4);
        const size = payload.length;
        const head = size < 126 ? Buffer.from([0x80 | opcode, 0x80 | size])
            : Buffer.from([0x80 | opcode, 0x80 | 126, size >> 8, size & 255]);
        const masked = Buffer.from(payload.map((byte, i) => byte ^ mask[i & 3]));
        if (this.stream.writable) this.stream.write(Buffer.concat([head, mask, masked]));
    }

    say(value) {
        this.write(1, Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
    }

    close() {
        this.write(8, Buffer.from([3, 232]));
        this.stream.end();
        this.stream.destroySoon();
    }
}
