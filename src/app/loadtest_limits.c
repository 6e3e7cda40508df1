/* Larger runs than a pilot allows: pilot.mode is switched off for their time, and they say so. That
 * takes the control socket; through --url it is for whoever owns the server. */
#include "app/ask.h"
#include "app/loadtest_jobs.h"

/* Requests a second of one user, a little more than the pages ask for. */
#define CALLS_PER_S 0.8

static double number_of(const cJSON *data, const char *name)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(data, name);
    return cJSON_IsNumber(n) ? n->valuedouble : 0;
}

static enum err read_data(struct loadtest *t, const char *path, cJSON **ret)
{
    cJSON *json = NULL;
    enum err e = loadtest_jobs_one(t, "GET", path, t->admin, bytes_str(NULL), &json);
    cJSON *data = e ? NULL : cJSON_DetachItemFromObjectCaseSensitive(json, "data");
    cJSON_Delete(json);
    if (e) return e;
    if (!data) return why_say(&t->why, ERR_INVALID, "%s: the answer has no data", path);
    *ret = data;
    return ERR_OK;
}

/* The first limit that this run goes past, in words; false: none. */
static bool find_limit(const struct loadtest *t, int64_t there, const cJSON *status,
                       const cJSON *usage, char *ret, size_t n)
{
    const struct loadtest_opts *o = &t->opts;
    double seconds = (double)(o->duration_ns) / (double)NS_PER_S + (double)o->users / 20;
    double orgs = (double)o->orgs, mean = loadtest_scenario_mean(o);
    double users = ((double)o->users + orgs - 1) / orgs;
    double devices = ((double)o->devices + orgs - 1) / orgs;
    double points =
        o->max_rate && o->points ? (double)o->points : o->points_per_day / 86400 * seconds * mean;
    if (!o->max_rate) points += (double)(o->devices * o->variables) * 144;
    bool endless = o->max_rate && !o->points;
    const struct {
        const char *what, *limit;
        double wanted;
    } rows[] = {
        {"users of an organisation", "maxUsers", (double)(size_t)users},
        {"devices of an organisation", "maxDevices", (double)(size_t)devices},
        {"API calls of an organisation a day", "maxApiCallsPerDay",
         users * seconds * CALLS_PER_S * mean},
        {"points of an organisation a day", "maxTelemetryPointsPerDay",
         endless ? 1e18 : points / orgs},
    };
    double most = number_of(status, "maxOrganizations");
    if (most > 0 && orgs + (double)there > most) {
        snprintf(ret, n, "%zu organisations beside what is there, of %.0f", o->orgs, most);
        return true;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double limit = number_of(usage, rows[i].limit);
        if (limit <= 0 || rows[i].wanted <= limit) continue;
        snprintf(ret, n,
                 endless && rows[i].wanted > 1e17 ? "%s without end, of %.0f" : "%s, of %.0f",
                 rows[i].what, limit);
        return true;
    }
    return false;
}

static enum err count_orgs(struct loadtest *t, int64_t *ret)
{
    cJSON *json = NULL;
    enum err e = loadtest_jobs_one(t, "GET", "/api/v1/organizations?page=0&size=1", t->admin,
                                   bytes_str(NULL), &json);
    if (!e) *ret = ask_integer(json, "totalElements");
    cJSON_Delete(json);
    return e;
}

static bool had_override(struct loadtest *t)
{
    cJSON *answer = NULL;
    const cJSON *item;
    bool found = false;
    if (ask_run(t->cli, ASK_SERVER, "config.list", NULL, 0, &answer)) return false;
    const cJSON *list = answer ? cJSON_GetObjectItemCaseSensitive(answer, "overrides") : NULL;
    cJSON_ArrayForEach(item, list) found =
        found || strcmp(ask_text(item, "key"), "pilot.mode") == 0;
    cJSON_Delete(answer);
    return found;
}

/* Failures have been said. */
static enum err set_mode(struct loadtest *t, const char *value)
{
    const struct ask_pair pairs[] = {{"key", "pilot.mode"}, {"value", value}};
    cJSON *answer = NULL;
    int code = ask_run(t->cli, ASK_SERVER, value ? "config.set" : "config.unset", pairs,
                       value ? 2 : 1, &answer);
    cJSON_Delete(answer);
    return code ? ERR_FORBIDDEN : ERR_OK;
}

static enum err lift(struct loadtest *t, const char *limit)
{
    if (t->opts.url)
        return why_say(&t->why, ERR_LIMIT,
                       "this run goes past a limit of the server (%s): it needs pilot.mode=false",
                       limit);
    t->was_overridden = had_override(t);
    enum err e = set_mode(t, "false");
    t->lifted = !e;
    if (t->lifted)
        cli_say(t->cli, "past a limit (%s): pilot.mode=false until the end of this run", limit);
    return e;
}

enum err loadtest_limits_lift(struct loadtest *t)
{
    cJSON *status = NULL, *usage = NULL;
    char limit[120];
    int64_t there = 0;
    enum err e = read_data(t, "/api/v1/pilot/status", &status);
    if (!e) e = count_orgs(t, &there);
    if (!e) e = read_data(t, "/api/v1/pilot/usage", &usage);
    bool on = !e && cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(status, "pilotMode"));
    if (on && find_limit(t, there, status, usage, limit, sizeof limit)) e = lift(t, limit);
    cJSON_Delete(status);
    cJSON_Delete(usage);
    return e;
}

enum err loadtest_limits_narrow(struct loadtest *t)
{
    const struct loadtest_opts *o = &t->opts;
    char path[100], body[80];
    if (o->noisy <= 1) return ERR_OK;
    double seconds = (double)(t->opts.duration_ns) / (double)NS_PER_S + (double)o->users / 20;
    double share = (double)t->orgs[0].devices / (double)o->devices;
    double history = (double)t->history_points * share;
    double usual = o->points_per_day / 86400 * seconds * share;
    snprintf(path, sizeof path, "/api/v1/pilot/organizations/%s/limits", t->orgs[0].id);
    snprintf(body, sizeof body, "{\"maxTelemetryPointsPerDay\":%.0f}", history + usual + 1);
    return loadtest_jobs_one(t, "PUT", path, t->admin, bytes_str(body), NULL);
}

void loadtest_limits_restore(struct loadtest *t)
{
    if (!t->lifted) return;
    if (!set_mode(t, t->was_overridden ? "true" : NULL))
        cli_say(t->cli, "pilot.mode is true again");
}
