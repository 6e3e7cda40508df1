/* What an organisation has and uses, against what it may. */
#include "api/app.h"
#include "api/cached_answer.h"
#include "api/handlers_pilot.h"
#include "api/pilot_json.h"
#include "codec/json_write.h"
#include "pilot/quota.h"
#include "query/cached_catalog.h"

struct usage {
    int64_t used[LIMITS], max[LIMITS]; /* max 0: no limit */
};

static enum err count(struct app *app, struct sql_tx *tx, int64_t org, struct usage *ret)
{
    enum err e = ERR_OK;
    for (int i = LIMIT_USERS; i < LIMITS && !e; i++) {
        enum limit what = (enum limit)i;
        e = limits_find(app->limits, tx, org, what, &ret->max[i]);
        if (!e && i < LIMIT_DAILY_FIRST) e = limits_count(tx, org, what, &ret->used[i]);
    }
    return e;
}

/* What a commit or a setting changes, for the cache pilot-quotas. */
static enum err make_counts(void *call, struct buf *out)
{
    struct api_call *c = call;
    struct usage u = {.used = {0}};
    struct sql_tx *tx;
    enum err e = sql_begin(c->app->db, SQL_READ, &tx);
    if (!e) e = sql_end(tx, count(c->app, tx, c->who.org, &u));
    if (!e) buf_add(out, &u, sizeof u);
    return e;
}

static enum err read_counts(struct api_call *c, struct usage *ret)
{
    struct buf entry;
    const struct cache_question q = {CACHE_QUOTAS, c->who.org, BYTES("usage"),
                                     cached_catalog_slot(c->who.org)};
    buf_init(&entry, 4096);
    enum err e = cache_read(c->app->cache, &q, make_counts, c, &entry);
    if (!e && entry.n != sizeof *ret) { /* another version of this program left it in Redis */
        buf_clear(&entry);
        e = make_counts(c, &entry);
    }
    if (!e) e = entry.err;
    if (!e) memcpy(ret, entry.p, sizeof *ret);
    buf_done(&entry);
    return e;
}

/* What each request changes. */
static enum err read_today(struct api_call *c, struct usage *ret)
{
    struct sql_tx *tx;
    enum err e = sql_begin(c->app->db, SQL_READ, &tx);
    if (e) return e;
    for (int i = LIMIT_DAILY_FIRST; i < LIMITS && !e; i++)
        e = quota_used(c->app->quota, tx, c->who.org, (enum limit)i, &ret->used[i]);
    return sql_end(tx, e);
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
    struct usage u;
    enum err e = read_counts(c, &u);
    if (!e) e = read_today(c, &u);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    pilot_json_open(c);
    write_usage(c->body, &u);
    pilot_json_close(c, 200);
}
