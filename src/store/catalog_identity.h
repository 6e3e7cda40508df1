#pragma once
/* store/catalog_identity.h -- what a start reads to tell who is asking from then on, row by row.
 * Strings are borrowed for the visit; an error of visit ends the walk and is returned.
 * Threads: as the tx.   Errors: those of store/sql.h. */
#include "model/api_key.h"
#include "model/user.h"
#include "store/sql.h"

/* Living users of every organisation: id, org, username, roles, enabled are filled. */
enum err catalog_identity_each_user(struct sql_tx *tx,
                                    enum err (*visit)(void *ctx, const struct user *u),
                                    void *ctx) MUST_CHECK;
/* API keys neither revoked nor expired at now_ns: id, org, user, hash, expires_ns are filled. */
enum err catalog_identity_each_key(struct sql_tx *tx, int64_t now_ns,
                                   enum err (*visit)(void *ctx, const struct api_key *k),
                                   void *ctx) MUST_CHECK;
