#pragma once
/* store/catalog_settings.h -- what the installation itself remembers: configuration overrides
 * ("conf." + key) and secrets ("secret.jwt", "secret.jwt.previous"). The only table that belongs to
 * no organisation. Each call works inside the caller's transaction. Strings that are read are
 * copied into `a`. Errors: those of store/sql.h; ERR_NOTFOUND.   Threads: as the tx. */
#include "base/arena.h"
#include "store/sql.h"

struct setting {
    struct bytes key, value;
    struct bytes who; /* "user:admin", "system" */
    int64_t when_ns;
};

enum err catalog_settings_get(struct sql_tx *tx, struct bytes key, struct arena *a,
                              struct setting *ret) MUST_CHECK;
/* Inserts or replaces. value may hold any bytes. */
enum err catalog_settings_put(struct sql_tx *tx, const struct setting *s) MUST_CHECK;
/* One that is not there is ERR_OK. */
enum err catalog_settings_remove(struct sql_tx *tx, struct bytes key) MUST_CHECK;
/* Those whose key starts with prefix, by key. */
enum err catalog_settings_list(struct sql_tx *tx, struct bytes prefix, struct arena *a,
                               struct setting **ret, size_t *ret_n) MUST_CHECK;
