/* The dashboards (see catalog_dashboards.h). */
#include "store/catalog_dashboards.h"

#include "store/catalog_rows.h"

#define COLUMNS                                                                                    \
    "id, org, name, description, is_default, default_device, layout, version, created_ns, "        \
    "updated_ns"
#define SELECT "SELECT " COLUMNS " FROM dashboards WHERE "

static void read_dashboard(struct catalog_reader *r, void *item)
{
    struct dashboard *d = item;
    d->id = catalog_rows_int(r);
    d->org = catalog_rows_int(r);
    d->name = catalog_rows_text(r);
    d->description = catalog_rows_text(r);
    d->is_default = catalog_rows_int(r) != 0;
    d->default_device = catalog_rows_text(r);
    d->layout = catalog_rows_text(r);
    d->version = catalog_rows_int(r);
    d->created_ns = catalog_rows_int(r);
    d->updated_ns = catalog_rows_int(r);
}

enum err catalog_dashboards_insert(struct sql_tx *tx, struct dashboard *d)
{
    d->version = 1;
    return catalog_rows_insert(
        tx,
        "INSERT INTO dashboards (org, name, description, is_default, default_device, layout, "
        "version, created_ns, updated_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
        SQL_ARGS(SQL_I(d->org), SQL_T(d->name), catalog_rows_opt(d->description),
                 SQL_I(d->is_default), catalog_rows_opt(d->default_device), SQL_T(d->layout),
                 SQL_I(d->version), SQL_I(d->created_ns), SQL_I(d->updated_ns)),
        &d->id);
}

enum err catalog_dashboards_find(struct sql_tx *tx, int64_t org, int64_t dashboard, struct arena *a,
                                 struct dashboard *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND id = $2",
                            SQL_ARGS(SQL_I(org), SQL_I(dashboard)), a, read_dashboard, ret,
                            sizeof *ret);
}

enum err catalog_dashboards_find_default(struct sql_tx *tx, int64_t org, struct arena *a,
                                         struct dashboard *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND is_default = 1", SQL_ARGS(SQL_I(org)), a,
                            read_dashboard, ret, sizeof *ret);
}

enum err catalog_dashboards_update(struct sql_tx *tx, struct dashboard *d)
{
    enum err e = catalog_rows_change(
        tx,
        "UPDATE dashboards SET name = $1, description = $2, is_default = $3, default_device = $4, "
        "layout = $5, updated_ns = $6, version = version + 1 "
        "WHERE org = $7 AND id = $8 AND version = $9",
        SQL_ARGS(SQL_T(d->name), catalog_rows_opt(d->description), SQL_I(d->is_default),
                 catalog_rows_opt(d->default_device), SQL_T(d->layout), SQL_I(d->updated_ns),
                 SQL_I(d->org), SQL_I(d->id), SQL_I(d->version)));
    if (!e) d->version++;
    return e == ERR_NOTFOUND ? ERR_STALE : e;
}

enum err catalog_dashboards_touch(struct sql_tx *tx, int64_t org, int64_t dashboard, int64_t now_ns)
{
    return catalog_rows_change(tx,
                               "UPDATE dashboards SET version = version + 1, updated_ns = $1 "
                               "WHERE org = $2 AND id = $3",
                               SQL_ARGS(SQL_I(now_ns), SQL_I(org), SQL_I(dashboard)));
}

enum err catalog_dashboards_clear_default(struct sql_tx *tx, int64_t org, int64_t but,
                                          int64_t now_ns)
{
    return sql_exec(tx,
                    "UPDATE dashboards SET is_default = 0, version = version + 1, updated_ns = $1 "
                    "WHERE org = $2 AND is_default = 1 AND id <> $3",
                    SQL_ARGS(SQL_I(now_ns), SQL_I(org), SQL_I(but)), NULL);
}

enum err catalog_dashboards_delete(struct sql_tx *tx, int64_t org, int64_t dashboard)
{
    const struct sql_args key = SQL_ARGS(SQL_I(org), SQL_I(dashboard));
    enum err e =
        sql_exec(tx, "DELETE FROM dashboard_shares WHERE org = $1 AND dashboard = $2", key, NULL);
    if (!e) e = sql_exec(tx, "DELETE FROM widgets WHERE org = $1 AND dashboard = $2", key, NULL);
    if (e) return e;
    return catalog_rows_change(tx, "DELETE FROM dashboards WHERE org = $1 AND id = $2", key);
}

enum err catalog_dashboards_count(struct sql_tx *tx, int64_t org, int64_t *ret)
{
    return catalog_rows_number(tx, "SELECT count(*) FROM dashboards WHERE org = $1",
                               SQL_ARGS(SQL_I(org)), ret);
}

enum err catalog_dashboards_list(struct sql_tx *tx, int64_t org, const struct catalog_page *page,
                                 struct arena *a, struct dashboard **ret,
                                 struct catalog_listing *ret_listing, struct why *why)
{
    static const struct catalog_sort sorts[] = {
        {"id", "id"},
        {"name", "lower(name)"},
        {"createdAt", "created_ns"},
        {"updatedAt", "updated_ns"},
    };
    static const struct catalog_list list = {COLUMNS,
                                             "dashboards",
                                             sorts,
                                             sizeof sorts / sizeof sorts[0],
                                             false,
                                             read_dashboard,
                                             sizeof(struct dashboard)};
    struct catalog_where where = {0};
    void *items;
    catalog_rows_where(&where, "org = ?", SQL_I(org));
    enum err e = catalog_rows_page(tx, &list, &where, page, a, &items, ret_listing, why);
    if (!e) *ret = items;
    return e;
}
