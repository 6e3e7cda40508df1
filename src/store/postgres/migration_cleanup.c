/* Partitions of months and what becomes old, as functions of the database: the server calls them,
 * and whoever keeps house with psql or pg_cron may.
 *
 *   telemetry_partitions              what there is, with its edges
 *   telemetry_make_partition(ts)      the month of that time; waits for no reader and no writer:
 *                                     ATTACH takes a weaker lock of the parent than PARTITION OF
 *   telemetry_orgs_between(from, to)  who has readings there: a step of the index for each, no scan
 *   cleanup_old_*(…, max)             one bounded piece: how many rows went, or whose they were
 *
 * cleanup_old_telemetry removes nothing that is above the organisation's edge (telemetry_cutoffs),
 * whatever it is asked for: what lies below is in nobody's sight and in telemetry_hours. */
#include "store/postgres/migration_cleanup.h"

#define SIMPLE(name, table, key, where)                                                            \
    "CREATE FUNCTION " name "(p_before BIGINT, p_max BIGINT) RETURNS SETOF BIGINT LANGUAGE SQL "   \
    "AS $$ DELETE FROM " table " WHERE " key " IN (SELECT " key " FROM " table " WHERE " where     \
    " LIMIT p_max) RETURNING org $$;"

const char migration_cleanup_sql[] =
    "CREATE VIEW telemetry_partitions AS"
    " SELECT c.relname::text AS name, (extract(epoch FROM m.month) * 1000000000)::bigint AS "
    "from_ns,"
    " least(extract(epoch FROM m.month + INTERVAL '1 month') * 1000000000,"
    "  9223372036854775807)::bigint AS to_ns, i.inhdetachpending AS pending"
    " FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " CROSS JOIN LATERAL (SELECT regexp_match(c.relname,"
    "  '^telemetry_records_([0-9]{4})_([0-9]{2})$') AS parts) AS p"
    " CROSS JOIN LATERAL (SELECT make_date(p.parts[1]::int, p.parts[2]::int, 1)::timestamp"
    "  AS month) AS m"
    " WHERE i.inhparent = 'telemetry_records'::regclass AND p.parts IS NOT NULL;"

    /* one whose server died between detaching and dropping it is in the way: it goes first */
    "CREATE FUNCTION telemetry_make_partition(p_ts BIGINT) RETURNS BOOLEAN LANGUAGE plpgsql AS $$ "
    "DECLARE v_month TIMESTAMP := date_trunc('month', to_timestamp(p_ts / 1000000000)"
    "  AT TIME ZONE 'UTC');"
    " v_to NUMERIC := extract(epoch FROM v_month + INTERVAL '1 month') * 1000000000;"
    " v_name TEXT := 'telemetry_records_' || to_char(v_month, 'YYYY_MM');"
    " v_pending BOOLEAN; "
    "BEGIN"
    " PERFORM pg_advisory_xact_lock(7310585431987123460);"
    " SELECT pending INTO v_pending FROM telemetry_partitions WHERE name = v_name;"
    " IF v_pending IS FALSE THEN RETURN FALSE; END IF;"
    " IF v_pending THEN"
    "  EXECUTE format('ALTER TABLE telemetry_records DETACH PARTITION %I FINALIZE', v_name);"
    " END IF;"
    " EXECUTE format('DROP TABLE IF EXISTS %I', v_name);"
    " EXECUTE format('CREATE TABLE %I (LIKE telemetry_records INCLUDING ALL)', v_name);"
    " EXECUTE format('ALTER TABLE telemetry_records ATTACH PARTITION %I FOR VALUES FROM (%s) TO "
    "(%s)',"
    "  v_name, (extract(epoch FROM v_month) * 1000000000)::bigint,"
    "  CASE WHEN v_to > 9223372036854775807 THEN 'MAXVALUE' ELSE v_to::bigint::text END);"
    " RETURN TRUE; "
    "END $$;"

    "CREATE FUNCTION telemetry_orgs_between(p_from BIGINT, p_to BIGINT) RETURNS SETOF BIGINT"
    " LANGUAGE SQL STABLE AS $$"
    " WITH RECURSIVE o (org) AS ("
    "  (SELECT org FROM telemetry_records WHERE ts_ns >= p_from AND ts_ns < p_to"
    "   ORDER BY org LIMIT 1)"
    "  UNION ALL SELECT (SELECT r.org FROM telemetry_records r WHERE r.org > o.org"
    "   AND r.ts_ns >= p_from AND r.ts_ns < p_to ORDER BY r.org LIMIT 1)"
    "  FROM o WHERE o.org IS NOT NULL)"
    " SELECT org FROM o WHERE org IS NOT NULL $$;"

    "CREATE FUNCTION cleanup_old_telemetry(p_org BIGINT, p_from BIGINT, p_before BIGINT,"
    " p_max BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$ "
    "DECLARE v_edge BIGINT; v_rows BIGINT; "
    "BEGIN"
    " SELECT least(raw_ns, p_before) INTO v_edge FROM telemetry_cutoffs WHERE org = p_org;"
    " IF v_edge IS NULL THEN RETURN 0; END IF;"
    " DELETE FROM telemetry_records WHERE org = p_org AND ts_ns >= p_from AND ts_ns < v_edge"
    "  AND (device, ts_ns) IN (SELECT device, ts_ns FROM telemetry_records"
    "   WHERE org = p_org AND ts_ns >= p_from AND ts_ns < v_edge LIMIT p_max);"
    " GET DIAGNOSTICS v_rows = ROW_COUNT;"
    " RETURN v_rows; "
    "END $$;"
    "CREATE FUNCTION cleanup_old_hours(p_org BIGINT, p_before BIGINT, p_max BIGINT)"
    " RETURNS BIGINT LANGUAGE SQL AS $$"
    " WITH gone AS (DELETE FROM telemetry_hours h WHERE h.org = p_org"
    "  AND (h.series, h.hour_ns) IN (SELECT x.series, x.hour_ns FROM telemetry_hours x"
    "   JOIN telemetry_cutoffs c ON c.org = x.org WHERE x.org = p_org"
    "   AND x.hour_ns < least(p_before, c.raw_ns, c.rollup_ns) LIMIT p_max) RETURNING 1)"
    " SELECT count(*) FROM gone $$;"

    "CREATE FUNCTION cleanup_old_events(p_org BIGINT, p_before BIGINT, p_max BIGINT)"
    " RETURNS BIGINT LANGUAGE plpgsql AS $$ "
    "DECLARE v_rows BIGINT; "
    "BEGIN"
    " INSERT INTO event_removals (org, before_ns) VALUES (p_org, p_before);"
    " DELETE FROM events WHERE id IN (SELECT id FROM events WHERE org = p_org"
    "  AND created_ns < p_before ORDER BY created_ns LIMIT p_max);"
    " GET DIAGNOSTICS v_rows = ROW_COUNT;"
    " DELETE FROM event_removals WHERE org = p_org;"
    " RETURN v_rows; "
    "END $$;"

    SIMPLE("cleanup_old_sessions", "sessions", "id", "expires_ns < p_before")
        SIMPLE("cleanup_old_password_resets", "password_resets", "hash", "expires_ns < p_before")
            SIMPLE("cleanup_old_invitations", "invitations", "id", "expires_ns < p_before")
                SIMPLE("cleanup_old_notifications", "notifications", "id",
                       "state <> 0 AND ended_ns < p_before")
                    SIMPLE("cleanup_old_alerts", "alerts", "id",
                           "resolved_ns <> 0 AND raised_ns < p_before")
                        SIMPLE("cleanup_old_commands", "commands", "id",
                               "ended_ns <> 0 AND ended_ns < p_before");
