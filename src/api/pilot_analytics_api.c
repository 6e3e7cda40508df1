/* How the pilot program goes, for those who run it: each figure counted or measured. What is not
 * known yet is null. */
#include "api/handlers_pilot.h"
#include "api/pilot_figures.h"
#include "api/pilot_json.h"
#include "api/series.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "codec/timestamp.h"

#include <math.h>
#include <stdio.h>

struct totals {
    int64_t users, devices, active_7d, active_30d, devices_7d, points_1d;
    int64_t with_dashboards, with_rules, synthetics, before, again;
};

static struct totals add_up(const struct pilot_figures *f)
{
    struct totals t = {0};
    for (size_t i = 0; i < f->n; i++) {
        const struct pilot_organization *p = &f->orgs[i];
        t.users += p->used[LIMIT_USERS];
        t.devices += p->used[LIMIT_DEVICES];
        t.active_7d += p->program.users_active[ANALYTICS_7D];
        t.active_30d += p->activity.users_active;
        t.devices_7d += p->program.devices_active[ANALYTICS_7D];
        t.points_1d += p->program.points[ANALYTICS_1D];
        t.with_dashboards += p->used[LIMIT_DASHBOARDS] > 0;
        t.with_rules += p->used[LIMIT_RULES] > 0;
        t.synthetics += p->activity.synthetics;
        t.before += p->activity.users_before;
        t.again += p->activity.users_again;
    }
    return t;
}

/* NAN, which is null, of nothing. */
static double percent(int64_t part, int64_t of)
{
    return of ? 100.0 * (double)part / (double)of : (double)NAN;
}

static double known(double v)
{
    return isnan(v) ? 0 : fmin(v, 100);
}

/* 30 % people of a week, 25 % devices of a week, 25 % dashboards and rules in use, 20 % places of
 * organisations taken. */
static double health_score(const struct totals *t, int64_t orgs, int64_t max)
{
    return 0.3 * known(percent(t->active_7d, t->users)) +
           0.25 * known(percent(t->devices_7d, t->devices)) +
           0.25 * known(percent(t->with_dashboards + t->with_rules, 2 * orgs)) +
           0.2 * known(percent(orgs, max));
}

static void write_overview(struct api_call *c, const struct pilot_figures *f,
                           const struct totals *t)
{
    struct buf *b = c->body;
    int64_t max = atomic_load(&c->app->limits->max[LIMIT_ORGANIZATIONS]), orgs = (int64_t)f->n;
    json_write_key(b, "programOverview");
    json_write_open(b, '{');
    json_write_member_i64(b, "totalOrganizations", orgs);
    json_write_member_i64(b, "totalUsers", t->users);
    json_write_member_i64(b, "totalDevices", t->devices);
    json_write_member_number(b, "organizationUtilization", percent(orgs, max));
    json_write_member_number(b, "healthScore", health_score(t, orgs, max));
    json_write_close(b, '}');
}

static void write_organizations(struct buf *b, const struct pilot_figures *f,
                                const struct totals *t)
{
    double n = (double)f->n;
    json_write_key(b, "organizationMetrics");
    json_write_open(b, '{');
    json_write_key(b, "organizations");
    json_write_open(b, '[');
    for (size_t i = 0; i < f->n; i++) {
        const struct pilot_organization *p = &f->orgs[i];
        json_write_open(b, '{');
        json_write_member_i64(b, "id", p->o.id);
        json_write_member_str(b, "name", p->o.name);
        json_write_member_i64(b, "userCount", p->used[LIMIT_USERS]);
        json_write_member_i64(b, "deviceCount", p->used[LIMIT_DEVICES]);
        json_write_member_time(b, "createdAt", p->o.created_ns);
        json_write_close(b, '}');
    }
    json_write_close(b, ']');
    json_write_member_number(b, "averageUsersPerOrganization", (double)t->users / n);
    json_write_member_number(b, "averageDevicesPerOrganization", (double)t->devices / n);
    json_write_close(b, '}');
}

static void write_people_and_devices(struct buf *b, const struct totals *t)
{
    json_write_key(b, "userEngagement");
    json_write_open(b, '{');
    json_write_member_i64(b, "activeUsers7d", t->active_7d);
    json_write_member_i64(b, "activeUsers30d", t->active_30d);
    json_write_member_i64(b, "totalUsers", t->users);
    json_write_member_number(b, "weeklyActiveUserRate", percent(t->active_7d, t->users));
    json_write_member_number(b, "monthlyActiveUserRate", percent(t->active_30d, t->users));
    json_write_member_number(b, "userRetentionRate", percent(t->again, t->before));
    json_write_close(b, '}');
    json_write_key(b, "deviceMetrics");
    json_write_open(b, '{');
    json_write_member_i64(b, "totalDevices", t->devices);
    json_write_member_i64(b, "activeDevices", t->devices_7d);
    json_write_member_number(b, "deviceActivityRate", percent(t->devices_7d, t->devices));
    json_write_member_i64(b, "telemetryPoints24h", t->points_1d);
    json_write_member_number(b, "avgTelemetryPerDevice",
                             t->devices_7d ? (double)t->points_1d / (double)t->devices_7d
                                           : (double)NAN);
    json_write_close(b, '}');
}

static void write_use(struct api_call *c, const struct pilot_figures *f, const struct totals *t)
{
    struct buf *b = c->body;
    const struct pilot_measured m = pilot_figures_measure(c->app);
    json_write_key(b, "featureAdoption");
    json_write_open(b, '{');
    json_write_member_number(b, "dashboardAdoptionRate",
                             percent(t->with_dashboards, (int64_t)f->n));
    json_write_member_number(b, "rulesAdoptionRate", percent(t->with_rules, (int64_t)f->n));
    json_write_member_i64(b, "syntheticVariablesCreated", t->synthetics);
    json_write_close(b, '}');
    json_write_key(b, "performanceMetrics");
    json_write_open(b, '{');
    json_write_member_number(b, "avgApiResponseTime", m.api_ms);
    json_write_member_number(b, "avgTelemetryProcessingTime", m.telemetry_ms);
    json_write_member_number(b, "uptimeHours", m.uptime_hours);
    json_write_member_number(b, "errorRate", m.error_percent);
    json_write_close(b, '}');
}

/* --- the days ----------------------------------------------------------------------------------*/

struct trend {
    int64_t logins[PILOT_FIGURES_DAYS + 1], devices[PILOT_FIGURES_DAYS + 1],
        points[PILOT_FIGURES_DAYS + 1];
};

static enum err read_trend(struct api_call *c, const struct pilot_figures *f, int64_t first_day,
                           struct trend *ret)
{
    struct sql_tx *tx;
    enum err e = sql_begin(c->app->db, SQL_READ, &tx);
    if (e) return e;
    for (size_t i = 0; i < f->n && !e; i++) {
        const struct pilot_organization *p = &f->orgs[i];
        e = catalog_program_logins(tx, p->o.id, first_day, ret->logins, PILOT_FIGURES_DAYS + 1);
        for (size_t d = 0; d < p->day_count; d++) {
            int64_t at = p->days[d].day_ns / NS_PER_DAY - first_day;
            if (at < 0 || at > PILOT_FIGURES_DAYS) continue;
            ret->devices[at] += p->days[d].devices;
            ret->points[at] += p->days[d].points;
        }
    }
    return sql_end(tx, e);
}

static void write_curve(struct buf *b, const char *key, const int64_t *values)
{
    json_write_key(b, key);
    json_write_open(b, '[');
    for (int i = 0; i <= PILOT_FIGURES_DAYS; i++) json_write_i64(b, values[i]);
    json_write_close(b, ']');
}

/* "2026-11-24" */
static void write_date(struct buf *b, int64_t day)
{
    char text[TIMESTAMP_TEXT_MAX];
    (void)timestamp_format(day * NS_PER_DAY, text);
    json_write_string(b, bytes_of(text, 10));
}

static void write_trend(struct buf *b, int64_t first_day, const struct trend *t)
{
    json_write_key(b, "dailyTrends");
    json_write_open(b, '{');
    json_write_key(b, "dates");
    json_write_open(b, '[');
    for (int i = 0; i <= PILOT_FIGURES_DAYS; i++) write_date(b, first_day + i);
    json_write_close(b, ']');
    write_curve(b, "userLogins", t->logins);
    write_curve(b, "deviceActivity", t->devices);
    write_curve(b, "telemetryVolume", t->points);
    json_write_close(b, '}');
}

void pilot_analytics_api_program(struct api_call *c)
{
    int64_t now_ns = clock_wall_ns(c->app->clock);
    int64_t first_day = now_ns / NS_PER_DAY - PILOT_FIGURES_DAYS;
    struct pilot_figures f;
    struct trend trend = {.logins = {0}};
    enum err e =
        pilot_figures_read(c->app, 0, now_ns - PILOT_FIGURES_DAYS * NS_PER_DAY, c->arena, &f);
    if (!e) e = read_trend(c, &f, first_day, &trend);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    const struct totals t = add_up(&f);
    pilot_json_open(c);
    json_write_open(c->body, '{');
    write_overview(c, &f, &t);
    write_organizations(c->body, &f, &t);
    write_people_and_devices(c->body, &t);
    write_use(c, &f, &t);
    write_trend(c->body, first_day, &trend);
    service_call_time(c->body, "collectedAt", f.refreshed_ns);
    json_write_close(c->body, '}');
    pilot_json_close(c, 200);
}

/* --- one organisation, or each -----------------------------------------------------------------*/

static void write_patterns(struct buf *b, const struct pilot_organization *p)
{
    int peak = 0;
    for (int i = 1; i < 24; i++)
        if (p->by_hour[i] > p->by_hour[peak]) peak = i;
    json_write_key(b, "usagePatterns");
    json_write_open(b, '{');
    json_write_key(b, "peakHourUtc");
    if (p->by_hour[peak])
        json_write_i64(b, peak);
    else
        json_write_null(b);
    json_write_key(b, "pointsByHourUtc");
    json_write_open(b, '[');
    for (int i = 0; i < 24; i++) json_write_i64(b, p->by_hour[i]);
    json_write_close(b, ']');
    json_write_close(b, '}');
}

static void write_quotas(struct buf *b, const struct pilot_organization *p)
{
    static const char *const names[] = {
        [LIMIT_USERS] = "users", [LIMIT_DEVICES] = "devices",    [LIMIT_DASHBOARDS] = "dashboards",
        [LIMIT_RULES] = "rules", [LIMIT_API_CALLS] = "apiCalls", [LIMIT_POINTS] = "telemetry"};
    json_write_key(b, "quotaUtilization");
    json_write_open(b, '{');
    for (int i = LIMIT_USERS; i < LIMITS; i++)
        json_write_member_number(b, names[i], percent(p->used[i], p->max[i]));
    json_write_close(b, '}');
}

static void write_organization(struct buf *b, const struct pilot_organization *p, uint64_t days)
{
    char period[32];
    snprintf(period, sizeof period, "%llu days", (unsigned long long)days);
    json_write_open(b, '{');
    json_write_member_i64(b, "organizationId", p->o.id);
    json_write_member_str(b, "name", p->o.name);
    json_write_member_text(b, "period", period);
    json_write_member_i64(b, "userCount", p->used[LIMIT_USERS]);
    json_write_member_i64(b, "activeUsers", p->activity.users_active);
    json_write_member_i64(b, "deviceCount", p->used[LIMIT_DEVICES]);
    json_write_member_i64(b, "activeDevices", p->activity.devices_seen);
    json_write_member_i64(b, "dashboardCount", p->used[LIMIT_DASHBOARDS]);
    json_write_member_i64(b, "ruleCount", p->used[LIMIT_RULES]);
    json_write_member_i64(b, "telemetryPoints", p->points);
    json_write_member_i64(b, "alertsGenerated", p->activity.alerts);
    write_patterns(b, p);
    write_quotas(b, p);
    json_write_close(b, '}');
}

void pilot_analytics_api_organizations(struct api_call *c)
{
    struct pilot_figures f;
    struct bytes id = api_query(c, "organizationId");
    int64_t org = 0, now_ns = clock_wall_ns(c->app->clock);
    uint64_t days;
    if (!series_read_count(c, "days", 7, 1, PILOT_FIGURES_DAYS, &days)) return;
    enum err e = id.n && !service_call_id(id, &org) ? ERR_NOTFOUND : ERR_OK;
    if (!e) e = pilot_figures_read(c->app, org, now_ns - (int64_t)days * NS_PER_DAY, c->arena, &f);
    if (e == ERR_NOTFOUND) {
        api_not_found(c, "organization");
        return;
    }
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    pilot_json_open(c);
    if (!org) json_write_open(c->body, '[');
    for (size_t i = 0; i < f.n; i++) write_organization(c->body, &f.orgs[i], days);
    if (!org) json_write_close(c->body, ']');
    pilot_json_close(c, 200);
}
