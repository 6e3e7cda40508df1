/* Synthetic variables (see catalog_synthetics.h). */
#include "store/catalog_synthetics.h"

#include "store/catalog_rows.h"

#define OF_DEVICE(column)                                                                          \
    "(SELECT d." column " FROM devices d WHERE d.org = synthetics.org AND d.id = "                 \
    "synthetics.device)"
#define OF_VARIABLE(column)                                                                        \
    "(SELECT v." column                                                                            \
    " FROM variables v WHERE v.org = synthetics.org AND v.id = synthetics.series)"
/* clang-format off */
#define COLUMNS                                                                                    \
    "id, org, uuid, device, " OF_DEVICE("external_id") ", " OF_DEVICE("name") ", series, name, "   \
    OF_VARIABLE("description") ", " OF_VARIABLE("unit") ", expression, enabled, created_ns, "      \
    "updated_ns"
/* clang-format on */
#define ALIVE                                                                                      \
    "EXISTS (SELECT 1 FROM devices d WHERE d.org = synthetics.org AND d.id = synthetics.device "   \
    "AND d.deleted_ns = 0)"
#define GONE                                                                                       \
    "org = $1 AND device = $2 AND EXISTS (SELECT 1 FROM devices d WHERE d.org = $1 "               \
    "AND d.id = $2 AND d.deleted_ns <> 0)"
#define SELECT "SELECT " COLUMNS " FROM synthetics WHERE "

static void read_synthetic(struct catalog_reader *r, void *item)
{
    struct synthetic *s = item;
    s->id = catalog_rows_int(r);
    s->org = catalog_rows_int(r);
    catalog_rows_blob(r, s->uuid.b, sizeof s->uuid.b);
    s->device = catalog_rows_int(r);
    s->device_external_id = catalog_rows_text(r);
    s->device_name = catalog_rows_text(r);
    s->series = catalog_rows_int(r);
    s->name = catalog_rows_text(r);
    s->description = catalog_rows_text(r);
    s->unit = catalog_rows_text(r);
    s->expression = catalog_rows_text(r);
    s->enabled = catalog_rows_int(r) != 0;
    s->created_ns = catalog_rows_int(r);
    s->updated_ns = catalog_rows_int(r);
}

enum err catalog_synthetics_insert(struct sql_tx *tx, struct synthetic *s)
{
    return catalog_rows_insert(
        tx,
        "INSERT INTO synthetics (org, uuid, device, series, name, expression, enabled, created_ns, "
        "updated_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
        SQL_ARGS(SQL_I(s->org), SQL_B(bytes_of(s->uuid.b, sizeof s->uuid.b)), SQL_I(s->device),
                 SQL_I(s->series), SQL_T(s->name), SQL_T(s->expression), SQL_I(s->enabled),
                 SQL_I(s->created_ns), SQL_I(s->updated_ns)),
        &s->id);
}

enum err catalog_synthetics_find(struct sql_tx *tx, int64_t org, const struct uuid *uuid,
                                 struct arena *a, struct synthetic *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND uuid = $2 AND " ALIVE,
                            SQL_ARGS(SQL_I(org), SQL_B(bytes_of(uuid->b, sizeof uuid->b))), a,
                            read_synthetic, ret, sizeof *ret);
}

enum err catalog_synthetics_find_series(struct sql_tx *tx, int64_t org, int64_t device,
                                        int64_t series, struct arena *a, struct synthetic *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND device = $2 AND series = $3",
                            SQL_ARGS(SQL_I(org), SQL_I(device), SQL_I(series)), a, read_synthetic,
                            ret, sizeof *ret);
}

enum err catalog_synthetics_update(struct sql_tx *tx, const struct synthetic *s)
{
    return catalog_rows_change(
        tx,
        "UPDATE synthetics SET expression = $1, enabled = $2, updated_ns = $3 "
        "WHERE org = $4 AND id = $5",
        SQL_ARGS(SQL_T(s->expression), SQL_I(s->enabled), SQL_I(s->updated_ns), SQL_I(s->org),
                 SQL_I(s->id)));
}

enum err catalog_synthetics_delete(struct sql_tx *tx, int64_t org, int64_t id)
{
    return catalog_rows_change(tx, "DELETE FROM synthetics WHERE org = $1 AND id = $2",
                               SQL_ARGS(SQL_I(org), SQL_I(id)));
}

enum err catalog_synthetics_count(struct sql_tx *tx, int64_t org, int64_t *ret)
{
    return catalog_rows_number(tx, "SELECT count(*) FROM synthetics WHERE org = $1 AND " ALIVE,
                               SQL_ARGS(SQL_I(org)), ret);
}

enum err catalog_synthetics_list(struct sql_tx *tx, int64_t org,
                                 const struct synthetic_filter *filter,
                                 const struct catalog_page *page, struct arena *a,
                                 struct synthetic **ret, struct catalog_listing *ret_listing,
                                 struct why *why)
{
    static const struct catalog_sort sorts[] = {
        {"id", "id"},
        {"name", "lower(name)"},
        {"createdAt", "created_ns"},
        {"updatedAt", "updated_ns"},
        {"enabled", "enabled"},
    };
    static const struct catalog_list list = {COLUMNS,
                                             "synthetics",
                                             sorts,
                                             sizeof sorts / sizeof sorts[0],
                                             false,
                                             read_synthetic,
                                             sizeof(struct synthetic)};
    struct catalog_where where = {0};
    void *items;
    catalog_rows_where(&where, "org = ? AND " ALIVE, SQL_I(org));
    if (filter->device) catalog_rows_where(&where, "device = ?", SQL_I(filter->device));
    if (filter->enabled >= 0) catalog_rows_where(&where, "enabled = ?", SQL_I(filter->enabled));
    if (filter->q.n) {
        struct bytes pattern = catalog_rows_like(filter->q, a);
        if (!pattern.p) return ERR_NOMEM;
        catalog_rows_where(&where, "lower(name) LIKE lower(?) ESCAPE '\\'", SQL_T(pattern));
    }
    enum err e = catalog_rows_page(tx, &list, &where, page, a, &items, ret_listing, why);
    if (!e) *ret = items;
    return e;
}

enum err catalog_synthetics_list_device(struct sql_tx *tx, int64_t org, int64_t device,
                                        struct arena *a, struct synthetic **ret, size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(tx, SELECT "org = $1 AND device = $2 ORDER BY id",
                                  SQL_ARGS(SQL_I(org), SQL_I(device)), a, read_synthetic,
                                  sizeof(struct synthetic), SYNTHETICS_PER_DEVICE, &items, ret_n);
    if (!e) *ret = items;
    return e;
}

enum err catalog_synthetics_load(struct sql_tx *tx, int64_t after_device, size_t devices,
                                 struct arena *a, struct synthetic **ret, size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(
        tx,
        SELECT "device IN (SELECT DISTINCT device FROM synthetics WHERE device > $1 "
               "ORDER BY device LIMIT $2) ORDER BY device, id",
        SQL_ARGS(SQL_I(after_device), SQL_I((int64_t)devices)), a, read_synthetic,
        sizeof(struct synthetic), devices * SYNTHETICS_PER_DEVICE, &items, ret_n);
    if (!e) *ret = items;
    return e;
}

/* --- how far ---------------------------------------------------------------------------------- */

enum err catalog_synthetics_position(struct sql_tx *tx, int64_t org, int64_t device,
                                     int64_t *ret_ns)
{
    return catalog_rows_number(
        tx, "SELECT position_ns FROM synthetic_progress WHERE org = $1 AND device = $2",
        SQL_ARGS(SQL_I(org), SQL_I(device)), ret_ns);
}

enum err catalog_synthetics_set_position(struct sql_tx *tx, int64_t org, int64_t device,
                                         int64_t position_ns)
{
    return sql_exec(tx,
                    "INSERT INTO synthetic_progress (org, device, position_ns) VALUES "
                    "($1, $2, $3) ON CONFLICT (org, device) DO UPDATE SET position_ns = $3",
                    SQL_ARGS(SQL_I(org), SQL_I(device), SQL_I(position_ns)), NULL);
}

enum err catalog_synthetics_purge_device(struct sql_tx *tx, int64_t org, int64_t device)
{
    const struct sql_args args = SQL_ARGS(SQL_I(org), SQL_I(device));
    enum err e = sql_exec(tx, "DELETE FROM synthetics WHERE " GONE, args, NULL);
    if (!e) e = sql_exec(tx, "DELETE FROM synthetic_progress WHERE " GONE, args, NULL);
    return e;
}
