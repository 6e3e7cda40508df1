/* Partitions of telemetry_records, one a month (UTC), made ahead of time and dropped whole.
 *
 *   made     at start and every hour: this month and the next three; any other one when a first
 *            reading falls into it. By ATTACH: nobody waits (migration_cleanup.c).
 *   dropped  when it lies an hour below the edge of every organisation that has readings in it:
 *            DETACH … CONCURRENTLY, then DROP TABLE. Detaching waits for statements that are under
 *            way, and nothing waits for it. Waited in vain, or the server died: the partition is
 *            half-detached (nobody sees it any more) or an orphan, and the next hour ends it.
 *
 * The only statements with text of our own making are the two that have a partition's name in them:
 * six digits. */
#include "base/mem.h"
#include "store/postgres/postgres_call.h"
#include "store/postgres/postgres_state.h"

#include <stdio.h>
#include <time.h>

enum { AHEAD = 3, TRIES = 3, LIST_BYTES = 1 << 20 };
#define EVERY_NS  NS_PER_HOUR
#define MARGIN_NS NS_PER_HOUR       /* writers that have not heard of the edge yet */
#define LONG_NS   (31 * NS_PER_DAY) /* who keeps less deletes piece by piece */
#define ALIKE_NS  NS_PER_DAY        /* edges move by turns */
#define WAIT      "SET lock_timeout = '2s'; SET statement_timeout = '30s'"
#define WAIT_END  "RESET lock_timeout; RESET statement_timeout"

static struct tm month_of(int64_t ts_ns)
{
    time_t seconds = (time_t)(ts_ns / NS_PER_S);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    return tm;
}

static _Atomic uint8_t *known(struct postgres_store *s, int64_t ts_ns)
{
    struct tm tm = month_of(ts_ns);
    size_t month = (size_t)(tm.tm_year - 100) * 12 + (size_t)tm.tm_mon;
    bug_if(month >= POSTGRES_MONTHS);
    return &s->months[month];
}

void postgres_partitions_forget(struct postgres_store *s)
{
    for (size_t i = 0; i < POSTGRES_MONTHS; i++) atomic_store(&s->months[i], 0);
}

/* --- asking ----------------------------------------------------------------------------------- */

static enum err ask(struct postgres_store *s, struct postgres_call *call, PGresult **ret,
                    struct why *why)
{
    struct postgres_conn *c;
    enum err e = postgres_pool_take(s->pool, &c, why);
    if (e) return e;
    e = postgres_call_one(c, call, ret, why);
    postgres_pool_give(s->pool, c);
    return e;
}

enum err postgres_partitions_list(struct postgres_store *s, int64_t before_ns, struct arena *a,
                                  struct postgres_partition **ret, size_t *ret_n)
{
    struct postgres_call call =
        POSTGRES_CALL("SELECT from_ns, to_ns, pending FROM telemetry_partitions WHERE from_ns < $1 "
                      "UNION ALL SELECT '-9223372036854775808'::bigint, 946684800000000000, false "
                      "ORDER BY 1");
    PGresult *r = NULL;
    postgres_wire_add_int(&call.args, before_ns);
    enum err e = ask(s, &call, &r, NULL);
    if (e) return e;
    size_t n = (size_t)PQntuples(r);
    struct postgres_partition *rows = arena_array(a, n ? n : 1, sizeof *rows);
    if (!rows) e = ERR_NOMEM;
    for (size_t i = 0; i < n && !e; i++) {
        struct sql_value v[3];
        for (int k = 0; k < 3; k++)
            if (!postgres_wire_read(r, (int)i, k, &v[k])) e = ERR_INTERNAL;
        if (!e) rows[i] = (struct postgres_partition){v[0].as.i, v[1].as.i, v[2].as.i != 0};
    }
    PQclear(r);
    if (e) return e;
    *ret = rows;
    *ret_n = n;
    return ERR_OK;
}

/* How many of those who have readings there have their edge below edge_ns. */
static enum err count_slower(struct postgres_store *s, const struct postgres_partition *p,
                             int64_t edge_ns, int64_t *ret)
{
    struct postgres_call call =
        POSTGRES_CALL("SELECT count(*) FROM telemetry_orgs_between($1, $2) AS o (org) "
                      "LEFT JOIN telemetry_cutoffs c ON c.org = o.org "
                      "WHERE c.raw_ns IS NULL OR c.raw_ns < $3");
    PGresult *r = NULL;
    struct sql_value v = SQL_NULL;
    postgres_wire_add_int(&call.args, p->from_ns);
    postgres_wire_add_int(&call.args, p->to_ns);
    postgres_wire_add_int(&call.args, edge_ns);
    enum err e = ask(s, &call, &r, NULL);
    if (e) return e;
    if (!postgres_wire_read(r, 0, 0, &v)) e = ERR_INTERNAL;
    PQclear(r);
    *ret = v.as.i;
    return e;
}

enum err postgres_partitions_is_left(struct postgres_store *s, const struct postgres_partition *p,
                                     int64_t org, bool *ret)
{
    int64_t edge_ns = postgres_store_cutoff(s, org), slower = 0;
    *ret = false;
    if (p->from_ns == INT64_MIN || clock_wall_ns(s->clock) - edge_ns < LONG_NS) return ERR_OK;
    enum err e = count_slower(s, p, edge_ns - ALIKE_NS, &slower);
    if (!e) *ret = slower == 0;
    return e;
}

/* --- making ----------------------------------------------------------------------------------- */

static enum err make_in(struct postgres_conn *c, int64_t ts_ns, struct why *why)
{
    struct postgres_call call = POSTGRES_CALL("SELECT telemetry_make_partition($1)");
    postgres_wire_add_int(&call.args, ts_ns);
    enum err e = postgres_call_plain(c, "BEGIN", why);
    if (!e) e = postgres_call_plain(c, "SET LOCAL lock_timeout = '2s'", why);
    if (!e) e = postgres_call_one(c, &call, NULL, why);
    enum err ended = postgres_call_plain(c, e ? "ROLLBACK" : "COMMIT", e ? NULL : why);
    return e ? e : ended;
}

enum err postgres_partitions_make(struct postgres_store *s, int64_t ts_ns, struct why *why)
{
    if (ts_ns < POSTGRES_MONTHS_FROM_NS || s->hypertable) return ERR_OK;
    _Atomic uint8_t *there = known(s, ts_ns);
    if (atomic_load_explicit(there, memory_order_relaxed)) return ERR_OK;
    struct postgres_conn *c;
    enum err e = postgres_pool_take(s->pool, &c, why);
    if (e) return e;
    e = ERR_LOCKED;
    for (int i = 0; i < TRIES && e == ERR_LOCKED; i++) e = make_in(c, ts_ns, why);
    postgres_pool_give(s->pool, c);
    if (!e) atomic_store_explicit(there, 1, memory_order_relaxed);
    return e;
}

static enum err make_ahead(struct postgres_store *s, struct why *why)
{
    if (s->hypertable) return ERR_OK; /* chunks come by themselves */
    struct tm tm = month_of(clock_wall_ns(s->clock));
    enum err e = ERR_OK;
    tm.tm_mday = 15;
    for (int i = 0; i <= AHEAD && !e; i++, tm.tm_mon++) {
        struct tm at = tm; /* timegm() makes a thirteenth month the first of the next year */
        e = postgres_partitions_make(s, (int64_t)timegm(&at) * NS_PER_S, why);
    }
    return e;
}

/* Whether readings lie in a hypertable, or are spread by Citus. */
static enum err look_at_server(struct postgres_store *s, struct why *why)
{
    struct postgres_call call =
        POSTGRES_CALL("SELECT (SELECT c.relkind = 'r' FROM pg_class c "
                      "WHERE c.oid = 'telemetry_records'::regclass), "
                      "EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')");
    struct sql_value hypertable = SQL_NULL, citus = SQL_NULL;
    PGresult *r = NULL;
    enum err e = ask(s, &call, &r, why);
    if (e) return e;
    if (!postgres_wire_read(r, 0, 0, &hypertable) || !postgres_wire_read(r, 0, 1, &citus))
        e = ERR_INTERNAL;
    PQclear(r);
    s->hypertable = hypertable.as.i != 0;
    s->citus = citus.as.i != 0;
    return e;
}

enum err postgres_partitions_open(struct postgres_store *s, struct why *why)
{
    struct arena arena;
    struct postgres_partition *all = NULL;
    size_t n = 0;
    arena_init(&arena, LIST_BYTES);
    enum err e = look_at_server(s, why);
    if (!e) e = postgres_partitions_list(s, INT64_MAX, &arena, &all, &n);
    for (size_t i = 0; i < n && !e && !s->hypertable; i++)
        if (all[i].from_ns != INT64_MIN && !all[i].pending)
            atomic_store(known(s, all[i].from_ns), 1);
    arena_done(&arena);
    if (!e) e = make_ahead(s, why);
    atomic_store(&s->partitions_due_ns, clock_mono_ns(s->clock) + EVERY_NS);
    return e;
}

/* --- dropping --------------------------------------------------------------------------------- */

/* Ours is the name: digits. */
static enum err run_named(struct postgres_conn *c, const char *format, int64_t ts_ns,
                          struct why *why)
{
    struct tm tm = month_of(ts_ns);
    char name[32], sql[160];
    snprintf(name, sizeof name, "telemetry_records_%04u_%02u",
             (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100);
    const char *at = strchr(format, '*');
    snprintf(sql, sizeof sql, "%.*s%s%s", (int)(at - format), format, name, at + 1);
    return postgres_call_plain(c, sql, why);
}

/* ERR_LOCKED, ERR_TIMEOUT: somebody reads it; it is half-detached now, or as it was. */
static enum err drop_in(struct postgres_conn *c, const struct postgres_partition *p, bool citus,
                        struct why *why)
{
    const char *detach = p->pending ? "ALTER TABLE telemetry_records DETACH PARTITION * FINALIZE"
                         : citus    ? "ALTER TABLE telemetry_records DETACH PARTITION *"
                                 : "ALTER TABLE telemetry_records DETACH PARTITION * CONCURRENTLY";
    enum err e = postgres_call_plain(c, WAIT, why);
    if (!e) e = run_named(c, detach, p->from_ns, why);
    if (!e) e = run_named(c, "DROP TABLE IF EXISTS *", p->from_ns, why);
    enum err ended = postgres_call_plain(c, WAIT_END, NULL);
    return e ? e : ended;
}

/* A chunk of a hypertable. */
static enum err drop_chunk(struct postgres_conn *c, const struct postgres_partition *p)
{
    struct postgres_call call =
        POSTGRES_CALL("SELECT count(*) FROM drop_chunks('telemetry_records', "
                      "older_than => $1::bigint, newer_than => $2::bigint)");
    postgres_wire_add_int(&call.args, p->to_ns);
    postgres_wire_add_int(&call.args, p->from_ns);
    enum err e = postgres_call_plain(c, WAIT, NULL);
    if (!e) e = postgres_call_one(c, &call, NULL, NULL);
    enum err ended = postgres_call_plain(c, WAIT_END, NULL);
    return e ? e : ended;
}

static enum err drop(struct postgres_store *s, const struct postgres_partition *p)
{
    struct postgres_conn *c;
    enum err e = postgres_pool_take(s->pool, &c, NULL);
    if (e) return e;
    if (s->hypertable) {
        e = drop_chunk(c, p);
    } else {
        atomic_store(known(s, p->from_ns), 0); /* a write that needs it makes it anew, or waits */
        e = drop_in(c, p, s->citus, NULL);
    }
    postgres_pool_give(s->pool, c);
    if (!e) atomic_fetch_add(&s->partitions_dropped, 1);
    return e == ERR_LOCKED || e == ERR_TIMEOUT ? ERR_OK : e;
}

/* The highest edge of all: no partition above it can have been passed by everybody. */
static int64_t highest_edge(struct postgres_store *s)
{
    int64_t highest = INT64_MIN;
    rwlock_read(&s->lock);
    for (size_t i = 0; i < s->cutoff_count; i++)
        if (s->cutoffs[i].raw_ns > highest) highest = s->cutoffs[i].raw_ns;
    rwlock_release(&s->lock);
    return highest;
}

enum err postgres_partitions_drop_passed(struct postgres_store *s)
{
    struct arena arena;
    struct postgres_partition *all = NULL;
    size_t n = 0;
    int64_t highest_ns = highest_edge(s);
    if (highest_ns == INT64_MIN) return ERR_OK;
    arena_init(&arena, LIST_BYTES);
    enum err e = postgres_partitions_list(s, highest_ns, &arena, &all, &n);
    for (size_t i = 0; i < n && !e; i++) {
        int64_t slower = 1;
        if (all[i].from_ns == INT64_MIN || all[i].to_ns > highest_ns - MARGIN_NS) continue;
        if (all[i].pending) continue; /* the hourly turn ends what was begun */
        e = count_slower(s, &all[i], all[i].to_ns + MARGIN_NS, &slower);
        if (!e && !slower) e = drop(s, &all[i]);
    }
    arena_done(&arena);
    return e;
}

/* What a server that died left behind. */
static enum err drop_orphans(struct postgres_store *s)
{
    struct postgres_call call =
        POSTGRES_CALL("SELECT (extract(epoch FROM make_date(substr(c.relname, 19, 4)::int, "
                      "substr(c.relname, 24, 2)::int, 2)::timestamp) * 1000000000)::bigint "
                      "FROM pg_class c WHERE c.relkind = 'r' AND NOT c.relispartition "
                      "AND c.relnamespace = current_schema()::regnamespace "
                      "AND c.relname ~ '^telemetry_records_[0-9]{4}_[0-9]{2}$'");
    PGresult *r = NULL;
    struct postgres_conn *c;
    enum err e = ask(s, &call, &r, NULL);
    if (e) return e;
    int n = PQntuples(r);
    if (n && !(e = postgres_pool_take(s->pool, &c, NULL))) {
        e = postgres_call_plain(c, WAIT, NULL);
        for (int i = 0; i < n && !e; i++) {
            struct sql_value v = SQL_NULL;
            if (postgres_wire_read(r, i, 0, &v))
                e = run_named(c, "DROP TABLE IF EXISTS *", v.as.i, NULL);
        }
        enum err ended = postgres_call_plain(c, WAIT_END, NULL);
        postgres_pool_give(s->pool, c);
        if (!e) e = ended;
    }
    PQclear(r);
    return e == ERR_LOCKED || e == ERR_TIMEOUT ? ERR_OK : e;
}

static enum err end_half_done(struct postgres_store *s)
{
    struct arena arena;
    struct postgres_partition *all = NULL;
    size_t n = 0;
    arena_init(&arena, LIST_BYTES);
    enum err e = postgres_partitions_list(s, INT64_MAX, &arena, &all, &n);
    for (size_t i = 0; i < n && !e; i++)
        if (all[i].pending) e = drop(s, &all[i]);
    arena_done(&arena);
    return e ? e : drop_orphans(s);
}

enum err postgres_partitions_maintain(struct postgres_store *s)
{
    int64_t now_ns = clock_mono_ns(s->clock);
    if (now_ns < atomic_load(&s->partitions_due_ns)) return ERR_OK;
    enum err e = make_ahead(s, NULL);
    if (!e) e = end_half_done(s);
    if (!e) atomic_store(&s->partitions_due_ns, now_ns + EVERY_NS);
    return e;
}
