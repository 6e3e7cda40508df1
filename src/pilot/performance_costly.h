#pragma once
/* pilot/performance_costly.h -- the parts of the metrics document that cost a database or Redis
 * something: made once in the lifetime of performance-metrics, each with its collectedAt.
 * Threads: any; blocks.   Memory: members are appended to an object that the caller has opened. */
#include "pilot/performance.h"

/* databaseProductName … slowQueries. When the database does not answer its figures are 0, and
 * `error` says why. */
void performance_costly_database(struct performance *p, struct buf *b);
/* The same, for its figures alone: about once a minute, so that scrapes need not wait for it. */
void performance_costly_refresh(struct performance *p);
/* The value of `redis`: an object, or null; *ret_reason: why it is null, else NULL. */
void performance_costly_redis(struct performance *p, struct buf *b, const char **ret_reason);
/* alertsLast24h, avgWidgetsPerDashboard. */
void performance_costly_counts(struct performance *p, struct buf *b);
