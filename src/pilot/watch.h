#pragma once
/* pilot/watch.h -- looks at every part of the server every few seconds, judges the thresholds,
 * keeps the trends, and gathers the evidence of the last 180 looks for recommendations: a quarter
 * of an hour, at one look in five seconds.
 *
 *   watch_tick() every settings.step_ns ── counts ──> ring of WATCH_STEPS ── difference ──> window
 *                                        ├─> thresholds, on the last minute
 *                                        └─> trends
 *
 * What is judged is a difference of counters over a window, so nothing is added where operations
 * happen; a window in which too little happened has no figure (NAN).
 * Threads: watch_tick() by one thread; the others any. Both may block on the catalog.
 * Memory: everything in the parts is borrowed. */
#include "pilot/evidence.h"
#include "pilot/thresholds.h"
#include "pilot/trends.h"

struct analytics;
struct batch_pipeline;
struct cache;
struct postgres_pool;
struct registry;
struct retention;
struct telemetry;

enum { WATCH_STEPS = 180, WATCH_MINUTE_STEPS = 12 };
enum {
    WATCH_REQUESTS_MIN = 20, /* answers in a window, to speak of their 95th percentile */
    WATCH_LOOKS_MIN = 100,   /* look-ups, to speak of a hit ratio */
    WATCH_DEVICES_MAX = 50   /* that stand out, in one evidence */
};

struct watch_parts {
    const struct clock *clock;
    struct sql_db *db;
    struct telemetry *telemetry;
    struct cache *cache;
    struct batch_pipeline *batch;
    struct registry *registry;
    struct retention *retention;
    struct analytics *analytics; /* may be NULL */
    struct postgres_pool *pool;  /* NULL: embedded */
    struct thresholds *thresholds;
    struct trends *trends;
    const char *dir;              /* on the disk that has to last; NULL: somebody else's */
    double (*memory_ratio)(void); /* in use, of what there may be */
};
/* As configured now. */
struct watch_settings {
    int64_t step_ns; /* between two looks */
    int64_t batch_records, queue_records, cache_max_bytes, pool_max;
    int64_t retention_cost_bytes; /* what an organisation keeps for ever costs nothing below it */
};

struct watch;
enum err watch_new(struct watch **ret, const struct watch_parts *parts) MUST_CHECK;
void watch_free(struct watch *w); /* NULL is fine */
void watch_configure(struct watch *w, const struct watch_settings *s);
/* Looks, unless step_ns have not passed since the last time. leads false: another node judges
 * and writes. The first error of the catalog; what it concerned is tried again. */
enum err watch_tick(struct watch *w, bool leads) MUST_CHECK;

/* The newest figures, as the thresholds and the trends got them. */
struct watch_figures {
    double thresholds[THRESHOLD_IDS], trends[TREND_FIGURES];
};
void watch_read(struct watch *w, struct watch_figures *ret);

/* Of the disk the readings are on; false: it is somebody else's. Any thread, never blocks long. */
bool watch_read_disk(const struct watch *w, double *ret_free, double *ret_total);

/* Everything that was counted in the window; asks the database about its indexes. */
enum err watch_gather(struct watch *w, struct arena *a, struct evidence *ret) MUST_CHECK;
