// What docs/decisions/0025 measures, on a PostgreSQL of its own: a month of readings that nobody keeps any more,
// dropped whole against deleted in pieces; and what a question about a device costs to plan over months and weeks.
//   node bench/partitions.mjs [ROWS OF A MONTH = 1000000]
import { startPostgres } from '../tests/system/postgres.mjs';
import { run, temporaryDir } from '../tests/system/server.mjs';

const rows = Number(process.argv[2] ?? 1_000_000);
const postgres = await startPostgres({ durable: true });
const url = postgres.database('months');
const ask = (sql) => postgres.ask(sql, url);
const seconds = (from) => ((Date.now() - from) / 1000).toFixed(1);
const wal = () => Number(ask("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"));
const mib = (bytes) => (bytes / 1048576).toFixed(0);
try {
    const migrated = await run(['migrate', '--data', temporaryDir()], { env: { STORE_URL: url } });
    if (migrated.code) throw new Error(migrated.stderr);
    for (const month of ['2026-01', '2026-02']) {
        const from = BigInt(Date.parse(`${month}-01T00:00:00Z`)) * 1_000_000n;
        ask(`SELECT telemetry_make_partition(${from})`);
        ask(`INSERT INTO telemetry_records (org, device, ts_ns, series, value) SELECT 1 + d % 10, d, ${from} + t * 2000000000000000 / ${Math.ceil(rows / 500)},
            ARRAY[3 * d, 3 * d + 1, 3 * d + 2], ARRAY[1.5, 2.5, 3.5] FROM generate_series(1, 500) AS d, generate_series(1, ${Math.ceil(rows / 500)}) AS t`);
    }
    ask('VACUUM ANALYZE telemetry_records');
    ask('CHECKPOINT');
    const size = mib(Number(ask("SELECT pg_total_relation_size('telemetry_records_2026_01')")));
    ask("INSERT INTO telemetry_cutoffs SELECT o, 9000000000000000000, 0 FROM generate_series(1, 10) AS o");

    let from = Date.now(), bytes = wal(), pieces = 0, longest = 0;
    const [lo, hi] = ask("SELECT from_ns || ' ' || to_ns FROM telemetry_partitions WHERE name = 'telemetry_records_2026_01'").split(' ');
    for (let org = 1; org <= 10; org++)
        for (let gone = 5000; gone === 5000; pieces++) {
            const begin = Date.now();
            gone = Number(ask(`SELECT cleanup_old_telemetry(${org}, ${lo}, ${hi}, 5000)`));
            longest = Math.max(longest, Date.now() - begin);
        }
    ask('VACUUM telemetry_records_2026_01');
    console.log(`a month of ${rows} rows (${size} MiB)`);
    console.log(`in ${pieces} pieces and a VACUUM: ${seconds(from)} s, ${mib(wal() - bytes)} MiB of log, longest piece ${longest} ms (with a psql each), ${mib(Number(ask("SELECT pg_total_relation_size('telemetry_records_2026_01')")))} MiB left`);
    from = Date.now();
    bytes = wal();
    ask('ALTER TABLE telemetry_records DETACH PARTITION telemetry_records_2026_02 CONCURRENTLY');
    ask('DROP TABLE telemetry_records_2026_02');
    console.log(`whole: ${seconds(from)} s, ${mib(wal() - bytes)} MiB of log, 0 MiB left`);

    for (const [name, parts] of [['months', 12], ['weeks', 53]]) {
        ask(`CREATE TABLE by_${name} (LIKE telemetry_records INCLUDING ALL) PARTITION BY RANGE (ts_ns);
            DO $$ BEGIN FOR i IN 0..${parts - 1} LOOP EXECUTE format('CREATE TABLE by_${name}_%s PARTITION OF by_${name} FOR VALUES FROM (%s) TO (%s)', i, i, i + 1); END LOOP; END $$`);
        const plans = ask(Array(21).fill(`EXPLAIN (ANALYZE, TIMING OFF, SUMMARY ON) SELECT * FROM by_${name} WHERE org = 1 AND device = 1 ORDER BY ts_ns DESC LIMIT 1`).join(';'));
        const median = (what) => [...plans.matchAll(new RegExp(`${what} Time: ([0-9.]+) ms`, 'g'))].map((m) => Number(m[1])).sort((a, b) => a - b)[10];
        console.log(`a year of ${name} (${parts}): a question about all of a device is planned in ${median('Planning')} ms, run in ${median('Execution')} ms`);
    }
} finally {
    await postgres.stop();
}
