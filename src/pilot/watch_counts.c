/* What is counted everywhere, taken together (see watch_counts.h). */
#include "pilot/watch_counts.h"

#include "cache/cache.h"
#include "ingest/batch.h"
#include "perf/probe.h"
#include "store/postgres/postgres_pool.h"

#include <math.h>

static uint64_t load(const _Atomic uint64_t *v)
{
    return atomic_load_explicit(v, memory_order_relaxed);
}

/* --- taking ----------------------------------------------------------------------------------- */

static void take_route(const struct probe *p, struct watch_counts *ret)
{
    static const struct {
        const char *name;
        enum watch_route route;
    } known[] = {{"GET /api/v1/analytics/aggregate", WATCH_SINGLE_AGGREGATE},
                 {"POST /api/v1/analytics/aggregate/batch", WATCH_BATCHED_AGGREGATE},
                 {"POST /api/v1/dashboards/{id}/data", WATCH_DASHBOARD}};
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) ret->answers[i] += load(&p->took.buckets[i]);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!p->name || strcmp(p->name, known[i].name) != 0) continue;
        ret->route_count[known[i].route] += histogram_count(&p->took);
        ret->route_ns[known[i].route] += load(&p->took.sum_ns);
    }
}

static void take_probes(struct watch_counts *ret)
{
    for (struct probe *p = probe_next(NULL); p; p = probe_next(p)) {
        if (p->kind == PROBE_ROUTE) take_route(p, ret);
        if (p->kind != PROBE_SQL && p->kind != PROBE_STORE) continue;
        ret->queries += histogram_count(&p->took);
        ret->query_ns += load(&p->took.sum_ns);
        ret->slow_queries += load(&p->slow);
    }
}

static void take_caches(struct cache *cache, struct watch_counts *ret)
{
    for (int i = 0; i < CACHE_IDS; i++) {
        struct cache_figures f;
        cache_read_figures(cache, (enum cache_id)i, &f);
        ret->caches[i] = f.tiers[CACHE_TIER_MEMORY];
        ret->caches[i].hits = f.hits;
        ret->caches[i].misses = f.misses;
    }
}

void watch_counts_take(const struct watch_parts *parts, struct watch_counts *ret)
{
    struct batch_stats batch;
    struct telemetry_stats store;
    *ret = (struct watch_counts){.mono_ns = clock_mono_ns(parts->clock)};
    take_probes(ret);
    take_caches(parts->cache, ret);
    batch_read_stats(parts->batch, &batch);
    ret->batches = batch.batches_written;
    ret->records = batch.records_written;
    ret->full_batches = batch.batches_full;
    ret->refused_full = batch.refused_full;
    ret->pending = batch.pending_records;
    const struct batch_timings *timings = batch_read_timings(parts->batch);
    ret->queued = histogram_count(&timings->queued);
    ret->queued_ns = load(&timings->queued.sum_ns);
    ret->written = histogram_count(&timings->written);
    ret->written_ns = load(&timings->written.sum_ns);
    telemetry_read_stats(parts->telemetry, &store);
    ret->points = store.points_written;
    ret->disk_bytes =
        (double)store.wal_bytes + (double)store.raw_bytes + (double)store.rollup_bytes;
    if (!parts->pool) return;
    const struct postgres_pool_stats pool = postgres_pool_read_stats(parts->pool);
    ret->pool_waits = pool.waits;
    ret->pool_waited_ns = pool.waited_ns;
}

/* --- windows ---------------------------------------------------------------------------------- */

/* Counters that were set back (a store that was opened again) are not negative. */
static uint64_t less(uint64_t now, uint64_t then)
{
    return now >= then ? now - then : now;
}

static void since_cache(struct cache_stats *c, const struct cache_stats *then)
{
    c->hits = less(c->hits, then->hits);
    c->misses = less(c->misses, then->misses);
    c->evictions = less(c->evictions, then->evictions);
    c->expired = less(c->expired, then->expired);
}

void watch_counts_since(const struct watch_counts *now, const struct watch_counts *then,
                        struct watch_counts *ret)
{
    *ret = *now;
    ret->queries = less(now->queries, then->queries);
    ret->query_ns = less(now->query_ns, then->query_ns);
    ret->slow_queries = less(now->slow_queries, then->slow_queries);
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
        ret->answers[i] = less(now->answers[i], then->answers[i]);
    for (int i = 0; i < WATCH_ROUTES; i++) {
        ret->route_count[i] = less(now->route_count[i], then->route_count[i]);
        ret->route_ns[i] = less(now->route_ns[i], then->route_ns[i]);
    }
    for (int i = 0; i < CACHE_IDS; i++) since_cache(&ret->caches[i], &then->caches[i]);
    ret->points = less(now->points, then->points);
    ret->batches = less(now->batches, then->batches);
    ret->records = less(now->records, then->records);
    ret->full_batches = less(now->full_batches, then->full_batches);
    ret->refused_full = less(now->refused_full, then->refused_full);
    ret->queued = less(now->queued, then->queued);
    ret->queued_ns = less(now->queued_ns, then->queued_ns);
    ret->written = less(now->written, then->written);
    ret->written_ns = less(now->written_ns, then->written_ns);
    ret->pool_waits = less(now->pool_waits, then->pool_waits);
    ret->pool_waited_ns = less(now->pool_waited_ns, then->pool_waited_ns);
}

bool watch_counts_window(const struct watch *w, size_t steps, struct watch_counts *ret,
                         double *ret_s)
{
    if (w->taken < 2) return false;
    size_t most = w->taken < WATCH_STEPS ? w->taken - 1 : WATCH_STEPS - 1;
    if (steps > most) steps = most;
    const struct watch_counts *now = &w->ring[(w->taken - 1) % WATCH_STEPS];
    const struct watch_counts *then = &w->ring[(w->taken - 1 - steps) % WATCH_STEPS];
    watch_counts_since(now, then, ret);
    *ret_s = (double)(now->mono_ns - then->mono_ns) / 1e9;
    return *ret_s > 0;
}

/* --- figures ---------------------------------------------------------------------------------- */

int64_t watch_counts_slowest(int64_t since_ns)
{
    int64_t slowest_ns = 0;
    struct probe_sample samples[PROBE_SLOWEST];
    for (struct probe *p = probe_next(NULL); p; p = probe_next(p)) {
        size_t n = 0;
        if (p->kind != PROBE_SQL && p->kind != PROBE_STORE) continue;
        probe_read_slowest(p, samples, &n);
        for (size_t i = 0; i < n; i++)
            if (samples[i].ended_ns >= since_ns && samples[i].took_ns > slowest_ns)
                slowest_ns = samples[i].took_ns;
    }
    return slowest_ns;
}

double watch_counts_p95_ms(const struct watch_counts *window)
{
    struct histogram h = {0};
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) h.buckets[i] = window->answers[i];
    if (histogram_count(&h) < WATCH_REQUESTS_MIN) return NAN;
    return histogram_quantile_ns(&h, 0.95) / 1e6;
}

double watch_counts_hit_ratio(const struct watch_counts *window)
{
    uint64_t hits = 0, misses = 0;
    for (int i = 0; i < CACHE_IDS; i++) {
        hits += window->caches[i].hits;
        misses += window->caches[i].misses;
    }
    if (hits + misses < WATCH_LOOKS_MIN) return NAN;
    return (double)hits / (double)(hits + misses);
}
