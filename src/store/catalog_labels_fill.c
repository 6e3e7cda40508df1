/* The labels of many devices at once: one query for each 64 of them, always with the same text, so
 * that it stays prepared; places that are left over name the last device again. */
#include "store/catalog_labels.h"

#include "store/catalog_rows.h"

#include <stdio.h>

enum { AT_ONCE = 64, ROWS_MAX = AT_ONCE * LABELS_PER_DEVICE * LABEL_KINDS, SQL_BYTES = 1024 };

struct owned_label {
    struct label label;
    int64_t device;
};

static void read_owned(struct catalog_reader *r, void *item)
{
    struct owned_label *o = item;
    o->label.id = catalog_rows_int(r);
    o->device = catalog_rows_int(r);
    o->label.org = catalog_rows_int(r);
    o->label.kind = (enum label_kind)catalog_rows_int(r);
    o->label.name = catalog_rows_text(r);
    o->label.color = catalog_rows_text(r);
    o->label.description = catalog_rows_text(r);
}

static void write_query(char sql[SQL_BYTES])
{
    int used = snprintf(sql, SQL_BYTES,
                        "SELECT l.id, m.device, l.org, l.kind, l.name, l.color, l.description "
                        "FROM device_labels m JOIN labels l ON l.org = m.org AND l.id = m.label "
                        "WHERE m.org = $1 AND m.device IN (");
    for (int i = 0; i < AT_ONCE; i++)
        used += snprintf(sql + used, SQL_BYTES - (size_t)used, "%s$%d", i ? ", " : "", i + 2);
    used +=
        snprintf(sql + used, SQL_BYTES - (size_t)used, ") ORDER BY m.device, l.kind, l.name, l.id");
    bug_if(used >= SQL_BYTES);
}

/* The rows of one device of one kind stand side by side. */
static void take(struct device *d, const struct owned_label *rows, struct label *labels, size_t n)
{
    struct label_list *lists[LABEL_KINDS] = {[LABEL_TAG] = &d->tags, [LABEL_GROUP] = &d->groups};
    for (int kind = 0; kind < LABEL_KINDS; kind++) *lists[kind] = (struct label_list){NULL, 0};
    for (size_t i = 0; i < n; i++) {
        if (rows[i].device != d->id || (unsigned)rows[i].label.kind >= LABEL_KINDS) continue;
        struct label_list *list = lists[rows[i].label.kind];
        if (!list->n) list->items = &labels[i];
        list->n++;
    }
}

static enum err fill_some(struct sql_tx *tx, const char *sql, int64_t org, struct device *devices,
                          size_t n, struct arena *a)
{
    struct sql_value values[1 + AT_ONCE] = {SQL_I(org)};
    void *items = NULL;
    size_t count = 0;
    for (size_t i = 0; i < AT_ONCE; i++) values[1 + i] = SQL_I(devices[i < n ? i : n - 1].id);
    enum err e = catalog_rows_all(tx, sql, (struct sql_args){values, 1 + AT_ONCE}, a, read_owned,
                                  sizeof(struct owned_label), ROWS_MAX, &items, &count);
    if (e) return e;
    const struct owned_label *rows = items;
    struct label *labels = arena_array(a, count + 1, sizeof *labels);
    if (!labels) return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) labels[i] = rows[i].label;
    for (size_t i = 0; i < n; i++) take(&devices[i], rows, labels, count);
    return ERR_OK;
}

enum err catalog_labels_fill(struct sql_tx *tx, int64_t org, struct device *devices, size_t n,
                             struct arena *a)
{
    char sql[SQL_BYTES];
    enum err e = ERR_OK;
    write_query(sql);
    for (size_t at = 0; !e && at < n; at += AT_ONCE)
        e = fill_some(tx, sql, org, devices + at, n - at < AT_ONCE ? n - at : AT_ONCE, a);
    return e;
}
