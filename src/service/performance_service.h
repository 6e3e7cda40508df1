#pragma once
/* service/performance_service.h -- what an operator may do to the running server by hand: forget
 * what is cached, have everything written now. Each appends its event, named after who did it.
 * Threads: any; every call blocks.   Memory: the caller's. */
#include "cache/cache.h"
#include "model/actor.h"
#include "store/sql.h"

struct batch_pipeline;

struct performance_service {
    struct sql_db *db; /* borrowed, as the rest */
    struct cache *cache;
    struct batch_pipeline *batch;
    const struct clock *clock;
};

struct performance_cleared {
    uint64_t entries; /* that were there */
    int64_t at_ns;
};
/* of: CACHE_IDS clears all of them. */
enum err performance_service_clear(struct performance_service *s, const struct actor *actor,
                                   enum cache_id of, struct performance_cleared *ret) MUST_CHECK;

struct performance_flushed {
    uint64_t pending; /* before */
    unsigned active;
    size_t batch_records;
    int64_t at_ns, took_ns;
};
/* Returns when every record that was pending is durable or refused. */
enum err performance_service_flush(struct performance_service *s, const struct actor *actor,
                                   struct performance_flushed *ret) MUST_CHECK;
