#pragma once
/* store/catalog_avatars.h -- pictures of people, small enough for a row.
 * Each call works inside the caller's transaction. What is read is copied into `a`.
 * Errors: those of store/sql.h; ERR_NOTFOUND.   Threads: as the tx. */
#include "base/arena.h"
#include "store/sql.h"

struct avatar {
    struct bytes media_type; /* image/png, image/jpeg */
    struct bytes image;
};

/* Inserts or replaces. */
enum err catalog_avatars_put(struct sql_tx *tx, int64_t org, int64_t user,
                             const struct avatar *avatar) MUST_CHECK;
enum err catalog_avatars_get(struct sql_tx *tx, int64_t org, int64_t user, struct arena *a,
                             struct avatar *ret) MUST_CHECK;
/* One that is not there is ERR_OK. */
enum err catalog_avatars_remove(struct sql_tx *tx, int64_t org, int64_t user) MUST_CHECK;
