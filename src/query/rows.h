#pragma once
/* query/rows.h -- samples of several series of one device side by side: one row for every time at
 * which at least one of them has a value, in time order, in constant memory.
 * Threads: owner only.   Memory: a row is borrowed until the next call. */
#include "query/query_limit.h"
#include "store/telemetry.h"

struct rows_spec {
    int64_t org, device;
    const int64_t *series; /* borrowed for the life of the rows */
    size_t n;
    int64_t from_ns, to_ns; /* [from, to) */
    bool descending;
    const struct query_limit *limit; /* NULL: none; borrowed as series */
};
struct rows;
enum err rows_open(struct rows **ret, struct telemetry *t, const struct rows_spec *spec) MUST_CHECK;
/* *ret_values: n of them, NaN where that series has no value at this time. ERR_END at the end.
 * ERR_TIMEOUT, ERR_CLOSED: the limit. */
enum err rows_next(struct rows *r, int64_t *ret_ts_ns, const double **ret_values) MUST_CHECK;
void rows_close(struct rows *r); /* NULL is fine */
