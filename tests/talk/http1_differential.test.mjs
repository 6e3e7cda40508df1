// Differential test: mutated streams of requests through our codec and through Node's own HTTP server.
// Where both accept, they must frame alike: the same requests, methods, targets, headers and bodies.
// Either may refuse what the other takes; that is strictness, not a disagreement about where a request
// ends.   SV_SEED and SV_STREAMS choose other or more streams; SV_FRAMING the program of our side.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import http from 'node:http';
import { Duplex } from 'node:stream';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const program = process.env.SV_FRAMING
    ?? fileURLToPath(new URL('../../build/release/http1_framing', import.meta.url));
const seed = Number(process.env.SV_SEED ?? 20240607);
const count = Number(process.env.SV_STREAMS ?? 20000);

// mulberry32
function random(state) {
    return (below) => {
        state = (state + 0x6d2b79f5) | 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) % below;
    };
}

const requests = [
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET /a?b=c HTTP/1.1\r\nHost: a:1\r\nAccept: */*\r\nX:\r\n\r\n',
    'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
    'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n',
    'PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    'POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
        + '5;x=y\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nT: u\r\n\r\n',
    'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 37\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n\n',
    'DELETE /d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    'GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
    'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET http://a/abs HTTP/1.1\r\nHost: a\r\n\r\n',
];
const lines = [
    'Content-Length: 5', 'Content-Length: 05', 'Content-Length: +5', 'Content-Length: 5, 5',
    'Content-Length : 5', 'Content-Length: 0x5', 'content-length:5', 'Content-Length: 5 ',
    'Content-Length: 99999999999999999999', 'Transfer-Encoding: chunked', 'Transfer-Encoding: Chunked',
    'Transfer-Encoding: identity', 'Transfer-Encoding: gzip, chunked', 'Transfer-Encoding: chunked, chunked',
    'Transfer-Encoding : chunked', 'Transfer-Encoding:\tchunked', 'Transfer-Encoding: xchunked',
    'Transfer-Encoding:\x0bchunked', ' folded', '\tfolded', 'Host: b', 'Host:', 'Connection: close',
    'Connection: keep-alive', 'Expect: 100-continue', 'X: a\0b', 'X: \xe9', 'X\xe9: a', ': empty', 'nocolon',
];
const bits = ['\r', '\n', '\r\n', '\0', ' ', '\t', ':', ';', ',', '0', '5', 'f', '\x0b', '\x7f', '\xff',
    '\r\n\r\n', '0\r\n\r\n', '\r\n ', '-', '+', '#', '"'];

function mutate(text, next) {
    const at = next(text.length + 1);
    switch (next(9)) {
    case 0: return text.slice(0, at) + text.slice(at + 1 + next(3));
    case 1: return text.slice(0, at) + bits[next(bits.length)] + text.slice(at);
    case 2: return text.slice(0, at) + bits[next(bits.length)] + text.slice(at + 1);
    case 3: return text.slice(0, at) + String.fromCharCode(next(256)) + text.slice(at + 1);
    case 4: { // another header line, behind one that is there
        const ends = [...text.matchAll(/\r\n(?!\r\n)/g)];
        if (!ends.length) return text;
        const end = ends[next(ends.length)].index + 2;
        return text.slice(0, end) + lines[next(lines.length)] + '\r\n' + text.slice(end);
    }
    case 5: { // a line twice, or not at all
        const parts = text.split('\r\n');
        const i = next(parts.length);
        parts.splice(i, next(2), parts[i]);
        return parts.join('\r\n');
    }
    case 6: return text.replace(/\d+/, (n) => String(Number(n) + next(5) - 2));
    case 7: return text.replace('\r\n', next(2) ? '\n' : '\r');
    default: { // another letter case somewhere
        const c = text[at] ?? '';
        return text.slice(0, at) + (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()) + text.slice(at + 1);
    }
    }
}

function makeStream(next) {
    let text = '';
    for (let n = 1 + next(3); n > 0; n--) text += requests[next(requests.length)];
    for (let n = next(4); n > 0; n--) text = mutate(text, next);
    return Buffer.from(text, 'latin1');
}

function oursOf(streams) {
    return new Promise((resolve, reject) => {
        const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
        const out = [];
        child.on('error', reject);
        child.stdout.on('data', (part) => out.push(part));
        child.on('close', (code) => {
            if (code !== 0) return reject(new Error(`${program} ended with ${code}`));
            resolve(Buffer.concat(out).toString().trimEnd().split('\n').map((line) => JSON.parse(line)));
        });
        for (const stream of streams) {
            const length = Buffer.alloc(4);
            length.writeUInt32LE(stream.length);
            child.stdin.write(length);
            child.stdin.write(stream);
        }
        child.stdin.end();
    });
}

// Node 18 (Debian 12's own) takes a CR that no LF follows for the end of a head; Node 20 refuses it, as we
// do. Under the old one such a stream says nothing about framing. (It also obeys a Connection or a
// Content-Length that stands in a trailer, which RFC 9110, 6.5.1 forbids; we refuse those, so there is
// nothing to compare.)
const takesBareCr = Number(process.versions.node.split('.')[0]) < 20;

const hex = (text) => Buffer.from(text, 'latin1').toString('hex');
const turn = () => new Promise((resolve) => { setImmediate(resolve); });

function nodeServer() {
    const server = http.createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 });
    server.timeout = 0;
    server.on('request', (request, response) => {
        const { seen } = request.socket;
        const parts = [];
        let headers = '';
        for (let i = 0; i < request.rawHeaders.length; i += 2)
            headers += `${request.rawHeaders[i]}:${request.rawHeaders[i + 1]}\n`;
        const one = [request.method, hex(request.url), hex(headers), null];
        seen.requests.push(one);
        request.on('data', (part) => parts.push(part));
        request.on('end', () => { one[3] = Buffer.concat(parts).toString('hex'); });
        request.on('error', () => {});
        response.on('error', () => {});
        request.on('end', () => response.end());
    });
    server.on('clientError', (error, socket) => {
        socket.seen.end = error.code;
        socket.destroy();
    });
    return server;
}

async function nodeOf(server, stream) {
    const socket = new Duplex({ read() {}, write(part, encoding, done) { done(); } });
    socket.seen = { requests: [], end: 'more' };
    socket.on('error', () => {});
    server.emit('connection', socket);
    socket.push(stream);
    for (let i = 0; i < 4; i++) await turn();
    socket.destroy();
    // A request whose body never ended is none yet; nothing can follow it.
    const { requests: all, end } = socket.seen;
    const whole = all.findIndex((one) => one[3] === null);
    return { requests: whole < 0 ? all : all.slice(0, whole), end };
}

test('no stream that both accept is framed differently', async () => {
    console.error(`http1_differential: seed ${seed}, ${count} streams, node ${process.version}`);
    const next = random(seed);
    const streams = Array.from({ length: count }, () => makeStream(next));
    const ours = await oursOf(streams);
    assert.equal(ours.length, streams.length);
    const server = nodeServer();
    const tally = { both: 0, 'only node': 0, 'only we': 0, neither: 0 };
    for (const [i, stream] of streams.entries()) {
        const theirs = await nodeOf(server, stream);
        const we = /^\d/.test(ours[i].end) ? 0 : 1;
        const they = theirs.end === 'more' ? 1 : 0;
        tally[we && they ? 'both' : we ? 'only we' : they ? 'only node' : 'neither']++;
        const common = Math.min(ours[i].requests.length, theirs.requests.length);
        const where = () => `stream ${i} of seed ${seed}: ${JSON.stringify(stream.toString('latin1'))}\n`
            + `ours ${ours[i].end}, node's ${theirs.end}`;
        if (takesBareCr && /\r(?!\n)/.test(stream.toString('latin1'))) continue;
        // What both have taken, they have taken alike, whatever came later.
        assert.deepEqual(ours[i].requests.slice(0, common), theirs.requests.slice(0, common), where());
        // "Connection: close" beside "keep-alive": we close, Node does not. That is no matter of framing.
        if (we && they && ours[i].end !== 'close') assert.equal(ours[i].requests.length, theirs.requests.length, where());
    }
    console.error(`accepted by ${JSON.stringify(tally)}`);
    assert.ok(tally.both > count / 10, 'the mutations leave enough that both accept');
});
