#pragma once
/* query/thin.h -- fewer samples that draw the same line: M4 (Jugel, Jerzak, Hackenbroich and Markl,
 * VLDB 2014). Every column of time keeps its first, last, smallest and largest sample, so no spike
 * is lost.   Threads: any.   Memory: results in the caller's arena. */
#include "base/arena.h"
#include "query/query_limit.h"
#include "store/telemetry.h"

/* At most max_samples samples (4 a column, max_samples >= 4) of the range, in time order. limit:
 * NULL for none; else ERR_TIMEOUT, ERR_CLOSED. */
enum err thin_series(struct telemetry *t, const struct scan_range *range, size_t max_samples,
                     const struct query_limit *limit, struct arena *arena, struct sample **ret,
                     size_t *ret_n) MUST_CHECK;
