/* The variables of devices (see catalog_variables.h). */
#include "store/catalog_variables.h"

#include "store/catalog_rows.h"

#define COLUMNS                                                                                    \
    "id, org, device, name, display_name, description, unit, data_type, data_source, icon, "       \
    "color, min_value, max_value, decimal_places, created_ns, updated_ns"
#define SELECT "SELECT " COLUMNS " FROM variables WHERE "

enum { VARIABLES_MAX = 100000 }; /* of one device; the registry allows far fewer */

static void read_variable(struct catalog_reader *r, void *item)
{
    struct variable *v = item;
    v->id = catalog_rows_int(r);
    v->org = catalog_rows_int(r);
    v->device = catalog_rows_int(r);
    v->name = catalog_rows_text(r);
    v->display_name = catalog_rows_text(r);
    v->description = catalog_rows_text(r);
    v->unit = catalog_rows_text(r);
    v->data_type = catalog_rows_text(r);
    v->data_source = catalog_rows_text(r);
    v->icon = catalog_rows_text(r);
    v->color = catalog_rows_text(r);
    v->min_value = catalog_rows_real(r);
    v->max_value = catalog_rows_real(r);
    v->decimal_places = catalog_rows_int(r);
    v->created_ns = catalog_rows_int(r);
    v->updated_ns = catalog_rows_int(r);
}

enum err catalog_variables_insert(struct sql_tx *tx, struct variable *v)
{
    return catalog_rows_insert(
        tx,
        "INSERT INTO variables (org, device, name, display_name, description, unit, data_type, "
        "data_source, icon, color, min_value, max_value, decimal_places, created_ns, updated_ns) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING id",
        SQL_ARGS(SQL_I(v->org), SQL_I(v->device), SQL_T(v->name), catalog_rows_opt(v->display_name),
                 catalog_rows_opt(v->description), catalog_rows_opt(v->unit),
                 catalog_rows_opt(v->data_type), catalog_rows_opt(v->data_source),
                 catalog_rows_opt(v->icon), catalog_rows_opt(v->color),
                 catalog_rows_opt_real(v->min_value), catalog_rows_opt_real(v->max_value),
                 SQL_I(v->decimal_places), SQL_I(v->created_ns), SQL_I(v->updated_ns)),
        &v->id);
}

enum err catalog_variables_find(struct sql_tx *tx, int64_t org, int64_t variable, struct arena *a,
                                struct variable *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND id = $2",
                            SQL_ARGS(SQL_I(org), SQL_I(variable)), a, read_variable, ret,
                            sizeof *ret);
}

enum err catalog_variables_find_name(struct sql_tx *tx, int64_t org, int64_t device,
                                     struct bytes name, struct arena *a, struct variable *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND device = $2 AND name = $3",
                            SQL_ARGS(SQL_I(org), SQL_I(device), SQL_T(name)), a, read_variable, ret,
                            sizeof *ret);
}

enum err catalog_variables_list(struct sql_tx *tx, int64_t org, int64_t device, struct arena *a,
                                struct variable **ret, size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(tx, SELECT "org = $1 AND device = $2 ORDER BY id",
                                  SQL_ARGS(SQL_I(org), SQL_I(device)), a, read_variable,
                                  sizeof(struct variable), VARIABLES_MAX, &items, ret_n);
    if (!e) *ret = items;
    return e;
}

enum err catalog_variables_page(struct sql_tx *tx, int64_t org, const struct catalog_page *page,
                                struct arena *a, struct variable **ret,
                                struct catalog_listing *ret_listing, struct why *why)
{
    static const struct catalog_sort sorts[] = {
        {"id", "id"}, {"name", "name"}, {"createdAt", "created_ns"}, {"updatedAt", "updated_ns"}};
    static const struct catalog_list list = {COLUMNS,
                                             "variables",
                                             sorts,
                                             sizeof sorts / sizeof *sorts,
                                             false,
                                             read_variable,
                                             sizeof(struct variable)};
    struct catalog_where where = {0};
    void *items = NULL;
    catalog_rows_where(&where,
                       "org = ? AND EXISTS (SELECT 1 FROM devices d WHERE d.org = variables.org "
                       "AND d.id = variables.device AND d.deleted_ns = 0)",
                       SQL_I(org));
    enum err e = catalog_rows_page(tx, &list, &where, page, a, &items, ret_listing, why);
    if (!e) *ret = items;
    return e;
}

enum err catalog_variables_update(struct sql_tx *tx, const struct variable *v)
{
    return catalog_rows_change(
        tx,
        "UPDATE variables SET display_name = $1, description = $2, unit = $3, data_type = $4, "
        "icon = $5, color = $6, min_value = $7, max_value = $8, decimal_places = $9, "
        "updated_ns = $10 WHERE org = $11 AND id = $12",
        SQL_ARGS(catalog_rows_opt(v->display_name), catalog_rows_opt(v->description),
                 catalog_rows_opt(v->unit), catalog_rows_opt(v->data_type),
                 catalog_rows_opt(v->icon), catalog_rows_opt(v->color),
                 catalog_rows_opt_real(v->min_value), catalog_rows_opt_real(v->max_value),
                 SQL_I(v->decimal_places), SQL_I(v->updated_ns), SQL_I(v->org), SQL_I(v->id)));
}

enum err catalog_variables_count(struct sql_tx *tx, int64_t org, int64_t device, int64_t *ret)
{
    return catalog_rows_number(tx, "SELECT count(*) FROM variables WHERE org = $1 AND device = $2",
                               SQL_ARGS(SQL_I(org), SQL_I(device)), ret);
}
