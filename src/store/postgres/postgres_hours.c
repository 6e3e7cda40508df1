/* Hours summed up. telemetry_stale names the hours of devices whose sums are missing or wrong: each
 * write puts its hours there, in its own transaction, and holds those rows until it commits.
 *
 *   sum up:  take stale rows out (waiting for writers that hold them) ── read the hours' records
 *            with a newer snapshot ── put their sums into telemetry_hours ── commit
 *   read:    the hours that are not stale from telemetry_hours, the stale ones from the records, of
 *            one snapshot
 *
 * So a reader sees each value exactly once, whatever is under way (T5). */
#include "base/mem.h"
#include "model/stats.h"
#include "store/nodes.h"
#include "store/postgres/postgres_array.h"
#include "store/postgres/postgres_call.h"
#include "store/postgres/postgres_state.h"

#include <math.h>
#include <stdio.h>

enum { ARENA_BYTES = 1 << 30 };

/* --- reading ---------------------------------------------------------------------------------- */

struct reading {
    struct rollup *ret;
    size_t cap, n; /* n counts on past cap */
    PGresult *clean;
    int at;            /* the next row of clean */
    struct stats open; /* of the hour under way, from the records */
    int64_t open_hour;
};

static struct rollup clean_row(const PGresult *r, int row)
{
    struct sql_value v[10];
    for (int i = 0; i < 10; i++)
        if (!postgres_wire_read(r, row, i, &v[i])) v[i] = SQL_NULL;
    return (struct rollup){
        .hour_ns = v[0].as.i,
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
}

static struct rollup stats_row(const struct stats *s, int64_t hour_ns)
{
    return (struct rollup){
        .hour_ns = hour_ns,
        .count = s->count,
        .sum = stats_sum(s),
        .min = s->min,
        .max = s->max,
        .first = s->first,
        .last = s->last,
        .m2 = s->m2,
        .first_ns = s->first_ns,
        .last_ns = s->last_ns,
    };
}

static void give(struct reading *g, struct rollup row)
{
    if (g->n < g->cap) g->ret[g->n] = row;
    g->n++;
}

/* Everything that comes before this hour has been said. */
static void advance(struct reading *g, int64_t hour_ns)
{
    while (g->at < PQntuples(g->clean)) {
        struct rollup row = clean_row(g->clean, g->at);
        bool later = g->open.count ? row.hour_ns > g->open_hour : row.hour_ns >= hour_ns;
        if (later) break;
        give(g, row);
        g->at++;
    }
    if (g->open.count && g->open_hour < hour_ns) {
        give(g, stats_row(&g->open, g->open_hour));
        g->open = (struct stats){0};
        advance(g, hour_ns);
    }
}

static enum err read_stale(struct reading *g, struct postgres_conn *c, int64_t series,
                           struct why *why)
{
    enum err e = ERR_OK;
    for (PGresult *r; (r = PQgetResult(c->pg));) {
        struct postgres_array ids, values;
        struct sql_value ts;
        bool row = PQresultStatus(r) == PGRES_SINGLE_TUPLE && postgres_wire_read(r, 0, 0, &ts) &&
                   postgres_array_read(PQgetvalue(r, 0, 1), PQgetlength(r, 0, 1), &ids) &&
                   postgres_array_read(PQgetvalue(r, 0, 2), PQgetlength(r, 0, 2), &values);
        for (size_t i = 0; row && i < ids.n && i < values.n; i++) {
            if (postgres_array_int(&ids, i) != series) continue;
            int64_t hour = rollup_hour(ts.as.i);
            advance(g, hour);
            g->open_hour = hour;
            stats_add(&g->open, (struct sample){ts.as.i, postgres_array_real(&values, i)});
        }
        if (!row && !e) e = postgres_call_status(c, r, why);
        PQclear(r);
    }
    return e;
}

static void bind_range(struct postgres_call *call, const struct scan_range *range, int64_t cutoff)
{
    postgres_wire_add_int(&call->args, range->org);
    postgres_wire_add_int(&call->args, range->device);
    postgres_wire_add_int(&call->args, range->series);
    postgres_wire_add_int(&call->args, range->from_ns);
    postgres_wire_add_int(&call->args, range->to_ns);
    postgres_wire_add_int(&call->args, cutoff);
}

static enum err read_in(struct reading *g, struct postgres_conn *c, const struct scan_range *range,
                        int64_t cutoff, struct why *why)
{
    struct postgres_call clean =
        POSTGRES_CALL("SELECT hour_ns, count, sum, min, max, first, last, m2, first_ns, last_ns "
                      "FROM telemetry_hours h WHERE org = $1 AND device = $2 AND series = $3 "
                      "AND hour_ns >= $4 AND hour_ns < $5 AND (hour_ns < $6 OR NOT EXISTS ("
                      "SELECT 1 FROM telemetry_stale s WHERE s.org = $1 AND s.device = $2 "
                      "AND s.hour_ns = h.hour_ns)) ORDER BY hour_ns");
    struct postgres_call stale = POSTGRES_CALL(
        "SELECT r.ts_ns, r.series, r.value FROM telemetry_stale s "
        "JOIN telemetry_records r ON r.org = s.org AND r.device = s.device "
        "AND r.ts_ns >= s.hour_ns AND r.ts_ns < s.hour_ns + 3600000000000 "
        "WHERE s.org = $1 AND s.device = $2 AND $3 = ANY (r.series) AND s.hour_ns >= $4 "
        "AND s.hour_ns < $5 AND s.hour_ns >= $6 AND r.ts_ns >= $4 AND r.ts_ns < $7 "
        "ORDER BY r.ts_ns");
    bind_range(&clean, range, cutoff);
    bind_range(&stale, range, cutoff);
    /* follows from the rest; said, so that only partitions and rows of that time are looked at,
     * whatever the planner believes of their number */
    postgres_wire_add_int(&stale.args, clock_add(range->to_ns, NS_PER_HOUR));
    enum err e = postgres_call_plain(c, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", why);
    if (!e) e = postgres_call_one(c, &clean, &g->clean, why);
    if (!e) e = postgres_call_stream(c, &stale, why);
    if (!e) e = read_stale(g, c, range->series, why);
    postgres_call_end(&stale, e);
    enum err ended = postgres_call_plain(c, e ? "ROLLBACK" : "COMMIT", why);
    return e ? e : ended;
}

enum err postgres_rollups(struct telemetry *t, const struct scan_range *range, struct rollup *ret,
                          size_t cap, size_t *ret_n)
{
    struct postgres_store *s = postgres_store_of(t);
    struct reading g = {.ret = ret, .cap = cap};
    struct postgres_conn *c;
    struct why why = {""};
    enum err e = postgres_pool_take(s->pool, &c, &why);
    if (e) return e;
    e = read_in(&g, c, range, postgres_store_cutoff(s, range->org), &why);
    postgres_pool_give(s->pool, c);
    if (!e) advance(&g, INT64_MAX);
    PQclear(g.clean);
    if (!e && g.n > cap) return ERR_TOOLARGE;
    if (!e) *ret_n = g.n;
    return e;
}

/* --- summing up ------------------------------------------------------------------------------- */

struct hour_key {
    int64_t org, device, hour_ns;
};
struct hour_sum {
    uint64_t series; /* the key of the map */
    struct stats stats;
};

struct summing {
    struct arena arena;
    int64_t *org, *device, *hour; /* n hours to sum up */
    size_t n;
    struct hour_key at; /* under way */
    struct map sums;    /* of it: series -> hour_sum */
    int64_t *ints[6]; /* org, series, hour, device, count, first_ns … as columns of the result */
    int64_t *last_ns;
    double *reals[6]; /* sum, min, max, first, last, m2 */
    size_t rows, cap;
};

static bool grow(struct summing *g)
{
    size_t cap = g->cap ? g->cap * 2 : 1024;
    void **columns[13];
    for (int i = 0; i < 6; i++) columns[i] = (void **)&g->ints[i];
    columns[6] = (void **)&g->last_ns;
    for (int i = 0; i < 6; i++) columns[7 + i] = (void **)&g->reals[i];
    for (int i = 0; i < 13; i++) {
        void *more = arena_alloc(&g->arena, cap * 8);
        if (!more) return false;
        if (g->rows) memcpy(more, *columns[i], g->rows * 8);
        *columns[i] = more;
    }
    g->cap = cap;
    return true;
}

/* The hour under way is complete. */
static enum err flush(struct summing *g)
{
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&g->sums, &at));) {
        const struct hour_sum *h = slot->value;
        if (g->rows == g->cap && !grow(g)) return ERR_NOMEM;
        size_t i = g->rows++;
        const int64_t ints[] = {g->at.org,    (int64_t)h->series,      g->at.hour_ns,
                                g->at.device, (int64_t)h->stats.count, h->stats.first_ns};
        const double reals[] = {stats_sum(&h->stats), h->stats.min,  h->stats.max,
                                h->stats.first,       h->stats.last, h->stats.m2};
        for (int k = 0; k < 6; k++) g->ints[k][i] = ints[k];
        for (int k = 0; k < 6; k++) g->reals[k][i] = reals[k];
        g->last_ns[i] = h->stats.last_ns;
    }
    map_done(&g->sums);
    map_init(&g->sums, 0);
    return ERR_OK;
}

static enum err add_sample(struct summing *g, int64_t series, struct sample sample)
{
    uint64_t key = (uint64_t)series;
    struct hour_sum *h = map_get(&g->sums, map_u64(&key));
    if (!h) {
        h = arena_zalloc(&g->arena, sizeof *h);
        if (!h) return ERR_NOMEM;
        h->series = key;
        enum err e = map_put(&g->sums, map_u64(&h->series), h);
        if (e) return e;
    }
    stats_add(&h->stats, sample);
    return ERR_OK;
}

/* A row: org, device, hour, ts, series[], value[]. */
static enum err add_row(struct summing *g, const PGresult *r)
{
    struct sql_value v[4];
    struct postgres_array ids, values;
    enum err e = ERR_OK;
    for (int i = 0; i < 4; i++)
        if (!postgres_wire_read(r, 0, i, &v[i])) return ERR_INTERNAL;
    if (!postgres_array_read(PQgetvalue(r, 0, 4), PQgetlength(r, 0, 4), &ids) ||
        !postgres_array_read(PQgetvalue(r, 0, 5), PQgetlength(r, 0, 5), &values))
        return ERR_INTERNAL;
    const struct hour_key key = {v[0].as.i, v[1].as.i, v[2].as.i};
    if (memcmp(&key, &g->at, sizeof key) != 0) {
        e = flush(g);
        g->at = key;
    }
    for (size_t i = 0; i < ids.n && i < values.n && !e; i++)
        e = add_sample(g, postgres_array_int(&ids, i),
                       (struct sample){v[3].as.i, postgres_array_real(&values, i)});
    return e;
}

static bool bind_hours(struct summing *g, struct postgres_call *call)
{
    const int64_t *columns[] = {g->org, g->device, g->hour};
    for (int i = 0; i < 3; i++) {
        struct bytes array = postgres_array_of_ints(&g->arena, columns[i], g->n);
        if (!array.p) return false;
        postgres_wire_add_ints(&call->args, array);
    }
    return true;
}

static enum err read_hours(struct summing *g, struct postgres_conn *c, struct why *why)
{
    struct postgres_call call =
        POSTGRES_CALL("SELECT k.org, k.device, k.hour_ns, r.ts_ns, r.series, r.value "
                      "FROM unnest($1, $2, $3) AS k (org, device, hour_ns) "
                      "JOIN telemetry_records r ON r.org = k.org AND r.device = k.device "
                      "AND r.ts_ns >= k.hour_ns AND r.ts_ns < k.hour_ns + 3600000000000 "
                      "ORDER BY k.org, k.device, k.hour_ns, r.ts_ns");
    if (!bind_hours(g, &call)) return ERR_NOMEM;
    enum err e = postgres_call_stream(c, &call, why);
    if (e) return e;
    for (PGresult *r; (r = PQgetResult(c->pg));) {
        if (!e) e = postgres_call_status(c, r, why);
        if (!e && PQresultStatus(r) == PGRES_SINGLE_TUPLE) e = add_row(g, r);
        PQclear(r);
    }
    postgres_call_end(&call, e);
    return e ? e : flush(g);
}

/* The hours leave telemetry_stale: what was newest in them has to be in the table. */
static enum err put_newest(struct summing *g, struct postgres_conn *c, struct why *why)
{
    struct postgres_call call = POSTGRES_CALL(
        "INSERT INTO telemetry_latest AS l (org, series, device, ts_ns, value) "
        "SELECT DISTINCT ON (o, s) o, s, d, t, v FROM unnest($1, $2, $3, $4, $5) "
        "AS r (o, s, d, t, v) ORDER BY o, s, t DESC "
        "ON CONFLICT (org, series) DO UPDATE SET device = EXCLUDED.device, "
        "ts_ns = EXCLUDED.ts_ns, value = EXCLUDED.value WHERE EXCLUDED.ts_ns >= l.ts_ns");
    const int64_t *ints[] = {g->ints[0], g->ints[1], g->ints[3], g->last_ns};
    for (int i = 0; i < 4; i++)
        postgres_wire_add_ints(&call.args, postgres_array_of_ints(&g->arena, ints[i], g->rows));
    postgres_wire_add_reals(&call.args, postgres_array_of_reals(&g->arena, g->reals[4], g->rows));
    for (size_t i = 0; i < call.args.n; i++)
        if (!call.args.values[i]) return ERR_NOMEM;
    return postgres_call_one(c, &call, NULL, why);
}

static enum err put_sums(struct summing *g, struct postgres_conn *c, struct why *why)
{
    struct postgres_call old = POSTGRES_CALL(
        "DELETE FROM telemetry_hours h USING unnest($1, $2, $3) AS k (org, device, hour_ns) "
        "WHERE h.org = k.org AND h.device = k.device AND h.hour_ns = k.hour_ns");
    struct postgres_call fresh = POSTGRES_CALL(
        "INSERT INTO telemetry_hours (org, series, hour_ns, device, count, first_ns, "
        "last_ns, sum, min, max, first, last, m2) SELECT * FROM unnest($1, $2, $3, $4, $5, "
        "$6, $7, $8, $9, $10, $11, $12, $13) ORDER BY 1, 2, 3");
    if (!bind_hours(g, &old)) return ERR_NOMEM;
    enum err e = postgres_call_one(c, &old, NULL, why);
    if (e || !g->rows) return e;
    for (int i = 0; i < 7; i++)
        postgres_wire_add_ints(
            &fresh.args,
            postgres_array_of_ints(&g->arena, i < 6 ? g->ints[i] : g->last_ns, g->rows));
    for (int i = 0; i < 6; i++)
        postgres_wire_add_reals(&fresh.args,
                                postgres_array_of_reals(&g->arena, g->reals[i], g->rows));
    for (size_t i = 0; i < fresh.args.n; i++)
        if (!fresh.args.values[i]) return ERR_NOMEM;
    e = postgres_call_one(c, &fresh, NULL, why);
    return e ? e : put_newest(g, c, why);
}

/* The hours that are to be summed up leave telemetry_stale; org 0: of everybody, and hours that a
 * writer holds are left for the next time. */
static enum err take_hours(struct summing *g, struct postgres_conn *c, int64_t org,
                           int64_t before_ns, size_t max, struct why *why)
{
    static const char of_all[] =
        "DELETE FROM telemetry_stale t USING (SELECT org, device, hour_ns FROM telemetry_stale "
        "WHERE hour_ns < $1 AND $2 = 0 ORDER BY hour_ns LIMIT $3 FOR UPDATE SKIP LOCKED) AS k "
        "WHERE t.org = k.org AND t.device = k.device AND t.hour_ns = k.hour_ns "
        "RETURNING t.org, t.device, t.hour_ns";
    static const char of_one[] =
        "DELETE FROM telemetry_stale t USING (SELECT org, device, hour_ns FROM telemetry_stale "
        "WHERE hour_ns < $1 AND org = $2 ORDER BY org, device, hour_ns LIMIT $3 FOR UPDATE) AS k "
        "WHERE t.org = k.org AND t.device = k.device AND t.hour_ns = k.hour_ns "
        "RETURNING t.org, t.device, t.hour_ns";
    struct postgres_call call = POSTGRES_CALL(org ? of_one : of_all);
    PGresult *r = NULL;
    postgres_wire_add_int(&call.args, before_ns);
    postgres_wire_add_int(&call.args, org);
    postgres_wire_add_int(&call.args, (int64_t)max);
    enum err e = postgres_call_one(c, &call, &r, why);
    if (e) return e;
    g->n = (size_t)PQntuples(r);
    int64_t **columns[] = {&g->org, &g->device, &g->hour};
    for (int k = 0; k < 3 && !e; k++) {
        *columns[k] = arena_array(&g->arena, g->n ? g->n : 1, sizeof(int64_t));
        if (!*columns[k]) e = ERR_NOMEM;
        for (size_t i = 0; i < g->n && !e; i++) {
            struct sql_value v = SQL_NULL;
            if (!postgres_wire_read(r, (int)i, k, &v)) e = ERR_INTERNAL;
            (*columns[k])[i] = v.as.i;
        }
    }
    PQclear(r);
    return e;
}

/* Hours that retention has passed keep the sums they have. */
static void drop_forgotten(struct postgres_store *s, struct summing *g)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->n; i++) {
        if (g->hour[i] < postgres_store_cutoff(s, g->org[i])) continue;
        g->org[kept] = g->org[i];
        g->device[kept] = g->device[i];
        g->hour[kept++] = g->hour[i];
    }
    g->n = kept;
}

static enum err sum_up_in(struct postgres_store *s, struct summing *g, struct postgres_conn *c,
                          int64_t org, int64_t before_ns, size_t max, size_t *ret_n,
                          struct why *why)
{
    enum err e = postgres_call_plain(c, "BEGIN", why);
    if (e) return e;
    e = take_hours(g, c, org, before_ns, max, why);
    *ret_n = g->n;
    if (!e) drop_forgotten(s, g);
    if (!e && g->n) e = read_hours(g, c, why);
    if (!e && g->n) e = put_sums(g, c, why);
    enum err ended = postgres_call_plain(c, e ? "ROLLBACK" : "COMMIT", why);
    return e ? e : ended;
}

/* While others are there, they are told a second before: from then on they mark such an hour with
 * each write, whatever they know. A guest is heard by nobody: it sums up what was surely told. */
int64_t postgres_hours_closed(struct postgres_store *s)
{
    struct nodes *n = s->nodes;
    int64_t closed = rollup_hour(clock_wall_ns(s->clock) - POSTGRES_OPEN_NS - NS_PER_HOUR);
    if (!n) return closed;
    if (!nodes_hears(n)) return closed - NS_PER_HOUR;
    if (nodes_lead(n) && atomic_load(&n->summed_below_ns) < closed) {
        char text[24];
        int length = snprintf(text, sizeof text, "%lld", (long long)closed);
        bool alone = nodes_alive(n) == 1;
        nodes_note_summed(n, closed);
        nodes_tell(n, NODES_SUMMED, bytes_of(text, (size_t)length));
        atomic_store(&s->summing_at_ns, clock_mono_ns(s->clock) + (alone ? 0 : NS_PER_S));
    }
    if (clock_mono_ns(s->clock) >= atomic_load(&s->summing_at_ns))
        atomic_store(&s->summing_ns, atomic_load(&n->summed_below_ns));
    int64_t told = atomic_load(&s->summing_ns);
    return told < closed ? told : closed;
}

enum err postgres_hours_sum_up(struct postgres_store *s, int64_t org, int64_t before_ns, size_t max,
                               size_t *ret_n)
{
    struct summing g = {.n = 0};
    struct postgres_conn *c;
    struct why why = {""};
    int64_t closed_ns = postgres_hours_closed(s);
    *ret_n = 0;
    enum err e = postgres_pool_take(s->pool, &c, &why);
    if (e) return e;
    arena_init(&g.arena, ARENA_BYTES);
    map_init(&g.sums, 0);
    if (closed_ns < before_ns) before_ns = closed_ns;
    postgres_memory_note_summed(&s->memory, before_ns);
    e = sum_up_in(s, &g, c, org, before_ns, max, ret_n, &why);
    postgres_pool_give(s->pool, c);
    map_done(&g.sums);
    arena_done(&g.arena);
    return e;
}
