/* The lists of what an organisation leaves behind (see catalog_purge.h). */
#include "store/catalog_purge.h"

#include <stdio.h>

/* What refers to something stands above it. Events go by their own door (catalog_events_remove),
 * devices one by one, because their telemetry goes first. */
const char *const catalog_purge_tables[] = {
    "organization_limits",
    "organization_features",
    "usage_days",
    "usage_hours",
    "refusals",
    "pilot_feedback",
    "synthetic_progress",
    "synthetics",
    "rule_progress",
    "alerts",
    "rules",
    "fleet_alerts",
    "fleet_rules",
    "commands",
    "device_labels",
    "labels",
    "widgets",
    "dashboard_shares",
    "dashboards",
    "notifications",
    "notification_preferences",
    "webhooks",
    "invitations",
    "avatars",
    "api_keys",
    "sessions",
    "password_resets",
    NULL,
};

static enum err empty(struct sql_tx *tx, const char *table, int64_t org)
{
    char sql[96];
    int n = snprintf(sql, sizeof sql, "DELETE FROM %s WHERE org = $1", table);
    bug_if(n < 0 || n >= (int)sizeof sql);
    return sql_exec(tx, sql, SQL_ARGS(SQL_I(org)), NULL);
}

enum err catalog_purge_things(struct sql_tx *tx, int64_t org, bool *ret_more)
{
    enum err e = ERR_OK;
    for (size_t i = 0; !e && catalog_purge_tables[i]; i++)
        e = empty(tx, catalog_purge_tables[i], org);
    *ret_more = false;
    return e;
}

enum err catalog_purge_list_devices(struct sql_tx *tx, int64_t org, int64_t *ret, size_t cap,
                                    size_t *ret_n)
{
    struct sql_cursor *c;
    struct sql_row row;
    size_t n = 0;
    enum err e = sql_query(tx, "SELECT id FROM devices WHERE org = $1 ORDER BY id LIMIT $2",
                           SQL_ARGS(SQL_I(org), SQL_I((int64_t)cap)), &c);
    if (e) return e;
    while (!(e = sql_next(c, &row))) ret[n++] = row.columns[0].as.i;
    sql_finish(c);
    if (e != ERR_END) return e;
    *ret_n = n;
    return ERR_OK;
}

enum err catalog_purge_people(struct sql_tx *tx, int64_t org)
{
    char key[40];
    int n = snprintf(key, sizeof key, "retention.%lld", (long long)org);
    enum err e = empty(tx, "users", org);
    if (e) return e;
    return sql_exec(tx, "DELETE FROM settings WHERE key = $1",
                    SQL_ARGS(SQL_T(bytes_of(key, (size_t)n))), NULL);
}
