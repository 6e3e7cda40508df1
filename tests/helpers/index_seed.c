/* A pilot's year for the index proofs (see index_world.h): ten organisations of 50 devices, and an
 * eleventh with a large fleet that sends nothing. All of it is made of series of numbers, so that
 * two runs have the same rows. */
#include "index_world.h"

#include <inttypes.h>
#include <stdio.h>

/* y: begin of the year; d: a day; u: the unit; f: the fleet. Columns left out have defaults. */
#define Y "1735689600000000000::bigint"
#define D "86400000000000::bigint"

static void fill_people(struct index_world *w)
{
    index_world_tell(w,
                     "INSERT INTO organizations (name, created_ns) SELECT 'org ' || i, " Y
                     " FROM generate_series(1::bigint, 11) i;"
                     "INSERT INTO organizations (name, created_ns, deleted_ns, purged_ns) "
                     "SELECT 'gone ' || i, " Y ", " Y " + i, CASE WHEN i > 3 THEN 1 ELSE 0 END "
                     "FROM generate_series(1::bigint, 3000) i;"
                     "INSERT INTO users (org, username, email, password_hash, roles, enabled, "
                     "password_changed_ns, created_ns, updated_ns) SELECT 1 + i % 10, 'user' || i, "
                     "'user' || i || '@example.org', repeat('h', 90), 1, 1, " Y ", " Y ", " Y
                     " FROM generate_series(0::bigint, 499) i;"
                     "INSERT INTO users (org, username, email, password_hash, roles, enabled, "
                     "password_changed_ns, created_ns, updated_ns, deleted_ns, purged_ns) "
                     "SELECT 1 + i % 10, '', '', '', 1, 0, 0, 0, 0, " Y " + i, 1 "
                     "FROM generate_series(0::bigint, 2999) i;");
}

static void fill_access(struct index_world *w, int64_t unit)
{
    char sql[4096];
    snprintf(
        sql, sizeof sql,
        "INSERT INTO sessions (id, org, user_id, current_hash, remember, created_ns, rotated_ns, "
        "expires_ns, revoked_ns) SELECT 'session ' || i, 1 + i %% 500 %% 10, 1 + i %% 500, "
        "sha256('x'), "
        "0, " Y ", " Y ", " Y " + i * 1000000, CASE WHEN i %% 50 = 0 THEN " Y " + i ELSE 0 END "
        "FROM generate_series(0::bigint, %" PRId64 ") i;"
        "INSERT INTO api_keys (org, user_id, name, hash, display_prefix, display_suffix, "
        "created_ns) SELECT 1 + i %% 500 %% 10, 1 + i %% 500, 'key', sha256(i::text::bytea), "
        "'', '', " Y " FROM generate_series(0::bigint, 4999) i;"
        "INSERT INTO password_resets (hash, org, user_id, expires_ns) "
        "SELECT sha256(i::text::bytea), 1 + i %% 500 %% 10, 1 + i %% 500, " Y " + i "
        "FROM generate_series(0::bigint, 4999) i;"
        "INSERT INTO invitations (org, email, roles, hash, invited_by, sends, created_ns, "
        "expires_ns, accepted_ns) SELECT 1 + i %% 10, 'guest' || i || '@example.org', 1, "
        "sha256(i::text::bytea), 1, 1, " Y ", " Y
        " + i, 1 FROM generate_series(0::bigint, 4999) i;",
        unit);
    index_world_tell(w, sql);
}

/* Device i of 1 … 500 is one of organisation 1 + (i - 1) / 50. */
static void fill_devices(struct index_world *w, const struct index_size *size)
{
    char sql[4096];
    snprintf(
        sql, sizeof sql,
        "INSERT INTO devices (org, uuid, external_id, name, active, created_ns, updated_ns, "
        "last_seen_ns) SELECT 1 + (i - 1) / 50, decode(md5(i::text), 'hex'), 'dev-' || i, "
        "'Device ' || i, 1, " Y ", " Y ", " Y " FROM generate_series(1::bigint, 500) i;"
        "INSERT INTO devices (org, uuid, external_id, name, active, location, sensor_type, "
        "latitude, longitude, created_ns, updated_ns) SELECT 11, decode(md5(i::text), 'hex'), "
        "'fleet-' || i, 'Truck ' || i * 7919 %% 100000, 1, 'Hall ' || i * 31 %% 1000, "
        "'type ' || i %% 100, CASE WHEN i %% 50 = 0 THEN 48.1 END, "
        "CASE WHEN i %% 50 = 0 THEN 11.5 END, " Y " + i * 104729 %% 1000003, " Y
        " FROM generate_series(501::bigint, 500 + %" PRId64 ") i;"
        "INSERT INTO devices (org, uuid, external_id, active, created_ns, updated_ns, deleted_ns) "
        "SELECT 1 + i %% 10, decode(md5('gone' || i), 'hex'), 'gone-' || i, 1, " Y ", " Y ", " Y
        " + i FROM generate_series(1::bigint, 5000) i;"
        "INSERT INTO variables (org, device, name, created_ns, updated_ns) SELECT d.org, d.id, "
        "'var' || i, 0, 0 FROM devices d, generate_series(1::bigint, 10) i WHERE d.org < 11 "
        "AND d.deleted_ns = 0;"
        "INSERT INTO labels (org, kind, name, created_ns, updated_ns) SELECT o, 0, 'tag ' || i, 0, "
        "0 FROM generate_series(1::bigint, 11) o, generate_series(1::bigint, 100) i;"
        "INSERT INTO device_labels (org, device, label) SELECT d.org, d.id, l.id FROM devices d "
        "JOIN labels l ON l.org = d.org AND (l.id + d.id) %% 997 = 0;",
        size->fleet);
    index_world_tell(w, sql);
}

static void fill_boards(struct index_world *w)
{
    index_world_tell(
        w,
        "INSERT INTO dashboards (org, name, is_default, layout, version, created_ns, updated_ns) "
        "SELECT 1 + i % 10, 'board ' || i, 0, '{}', 1, 0, 0 FROM generate_series(0::bigint, 199) i;"
        "INSERT INTO widgets (org, dashboard, name, type, x, y, width, height, aggregation, "
        "minutes, config, version, created_ns, updated_ns) SELECT d.org, d.id, 'w', 'LINE_CHART', "
        "0, "
        "0, 1, 1, 'AVG', 60, '{}', 1, 0, 0 FROM generate_series(1::bigint, 30) i, dashboards d;"
        "INSERT INTO dashboard_shares (org, dashboard, token_hash, created_by, created_ns) "
        "SELECT d.org, d.id, decode(md5(d.id || ' ' || i), 'hex'), 1, 0 "
        "FROM generate_series(1::bigint, 20) i, dashboards d;"
        "INSERT INTO rules (org, uuid, name, device, variable, operator, threshold, enabled, "
        "for_ns, cooldown_ns, created_ns, updated_ns) SELECT d.org, "
        "decode(md5(d.id || ' ' || i), 'hex'), 'rule ' || i, d.id, 'var1', 0, 1, 1, 0, 0, 0, 0 "
        "FROM generate_series(1::bigint, 10) i, devices d WHERE d.org < 11 AND d.deleted_ns = 0;"
        "INSERT INTO fleet_rules (org, uuid, name, selector, function, window_ns, operator, "
        "threshold, enabled, interval_ns, cooldown_ns, due_ns, created_ns, updated_ns) "
        "SELECT 1 + i % 10, decode(md5(i::text), 'hex'), 'fleet ' || i, 0, 0, 0, 0, 0, 1, 0, 0, " Y
        " + i, 0, 0 FROM generate_series(1::bigint, 3000) i;"
        "INSERT INTO synthetics (org, uuid, device, series, name, expression, enabled, "
        "created_ns, updated_ns) SELECT d.org, decode(md5(d.id || ' ' || i), 'hex'), d.id, "
        "d.id * 10 + i, 'sum ' || i, '1 + 1', 1, 0, 0 FROM devices d, generate_series(1::bigint, "
        "10) i "
        "WHERE d.org < 11 AND d.deleted_ns = 0;");
}

/* Two alerts of a hundred are open; one notification of a hundred failed. */
static void fill_records(struct index_world *w, int64_t unit)
{
    char sql[6000];
    snprintf(
        sql, sizeof sql,
        "INSERT INTO events (org, type, severity, entity_type, device, created_ns) SELECT "
        "1 + i %% 10, 'type ' || i / 10 %% 60, CASE WHEN i / 10 %% 100 = 0 THEN 2 ELSE 0 END, "
        "'ENTITY ' || i / 10 %% 40, 1 + i %% 10 * 50 + i / 10 %% 50, " Y " + i * (365 * " D
        " / %" PRId64 ") FROM generate_series(0::bigint, %" PRId64 ") i;"
        "INSERT INTO alerts (org, uuid, source, rule, rule_uuid, rule_name, device, "
        "device_external_id, message, severity, triggered_value, raised_ns, acknowledged_ns, "
        "resolved_ns) SELECT 1 + i %% 10, decode(md5(i::text), 'hex'), "
        "CASE WHEN i / 10 %% 900 = 7 THEN 1 ELSE 0 END, i, decode(md5('r' || i %% 1000), 'hex'), "
        "'rule ' || i / 10 %% 100, 1 + i %% 10 * 50 + i / 10 %% 50, 'dev-' || i / 10 %% 50, "
        "'too hot', CASE WHEN i / 10 %% 50 = 3 THEN 3 ELSE 0 END, 1, " Y " + i * 1000000000, "
        "CASE WHEN i / 10 %% 50 = 1 THEN 0 ELSE 1 END, CASE WHEN i / 10 %% 53 = 1 THEN 0 ELSE 1 "
        "END FROM generate_series(0::bigint, %" PRId64 ") i;"
        "INSERT INTO notifications (org, uuid, channel, webhook, target, user_id, what, alert, "
        "destination, state, created_ns, next_ns, ended_ns) SELECT 1 + i %% 10, "
        "decode(md5(i::text), 'hex'), CASE WHEN i / 10 %% 100 = 5 THEN 2 ELSE 0 END, "
        "CASE WHEN i %% 3 = 0 THEN 0 ELSE 1 + i / 10 %% 50 END, 'webhook:' || i / 10 %% 50, "
        "CASE WHEN i %% 3 = 0 THEN 1 + i / 10 %% 50 ELSE 0 END, 'alert.raised', "
        "md5((i / 20)::text), 'https://example.org', CASE WHEN i / 10 %% 100 = 9 THEN 2 "
        "WHEN i / 10 %% 199 = 8 THEN 0 ELSE 1 END, " Y " + i * 1000000, " Y " + i, "
        "CASE WHEN i / 10 %% 199 = 8 THEN 0 ELSE " Y " + i END "
        "FROM generate_series(0::bigint, %" PRId64 ") i;"
        "INSERT INTO commands (org, device, name, created_ns, expires_ns, ended_ns) SELECT "
        "1 + i %% 10, 1 + i %% 10 * 50 + i / 10 %% 50, 'on', " Y ", " Y " + i * 1000, "
        "CASE WHEN i / 500 %% 100 = 7 THEN 0 ELSE " Y " + i * 1000 END "
        "FROM generate_series(0::bigint, %" PRId64 ") i;",
        5 * unit, 5 * unit, 2 * unit, 4 * unit, 2 * unit);
    index_world_tell(w, sql);
}

/* Organisation 12, which does little. */
static void fill_quiet(struct index_world *w, int64_t unit)
{
    char sql[2048];
    snprintf(
        sql, sizeof sql,
        "INSERT INTO events (org, type, severity, created_ns) SELECT 12, 'type', 0, " Y
        " FROM generate_series(1, %" PRId64 ");"
        "INSERT INTO alerts (org, uuid, source, rule, rule_uuid, rule_name, message, severity, "
        "triggered_value, raised_ns) SELECT 12, decode(md5(i::text), 'hex'), 0, i, "
        "decode(md5(''), 'hex'), 'r', '', 0, 1, i FROM generate_series(1, %" PRId64 ") i;"
        "INSERT INTO notifications (org, uuid, channel, target, what, destination, state, "
        "created_ns, next_ns) SELECT 12, decode(md5(i::text), 'hex'), 0, 't', 'w', 'd', 1, 0, 0 "
        "FROM generate_series(1, %" PRId64 ") i;"
        "INSERT INTO invitations (org, email, roles, hash, invited_by, sends, created_ns, "
        "expires_ns, accepted_ns) SELECT 12, 'quiet' || i || '@example.org', 1, "
        "sha256(('q' || i)::bytea), 1, 1, " Y ", " Y ", 1 FROM generate_series(1, 100) i;"
        "INSERT INTO fleet_rules (org, uuid, name, selector, function, window_ns, operator, "
        "threshold, enabled, interval_ns, cooldown_ns, created_ns, updated_ns) "
        "SELECT 12, decode(md5(i::text), 'hex'), 'quiet', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 "
        "FROM generate_series(1, 20) i;",
        unit / 30, unit / 30, unit / 30);
    index_world_tell(w, sql);
}

/* --- readings --------------------------------------------------------------------------------- */

/* The program makes its partitions: one reading a month. */
static void make_months(struct index_world *w)
{
    enum { MONTHS = 12 };
    struct record records[MONTHS];
    struct point points[MONTHS];
    struct why why = {""};
    for (int i = 0; i < MONTHS; i++) {
        records[i] = (struct record){
            1, 1, INDEX_YEAR_NS + i * INDEX_DAY_NS * 365 / MONTHS + 3 * INDEX_DAY_NS, (uint32_t)i,
            1};
        points[i] = (struct point){1, 1.0};
    }
    struct record_set set = {records, MONTHS, points, MONTHS};
    const struct record_set *const sets[] = {&set};
    bug_if(telemetry_write(w->telemetry, sets, 1, &why));
}

/* In order of time, as they come: each device sends its two values in turn. */
static void fill_readings(struct index_world *w, const struct index_size *size)
{
    enum { PIECES = 60 };
    char sql[1024];
    for (int64_t i = 0; i < PIECES; i++) {
        snprintf(sql, sizeof sql,
                 "INSERT INTO telemetry_records (org, device, ts_ns, series, value) "
                 "SELECT 1 + i %% 500 / 50, 1 + i %% 500, " Y " + (i * (365.0 * " D " / %" PRId64
                 "))::bigint + 1, ARRAY[2 * (i %% 500) + 1, 2 * (i %% 500) + 2], "
                 "ARRAY[20 + i %% 7, 1013 + i %% 11] "
                 "FROM generate_series(%" PRId64 "::bigint, %" PRId64 ") i",
                 size->rows, size->rows * i / PIECES, size->rows * (i + 1) / PIECES - 1);
        index_world_tell(w, sql);
    }
    snprintf(sql, sizeof sql,
             "INSERT INTO telemetry_hours (org, series, hour_ns, device, count, sum, min, max, "
             "first, last, m2, first_ns, last_ns) SELECT 1 + d / 50, 2 * d + s, h, 1 + d, 7, 140, "
             "20, 26, 20, 26, 1, h, h + 1 FROM generate_series(0::bigint, 8759) n, "
             "LATERAL (SELECT " Y " + n * 3600000000000 AS h) hours, "
             "generate_series(0::bigint, 499, 500 / %" PRId64 ") d, generate_series(1, 2) s",
             size->hour_devices);
    index_world_tell(w, sql);
    index_world_tell(
        w,
        "INSERT INTO telemetry_latest (org, series, device, ts_ns, value) SELECT 1 + s / 10 / 50, "
        "s + 1, 1 + s / 10, " Y ", 1 FROM generate_series(0::bigint, 4999) s;"
        "INSERT INTO telemetry_stale (org, device, hour_ns) SELECT 1 + d / 50, 1 + d, " Y
        " + 364 * " D " + n * 3600000000000 FROM generate_series(0::bigint, 499) d, "
        "generate_series(0::bigint, 39) n ON CONFLICT DO NOTHING");
}

void index_seed_fill(struct index_world *w, const struct index_size *size)
{
    fill_people(w);
    fill_access(w, size->unit);
    fill_devices(w, size);
    fill_boards(w);
    fill_quiet(w, size->unit); /* before the others: its newest are far from the end */
    fill_records(w, size->unit);
    make_months(w);
    fill_readings(w, size);
    index_world_tell(w, "VACUUM ANALYZE");
    index_world_tell(w, "CHECKPOINT");
}
