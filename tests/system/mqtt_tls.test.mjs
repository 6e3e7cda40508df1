// MQTT over TLS: the same server behind a certificate.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { MqttClient, TYPE } from './mqtt_client.mjs';
import { freePort, run, startServer } from './server.mjs';

const dir = mkdtempSync(join(tmpdir(), 'sensorvision-tls-'));
const cert = join(dir, 'cert.pem'), key = join(dir, 'key.pem');
execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' });
let server, port, owner, pump;
before(async () => {
    port = await freePort();
    server = await startServer({ mqtt: true, sets: { 'mqtt.tls.port': port, 'mqtt.tls.cert': cert, 'mqtt.tls.key': key } });
    owner = await server.register();
    pump = await server.device(owner.token, 'pump-1');
});
after(async () => { await server.stop(); rmSync(dir, { recursive: true, force: true }); });

const TOPIC = 'sensorvision/devices/pump-1/telemetry';
const connect = (options = {}) => MqttClient.connect(port, { user: pump.apiToken, tls: { ca: readFileSync(cert), servername: 'localhost' }, ...options });

test('a device publishes over TLS, in small and in large packets', async () => {
    const client = await connect({ version: 5 });
    assert.equal(client.connack.body[1], 0);
    assert.equal((await client.publish(TOPIC, { hidden: 1 }, { qos: 1 })).reason, 0);
    assert.equal((await client.publish(TOPIC, `{"hidden":2${' '.repeat(500_000)}}`, { qos: 1 })).reason, 0);
    await client.disconnect();
    const many = await connect(); // 3.1.1: as many at once as it likes
    const packets = [];
    for (let id = 1; id <= 500; id++) packets.push(many.publishPacket(TOPIC, { many: id }, { qos: 1, id }));
    many.send(...packets);
    for (let id = 1; id <= 500; id++) assert.equal((await many.next()).type, TYPE.PUBACK);
    const latest = (await server.call('GET', '/data/latest/pump-1', { token: owner.token })).json;
    assert.deepEqual([latest.hidden, latest.many], [2, 500]);
    await many.disconnect();
});

test('what is no TLS, and TLS that is too old, is closed', async () => {
    const plain = net.connect(port, '127.0.0.1');
    plain.on('error', () => {});
    plain.write('hello, this is no handshake at all');
    await once(plain.resume(), 'close');
    const old = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' });
    await once(old, 'error');
    const client = await connect();
    assert.equal(client.connack.body[1], 0);
    client.destroy();
});

test('a stop says good-bye inside TLS', async () => {
    const own = await startServer({ mqtt: true, sets: { 'mqtt.tls.port': await freePort(), 'mqtt.tls.cert': cert, 'mqtt.tls.key': key } });
    assert.equal(await own.stop(), 0);
    assert.match(own.log, /MQTT over TLS on/);
});

test('a certificate that cannot be used stops the start, and is named', async () => {
    const wrong = join(dir, 'wrong.pem');
    writeFileSync(wrong, 'no certificate');
    for (const [c, k, said] of [[wrong, key, /mqtt\.tls\.cert: cannot use .*wrong\.pem/], [cert, wrong, /mqtt\.tls\.key: cannot use .*wrong\.pem/]]) {
        const { code, stderr } = await run(['serve', '--data', join(dir, 'data'), '--http', `127.0.0.1:${await freePort()}`, '--mqtt', `127.0.0.1:${await freePort()}`,
            '--set', `mqtt.tls.cert=${c}`, '--set', `mqtt.tls.key=${k}`]);
        assert.equal(code, 1);
        assert.match(stderr, said);
    }
});
