#pragma once
/* store/postgres/postgres_analytics.h -- store/analytics.h by materialized views
 * (migration_analytics.c). A refresh is one transaction with one snapshot, by one server at a time;
 * who reads meanwhile reads what was there before, and writers of readings never wait for it. What
 * has changed is asked of PostgreSQL's own counters, which know of the writes of every server.
 * Threads: any.   Memory: owned by the caller, until its close(). */
#include "store/analytics.h"
#include "store/postgres/postgres_pool.h"

struct postgres_analytics_opts {
    struct postgres_pool *pool; /* borrowed, as the clock */
    const struct clock *clock;
    int64_t timeout_ns; /* of a refresh; 0 = none */
    bool always;        /* its counters do not know of all writes: refresh at each call */
};
enum err postgres_analytics_new(struct analytics **ret,
                                const struct postgres_analytics_opts *opts) MUST_CHECK;
