/* Figures that are worth keeping for a while (see performance_costly.h): three parts are kept as
 * the text of their members, the organisations as rows: id, length, name. */
#include "pilot/performance_costly.h"

#include "base/arena.h"
#include "cache/cache_read.h"
#include "codec/json_write.h"
#include "pilot/redis_figures.h"
#include "query/cached_catalog.h"
#include "store/catalog_performance.h"
#include "store/postgres/postgres_figures.h"
#include "store/sql_statement.h"
#include "store/telemetry.h"

#include <math.h>

enum { SLOWEST = 5, PART_MAX = 1 << 20, ROW_HEAD = 12 };

static double mb(double bytes)
{
    return round(bytes / (1 << 20) * 100) / 100;
}

static double two_digits(double v)
{
    return round(v * 100) / 100;
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

static enum err make_database(void *ctx, struct buf *b)
{
    const struct performance *p = ctx;
    return p->pool ? make_postgres(ctx, b) : make_embedded(ctx, b);
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

/* --- organisations ---------------------------------------------------------------------------- */

static void write_row(struct buf *b, const struct catalog_performance_org *o)
{
    uint32_t n = (uint32_t)o->name.n;
    buf_add(b, &o->id, sizeof o->id);
    buf_add(b, &n, sizeof n);
    buf_add_bytes(b, o->name);
}

static enum err make_organizations(void *ctx, struct buf *b)
{
    struct performance *p = ctx;
    struct catalog_performance_org *orgs = NULL;
    size_t n = 0;
    struct arena arena;
    struct sql_tx *tx;
    enum err e = sql_begin(p->db, SQL_READ, &tx);
    if (e) return e;
    arena_init(&arena, PART_MAX);
    e = catalog_performance_orgs(tx, &arena, &orgs, &n);
    sql_rollback(tx);
    for (size_t i = 0; i < n && !e; i++) write_row(b, &orgs[i]);
    arena_done(&arena);
    return e;
}

bool performance_costly_next(const struct performance_parts *parts, size_t *at,
                             struct performance_org *ret)
{
    const struct buf *b = &parts->text[PART_ORGANIZATIONS];
    uint32_t n;
    if (b->n - *at < ROW_HEAD) return false;
    memcpy(&ret->id, b->p + *at, sizeof ret->id);
    memcpy(&n, b->p + *at + sizeof ret->id, sizeof n);
    ret->name = bytes_of(b->p + *at + ROW_HEAD, n);
    *at += ROW_HEAD + n;
    return true;
}

/* --- all of them ------------------------------------------------------------------------------ */

static const struct part {
    enum cache_id cache;
    const char *name;
    cache_make_fn *make;
} parts_about[PARTS] = {
    [PART_DATABASE] = {CACHE_METRICS, "database", make_database},
    [PART_REDIS] = {CACHE_METRICS, "redis", make_redis},
    [PART_COUNTS] = {CACHE_METRICS, "counts", make_counts},
    [PART_ORGANIZATIONS] = {CACHE_ORGANIZATIONS, "performance", make_organizations},
};

static struct cache_question question_of(enum performance_part part)
{
    const struct part *about = &parts_about[part];
    bool of_catalog = about->cache == CACHE_ORGANIZATIONS;
    return (struct cache_question){.cache = about->cache,
                                   .name = bytes_str(about->name),
                                   .slot = of_catalog ? cached_catalog_slot(0) : 0};
}

static enum err read_part(struct performance *p, enum performance_part part, bool may_block,
                          struct buf *b)
{
    const struct cache_question q = question_of(part);
    if (cache_read_here(p->cache, &q, b)) return b->err;
    return may_block ? cache_read(p->cache, &q, parts_about[part].make, p, b) : ERR_MORE;
}

/* Keys of the old documents are numbers and strings whatever happens. */
static void write_nothing(struct performance *p, enum performance_part part, enum err e,
                          struct buf *b)
{
    static const struct postgres_figures no_figures = {.version = "unknown"};
    static const struct catalog_performance_counts no_counts;
    buf_clear(b);
    if (part == PART_ORGANIZATIONS) return;
    if (part == PART_REDIS) {
        json_write_null(b);
        return;
    }
    if (part == PART_DATABASE)
        write_postgres(b, &no_figures);
    else
        write_counts(b, &no_counts);
    write_collected(p, b);
    json_write_member_text(b, "error", err_sentence(e));
}

static enum err read_redis(struct performance *p, bool may_block, struct performance_parts *ret)
{
    struct buf *b = &ret->text[PART_REDIS];
    bool up = p->has_redis && cache_read_redis(p->cache).up;
    enum err e = up ? read_part(p, PART_REDIS, may_block, b) : ERR_CLOSED;
    if (e == ERR_MORE || !e) return e;
    ret->redis_reason = p->has_redis ? "Redis does not answer." : "No Redis is configured.";
    write_nothing(p, PART_REDIS, e, b);
    return ERR_OK;
}

enum err performance_costly_read(struct performance *p, bool may_block,
                                 struct performance_parts *ret)
{
    *ret = (struct performance_parts){.redis_reason = NULL};
    for (int i = 0; i < PARTS; i++) buf_init(&ret->text[i], PART_MAX);
    enum err more = performance_calls_today(p, may_block, &ret->calls_today);
    if (!more) more = read_redis(p, may_block, ret);
    for (int i = 0; i < PARTS && more != ERR_MORE; i++) {
        enum performance_part part = (enum performance_part)i;
        if (part == PART_REDIS) continue;
        enum err e = read_part(p, part, may_block, &ret->text[i]);
        if (e == ERR_MORE) more = e;
        if (e && e != ERR_MORE) write_nothing(p, part, e, &ret->text[i]);
        if (part == PART_ORGANIZATIONS) ret->organizations = e;
    }
    if (more == ERR_MORE) performance_costly_done(ret);
    return more;
}

void performance_costly_done(struct performance_parts *parts)
{
    for (int i = 0; i < PARTS; i++) buf_done(&parts->text[i]);
}

void performance_costly_refresh(struct performance *p)
{
    struct buf b;
    if (!p->pool) return;
    buf_init(&b, PART_MAX);
    (void)read_part(p, PART_DATABASE, true, &b); /* what fails is tried again, and shown */
    buf_done(&b);
}

void performance_costly_read_ahead(struct performance *p)
{
    for (int i = 0; i < PARTS; i++) {
        const struct cache_question q = question_of((enum performance_part)i);
        if (i == PART_REDIS && !p->has_redis) continue;
        enum err e = cache_read_ahead(p->cache, &q, parts_about[i].make, p);
        (void)e; /* who asks is told */
    }
    if (!performance_sample_is_asked(p)) return;
    enum err e = performance_read_calls(p);
    (void)e; /* the last figure goes on */
}
