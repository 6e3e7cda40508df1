/* What an organisation did lately (see catalog_program.h). */
#include "store/catalog_program.h"

#include "base/clock.h"
#include "store/catalog_rows.h"

#define WEEK_NS (7 * NS_PER_DAY)
#define DAY     "86400000000000"

/* Who logged in in either week, and in which. */
static enum err read_return(struct sql_tx *tx, int64_t org, int64_t now_ns,
                            struct program_activity *ret)
{
    enum err e = catalog_rows_number(
        tx,
        "SELECT count(DISTINCT user_id) FROM events WHERE org = $1 AND created_ns >= $2 AND "
        "created_ns < $3 AND type = 'LOGIN_SUCCEEDED'",
        SQL_ARGS(SQL_I(org), SQL_I(now_ns - 2 * WEEK_NS), SQL_I(now_ns - WEEK_NS)),
        &ret->users_before);
    if (e || !ret->users_before) return e;
    return catalog_rows_number(
        tx,
        "SELECT count(DISTINCT user_id) FROM events WHERE org = $1 AND created_ns >= $2 AND "
        "created_ns < $3 AND type = 'LOGIN_SUCCEEDED' AND user_id IN (SELECT user_id FROM events "
        "WHERE org = $1 AND created_ns >= $3 AND type = 'LOGIN_SUCCEEDED')",
        SQL_ARGS(SQL_I(org), SQL_I(now_ns - 2 * WEEK_NS), SQL_I(now_ns - WEEK_NS)),
        &ret->users_again);
}

enum err catalog_program_activity(struct sql_tx *tx, int64_t org, int64_t now_ns, int64_t since_ns,
                                  struct program_activity *ret)
{
    *ret = (struct program_activity){0};
    const struct sql_args args = SQL_ARGS(SQL_I(org), SQL_I(since_ns));
    const struct {
        const char *sql;
        int64_t *into;
    } counts[] = {
        {"SELECT count(*) FROM users WHERE org = $1 AND deleted_ns = 0 AND last_login_ns >= $2",
         &ret->users_active},
        {"SELECT count(*) FROM alerts WHERE org = $1 AND raised_ns >= $2", &ret->alerts},
        {"SELECT count(*) FROM devices WHERE org = $1 AND deleted_ns = 0 AND last_seen_ns >= $2",
         &ret->devices_seen},
        {"SELECT count(*) FROM synthetics WHERE org = $1 AND created_ns >= $2", &ret->synthetics},
    };
    enum err e = ERR_OK;
    for (size_t i = 0; i < sizeof counts / sizeof *counts && !e; i++)
        e = catalog_rows_number(tx, counts[i].sql, args, counts[i].into);
    return e ? e : read_return(tx, org, now_ns, ret);
}

enum err catalog_program_logins(struct sql_tx *tx, int64_t org, int64_t first_day, int64_t *ret,
                                size_t n)
{
    struct sql_cursor *c;
    struct sql_row row;
    enum err e =
        sql_query(tx,
                  "SELECT created_ns / " DAY ", count(*) FROM events WHERE org = $1 AND "
                  "created_ns >= $2 AND type = 'LOGIN_SUCCEEDED' GROUP BY created_ns / " DAY,
                  SQL_ARGS(SQL_I(org), SQL_I(first_day * NS_PER_DAY)), &c);
    if (e) return e;
    while (!(e = sql_next(c, &row))) {
        int64_t at = row.columns[0].as.i - first_day;
        if (at >= 0 && at < (int64_t)n) ret[at] += row.columns[1].as.i;
    }
    sql_finish(c);
    return e == ERR_END ? ERR_OK : e;
}
