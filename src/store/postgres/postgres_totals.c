/* Many series over one range in one snapshot and two statements:
 *
 *   from ──records──┤ summed hours, records of the hours that are not ├──records── to
 *
 * A row of records has all values of its device, so a device is read once for all its series. */
#include "base/mem.h"
#include "store/postgres/postgres_array.h"
#include "store/postgres/postgres_call.h"
#include "store/postgres/postgres_state.h"

enum { ARENA_BYTES = 1 << 26 };

struct totals {
    struct arena arena;
    struct map by_series;                           /* series -> struct series_total */
    struct bytes devices, series, device_of;        /* arrays: each device once; of each series */
    int64_t org, from_ns, first_ns, last_ns, to_ns; /* whole hours are [first, last) */
    int64_t cutoff_ns;
};

static enum err collect(struct totals *g, struct series_total *totals, size_t n)
{
    struct map seen;
    int64_t *series = arena_array(&g->arena, n, sizeof *series);
    int64_t *owner = arena_array(&g->arena, n, sizeof *owner);
    int64_t *devices = arena_array(&g->arena, n, sizeof *devices);
    size_t device_n = 0;
    enum err e = series && owner && devices ? ERR_OK : ERR_NOMEM;
    map_init(&seen, 0);
    for (size_t i = 0; i < n && !e; i++) {
        series[i] = totals[i].series;
        owner[i] = devices[device_n] = totals[i].device;
        e = map_put(&g->by_series, bytes_of(&totals[i].series, sizeof totals[i].series),
                    &totals[i]);
        struct bytes device = bytes_of(&devices[device_n], sizeof *devices);
        if (e || map_get(&seen, device)) continue;
        e = map_put(&seen, device, devices);
        device_n++;
    }
    map_done(&seen);
    if (e) return e;
    g->series = postgres_array_of_ints(&g->arena, series, n);
    g->device_of = postgres_array_of_ints(&g->arena, owner, n);
    g->devices = postgres_array_of_ints(&g->arena, devices, device_n);
    return g->series.p && g->device_of.p && g->devices.p ? ERR_OK : ERR_NOMEM;
}

static struct stats *stats_of(const struct totals *g, int64_t series)
{
    uint64_t key = (uint64_t)series;
    struct series_total *total = map_get(&g->by_series, map_u64(&key));
    return total ? &total->stats : NULL;
}

/* --- whole hours ------------------------------------------------------------------------------ */

static bool add_hour(const struct totals *g, const PGresult *r, int row)
{
    struct sql_value v[10];
    for (int i = 0; i < 10; i++)
        if (!postgres_wire_read(r, row, i, &v[i])) return false;
    struct stats *stats = stats_of(g, v[0].as.i);
    const struct rollup hour = {
        .count = (uint64_t)v[1].as.i,
        .sum = v[2].as.r,
        .min = v[3].as.r,
        .max = v[4].as.r,
        .first = v[5].as.r,
        .last = v[6].as.r,
        .m2 = v[7].as.r,
        .first_ns = v[8].as.i,
        .last_ns = v[9].as.i,
    };
    if (stats) stats_add_rollup(stats, &hour);
    return true;
}

static enum err add_hours(struct totals *g, struct postgres_conn *c, struct why *why)
{
    struct postgres_call call = POSTGRES_CALL(
        "SELECT h.series, h.count, h.sum, h.min, h.max, h.first, h.last, h.m2, h.first_ns, "
        "h.last_ns FROM unnest($1, $2) AS k (device, series) JOIN telemetry_hours h "
        "ON h.org = $3 AND h.series = k.series AND h.device = k.device "
        "WHERE h.hour_ns >= $4 AND h.hour_ns < $5 AND (h.hour_ns < $6 OR NOT EXISTS ("
        "SELECT 1 FROM telemetry_stale s WHERE s.org = $3 AND s.device = h.device "
        "AND s.hour_ns = h.hour_ns))");
    PGresult *r = NULL;
    if (g->first_ns >= g->last_ns) return ERR_OK;
    postgres_wire_add_ints(&call.args, g->device_of);
    postgres_wire_add_ints(&call.args, g->series);
    postgres_wire_add_int(&call.args, g->org);
    postgres_wire_add_int(&call.args, g->first_ns);
    postgres_wire_add_int(&call.args, g->last_ns);
    postgres_wire_add_int(&call.args, g->cutoff_ns);
    enum err e = postgres_call_one(c, &call, &r, why);
    if (e) return e;
    for (int i = 0; i < PQntuples(r) && !e; i++)
        if (!add_hour(g, r, i)) e = ERR_INTERNAL;
    PQclear(r);
    return e;
}

/* --- the rest --------------------------------------------------------------------------------- */

/* A row: ts, series[], value[]. */
static enum err add_row(const struct totals *g, const PGresult *r)
{
    struct postgres_array ids, values;
    struct sql_value ts;
    if (!postgres_wire_read(r, 0, 0, &ts) ||
        !postgres_array_read(PQgetvalue(r, 0, 1), PQgetlength(r, 0, 1), &ids) ||
        !postgres_array_read(PQgetvalue(r, 0, 2), PQgetlength(r, 0, 2), &values))
        return ERR_INTERNAL;
    for (size_t i = 0; i < ids.n && i < values.n; i++) {
        struct stats *stats = stats_of(g, postgres_array_int(&ids, i));
        if (stats) stats_add(stats, (struct sample){ts.as.i, postgres_array_real(&values, i)});
    }
    return ERR_OK;
}

static enum err add_records(struct totals *g, struct postgres_conn *c, struct why *why)
{
    struct postgres_call call = POSTGRES_CALL(
        "SELECT r.ts_ns, r.series, r.value FROM ("
        "SELECT d, a, b FROM unnest($1) AS d, (VALUES ($2, $3), ($4, $5)) AS e (a, b) "
        "WHERE a < b UNION ALL "
        "SELECT s.device, s.hour_ns, s.hour_ns + 3600000000000 FROM telemetry_stale s "
        "WHERE s.org = $6 AND s.device = ANY ($1) AND s.hour_ns >= greatest($3, $7) "
        "AND s.hour_ns < $4) AS w (device, a, b) JOIN telemetry_records r ON r.org = $6 "
        "AND r.device = w.device AND r.ts_ns >= w.a AND r.ts_ns < w.b "
        "WHERE r.ts_ns >= $2 AND r.ts_ns < $5");
    int64_t from_ns = g->from_ns > g->cutoff_ns ? g->from_ns : g->cutoff_ns;
    int64_t last_ns = g->last_ns > g->cutoff_ns ? g->last_ns : g->cutoff_ns;
    postgres_wire_add_ints(&call.args, g->devices);
    postgres_wire_add_int(&call.args, from_ns);
    postgres_wire_add_int(&call.args, g->first_ns);
    postgres_wire_add_int(&call.args, last_ns);
    postgres_wire_add_int(&call.args, g->to_ns);
    postgres_wire_add_int(&call.args, g->org);
    postgres_wire_add_int(&call.args, g->cutoff_ns);
    enum err e = postgres_call_stream(c, &call, why);
    if (e) return e;
    for (PGresult *r; (r = PQgetResult(c->pg));) {
        if (!e) e = postgres_call_status(c, r, why);
        if (!e && PQresultStatus(r) == PGRES_SINGLE_TUPLE) e = add_row(g, r);
        PQclear(r);
    }
    postgres_call_end(&call, e);
    return e;
}

/* --- both ------------------------------------------------------------------------------------- */

static enum err read_all(struct postgres_store *s, struct totals *g)
{
    struct postgres_conn *c;
    struct why why = {""};
    enum err e = postgres_pool_take(s->pool, &c, &why);
    if (e) return e;
    e = postgres_call_plain(c, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", &why);
    if (!e) e = add_hours(g, c, &why);
    if (!e) e = add_records(g, c, &why);
    enum err ended = postgres_call_plain(c, e ? "ROLLBACK" : "COMMIT", &why);
    postgres_pool_give(s->pool, c);
    return e ? e : ended;
}

enum err postgres_totals(struct telemetry *t, int64_t org, int64_t from_ns, int64_t to_ns,
                         struct series_total *totals, size_t n)
{
    struct postgres_store *s = postgres_store_of(t);
    struct totals g = {.org = org, .from_ns = from_ns, .to_ns = to_ns};
    if (!n) return ERR_OK;
    g.cutoff_ns = postgres_store_cutoff(s, org);
    g.first_ns = rollup_hour(from_ns);
    if (g.first_ns < from_ns) g.first_ns = clock_add(g.first_ns, NS_PER_HOUR);
    g.last_ns = rollup_hour(to_ns);
    if (g.last_ns <= g.first_ns) g.first_ns = g.last_ns = to_ns; /* no hour is whole */
    arena_init(&g.arena, ARENA_BYTES);
    map_init(&g.by_series, 0);
    enum err e = collect(&g, totals, n);
    if (!e) e = read_all(s, &g);
    map_done(&g.by_series);
    arena_done(&g.arena);
    return e;
}
