#pragma once
/* pilot/dry_run.h -- what a plan would have refused over the last days: daily limits against the
 * usage of each hour, counts against what there is now, limits per minute against the busiest
 * minute that one user or device had in each hour. Usage under stricter limits would have been
 * other usage: this is what was admitted, cut where the plan's limit is reached.
 * Threads: as the tx.   Memory: the arena's. */
#include "base/arena.h"
#include "model/limit.h"
#include "pilot/rates.h"
#include "store/sql.h"

enum { DRY_RUN_DAYS = 7, DRY_RUN_DAYS_MAX = 90 };

struct dry_run_day {
    int64_t day, used, refused;
    int64_t reached_hour; /* in which the limit would have been reached; 0: not */
};
struct dry_run_line {
    enum limit what;            /* LIMITS: a limit per minute */
    const char *limit;          /* its key */
    int64_t max, used, refused; /* used: of all days; of counts: now */
    int64_t busiest_minute;     /* of limits per minute */
    struct dry_run_day *days;   /* of all but counts: days with any use, ascending */
    size_t day_count;
};
enum { DRY_RUN_LINES = LIMITS + RATE_KINDS };
struct dry_run_plan {
    int64_t max[LIMITS];      /* 0: not asked about */
    int64_t rate[RATE_KINDS]; /* of a bucket: a minute and its burst; likewise */
};
/* One line for each limit that is asked about. What goes past a bucket in an hour is that of its
 * busiest minute: there may have been more. Errors: those of store/sql.h. */
enum err dry_run(struct sql_tx *tx, int64_t org, const struct dry_run_plan *plan, int64_t now_ns,
                 int64_t days, struct arena *a, struct dry_run_line ret[DRY_RUN_LINES],
                 size_t *ret_n) MUST_CHECK;
