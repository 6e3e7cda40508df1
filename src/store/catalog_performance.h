#pragma once
/* store/catalog_performance.h -- counts over the whole installation, for its operators. No content
 * of an organisation but its name.
 * Threads: as the transaction.   Memory: names are copied into the arena. */
#include "base/arena.h"
#include "store/sql.h"

struct catalog_performance_counts {
    int64_t alerts;              /* raised since */
    int64_t widgets, dashboards; /* all of them */
};
enum err catalog_performance_count(struct sql_tx *tx, int64_t alerts_since_ns,
                                   struct catalog_performance_counts *ret) MUST_CHECK;

struct catalog_performance_org {
    int64_t id;
    struct bytes name;
};
enum { CATALOG_PERFORMANCE_ORGS = 1000 };
/* Those that are not deleted, by id, the first CATALOG_PERFORMANCE_ORGS. */
enum err catalog_performance_orgs(struct sql_tx *tx, struct arena *a,
                                  struct catalog_performance_org **ret, size_t *ret_n) MUST_CHECK;
