#pragma once
/* service/identity.h -- who exists, in memory, so that a request is authenticated without a
 * query: users, hashes of API keys, sessions that were revoked. Loaded at open, kept up by the
 * auth family; the catalog is the truth.
 * I1  what may fail here happens before the commit it belongs to, so memory never knows less of a
 *     revocation than the catalog does.
 * Threads: any; look-ups take a read lock for tens of nanoseconds.   Memory: owns its entries. */
#include "base/clock.h"
#include "base/rnd.h"
#include "model/api_key.h"
#include "model/user.h"
#include "store/sql.h"

struct identity;
enum err identity_open(struct identity **ret, struct sql_db *db, int64_t now_ns,
                       struct rnd *rnd) MUST_CHECK;
void identity_free(struct identity *i);
/* The catalog again, whole. */
enum err identity_reload(struct identity *i, struct sql_db *db, int64_t now_ns) MUST_CHECK;

/* Inserts or replaces; of u are used id, org, roles, enabled, username. */
enum err identity_put_user(struct identity *i, const struct user *u) MUST_CHECK;
void identity_remove_user(struct identity *i, int64_t user);
struct identity_user {
    int64_t id, org;
    unsigned roles;
    bool enabled;
};
bool identity_find_user(struct identity *i, int64_t user, struct identity_user *ret);
/* "" when unknown; cut at size. */
void identity_user_name(struct identity *i, int64_t user, char *ret, size_t size);

/* Inserts or replaces; of k are used id, org, user, hash, expires_ns. */
enum err identity_put_key(struct identity *i, const struct api_key *k) MUST_CHECK;
void identity_remove_key(struct identity *i, int64_t key);
/* As put, and what the key was before is no longer good. */
enum err identity_follow_key(struct identity *i, const struct api_key *k) MUST_CHECK;
/* All keys of that user. */
void identity_remove_keys(struct identity *i, int64_t user);
/* Good at now_ns; notes the use. */
bool identity_use_key(struct identity *i, const uint8_t hash[API_KEY_HASH], int64_t now_ns,
                      int64_t *ret_user);
struct identity_use {
    int64_t org, key, used_ns;
};
/* Keys used since the last call, at most cap; the rest stays for the next one. */
size_t identity_take_used(struct identity *i, struct identity_use *ret, size_t cap);

/* until_ns: when the last token of the session has ended. */
enum err identity_revoke_session(struct identity *i, struct bytes session,
                                 int64_t until_ns) MUST_CHECK;
bool identity_session_is_revoked(struct identity *i, struct bytes session);
/* Forgets revoked sessions and keys that have ended. */
void identity_purge(struct identity *i, int64_t now_ns);
