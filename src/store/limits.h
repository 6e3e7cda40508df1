#pragma once
/* store/limits.h -- how much an organisation may have: its own limits where it has any, else the
 * configuration's, which are LIVE. Asked inside the transaction that makes what is counted: writers
 * of the catalog take turns on every node, so who counts and then inserts is never past a limit.
 * Threads: any; setters too.   Memory: a value; rows are copied.
 * Errors: those of store/sql.h. */
#include "model/limit.h"
#include "store/sql.h"

#include <stdatomic.h>
#include <stdbool.h>

struct limits {
    _Atomic bool lifted; /* pilot.mode=false: nothing is limited */
    _Atomic int64_t max[LIMITS];
};

/* 0: no limit, also with limits == NULL. org is not looked at for LIMIT_ORGANIZATIONS. */
enum err limits_find(const struct limits *limits, struct sql_tx *tx, int64_t org, enum limit what,
                     int64_t *ret_max) MUST_CHECK;
/* How many there are now; not for daily ones. */
enum err limits_count(struct sql_tx *tx, int64_t org, enum limit what, int64_t *ret) MUST_CHECK;

struct limits_room {
    int64_t max, used; /* max 0: no limit, and used was not counted */
};
/* Is there room for one more? ERR_LIMIT when not; *ret then says why. */
enum err limits_check(const struct limits *limits, struct sql_tx *tx, int64_t org, enum limit what,
                      struct limits_room *ret) MUST_CHECK;

/* --- an organisation's own ---------------------------------------------------------------------*/
/* 0: follows the configuration. */
enum err limits_own(struct sql_tx *tx, int64_t org, int64_t ret_max[LIMITS]) MUST_CHECK;
/* max 0: follows the configuration again. */
enum err limits_set_own(struct sql_tx *tx, int64_t org, enum limit what, int64_t max,
                        int64_t now_ns) MUST_CHECK;
