// A client of MQTT that can do wrong: packets are written as bytes, answers come as {type, flags, body}.
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';

export const TYPE = { CONNECT: 1, CONNACK: 2, PUBLISH: 3, PUBACK: 4, PUBREC: 5, PUBREL: 6, PUBCOMP: 7, SUBSCRIBE: 8, SUBACK: 9,
    UNSUBSCRIBE: 10, UNSUBACK: 11, PINGREQ: 12, PINGRESP: 13, DISCONNECT: 14, AUTH: 15 };

export const u16 = (n) => Buffer.from([n >> 8, n & 255]);
export const text = (s) => { const b = Buffer.from(s); return Buffer.concat([u16(b.length), b]); };

export function packet(type, flags, ...parts) {
    const body = Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))));
    const length = [];
    let n = body.length;
    do { length.push((n & 127) | (n > 127 ? 128 : 0)); n >>= 7; } while (n);
    return Buffer.concat([Buffer.from([type << 4 | flags, ...length]), body]);
}

// options: version 4 or 5, id, user, password, clean, keepAlive, properties (bytes), will {topic, payload}
export function connectPacket({ version = 4, id = '', user, password, clean = true, keepAlive = 0, properties = '', will } = {}) {
    const flags = (clean ? 2 : 0) | (will ? 4 : 0) | (user === undefined ? 0 : 128) | (password === undefined ? 0 : 64);
    const block = Buffer.from(properties);
    const five = version === 5;
    return packet(TYPE.CONNECT, 0, text('MQTT'), version, flags, u16(keepAlive), ...(five ? [block.length, block] : []), text(id),
        ...(will ? [...(five ? [0] : []), text(will.topic), text(will.payload)] : []),
        ...(user === undefined ? [] : [text(user)]), ...(password === undefined ? [] : [text(password)]));
}

export class MqttClient {
    static async open(port, options) {
        const client = new MqttClient(port, options);
        await once(client.socket, options?.tls ? 'secureConnect' : 'connect');
        return client;
    }

    // Opens, sends CONNECT, answers the client once its CONNACK is there (client.connack).
    static async connect(port, options = {}) {
        const client = await MqttClient.open(port, options);
        client.version = options.version ?? 4;
        client.send(connectPacket(options));
        client.connack = await client.next();
        return client;
    }

    constructor(port, { localAddress, tls: secure } = {}) {
        const at = { port, host: '127.0.0.1', localAddress, noDelay: true };
        this.socket = secure ? tls.connect({ ...at, ...secure }) : net.connect(at);
        this.packets = [];
        this.waiters = [];
        this.left = Buffer.alloc(0);
        this.version = 4;
        this.nextId = 1;
        this.ended = false;
        this.socket.on('error', () => {});
        this.socket.on('data', (data) => this.#take(data));
        this.closed = new Promise((resolve) => { this.socket.once('close', resolve); });
        this.socket.once('close', () => { this.ended = true; for (const w of this.waiters.splice(0)) w(undefined); });
    }

    #take(data) {
        this.left = Buffer.concat([this.left, data]);
        for (;;) {
            let size = 0, at = 1;
            for (; at < this.left.length && at < 5; at++) {
                size |= (this.left[at] & 127) << 7 * (at - 1);
                if (!(this.left[at] & 128)) break;
            }
            if (at >= this.left.length || this.left.length < at + 1 + size) return;
            const got = { type: this.left[0] >> 4, flags: this.left[0] & 15, body: this.left.subarray(at + 1, at + 1 + size) };
            this.left = this.left.subarray(at + 1 + size);
            const waiter = this.waiters.shift();
            if (waiter) waiter(got); else this.packets.push(got);
        }
    }

    send(...parts) { this.socket.write(Buffer.concat(parts)); }

    // The next packet; undefined when the connection is over.
    next() {
        if (this.packets.length) return Promise.resolve(this.packets.shift());
        if (this.ended) return Promise.resolve(undefined);
        return new Promise((resolve) => { this.waiters.push(resolve); });
    }

    publishPacket(topic, payload, { qos = 0, id = qos ? this.nextId++ : 0, dup = false, retain = false, properties = '' } = {}) {
        const body = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload);
        const block = Buffer.from(properties);
        return packet(TYPE.PUBLISH, (dup ? 8 : 0) | qos << 1 | (retain ? 1 : 0), text(topic), ...(qos ? [u16(id)] : []),
            ...(this.version === 5 ? [block.length, block] : []), body);
    }

    // Sends and answers what comes back: {type, id, reason}, or undefined when the connection ended.
    async publish(topic, payload, options = {}) {
        this.send(this.publishPacket(topic, payload, options));
        if (!options.qos) return undefined;
        return ack(await this.next());
    }

    // Answers the reasons of the SUBACK.
    async subscribe(...filters) {
        const options = typeof filters.at(-1) === 'number' ? filters.pop() : 1;
        this.send(packet(TYPE.SUBSCRIBE, 2, u16(this.nextId++), ...(this.version === 5 ? [0] : []), ...filters.flatMap((f) => [text(f), options])));
        const answer = await this.next();
        return answer && [...answer.body.subarray(this.version === 5 ? 3 : 2)];
    }

    disconnect() { this.send(packet(TYPE.DISCONNECT, 0)); return this.closed; }
    destroy() { this.socket.destroy(); return this.closed; }
}

export function ack(got) {
    return got && { type: got.type, id: got.body.length > 1 ? got.body.readUInt16BE(0) : 0, reason: got.body[2] ?? 0 };
}
