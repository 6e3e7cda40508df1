#pragma once
/* pilot/performance.h -- the server as its operators see it: what /api/v1/pilot/performance answers
 * (contract, section 10.1). It only looks; what changes anything is service/performance_service.h.
 *
 * Counters, queues, pools and memory are read at the call. What costs a database something (sizes,
 * its own statistics, counts over tables) and Redis' INFO go through the cache performance-metrics
 * and carry collectedAt. Keys of the old documents are numbers or strings whatever happens; only
 * `redis` and keys that are new may be null, with a reason beside them.
 * Threads: any; the calls that write a document block on the catalog.   Memory: documents are
 * appended to the caller's buffer. */
#include "base/buf.h"
#include "base/clock.h"
#include "cache/redis_link.h"

#include <stdatomic.h>
#include <stdbool.h>

struct batch_pipeline;
struct cache;
struct executor;
struct postgres_pool;
struct registry;
struct sql_db;
struct telemetry;

/* LIVE settings. */
struct performance_settings {
    bool enabled, metrics_enabled;
    int64_t slow_query_ns, response_ns;
    double hit_ratio, memory_ratio; /* 0 to 1 */
};

struct performance {
    const struct clock *clock; /* this and all up to the settings: borrowed, set before the start */
    struct sql_db *db;
    struct telemetry *telemetry;
    struct registry *registry;
    struct cache *cache;
    struct batch_pipeline *batch;
    struct executor *async, *telemetry_pool, *analytics;
    struct postgres_pool *pool; /* NULL: embedded */
    struct redis_place redis;
    int64_t redis_timeout_ns;
    bool has_redis;
    int64_t started_mono_ns;
    const char *version, *compiler; /* of this build */

    _Atomic bool enabled, metrics_enabled;
    _Atomic int64_t slow_query_ns, response_ns;
    _Atomic double hit_ratio, memory_ratio;
    _Atomic int64_t memory_over_ns; /* monotonic: over its threshold since then; 0: it is not */
    _Atomic uint64_t calls_before;  /* requests counted up to the last midnight (UTC) */
    _Atomic int64_t day;
    _Atomic double db_hit_ratio; /* PostgreSQL's, when it was read last */
};
#define PERFORMANCE_HOLD_NS (INT64_C(60) * 1000000000) /* memory over its threshold so long */

/* The thresholds of probes move along. */
void performance_configure(struct performance *p, const struct performance_settings *s);
/* About once a second: how long memory is over its threshold, midnight. */
void performance_tick(struct performance *p);

/* What only the transports know. */
struct performance_traffic {
    uint64_t points_last_hour;
};
enum err performance_write_metrics(struct performance *p, const struct performance_traffic *traffic,
                                   struct buf *b) MUST_CHECK;
void performance_write_caches(struct performance *p, struct buf *b);

struct performance_check {
    bool healthy;
    char message[200];
};
enum performance_status { PERFORMANCE_UP, PERFORMANCE_DEGRADED, PERFORMANCE_DOWN };
struct performance_health {
    enum performance_status status;
    struct performance_check database, redis, memory, performance;
};
/* DOWN: writes cannot be made durable, memory is over its threshold for PERFORMANCE_HOLD_NS, or the
 * queue is full. DEGRADED: Redis is away, or answers are slower than they should be. */
void performance_read_health(struct performance *p, struct performance_health *ret);
const char *performance_status_name(enum performance_status s);

/* All requests since the start. */
uint64_t performance_requests(void);
/* Hits of all looks, over all caches, 0 to 1; 1 before the first look. */
double performance_hit_ratio(struct performance *p);
/* Connections that are lent; embedded: who reads the store now. */
uint64_t performance_connections(struct performance *p);
/* Of the database's own cache, 0 to 1 (README). */
double performance_db_hit_ratio(struct performance *p);
/* Of all answers of the last five to ten minutes. */
double performance_p95_ms(struct performance *p);
