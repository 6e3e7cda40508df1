/* API keys of users (see catalog_keys.h). */
#include "store/catalog_keys.h"

#include "store/catalog_rows.h"

#define SELECT                                                                                     \
    "SELECT id, org, user_id, name, description, hash, display_prefix, display_suffix, "           \
    "created_ns, last_used_ns, expires_ns, revoked_ns FROM api_keys WHERE "

enum { KEYS_MAX = 10000 }; /* of one user; the service allows far fewer */

static void read_key(struct catalog_reader *r, void *item)
{
    struct api_key *k = item;
    k->id = catalog_rows_int(r);
    k->org = catalog_rows_int(r);
    k->user = catalog_rows_int(r);
    k->name = catalog_rows_text(r);
    k->description = catalog_rows_text(r);
    catalog_rows_blob(r, k->hash, API_KEY_HASH);
    k->display_prefix = catalog_rows_text(r);
    k->display_suffix = catalog_rows_text(r);
    k->created_ns = catalog_rows_int(r);
    k->last_used_ns = catalog_rows_int(r);
    k->expires_ns = catalog_rows_int(r);
    k->revoked_ns = catalog_rows_int(r);
}

enum err catalog_keys_insert(struct sql_tx *tx, struct api_key *k)
{
    return catalog_rows_insert(
        tx,
        "INSERT INTO api_keys (org, user_id, name, description, hash, display_prefix, "
        "display_suffix, created_ns, expires_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
        "RETURNING id",
        SQL_ARGS(SQL_I(k->org), SQL_I(k->user), SQL_T(k->name), catalog_rows_opt(k->description),
                 SQL_B(bytes_of(k->hash, API_KEY_HASH)), SQL_T(k->display_prefix),
                 SQL_T(k->display_suffix), SQL_I(k->created_ns), SQL_I(k->expires_ns)),
        &k->id);
}

enum err catalog_keys_find_hash(struct sql_tx *tx, const uint8_t hash[API_KEY_HASH], int64_t now_ns,
                                struct arena *a, struct api_key *ret)
{
    return catalog_rows_one(
        tx, SELECT "hash = $1 AND revoked_ns = 0 AND (expires_ns = 0 OR expires_ns > $2)",
        SQL_ARGS(SQL_B(bytes_of(hash, API_KEY_HASH)), SQL_I(now_ns)), a, read_key, ret,
        sizeof *ret);
}

enum err catalog_keys_find_good(struct sql_tx *tx, int64_t org, int64_t key, struct arena *a,
                                struct api_key *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND id = $2 AND revoked_ns = 0",
                            SQL_ARGS(SQL_I(org), SQL_I(key)), a, read_key, ret, sizeof *ret);
}

enum err catalog_keys_find(struct sql_tx *tx, int64_t org, int64_t user, int64_t key,
                           int64_t now_ns, struct arena *a, struct api_key *ret)
{
    return catalog_rows_one(tx,
                            SELECT "org = $1 AND user_id = $2 AND id = $3 AND revoked_ns = 0 "
                                   "AND (expires_ns = 0 OR expires_ns > $4)",
                            SQL_ARGS(SQL_I(org), SQL_I(user), SQL_I(key), SQL_I(now_ns)), a,
                            read_key, ret, sizeof *ret);
}

enum err catalog_keys_list(struct sql_tx *tx, int64_t org, int64_t user, int64_t now_ns,
                           struct arena *a, struct api_key **ret, size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(tx,
                                  SELECT "org = $1 AND user_id = $2 AND revoked_ns = 0 "
                                         "AND (expires_ns = 0 OR expires_ns > $3) ORDER BY id",
                                  SQL_ARGS(SQL_I(org), SQL_I(user), SQL_I(now_ns)), a, read_key,
                                  sizeof(struct api_key), KEYS_MAX, &items, ret_n);
    if (!e) *ret = items;
    return e;
}

enum err catalog_keys_count(struct sql_tx *tx, int64_t org, int64_t user, int64_t *ret)
{
    return catalog_rows_number(tx,
                               "SELECT count(*) FROM api_keys WHERE org = $1 AND user_id = $2 "
                               "AND revoked_ns = 0 AND expires_ns = 0",
                               SQL_ARGS(SQL_I(org), SQL_I(user)), ret);
}

enum err catalog_keys_set_expiry(struct sql_tx *tx, int64_t org, int64_t user, int64_t key,
                                 int64_t expires_ns)
{
    return catalog_rows_change(tx,
                               "UPDATE api_keys SET expires_ns = $1 WHERE org = $2 "
                               "AND user_id = $3 AND id = $4 AND revoked_ns = 0",
                               SQL_ARGS(SQL_I(expires_ns), SQL_I(org), SQL_I(user), SQL_I(key)));
}

enum err catalog_keys_revoke(struct sql_tx *tx, int64_t org, int64_t user, int64_t key,
                             int64_t now_ns)
{
    return catalog_rows_change(tx,
                               "UPDATE api_keys SET revoked_ns = $1 WHERE org = $2 "
                               "AND user_id = $3 AND id = $4 AND revoked_ns = 0",
                               SQL_ARGS(SQL_I(now_ns), SQL_I(org), SQL_I(user), SQL_I(key)));
}

enum err catalog_keys_revoke_user(struct sql_tx *tx, int64_t org, int64_t user, int64_t now_ns)
{
    return sql_exec(tx,
                    "UPDATE api_keys SET revoked_ns = $1 WHERE org = $2 AND user_id = $3 "
                    "AND revoked_ns = 0",
                    SQL_ARGS(SQL_I(now_ns), SQL_I(org), SQL_I(user)), NULL);
}

enum err catalog_keys_purge_user(struct sql_tx *tx, int64_t org, int64_t user)
{
    return sql_exec(tx, "DELETE FROM api_keys WHERE org = $1 AND user_id = $2 AND revoked_ns <> 0",
                    SQL_ARGS(SQL_I(org), SQL_I(user)), NULL);
}

enum err catalog_keys_touch(struct sql_tx *tx, int64_t org, int64_t key, int64_t now_ns)
{
    return catalog_rows_change(tx,
                               "UPDATE api_keys SET last_used_ns = $1 WHERE org = $2 AND id = $3",
                               SQL_ARGS(SQL_I(now_ns), SQL_I(org), SQL_I(key)));
}
