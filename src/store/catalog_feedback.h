#pragma once
/* store/catalog_feedback.h -- what people say of the pilot. Each call works inside the caller's
 * transaction.   Threads: as the tx.   Memory: copied into the arena.
 * Errors: those of store/sql.h. */
#include "base/arena.h"
#include "store/sql.h"

enum { FEEDBACK_LISTED = 10000 };

struct feedback {
    int64_t id, org, user;
    struct bytes category, title, message, email, metadata; /* p == NULL: absent */
    int64_t rating;                                         /* 1 to 10 */
    int64_t created_ns;
};
/* Fills f->id. */
enum err catalog_feedback_insert(struct sql_tx *tx, struct feedback *f) MUST_CHECK;
/* Of one organisation, since then. */
enum err catalog_feedback_count(struct sql_tx *tx, int64_t org, int64_t since_ns,
                                int64_t *ret) MUST_CHECK;
/* Of all organisations since then, newest first, at most FEEDBACK_LISTED. */
enum err catalog_feedback_list(struct sql_tx *tx, int64_t since_ns, struct arena *a,
                               struct feedback **ret, size_t *ret_n) MUST_CHECK;
