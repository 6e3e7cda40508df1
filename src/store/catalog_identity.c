/* Two walks over the tables of people (see catalog_identity.h). */
#include "store/catalog_identity.h"

enum err catalog_identity_each_user(struct sql_tx *tx,
                                    enum err (*visit)(void *ctx, const struct user *u), void *ctx)
{
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sql_query(tx,
                           "SELECT id, org, username, roles, enabled FROM users "
                           "WHERE deleted_ns = 0",
                           SQL_NO_ARGS, &c);
    if (e) return e;
    while (!(e = sql_next(c, &row))) {
        const struct sql_value *v = row.columns;
        struct user u = {.id = v[0].as.i, .org = v[1].as.i, .username = v[2].as.b};
        u.roles = (unsigned)v[3].as.i;
        u.enabled = v[4].as.i != 0;
        e = visit(ctx, &u);
        if (e) break;
    }
    sql_finish(c);
    return e == ERR_END ? ERR_OK : e;
}

enum err catalog_identity_each_key(struct sql_tx *tx, int64_t now_ns,
                                   enum err (*visit)(void *ctx, const struct api_key *k), void *ctx)
{
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sql_query(tx,
                           "SELECT id, org, user_id, hash, expires_ns FROM api_keys "
                           "WHERE revoked_ns = 0 AND (expires_ns = 0 OR expires_ns > $1)",
                           SQL_ARGS(SQL_I(now_ns)), &c);
    if (e) return e;
    while (!(e = sql_next(c, &row))) {
        const struct sql_value *v = row.columns;
        struct api_key k = {.id = v[0].as.i, .org = v[1].as.i, .user = v[2].as.i};
        k.expires_ns = v[4].as.i;
        e = v[3].as.b.n == API_KEY_HASH ? ERR_OK : ERR_CORRUPT;
        if (!e) memcpy(k.hash, v[3].as.b.p, API_KEY_HASH);
        if (!e) e = visit(ctx, &k);
        if (e) break;
    }
    sql_finish(c);
    return e == ERR_END ? ERR_OK : e;
}
