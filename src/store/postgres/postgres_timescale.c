/* TimescaleDB (2.16 or later): telemetry_records is a hypertable of 30 days a chunk instead of
 * months, and chunks older than that are compressed, one segment for each device, by time.
 *
 *   made ahead     nothing is to be made: chunks come with their first reading
 *   upsert         INSERT … ON CONFLICT works on compressed chunks too (what it meets is unpacked)
 *   retention      telemetry_partitions lists chunks, so whole ones go as whole months do, by
 *                  drop_chunks(); in pieces from compressed ones TimescaleDB deletes by segment
 *   views          are made again over the new table
 *
 * A partitioned table cannot become a hypertable, so the empty one is replaced. */
#include "store/postgres/migration_analytics.h"
#include "store/postgres/postgres_extension.h"

static const char *const statements[] = {
    "CREATE EXTENSION IF NOT EXISTS timescaledb",
    "DROP MATERIALIZED VIEW analytics_program, analytics_activity, analytics_volume",
    "DROP VIEW analytics_device_hours, analytics_series_hours, telemetry_partitions",
    "DROP TABLE analytics_state",
    "DROP INDEX telemetry_hours_recent",
    "ALTER TABLE telemetry_records RENAME TO telemetry_records_by_month",
    "CREATE TABLE telemetry_records (LIKE telemetry_records_by_month INCLUDING ALL)",
    "DROP TABLE telemetry_records_by_month",
    "SELECT create_hypertable('telemetry_records', by_range('ts_ns', 2592000000000000))",
    "CREATE FUNCTION telemetry_now() RETURNS BIGINT LANGUAGE SQL STABLE AS "
    "$$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint $$",
    "SELECT set_integer_now_func('telemetry_records', 'telemetry_now')",
    "ALTER TABLE telemetry_records SET (timescaledb.compress, "
    "timescaledb.compress_segmentby = 'org, device', timescaledb.compress_orderby = 'ts_ns')",
    "SELECT add_compression_policy('telemetry_records', "
    "compress_after => BIGINT '2592000000000000')",
    "CREATE VIEW telemetry_partitions AS SELECT chunk_name::text AS name, "
    "range_start_integer AS from_ns, range_end_integer AS to_ns, false AS pending "
    "FROM timescaledb_information.chunks WHERE hypertable_name = 'telemetry_records'",
    "CREATE OR REPLACE FUNCTION telemetry_make_partition(p_ts BIGINT) RETURNS BOOLEAN "
    "LANGUAGE SQL AS $$ SELECT false $$",
    migration_analytics_sql,
};

enum err postgres_timescale_use(struct postgres_pool *pool, enum postgres_extension_state *ret,
                                struct why *why)
{
    const struct postgres_extension x = {
        .name = "timescaledb",
        .in_use = "SELECT count(*) > 0 FROM timescaledb_information.hypertables "
                  "WHERE hypertable_name = 'telemetry_records'",
        .statements = statements,
        .n = sizeof statements / sizeof *statements,
    };
    return postgres_extension_use(pool, &x, ret, why);
}
