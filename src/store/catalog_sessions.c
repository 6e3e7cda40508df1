/* Logins as families of refresh tokens (see catalog_sessions.h). */
#include "store/catalog_sessions.h"

#include "store/catalog_rows.h"

#define SELECT                                                                                     \
    "SELECT id, org, user_id, current_hash, previous_hash IS NOT NULL, previous_hash, remember, "  \
    "created_ns, rotated_ns, expires_ns, revoked_ns FROM sessions WHERE "

static struct sql_value hash_value(const uint8_t hash[SESSION_HASH])
{
    return SQL_B(bytes_of(hash, SESSION_HASH));
}

static void read_id(struct catalog_reader *r, char id[SESSION_ID_MAX + 1])
{
    const struct sql_value *v = &r->row->columns[r->at++];
    if (v->type != SQL_TYPE_TEXT || v->as.b.n > SESSION_ID_MAX) {
        r->err = ERR_CORRUPT;
        return;
    }
    memcpy(id, v->as.b.p, v->as.b.n);
    id[v->as.b.n] = 0;
}

static void read_session(struct catalog_reader *r, void *item)
{
    struct session *s = item;
    read_id(r, s->id);
    s->org = catalog_rows_int(r);
    s->user = catalog_rows_int(r);
    catalog_rows_blob(r, s->current, SESSION_HASH);
    s->has_previous = catalog_rows_int(r) != 0;
    catalog_rows_blob(r, s->previous, SESSION_HASH);
    s->remember = catalog_rows_int(r) != 0;
    s->created_ns = catalog_rows_int(r);
    s->rotated_ns = catalog_rows_int(r);
    s->expires_ns = catalog_rows_int(r);
    s->revoked_ns = catalog_rows_int(r);
}

enum err catalog_sessions_insert(struct sql_tx *tx, const struct session *s)
{
    return sql_exec(tx,
                    "INSERT INTO sessions (id, org, user_id, current_hash, previous_hash, "
                    "remember, created_ns, rotated_ns, expires_ns, revoked_ns) "
                    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                    SQL_ARGS(SQL_T(bytes_str(s->id)), SQL_I(s->org), SQL_I(s->user),
                             hash_value(s->current),
                             s->has_previous ? hash_value(s->previous) : SQL_NULL,
                             SQL_I(s->remember), SQL_I(s->created_ns), SQL_I(s->rotated_ns),
                             SQL_I(s->expires_ns), SQL_I(s->revoked_ns)),
                    NULL);
}

enum err catalog_sessions_find(struct sql_tx *tx, struct bytes id, struct session *ret)
{
    return catalog_rows_one(tx, SELECT "id = $1", SQL_ARGS(SQL_T(id)), NULL, read_session, ret,
                            sizeof *ret);
}

enum err catalog_sessions_rotate(struct sql_tx *tx, struct bytes id,
                                 const uint8_t old_hash[SESSION_HASH],
                                 const uint8_t new_hash[SESSION_HASH], int64_t expires_ns,
                                 int64_t now_ns)
{
    enum err e = catalog_rows_change(
        tx,
        "UPDATE sessions SET previous_hash = current_hash, current_hash = $1, expires_ns = $2, "
        "rotated_ns = $3 WHERE id = $4 AND current_hash = $5 AND revoked_ns = 0 AND expires_ns > "
        "$3",
        SQL_ARGS(hash_value(new_hash), SQL_I(expires_ns), SQL_I(now_ns), SQL_T(id),
                 hash_value(old_hash)));
    return e == ERR_NOTFOUND ? ERR_STALE : e;
}

enum err catalog_sessions_revoke(struct sql_tx *tx, struct bytes id, int64_t now_ns)
{
    return sql_exec(tx, "UPDATE sessions SET revoked_ns = $1 WHERE id = $2 AND revoked_ns = 0",
                    SQL_ARGS(SQL_I(now_ns), SQL_T(id)), NULL);
}

enum err catalog_sessions_revoke_user(struct sql_tx *tx, int64_t org, int64_t user,
                                      struct bytes except, int64_t now_ns, int64_t *ret_revoked)
{
    return sql_exec(tx,
                    "UPDATE sessions SET revoked_ns = $1 "
                    "WHERE org = $2 AND user_id = $3 AND id <> $4 AND revoked_ns = 0",
                    SQL_ARGS(SQL_I(now_ns), SQL_I(org), SQL_I(user), SQL_T(except)), ret_revoked);
}

enum err catalog_sessions_each_revoked(struct sql_tx *tx, int64_t since_ns,
                                       enum err (*visit)(void *ctx, const struct session *s),
                                       void *ctx)
{
    struct sql_cursor *c;
    struct sql_row row;
    enum err e =
        sql_query(tx, SELECT "revoked_ns <> 0 AND revoked_ns >= $1", SQL_ARGS(SQL_I(since_ns)), &c);
    if (e) return e;
    while (!(e = sql_next(c, &row))) {
        struct session s = {0};
        struct catalog_reader r = {&row, 0, NULL, ERR_OK};
        read_session(&r, &s);
        e = r.err ? r.err : visit(ctx, &s);
        if (e) break;
    }
    sql_finish(c);
    return e == ERR_END ? ERR_OK : e;
}
