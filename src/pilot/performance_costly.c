/* Figures that are worth keeping for a while (see performance_costly.h): each part is kept as the
 * text of its members. */
#include "pilot/performance_costly.h"

#include "cache/cache_read.h"
#include "codec/json_write.h"
#include "pilot/redis_figures.h"
#include "store/catalog_performance.h"
#include "store/postgres/postgres_figures.h"
#include "store/sql_statement.h"
#include "store/telemetry.h"

#include <math.h>

enum { SLOWEST = 5 };

static double mb(double bytes)
{
    return round(bytes / (1 << 20) * 100) / 100;
}

static double two_digits(double v)
{
    return round(v * 100) / 100;
}

static enum err read_part(struct performance *p, const char *name, cache_make_fn *make,
                          struct buf *b)
{
    const struct cache_question q = {.cache = CACHE_METRICS, .name = bytes_str(name)};
    return cache_read(p->cache, &q, make, p, b);
}

static void write_collected(struct performance *p, struct buf *b)
{
    json_write_member_time(b, "collectedAt", clock_wall_ns(p->clock));
}

/* --- statements of ours, for a database that keeps none --------------------------------------- */

struct slow {
    struct sql_statement *statement;
    struct sql_statement_sum sum;
    double mean_ns;
};

static void rank(struct slow list[SLOWEST], size_t *n, const struct slow *s)
{
    size_t at = *n < SLOWEST ? (*n)++ : SLOWEST;
    if (at == SLOWEST && list[SLOWEST - 1].mean_ns >= s->mean_ns) return;
    if (at == SLOWEST) at--;
    for (; at && list[at - 1].mean_ns < s->mean_ns; at--) list[at] = list[at - 1];
    list[at] = *s;
}

static void write_statement(struct buf *b, const char *query, double calls, double total_ms,
                            double mean_ms)
{
    json_write_open(b, '{');
    json_write_member_text(b, "query", query);
    json_write_member_number(b, "calls", calls);
    json_write_member_number(b, "total_exec_time", two_digits(total_ms));
    json_write_member_number(b, "mean_exec_time", round(mean_ms * 1000) / 1000);
    json_write_close(b, '}');
}

static void write_own_statements(struct buf *b)
{
    struct slow list[SLOWEST], s;
    size_t n = 0;
    for (size_t i = 0; (s.statement = sql_statement_at(i)); i++) {
        s.sum = sql_statement_sum(s.statement, SQL_HOURS);
        if (!s.sum.count) continue;
        s.mean_ns = (double)s.sum.total_ns / (double)s.sum.count;
        rank(list, &n, &s);
    }
    for (size_t i = 0; i < n; i++)
        write_statement(b, list[i].statement->text, (double)list[i].sum.count,
                        (double)list[i].sum.total_ns / 1e6, list[i].mean_ns / 1e6);
}

/* --- the database ----------------------------------------------------------------------------- */

static void write_size(struct buf *b, const char *name, double bytes)
{
    json_write_key_bytes(b, bytes_str(name));
    json_write_number(b, mb(bytes));
}

static void write_postgres(struct buf *b, const struct postgres_figures *f)
{
    double looked = (double)(f->blocks_hit + f->blocks_read);
    json_write_member_text(b, "databaseProductName", "PostgreSQL");
    json_write_member_text(b, "databaseProductVersion", f->version);
    json_write_member_number(b, "databaseSizeMB", mb((double)f->database_bytes));
    json_write_member_number(b, "cacheHitRatio",
                             looked > 0 ? two_digits((double)f->blocks_hit / looked * 100) : 0);
    json_write_key(b, "tableSizesMB");
    json_write_open(b, '{');
    for (size_t i = 0; i < f->table_count; i++)
        write_size(b, f->tables[i].name, (double)f->tables[i].bytes);
    json_write_close(b, '}');
    json_write_member_i64(b, "serverConnections", f->connections);
    json_write_member_i64(b, "serverConnectionsActive", f->active);
    json_write_member_text(b, "slowQueriesFrom",
                           f->has_statements ? "pg_stat_statements" : "this server");
    json_write_key(b, "slowQueries");
    json_write_open(b, '[');
    for (size_t i = 0; i < f->statement_count; i++)
        write_statement(b, f->statements[i].query, (double)f->statements[i].calls,
                        f->statements[i].total_ms, f->statements[i].mean_ms);
    if (!f->has_statements) write_own_statements(b);
    json_write_close(b, ']');
}

static enum err make_postgres(void *ctx, struct buf *b)
{
    struct performance *p = ctx;
    struct postgres_figures f;
    struct sql_tx *tx;
    enum err e = sql_begin(p->db, SQL_READ, &tx);
    if (e) return e;
    e = postgres_figures_read(tx, &f);
    sql_rollback(tx);
    if (e) return e;
    double looked = (double)(f.blocks_hit + f.blocks_read);
    if (looked > 0) atomic_store(&p->db_hit_ratio, (double)f.blocks_hit / looked);
    write_postgres(b, &f);
    write_collected(p, b);
    return ERR_OK;
}

/* Files of our own: bytes on disk, by kind. What is read again and again is in the caches before
 * them, whose ratio this is. */
static enum err make_embedded(void *ctx, struct buf *b)
{
    struct performance *p = ctx;
    struct telemetry_stats s;
    telemetry_read_stats(p->telemetry, &s);
    double all = (double)s.wal_bytes + (double)s.raw_bytes + (double)s.rollup_bytes;
    json_write_member_text(b, "databaseProductName", "SensorVision embedded store");
    json_write_member_text(b, "databaseProductVersion", p->version);
    json_write_member_number(b, "databaseSizeMB", mb(all));
    json_write_member_number(b, "cacheHitRatio", two_digits(performance_hit_ratio(p) * 100));
    json_write_key(b, "tableSizesMB");
    json_write_open(b, '{');
    write_size(b, "log", (double)s.wal_bytes);
    write_size(b, "telemetry_records", (double)s.raw_bytes);
    write_size(b, "telemetry_hours", (double)s.rollup_bytes);
    json_write_close(b, '}');
    json_write_member_text(b, "slowQueriesFrom", "this server");
    json_write_key(b, "slowQueries");
    json_write_open(b, '[');
    write_own_statements(b);
    json_write_close(b, ']');
    write_collected(p, b);
    return ERR_OK;
}

void performance_costly_refresh(struct performance *p)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    if (p->pool) performance_costly_database(p, &b);
    buf_done(&b);
}

void performance_costly_database(struct performance *p, struct buf *b)
{
    static const struct postgres_figures nothing = {.version = "unknown"};
    bool postgres = p->pool != NULL;
    size_t before = b->n;
    enum err e = read_part(p, "database", postgres ? make_postgres : make_embedded, b);
    if (!e) return;
    b->n = before; /* the keys are numbers and strings whatever happens */
    write_postgres(b, &nothing);
    write_collected(p, b);
    json_write_member_text(b, "error", err_sentence(e));
}

/* --- Redis ------------------------------------------------------------------------------------ */

static enum err make_redis(void *ctx, struct buf *b)
{
    struct performance *p = ctx;
    struct redis_figures f;
    enum err e = redis_figures_read(&p->redis, p->redis_timeout_ns, &f);
    if (e) return e;
    double looks = (double)(f.hits + f.misses);
    json_write_open(b, '{');
    json_write_member_text(b, "usedMemory", f.used_memory);
    json_write_member_text(b, "maxMemory", f.max_memory);
    json_write_member_i64(b, "connectedClients", f.clients);
    json_write_member_i64(b, "operationsPerSecond", f.operations_per_s);
    json_write_member_text(b, "keyspaceInfo", f.keyspace);
    json_write_member_number(b, "cacheHitRatio",
                             looks > 0 ? two_digits((double)f.hits / looks * 100) : 0);
    write_collected(p, b);
    json_write_close(b, '}');
    return ERR_OK;
}

void performance_costly_redis(struct performance *p, struct buf *b, const char **ret_reason)
{
    size_t before = b->n;
    *ret_reason = "No Redis is configured.";
    if (p->has_redis && cache_read_redis(p->cache).up) {
        *ret_reason = NULL;
        if (!read_part(p, "redis", make_redis, b)) return;
        b->n = before;
    }
    if (p->has_redis) *ret_reason = "Redis does not answer.";
    json_write_null(b);
}

/* --- counts over tables ----------------------------------------------------------------------- */

static void write_counts(struct buf *b, const struct catalog_performance_counts *n)
{
    json_write_member_i64(b, "alertsLast24h", n->alerts);
    json_write_member_number(b, "avgWidgetsPerDashboard",
                             n->dashboards ? two_digits((double)n->widgets / (double)n->dashboards)
                                           : 0);
}

static enum err make_counts(void *ctx, struct buf *b)
{
    struct performance *p = ctx;
    struct catalog_performance_counts n;
    struct sql_tx *tx;
    enum err e = sql_begin(p->db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_performance_count(tx, clock_wall_ns(p->clock) - NS_PER_DAY, &n);
    sql_rollback(tx);
    if (e) return e;
    write_counts(b, &n);
    write_collected(p, b);
    return ERR_OK;
}

void performance_costly_counts(struct performance *p, struct buf *b)
{
    static const struct catalog_performance_counts nothing;
    size_t before = b->n;
    enum err e = read_part(p, "counts", make_counts, b);
    if (!e) return;
    b->n = before;
    write_counts(b, &nothing);
    write_collected(p, b);
    json_write_member_text(b, "error", err_sentence(e));
}
