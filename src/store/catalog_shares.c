/* Shares of dashboards (see catalog_shares.h). */
#include "store/catalog_shares.h"

#include "store/catalog_rows.h"

#define SELECT                                                                                     \
    "SELECT id, org, dashboard, name, password_hash, expires_ns, created_by, created_ns "          \
    "FROM dashboard_shares WHERE "

static void read_share(struct catalog_reader *r, void *item)
{
    struct dashboard_share *s = item;
    s->id = catalog_rows_int(r);
    s->org = catalog_rows_int(r);
    s->dashboard = catalog_rows_int(r);
    s->name = catalog_rows_text(r);
    s->password_hash = catalog_rows_text(r);
    s->expires_ns = catalog_rows_int(r);
    s->created_by = catalog_rows_int(r);
    s->created_ns = catalog_rows_int(r);
}

static struct sql_value hash_value(const uint8_t *hash)
{
    return SQL_B(bytes_of(hash, CATALOG_SHARES_HASH));
}

enum err catalog_shares_insert(struct sql_tx *tx, struct dashboard_share *s,
                               const uint8_t token_hash[CATALOG_SHARES_HASH])
{
    return catalog_rows_insert(
        tx,
        "INSERT INTO dashboard_shares (org, dashboard, name, token_hash, password_hash, "
        "expires_ns, created_by, created_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        SQL_ARGS(SQL_I(s->org), SQL_I(s->dashboard), catalog_rows_opt(s->name),
                 hash_value(token_hash), catalog_rows_opt(s->password_hash), SQL_I(s->expires_ns),
                 SQL_I(s->created_by), SQL_I(s->created_ns)),
        &s->id);
}

enum err catalog_shares_find_token(struct sql_tx *tx, const uint8_t token_hash[CATALOG_SHARES_HASH],
                                   int64_t now_ns, struct arena *a, struct dashboard_share *ret)
{
    return catalog_rows_one(tx,
                            SELECT "token_hash = $1 AND (expires_ns = 0 OR expires_ns > $2) AND "
                                   "EXISTS (SELECT 1 FROM organizations o WHERE o.id = "
                                   "dashboard_shares.org AND o.deleted_ns = 0)",
                            SQL_ARGS(hash_value(token_hash), SQL_I(now_ns)), a, read_share, ret,
                            sizeof *ret);
}

enum err catalog_shares_find(struct sql_tx *tx, int64_t org, int64_t dashboard, int64_t share,
                             struct arena *a, struct dashboard_share *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND dashboard = $2 AND id = $3",
                            SQL_ARGS(SQL_I(org), SQL_I(dashboard), SQL_I(share)), a, read_share,
                            ret, sizeof *ret);
}

enum err catalog_shares_list(struct sql_tx *tx, int64_t org, int64_t dashboard, struct arena *a,
                             struct dashboard_share **ret, size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(tx, SELECT "org = $1 AND dashboard = $2 ORDER BY id",
                                  SQL_ARGS(SQL_I(org), SQL_I(dashboard)), a, read_share,
                                  sizeof **ret, DASHBOARD_SHARES, &items, ret_n);
    if (!e) *ret = items;
    return e;
}

enum err catalog_shares_count(struct sql_tx *tx, int64_t org, int64_t dashboard, int64_t *ret)
{
    return catalog_rows_number(
        tx, "SELECT count(*) FROM dashboard_shares WHERE org = $1 AND dashboard = $2",
        SQL_ARGS(SQL_I(org), SQL_I(dashboard)), ret);
}

enum err catalog_shares_delete(struct sql_tx *tx, int64_t org, int64_t dashboard, int64_t share)
{
    return catalog_rows_change(
        tx, "DELETE FROM dashboard_shares WHERE org = $1 AND dashboard = $2 AND id = $3",
        SQL_ARGS(SQL_I(org), SQL_I(dashboard), SQL_I(share)));
}

enum err catalog_shares_drop_ended(struct sql_tx *tx, int64_t org, int64_t dashboard,
                                   int64_t now_ns)
{
    return sql_exec(tx,
                    "DELETE FROM dashboard_shares WHERE org = $1 AND dashboard = $2 "
                    "AND expires_ns <> 0 AND expires_ns <= $3",
                    SQL_ARGS(SQL_I(org), SQL_I(dashboard), SQL_I(now_ns)), NULL);
}
