/* The alerts (see catalog_alerts.h). */
#include "store/catalog_alerts.h"

#include "store/catalog_rows.h"

enum { OPEN_DEVICES_MAX = 1000000 };

#define COLUMNS                                                                                    \
    "id, org, uuid, source, rule, rule_uuid, rule_name, device, device_external_id, device_name, " \
    "variable, message, severity, triggered_value, raised_ns, acknowledged_ns, acknowledged_by, "  \
    "resolved_ns, resolved_by"
#define SELECT "SELECT " COLUMNS " FROM alerts WHERE "

static void read_alert(struct catalog_reader *r, void *item)
{
    struct alert *a = item;
    a->id = catalog_rows_int(r);
    a->org = catalog_rows_int(r);
    catalog_rows_blob(r, a->uuid.b, sizeof a->uuid.b);
    a->source = (enum alert_source)catalog_rows_int(r);
    a->rule = catalog_rows_int(r);
    catalog_rows_blob(r, a->rule_uuid.b, sizeof a->rule_uuid.b);
    a->rule_name = catalog_rows_text(r);
    a->device = catalog_rows_int(r);
    a->device_external_id = catalog_rows_text(r);
    a->device_name = catalog_rows_text(r);
    a->variable = catalog_rows_text(r);
    a->message = catalog_rows_text(r);
    a->severity = (enum alert_severity)catalog_rows_int(r);
    a->triggered_value = catalog_rows_real(r);
    a->raised_ns = catalog_rows_int(r);
    a->acknowledged_ns = catalog_rows_int(r);
    a->acknowledged_by = catalog_rows_int(r);
    a->resolved_ns = catalog_rows_int(r);
    a->resolved_by = catalog_rows_int(r);
}

static struct sql_value uuid_value(const struct uuid *u)
{
    return SQL_B(bytes_of(u->b, sizeof u->b));
}

struct known {
    int64_t id, acknowledged_ns, resolved_ns;
    struct uuid uuid;
};

static void read_known(struct catalog_reader *r, void *item)
{
    struct known *k = item;
    k->id = catalog_rows_int(r);
    catalog_rows_blob(r, k->uuid.b, sizeof k->uuid.b);
    k->acknowledged_ns = catalog_rows_int(r);
    k->resolved_ns = catalog_rows_int(r);
}

static enum err find_known(struct sql_tx *tx, struct alert *alert)
{
    struct known k;
    enum err e = catalog_rows_one(tx,
                                  "SELECT id, uuid, acknowledged_ns, resolved_ns FROM alerts "
                                  "WHERE org = $1 AND source = $2 AND rule = $3 AND raised_ns = $4",
                                  SQL_ARGS(SQL_I(alert->org), SQL_I((int64_t)alert->source),
                                           SQL_I(alert->rule), SQL_I(alert->raised_ns)),
                                  NULL, read_known, &k, sizeof k);
    if (e) return e;
    alert->id = k.id;
    alert->uuid = k.uuid;
    alert->acknowledged_ns = k.acknowledged_ns;
    alert->resolved_ns = k.resolved_ns;
    return ERR_OK;
}

enum err catalog_alerts_insert(struct sql_tx *tx, struct alert *alert, bool *ret_new)
{
    enum err e = catalog_rows_insert(
        tx,
        "INSERT INTO alerts (org, uuid, source, rule, rule_uuid, rule_name, device, "
        "device_external_id, device_name, variable, message, severity, triggered_value, raised_ns) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) "
        "ON CONFLICT (org, source, rule, raised_ns) DO NOTHING RETURNING id",
        SQL_ARGS(SQL_I(alert->org), uuid_value(&alert->uuid), SQL_I((int64_t)alert->source),
                 SQL_I(alert->rule), uuid_value(&alert->rule_uuid), SQL_T(alert->rule_name),
                 SQL_I(alert->device), catalog_rows_opt(alert->device_external_id),
                 catalog_rows_opt(alert->device_name), catalog_rows_opt(alert->variable),
                 SQL_T(alert->message), SQL_I((int64_t)alert->severity),
                 SQL_R(alert->triggered_value), SQL_I(alert->raised_ns)),
        &alert->id);
    if (e && e != ERR_NOTFOUND) return e;
    bool is_new = !e;
    if (!is_new) e = find_known(tx, alert);
    if (!e) *ret_new = is_new;
    return e;
}

enum err catalog_alerts_find(struct sql_tx *tx, int64_t org, int64_t alert, struct arena *a,
                             struct alert *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND id = $2", SQL_ARGS(SQL_I(org), SQL_I(alert)),
                            a, read_alert, ret, sizeof *ret);
}

enum err catalog_alerts_find_uuid(struct sql_tx *tx, int64_t org, const struct uuid *uuid,
                                  struct arena *a, struct alert *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND uuid = $2",
                            SQL_ARGS(SQL_I(org), uuid_value(uuid)), a, read_alert, ret,
                            sizeof *ret);
}

enum err catalog_alerts_update(struct sql_tx *tx, const struct alert *alert)
{
    return catalog_rows_change(
        tx,
        "UPDATE alerts SET acknowledged_ns = $1, acknowledged_by = $2, resolved_ns = $3, "
        "resolved_by = $4 WHERE org = $5 AND id = $6",
        SQL_ARGS(SQL_I(alert->acknowledged_ns), SQL_I(alert->acknowledged_by),
                 SQL_I(alert->resolved_ns), SQL_I(alert->resolved_by), SQL_I(alert->org),
                 SQL_I(alert->id)));
}

static struct catalog_where where_of(int64_t org, const struct alert_filter *f)
{
    struct catalog_where w = {0};
    catalog_rows_where(&w, "org = ?", SQL_I(org));
    /* the literal 0 is what lets the partial indexes serve; every piece has to have a value */
    if (f->unacknowledged) catalog_rows_where(&w, "acknowledged_ns = 0 AND 0 = ?", SQL_I(0));
    if (f->open) catalog_rows_where(&w, "resolved_ns = 0 AND 0 = ?", SQL_I(0));
    if (f->source >= 0) catalog_rows_where(&w, "source = ?", SQL_I(f->source));
    if (f->severity >= 0) catalog_rows_where(&w, "severity = ?", SQL_I(f->severity));
    if (f->device) catalog_rows_where(&w, "device = ? AND device <> 0", SQL_I(f->device));
    if (f->rule) catalog_rows_where(&w, "rule_uuid = ?", uuid_value(f->rule));
    if (f->from_ns) catalog_rows_where(&w, "raised_ns >= ?", SQL_I(f->from_ns));
    if (f->to_ns) catalog_rows_where(&w, "raised_ns < ?", SQL_I(f->to_ns));
    return w;
}

enum err catalog_alerts_list(struct sql_tx *tx, int64_t org, const struct alert_filter *filter,
                             const struct catalog_page *page, struct arena *a, struct alert **ret,
                             struct catalog_listing *ret_listing, struct why *why)
{
    static const struct catalog_sort sorts[] = {
        {"id", "id"},
        {"timestamp", "raised_ns"},
        {"severity", "severity"},
        {"deviceId", "device_external_id"},
        {"ruleName", "lower(rule_name)"},
    };
    static const struct catalog_list list = {COLUMNS,
                                             "alerts",
                                             sorts,
                                             sizeof sorts / sizeof sorts[0],
                                             true,
                                             read_alert,
                                             sizeof(struct alert)};
    struct catalog_where where = where_of(org, filter);
    void *items;
    enum err e = catalog_rows_page(tx, &list, &where, page, a, &items, ret_listing, why);
    if (!e) *ret = items;
    return e;
}

enum err catalog_alerts_count(struct sql_tx *tx, int64_t org, const struct alert_filter *filter,
                              int64_t *ret)
{
    struct catalog_where w = where_of(org, filter);
    char sql[CATALOG_WHERE_TEXT + 64] = "SELECT count(*) FROM alerts WHERE ";
    size_t n = strlen(sql);
    memcpy(sql + n, w.text, w.text_n + 1);
    return catalog_rows_number(tx, sql, (struct sql_args){w.values, w.n}, ret);
}

enum err catalog_alerts_list_open(struct sql_tx *tx, int64_t org, int64_t device, size_t cap,
                                  struct arena *a, struct alert **ret, size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(
        tx,
        SELECT "org = $1 AND device = $2 AND device <> 0 AND resolved_ns = 0 ORDER BY id LIMIT $3",
        SQL_ARGS(SQL_I(org), SQL_I(device), SQL_I((int64_t)cap)), a, read_alert,
        sizeof(struct alert), cap, &items, ret_n);
    if (!e) *ret = items;
    return e;
}

static void read_count(struct catalog_reader *r, void *item)
{
    struct alert_count *c = item;
    c->device = (uint64_t)catalog_rows_int(r);
    c->count = catalog_rows_int(r);
}

enum err catalog_alerts_count_open(struct sql_tx *tx, struct arena *a, struct alert_count **ret,
                                   size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(tx,
                                  "SELECT device, count(*) FROM alerts WHERE resolved_ns = 0 "
                                  "AND device <> 0 GROUP BY device",
                                  SQL_NO_ARGS, a, read_count, sizeof(struct alert_count),
                                  OPEN_DEVICES_MAX, &items, ret_n);
    if (!e) *ret = items;
    return e;
}

enum err catalog_alerts_open_after(struct sql_tx *tx, int64_t org, int64_t id, size_t cap,
                                   struct arena *a, struct alert **ret, size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(
        tx,
        SELECT "resolved_ns = 0 AND (org > $1 OR (org = $1 AND id > $2)) ORDER BY org, id LIMIT $3",
        SQL_ARGS(SQL_I(org), SQL_I(id), SQL_I((int64_t)cap)), a, read_alert, sizeof(struct alert),
        cap, &items, ret_n);
    if (!e) *ret = items;
    return e;
}
