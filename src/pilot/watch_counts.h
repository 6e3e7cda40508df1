#pragma once
/* pilot/watch_counts.h -- one look at everything that is counted, and the difference of two. Inside
 * pilot/watch*.c only.   Threads: the caller's.   Memory: values; `other` of the organisations
 * belongs to the watch. */
#include "cache/cache_key.h"
#include "perf/histogram.h"
#include "perf/org_figures.h"
#include "pilot/watch.h"

enum watch_route { WATCH_SINGLE_AGGREGATE, WATCH_BATCHED_AGGREGATE, WATCH_DASHBOARD, WATCH_ROUTES };

struct watch_counts {
    int64_t mono_ns;
    uint64_t queries, query_ns, slow_queries;
    uint64_t answers[HISTOGRAM_BUCKETS]; /* of all routes */
    uint64_t route_count[WATCH_ROUTES], route_ns[WATCH_ROUTES];
    struct cache_stats caches[CACHE_IDS]; /* entries and bytes: at that moment */
    uint64_t points, batches, records, full_batches, refused_full;
    uint64_t queued, queued_ns, written, written_ns; /* tickets before, groups at the store */
    uint64_t pending;                                /* records, at that moment */
    uint64_t pool_waits, pool_waited_ns;
    double disk_bytes; /* of the store, at that moment */
};
void watch_counts_take(const struct watch_parts *parts, struct watch_counts *ret);
/* The counters of `now` less those of `then`; what is of a moment stays that of `now`. */
void watch_counts_since(const struct watch_counts *now, const struct watch_counts *then,
                        struct watch_counts *ret);

/* The longest statement that ended at or after since_ns (monotonic); 0: none is known. */
int64_t watch_counts_slowest(int64_t since_ns);
/* Of answers; NAN below WATCH_REQUESTS_MIN. */
double watch_counts_p95_ms(const struct watch_counts *window);
/* NAN below WATCH_LOOKS_MIN. */
double watch_counts_hit_ratio(const struct watch_counts *window);

struct watch {
    struct watch_parts parts;
    struct lock lock; /* guards the rest but for what only watch_tick() has */
    struct watch_counts ring[WATCH_STEPS];
    size_t taken; /* since the start */
    bool led;     /* at the last turn */
    struct watch_settings settings;
    struct watch_figures figures;
    /* organisations and devices, as they were when the window under way began */
    struct org_figures_line organizations[ORG_FIGURES_MAX + 1];
    size_t organization_count;
    int64_t organizations_ns;
};
/* The window of the last `steps` looks, fewer after a start; false: there are not two. With the
 * lock. */
bool watch_counts_window(const struct watch *w, size_t steps, struct watch_counts *ret,
                         double *ret_s);
