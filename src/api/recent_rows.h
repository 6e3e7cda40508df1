#pragma once
/* api/recent_rows.h -- rows of a device as they were read a moment ago: the cache telemetry-query.
 *
 * Pages ask for "the last hour" with another beginning and end each time. So an entry holds a wider
 * window, from a round time before the question's beginning to a round time behind its end (or all
 * there is, where the end is now), and each answer is cut out of it: every page that shows the same
 * device shares it. A reading of the device ends its entries before it is acknowledged
 * (query/cached_telemetry.h), so no answer is older than that.
 *
 *   entry   n, bytes, more | time, place of its text | … | texts, each with a comma behind
 *
 * Threads: executors; it may wait for the same question of another thread.
 * Memory: appends to c->body. */
#include "api/series.h"

struct recent_rows_question {
    struct reg_device *device;
    const struct series_list *list;
    int64_t from_ns, to_ns; /* both included; INT64_MIN and INT64_MAX: all there is */
    uint64_t limit;         /* rows at most */
    bool descending;        /* newest first: of all there is */
};
/* *ret_done false: it is not kept here or does not fit, and nothing was appended: ask the store.
 * *ret_next_ns: the time of the last row given, where there are more; else INT64_MIN. */
enum err recent_rows_answer(struct api_call *c, const struct recent_rows_question *q,
                            bool *ret_done, int64_t *ret_next_ns) MUST_CHECK;
