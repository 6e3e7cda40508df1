#pragma once
/* store/catalog_program.h -- what an organisation did lately, counted in the catalog: for the
 * figures of the pilot program.   Threads: as the tx.   Memory: the caller's.
 * Errors: those of store/sql.h. */
#include "base/arena.h"
#include "store/sql.h"

struct program_activity {
    int64_t users_active;              /* logged in since */
    int64_t alerts;                    /* raised since */
    int64_t devices_seen;              /* last heard since */
    int64_t synthetics;                /* made since */
    int64_t users_before, users_again; /* logged in in the week before the last; and in the last */
};
enum err catalog_program_activity(struct sql_tx *tx, int64_t org, int64_t now_ns, int64_t since_ns,
                                  struct program_activity *ret) MUST_CHECK;
/* Logins of each UTC day from first_day on: ret[0] is that day's; n days. Adds. */
enum err catalog_program_logins(struct sql_tx *tx, int64_t org, int64_t first_day, int64_t *ret,
                                size_t n) MUST_CHECK;
