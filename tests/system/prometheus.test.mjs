// deploy/prometheus, deploy/alertmanager and deploy/grafana against the real things (Debian's, unpacked by
// tools/unpack.sh): the rules by promtool, the routes by amtool, and every expression of every dashboard by a
// Prometheus that scrapes this server while the load test runs.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { postgresIsHere, startPostgres } from './postgres.mjs';
import { hasRedis, Redis } from './redis.mjs';
import { eventually } from './receivers.mjs';
import { freePort, run, startServer, temporaryDir } from './server.mjs';

const root = new URL('../../', import.meta.url).pathname;
const program = (name, place) => [`/usr/bin/${name}`, `${root}build/tools/${place}/usr/bin/${name}`].find(existsSync);
const prometheus = program('prometheus', 'prometheus');
const promtool = program('promtool', 'prometheus');
const amtool = program('amtool', 'prometheus-alertmanager');
const read = (path) => readFileSync(root + path, 'utf8');
const say = (tool, ...args) => execFileSync(tool, args, { encoding: 'utf8', cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });

const rules = read('deploy/prometheus/alerts.yml').split(/^ {6}- alert: /m).slice(1).map((text) => ({
    name: text.match(/^\w+/)[0], severity: text.match(/severity: (\w+)/)?.[1], runbook: text.match(/runbook: (\S+)/)?.[1], text }));
const dashboards = readdirSync(`${root}deploy/grafana/dashboards`).map((file) => ({ file, json: JSON.parse(read(`deploy/grafana/dashboards/${file}`)) }));

describe('alert rules', () => {
    test('each leads to its section of docs/operations.md', () => {
        assert.ok(rules.length >= 15);
        const sections = read('docs/operations.md').split(/^### /m).slice(1);
        for (const rule of rules) {
            assert.equal(rule.runbook, `docs/operations.md#${rule.name.toLowerCase()}`);
            assert.match(rule.severity, /^(critical|warning|info)$/);
            const section = sections.find((text) => text.startsWith(`${rule.name}\n`));
            assert.ok(section, `no section ${rule.name}`);
            for (const part of ['**Means**', '**Look at**', '**Do**']) assert.ok(section.includes(part), `${rule.name}: ${part}`);
        }
        const named = sections.map((text) => text.split('\n')[0]).filter((name) => name.startsWith('SensorVision'));
        assert.deepEqual(named.sort(), rules.map((rule) => rule.name).sort());
    });

    test('each has a case that fires beside one that stays quiet, and promtool agrees', { skip: !promtool && 'no promtool here' }, () => {
        const cases = read('deploy/prometheus/alerts_test.yml').split(/^ {2}- name: /m).slice(1);
        for (const rule of rules) {
            const own = cases.find((text) => text.startsWith(`${rule.name}\n`));
            assert.ok(own, `no case for ${rule.name}`);
            const series = own.split('alert_rule_test:')[0], expected = own.split('alert_rule_test:')[1];
            assert.ok(series.includes('bad:8080') && series.includes('good:8080') && expected.includes('bad:8080') && !expected.includes('good:8080'), rule.name);
        }
        assert.match(say(promtool, 'check', 'rules', 'deploy/prometheus/alerts.yml'), new RegExp(`SUCCESS: ${rules.length} rules found`));
        assert.match(say(promtool, 'test', 'rules', 'deploy/prometheus/alerts_test.yml'), /SUCCESS/);
        assert.match(say(promtool, 'check', 'config', 'deploy/prometheus/prometheus.yml'), /SUCCESS/);
    });

    test('amtool takes the Alertmanager configuration, and alerts go where it says', { skip: !amtool && 'no amtool here' }, () => {
        const file = 'deploy/alertmanager/alertmanager.yml';
        assert.match(say(amtool, 'check-config', file), /SUCCESS/);
        const route = (...labels) => say(amtool, 'config', 'routes', 'test', `--config.file=${file}`, ...labels).trim();
        assert.equal(route('alertname=SensorVisionMemory', 'severity=warning'), 'operators');
        assert.equal(route('alertname=SensorVisionDown', 'severity=critical'), 'operators-now');
        assert.equal(route('alertname=Too hot', 'severity=critical', 'organization=7'), 'plant');
        assert.equal(route('alertname=SensorVisionCacheCold', 'severity=info'), 'log');
    });
});

// What the embedded store alone has; PostgreSQL's disk is not the server's.
const EMBEDDED_ONLY = /sensorvision_disk_/;

for (const store of ['embedded', 'PostgreSQL']) describe(`Grafana dashboards under load: ${store}`, { concurrency: false,
    skip: !prometheus ? 'no Prometheus here' : store === 'PostgreSQL' && !postgresIsHere && 'no PostgreSQL here' }, () => {
    const dir = temporaryDir();
    let server, redis, postgres, child, port, load;
    const ask = async (path) => (await (await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)).json()).data;
    before(async () => {
        port = await freePort();
        redis = hasRedis ? await new Redis().start() : undefined;
        postgres = store === 'PostgreSQL' ? await startPostgres() : undefined;
        server = await startServer({ mqtt: true, env: { STORE_URL: postgres?.database('own') ?? '' }, sets: { 'mqtt.enabled': true, ...(redis ? { 'cache.url': redis.url } : {}) } });
        writeFileSync(`${dir}/prometheus.yml`, read('deploy/prometheus/prometheus.yml').replaceAll('15s', '1s')
            .replace('localhost:8080', `127.0.0.1:${server.port}`).replace('alerts.yml', `${root}deploy/prometheus/alerts.yml`));
        child = spawn(prometheus, [`--config.file=${dir}/prometheus.yml`, `--storage.tsdb.path=${dir}/data`, `--web.listen-address=127.0.0.1:${port}`,
            `--web.console.templates=${dir}`, `--web.console.libraries=${dir}`], { stdio: 'ignore' });
        await eventually('Prometheus is ready', async () => (await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => ({}))).ok);
        // it is ready seconds before it scrapes, and a rate needs a scrape before what happens
        await eventually('Prometheus has scraped', async () => (await ask('query?query=up{job="sensorvision"}')).result.some((one) => one.value[1] === '1'));
        await server.call('POST', '/auth/login', { body: { username: 'nobody', password: 'wrong' } });
        load = await run(['loadtest', '--data', server.dir, '--users', '8', '--devices', '20', '--points-per-day', '5e6', '--duration', '5s'], { deadline: 60_000 });
    });
    after(async () => {
        child?.kill('SIGKILL');
        if (child) await once(child, 'close');
        await server?.stop();
        await redis?.stop();
        await postgres?.stop();
        rmSync(dir, { recursive: true, force: true });
    });
    const concrete = (expr) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.+');

    test('the load ran', () => assert.equal(load.code, 0, load.stdout + load.stderr));

    test('Prometheus evaluates every rule, and none fires', async () => {
        const groups = await eventually('rules were evaluated', async () => {
            const { groups } = await ask('rules');
            return groups.every((group) => group.rules.every((rule) => rule.health === 'ok')) && groups;
        });
        const all = groups.flatMap((group) => group.rules);
        assert.deepEqual(all.map((rule) => rule.name).sort(), rules.map((rule) => rule.name).sort());
        assert.deepEqual(all.filter((rule) => rule.state === 'firing').map((rule) => rule.name), []);
    });

    test('there are four, with a name, a unit and a legend for everything', { skip: store !== 'embedded' && 'looked at already' }, () => {
        assert.deepEqual(dashboards.map(({ file }) => file).sort(), ['application', 'database', 'pilot', 'system'].map((name) => `sensorvision-${name}.json`));
        for (const { file, json } of dashboards) {
            assert.equal(`${json.uid}.json`, file);
            assert.deepEqual(json.templating.list.map((one) => one.name), ['source', 'instance']);
            assert.equal(new Set(json.panels.map((panel) => panel.title)).size, json.panels.length);
            for (const panel of json.panels) {
                assert.ok(panel.title && panel.fieldConfig.defaults.unit && panel.targets.length);
                for (const target of panel.targets) assert.ok(target.expr && target.legendFormat, panel.title);
                const { x, y, w, h } = panel.gridPos;
                assert.ok(x >= 0 && x + w <= 24 && h > 0);
                for (const other of json.panels) {
                    const o = other.gridPos;
                    assert.ok(other === panel || x + w <= o.x || o.x + o.w <= x || y + h <= o.y || o.y + o.h <= y, `${panel.title} lies on ${other.title}`);
                }
            }
        }
    });

    for (const { file, json } of dashboards) {
        test(`every expression of ${file} returns data`, async () => {
            let empty = json.panels.flatMap((panel) => panel.targets.map(({ expr }) => ({ panel: panel.title, expr })))
                .filter(({ expr }) => (redis || !expr.includes('sensorvision_redis_')) && !(postgres && EMBEDDED_ONLY.test(expr)));
            const isEmpty = async ({ expr }) => {
                const answer = await ask(`query?query=${encodeURIComponent(concrete(expr))}`);
                return !answer?.result?.some((series) => Number.isFinite(Number(series.value[1])));
            };
            for (const end = Date.now() + 15_000; empty.length && Date.now() < end;) {
                const answers = await Promise.all(empty.map(isEmpty));
                empty = empty.filter((_, i) => answers[i]);
            }
            assert.deepEqual(empty, []);
        });
    }
});
