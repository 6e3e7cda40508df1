#pragma once
/* service/cleanup_service.h -- rids the catalog of what has become old (store/catalog_cleanup.h): a
 * bounded round at a time, each a transaction of its own with one event for each organisation that
 * lost something, and how much. Readings and events have their own retention.
 * Threads: any.   Memory: borrowed for the call. */
#include "model/actor.h"
#include "store/catalog_cleanup.h"

enum { CLEANUP_AT_ONCE = 1000 }; /* rows of each kind in one round: some 30 ms of the catalog */

/* Up to when each kind goes; INT64_MIN keeps all. */
struct cleanup_ages {
    int64_t before_ns[CLEANUP_SUBJECTS];
};
struct cleanup_removed {
    int64_t rows[CLEANUP_SUBJECTS];
};
/* What this installation keeps; the log of deliveries as long as it is configured to. */
struct cleanup_ages cleanup_service_ages(int64_t now_ns, int64_t notifications_kept_ns);
/* One round; adds to `removed`. *ret_more: call again. */
enum err cleanup_service_run(struct sql_db *db, int64_t now_ns, const struct cleanup_ages *ages,
                             const struct actor *actor, struct cleanup_removed *removed,
                             bool *ret_more) MUST_CHECK;
