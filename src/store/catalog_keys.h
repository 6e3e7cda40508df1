#pragma once
/* store/catalog_keys.h -- API keys of users.
 * Each call works inside the caller's transaction. Strings that are read are copied into `a`.
 * Errors: those of store/sql.h; ERR_NOTFOUND.   Threads: as the tx. */
#include "base/arena.h"
#include "model/api_key.h"
#include "store/sql.h"

/* Fills k->id. */
enum err catalog_keys_insert(struct sql_tx *tx, struct api_key *k) MUST_CHECK;
/* For authentication: in any organisation, neither revoked nor expired at now_ns. */
enum err catalog_keys_find_hash(struct sql_tx *tx, const uint8_t hash[API_KEY_HASH], int64_t now_ns,
                                struct arena *a, struct api_key *ret) MUST_CHECK;
/* One of the user's, neither revoked nor expired at now_ns. */
enum err catalog_keys_find(struct sql_tx *tx, int64_t org, int64_t user, int64_t key,
                           int64_t now_ns, struct arena *a, struct api_key *ret) MUST_CHECK;
/* Not revoked, of whichever user. */
enum err catalog_keys_find_good(struct sql_tx *tx, int64_t org, int64_t key, struct arena *a,
                                struct api_key *ret) MUST_CHECK;
/* Those of the user that are neither revoked nor expired, by id. */
enum err catalog_keys_list(struct sql_tx *tx, int64_t org, int64_t user, int64_t now_ns,
                           struct arena *a, struct api_key **ret, size_t *ret_n) MUST_CHECK;
/* Those without an end (a rotated key in its grace does not count). */
enum err catalog_keys_count(struct sql_tx *tx, int64_t org, int64_t user, int64_t *ret) MUST_CHECK;
enum err catalog_keys_set_expiry(struct sql_tx *tx, int64_t org, int64_t user, int64_t key,
                                 int64_t expires_ns) MUST_CHECK;
enum err catalog_keys_revoke(struct sql_tx *tx, int64_t org, int64_t user, int64_t key,
                             int64_t now_ns) MUST_CHECK;
enum err catalog_keys_touch(struct sql_tx *tx, int64_t org, int64_t key, int64_t now_ns) MUST_CHECK;
/* All of the user. */
enum err catalog_keys_revoke_user(struct sql_tx *tx, int64_t org, int64_t user,
                                  int64_t now_ns) MUST_CHECK;
/* Forgets the revoked ones of the user. */
enum err catalog_keys_purge_user(struct sql_tx *tx, int64_t org, int64_t user) MUST_CHECK;
