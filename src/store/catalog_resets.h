#pragma once
/* store/catalog_resets.h -- requests to reset a forgotten password. Only the hash of the token is
 * kept, for an hour; user 0 is a request for an address that nobody has, written so that it costs
 * the same. Each call works inside the caller's transaction.   Errors: those of store/sql.h,
 * ERR_NOTFOUND.
 * Threads: as the tx. */
#include "store/sql.h"

enum { RESET_HASH = 32 };

struct reset {
    int64_t org, user;
    uint8_t hash[RESET_HASH];
    int64_t expires_ns;
};
/* Replaces the earlier request of that user. */
enum err catalog_resets_insert(struct sql_tx *tx, const struct reset *r) MUST_CHECK;
/* Of a user, and not ended at now_ns. */
enum err catalog_resets_find(struct sql_tx *tx, const uint8_t hash[RESET_HASH], int64_t now_ns,
                             struct reset *ret) MUST_CHECK;
/* How often since then a mail was written for him, by the trail of events: all nodes share it. */
enum err catalog_resets_count_mails(struct sql_tx *tx, int64_t org, int64_t user, int64_t since_ns,
                                    int64_t *ret) MUST_CHECK;
enum err catalog_resets_remove_user(struct sql_tx *tx, int64_t org, int64_t user) MUST_CHECK;
