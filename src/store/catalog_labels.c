/* Tags and groups (see catalog_labels.h). */
#include "store/catalog_labels.h"

#include "store/catalog_rows.h"

#define COLUMNS "id, org, kind, name, color, description, created_ns, updated_ns"
#define COUNT                                                                                      \
    ", (SELECT count(*) FROM device_labels m JOIN devices d ON d.org = m.org AND d.id = m.device " \
    "AND d.deleted_ns = 0 WHERE m.org = labels.org AND m.label = labels.id)"
#define SELECT "SELECT " COLUMNS COUNT " FROM labels WHERE "

static void read_label(struct catalog_reader *r, void *item)
{
    struct label *l = item;
    l->id = catalog_rows_int(r);
    l->org = catalog_rows_int(r);
    l->kind = (enum label_kind)catalog_rows_int(r);
    l->name = catalog_rows_text(r);
    l->color = catalog_rows_text(r);
    l->description = catalog_rows_text(r);
    l->created_ns = catalog_rows_int(r);
    l->updated_ns = catalog_rows_int(r);
    l->device_count = catalog_rows_int(r);
}

enum err catalog_labels_insert(struct sql_tx *tx, struct label *l)
{
    return catalog_rows_insert(
        tx,
        "INSERT INTO labels (org, kind, name, color, description, created_ns, updated_ns) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        SQL_ARGS(SQL_I(l->org), SQL_I(l->kind), SQL_T(l->name), catalog_rows_opt(l->color),
                 catalog_rows_opt(l->description), SQL_I(l->created_ns), SQL_I(l->updated_ns)),
        &l->id);
}

enum err catalog_labels_update(struct sql_tx *tx, const struct label *l)
{
    return catalog_rows_change(
        tx,
        "UPDATE labels SET name = $1, color = $2, description = $3, updated_ns = $4 "
        "WHERE org = $5 AND kind = $6 AND id = $7",
        SQL_ARGS(SQL_T(l->name), catalog_rows_opt(l->color), catalog_rows_opt(l->description),
                 SQL_I(l->updated_ns), SQL_I(l->org), SQL_I(l->kind), SQL_I(l->id)));
}

enum err catalog_labels_delete(struct sql_tx *tx, int64_t org, enum label_kind kind, int64_t id)
{
    enum err e = sql_exec(tx,
                          "DELETE FROM device_labels WHERE org = $1 AND label = $2 AND EXISTS "
                          "(SELECT 1 FROM labels l WHERE l.org = $1 AND l.id = $2 AND l.kind = $3)",
                          SQL_ARGS(SQL_I(org), SQL_I(id), SQL_I(kind)), NULL);
    if (e) return e;
    return catalog_rows_change(tx, "DELETE FROM labels WHERE org = $1 AND id = $2 AND kind = $3",
                               SQL_ARGS(SQL_I(org), SQL_I(id), SQL_I(kind)));
}

enum err catalog_labels_find(struct sql_tx *tx, int64_t org, enum label_kind kind, int64_t id,
                             struct arena *a, struct label *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND id = $2 AND kind = $3",
                            SQL_ARGS(SQL_I(org), SQL_I(id), SQL_I(kind)), a, read_label, ret,
                            sizeof *ret);
}

enum err catalog_labels_find_name(struct sql_tx *tx, int64_t org, enum label_kind kind,
                                  struct bytes name, struct arena *a, struct label *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND kind = $2 AND name = $3",
                            SQL_ARGS(SQL_I(org), SQL_I(kind), SQL_T(name)), a, read_label, ret,
                            sizeof *ret);
}

enum err catalog_labels_list(struct sql_tx *tx, int64_t org, enum label_kind kind,
                             const struct catalog_page *page, struct arena *a, struct label **ret,
                             struct catalog_listing *ret_listing, struct why *why)
{
    static const struct catalog_sort sorts[] = {
        {"name", "name"}, {"id", "id"}, {"createdAt", "created_ns"}};
    static const struct catalog_list labels = {
        COLUMNS COUNT,       "labels", sorts, sizeof sorts / sizeof *sorts, false, read_label,
        sizeof(struct label)};
    struct catalog_where where = {0};
    struct catalog_page by_name = *page;
    void *items = NULL;
    if (!page->sort.n && !page->by_cursor) by_name.sort = BYTES("name");
    catalog_rows_where(&where, "org = ?", SQL_I(org));
    catalog_rows_where(&where, "kind = ?", SQL_I(kind));
    enum err e = catalog_rows_page(tx, &labels, &where, &by_name, a, &items, ret_listing, why);
    if (!e) *ret = items;
    return e;
}

enum err catalog_labels_count(struct sql_tx *tx, int64_t org, enum label_kind kind, int64_t *ret)
{
    return catalog_rows_number(tx, "SELECT count(*) FROM labels WHERE org = $1 AND kind = $2",
                               SQL_ARGS(SQL_I(org), SQL_I(kind)), ret);
}

/* --- who has which ---------------------------------------------------------------------------- */

static enum err change(struct sql_tx *tx, const char *sql, int64_t org, int64_t device,
                       int64_t label, bool *ret_changed)
{
    int64_t changes = 0;
    enum err e = sql_exec(tx, sql, SQL_ARGS(SQL_I(org), SQL_I(device), SQL_I(label)), &changes);
    if (!e && ret_changed) *ret_changed = changes != 0;
    return e;
}

enum err catalog_labels_assign(struct sql_tx *tx, int64_t org, int64_t device, int64_t label,
                               bool *ret_changed)
{
    return change(tx,
                  "INSERT INTO device_labels (org, device, label) VALUES ($1, $2, $3) "
                  "ON CONFLICT (org, device, label) DO NOTHING",
                  org, device, label, ret_changed);
}

enum err catalog_labels_remove(struct sql_tx *tx, int64_t org, int64_t device, int64_t label,
                               bool *ret_changed)
{
    return change(tx, "DELETE FROM device_labels WHERE org = $1 AND device = $2 AND label = $3",
                  org, device, label, ret_changed);
}

enum err catalog_labels_clear(struct sql_tx *tx, int64_t org, int64_t device, enum label_kind kind)
{
    return change(tx,
                  "DELETE FROM device_labels WHERE org = $1 AND device = $2 AND label IN "
                  "(SELECT id FROM labels WHERE org = $1 AND kind = $3)",
                  org, device, kind, NULL);
}

enum err catalog_labels_count_of(struct sql_tx *tx, int64_t org, int64_t device,
                                 enum label_kind kind, int64_t *ret)
{
    return catalog_rows_number(tx,
                               "SELECT count(*) FROM device_labels m JOIN labels l ON l.org = "
                               "m.org AND l.id = m.label WHERE m.org = $1 AND m.device = $2 "
                               "AND l.kind = $3",
                               SQL_ARGS(SQL_I(org), SQL_I(device), SQL_I(kind)), ret);
}

enum err catalog_labels_purge_device(struct sql_tx *tx, int64_t org, int64_t device)
{
    return sql_exec(tx,
                    "DELETE FROM device_labels WHERE org = $1 AND device = $2 AND EXISTS (SELECT 1 "
                    "FROM devices d WHERE d.org = $1 AND d.id = $2 AND d.deleted_ns <> 0)",
                    SQL_ARGS(SQL_I(org), SQL_I(device)), NULL);
}

static void read_member(struct catalog_reader *r, void *item)
{
    struct label_member *m = item;
    m->label = catalog_rows_int(r);
    m->device = catalog_rows_int(r);
    m->external_id = catalog_rows_text(r);
}

enum err catalog_labels_members(struct sql_tx *tx, int64_t org, enum label_kind kind, int64_t label,
                                size_t max, struct arena *a, struct label_member **ret,
                                size_t *ret_n)
{
    void *items = NULL;
    enum err e = catalog_rows_all(
        tx,
        "SELECT m.label, d.id, d.external_id FROM device_labels m JOIN labels l ON l.org = m.org "
        "AND l.id = m.label JOIN devices d ON d.org = m.org AND d.id = m.device "
        "AND d.deleted_ns = 0 WHERE m.org = $1 AND l.kind = $2 AND ($3 = 0 OR m.label = $3) "
        "ORDER BY m.label, m.device LIMIT $4",
        SQL_ARGS(SQL_I(org), SQL_I(kind), SQL_I(label), SQL_I((int64_t)max)), a, read_member,
        sizeof(struct label_member), max, &items, ret_n);
    if (!e) *ret = items;
    return e;
}
