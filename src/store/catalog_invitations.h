#pragma once
/* store/catalog_invitations.h -- offers of a place in an organisation.
 * Each call works inside the caller's transaction. Strings that are read are copied into `a`.
 * Errors: those of store/sql.h; ERR_NOTFOUND when there is no such row in that organisation.
 * Threads: as the tx. */
#include "base/arena.h"
#include "model/invitation.h"
#include "store/catalog_page.h"
#include "store/sql.h"

/* Fills i->id. An open one for the same address must not be there (find_open). */
enum err catalog_invitations_insert(struct sql_tx *tx, struct invitation *i) MUST_CHECK;
enum err catalog_invitations_find(struct sql_tx *tx, int64_t org, int64_t id, struct arena *a,
                                  struct invitation *ret) MUST_CHECK;
/* Neither accepted nor revoked, expired or not; ASCII case is ignored. */
enum err catalog_invitations_find_open(struct sql_tx *tx, int64_t org, struct bytes email,
                                       struct arena *a, struct invitation *ret) MUST_CHECK;
/* Of any organisation that is alive: open and not expired at now_ns. */
enum err catalog_invitations_find_hash(struct sql_tx *tx, const uint8_t hash[INVITATION_HASH],
                                       int64_t now_ns, struct arena *a,
                                       struct invitation *ret) MUST_CHECK;
/* Open ones that have not expired. */
enum err catalog_invitations_count_open(struct sql_tx *tx, int64_t org, int64_t now_ns,
                                        int64_t *ret) MUST_CHECK;
/* Writes hash, sends, expires_ns, accepted_ns, revoked_ns of the row (i->org, i->id). */
enum err catalog_invitations_update(struct sql_tx *tx, const struct invitation *i) MUST_CHECK;
/* Newest first. Sorts: id, email, createdAt, expiresAt. */
enum err catalog_invitations_list(struct sql_tx *tx, int64_t org, const struct catalog_page *page,
                                  struct arena *a, struct invitation **ret,
                                  struct catalog_listing *ret_listing, struct why *why) MUST_CHECK;
