#pragma once
/* store/sql_plan.h -- how the store runs what was slow: EXPLAIN with a copy of the parameters,
 * later, on a transaction of its own, so that nobody who is answered waits for it. Of a statement
 * at most one a minute.
 *   PostgreSQL   EXPLAIN, on another connection of the pool; nothing is executed
 *   SQLite       EXPLAIN QUERY PLAN, on the one connection there is, for its microseconds
 * Threads: one at a time (the housekeeper).   Memory: the statements'. */
#include "store/sql_statement.h"

/* Explains what is asked for, at most `max` of them; *ret_n. */
enum err sql_plan_turn(struct sql_db *db, int64_t now_wall_ns, size_t max,
                       size_t *ret_n) MUST_CHECK;
