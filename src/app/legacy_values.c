/* Readings of the Java platform: five wide columns, a JSON object of others, and since its version
 * 56 a table of values by variable (see legacy.h). All three are one stream for each device, in
 * the order of time; of one time and variable the last of these three wins, because it has most
 * digits. */
#include "app/legacy.h"
#include "codec/raw_batch.h"
#include "model/alias.h"
#include "store/catalog_variables.h"
#include "store/copy_writer.h"

#include <math.h>

enum { SQL_MAX = 8192, NAMES_BYTES = 64 << 20, POINTS_ROOM = 256, SHOW_EVERY = 4096 };
#define SAVE_EVERY_NS (2 * NS_PER_S)
#define TIMES         "BETWEEN '1700-01-01' AND '2250-01-01'"

static const char *const wide[] = {"kw_consumption", "voltage", "current", "power_factor",
                                   "frequency"};
enum { WIDE = sizeof wide / sizeof *wide };

/* --- statements ------------------------------------------------------------------------------- */

/* ('voltage', t."voltage"::float8), … of the columns there are; false: none. */
static bool add_wide(const struct legacy_source *s, struct buf *sql)
{
    bool any = false;
    for (int i = 0; i < WIDE; i++) {
        if (!legacy_source_has(s, "telemetry_records", wide[i])) continue;
        buf_printf(sql, "%s('%s', t.\"%s\"::float8)", any ? ", " : "", wide[i], wide[i]);
        any = true;
    }
    return any;
}

/* A JSON number that a double can hold, or a truth value; else NULL. */
#define JSON_VALUE                                                                                 \
    "CASE jsonb_typeof(c.value) WHEN 'boolean' THEN (c.value::text = 'true')::int::float8 "        \
    "WHEN 'number' THEN CASE WHEN abs((c.value)::numeric) < 1e308 "                                \
    "THEN (c.value)::numeric::float8 END END"
#define JSON_PAIRS                                                                                 \
    "jsonb_each(CASE jsonb_typeof(t.custom_variables) WHEN 'object' THEN t.custom_variables "      \
    "ELSE '{}'::jsonb END) AS c"

/* Rows (at, place, name, value) of everything, or of one device. */
static void add_streams(const struct legacy_source *s, struct buf *sql, bool of_device)
{
    const char *records = of_device ? "t.device_id = $1::uuid AND " : "";
    const char *values = of_device ? "v.device_id = $1::uuid AND " : "";
    buf_add_str(sql, "SELECT t.measurement_timestamp::timestamptz AS at, 0 AS place, c.name, "
                     "c.value FROM telemetry_records t, LATERAL (VALUES ");
    if (!add_wide(s, sql)) buf_add_str(sql, "('', NULL::float8)");
    buf_printf(sql, ") AS c (name, value) WHERE %sc.value IS NOT NULL", records);
    if (legacy_source_has(s, "telemetry_records", "custom_variables"))
        buf_printf(sql,
                   " UNION ALL SELECT t.measurement_timestamp::timestamptz, 1, c.key, " JSON_VALUE
                   " FROM telemetry_records t, LATERAL " JSON_PAIRS " WHERE %sc.value IS NOT NULL",
                   records);
    if (legacy_source_has(s, "variable_values", "value") &&
        legacy_source_has(s, "variables", "device_id"))
        buf_printf(sql,
                   " UNION ALL SELECT x.\"timestamp\"::timestamptz, 2, v.name, x.value::float8 "
                   "FROM variables v JOIN variable_values x ON x.variable_id = v.id "
                   "WHERE %sx.value IS NOT NULL",
                   values);
}

/* --- counting --------------------------------------------------------------------------------- */

static enum err note_count(void *ctx, struct catalog_reader *r)
{
    *(uint64_t *)ctx = (uint64_t)catalog_rows_int(r);
    return r->err;
}

/* Values whose variable is gone are in no stream. */
static enum err count_orphans(struct legacy *l, uint64_t *ret)
{
    *ret = 0;
    if (!legacy_source_has(&l->source, "variable_values", "value")) return ERR_OK;
    return legacy_source_select(&l->source,
                                "SELECT count(*) FROM variable_values x WHERE NOT EXISTS "
                                "(SELECT 1 FROM variables v WHERE v.id = x.variable_id)",
                                SQL_NO_ARGS, note_count, ret);
}

enum err legacy_values_count(struct legacy *l)
{
    struct buf sql;
    uint64_t n = 0, orphans = 0;
    if (!legacy_source_has(&l->source, "telemetry_records", "measurement_timestamp")) return ERR_OK;
    buf_init(&sql, SQL_MAX);
    buf_add_str(&sql, "SELECT count(*) FROM (");
    add_streams(&l->source, &sql, false);
    buf_add_str(&sql, ") AS everything");
    enum err e =
        sql.err ? sql.err
                : legacy_source_select(&l->source, buf_cstr(&sql), SQL_NO_ARGS, note_count, &n);
    buf_done(&sql);
    if (!e) e = count_orphans(l, &orphans);
    l->report.found[LEGACY_VALUES] = n + orphans;
    legacy_report_left_many(&l->report, LEGACY_VALUES, "of a variable that is gone", orphans);
    return e;
}

/* --- one device ------------------------------------------------------------------------------- */

struct series {
    struct bytes name; /* key */
    int64_t id;        /* 0: such a name is not taken */
};

struct values {
    struct legacy *l;
    struct copy_writer *writer;
    struct buf sql;
    struct arena names; /* of the device at hand */
    struct map by_name;
    int64_t org, device;
    struct point points[POINTS_ROOM]; /* of the time at hand */
    size_t n;
    int64_t ts_ns;
    uint64_t rows, taken, before_ts; /* taken: so far; before_ts: before the time at hand */
    uint64_t not_numbers, no_time, no_name;
    int64_t saved_ns; /* monotonic */
    void (*shown)(void *ctx, uint64_t values);
    void *ctx;
};

static enum err keep_series(struct values *v, struct bytes name, int64_t id, struct series **ret)
{
    struct series *s = arena_alloc(&v->names, sizeof *s);
    if (!s) return ERR_NOMEM;
    *s = (struct series){arena_copy(&v->names, name), id};
    if (!s->name.p) return ERR_NOMEM;
    *ret = s;
    return map_put(&v->by_name, s->name, s);
}

static enum err load_series(struct values *v)
{
    struct sql_tx *tx;
    struct sql_cursor *c;
    struct sql_row row;
    struct series *any;
    enum err e = sql_begin(v->l->target.store.db, SQL_READ, &tx);
    if (e) return e;
    e = sql_query(tx, "SELECT name, id FROM variables WHERE org = $1 AND device = $2",
                  SQL_ARGS(SQL_I(v->org), SQL_I(v->device)), &c);
    if (!e) {
        while (!e && !(e = sql_next(c, &row)))
            e = keep_series(v, row.columns[0].as.b, row.columns[1].as.i, &any);
        sql_finish(c);
    }
    return sql_end(tx, e == ERR_END ? ERR_OK : e);
}

/* The platform made no row for the five wide ones and those in JSON. */
static enum err make_series(struct values *v, struct bytes name, struct series **ret)
{
    struct variable made = {.org = v->org,
                            .device = v->device,
                            .name = name,
                            .data_type = BYTES("NUMBER"),
                            .data_source = BYTES("AUTO"),
                            .min_value = NAN,
                            .max_value = NAN,
                            .decimal_places = -1,
                            .created_ns = v->l->now_ns,
                            .updated_ns = v->l->now_ns};
    struct sql_tx *tx;
    if (raw_batch_name_error(name)) return keep_series(v, name, 0, ret);
    enum err e = sql_begin(v->l->target.store.db, SQL_WRITE, &tx);
    if (!e) e = sql_end(tx, catalog_variables_insert(tx, &made));
    return e ? e : keep_series(v, name, made.id, ret);
}

/* A wide column is the variable of that name, or of its other spelling where the device has it. */
static enum err find_series(struct values *v, int64_t place, struct bytes name, struct series **ret)
{
    struct bytes alias = place == 0 ? alias_of(name) : bytes_of(NULL, 0);
    struct series *s = map_get(&v->by_name, name);
    if (!s && alias.p) s = map_get(&v->by_name, alias);
    *ret = s;
    return s ? ERR_OK : make_series(v, name, ret);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Everything before the time at hand is durable, and the mark says so. */
static enum err save(struct values *v)
{
    struct legacy *l = v->l;
    enum err e = copy_writer_drain(v->writer, &l->why);
    l->mark.org = v->org;
    l->mark.device = v->device;
    l->mark.ts_ns = v->ts_ns;
    l->mark.points = v->before_ts;
    if (!e) e = takeover_save(l->target.store.db, &l->mark, clock_wall_ns(clock_real()));
    v->saved_ns = clock_mono_ns(clock_real());
    return e;
}

static enum err flush(struct values *v)
{
    const struct record key = {.org = v->org, .device = v->device, .ts_ns = v->ts_ns};
    if (!v->n) return ERR_OK;
    enum err e = copy_writer_add(v->writer, &key, v->points, v->n, &v->l->why);
    v->n = 0;
    return e;
}

static enum err begin_time(struct values *v, int64_t ts_ns)
{
    enum err e = flush(v);
    v->ts_ns = ts_ns;
    v->before_ts = v->taken;
    if (!e && clock_mono_ns(clock_real()) - v->saved_ns >= SAVE_EVERY_NS) e = save(v);
    return e;
}

static enum err take_value(void *ctx, struct catalog_reader *r)
{
    struct values *v = ctx;
    bool has_time = r->row->columns[0].type != SQL_TYPE_NULL;
    int64_t ts_ns = catalog_rows_int(r), place = catalog_rows_int(r);
    struct bytes name = catalog_rows_text(r);
    double value = catalog_rows_real(r);
    struct series *s;
    if (++v->rows % SHOW_EVERY == 0) v->shown(v->ctx, v->rows);
    if (!isfinite(value)) return v->not_numbers++, ERR_OK;
    if (!has_time) return v->no_time++, ERR_OK;
    enum err e = find_series(v, place, name, &s);
    if (e) return e;
    if (!s->id) return v->no_name++, ERR_OK;
    if (ts_ns != v->ts_ns) e = begin_time(v, ts_ns);
    if (!e && v->n == POINTS_ROOM) e = flush(v);
    v->points[v->n++] = (struct point){s->id, value};
    v->taken++;
    return e;
}

/* --- all devices ------------------------------------------------------------------------------ */

static void write_statement(struct values *v)
{
    buf_add_str(&v->sql, "SELECT CASE WHEN at " TIMES " THEN (extract(epoch from at) * 1000000)"
                         "::bigint * 1000 END AS ns, place::bigint, name::text, value FROM (");
    add_streams(&v->l->source, &v->sql, true);
    /* the parameter in microseconds; times that are none come once, at the beginning */
    buf_add_str(&v->sql,
                ") AS q WHERE (at " TIMES " AND (extract(epoch from at) * 1000000)::bigint "
                ">= $2) OR ($2 < -9000000000000000 AND NOT at " TIMES ") ORDER BY 1, 2");
}

static enum err take_device(struct values *v, const struct uuid *uuid, int64_t from_ns)
{
    char text[UUID_TEXT + 1];
    struct legacy *l = v->l;
    uuid_format(uuid, text);
    arena_reset(&v->names);
    map_done(&v->by_name);
    map_init(&v->by_name, 0);
    v->ts_ns = from_ns;
    v->before_ts = v->taken;
    enum err e = load_series(v);
    int64_t from_us = from_ns == INT64_MIN ? INT64_MIN : from_ns / 1000;
    if (!e)
        e = legacy_source_select(&l->source, buf_cstr(&v->sql),
                                 SQL_ARGS(SQL_T(bytes_str(text)), SQL_I(from_us)), take_value, v);
    if (e && !l->why.text[0] && l->source.tx)
        (void)why_say(&l->why, e, "the source: %.180s", legacy_source_message(&l->source));
    return e ? e : flush(v);
}

struct next_device {
    int64_t org, id;
    struct uuid uuid;
};

/* The device of the target at or behind (org, id). ERR_END. */
static enum err find_next(struct legacy *l, struct next_device *d, bool inclusive)
{
    struct sql_tx *tx;
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sql_begin(l->target.store.db, SQL_READ, &tx);
    if (e) return e;
    e = sql_query(tx,
                  "SELECT org, id, uuid FROM devices WHERE org > $1 OR (org = $1 AND id > $2) "
                  "ORDER BY org, id LIMIT 1",
                  SQL_ARGS(SQL_I(d->org), SQL_I(inclusive ? d->id - 1 : d->id)), &c);
    if (!e) {
        e = sql_next(c, &row);
        if (!e && row.columns[2].as.b.n != sizeof d->uuid) e = ERR_CORRUPT;
        if (!e) {
            d->org = row.columns[0].as.i;
            d->id = row.columns[1].as.i;
            memcpy(&d->uuid, row.columns[2].as.b.p, sizeof d->uuid);
        }
        sql_finish(c);
    }
    enum err ended = sql_end(tx, e == ERR_END ? ERR_OK : e);
    return e ? e : ended;
}

static enum err take_devices(struct values *v)
{
    struct legacy *l = v->l;
    struct next_device d = {.org = l->mark.org, .id = l->mark.device};
    int64_t from_ns = l->mark.device ? l->mark.ts_ns : INT64_MIN;
    enum err e = find_next(l, &d, true);
    while (!e) {
        bool same = d.org == l->mark.org && d.id == l->mark.device;
        v->org = d.org;
        v->device = d.id;
        e = take_device(v, &d.uuid, same ? from_ns : INT64_MIN);
        from_ns = INT64_MIN;
        if (!e) e = find_next(l, &d, false);
    }
    if (e == ERR_END) e = copy_writer_drain(v->writer, &l->why);
    return e;
}

static void note_rest(struct values *v)
{
    struct legacy_report *r = &v->l->report;
    r->taken[LEGACY_VALUES] = v->taken;
    legacy_report_left_many(r, LEGACY_VALUES, "no number", v->not_numbers);
    legacy_report_left_many(r, LEGACY_VALUES, "a time that is none", v->no_time);
    legacy_report_left_many(r, LEGACY_VALUES, "a name that no variable can have", v->no_name);
    uint64_t known = v->taken;
    for (size_t i = 0; i < r->note_count; i++)
        if (r->notes[i].kind == LEGACY_VALUES && r->notes[i].left_out) known += r->notes[i].count;
    if (r->found[LEGACY_VALUES] > known)
        legacy_report_left_many(r, LEGACY_VALUES, "of a device that was left out",
                                r->found[LEGACY_VALUES] - known);
}

enum err legacy_values_take(struct legacy *l, void (*shown)(void *ctx, uint64_t values), void *ctx)
{
    struct values v = {.l = l,
                       .taken = l->values_before,
                       .saved_ns = clock_mono_ns(clock_real()),
                       .shown = shown,
                       .ctx = ctx};
    if (!legacy_source_has(&l->source, "telemetry_records", "measurement_timestamp")) return ERR_OK;
    buf_init(&v.sql, SQL_MAX);
    arena_init(&v.names, NAMES_BYTES);
    map_init(&v.by_name, 0);
    write_statement(&v);
    enum err e = v.sql.err ? v.sql.err : copy_writer_new(&v.writer, l->target.store.telemetry);
    if (!e) e = take_devices(&v);
    copy_writer_free(v.writer);
    map_done(&v.by_name);
    arena_done(&v.names);
    buf_done(&v.sql);
    if (!e) note_rest(&v);
    return e;
}
