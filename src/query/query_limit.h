#pragma once
/* query/query_limit.h -- until when a query may run, and whether anybody still waits for it. What
 * scans asks between slices, so a query ends within about a millisecond of its limit.
 * Threads: any; immutable while a query runs.   Memory: the caller's. */
#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>

struct query_limit {
    const struct clock *clock;
    int64_t deadline_ns;                  /* monotonic; 0: none */
    bool (*is_unwanted)(const void *ctx); /* NULL: somebody always waits */
    const void *ctx;
};

/* ERR_TIMEOUT: past the deadline; ERR_CLOSED: nobody waits. NULL: no limit. */
enum err query_limit_check(const struct query_limit *l) MUST_CHECK;
