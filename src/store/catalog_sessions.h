#pragma once
/* store/catalog_sessions.h -- logins as families of refresh tokens. A refresh token names its
 * family; one whose hash is not the family's current is an old one used again, and the service
 * revokes the family. Each call works inside the caller's transaction.   Errors: those of
 * store/sql.h, ERR_NOTFOUND. Threads: as the tx. */
#include "model/session.h"
#include "store/sql.h"

/* The caller makes the id. */
enum err catalog_sessions_insert(struct sql_tx *tx, const struct session *s) MUST_CHECK;
/* Revoked and expired ones too: the caller looks. */
enum err catalog_sessions_find(struct sql_tx *tx, struct bytes id, struct session *ret) MUST_CHECK;
/* Replaces the current hash if it is still `old_hash` and the family is good, else ERR_STALE. */
enum err catalog_sessions_rotate(struct sql_tx *tx, struct bytes id,
                                 const uint8_t old_hash[SESSION_HASH],
                                 const uint8_t new_hash[SESSION_HASH], int64_t expires_ns,
                                 int64_t now_ns) MUST_CHECK;
/* One that is revoked already stays as it is. */
enum err catalog_sessions_revoke(struct sql_tx *tx, struct bytes id, int64_t now_ns) MUST_CHECK;
/* Every good family of the user but `except` (may be empty). */
enum err catalog_sessions_revoke_user(struct sql_tx *tx, int64_t org, int64_t user,
                                      struct bytes except, int64_t now_ns,
                                      int64_t *ret_revoked) MUST_CHECK;
/* Calls visit for each family revoked at or after since_ns: what a start has to remember. */
enum err catalog_sessions_each_revoked(struct sql_tx *tx, int64_t since_ns,
                                       enum err (*visit)(void *ctx, const struct session *s),
                                       void *ctx) MUST_CHECK;
