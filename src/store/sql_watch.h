#pragma once
/* store/sql_watch.h -- a database over a database that says what was changed in it: which watched
 * table, of which organisation. It reads that off the statement and its parameters, so whoever
 * writes a statement cannot forget to tell.
 *
 *   INSERT INTO t (…, org, …) VALUES (…, $n, …)     the parameter of its column is the
 *   UPDATE t SET … WHERE org = $n                    organisation, or what it is compared with
 *   DELETE FROM t WHERE org = $n
 *   anything else that names t                      of any organisation: 0
 *
 * W1  `changed` is called behind the commit and before sql_commit() returns: the change is visible
 *     and nobody was told that it is done. Also when the commit failed: it may be visible all the
 *     same.
 * W2  an UPDATE that sets nothing but quiet columns changes nothing, nor does a rollback.
 * W3  what is not understood is told as a change of every organisation, never left out.
 * Reading transactions are those of the database below: they cost nothing.
 * Threads: as the database below; `changed` runs on the thread that commits, without its locks.
 * Memory: owns the database below; rules are borrowed for ever. */
#include "store/sql.h"

enum { SQL_WATCH_QUIET_MAX = 8 };

struct sql_watch_rule {
    const char *table;
    const char *org;   /* the column that holds the organisation; NULL: each change is of any */
    unsigned subjects; /* bits, for whoever listens */
    bool rows_only;    /* only that rows come and go counts: every UPDATE is quiet */
    const char *quiet[SQL_WATCH_QUIET_MAX]; /* columns; up to the first NULL */
};

/* subjects: those of the rule; org 0: any. */
typedef void sql_watch_fn(void *ctx, unsigned subjects, int64_t org);

/* Takes `below`: closing the one closes the other. On failure `below` stays the caller's. */
enum err sql_watch_new(struct sql_db **ret, struct sql_db *below,
                       const struct sql_watch_rule *rules, size_t n) MUST_CHECK;
/* Once, before the changes that count. */
void sql_watch_listen(struct sql_db *db, sql_watch_fn *changed, void *ctx);

/* What a statement changes, for tests: its subjects, 0 for nothing. */
unsigned sql_watch_judge(const struct sql_watch_rule *rule, const char *sql, struct sql_args args,
                         int64_t *ret_org);
