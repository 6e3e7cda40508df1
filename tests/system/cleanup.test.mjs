// What becomes old goes, on either store: readings, whole months of them on PostgreSQL, and what the catalog
// accumulates. The command says what it removed, and so does an event.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { postgresIsHere, startPostgres } from './postgres.mjs';
import { ADMIN, run, startServer } from './server.mjs';

const DAY_MS = 86_400_000;
let postgres;

before(async () => { if (postgresIsHere) postgres = await startPostgres(); });
after(() => postgres?.stop());

for (const kind of ['embedded', 'postgres'])
    describe(kind, { skip: kind === 'embedded' || postgresIsHere ? false : 'there is no PostgreSQL 15 here (package postgresql-15)' }, () => {
        let server, token, env;
        before(async () => {
            env = kind === 'postgres' ? { STORE_URL: postgres.database('cleanup') } : {};
            server = await startServer({ env: { ...env, PILOT_DATA_RETENTION_DAYS: '0' } });
            token = await server.admin();
        });
        after(() => server?.stop());

        const clean = async (...args) => {
            const said = await run(['cleanup', '--data', server.dir, ...args], { env });
            assert.equal(said.code, 0, said.stderr);
            return said.stdout;
        };
        const sum = async (device) => (await server.ok('GET', `/analytics/aggregate?deviceId=${device}&variable=a&aggregation=SUM`
            + `&from=${new Date(Date.now() - 300 * DAY_MS).toISOString()}&to=${new Date(Date.now() + 3_600_000).toISOString()}&interval=NONE`, { token }));

        test('nothing old is nothing removed', async () => {
            const removed = { sessions: 0, passwordResets: 0, invitations: 0, commands: 0, notifications: 0, alerts: 0 };
            const said = JSON.parse(await clean('--json'));
            assert.deepEqual(Object.keys(said), ['organizations', 'pointsDropped', 'partitionsDropped', 'eventsRemoved', 'removed']);
            assert.deepEqual(said, { organizations: 1, pointsDropped: 0, partitionsDropped: 0, eventsRemoved: 0, removed });
        });

        test('readings that nobody keeps go, and their sums stay', async () => {
            const device = await server.device(token, 'old');
            const hour = Math.floor((Date.now() - 200 * DAY_MS) / 3_600_000) * 3_600_000;
            for (const minute of [1, 2, 3])
                await server.ok('POST', '/data/ingest/old', { device: device.apiToken, body: { timestamp: hour + minute * 60_000, variables: { a: minute } } });
            await server.ok('POST', '/data/ingest/old', { device: device.apiToken, body: { variables: { a: 10 } } });
            assert.equal((await sum('old'))[0].value, 16);
            assert.equal((await run(['config', 'set', 'pilot.data-retention-days', '90', '--data', server.dir], { env })).code, 0);
            const said = JSON.parse(await clean('--json'));
            assert.deepEqual([said.pointsDropped, said.partitionsDropped], [3, kind === 'postgres' ? 1 : 0]);
            assert.equal((await server.ok('GET', `/data/query?deviceId=old&from=${hour}&to=${Date.now() - DAY_MS}`, { token })).length, 0);
            const events = await server.ok('GET', '/events?eventType=RETENTION_APPLIED', { token });
            assert.equal(events.content[0].description, '3 points');
            if (kind === 'postgres') {
                const month = new Date(hour).toISOString().slice(0, 7).replace('-', '_');
                assert.equal(postgres.askIn('cleanup', `SELECT count(*) FROM pg_class WHERE relname = 'telemetry_records_${month}'`), '0');
                assert.equal(postgres.askIn('cleanup', "SELECT description FROM events WHERE type = 'PARTITIONS_DROPPED'"), '1 months of readings');
            }
        });

        test('a login that has expired goes, and its organisation is told', async () => {
            for (const key of ['app.jwt.expiration-ms', 'app.jwt.refresh-expiration-ms'])
                assert.equal((await run(['config', 'set', key, '1000', '--data', server.dir], { env })).code, 0);
            await server.login(ADMIN.username, ADMIN.password);
            let lines = '';
            for (const end = Date.now() + 60_000; !/^1 old sessions removed$/m.test(lines); lines = await clean()) assert.ok(Date.now() < end, lines);
            const { content: [event] } = await server.ok('GET', '/events?eventType=LEFTOVERS_REMOVED', { token });
            assert.equal(event.description, '1 sessions');
            assert.match(await clean(), /^0 points dropped in 1 organisations, 0 old events removed\n$/);
        });
    });
