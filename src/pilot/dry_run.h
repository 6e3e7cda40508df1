#pragma once
/* pilot/dry_run.h -- what a plan would have refused over the last days: daily limits against the
 * usage of each hour, counts against what there is now. Usage under stricter limits would have been
 * other usage: this is what was admitted, cut where the plan's limit is reached.
 * Threads: as the tx.   Memory: the arena's. */
#include "base/arena.h"
#include "model/limit.h"
#include "store/sql.h"

enum { DRY_RUN_DAYS = 7, DRY_RUN_DAYS_MAX = 90 };

struct dry_run_day {
    int64_t day, used, refused;
    int64_t reached_hour; /* in which the limit would have been reached; 0: not */
};
struct dry_run_line {
    enum limit what;
    int64_t max, used, refused; /* used: of all days; of counts: now */
    struct dry_run_day *days;   /* of daily limits: days with any use, ascending */
    size_t day_count;
};
/* max[i] 0: not asked about. One line for each that is. Errors: those of store/sql.h. */
enum err dry_run(struct sql_tx *tx, int64_t org, const int64_t max[LIMITS], int64_t now_ns,
                 int64_t days, struct arena *a, struct dry_run_line ret[LIMITS],
                 size_t *ret_n) MUST_CHECK;
