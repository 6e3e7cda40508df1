/* Settings and single figures (see performance.h). */
#include "pilot/performance.h"

#include "cache/cache.h"
#include "perf/org_figures.h"
#include "perf/probe.h"
#include "pilot/quota.h"
#include "store/postgres/postgres_pool.h"
#include "store/sql.h"
#include "store/telemetry.h"

void performance_open(struct performance *p)
{
    performance_sample_init(&p->sampler);
}

void performance_close(struct performance *p)
{
    performance_sample_done(&p->sampler);
}

void performance_configure(struct performance *p, const struct performance_settings *s)
{
    atomic_store(&p->enabled, s->enabled);
    atomic_store(&p->metrics_enabled, s->metrics_enabled);
    atomic_store(&p->slow_query_ns, s->slow_query_ns);
    atomic_store(&p->response_ns, s->response_ns);
    probe_set_threshold(PROBE_SQL, s->slow_query_ns);
    probe_set_threshold(PROBE_STORE, s->slow_query_ns);
    probe_set_threshold(PROBE_ROUTE, s->response_ns);
    probe_set_threshold(PROBE_SERVICE, s->response_ns);
    probe_set_threshold(PROBE_TASK, s->response_ns);
}

static int64_t today(struct performance *p)
{
    return clock_wall_ns(p->clock) / NS_PER_DAY;
}

enum err performance_read_calls(struct performance *p)
{
    struct sql_tx *tx;
    struct performance_calls c = {.day = today(p)};
    enum err e = sql_begin(p->db, SQL_READ, &tx);
    if (e) return e;
    c.taken = quota_taken_by_all(p->quota, LIMIT_API_CALLS);
    e = sql_end(tx, quota_used_by_all(p->quota, tx, LIMIT_API_CALLS, &c.calls));
    if (e) return e;
    lock_take(&p->sampler.lock);
    p->sampler.calls = c;
    lock_release(&p->sampler.lock);
    return ERR_OK;
}

enum err performance_calls_today(struct performance *p, bool may_block, int64_t *ret)
{
    lock_take(&p->sampler.lock);
    struct performance_calls c = p->sampler.calls;
    lock_release(&p->sampler.lock);
    if (c.day != today(p)) {
        if (!may_block) return ERR_MORE;
        if (!performance_read_calls(p)) return performance_calls_today(p, false, ret);
    }
    *ret = c.calls + quota_taken_by_all(p->quota, LIMIT_API_CALLS) - c.taken;
    return ERR_OK;
}

double performance_hit_ratio(struct performance *p)
{
    uint64_t hits = 0, looks = 0;
    for (int i = 0; i < CACHE_IDS; i++) {
        struct cache_figures f;
        cache_read_figures(p->cache, (enum cache_id)i, &f);
        hits += f.hits;
        looks += f.hits + f.misses;
    }
    return looks ? (double)hits / (double)looks : 1;
}

uint64_t performance_connections(struct performance *p)
{
    return p->pool ? postgres_pool_read_stats(p->pool).lent
                   : telemetry_open_scans() + sql_open_transactions();
}

double performance_db_hit_ratio(struct performance *p)
{
    return p->pool ? atomic_load(&p->db_hit_ratio) : performance_hit_ratio(p);
}

double performance_p95_ms(struct performance *p)
{
    return org_figures_p95_ms(clock_mono_ns(p->clock));
}
