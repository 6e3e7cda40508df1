#pragma once
/* store/catalog_refusals.h -- the ledger of what limits refused: one row for all of one kind within
 * an hour. Each call works inside the caller's transaction.
 * Threads: as the tx.   Memory: copied into the arena.   Errors: those of store/sql.h. */
#include "base/arena.h"
#include "store/sql.h"

enum {
    REFUSALS_PER_HOUR = 500, /* rows of one organisation; then all that is new is "others" */
    REFUSALS_LISTED = 20000, /* rows of one answer */
};

struct refused {
    int64_t id, org, hour; /* since 1970-01-01T00:00Z */
    struct bytes name;     /* the limit's key */
    struct bytes who;      /* "device:pump-1", "user:ada" */
    struct bytes way;      /* "POST /api/v1/data/bulk", "MQTT" */
    int64_t requests, amount;
    int64_t first_ns, last_ns;
};
/* Adds requests and amount to the row of its hour, or makes it. */
enum err catalog_refusals_add(struct sql_tx *tx, const struct refused *r) MUST_CHECK;
/* Those with a request in [from_ns, to_ns), as far as their first and last tell; newest hour first.
 */
enum err catalog_refusals_list(struct sql_tx *tx, int64_t org, int64_t from_ns, int64_t to_ns,
                               struct arena *a, struct refused **ret, size_t *ret_n) MUST_CHECK;
enum err catalog_refusals_prune(struct sql_tx *tx, int64_t before_ns) MUST_CHECK;
