/* Readings: one row for each time of a device, with its values beside each other; the newest value
 * of each series in hours that are summed up; hours that are summed up; hours that have to be
 * summed up (again); what retention has forgotten. Partitions of months are made when a first
 * reading falls into them (postgres_store.c); what is older than 2000 shares one. */
#include "store/postgres/migration_telemetry.h"

const char migration_telemetry_sql[] =
    "CREATE TABLE telemetry_records ("
    " org BIGINT NOT NULL,"
    " device BIGINT NOT NULL,"
    " ts_ns BIGINT NOT NULL,"
    " series BIGINT[] NOT NULL," /* ascending, each once */
    " value DOUBLE PRECISION[] NOT NULL,"
    " PRIMARY KEY (org, device, ts_ns)) PARTITION BY RANGE (ts_ns);"
    "CREATE TABLE telemetry_records_before_2000 PARTITION OF telemetry_records"
    " FOR VALUES FROM (MINVALUE) TO (946684800000000000);"

    /* values of `fresh` win over those of `old` */
    "CREATE FUNCTION telemetry_merge(old_series BIGINT[], old_value DOUBLE PRECISION[],"
    " fresh_series BIGINT[], fresh_value DOUBLE PRECISION[],"
    " OUT series BIGINT[], OUT value DOUBLE PRECISION[]) LANGUAGE SQL IMMUTABLE AS $$"
    " SELECT array_agg(s ORDER BY s), array_agg(v ORDER BY s) FROM ("
    "  SELECT DISTINCT ON (s) s, v FROM ("
    "   SELECT unnest(fresh_series) AS s, unnest(fresh_value) AS v, 0 AS place"
    "   UNION ALL SELECT unnest(old_series), unnest(old_value), 1) AS every"
    "  ORDER BY s, place) AS kept $$;"

    "CREATE TABLE telemetry_latest ("
    " org BIGINT NOT NULL,"
    " series BIGINT NOT NULL,"
    " device BIGINT NOT NULL,"
    " ts_ns BIGINT NOT NULL,"
    " value DOUBLE PRECISION NOT NULL,"
    " PRIMARY KEY (org, series)) WITH (fillfactor = 50);" /* updated in place, mostly */
    "CREATE INDEX telemetry_latest_device ON telemetry_latest (org, device);"

    "CREATE TABLE telemetry_hours ("
    " org BIGINT NOT NULL,"
    " series BIGINT NOT NULL,"
    " hour_ns BIGINT NOT NULL,"
    " device BIGINT NOT NULL,"
    " count BIGINT NOT NULL,"
    " sum DOUBLE PRECISION NOT NULL,"
    " min DOUBLE PRECISION NOT NULL,"
    " max DOUBLE PRECISION NOT NULL,"
    " first DOUBLE PRECISION NOT NULL,"
    " last DOUBLE PRECISION NOT NULL,"
    " m2 DOUBLE PRECISION NOT NULL,"
    " first_ns BIGINT NOT NULL,"
    " last_ns BIGINT NOT NULL,"
    " PRIMARY KEY (org, series, hour_ns));"
    "CREATE INDEX telemetry_hours_device ON telemetry_hours (org, device, hour_ns);"

    /* a row: that hour of that device is not, or not rightly, in telemetry_hours */
    "CREATE TABLE telemetry_stale ("
    " org BIGINT NOT NULL,"
    " device BIGINT NOT NULL,"
    " hour_ns BIGINT NOT NULL,"
    " PRIMARY KEY (org, device, hour_ns));"
    "CREATE INDEX telemetry_stale_hour ON telemetry_stale (hour_ns);"

    /* nothing below these is shown */
    "CREATE TABLE telemetry_cutoffs ("
    " org BIGINT NOT NULL PRIMARY KEY,"
    " raw_ns BIGINT NOT NULL,"
    " rollup_ns BIGINT NOT NULL);";
