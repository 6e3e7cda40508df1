/* The widgets of dashboards (see catalog_widgets.h). */
#include "store/catalog_widgets.h"

#include "store/catalog_rows.h"

#define SELECT                                                                                     \
    "SELECT id, org, dashboard, name, type, x, y, width, height, device, second_device, "          \
    "variable, second_variable, label, second_label, aggregation, minutes, config, version, "      \
    "created_ns, updated_ns FROM widgets WHERE org = $1 AND dashboard = $2 "

static void read_widget(struct catalog_reader *r, void *item)
{
    struct widget *w = item;
    w->id = catalog_rows_int(r);
    w->org = catalog_rows_int(r);
    w->dashboard = catalog_rows_int(r);
    w->name = catalog_rows_text(r);
    if (!dashboard_parse_type(catalog_rows_text(r), &w->type) && !r->err) r->err = ERR_CORRUPT;
    w->x = catalog_rows_int(r);
    w->y = catalog_rows_int(r);
    w->width = catalog_rows_int(r);
    w->height = catalog_rows_int(r);
    w->device = catalog_rows_text(r);
    w->second_device = catalog_rows_text(r);
    w->variable = catalog_rows_text(r);
    w->second_variable = catalog_rows_text(r);
    w->label = catalog_rows_text(r);
    w->second_label = catalog_rows_text(r);
    w->aggregation = catalog_rows_text(r);
    w->minutes = catalog_rows_int(r);
    w->config = catalog_rows_text(r);
    w->version = catalog_rows_int(r);
    w->created_ns = catalog_rows_int(r);
    w->updated_ns = catalog_rows_int(r);
}

static struct sql_value type_value(const struct widget *w)
{
    return SQL_T(bytes_str(dashboard_type_name(w->type)));
}

enum err catalog_widgets_insert(struct sql_tx *tx, struct widget *w)
{
    w->version = 1;
    return catalog_rows_insert(
        tx,
        "INSERT INTO widgets (org, dashboard, name, type, x, y, width, height, device, "
        "second_device, variable, second_variable, label, second_label, aggregation, minutes, "
        "config, version, created_ns, updated_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
        "$10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) RETURNING id",
        SQL_ARGS(SQL_I(w->org), SQL_I(w->dashboard), SQL_T(w->name), type_value(w), SQL_I(w->x),
                 SQL_I(w->y), SQL_I(w->width), SQL_I(w->height), catalog_rows_opt(w->device),
                 catalog_rows_opt(w->second_device), catalog_rows_opt(w->variable),
                 catalog_rows_opt(w->second_variable), catalog_rows_opt(w->label),
                 catalog_rows_opt(w->second_label), SQL_T(w->aggregation), SQL_I(w->minutes),
                 SQL_T(w->config), SQL_I(w->version), SQL_I(w->created_ns), SQL_I(w->updated_ns)),
        &w->id);
}

enum err catalog_widgets_find(struct sql_tx *tx, int64_t org, int64_t dashboard, int64_t widget,
                              struct arena *a, struct widget *ret)
{
    return catalog_rows_one(tx, SELECT "AND id = $3",
                            SQL_ARGS(SQL_I(org), SQL_I(dashboard), SQL_I(widget)), a, read_widget,
                            ret, sizeof *ret);
}

enum err catalog_widgets_list(struct sql_tx *tx, int64_t org, int64_t dashboard, struct arena *a,
                              struct widget **ret, size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(tx, SELECT "ORDER BY id", SQL_ARGS(SQL_I(org), SQL_I(dashboard)),
                                  a, read_widget, sizeof **ret, DASHBOARD_WIDGETS, &items, ret_n);
    if (!e) *ret = items;
    return e;
}

static void read_shown(struct catalog_reader *r, void *item)
{
    struct widget *w = item;
    *w = (struct widget){.device = catalog_rows_text(r)};
    w->variable = catalog_rows_text(r);
    w->minutes = catalog_rows_int(r);
}

enum err catalog_widgets_shown(struct sql_tx *tx, int64_t org, size_t most, struct arena *a,
                               struct widget **ret, size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(
        tx,
        "SELECT coalesce(w.device, d.default_device), w.variable, w.minutes FROM widgets w "
        "JOIN dashboards d ON d.org = w.org AND d.id = w.dashboard WHERE w.org = $1 "
        "AND w.variable IS NOT NULL ORDER BY d.updated_ns DESC, w.id LIMIT $2",
        SQL_ARGS(SQL_I(org), SQL_I((int64_t)most)), a, read_shown, sizeof **ret, most, &items,
        ret_n);
    if (!e) *ret = items;
    return e;
}

enum err catalog_widgets_update(struct sql_tx *tx, struct widget *w)
{
    enum err e = catalog_rows_change(
        tx,
        "UPDATE widgets SET name = $1, type = $2, x = $3, y = $4, width = $5, height = $6, "
        "device = $7, second_device = $8, variable = $9, second_variable = $10, label = $11, "
        "second_label = $12, aggregation = $13, minutes = $14, config = $15, updated_ns = $16, "
        "version = version + 1 WHERE org = $17 AND dashboard = $18 AND id = $19 AND version = $20",
        SQL_ARGS(SQL_T(w->name), type_value(w), SQL_I(w->x), SQL_I(w->y), SQL_I(w->width),
                 SQL_I(w->height), catalog_rows_opt(w->device), catalog_rows_opt(w->second_device),
                 catalog_rows_opt(w->variable), catalog_rows_opt(w->second_variable),
                 catalog_rows_opt(w->label), catalog_rows_opt(w->second_label),
                 SQL_T(w->aggregation), SQL_I(w->minutes), SQL_T(w->config), SQL_I(w->updated_ns),
                 SQL_I(w->org), SQL_I(w->dashboard), SQL_I(w->id), SQL_I(w->version)));
    if (!e) w->version++;
    return e == ERR_NOTFOUND ? ERR_STALE : e;
}

enum err catalog_widgets_delete(struct sql_tx *tx, int64_t org, int64_t dashboard, int64_t widget)
{
    return catalog_rows_change(tx,
                               "DELETE FROM widgets WHERE org = $1 AND dashboard = $2 AND id = $3",
                               SQL_ARGS(SQL_I(org), SQL_I(dashboard), SQL_I(widget)));
}

enum err catalog_widgets_count(struct sql_tx *tx, int64_t org, int64_t dashboard, int64_t *ret)
{
    return catalog_rows_number(tx, "SELECT count(*) FROM widgets WHERE org = $1 AND dashboard = $2",
                               SQL_ARGS(SQL_I(org), SQL_I(dashboard)), ret);
}
