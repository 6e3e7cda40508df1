/* What copies of a whole store ask for: edges of retention, hours that outlive their raw points,
 * and the records of a device as they stand, all series at once. */
#include "base/mem.h"
#include "store/postgres/postgres_array.h"
#include "store/postgres/postgres_call.h"
#include "store/postgres/postgres_state.h"

enum { ARENA_BYTES = 1 << 30 };

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

enum err postgres_edges(struct telemetry *t, int64_t org, int64_t *ret_raw_ns,
                        int64_t *ret_rollup_ns)
{
    struct postgres_call call =
        POSTGRES_CALL("SELECT raw_ns, rollup_ns FROM telemetry_cutoffs WHERE org = $1");
    struct sql_value raw = SQL_I(INT64_MIN), rollup = SQL_I(INT64_MIN);
    PGresult *r = NULL;
    postgres_wire_add_int(&call.args, org);
    enum err e = run(postgres_store_of(t), &call, &r);
    if (e) return e;
    bool read = !PQntuples(r) ||
                (postgres_wire_read(r, 0, 0, &raw) && postgres_wire_read(r, 0, 1, &rollup));
    PQclear(r);
    if (!read) return ERR_INTERNAL;
    *ret_raw_ns = raw.as.i;
    *ret_rollup_ns = rollup.as.i;
    return ERR_OK;
}

/* --- hours ------------------------------------------------------------------------------------ */

enum { INTS = 7, REALS = 6 };

static bool bind_hours(struct postgres_call *call, struct arena *arena,
                       const struct telemetry_hour *hours, size_t n)
{
    int64_t *ints = arena_array(arena, n, sizeof *ints);
    double *reals = arena_array(arena, n, sizeof *reals);
    bool fine = ints && reals;
    for (int k = 0; k < INTS && fine; k++) {
        for (size_t i = 0; i < n; i++) {
            const struct telemetry_hour *h = &hours[i];
            const int64_t of[INTS] = {h->org,
                                      h->series,
                                      h->rollup.hour_ns,
                                      h->device,
                                      (int64_t)h->rollup.count,
                                      h->rollup.first_ns,
                                      h->rollup.last_ns};
            ints[i] = of[k];
        }
        struct bytes array = postgres_array_of_ints(arena, ints, n);
        postgres_wire_add_ints(&call->args, array);
        fine = array.p != NULL;
    }
    for (int k = 0; k < REALS && fine; k++) {
        for (size_t i = 0; i < n; i++) {
            const struct rollup *r = &hours[i].rollup;
            const double of[REALS] = {r->sum, r->min, r->max, r->first, r->last, r->m2};
            reals[i] = of[k];
        }
        struct bytes array = postgres_array_of_reals(arena, reals, n);
        postgres_wire_add_reals(&call->args, array);
        fine = array.p != NULL;
    }
    return fine;
}

enum err postgres_adopt(struct telemetry *t, const struct telemetry_hour *hours, size_t n)
{
    struct postgres_call call = POSTGRES_CALL(
        "INSERT INTO telemetry_hours (org, series, hour_ns, device, count, first_ns, "
        "last_ns, sum, min, max, first, last, m2) SELECT * FROM unnest($1, $2, $3, $4, $5, "
        "$6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING");
    struct arena arena;
    if (!n) return ERR_OK;
    arena_init(&arena, ARENA_BYTES);
    enum err e = bind_hours(&call, &arena, hours, n) ? ERR_OK : ERR_NOMEM;
    if (!e) e = run(postgres_store_of(t), &call, NULL);
    arena_done(&arena);
    return e;
}

/* --- records ---------------------------------------------------------------------------------- */

struct postgres_records {
    struct scan_cursor base; /* first */
    struct postgres_store *store;
    struct postgres_conn *conn; /* NULL: nothing to read */
    struct postgres_call call;
    enum err end;         /* ERR_OK while rows may come */
    struct point *points; /* owned */
    size_t room;
};

enum err postgres_records_open(struct telemetry *t, const struct scan_range *range,
                               struct scan_cursor **ret)
{
    struct postgres_store *s = postgres_store_of(t);
    static const char *const sql[] = {
        "SELECT ts_ns, series, value FROM telemetry_records WHERE org = $1 AND device = $2 "
        "AND ts_ns >= $3 AND ts_ns < $4 ORDER BY ts_ns",
        "SELECT ts_ns, series, value FROM telemetry_records WHERE org = $1 AND device = $2 "
        "AND ts_ns >= $3 AND ts_ns < $4 ORDER BY ts_ns DESC"};
    struct why why = {""};
    struct postgres_records *r = mem_zalloc(sizeof *r);
    if (!r) return ERR_NOMEM;
    struct postgres_call *call = &r->call;
    *call = (struct postgres_call)POSTGRES_CALL(sql[range->descending]);
    int64_t cutoff = postgres_store_cutoff(s, range->org);
    postgres_wire_add_int(&call->args, range->org);
    postgres_wire_add_int(&call->args, range->device);
    postgres_wire_add_int(&call->args, range->from_ns > cutoff ? range->from_ns : cutoff);
    postgres_wire_add_int(&call->args, range->to_ns);
    r->base.ops = t->ops;
    r->store = s;
    enum err e = postgres_pool_take(s->pool, &r->conn, &why);
    if (!e) e = postgres_call_stream(r->conn, call, &why);
    if (e) {
        postgres_records_close(&r->base);
        return e;
    }
    *ret = &r->base;
    return ERR_OK;
}

static enum err read_row(struct postgres_records *c, const PGresult *r, int64_t *ret_ts_ns,
                         size_t *ret_n)
{
    struct postgres_array ids, values;
    struct sql_value ts;
    if (!postgres_wire_read(r, 0, 0, &ts) ||
        !postgres_array_read(PQgetvalue(r, 0, 1), PQgetlength(r, 0, 1), &ids) ||
        !postgres_array_read(PQgetvalue(r, 0, 2), PQgetlength(r, 0, 2), &values) ||
        ids.n != values.n)
        return ERR_INTERNAL;
    if (ids.n > c->room) {
        struct point *grown = mem_realloc(c->points, ids.n * sizeof *grown);
        if (!grown) return ERR_NOMEM;
        c->points = grown;
        c->room = ids.n;
    }
    for (size_t i = 0; i < ids.n; i++)
        c->points[i] = (struct point){postgres_array_int(&ids, i), postgres_array_real(&values, i)};
    *ret_ts_ns = ts.as.i;
    *ret_n = ids.n;
    return ERR_OK;
}

enum err postgres_records_next(struct scan_cursor *base, int64_t *ret_ts_ns,
                               const struct point **ret, size_t *ret_n)
{
    struct postgres_records *c = (struct postgres_records *)base;
    struct why why = {""};
    if (c->end) return c->end;
    PGresult *r = PQgetResult(c->conn->pg);
    if (!r) return c->end = ERR_END;
    if (PQresultStatus(r) == PGRES_SINGLE_TUPLE) {
        c->end = read_row(c, r, ret_ts_ns, ret_n);
        PQclear(r);
        *ret = c->points;
        return c->end;
    }
    enum err e = postgres_call_status(c->conn, r, &why);
    PQclear(r);
    return c->end = e ? e : ERR_END;
}

void postgres_records_close(struct scan_cursor *base)
{
    struct postgres_records *c = (struct postgres_records *)base;
    if (!c) return;
    if (c->conn) {
        if (!c->end) { /* left early: the rest is not sent */
            char said[128];
            PGcancel *cancel = PQgetCancel(c->conn->pg);
            PQcancel(cancel, said, sizeof said);
            PQfreeCancel(cancel);
        }
        for (PGresult *r; (r = PQgetResult(c->conn->pg));) PQclear(r);
        postgres_call_end(&c->call, c->end == ERR_END ? ERR_OK : c->end);
        postgres_pool_give(c->store->pool, c->conn);
    }
    mem_free(c->points);
    mem_free(c);
}
