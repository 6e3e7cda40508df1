#pragma once
/* pilot/slow_queries.h -- statements and calls of the store that took longer than
 * pilot.performance.slow-query-threshold, with what they cost and what would help.
 *
 * Runs are kept by the hour for 24 hours, since the start of the process; a longer range says in
 * coveredHours how much of it there is. Slowest in total first, SLOW_QUERIES_MAX of them.
 * Threads: any.   Memory: appends to the caller's buffer. */
#include "pilot/performance.h"

enum { SLOW_QUERIES_HOURS_MAX = 8760, SLOW_QUERIES_MAX = 50 };

void slow_queries_write(struct performance *p, int hours, struct buf *b);
/* What would help, of a plan; p == NULL: no plan yet. */
const char *slow_queries_advice(const char *plan);
