#pragma once
/* store/analytics_rollups.h -- store/analytics.h by a pass over the hourly rollups of every device:
 * what the embedded store has instead of materialized views, and what those are compared with in
 * tests. A pass is made in slices of its caller's time; when it ends, its numbers replace those of
 * the pass before at once.
 * Threads: any; one refresh at a time.   Memory: 18 KiB an organisation, 48 bytes for each day of
 * each device that had readings; twice of it during a pass. Owned by the caller, until close(). */
#include "store/analytics.h"

struct registry;
struct sql_db;
struct telemetry;

struct analytics_rollups_opts {  /* all borrowed */
    struct telemetry *telemetry; /* the store itself: what is read once needs no cache */
    struct registry *registry;
    struct sql_db *db;
    const struct clock *clock;
};
enum err analytics_rollups_new(struct analytics **ret,
                               const struct analytics_rollups_opts *opts) MUST_CHECK;
