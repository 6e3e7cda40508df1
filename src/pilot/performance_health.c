/* Is the server well? Each check with a sentence that says why (see performance.h). */
#include "pilot/performance.h"

#include "cache/cache.h"
#include "ingest/batch.h"
#include "pilot/thresholds.h"

#include <stdio.h>

#define SAY(check, ...) snprintf((check)->message, sizeof(check)->message, __VA_ARGS__)

const char *performance_status_name(enum performance_status s)
{
    static const char *const names[] = {"UP", "DEGRADED", "DOWN"};
    return names[s];
}

static void check_database(struct performance *p, struct performance_check *ret)
{
    struct telemetry_stats s;
    telemetry_read_stats(p->telemetry, &s);
    ret->healthy = s.writable;
    if (s.writable)
        SAY(ret, "Writes are made durable by the %s store.", p->telemetry->ops->name);
    else
        SAY(ret, "Writes cannot be made durable: %s", s.unwritable_why);
}

static void check_redis(struct performance *p, struct performance_check *ret)
{
    const struct cache_redis_figures f = cache_read_redis(p->cache);
    ret->healthy = !f.configured || f.up;
    if (!f.configured)
        SAY(ret, "No Redis is configured: the caches of this process serve alone.");
    else if (f.up)
        SAY(ret, "Redis answers.");
    else
        SAY(ret, "Redis does not answer: the caches of this process serve alone until it is back.");
}

/* The threshold judges; its phase is put into words. */
static void check_memory(struct performance *p, struct performance_check *ret)
{
    struct threshold_view views[THRESHOLD_IDS];
    thresholds_read(p->thresholds, views);
    const struct threshold_view *v = &views[THRESHOLD_MEMORY];
    struct process_memory m;
    struct performance_sample sample;
    process_figures_memory(&m);
    performance_sample_read(p, &sample);
    const double ratio = (double)m.resident / (double)sample.memory_limit * 100;
    const double limit = v->limits.limit * 100;
    const int64_t since_ns = clock_mono_ns(p->clock) - v->state.since_ns;
    const long long for_s = since_ns / NS_PER_S;
    ret->healthy = !v->beyond;
    if (v->beyond && v->state.phase == THRESHOLD_CLEARING)
        SAY(ret,
            "%.1f %% of the memory this process may have: back below %.1f %% for %lld of %lld s.",
            ratio, threshold_clear(&v->limits) * 100, for_s,
            (long long)(v->limits.clear_ns / NS_PER_S));
    else if (v->beyond)
        SAY(ret, "%.1f %% of the memory this process may have; over %.1f %%, unhealthy for %lld s.",
            ratio, limit, for_s);
    else if (v->state.phase == THRESHOLD_PENDING)
        SAY(ret,
            "%.1f %% of the memory this process may have, over %.1f %% for %lld s; it is unhealthy "
            "after %lld s.",
            ratio, limit, for_s, (long long)(v->limits.hold_ns / NS_PER_S));
    else
        SAY(ret, "%.1f %% of the memory this process may have, at most %.1f %% is fine.", ratio,
            limit);
}

/* *ret_full: nothing more is taken. */
static void check_performance(struct performance *p, struct performance_check *ret, bool *ret_full)
{
    struct batch_stats s;
    const struct batch_opts opts = batch_read_opts(p->batch);
    double p95 = performance_p95_ms(p), limit = (double)atomic_load(&p->response_ns) / 1e6;
    batch_read_stats(p->batch, &s);
    *ret_full = s.pending_records >= opts.queue_capacity;
    ret->healthy = !*ret_full && p95 <= limit;
    if (*ret_full)
        SAY(ret, "The queue is full: %llu records wait, %zu may.",
            (unsigned long long)s.pending_records, opts.queue_capacity);
    else if (p95 > limit)
        SAY(ret, "95 %% of the answers of the last minutes took up to %.0f ms, over %.0f ms.", p95,
            limit);
    else
        SAY(ret,
            "95 %% of the answers of the last minutes took at most %.1f ms; %llu of %zu "
            "records wait.",
            p95, (unsigned long long)s.pending_records, opts.queue_capacity);
}

void performance_read_health(struct performance *p, struct performance_health *ret)
{
    bool full;
    check_database(p, &ret->database);
    check_redis(p, &ret->redis);
    check_memory(p, &ret->memory);
    check_performance(p, &ret->performance, &full);
    if (!ret->database.healthy || !ret->memory.healthy || full)
        ret->status = PERFORMANCE_DOWN;
    else if (!ret->redis.healthy || !ret->performance.healthy)
        ret->status = PERFORMANCE_DEGRADED;
    else
        ret->status = PERFORMANCE_UP;
}
