// Contract, sections 3 and 11: what every answer has in common, and what operators read.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import zlib from 'node:zlib';
import { startServer } from './server.mjs';
import { problem } from './shape.mjs';

let server, user;
before(async () => { server = await startServer(); user = await server.register(); });
after(() => server?.stop());

// Bytes as they are on one connection; answers everything the server said until it closed or went quiet.
function raw(text, quietMs = 400) {
    return new Promise((resolve) => {
        const stream = net.connect(server.port, '127.0.0.1', () => stream.write(text));
        let said = '';
        let timer = setTimeout(() => stream.destroy(), 5000);
        stream.on('data', (data) => {
            said += data;
            clearTimeout(timer);
            timer = setTimeout(() => stream.destroy(), quietMs);
        });
        stream.on('error', () => {});
        stream.on('close', () => { clearTimeout(timer); resolve(said); });
    });
}

describe('every answer', () => {
    test('echoes a request id, or makes one', async () => {
        const given = await server.call('GET', '/auth/me', { token: user.accessToken, headers: { 'x-request-id': 'my-id.42' } });
        assert.equal(given.headers.get('x-request-id'), 'my-id.42');
        const made = await server.call('GET', '/auth/me', { token: user.accessToken });
        assert.ok(made.headers.get('x-request-id').length >= 8);
        const bad = await server.call('GET', '/auth/me', { headers: { 'x-request-id': 'has blanks in it' } });
        assert.notEqual(bad.headers.get('x-request-id'), 'has blanks in it');
    });

    test('carries the headers that keep a browser safe', async () => {
        for (const path of ['/', '/api/v1/auth/me', '/actuator/health', '/nothing-here']) {
            const { headers } = await server.request('GET', path);
            assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
            assert.equal(headers.get('x-frame-options'), 'DENY', path);
            assert.ok(headers.get('referrer-policy'), path);
            assert.ok(headers.get('permissions-policy'), path);
            assert.match(headers.get('content-security-policy') ?? '', /default-src/, path);
            assert.doesNotMatch(headers.get('content-security-policy') ?? '', /unsafe-/, path);
        }
        const api = await server.call('GET', '/auth/me', { token: user.accessToken });
        assert.match(api.headers.get('cache-control'), /no-store/);
    });

    test('that is an error is problem+json', async () => {
        problem(await server.request('GET', '/api/v1/nothing-here'), 404);
        const wrong = await server.call('PATCH', '/auth/login');
        problem(wrong, 405);
        assert.match(wrong.headers.get('allow'), /POST/);
        const nobody = await server.call('GET', '/auth/me');
        problem(nobody, 401);
        assert.ok(nobody.headers.get('www-authenticate'));
        problem(await server.call('POST', '/auth/login', { body: '{"username":' }), 400);
        problem(await server.call('POST', '/auth/login', { body: 'username=ada', headers: { 'content-type': 'text/plain' } }), 415);
        problem(await server.call('POST', '/auth/login', { body: `"${'x'.repeat(3 << 20)}"` }), 413);
    });

    test('tolerates a trailing slash', async () => {
        assert.equal((await server.call('GET', '/auth/me/', { token: user.accessToken })).status, 200);
    });

    test('to HEAD is the head of GET', async () => {
        const get = await server.request('GET', '/');
        const head = await server.request('HEAD', '/');
        assert.equal(head.status, 200);
        assert.equal(head.bytes.length, 0);
        assert.equal(head.headers.get('content-type'), get.headers.get('content-type'));
    });

    test('to a list pages when asked, and is a bare array when not', async () => {
        const { accessToken: token } = await server.register();
        for (let i = 0; i < 5; i++) await server.device(token, `page-${i}`);
        const bare = await server.ok('GET', '/devices', { token });
        assert.equal(bare.length, 5);
        const page = await server.ok('GET', '/devices?page=1&size=2&sort=externalId,asc', { token });
        const { content, ...rest } = page;
        assert.deepEqual(content.map((d) => d.externalId), ['page-2', 'page-3']);
        assert.deepEqual(rest, { totalElements: 5, totalPages: 3, number: 1, size: 2, numberOfElements: 2, first: false, last: false, empty: false });
        assert.equal((await server.call('GET', '/devices?page=-1', { token })).status, 400);
        assert.equal((await server.call('GET', '/devices?sort=password,asc', { token })).status, 400);
    });
});

describe('bodies', () => {
    test('may come gzip-packed, and answers are packed when asked', async () => {
        const { accessToken: token } = await server.register();
        const device = await server.device(token);
        const body = zlib.gzipSync(JSON.stringify({ temperature: 20.5 }));
        const answer = await server.call('POST', `/ingest/${device.externalId}`, { device: device.apiToken, body, headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } });
        assert.equal(answer.status, 200, answer.text);
        const packed = await server.request('GET', '/openapi.json', { headers: { 'accept-encoding': 'gzip' } });
        assert.equal(packed.headers.get('content-encoding'), 'gzip');
        assert.ok(packed.json.paths);
    });

    test('of another packing are 415, broken ones 400', async () => {
        const headers = { 'content-type': 'application/json', 'content-encoding': 'br' };
        problem(await server.call('POST', '/auth/login', { body: '{}', headers }), 415);
        const broken = await server.call('POST', '/auth/login', { body: 'not gzip at all', headers: { ...headers, 'content-encoding': 'gzip' } });
        problem(broken, 400);
    });

    test('that blow up a hundredfold are refused', async () => {
        const bomb = zlib.gzipSync(Buffer.alloc(60 << 20, 0x20));
        const answer = await server.call('POST', '/auth/login', { body: bomb, headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } });
        assert.ok([400, 413].includes(answer.status), answer.text);
    });

    test('are JSON as RFC 8259 has it, nothing else', async () => {
        const user2 = await server.register();
        const refused = ['', '{', '{"username":"a",}', "{'a':1}", '{"a":01}', '{"a":+1}', '{"a":.5}', '{"a":1.}', '{"a":NaN}', '{"a":Infinity}', '{"a":"\t"}', '{"a":"\\x"}', '{"a":"\\ud800"}', '{} {}', '[1 2]', 'nul', '\ufeff{}', '{"a":1}//', `${'['.repeat(200)}${']'.repeat(200)}`];
        for (const body of refused) {
            const answer = await server.call('POST', '/devices', { token: user2.accessToken, body, headers: { 'content-type': 'application/json' } });
            assert.equal(answer.status, 400, `${body.slice(0, 40)}: ${answer.status} ${answer.text}`);
        }
    });
});

describe('framing', () => {
    const host = 'Host: localhost\r\n';
    const cases = {
        'two Host headers': `GET / HTTP/1.1\r\n${host}${host}\r\n`,
        'no Host header': 'GET / HTTP/1.1\r\n\r\n',
        'two Content-Lengths': `POST /ping HTTP/1.1\r\n${host}Content-Length: 0\r\nContent-Length: 0\r\n\r\n`,
        'differing Content-Lengths': `POST /ping HTTP/1.1\r\n${host}Content-Length: 0\r\nContent-Length: 1\r\n\r\n`,
        'a signed Content-Length': `POST /ping HTTP/1.1\r\n${host}Content-Length: +1\r\n\r\na`,
        'a list as Content-Length': `POST /ping HTTP/1.1\r\n${host}Content-Length: 1, 1\r\n\r\na`,
        'Content-Length beside Transfer-Encoding': `POST /ping HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        'a folded header': `GET / HTTP/1.1\r\n${host}X: a\r\n b\r\n\r\n`,
        'bare LF': 'GET / HTTP/1.1\nHost: localhost\n\n',
        'NUL in a header': `GET / HTTP/1.1\r\n${host}X: a\0b\r\n\r\n`,
        'a blank before the colon': `GET / HTTP/1.1\r\n${host}X : a\r\n\r\n`,
        'a blank before the first header': `GET / HTTP/1.1\r\n ${host}\r\n`,
        'chunk size overflow': `POST /api/v1/auth/login HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n`,
    };
    for (const [name, text] of Object.entries(cases)) {
        test(`${name} is 400 and the end of the connection`, async () => {
            const said = await raw(`${text}GET /actuator/health HTTP/1.1\r\n${host}\r\n`);
            assert.match(said, /^HTTP\/1\.1 400 /);
            assert.equal(said.match(/^HTTP\/1\.1 /gm).length, 1, said);
        });
    }

    test('pipelined requests are answered in order', async () => {
        const said = await raw(`GET /ping HTTP/1.1\r\n${host}X-Request-Id: one\r\n\r\nGET /nothing HTTP/1.1\r\n${host}X-Request-Id: two\r\n\r\nGET /ping HTTP/1.1\r\n${host}X-Request-Id: three\r\n\r\n`);
        assert.deepEqual([...said.matchAll(/x-request-id: (\w+)/gi)].map(([, id]) => id), ['one', 'two', 'three']);
        assert.deepEqual([...said.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status), ['204', '404', '204']);
    });

    test('a too long address is 414, too many headers 431', async () => {
        assert.match(await raw(`GET /${'a'.repeat(25 << 10)} HTTP/1.1\r\n${host}\r\n`), /^HTTP\/1\.1 414 /);
        assert.match(await raw(`GET / HTTP/1.1\r\n${host}X: ${'a'.repeat(17 << 10)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
    });
});

describe('operations', () => {
    test('health, liveness, readiness and info say that all is well', async () => {
        for (const path of ['/actuator/health', '/actuator/health/liveness', '/actuator/health/readiness']) {
            const answer = await server.request('GET', path);
            assert.equal(answer.status, 200, path);
            assert.equal(answer.json.status, 'UP', path);
        }
        assert.ok((await server.request('GET', '/actuator/health')).json.components);
        assert.equal((await server.request('GET', '/actuator/info')).status, 200);
    });

    test('metrics have the names of the contract and no label without a bound', async () => {
        const device = await server.device(user.accessToken, 'label-probe');
        await server.ok('POST', '/ingest/label-probe', { device: device.apiToken, body: { t: 1 } });
        const { text, headers } = await server.request('GET', '/metrics');
        assert.match(headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
        for (const name of ['sensorvision_http_requests_total', 'sensorvision_http_request_duration_seconds_bucket', 'sensorvision_api_response_seconds_bucket',
            'sensorvision_telemetry_messages_total', 'sensorvision_telemetry_points_total', 'sensorvision_telemetry_processing_seconds_bucket', 'sensorvision_telemetry_queue_depth',
            'process_resident_memory_bytes', 'process_open_fds', 'process_start_time_seconds']) assert.match(text, new RegExp(`^${name}[ {]`, 'm'), name);
        assert.doesNotMatch(text, /label-probe/);
        assert.equal((await server.request('GET', '/actuator/prometheus')).status, 200);
    });

    test('promtool finds nothing in the metrics', async (t) => {
        const promtool = ['/usr/bin/promtool', new URL('../../build/tools/prometheus/usr/bin/promtool', import.meta.url).pathname].find(existsSync);
        if (!promtool) { t.skip('no promtool here'); return; }
        const { text } = await server.request('GET', '/metrics');
        const said = execFileSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
        assert.equal(said.trim(), '');
    });

    test('OpenAPI lists every route with its permission', async () => {
        const { json } = await server.request('GET', '/openapi.json');
        assert.match(json.openapi, /^3\./);
        for (const path of ['/api/v1/auth/login', '/api/v1/ingest/{deviceId}', '/api/v1/devices', '/api/v1/data/query']) {
            assert.ok(Object.keys(json.paths).some((known) => known.replace(/\{\w+\}/g, '{}') === path.replace(/\{\w+\}/g, '{}')), path);
        }
        const ids = Object.values(json.paths).flatMap((methods) => Object.values(methods).map((operation) => operation.operationId));
        assert.equal(new Set(ids).size, ids.length, 'operation ids are unique');
        assert.equal((await server.request('GET', '/docs')).status, 200);
    });

    test('the page is served with its parts, revalidated by ETag', async () => {
        for (const [path, type] of [['/', 'text/html'], ['/app.js', 'text/javascript'], ['/style.css', 'text/css'], ['/favicon.svg', 'image/svg+xml']]) {
            const answer = await server.request('GET', path);
            assert.equal(answer.status, 200, path);
            assert.ok(answer.headers.get('content-type').startsWith(type), path);
            const etag = answer.headers.get('etag');
            assert.equal((await server.request('GET', path, { headers: { 'if-none-match': etag } })).status, 304, path);
        }
    });

    test('another origin is answered with CORS only when it is listed', async () => {
        const listed = await server.call('GET', '/auth/me', { token: user.accessToken, headers: { origin: 'http://localhost:3000' } });
        assert.equal(listed.headers.get('access-control-allow-origin'), 'http://localhost:3000');
        const foreign = await server.call('GET', '/auth/me', { token: user.accessToken, headers: { origin: 'http://evil.example' } });
        assert.equal(foreign.headers.get('access-control-allow-origin'), null);
    });
});
