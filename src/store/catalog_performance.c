/* Counts over the installation (see catalog_performance.h). */
#include "store/catalog_performance.h"

#include "store/catalog_rows.h"

enum err catalog_performance_count(struct sql_tx *tx, int64_t alerts_since_ns,
                                   struct catalog_performance_counts *ret)
{
    struct catalog_performance_counts n = {0};
    /* by way of the organisations, so that the index on (org, raised_ns) serves it */
    enum err e = catalog_rows_number(tx,
                                     "SELECT count(*) FROM organizations o JOIN alerts a "
                                     "ON a.org = o.id AND a.raised_ns >= $1 WHERE o.deleted_ns = 0",
                                     SQL_ARGS(SQL_I(alerts_since_ns)), &n.alerts);
    if (!e) e = catalog_rows_number(tx, "SELECT count(*) FROM widgets", SQL_NO_ARGS, &n.widgets);
    if (!e)
        e = catalog_rows_number(tx, "SELECT count(*) FROM dashboards", SQL_NO_ARGS, &n.dashboards);
    if (!e) *ret = n;
    return e;
}

static void read_org(struct catalog_reader *r, void *item)
{
    struct catalog_performance_org *o = item;
    o->id = catalog_rows_int(r);
    o->name = catalog_rows_text(r);
}

enum err catalog_performance_orgs(struct sql_tx *tx, struct arena *a,
                                  struct catalog_performance_org **ret, size_t *ret_n)
{
    void *rows = NULL;
    enum err e = catalog_rows_all(
        tx, "SELECT id, name FROM organizations WHERE deleted_ns = 0 ORDER BY id LIMIT $1",
        SQL_ARGS(SQL_I(CATALOG_PERFORMANCE_ORGS)), a, read_org,
        sizeof(struct catalog_performance_org), CATALOG_PERFORMANCE_ORGS, &rows, ret_n);
    if (!e) *ret = rows;
    return e;
}
