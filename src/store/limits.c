/* How much an organisation may have (see limits.h). */
#include "store/limits.h"

#include "store/catalog_dashboards.h"
#include "store/catalog_devices.h"
#include "store/catalog_fleet_rules.h"
#include "store/catalog_organizations.h"
#include "store/catalog_rows.h"
#include "store/catalog_rules.h"
#include "store/catalog_users.h"

static enum err own_max(struct sql_tx *tx, int64_t org, enum limit what, int64_t *ret)
{
    return catalog_rows_number(tx,
                               "SELECT max FROM organization_limits WHERE org = $1 AND name = $2",
                               SQL_ARGS(SQL_I(org), SQL_T(bytes_str(limit_key(what)))), ret);
}

enum err limits_find(const struct limits *limits, struct sql_tx *tx, int64_t org, enum limit what,
                     int64_t *ret_max)
{
    enum err e = ERR_NOTFOUND;
    int64_t max = 0;
    if (!limits || atomic_load(&limits->lifted)) {
        *ret_max = 0;
        return ERR_OK;
    }
    if (what != LIMIT_ORGANIZATIONS) e = own_max(tx, org, what, &max);
    if (e && e != ERR_NOTFOUND) return e;
    *ret_max = e ? atomic_load(&limits->max[what]) : max;
    return ERR_OK;
}

static enum err count_rules(struct sql_tx *tx, int64_t org, int64_t *ret)
{
    int64_t fleet = 0;
    enum err e = catalog_rules_count(tx, org, ret);
    if (!e) e = catalog_fleet_rules_count(tx, org, &fleet);
    *ret += fleet;
    return e;
}

enum err limits_count(struct sql_tx *tx, int64_t org, enum limit what, int64_t *ret)
{
    switch (what) {
    case LIMIT_ORGANIZATIONS:
        return catalog_organizations_count(tx, ret);
    case LIMIT_USERS:
        return catalog_users_count(tx, org, ret);
    case LIMIT_DEVICES:
        return catalog_devices_count(tx, org, ret);
    case LIMIT_DASHBOARDS:
        return catalog_dashboards_count(tx, org, ret);
    case LIMIT_RULES:
        return count_rules(tx, org, ret);
    case LIMIT_API_CALLS:
    case LIMIT_POINTS:
    case LIMITS:
        break;
    }
    return ERR_INVALID;
}

enum err limits_check(const struct limits *limits, struct sql_tx *tx, int64_t org, enum limit what,
                      struct limits_room *ret)
{
    *ret = (struct limits_room){0, 0};
    enum err e = limits_find(limits, tx, org, what, &ret->max);
    if (e || !ret->max) return e;
    e = limits_count(tx, org, what, &ret->used);
    if (e) return e;
    return ret->used < ret->max ? ERR_OK : ERR_LIMIT;
}

/* --- an organisation's own ---------------------------------------------------------------------*/

enum err limits_own(struct sql_tx *tx, int64_t org, int64_t ret_max[LIMITS])
{
    struct sql_cursor *c;
    struct sql_row row;
    for (int i = 0; i < LIMITS; i++) ret_max[i] = 0;
    enum err e = sql_query(tx, "SELECT name, max FROM organization_limits WHERE org = $1",
                           SQL_ARGS(SQL_I(org)), &c);
    if (e) return e;
    while (!(e = sql_next(c, &row))) {
        enum limit what = limit_find_key(row.columns[0].as.b);
        if (what < LIMITS) ret_max[what] = row.columns[1].as.i;
    }
    sql_finish(c);
    return e == ERR_END ? ERR_OK : e;
}

enum err limits_set_own(struct sql_tx *tx, int64_t org, enum limit what, int64_t max,
                        int64_t now_ns)
{
    const struct sql_value name = SQL_T(bytes_str(limit_key(what)));
    if (!max)
        return sql_exec(tx, "DELETE FROM organization_limits WHERE org = $1 AND name = $2",
                        SQL_ARGS(SQL_I(org), name), NULL);
    return sql_exec(tx,
                    "INSERT INTO organization_limits (org, name, max, updated_ns) "
                    "VALUES ($1, $2, $3, $4) ON CONFLICT (org, name) DO UPDATE SET "
                    "max = excluded.max, updated_ns = excluded.updated_ns",
                    SQL_ARGS(SQL_I(org), name, SQL_I(max), SQL_I(now_ns)), NULL);
}
