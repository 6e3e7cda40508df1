/* The tenants (see catalog_organizations.h). */
#include "store/catalog_organizations.h"

#include "store/catalog_rows.h"

#define COLUMNS "id, name, description, settings, created_ns, updated_ns, deleted_ns"

static void read_organization(struct catalog_reader *r, void *item)
{
    struct organization *o = item;
    o->id = catalog_rows_int(r);
    o->name = catalog_rows_text(r);
    o->description = catalog_rows_text(r);
    o->settings = catalog_rows_text(r);
    o->created_ns = catalog_rows_int(r);
    o->updated_ns = catalog_rows_int(r);
    o->deleted_ns = catalog_rows_int(r);
}

enum err catalog_organizations_insert(struct sql_tx *tx, struct organization *o)
{
    return catalog_rows_insert(
        tx,
        "INSERT INTO organizations (name, created_ns, updated_ns) VALUES ($1, $2, $2) RETURNING id",
        SQL_ARGS(SQL_T(o->name), SQL_I(o->created_ns)), &o->id);
}

enum err catalog_organizations_find(struct sql_tx *tx, int64_t org, struct arena *a,
                                    struct organization *ret)
{
    return catalog_rows_one(
        tx, "SELECT " COLUMNS " FROM organizations WHERE id = $1 AND deleted_ns = 0",
        SQL_ARGS(SQL_I(org)), a, read_organization, ret, sizeof *ret);
}

enum err catalog_organizations_find_name(struct sql_tx *tx, struct bytes name, struct arena *a,
                                         struct organization *ret)
{
    return catalog_rows_one(tx,
                            "SELECT " COLUMNS
                            " FROM organizations WHERE lower(name) = lower($1) AND deleted_ns = 0",
                            SQL_ARGS(SQL_T(name)), a, read_organization, ret, sizeof *ret);
}

enum err catalog_organizations_find_deleted(struct sql_tx *tx, int64_t org, struct arena *a,
                                            struct organization *ret)
{
    return catalog_rows_one(tx,
                            "SELECT " COLUMNS " FROM organizations "
                            "WHERE id = $1 AND deleted_ns <> 0 AND purged_ns = 0",
                            SQL_ARGS(SQL_I(org)), a, read_organization, ret, sizeof *ret);
}

enum err catalog_organizations_find_due(struct sql_tx *tx, int64_t before_ns, struct arena *a,
                                        struct organization *ret)
{
    return catalog_rows_one(tx,
                            "SELECT " COLUMNS " FROM organizations WHERE deleted_ns <> 0 "
                            "AND deleted_ns < $1 AND purged_ns = 0 ORDER BY deleted_ns, id LIMIT 1",
                            SQL_ARGS(SQL_I(before_ns)), a, read_organization, ret, sizeof *ret);
}

enum err catalog_organizations_update(struct sql_tx *tx, const struct organization *o)
{
    return catalog_rows_change(
        tx,
        "UPDATE organizations SET name = $1, description = $2, settings = $3, updated_ns = $4 "
        "WHERE id = $5 AND deleted_ns = 0",
        SQL_ARGS(SQL_T(o->name), catalog_rows_opt(o->description), catalog_rows_opt(o->settings),
                 SQL_I(o->updated_ns), SQL_I(o->id)));
}

enum err catalog_organizations_restore(struct sql_tx *tx, int64_t org, int64_t now_ns)
{
    return catalog_rows_change(tx,
                               "UPDATE organizations SET deleted_ns = 0, updated_ns = $1 "
                               "WHERE id = $2 AND deleted_ns <> 0 AND purged_ns = 0",
                               SQL_ARGS(SQL_I(now_ns), SQL_I(org)));
}

enum err catalog_organizations_note_purged(struct sql_tx *tx, int64_t org, int64_t now_ns)
{
    return catalog_rows_change(tx,
                               "UPDATE organizations SET name = '', description = NULL, "
                               "settings = NULL, purged_ns = $1 WHERE id = $2 AND deleted_ns <> 0",
                               SQL_ARGS(SQL_I(now_ns), SQL_I(org)));
}

enum err catalog_organizations_delete(struct sql_tx *tx, int64_t org, int64_t now_ns)
{
    return catalog_rows_change(
        tx, "UPDATE organizations SET deleted_ns = $1 WHERE id = $2 AND deleted_ns = 0",
        SQL_ARGS(SQL_I(now_ns), SQL_I(org)));
}

enum err catalog_organizations_first(struct sql_tx *tx, int64_t *ret)
{
    return catalog_rows_number(tx, "SELECT min(id) FROM organizations WHERE deleted_ns = 0",
                               SQL_NO_ARGS, ret);
}

enum err catalog_organizations_count(struct sql_tx *tx, int64_t *ret)
{
    return catalog_rows_number(tx, "SELECT count(*) FROM organizations WHERE deleted_ns = 0",
                               SQL_NO_ARGS, ret);
}

static enum err list_where(struct sql_tx *tx, const struct catalog_where *where,
                           const struct catalog_page *page, struct arena *a,
                           struct organization **ret, struct catalog_listing *ret_listing)
{
    static const struct catalog_sort sorts[] = {
        {"id", "id"}, {"name", "lower(name)"}, {"createdAt", "created_ns"}};
    static const struct catalog_list list = {COLUMNS,
                                             "organizations",
                                             sorts,
                                             sizeof sorts / sizeof sorts[0],
                                             false,
                                             read_organization,
                                             sizeof(struct organization)};
    void *items;
    enum err e = catalog_rows_page(tx, &list, where, page, a, &items, ret_listing, NULL);
    if (!e) *ret = items;
    return e;
}

enum err catalog_organizations_list(struct sql_tx *tx, const struct catalog_page *page,
                                    struct arena *a, struct organization **ret,
                                    struct catalog_listing *ret_listing)
{
    struct catalog_where where = {0};
    catalog_rows_where(&where, "deleted_ns = ?", SQL_I(0));
    return list_where(tx, &where, page, a, ret, ret_listing);
}

enum err catalog_organizations_list_deleted(struct sql_tx *tx, const struct catalog_page *page,
                                            struct arena *a, struct organization **ret,
                                            struct catalog_listing *ret_listing)
{
    struct catalog_where where = {0};
    catalog_rows_where(&where, "deleted_ns <> 0 AND purged_ns = ?", SQL_I(0));
    return list_where(tx, &where, page, a, ret, ret_listing);
}
