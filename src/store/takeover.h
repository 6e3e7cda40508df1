#pragma once
/* store/takeover.h -- the mark of a store that is being filled from another one (`move`,
 * `import legacy`): how far it is, so that a killed command goes on, and so that nobody serves half
 * an installation. It is a row of the settings, written with what it tells of, and goes in the
 * transaction that completes the work.
 * Threads: as the tx.   Memory: values. */
#include "store/sql.h"

#include <stdbool.h>

enum { TAKEOVER_KIND_MAX = 15, TAKEOVER_SOURCE_MAX = 47 };

struct takeover {
    char kind[TAKEOVER_KIND_MAX + 1];     /* "move", "legacy"; "": no takeover is under way */
    char source[TAKEOVER_SOURCE_MAX + 1]; /* which installation: of its first organisation */
    int64_t org, device;                  /* everything before is there */
    int64_t group, ts_ns;                 /* and this much of that one */
    uint64_t points;                      /* so far */
};

/* kind "" when there is none. */
enum err takeover_read(struct sql_tx *tx, struct takeover *ret) MUST_CHECK;
enum err takeover_write(struct sql_tx *tx, const struct takeover *t, int64_t now_ns) MUST_CHECK;
enum err takeover_save(struct sql_db *db, const struct takeover *t, int64_t now_ns) MUST_CHECK;
enum err takeover_remove(struct sql_tx *tx) MUST_CHECK;
/* ERR_CONFLICT when one is under way: whoever wants to work with the store cannot yet. */
enum err takeover_refuse(struct sql_db *db, struct why *why) MUST_CHECK;
