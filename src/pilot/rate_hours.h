#pragma once
/* pilot/rate_hours.h -- what limits per minute would have had to say: for each hour and
 * organisation how many requests of a kind there were, and the busiest minute of one user or
 * device. Written once a minute into usage_hours under the limit's key, and read by the dry run of
 * a plan.
 *
 * These are figures for people: what the catalog did not take is not tried again. Counted while
 * rate-limiting.enabled is on.
 * Threads: write() one at a time.   Memory: its own while it writes. */
#include "pilot/rates.h"
#include "store/sql.h"

enum err rate_hours_write(struct rates *r, struct sql_db *db, const struct clock *clock) MUST_CHECK;
