/* Readings of one series, in slices; and the newest of many. A cursor holds a connection: its one
 * statement sees one snapshot, and its rows come while they are read. */
#include "base/mem.h"
#include "store/postgres/postgres_array.h"
#include "store/postgres/postgres_call.h"
#include "store/postgres/postgres_state.h"

enum { SLICE = 1024 };

struct postgres_scan {
    struct scan_cursor base; /* first */
    struct postgres_store *store;
    struct postgres_conn *conn; /* NULL: nothing to read, or read to its end */
    struct postgres_call call;
    int64_t series;
    enum err end; /* ERR_OK while rows may come */
    struct sample slice[SLICE];
};

/* The value of that series in a row (ts, series[], value[]); false: it is not in it. */
static bool read_sample(const PGresult *r, int64_t series, struct sample *ret)
{
    struct postgres_array ids, values;
    struct sql_value ts;
    if (!postgres_wire_read(r, 0, 0, &ts)) return false;
    if (!postgres_array_read(PQgetvalue(r, 0, 1), PQgetlength(r, 0, 1), &ids)) return false;
    if (!postgres_array_read(PQgetvalue(r, 0, 2), PQgetlength(r, 0, 2), &values)) return false;
    size_t i = 0;
    while (i < ids.n && postgres_array_int(&ids, i) != series) i++;
    if (i == ids.n || i >= values.n) return false;
    *ret = (struct sample){ts.as.i, postgres_array_real(&values, i)};
    return true;
}

enum err postgres_scan_open(struct telemetry *t, const struct scan_range *range,
                            struct scan_cursor **ret)
{
    static const char ascending[] =
        "SELECT ts_ns, series, value FROM telemetry_records WHERE org = $1 AND device = $2 "
        "AND ts_ns >= $3 AND ts_ns < $4 AND $5 = ANY (series) ORDER BY ts_ns";
    static const char descending[] =
        "SELECT ts_ns, series, value FROM telemetry_records WHERE org = $1 AND device = $2 "
        "AND ts_ns >= $3 AND ts_ns < $4 AND $5 = ANY (series) ORDER BY ts_ns DESC";
    struct postgres_store *s = postgres_store_of(t);
    struct postgres_scan *scan = mem_zalloc(sizeof *scan);
    struct why why = {""};
    if (!scan) return ERR_NOMEM;
    int64_t cutoff = postgres_store_cutoff(s, range->org);
    struct postgres_call *call = &scan->call;
    *call = (struct postgres_call)POSTGRES_CALL(range->descending ? descending : ascending);
    postgres_wire_add_int(&call->args, range->org);
    postgres_wire_add_int(&call->args, range->device);
    postgres_wire_add_int(&call->args, range->from_ns > cutoff ? range->from_ns : cutoff);
    postgres_wire_add_int(&call->args, range->to_ns);
    postgres_wire_add_int(&call->args, range->series);
    scan->base.ops = t->ops;
    scan->store = s;
    scan->series = range->series;
    enum err e = postgres_pool_take(s->pool, &scan->conn, &why);
    if (!e) e = postgres_call_stream(scan->conn, call, &why);
    if (e) {
        postgres_scan_close(&scan->base);
        return e;
    }
    *ret = &scan->base;
    return ERR_OK;
}

/* One more sample, or the end. */
static enum err next_sample(struct postgres_scan *scan, struct sample *ret)
{
    struct why why = {""};
    for (;;) {
        PGresult *r = PQgetResult(scan->conn->pg);
        if (!r) return ERR_END;
        bool row = PQresultStatus(r) == PGRES_SINGLE_TUPLE;
        bool found = row && read_sample(r, scan->series, ret);
        enum err e = row ? ERR_OK : postgres_call_status(scan->conn, r, &why);
        PQclear(r);
        if (e || found) return e;
    }
}

enum err postgres_scan_next(struct scan_cursor *base, const struct sample **ret, size_t *ret_n)
{
    struct postgres_scan *scan = (struct postgres_scan *)base;
    size_t n = 0;
    while (!scan->end && n < SLICE) {
        scan->end = next_sample(scan, &scan->slice[n]);
        n += !scan->end;
    }
    if (!n || (scan->end && scan->end != ERR_END)) return scan->end;
    *ret = scan->slice;
    *ret_n = n;
    return ERR_OK;
}

void postgres_scan_close(struct scan_cursor *base)
{
    struct postgres_scan *scan = (struct postgres_scan *)base;
    if (!scan) return;
    if (scan->conn) {
        if (!scan->end) { /* left early: the rest is not sent */
            char said[128];
            PGcancel *cancel = PQgetCancel(scan->conn->pg);
            PQcancel(cancel, said, sizeof said);
            PQfreeCancel(cancel);
        }
        for (PGresult *r; (r = PQgetResult(scan->conn->pg));) PQclear(r);
        postgres_call_end(&scan->call, scan->end == ERR_END ? ERR_OK : scan->end);
        postgres_pool_give(scan->store->pool, scan->conn);
    }
    mem_free(scan);
}

/* --- the newest ------------------------------------------------------------------------------- */

enum err postgres_latest(struct telemetry *t, int64_t org, const int64_t *series, size_t n,
                         struct sample *ret)
{
    struct postgres_store *s = postgres_store_of(t);
    postgres_memory_latest(&s->memory, org, series, n, postgres_store_cutoff(s, org), ret);
    return ERR_OK;
}
