/* /api/v1/pilot/performance: the thresholds, and how the server did over hours and months. Ratios
 * are percent here and 0 to 1 in the configuration. */
#include "api/app.h"
#include "api/handlers_performance.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "pilot/advice.h"
#include "pilot/performance.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>

static bool is_on(struct api_call *c)
{
    if (atomic_load(&c->app->performance->enabled)) return true;
    api_problem(c, 404, "The performance layer is switched off (pilot.performance.enabled).");
    return false;
}

static bool is_ratio(enum threshold_id id)
{
    return thresholds_about[id].unit[0] == 'r';
}

static double shown_value(enum threshold_id id, double v)
{
    return is_ratio(id) ? round(v * 1e8) / 1e6 : v;
}

/* Why there is no figure: too little happened within the looks that are judged. */
static const char *const unknown_reasons[THRESHOLD_IDS] = {
    [THRESHOLD_SLOW_QUERY] = "No statement was run lately.",
    [THRESHOLD_CACHE_HITS] = "There were fewer than 100 look-ups lately.",
    [THRESHOLD_MEMORY] = "Nobody has looked yet.",
    [THRESHOLD_RESPONSE] = "Fewer than 20 requests were answered lately.",
};

static void write_threshold(struct api_call *c, enum threshold_id id,
                            const struct threshold_view *v)
{
    struct buf *b = c->body;
    char uuid[UUID_TEXT + 1];
    const struct threshold_about *about = &thresholds_about[id];
    int64_t ago_ns = clock_mono_ns(c->app->clock) - v->state.since_ns;
    json_write_key(b, about->name);
    json_write_open(b, '{');
    json_write_member_text(b, "title", about->title);
    json_write_member_text(b, "unit", is_ratio(id) ? "%" : "ms");
    json_write_member_text(b, "bad", v->limits.below ? "below" : "above");
    json_write_member_number(b, "threshold", shown_value(id, v->limits.limit));
    json_write_member_number(b, "clearsAt", shown_value(id, threshold_clear(&v->limits)));
    json_write_member_number(b, "holdSeconds", (double)v->limits.hold_ns / 1e9);
    json_write_member_number(b, "value", shown_value(id, v->state.value));
    if (!isfinite(v->state.value)) json_write_member_text(b, "valueReason", unknown_reasons[id]);
    json_write_member_text(b, "state", threshold_phase_name(v->state.phase));
    service_call_time(b, "since", v->state.since_ns ? clock_wall_ns(c->app->clock) - ago_ns : 0);
    if (v->raised) uuid_format(&v->alert, uuid);
    json_write_member_str(b, "alertId", v->raised ? bytes_of(uuid, UUID_TEXT) : bytes_of(NULL, 0));
    json_write_member_text(b, "key", about->limit_key);
    json_write_member_text(b, "holdKey", about->hold_key);
    json_write_close(b, '}');
}

static void answer_thresholds(struct api_call *c)
{
    struct threshold_view views[THRESHOLD_IDS];
    thresholds_read(c->app->thresholds, views);
    json_write_open(c->body, '{');
    for (int i = 0; i < THRESHOLD_IDS; i++) write_threshold(c, (enum threshold_id)i, &views[i]);
    json_write_close(c->body, '}');
    api_ok(c, 200);
}

/* GET …/thresholds */
void thresholds_api_get(struct api_call *c)
{
    if (is_on(c)) answer_thresholds(c);
}

/* --- changing them ---------------------------------------------------------------------------- */

/* What of one threshold is to be changed: texts for the configuration, NULL stays. */
struct wanted {
    const char *limit, *hold;
};

static const char *number_text(struct api_call *c, double v, const char *unit)
{
    char text[40];
    snprintf(text, sizeof text, "%.10g", v);
    const char *copy = arena_printf(c->arena, "%s%s", text, unit);
    return copy ? copy : "";
}

static void read_wanted(struct api_call *c, struct api_fields *f, enum threshold_id id,
                        const cJSON *object, struct wanted *ret)
{
    const char *name = thresholds_about[id].name;
    bool ratio = is_ratio(id);
    double most = ratio ? 100 : 3600000, least = ratio ? 0 : 1;
    const cJSON *member;
    cJSON_ArrayForEach(member, object)
    {
        bool limit = strcmp(member->string, "threshold") == 0;
        bool hold = strcmp(member->string, "holdSeconds") == 0;
        double v = member->valuedouble;
        if (!limit && !hold) continue; /* what GET shows may be sent back */
        if (!cJSON_IsNumber(member))
            api_field_error(f, name, "threshold and holdSeconds are numbers");
        else if (limit && !(v >= least && v <= most))
            api_field_error(f, name,
                            ratio ? "threshold may be 0 to 100 %"
                                  : "threshold may be 1 to 3600000 ms");
        else if (limit)
            ret->limit = number_text(c, ratio ? v / 100 : v, "");
        else if (!(v >= 0 && v <= 86400))
            api_field_error(f, name, "holdSeconds may be 0 to 86400");
        else
            ret->hold = number_text(c, floor(v), "s");
    }
}

static bool read_body(struct api_call *c, struct wanted ret[THRESHOLD_IDS])
{
    cJSON *root;
    struct api_fields f;
    if (!api_json(c, &root)) return false;
    api_fields_open(&f, c, root);
    const cJSON *member;
    cJSON_ArrayForEach(member, root)
    {
        int id = 0;
        while (id < THRESHOLD_IDS && strcmp(member->string, thresholds_about[id].name) != 0) id++;
        if (id == THRESHOLD_IDS)
            api_field_error(&f, member->string, "there is no such threshold");
        else if (!cJSON_IsObject(member))
            api_field_error(&f, member->string, "must be an object with threshold, holdSeconds");
        else
            read_wanted(c, &f, (enum threshold_id)id, member, &ret[id]);
    }
    return api_fields_close(&f);
}

static enum err set_key(struct api_call *c, const char *key, const char *value,
                        const struct actor *actor, struct why *why)
{
    const struct advice_config *config = &c->app->advice->config;
    return value ? config->set(config->ctx, key, value, actor, why) : ERR_OK;
}

/* PUT …/thresholds: keys of the configuration, set as by hand, with their events. */
void thresholds_api_put(struct api_call *c)
{
    struct wanted wanted[THRESHOLD_IDS] = {{NULL, NULL}};
    struct why why = {""};
    const struct actor actor = service_call_actor(c);
    enum err e = ERR_OK;
    if (!is_on(c) || !read_body(c, wanted)) return;
    for (int i = 0; i < THRESHOLD_IDS && !e; i++) {
        e = set_key(c, thresholds_about[i].limit_key, wanted[i].limit, &actor, &why);
        if (!e) e = set_key(c, thresholds_about[i].hold_key, wanted[i].hold, &actor, &why);
    }
    if (e)
        api_fail(c, e, &why);
    else
        answer_thresholds(c);
}

/* --- trends ----------------------------------------------------------------------------------- */

/* How a direction is called, of a figure that should fall or rise, or that is neither. */
enum good { GOOD_DOWN, GOOD_UP, GOOD_NEITHER };
static const struct shown {
    const char *name, *trend, *what, *unit;
    enum good good;
    double factor;
    bool old; /* a key of the old document: always a number */
} shown[TREND_FIGURES] = {
    [TREND_DATABASE_MS] = {"databaseResponseTimeMs", "databasePerformance",
                           "The mean time of a statement", " ms", GOOD_DOWN, 1, true},
    [TREND_RESPONSE_MS] = {"responseTimeMs", "responseTime",
                           "The time within which 95 of 100 requests are answered", " ms",
                           GOOD_DOWN, 1, false},
    [TREND_CACHE_HIT_RATIO] = {"cacheHitRatio", "cacheEfficiency",
                               "The share of look-ups that find something", " %", GOOD_UP, 100,
                               true},
    [TREND_MEMORY_RATIO] = {"memoryUsagePercent", "memoryUsage", "The share of memory in use", " %",
                            GOOD_NEITHER, 100, true},
    [TREND_POINTS_PER_S] = {"telemetryThroughput", "telemetryThroughput",
                            "What comes in every second", " points", GOOD_NEITHER, 1, true},
    [TREND_DISK_BYTES] = {"storeBytes", "storeSize", "What the store takes on disk", " bytes",
                          GOOD_NEITHER, 1, false},
};

static const char *direction_name(const struct shown *s, enum trend_direction d)
{
    if (d == TREND_FLAT) return "stable";
    if (s->good == GOOD_NEITHER) return d == TREND_UP ? "increasing" : "decreasing";
    return (d == TREND_UP) == (s->good == GOOD_UP) ? "improving" : "degrading";
}

/* Figures of which there was none in that step are named; those that old clients draw (contract,
 * section 10.1) are then the last that was measured, the others are null. */
static void write_point(struct buf *b, const struct trend_row *row, double last[TREND_FIGURES])
{
    json_write_open(b, '{');
    json_write_member_time(b, "timestamp", row->at_ns);
    for (int f = 0; f < TREND_FIGURES; f++) {
        double v = row->figures[f] * shown[f].factor;
        if (isfinite(v)) last[f] = v;
        json_write_member_number(b, shown[f].name, shown[f].old ? last[f] : v);
    }
    json_write_key(b, "unmeasured");
    json_write_open(b, '[');
    for (int f = 0; f < TREND_FIGURES; f++)
        if (!isfinite(row->figures[f])) json_write_string(b, bytes_str(shown[f].name));
    json_write_close(b, ']');
    json_write_close(b, '}');
}

static void write_points(struct buf *b, const struct trend_curve *curve)
{
    double last[TREND_FIGURES] = {[TREND_CACHE_HIT_RATIO] = 100}; /* as before the first look */
    json_write_key(b, "dataPoints");
    json_write_open(b, '[');
    for (size_t i = 0; i < curve->n; i++) write_point(b, &curve->points[i], last);
    json_write_close(b, ']');
}

static void write_trends(struct buf *b, const struct trend_curve *curve)
{
    json_write_key(b, "trends");
    json_write_open(b, '{');
    for (int f = 0; f < TREND_FIGURES; f++)
        json_write_member_text(b, shown[f].trend,
                               direction_name(&shown[f], curve->results[f].direction));
    json_write_close(b, '}');
    json_write_key(b, "statistics"); /* what the directions are made of */
    json_write_open(b, '{');
    for (int f = 0; f < TREND_FIGURES; f++) {
        const struct trend_result *r = &curve->results[f];
        json_write_key(b, shown[f].trend);
        json_write_open(b, '{');
        json_write_member_u64(b, "n", r->n);
        json_write_member_number(b, "z", r->z);
        json_write_member_number(b, "slopePerHour",
                                 r->slope * shown[f].factor * 3600 / (double)curve->step_s);
        json_write_member_number(b, "changePercent", r->change * 100);
        json_write_close(b, '}');
    }
    json_write_close(b, '}');
}

/* What has become worse, and what grows, in words. */
static void write_alerts(struct api_call *c, const struct trend_curve *curve, int64_t hours)
{
    struct buf *b = c->body;
    char text[300];
    json_write_key(b, "alerts");
    json_write_open(b, '[');
    for (int f = 0; f < TREND_FIGURES; f++) {
        const struct trend_result *r = &curve->results[f];
        bool worse = strcmp(direction_name(&shown[f], r->direction), "degrading") == 0;
        bool grows = f == TREND_MEMORY_RATIO && r->direction == TREND_UP;
        if (!worse && !grows) continue;
        snprintf(text, sizeof text, "%s %s by %.0f %% within %lld hours, around %.4g%s.",
                 shown[f].what, r->direction == TREND_UP ? "has grown" : "has fallen",
                 fabs(r->change) * 100, (long long)hours, r->median * shown[f].factor,
                 shown[f].unit);
        json_write_open(b, '{');
        json_write_member_text(b, "type", shown[f].trend);
        json_write_member_text(b, "message", text);
        json_write_member_time(b, "timestamp", clock_wall_ns(c->app->clock));
        json_write_close(b, '}');
    }
    json_write_close(b, ']');
}

/* GET …/trends?hours=24 */
void thresholds_api_trends(struct api_call *c)
{
    int64_t hours = 24;
    struct trend_curve curve;
    struct bytes text = api_query(c, "hours");
    struct buf *b = c->body;
    if (!is_on(c)) return;
    if (text.n && (!bytes_to_i64(text, &hours) || hours < 1 || hours > TRENDS_HOURS_MAX)) {
        api_problem(c, 400, "hours may be 1 to %d.", TRENDS_HOURS_MAX);
        return;
    }
    enum err e = trends_read(c->app->trends, hours, clock_wall_ns(c->app->clock), c->arena, &curve);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    char range[40];
    snprintf(range, sizeof range, "%lld hours", (long long)hours);
    json_write_open(b, '{');
    json_write_member_text(b, "timeRange", range);
    json_write_member_i64(b, "stepSeconds", curve.step_s);
    write_points(b, &curve);
    write_trends(b, &curve);
    write_alerts(c, &curve, hours);
    json_write_close(b, '}');
    api_ok(c, 200);
}
