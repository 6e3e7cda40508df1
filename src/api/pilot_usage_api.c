/* What an organisation has and uses, against what it may. */
#include "api/app.h"
#include "api/handlers_pilot.h"
#include "api/pilot_json.h"
#include "codec/json_write.h"
#include "pilot/quota.h"

struct usage {
    int64_t used[LIMITS], max[LIMITS]; /* max 0: no limit */
};

static enum err read_usage(struct app *app, struct sql_tx *tx, int64_t org, struct usage *ret)
{
    enum err e = ERR_OK;
    for (int i = LIMIT_USERS; i < LIMITS && !e; i++) {
        enum limit what = (enum limit)i;
        e = limits_find(app->limits, tx, org, what, &ret->max[i]);
        if (e) return e;
        e = i < LIMIT_DAILY_FIRST ? limits_count(tx, org, what, &ret->used[i])
                                  : quota_used(app->quota, tx, org, what, &ret->used[i]);
    }
    return e;
}

static void write_percent(struct buf *b, const char *key, const struct usage *u, enum limit what)
{
    double percent = u->max[what] ? 100.0 * (double)u->used[what] / (double)u->max[what] : 0;
    json_write_member_number(b, key, percent);
}

static void write_usage(struct buf *b, const struct usage *u)
{
    static const char *const counts[] = {
        [LIMIT_USERS] = "userCount",           [LIMIT_DEVICES] = "deviceCount",
        [LIMIT_DASHBOARDS] = "dashboardCount", [LIMIT_RULES] = "ruleCount",
        [LIMIT_API_CALLS] = "apiCallsToday",   [LIMIT_POINTS] = "telemetryPointsToday",
    };
    json_write_open(b, '{');
    for (int i = LIMIT_USERS; i < LIMITS; i++) json_write_member_i64(b, counts[i], u->used[i]);
    for (int i = LIMIT_USERS; i < LIMITS; i++) {
        if (u->max[i])
            json_write_member_i64(b, limit_member((enum limit)i), u->max[i]);
        else
            json_write_member_null(b, limit_member((enum limit)i));
    }
    write_percent(b, "userUtilization", u, LIMIT_USERS);
    write_percent(b, "deviceUtilization", u, LIMIT_DEVICES);
    write_percent(b, "dashboardUtilization", u, LIMIT_DASHBOARDS);
    write_percent(b, "ruleUtilization", u, LIMIT_RULES);
    write_percent(b, "apiCallUtilization", u, LIMIT_API_CALLS);
    write_percent(b, "telemetryUtilization", u, LIMIT_POINTS);
    json_write_close(b, '}');
}

void pilot_usage_api_get(struct api_call *c)
{
    struct usage u = {.used = {0}};
    struct sql_tx *tx;
    enum err e = sql_begin(c->app->db, SQL_READ, &tx);
    if (!e) e = sql_end(tx, read_usage(c->app, tx, c->who.org, &u));
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    pilot_json_open(c);
    write_usage(c->body, &u);
    pilot_json_close(c, 200);
}
