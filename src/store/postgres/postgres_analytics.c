/* Numbers that are ready, from materialized views (see postgres_analytics.h). */
#include "store/postgres/postgres_analytics.h"

#include "base/mem.h"
#include "store/postgres/postgres_call.h"
#include "store/rollup_math.h"

/* Any number that no other program uses for an advisory lock of this database. */
#define REFRESH_LOCK   INT64_C(7310585431987123459)
#define LOCK_WAIT_TEXT "2000" /* for a lock of one view, milliseconds */

struct postgres_analytics {
    struct analytics base; /* first */
    struct postgres_pool *pool;
    const struct clock *clock;
    int64_t timeout_ns; /* 0 = none */
    bool always;
};

static struct postgres_analytics *of(struct analytics *a)
{
    return (struct postgres_analytics *)a;
}

/* --- refreshing ------------------------------------------------------------------------------- */

struct refresh {
    struct postgres_conn *c;
    int64_t now_ns, hour_ns, changes;
    int64_t until_ns; /* monotonic */
    struct why *why;
};

/* A row of n numbers. */
static enum err ask_numbers(struct refresh *r, struct postgres_call *call, int64_t *ret, int n)
{
    PGresult *rows = NULL;
    enum err e = postgres_call_one(r->c, call, &rows, r->why);
    if (e) return e;
    for (int i = 0; i < n && !e; i++) {
        struct sql_value v = SQL_NULL;
        if (PQntuples(rows) != 1 || !postgres_wire_read(rows, 0, i, &v)) e = ERR_INTERNAL;
        ret[i] = v.as.i;
    }
    PQclear(rows);
    return e;
}

/* Rows that were ever written to the tables below the views, by whichever server. */
static enum err count_changes(struct refresh *r)
{
    struct postgres_call call = POSTGRES_CALL(
        "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint "
        "FROM pg_stat_all_tables WHERE (schemaname = current_schema() AND (relname IN "
        "('telemetry_hours', 'telemetry_stale', 'telemetry_cutoffs', 'organizations', "
        "'users', 'devices', 'dashboards', 'rules', 'alerts') "
        "OR relname LIKE 'telemetry\\_records%')) OR schemaname = '_timescaledb_internal'");
    return ask_numbers(r, &call, &r->changes, 1);
}

static enum err is_fresh(struct refresh *r, bool *ret)
{
    struct postgres_call call = POSTGRES_CALL("SELECT hour_ns, refreshed_ns, changes FROM "
                                              "analytics_state");
    int64_t state[3];
    enum err e = count_changes(r);
    if (!e) e = ask_numbers(r, &call, state, 3);
    if (!e) *ret = state[1] && state[0] == r->hour_ns && state[2] == r->changes;
    return e;
}

/* ERR_FULL: another one is at it. */
static enum err take_turn(struct refresh *r)
{
    struct postgres_call call = POSTGRES_CALL("SELECT pg_try_advisory_xact_lock($1)::int::bigint");
    int64_t mine = 0;
    postgres_wire_add_int(&call.args, REFRESH_LOCK);
    enum err e = ask_numbers(r, &call, &mine, 1);
    return e ? e : mine ? ERR_OK : ERR_FULL;
}

static enum err set_times(struct refresh *r)
{
    struct postgres_call call = POSTGRES_CALL("UPDATE analytics_state SET now_ns = $1, "
                                              "refreshed_ns = $1, hour_ns = $2, changes = $3");
    postgres_wire_add_int(&call.args, r->now_ns);
    postgres_wire_add_int(&call.args, r->hour_ns);
    postgres_wire_add_int(&call.args, r->changes);
    return postgres_call_one(r->c, &call, NULL, r->why);
}

/* What is left of the time for all views is what the next statements may take. */
static enum err bound_time(struct postgres_analytics *a, struct refresh *r)
{
    struct postgres_call call =
        POSTGRES_CALL("SELECT set_config('statement_timeout', $1::bigint::text, "
                      "true), set_config('lock_timeout', '" LOCK_WAIT_TEXT "', true)");
    int64_t left_ms = (r->until_ns - clock_mono_ns(a->clock)) / NS_PER_MS;
    if (!a->timeout_ns) left_ms = 0; /* none */
    if (a->timeout_ns && left_ms < 1) left_ms = 1;
    postgres_wire_add_int(&call.args, left_ms);
    return postgres_call_one(r->c, &call, NULL, r->why);
}

static enum err refresh_views(struct postgres_analytics *a, struct refresh *r)
{
    static const char *const views[] = {
        "REFRESH MATERIALIZED VIEW CONCURRENTLY analytics_volume",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY analytics_activity",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY analytics_program", /* reads the two */
    };
    r->until_ns = clock_mono_ns(a->clock) + a->timeout_ns;
    enum err e = postgres_call_plain(r->c, "BEGIN ISOLATION LEVEL REPEATABLE READ", r->why);
    if (e) return e;
    e = take_turn(r);
    if (!e) e = set_times(r);
    for (size_t i = 0; i < sizeof views / sizeof *views && !e; i++) {
        e = bound_time(a, r);
        if (!e) e = postgres_call_plain(r->c, views[i], r->why);
    }
    enum err ended = postgres_call_plain(r->c, e ? "ROLLBACK" : "COMMIT", e ? NULL : r->why);
    if (e == ERR_LOCKED) e = ERR_FULL; /* it had its turn between our snapshot and here */
    return e ? e : ended;
}

static enum err refresh(struct analytics *base, bool force, int64_t budget_ns, bool *ret_done,
                        struct why *why)
{
    (void)budget_ns; /* a view is made at once, within its timeout */
    struct postgres_analytics *a = of(base);
    struct refresh r = {.now_ns = clock_wall_ns(a->clock), .why = why};
    bool fresh = false;
    r.hour_ns = rollup_hour(r.now_ns);
    enum err e = postgres_pool_take(a->pool, &r.c, why);
    if (e) return e;
    e = is_fresh(&r, &fresh);
    if (!e && (force || a->always || !fresh)) e = refresh_views(a, &r);
    postgres_pool_give(a->pool, r.c);
    if (!e) *ret_done = true;
    return e;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Rows of `columns` numbers: the structs of analytics.h are nothing else. */
static enum err read_rows(struct analytics *base, struct postgres_call *call, int columns,
                          struct arena *arena, void *ret, size_t *ret_n)
{
    struct postgres_analytics *a = of(base);
    struct postgres_conn *c;
    PGresult *rows = NULL;
    enum err e = postgres_pool_take(a->pool, &c, NULL);
    if (e) return e;
    e = postgres_call_one(c, call, &rows, NULL);
    postgres_pool_give(a->pool, c);
    if (e) return e;
    size_t n = (size_t)PQntuples(rows);
    int64_t *all = NULL;
    if (n > ANALYTICS_ROWS_MAX)
        e = ERR_LIMIT;
    else if (!(all = arena_array(arena, n ? n : 1, (size_t)columns * sizeof *all)))
        e = ERR_NOMEM;
    for (size_t i = 0; i < n && !e; i++)
        for (int k = 0; k < columns && !e; k++) {
            struct sql_value v = SQL_NULL;
            if (!postgres_wire_read(rows, (int)i, k, &v)) e = ERR_INTERNAL;
            all[i * (size_t)columns + (size_t)k] = v.as.i;
        }
    PQclear(rows);
    if (e) return e;
    memcpy(ret, &all, sizeof all);
    *ret_n = n;
    return ERR_OK;
}

static enum err volume(struct analytics *a, int64_t org, int64_t from_ns, int64_t to_ns,
                       struct arena *arena, struct analytics_hour **ret, size_t *ret_n)
{
    _Static_assert(sizeof(struct analytics_hour) == 4 * sizeof(int64_t), "numbers only");
    struct postgres_call call = POSTGRES_CALL(
        org ? "SELECT hour_ns, points, devices, series FROM analytics_volume "
              "WHERE hour_ns >= $1 AND hour_ns < $2 AND org = $3 ORDER BY hour_ns LIMIT $4"
            : "SELECT hour_ns, sum(points)::bigint, sum(devices)::bigint, "
              "sum(series)::bigint FROM analytics_volume WHERE hour_ns >= $1 "
              "AND hour_ns < $2 AND $3 = 0 GROUP BY hour_ns ORDER BY hour_ns LIMIT $4");
    postgres_wire_add_int(&call.args, from_ns);
    postgres_wire_add_int(&call.args, to_ns);
    postgres_wire_add_int(&call.args, org);
    postgres_wire_add_int(&call.args, ANALYTICS_ROWS_MAX + 1);
    return read_rows(a, &call, 4, arena, ret, ret_n);
}

static enum err days(struct analytics *a, int64_t org, int64_t from_ns, int64_t to_ns,
                     struct arena *arena, struct analytics_day **ret, size_t *ret_n)
{
    _Static_assert(sizeof(struct analytics_day) == 3 * sizeof(int64_t), "numbers only");
    struct postgres_call call =
        POSTGRES_CALL("SELECT day_ns, sum(points)::bigint, count(*) FROM analytics_activity "
                      "WHERE day_ns >= $1 AND day_ns < $2 AND ($3 = 0 OR org = $3) "
                      "GROUP BY day_ns ORDER BY day_ns LIMIT $4");
    postgres_wire_add_int(&call.args, from_ns);
    postgres_wire_add_int(&call.args, to_ns);
    postgres_wire_add_int(&call.args, org);
    postgres_wire_add_int(&call.args, ANALYTICS_ROWS_MAX + 1);
    return read_rows(a, &call, 3, arena, ret, ret_n);
}

static enum err devices(struct analytics *a, int64_t org, int64_t since_ns, struct arena *arena,
                        struct analytics_device **ret, size_t *ret_n)
{
    _Static_assert(sizeof(struct analytics_device) == 6 * sizeof(int64_t), "numbers only");
    struct postgres_call call = POSTGRES_CALL(
        "SELECT org, device, sum(points)::bigint, sum(hours)::bigint, count(*), "
        "max(last_ns) FROM analytics_activity WHERE day_ns >= $1 "
        "AND ($2 = 0 OR org = $2) GROUP BY org, device ORDER BY org, device LIMIT $3");
    postgres_wire_add_int(&call.args, since_ns);
    postgres_wire_add_int(&call.args, org);
    postgres_wire_add_int(&call.args, ANALYTICS_ROWS_MAX + 1);
    return read_rows(a, &call, 6, arena, ret, ret_n);
}

static enum err programs(struct analytics *a, int64_t org, struct arena *arena,
                         struct analytics_program **ret, size_t *ret_n)
{
    _Static_assert(sizeof(struct analytics_program) == 18 * sizeof(int64_t), "numbers only");
    struct postgres_call call = POSTGRES_CALL(
        "SELECT org, users, devices, dashboards, rules, alerts_open, points_1, points_7, "
        "points_30, active_1, active_7, active_30, users_1, users_7, users_30, alerts_1, "
        "alerts_7, alerts_30 FROM analytics_program WHERE $1 = 0 OR org = $1 "
        "ORDER BY org LIMIT $2");
    postgres_wire_add_int(&call.args, org);
    postgres_wire_add_int(&call.args, ANALYTICS_ROWS_MAX + 1);
    return read_rows(a, &call, 18, arena, ret, ret_n);
}

static enum err refreshed(struct analytics *a, int64_t *ret_ns)
{
    struct postgres_call call = POSTGRES_CALL("SELECT refreshed_ns FROM analytics_state");
    struct arena arena;
    int64_t *row = NULL;
    size_t n = 0;
    arena_init(&arena, 64 << 10);
    enum err e = read_rows(a, &call, 1, &arena, &row, &n);
    if (!e) *ret_ns = n ? row[0] : 0;
    arena_done(&arena);
    return e;
}

static void close_views(struct analytics *a)
{
    mem_free(a);
}

enum err postgres_analytics_new(struct analytics **ret, const struct postgres_analytics_opts *opts)
{
    static const struct analytics_ops ops = {
        .refresh = refresh,
        .volume = volume,
        .days = days,
        .devices = devices,
        .programs = programs,
        .refreshed = refreshed,
        .close = close_views,
    };
    struct postgres_analytics *a = mem_zalloc(sizeof *a);
    if (!a) return ERR_NOMEM;
    a->base.ops = &ops;
    a->pool = opts->pool;
    a->clock = opts->clock;
    a->always = opts->always;
    a->timeout_ns = opts->timeout_ns;
    *ret = &a->base;
    return ERR_OK;
}
