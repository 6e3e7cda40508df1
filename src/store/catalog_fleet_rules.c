/* Rules over many devices (see catalog_fleet_rules.h). */
#include "store/catalog_fleet_rules.h"

#include "store/catalog_rows.h"

#define COLUMNS                                                                                    \
    "id, org, uuid, name, description, selector, selector_value, function, variable, window_ns, "  \
    "operator, threshold, enabled, interval_ns, cooldown_ns, evaluated_ns, triggered_ns, "         \
    "open_alert, created_ns, updated_ns"

static void read_rule(struct catalog_reader *r, void *item)
{
    struct fleet_rule *f = item;
    f->id = catalog_rows_int(r);
    f->org = catalog_rows_int(r);
    catalog_rows_blob(r, f->uuid.b, sizeof f->uuid.b);
    f->name = catalog_rows_text(r);
    f->description = catalog_rows_text(r);
    f->selector = (enum fleet_selector)catalog_rows_int(r);
    f->selector_value = catalog_rows_text(r);
    f->function = (enum fleet_function)catalog_rows_int(r);
    f->variable = catalog_rows_text(r);
    f->window_ns = catalog_rows_int(r);
    f->op = (enum rule_operator)catalog_rows_int(r);
    f->threshold = catalog_rows_real(r);
    f->enabled = catalog_rows_int(r) != 0;
    f->interval_ns = catalog_rows_int(r);
    f->cooldown_ns = catalog_rows_int(r);
    f->evaluated_ns = catalog_rows_int(r);
    f->triggered_ns = catalog_rows_int(r);
    f->open_alert = catalog_rows_int(r);
    f->created_ns = catalog_rows_int(r);
    f->updated_ns = catalog_rows_int(r);
}

enum err catalog_fleet_rules_insert(struct sql_tx *tx, struct fleet_rule *r)
{
    return catalog_rows_insert(
        tx,
        "INSERT INTO fleet_rules (org, uuid, name, description, selector, selector_value, "
        "function, variable, window_ns, operator, threshold, enabled, interval_ns, cooldown_ns, "
        "created_ns, updated_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
        "$14, $15, $16) RETURNING id",
        SQL_ARGS(SQL_I(r->org), SQL_B(bytes_of(r->uuid.b, sizeof r->uuid.b)), SQL_T(r->name),
                 catalog_rows_opt(r->description), SQL_I(r->selector),
                 catalog_rows_opt(r->selector_value), SQL_I(r->function),
                 catalog_rows_opt(r->variable), SQL_I(r->window_ns), SQL_I(r->op),
                 SQL_R(r->threshold), SQL_I(r->enabled), SQL_I(r->interval_ns),
                 SQL_I(r->cooldown_ns), SQL_I(r->created_ns), SQL_I(r->updated_ns)),
        &r->id);
}

enum err catalog_fleet_rules_find(struct sql_tx *tx, int64_t org, const struct uuid *uuid,
                                  struct arena *a, struct fleet_rule *ret)
{
    return catalog_rows_one(tx, "SELECT " COLUMNS " FROM fleet_rules WHERE org = $1 AND uuid = $2",
                            SQL_ARGS(SQL_I(org), SQL_B(bytes_of(uuid->b, sizeof uuid->b))), a,
                            read_rule, ret, sizeof *ret);
}

enum err catalog_fleet_rules_update(struct sql_tx *tx, const struct fleet_rule *r)
{
    return catalog_rows_change(
        tx,
        "UPDATE fleet_rules SET name = $1, description = $2, selector = $3, selector_value = $4, "
        "function = $5, variable = $6, window_ns = $7, operator = $8, threshold = $9, "
        "enabled = $10, interval_ns = $11, cooldown_ns = $12, updated_ns = $13, due_ns = 0 "
        "WHERE org = $14 AND id = $15",
        SQL_ARGS(SQL_T(r->name), catalog_rows_opt(r->description), SQL_I(r->selector),
                 catalog_rows_opt(r->selector_value), SQL_I(r->function),
                 catalog_rows_opt(r->variable), SQL_I(r->window_ns), SQL_I(r->op),
                 SQL_R(r->threshold), SQL_I(r->enabled), SQL_I(r->interval_ns),
                 SQL_I(r->cooldown_ns), SQL_I(r->updated_ns), SQL_I(r->org), SQL_I(r->id)));
}

enum err catalog_fleet_rules_set_state(struct sql_tx *tx, const struct fleet_rule *r)
{
    return catalog_rows_change(
        tx,
        "UPDATE fleet_rules SET evaluated_ns = $1, due_ns = $2, triggered_ns = $3, "
        "open_alert = $4 WHERE org = $5 AND id = $6",
        SQL_ARGS(SQL_I(r->evaluated_ns), SQL_I(r->evaluated_ns + r->interval_ns),
                 SQL_I(r->triggered_ns), SQL_I(r->open_alert), SQL_I(r->org), SQL_I(r->id)));
}

enum err catalog_fleet_rules_skip(struct sql_tx *tx, const struct fleet_rule *r, int64_t now_ns)
{
    return catalog_rows_change(
        tx, "UPDATE fleet_rules SET evaluated_ns = $1, due_ns = $2 WHERE org = $3 AND id = $4",
        SQL_ARGS(SQL_I(now_ns), SQL_I(now_ns + r->interval_ns), SQL_I(r->org), SQL_I(r->id)));
}

enum err catalog_fleet_rules_delete(struct sql_tx *tx, int64_t org, int64_t id)
{
    return catalog_rows_change(tx, "DELETE FROM fleet_rules WHERE org = $1 AND id = $2",
                               SQL_ARGS(SQL_I(org), SQL_I(id)));
}

enum err catalog_fleet_rules_count(struct sql_tx *tx, int64_t org, int64_t *ret)
{
    return catalog_rows_number(tx, "SELECT count(*) FROM fleet_rules WHERE org = $1",
                               SQL_ARGS(SQL_I(org)), ret);
}

enum err catalog_fleet_rules_list(struct sql_tx *tx, int64_t org, const struct catalog_page *page,
                                  struct arena *a, struct fleet_rule **ret,
                                  struct catalog_listing *ret_listing, struct why *why)
{
    static const struct catalog_sort sorts[] = {
        {"id", "id"}, {"name", "name"}, {"createdAt", "created_ns"}, {"updatedAt", "updated_ns"}};
    static const struct catalog_list list = {.columns = COLUMNS,
                                             .from = "fleet_rules",
                                             .sorts = sorts,
                                             .sort_count = sizeof sorts / sizeof sorts[0],
                                             .read = read_rule,
                                             .item_bytes = sizeof(struct fleet_rule)};
    struct catalog_where where = {0};
    catalog_rows_where(&where, "org = ?", SQL_I(org));
    void *items;
    enum err e = catalog_rows_page(tx, &list, &where, page, a, &items, ret_listing, why);
    if (!e) *ret = items;
    return e;
}

enum err catalog_fleet_rules_list_due(struct sql_tx *tx, int64_t now_ns, size_t max,
                                      struct arena *a, struct fleet_rule **ret, size_t *ret_n)
{
    void *items;
    enum err e =
        catalog_rows_all(tx,
                         "SELECT " COLUMNS " FROM fleet_rules WHERE enabled = 1 AND due_ns <= $1 "
                         "AND EXISTS (SELECT 1 FROM organizations o WHERE o.id = fleet_rules.org "
                         "AND o.deleted_ns = 0) ORDER BY due_ns LIMIT $2",
                         SQL_ARGS(SQL_I(now_ns), SQL_I((int64_t)max)), a, read_rule,
                         sizeof(struct fleet_rule), max, &items, ret_n);
    if (!e) *ret = items;
    return e;
}

/* --- their alerts ----------------------------------------------------------------------------- */

static void read_alert(struct catalog_reader *r, void *item)
{
    struct fleet_alert *f = item;
    f->org = catalog_rows_int(r);
    f->alert = catalog_rows_int(r);
    f->device_count = catalog_rows_int(r);
    f->affected = catalog_rows_text(r);
    f->resolution_note = catalog_rows_text(r);
}

enum err catalog_fleet_rules_add_alert(struct sql_tx *tx, const struct fleet_alert *f)
{
    return sql_exec(
        tx,
        "INSERT INTO fleet_alerts (org, alert, device_count, affected) "
        "VALUES ($1, $2, $3, $4)",
        SQL_ARGS(SQL_I(f->org), SQL_I(f->alert), SQL_I(f->device_count), SQL_T(f->affected)), NULL);
}

enum err catalog_fleet_rules_find_alert(struct sql_tx *tx, int64_t org, int64_t alert,
                                        struct arena *a, struct fleet_alert *ret)
{
    return catalog_rows_one(tx,
                            "SELECT org, alert, device_count, affected, resolution_note "
                            "FROM fleet_alerts WHERE org = $1 AND alert = $2",
                            SQL_ARGS(SQL_I(org), SQL_I(alert)), a, read_alert, ret, sizeof *ret);
}

enum err catalog_fleet_rules_note_alert(struct sql_tx *tx, int64_t org, int64_t alert,
                                        struct bytes resolution_note)
{
    return catalog_rows_change(
        tx, "UPDATE fleet_alerts SET resolution_note = $1 WHERE org = $2 AND alert = $3",
        SQL_ARGS(catalog_rows_opt(resolution_note), SQL_I(org), SQL_I(alert)));
}
