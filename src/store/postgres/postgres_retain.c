/* What is forgotten: readings older than an organisation keeps, and everything of a device. Rows go
 * in bounded pieces, each a transaction of its own, so that nobody waits for them. */
#include "store/postgres/postgres_array.h"
#include "store/postgres/postgres_call.h"
#include "store/postgres/postgres_state.h"

enum { HOURS_AT_ONCE = 500, ROWS_AT_ONCE = 5000 };

static enum err run(struct postgres_store *s, struct postgres_call *call, PGresult **ret)
{
    struct postgres_conn *c;
    struct why why = {""};
    enum err e = postgres_pool_take(s->pool, &c, &why);
    if (e) return e;
    e = postgres_call_one(c, call, ret, &why);
    postgres_pool_give(s->pool, c);
    return e;
}

/* A statement of an organisation and one or two numbers. */
static enum err change(struct postgres_store *s, const char *sql, int64_t org, int64_t a)
{
    struct postgres_call call = POSTGRES_CALL(sql);
    postgres_wire_add_int(&call.args, org);
    postgres_wire_add_int(&call.args, a);
    return run(s, &call, NULL);
}

/* Deletes records in pieces; the statement answers how many rows and points went. */
static enum err delete_records(struct postgres_store *s, const char *sql, int64_t org, int64_t a,
                               uint64_t *ret_points)
{
    for (;;) {
        struct postgres_call call = POSTGRES_CALL(sql);
        struct sql_value rows = SQL_NULL, points = SQL_NULL;
        PGresult *r = NULL;
        postgres_wire_add_int(&call.args, org);
        postgres_wire_add_int(&call.args, a);
        postgres_wire_add_int(&call.args, ROWS_AT_ONCE);
        enum err e = run(s, &call, &r);
        if (e) return e;
        bool read = postgres_wire_read(r, 0, 0, &rows) && postgres_wire_read(r, 0, 1, &points);
        PQclear(r);
        if (!read) return ERR_INTERNAL;
        *ret_points += (uint64_t)points.as.i;
        if (rows.as.i < ROWS_AT_ONCE) return ERR_OK;
    }
}

static enum err set_cutoff(struct postgres_store *s, int64_t org, int64_t raw_ns, int64_t rollup_ns)
{
    struct postgres_call call = POSTGRES_CALL(
        "INSERT INTO telemetry_cutoffs AS c (org, raw_ns, rollup_ns) VALUES ($1, $2, $3) "
        "ON CONFLICT (org) DO UPDATE SET raw_ns = greatest(c.raw_ns, EXCLUDED.raw_ns), "
        "rollup_ns = greatest(c.rollup_ns, EXCLUDED.rollup_ns)");
    postgres_wire_add_int(&call.args, org);
    postgres_wire_add_int(&call.args, raw_ns);
    postgres_wire_add_int(&call.args, rollup_ns);
    enum err e = run(s, &call, NULL);
    return e ? e : postgres_store_read_cutoffs(s);
}

/* Readings of the organisation in hours from..to, by their sums. */
static enum err count_points(struct postgres_store *s, int64_t org, int64_t from_ns, int64_t to_ns,
                             uint64_t *ret)
{
    struct postgres_call call =
        POSTGRES_CALL("SELECT coalesce(sum(count), 0)::bigint FROM telemetry_hours "
                      "WHERE org = $1 AND hour_ns >= $2 AND hour_ns < $3");
    struct sql_value points = SQL_NULL;
    PGresult *r = NULL;
    postgres_wire_add_int(&call.args, org);
    postgres_wire_add_int(&call.args, from_ns);
    postgres_wire_add_int(&call.args, to_ns);
    enum err e = run(s, &call, &r);
    if (e) return e;
    if (!postgres_wire_read(r, 0, 0, &points)) e = ERR_INTERNAL;
    PQclear(r);
    if (!e) *ret = (uint64_t)points.as.i;
    return e;
}

/* One piece after the other, each a transaction of its own, until one is not full. */
static enum err in_pieces(struct postgres_store *s, const char *sql, const int64_t *args, size_t n)
{
    for (;;) {
        struct postgres_call call = POSTGRES_CALL(sql);
        struct sql_value rows = SQL_NULL;
        PGresult *r = NULL;
        for (size_t i = 0; i < n; i++) postgres_wire_add_int(&call.args, args[i]);
        postgres_wire_add_int(&call.args, ROWS_AT_ONCE);
        enum err e = run(s, &call, &r);
        if (e) return e;
        bool read = postgres_wire_read(r, 0, 0, &rows);
        PQclear(r);
        if (!read) return ERR_INTERNAL;
        if (rows.as.i < ROWS_AT_ONCE) return ERR_OK;
    }
}

/* What lies below the edge, but for what goes with its partition. */
static enum err remove_records(struct postgres_store *s, int64_t org, int64_t edge_ns)
{
    struct arena arena;
    struct postgres_partition *all = NULL;
    size_t n = 0;
    arena_init(&arena, 1 << 20);
    enum err e = postgres_partitions_list(s, edge_ns, &arena, &all, &n);
    for (size_t i = 0; i < n && !e; i++) {
        bool left = false;
        const int64_t args[] = {org, all[i].from_ns,
                                all[i].to_ns < edge_ns ? all[i].to_ns : edge_ns};
        e = postgres_partitions_is_left(s, &all[i], org, &left);
        if (!e && !left) e = in_pieces(s, "SELECT cleanup_old_telemetry($1, $2, $3, $4)", args, 3);
    }
    arena_done(&arena);
    return e;
}

static enum err remove_hours(struct postgres_store *s, int64_t org, int64_t edge_ns)
{
    const int64_t args[] = {org, edge_ns};
    return in_pieces(s, "SELECT cleanup_old_hours($1, $2, $3)", args, 2);
}

/* Every hour before the edge has its sums; then the edge moves; then what is behind it goes, with
 * its whole partition where everybody's edge is behind it. */
enum err postgres_retain(struct telemetry *t, int64_t org, int64_t raw_ns, int64_t rollup_ns,
                         uint64_t *ret_points)
{
    struct postgres_store *s = postgres_store_of(t);
    int64_t raw = raw_ns == INT64_MIN ? INT64_MIN : rollup_hour(raw_ns);
    int64_t rollups = rollup_ns == INT64_MIN ? INT64_MIN : rollup_hour(rollup_ns);
    int64_t before = postgres_store_cutoff(s, org);
    uint64_t points = 0;
    size_t n = 0;
    enum err e = ERR_OK;
    if (s->nodes && raw > postgres_hours_closed(s)) raw = postgres_hours_closed(s);
    if (raw < before) raw = before;
    do {
        e = postgres_hours_sum_up(s, org, raw, HOURS_AT_ONCE, &n);
    } while (!e && n == HOURS_AT_ONCE);
    if (!e && raw > before) e = count_points(s, org, before, raw, &points);
    if (!e) e = set_cutoff(s, org, raw, rollups);
    if (!e) e = change(s, "DELETE FROM telemetry_stale WHERE org = $1 AND hour_ns < $2", org, raw);
    if (!e) e = change(s, "DELETE FROM telemetry_latest WHERE org = $1 AND ts_ns < $2", org, raw);
    if (!e && raw != INT64_MIN) e = remove_records(s, org, raw);
    if (!e) e = remove_hours(s, org, rollups < raw ? rollups : raw);
    if (!e) e = postgres_partitions_drop_passed(s);
    atomic_fetch_add(&s->dropped, points);
    *ret_points = points;
    return e;
}

enum err postgres_purge_device(struct telemetry *t, int64_t org, int64_t device)
{
    static const char *const others[] = {
        "DELETE FROM telemetry_latest WHERE org = $1 AND device = $2",
        "DELETE FROM telemetry_stale WHERE org = $1 AND device = $2",
        "DELETE FROM telemetry_hours WHERE org = $1 AND device = $2",
    };
    struct postgres_store *s = postgres_store_of(t);
    uint64_t points = 0;
    enum err e = delete_records(
        s,
        "WITH gone AS (DELETE FROM telemetry_records WHERE org = $1 AND device = $2 AND "
        "ts_ns <= (SELECT max(ts_ns) FROM (SELECT ts_ns FROM telemetry_records "
        "WHERE org = $1 AND device = $2 ORDER BY ts_ns LIMIT $3) AS piece) "
        "RETURNING cardinality(series) AS points) "
        "SELECT count(*), coalesce(sum(points), 0)::bigint FROM gone",
        org, device, &points);
    for (size_t i = 0; i < sizeof others / sizeof *others && !e; i++)
        e = change(s, others[i], org, device);
    if (!e) postgres_memory_forget(&s->memory, org, device);
    return e;
}
