/* Requests to reset a password (see catalog_resets.h). */
#include "store/catalog_resets.h"

#include "store/catalog_rows.h"

#include <stdio.h>

enum err catalog_resets_insert(struct sql_tx *tx, const struct reset *r)
{
    enum err e = ERR_OK;
    if (r->user) e = catalog_resets_remove_user(tx, r->org, r->user);
    if (e) return e;
    return sql_exec(tx,
                    "INSERT INTO password_resets (hash, org, user_id, expires_ns) "
                    "VALUES ($1, $2, $3, $4)",
                    SQL_ARGS(SQL_B(bytes_of(r->hash, RESET_HASH)), SQL_I(r->org), SQL_I(r->user),
                             SQL_I(r->expires_ns)),
                    NULL);
}

enum err catalog_resets_find(struct sql_tx *tx, const uint8_t hash[RESET_HASH], int64_t now_ns,
                             struct reset *ret)
{
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sql_query(tx,
                           "SELECT org, user_id, expires_ns FROM password_resets "
                           "WHERE hash = $1 AND user_id <> 0 AND expires_ns > $2",
                           SQL_ARGS(SQL_B(bytes_of(hash, RESET_HASH)), SQL_I(now_ns)), &c);
    if (e) return e;
    e = sql_next(c, &row);
    if (!e) {
        memcpy(ret->hash, hash, RESET_HASH);
        ret->org = row.columns[0].as.i;
        ret->user = row.columns[1].as.i;
        ret->expires_ns = row.columns[2].as.i;
    }
    sql_finish(c);
    return e == ERR_END ? ERR_NOTFOUND : e;
}

enum err catalog_resets_count_mails(struct sql_tx *tx, int64_t org, int64_t user, int64_t since_ns,
                                    int64_t *ret)
{
    char id[24];
    int n = snprintf(id, sizeof id, "%lld", (long long)user);
    return catalog_rows_number(
        tx,
        "SELECT count(*) FROM events WHERE org = $1 "
        "AND type = 'PASSWORD_RESET_REQUESTED' AND entity_id = $2 "
        "AND created_ns > $3",
        SQL_ARGS(SQL_I(org), SQL_T(bytes_of(id, (size_t)n)), SQL_I(since_ns)), ret);
}

enum err catalog_resets_remove_user(struct sql_tx *tx, int64_t org, int64_t user)
{
    return sql_exec(tx, "DELETE FROM password_resets WHERE org = $1 AND user_id = $2",
                    SQL_ARGS(SQL_I(org), SQL_I(user)), NULL);
}
