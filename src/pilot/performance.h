#pragma once
/* pilot/performance.h -- the server as its operators see it: what /api/v1/pilot/performance answers
 * (contract, section 10.1). It only looks; what changes anything is service/performance_service.h.
 *
 * Counters, queues, pools and memory are read at the call; the heap, threads and devices of the day
 * are a second old at most (performance_sample.h). What costs a database something (sizes, its own
 * statistics, counts over tables) and Redis' INFO go through the cache performance-metrics and
 * carry collectedAt. So an event loop can answer: only what is not in memory has to be asked for
 * elsewhere. Keys of the old documents are numbers or strings whatever happens; only `redis` and
 * keys that are new may be null, with a reason beside them.
 * Threads: any.   Memory: documents are appended to the caller's buffer. */
#include "base/buf.h"
#include "base/clock.h"
#include "cache/redis_link.h"
#include "pilot/performance_sample.h"

#include <stdatomic.h>
#include <stdbool.h>

struct batch_pipeline;
struct cache;
struct executor;
struct postgres_pool;
struct registry;
struct quota;
struct sql_db;
struct telemetry;
struct thresholds;

/* LIVE settings. */
struct performance_settings {
    bool enabled, metrics_enabled;
    int64_t slow_query_ns, response_ns;
};

struct performance {
    const struct clock *clock; /* this and all up to the settings: borrowed, set before the start */
    struct sql_db *db;
    struct telemetry *telemetry;
    struct registry *registry;
    struct cache *cache;
    struct batch_pipeline *batch;
    struct executor *async, *telemetry_pool, *analytics;
    struct quota *quota;
    struct thresholds *thresholds; /* what they say of memory is what the health says */
    struct postgres_pool *pool;    /* NULL: embedded */
    struct redis_place redis;
    int64_t redis_timeout_ns;
    bool has_redis;
    int64_t started_mono_ns;
    const char *version, *compiler; /* of this build */

    _Atomic bool enabled, metrics_enabled;
    _Atomic int64_t slow_query_ns, response_ns;
    _Atomic double db_hit_ratio; /* PostgreSQL's, when it was read last */
    struct performance_sampler sampler;
};

/* Around the life of a struct whose borrowed parts are set. */
void performance_open(struct performance *p);
void performance_close(struct performance *p);
/* The thresholds of probes move along. */
void performance_configure(struct performance *p, const struct performance_settings *s);

/* What only the transports know. */
struct performance_traffic {
    uint64_t points_last_hour;
};
/* ERR_MORE: a part has to be asked for, and !may_block; nothing is written. */
enum err performance_write_metrics(struct performance *p, const struct performance_traffic *traffic,
                                   bool may_block, struct buf *b) MUST_CHECK;
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
/* DOWN: writes cannot be made durable, the threshold of memory is raised by this process's figures
 * (pilot/thresholds.h: its hold time, its way back), or the queue is full. DEGRADED: Redis is away,
 * or answers are slower than they should be. */
void performance_read_health(struct performance *p, struct performance_health *ret);
const char *performance_status_name(enum performance_status s);

/* API calls of all organisations since 00:00 UTC, as the daily limits count them (pilot/quota.h):
 * those of this node to the last one, those of others as of the last performance_read_calls().
 * ERR_MORE: none was made today, and !may_block. Without an answer of the catalog what was read
 * last goes on. */
enum err performance_calls_today(struct performance *p, bool may_block, int64_t *ret) MUST_CHECK;
/* Every few seconds while somebody asks, from a thread that may block. */
enum err performance_read_calls(struct performance *p) MUST_CHECK;
/* Hits of all looks, over all caches, 0 to 1; 1 before the first look. */
double performance_hit_ratio(struct performance *p);
/* Connections that are lent; embedded: who reads the store now. */
uint64_t performance_connections(struct performance *p);
/* Of the database's own cache, 0 to 1 (README). */
double performance_db_hit_ratio(struct performance *p);
/* Of all answers of the last five to ten minutes. */
double performance_p95_ms(struct performance *p);
