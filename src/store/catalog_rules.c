/* Rules on variables (see catalog_rules.h). */
#include "store/catalog_rules.h"

#include "store/catalog_rows.h"

#define OF_DEVICE(column)                                                                          \
    "(SELECT d." column " FROM devices d WHERE d.org = rules.org AND d.id = rules.device)"
#define COLUMNS                                                                                    \
    "rules.id, rules.org, uuid, name, description, device, " OF_DEVICE(                            \
        "external_id") ", " OF_DEVICE("name") ", variable, operator, threshold, enabled, for_ns, " \
                                              "clear_threshold, cooldown_ns, created_ns, "         \
                                              "updated_ns"
#define ALIVE                                                                                      \
    "EXISTS (SELECT 1 FROM devices d WHERE d.org = rules.org AND d.id = rules.device "             \
    "AND d.deleted_ns = 0)"
#define SELECT   "SELECT " COLUMNS " FROM rules WHERE "
#define PROGRESS "phase, since_ns, raised_ns, position_ns, ahead_from_ns, ahead_to_ns, alert, epoch"
#define LOADED                                                                                     \
    "SELECT " COLUMNS ", " PROGRESS ", EXISTS (SELECT 1 FROM alerts WHERE alerts.org = rules.org " \
    "AND alerts.id = p.alert AND alerts.resolved_ns <> 0) FROM rules JOIN (SELECT org AS p_org, "  \
    "rule AS p_rule, " PROGRESS " FROM rule_progress) p ON p_org = rules.org "                     \
    "AND p_rule = rules.id WHERE enabled = 1 AND " ALIVE " AND "

static void read_rule(struct catalog_reader *r, void *item)
{
    struct rule *rule = item;
    rule->id = catalog_rows_int(r);
    rule->org = catalog_rows_int(r);
    catalog_rows_blob(r, rule->uuid.b, sizeof rule->uuid.b);
    rule->name = catalog_rows_text(r);
    rule->description = catalog_rows_text(r);
    rule->device = catalog_rows_int(r);
    rule->device_external_id = catalog_rows_text(r);
    rule->device_name = catalog_rows_text(r);
    rule->variable = catalog_rows_text(r);
    rule->op = (enum rule_operator)catalog_rows_int(r);
    rule->threshold = catalog_rows_real(r);
    rule->enabled = catalog_rows_int(r) != 0;
    rule->for_ns = catalog_rows_int(r);
    rule->clear_threshold = catalog_rows_real(r);
    rule->has_clear_threshold = rule->clear_threshold == rule->clear_threshold; /* NULL is NAN */
    rule->cooldown_ns = catalog_rows_int(r);
    rule->created_ns = catalog_rows_int(r);
    rule->updated_ns = catalog_rows_int(r);
    if ((unsigned)rule->op >= RULE_OPERATORS && !r->err) r->err = ERR_CORRUPT;
}

static void read_progress(struct catalog_reader *r, void *item)
{
    struct rule_progress *p = item;
    p->phase = (enum rule_phase)catalog_rows_int(r);
    p->since_ns = catalog_rows_int(r);
    p->raised_ns = catalog_rows_int(r);
    p->position_ns = catalog_rows_int(r);
    p->ahead_from_ns = catalog_rows_int(r);
    p->ahead_to_ns = catalog_rows_int(r);
    p->alert = catalog_rows_int(r);
    p->epoch = catalog_rows_int(r);
    if ((unsigned)p->phase >= RULE_PHASES && !r->err) r->err = ERR_CORRUPT;
}

static void read_loaded(struct catalog_reader *r, void *item)
{
    struct rule_loaded *l = item;
    read_rule(r, &l->rule);
    read_progress(r, &l->progress);
    l->resolved = catalog_rows_int(r) != 0;
}

static struct sql_value uuid_value(const struct uuid *u)
{
    return SQL_B(bytes_of(u->b, sizeof u->b));
}

static struct sql_value clear_value(const struct rule *rule)
{
    return rule->has_clear_threshold ? SQL_R(rule->clear_threshold) : SQL_NULL;
}

enum err catalog_rules_insert(struct sql_tx *tx, struct rule *rule,
                              const struct rule_progress *progress)
{
    enum err e = catalog_rows_insert(
        tx,
        "INSERT INTO rules (org, uuid, name, description, device, variable, operator, threshold, "
        "enabled, for_ns, clear_threshold, cooldown_ns, created_ns, updated_ns) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id",
        SQL_ARGS(SQL_I(rule->org), uuid_value(&rule->uuid), SQL_T(rule->name),
                 catalog_rows_opt(rule->description), SQL_I(rule->device), SQL_T(rule->variable),
                 SQL_I((int64_t)rule->op), SQL_R(rule->threshold), SQL_I(rule->enabled),
                 SQL_I(rule->for_ns), clear_value(rule), SQL_I(rule->cooldown_ns),
                 SQL_I(rule->created_ns), SQL_I(rule->updated_ns)),
        &rule->id);
    if (e) return e;
    return sql_exec(tx,
                    "INSERT INTO rule_progress (org, rule, " PROGRESS ") "
                    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                    SQL_ARGS(SQL_I(rule->org), SQL_I(rule->id), SQL_I((int64_t)progress->phase),
                             SQL_I(progress->since_ns), SQL_I(progress->raised_ns),
                             SQL_I(progress->position_ns), SQL_I(progress->ahead_from_ns),
                             SQL_I(progress->ahead_to_ns), SQL_I(progress->alert), SQL_I(0)),
                    NULL);
}

enum err catalog_rules_find_uuid(struct sql_tx *tx, int64_t org, const struct uuid *uuid,
                                 struct arena *a, struct rule *ret)
{
    return catalog_rows_one(tx, SELECT "rules.org = $1 AND uuid = $2 AND " ALIVE,
                            SQL_ARGS(SQL_I(org), uuid_value(uuid)), a, read_rule, ret, sizeof *ret);
}

enum err catalog_rules_update(struct sql_tx *tx, const struct rule *rule)
{
    return catalog_rows_change(
        tx,
        "UPDATE rules SET name = $1, description = $2, device = $3, variable = $4, operator = $5, "
        "threshold = $6, enabled = $7, for_ns = $8, clear_threshold = $9, cooldown_ns = $10, "
        "updated_ns = $11 WHERE org = $12 AND id = $13",
        SQL_ARGS(SQL_T(rule->name), catalog_rows_opt(rule->description), SQL_I(rule->device),
                 SQL_T(rule->variable), SQL_I((int64_t)rule->op), SQL_R(rule->threshold),
                 SQL_I(rule->enabled), SQL_I(rule->for_ns), clear_value(rule),
                 SQL_I(rule->cooldown_ns), SQL_I(rule->updated_ns), SQL_I(rule->org),
                 SQL_I(rule->id)));
}

enum err catalog_rules_delete(struct sql_tx *tx, int64_t org, int64_t rule)
{
    enum err e = sql_exec(tx, "DELETE FROM rule_progress WHERE org = $1 AND rule = $2",
                          SQL_ARGS(SQL_I(org), SQL_I(rule)), NULL);
    if (e) return e;
    return catalog_rows_change(tx, "DELETE FROM rules WHERE org = $1 AND id = $2",
                               SQL_ARGS(SQL_I(org), SQL_I(rule)));
}

enum err catalog_rules_count(struct sql_tx *tx, int64_t org, int64_t *ret)
{
    return catalog_rows_number(tx, "SELECT count(*) FROM rules WHERE org = $1",
                               SQL_ARGS(SQL_I(org)), ret);
}

/* --- where a rule stands ---------------------------------------------------------------------- */

enum err catalog_rules_progress(struct sql_tx *tx, int64_t org, int64_t rule,
                                struct rule_progress *ret)
{
    return catalog_rows_one(
        tx, "SELECT " PROGRESS " FROM rule_progress WHERE org = $1 AND rule = $2",
        SQL_ARGS(SQL_I(org), SQL_I(rule)), NULL, read_progress, ret, sizeof *ret);
}

enum err catalog_rules_save_progress(struct sql_tx *tx, int64_t org, int64_t rule,
                                     const struct rule_progress *p)
{
    enum err e = catalog_rows_change(
        tx,
        "UPDATE rule_progress SET phase = $1, since_ns = $2, raised_ns = $3, position_ns = $4, "
        "ahead_from_ns = $5, ahead_to_ns = $6, alert = $7 WHERE org = $8 AND rule = $9 "
        "AND epoch = $10",
        SQL_ARGS(SQL_I((int64_t)p->phase), SQL_I(p->since_ns), SQL_I(p->raised_ns),
                 SQL_I(p->position_ns), SQL_I(p->ahead_from_ns), SQL_I(p->ahead_to_ns),
                 SQL_I(p->alert), SQL_I(org), SQL_I(rule), SQL_I(p->epoch)));
    return e == ERR_NOTFOUND ? ERR_STALE : e;
}

enum err catalog_rules_set_progress(struct sql_tx *tx, int64_t org, int64_t rule,
                                    const struct rule_progress *p)
{
    return catalog_rows_change(
        tx,
        "UPDATE rule_progress SET phase = $1, since_ns = $2, raised_ns = $3, position_ns = $4, "
        "ahead_from_ns = $5, ahead_to_ns = $6, alert = $7, epoch = epoch + 1 "
        "WHERE org = $8 AND rule = $9",
        SQL_ARGS(SQL_I((int64_t)p->phase), SQL_I(p->since_ns), SQL_I(p->raised_ns),
                 SQL_I(p->position_ns), SQL_I(p->ahead_from_ns), SQL_I(p->ahead_to_ns),
                 SQL_I(p->alert), SQL_I(org), SQL_I(rule)));
}

/* --- lists ------------------------------------------------------------------------------------ */

enum err catalog_rules_list(struct sql_tx *tx, int64_t org, const struct rule_filter *filter,
                            const struct catalog_page *page, struct arena *a, struct rule **ret,
                            struct catalog_listing *ret_listing, struct why *why)
{
    static const struct catalog_sort sorts[] = {
        {"id", "id"},
        {"name", "lower(name)"},
        {"createdAt", "created_ns"},
        {"updatedAt", "updated_ns"},
        {"variable", "variable"},
        {"enabled", "enabled"},
    };
    static const struct catalog_list list = {COLUMNS,
                                             "rules",
                                             sorts,
                                             sizeof sorts / sizeof sorts[0],
                                             false,
                                             read_rule,
                                             sizeof(struct rule)};
    struct catalog_where where = {0};
    void *items;
    catalog_rows_where(&where, "rules.org = ? AND " ALIVE, SQL_I(org));
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

enum err catalog_rules_load(struct sql_tx *tx, int64_t after, size_t cap, struct arena *a,
                            struct rule_loaded **ret, size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(tx, LOADED "rules.id > $1 ORDER BY rules.id LIMIT $2",
                                  SQL_ARGS(SQL_I(after), SQL_I((int64_t)cap)), a, read_loaded,
                                  sizeof(struct rule_loaded), cap, &items, ret_n);
    if (!e) *ret = items;
    return e;
}

enum err catalog_rules_load_one(struct sql_tx *tx, int64_t org, int64_t rule, struct arena *a,
                                struct rule_loaded *ret)
{
    return catalog_rows_one(tx, LOADED "rules.org = $1 AND rules.id = $2",
                            SQL_ARGS(SQL_I(org), SQL_I(rule)), a, read_loaded, ret, sizeof *ret);
}

enum err catalog_rules_retire_device(struct sql_tx *tx, int64_t org, int64_t device)
{
    return sql_exec(tx,
                    "UPDATE rule_progress SET phase = 0, since_ns = $1, epoch = epoch + 1 "
                    "WHERE org = $2 AND rule IN (SELECT id FROM rules WHERE org = $2 "
                    "AND device = $3)",
                    SQL_ARGS(SQL_I(INT64_MIN), SQL_I(org), SQL_I(device)), NULL);
}

enum err catalog_rules_purge_device(struct sql_tx *tx, int64_t org, int64_t device)
{
    enum err e = sql_exec(tx,
                          "DELETE FROM rule_progress WHERE org = $1 AND rule IN (SELECT id FROM "
                          "rules WHERE org = $1 AND device = $2)",
                          SQL_ARGS(SQL_I(org), SQL_I(device)), NULL);
    if (e) return e;
    return sql_exec(tx, "DELETE FROM rules WHERE org = $1 AND device = $2",
                    SQL_ARGS(SQL_I(org), SQL_I(device)), NULL);
}

enum err catalog_rules_list_device(struct sql_tx *tx, int64_t org, int64_t device, int64_t after,
                                   int64_t *ret, size_t cap, size_t *ret_n)
{
    struct sql_cursor *c;
    struct sql_row row;
    size_t n = 0;
    enum err e =
        sql_query(tx,
                  "SELECT id FROM rules WHERE org = $1 AND device = $2 AND id > $3 "
                  "ORDER BY id LIMIT $4",
                  SQL_ARGS(SQL_I(org), SQL_I(device), SQL_I(after), SQL_I((int64_t)cap)), &c);
    if (e) return e;
    while (!(e = sql_next(c, &row))) ret[n++] = row.columns[0].as.i;
    sql_finish(c);
    if (e != ERR_END) return e;
    *ret_n = n;
    return ERR_OK;
}
