/* Aggregates: of one series, of a fleet. */
#include "api/aggregate_plan.h"
#include "api/deadline.h"
#include "api/handlers.h"
#include "api/series.h"
#include "codec/json_write.h"
#include "codec/timestamp.h"
#include "query/aggregate.h"
#include "service/device_labels.h"

#include <cjson/cJSON.h>

enum { FLEET_MAX = 10000 };

/* Appends the array of one aggregate. */
static enum err run_one(struct api_call *c, struct aggregate_plan *p, struct why *why)
{
    const struct aggregate_series series = {p->device->id, p->variable->id};
    p->spec.series = &series;
    p->spec.series_count = 1;
    struct aggregate_bucket *buckets;
    size_t n;
    enum err e = aggregate_run(c->app->telemetry, &p->spec, c->arena, &buckets, &n, why);
    if (e) return e;
    json_write_open(c->body, '[');
    aggregate_plan_write(c->body, p->device->external_id, p->variable->name, p->spec.aggregation,
                         buckets, n);
    json_write_close(c->body, ']');
    return ERR_OK;
}

static struct aggregate_ask ask_of_query(struct api_call *c)
{
    return (struct aggregate_ask){
        .device = api_query(c, "deviceId"),
        .variable = api_query(c, "variable"),
        .aggregation = api_query(c, "aggregation"),
        .from = api_query(c, "from"),
        .to = api_query(c, "to"),
        .interval = api_query(c, "interval"),
    };
}

/* GET /analytics/aggregate */
void aggregate_get(struct api_call *c)
{
    const struct aggregate_ask ask = ask_of_query(c);
    struct aggregate_plan plan = {0};
    struct why why = {""};
    enum err e = aggregate_plan_one(c, clock_wall_ns(c->app->clock), &ask, &plan, &why);
    if (!e) e = run_one(c, &plan, &why);
    if (e)
        deadline_fail(c, e, &why);
    else
        api_ok(c, 200);
}

/* Every device of the organisation that has the variable. */
static size_t fleet_members(struct api_call *c, struct bytes variable,
                            struct aggregate_plan *members)
{
    enum { PAGE = 256 };
    struct reg_device *page[PAGE];
    int64_t after = 0;
    size_t n = 0, got;
    while ((got = registry_list_devices(c->app->registry, c->who.org, after, page, PAGE))) {
        for (size_t i = 0; i < got && n < FLEET_MAX; i++) {
            struct reg_variable *v = series_variable(c->app, page[i], variable);
            if (v) members[n++] = (struct aggregate_plan){.device = page[i], .variable = v};
        }
        after = page[got - 1]->id;
    }
    return n;
}

/* The elements of these members taken together; group.p NULL: of no group. */
static enum err fleet_some(struct api_call *c, const struct aggregate_plan *window,
                           const struct aggregate_plan *const *members, size_t n,
                           struct bytes group, struct why *why)
{
    struct aggregate_series *series = arena_array(c->arena, n + 1, sizeof *series);
    struct aggregate_spec spec = window->spec;
    if (!series) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        series[i] = (struct aggregate_series){members[i]->device->id, members[i]->variable->id};
    spec.series = series;
    spec.series_count = n;
    struct aggregate_bucket *buckets;
    size_t bucket_n;
    enum err e = aggregate_run(c->app->telemetry, &spec, c->arena, &buckets, &bucket_n, why);
    if (e) return e;
    for (size_t i = 0; i < bucket_n; i++) {
        json_write_open(c->body, '{');
        json_write_member_str(c->body, "group", group);
        json_write_member_str(c->body, "variable", api_query(c, "variable"));
        json_write_member_text(c->body, "aggregation", aggregation_name(spec.aggregation));
        json_write_member_time(c->body, "timestamp", buckets[i].ts_ns);
        json_write_member_number(c->body, "value", buckets[i].value);
        json_write_member_u64(c->body, "count", buckets[i].count);
        json_write_close(c->body, '}');
    }
    return ERR_OK;
}

/* Which members take part in one turn: pointers, so that a device may be in many groups. */
struct fleet {
    const struct aggregate_plan *window, *members;
    size_t n;
    const struct aggregate_plan **chosen;
    bool *labelled; /* members[i] has some label of the kind */
};

static enum err fleet_together(struct api_call *c, struct fleet *f, bool unlabelled_only,
                               struct why *why)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        if (!unlabelled_only || !f->labelled[i]) f->chosen[n++] = &f->members[i];
    if (unlabelled_only && !n) return ERR_OK;
    return fleet_some(c, f->window, f->chosen, n, bytes_of(NULL, 0), why);
}

/* Members are in order of their device's id. f->n: it does not have the variable. */
static size_t fleet_find(const struct fleet *f, int64_t device)
{
    size_t low = 0, high = f->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (f->members[middle].device->id < device)
            low = middle + 1;
        else
            high = middle;
    }
    return low < f->n && f->members[low].device->id == device ? low : f->n;
}

static enum err fleet_by_label(struct api_call *c, struct fleet *f, enum label_kind kind,
                               struct why *why)
{
    struct label_view v;
    enum err e = device_labels_map(c->app->devices, c->who.org, kind, c->arena, &v);
    if (e == ERR_LIMIT)
        return why_say(why, ERR_IMPOSSIBLE,
                       "There are too many devices in %ss here to take them together.",
                       device_labels_noun(kind));
    for (size_t l = 0; l < v.n && !e; l++) {
        size_t n = 0;
        for (size_t i = 0; i < v.member_n; i++) {
            if (v.members[i].label != v.labels[l].id) continue;
            size_t at = fleet_find(f, v.members[i].device);
            if (at == f->n) continue;
            f->labelled[at] = true;
            f->chosen[n++] = &f->members[at];
        }
        if (n) e = fleet_some(c, f->window, f->chosen, n, v.labels[l].name, why);
    }
    return e ? e : fleet_together(c, f, true, why);
}

static enum err fleet_by_device(struct api_call *c, const struct fleet *f, struct why *why)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < f->n && !e; i++) {
        const struct aggregate_plan *member = &f->members[i];
        const struct aggregate_series series = {member->device->id, member->variable->id};
        struct aggregate_spec spec = f->window->spec;
        spec.series = &series;
        spec.series_count = 1;
        struct aggregate_bucket *buckets;
        size_t bucket_n;
        e = aggregate_run(c->app->telemetry, &spec, c->arena, &buckets, &bucket_n, why);
        if (!e)
            aggregate_plan_write(c->body, member->device->external_id, member->variable->name,
                                 spec.aggregation, buckets, bucket_n);
    }
    return e;
}

/* groupBy; false: none of these. */
static bool fleet_groups(struct bytes by, int *ret)
{
    static const char *const names[] = {"none", "device", "tag", "group"};
    *ret = 0;
    if (!by.n) return true;
    for (int i = 0; i < 4; i++) {
        if (!bytes_is(by, names[i])) continue;
        *ret = i;
        return true;
    }
    return false;
}

static enum err fleet_write(struct api_call *c, struct fleet *f, int by, struct why *why)
{
    json_write_open(c->body, '[');
    enum err e = by == 0   ? fleet_together(c, f, false, why)
                 : by == 1 ? fleet_by_device(c, f, why)
                           : fleet_by_label(c, f, by == 2 ? LABEL_TAG : LABEL_GROUP, why);
    json_write_close(c->body, ']');
    return e;
}

/* GET /analytics/fleet?groupBy=device|tag|group|none. Devices without a tag or group are an element
 * of their own, with group null; a device with several counts in each. */
void aggregate_fleet(struct api_call *c)
{
    const struct aggregate_ask ask = ask_of_query(c);
    int by = 0;
    if (!fleet_groups(api_query(c, "groupBy"), &by)) {
        api_problem(c, 400, "groupBy may be device, tag, group or none.");
        return;
    }
    struct aggregate_plan window = {0},
                          *members = arena_array(c->arena, FLEET_MAX, sizeof *members);
    struct fleet f = {.window = &window,
                      .members = members,
                      .chosen = arena_array(c->arena, FLEET_MAX, sizeof *f.chosen),
                      .labelled = arena_zalloc(c->arena, FLEET_MAX * sizeof *f.labelled)};
    struct why why = {""};
    enum err e = members && f.chosen && f.labelled
                     ? aggregate_plan_window(c, clock_wall_ns(c->app->clock), &ask, &window, &why)
                     : ERR_NOMEM;
    if (!e && !ask.variable.n) e = why_say(&why, ERR_INVALID, "variable is missing");
    if (!e) f.n = fleet_members(c, ask.variable, members);
    if (!e) e = fleet_write(c, &f, by, &why);
    if (e)
        deadline_fail(c, e, &why);
    else
        api_ok(c, 200);
}
