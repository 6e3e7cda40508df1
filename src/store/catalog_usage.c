/* Usage by day and by hour (see catalog_usage.h). */
#include "store/catalog_usage.h"

#include "store/catalog_rows.h"

static struct sql_value name_of(enum limit what)
{
    return SQL_T(bytes_str(limit_key(what)));
}

enum err catalog_usage_day(struct sql_tx *tx, int64_t org, int64_t day, enum limit what,
                           struct usage_day *ret)
{
    struct sql_cursor *c;
    struct sql_row row;
    struct usage_day found = {0, false};
    enum err e = sql_query(tx,
                           "SELECT used, warned FROM usage_days WHERE org = $1 AND day = $2 AND "
                           "name = $3",
                           SQL_ARGS(SQL_I(org), SQL_I(day), name_of(what)), &c);
    if (e) return e;
    e = sql_next(c, &row);
    if (!e) found = (struct usage_day){row.columns[0].as.i, row.columns[1].as.i != 0};
    sql_finish(c);
    if (e && e != ERR_END) return e;
    *ret = found;
    return ERR_OK;
}

enum err catalog_usage_day_of_all(struct sql_tx *tx, int64_t day, enum limit what, int64_t *ret)
{
    return catalog_rows_number(
        tx, "SELECT coalesce(sum(used), 0) FROM usage_days WHERE day = $1 AND name = $2",
        SQL_ARGS(SQL_I(day), name_of(what)), ret);
}

enum err catalog_usage_add(struct sql_tx *tx, int64_t org, int64_t day, enum limit what, int64_t n)
{
    return sql_exec(tx,
                    "INSERT INTO usage_days (org, day, name, used) VALUES ($1, $2, $3, $4) "
                    "ON CONFLICT (org, day, name) DO UPDATE SET "
                    "used = usage_days.used + excluded.used",
                    SQL_ARGS(SQL_I(org), SQL_I(day), name_of(what), SQL_I(n)), NULL);
}

enum err catalog_usage_set_warned(struct sql_tx *tx, int64_t org, int64_t day, enum limit what)
{
    return sql_exec(tx,
                    "UPDATE usage_days SET warned = 1 WHERE org = $1 AND day = $2 AND name = $3",
                    SQL_ARGS(SQL_I(org), SQL_I(day), name_of(what)), NULL);
}

static enum err add_hour(struct sql_tx *tx, struct sql_value name, const struct usage_hour *h)
{
    return sql_exec(
        tx,
        "INSERT INTO usage_hours (org, hour, name, used, busiest_minute) "
        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (org, hour, name) DO UPDATE SET "
        "used = usage_hours.used + excluded.used, busiest_minute = CASE WHEN "
        "excluded.busiest_minute > usage_hours.busiest_minute THEN excluded.busiest_minute "
        "ELSE usage_hours.busiest_minute END",
        SQL_ARGS(SQL_I(h->org), SQL_I(h->hour), name, SQL_I(h->used), SQL_I(h->busiest_minute)),
        NULL);
}

enum err catalog_usage_add_hour(struct sql_tx *tx, const struct usage_hour *h)
{
    return add_hour(tx, name_of(h->what), h);
}

enum err catalog_usage_add_rate_hour(struct sql_tx *tx, const char *name,
                                     const struct usage_hour *h)
{
    return add_hour(tx, SQL_T(bytes_str(name)), h);
}

static void read_hour(struct catalog_reader *r, void *item)
{
    struct usage_hour *h = item;
    h->org = catalog_rows_int(r);
    h->hour = catalog_rows_int(r);
    h->what = limit_find_key(catalog_rows_text(r));
    h->used = catalog_rows_int(r);
    h->busiest_minute = catalog_rows_int(r);
}

#define HOURS "SELECT org, hour, name, used, busiest_minute FROM usage_hours WHERE "
#define DAILY " AND name LIKE 'pilot.%'" /* not those of limits per minute */

enum err catalog_usage_hours(struct sql_tx *tx, int64_t org, int64_t from, int64_t to,
                             struct arena *a, struct usage_hour **ret, size_t *ret_n)
{
    void *items;
    enum err e =
        org ? catalog_rows_all(
                  tx, HOURS "org = $1 AND hour >= $2 AND hour <= $3" DAILY " ORDER BY hour, name",
                  SQL_ARGS(SQL_I(org), SQL_I(from), SQL_I(to)), a, read_hour,
                  sizeof(struct usage_hour), USAGE_HOURS_MAX, &items, ret_n)
            : catalog_rows_all(tx,
                               HOURS "hour >= $1 AND hour <= $2" DAILY " ORDER BY org, hour, name",
                               SQL_ARGS(SQL_I(from), SQL_I(to)), a, read_hour,
                               sizeof(struct usage_hour), USAGE_HOURS_MAX, &items, ret_n);
    if (!e) *ret = items;
    return e;
}

enum err catalog_usage_rate_hours(struct sql_tx *tx, int64_t org, const char *name, int64_t from,
                                  int64_t to, struct arena *a, struct usage_hour **ret,
                                  size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(
        tx, HOURS "org = $1 AND name = $2 AND hour >= $3 AND hour <= $4 ORDER BY hour",
        SQL_ARGS(SQL_I(org), SQL_T(bytes_str(name)), SQL_I(from), SQL_I(to)), a, read_hour,
        sizeof(struct usage_hour), USAGE_HOURS_MAX, &items, ret_n);
    if (!e) *ret = items;
    return e;
}

enum err catalog_usage_prune(struct sql_tx *tx, int64_t before_day)
{
    enum err e =
        sql_exec(tx, "DELETE FROM usage_days WHERE day < $1", SQL_ARGS(SQL_I(before_day)), NULL);
    if (e) return e;
    return sql_exec(tx, "DELETE FROM usage_hours WHERE hour < $1", SQL_ARGS(SQL_I(before_day * 24)),
                    NULL);
}
