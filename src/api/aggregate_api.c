/* Aggregates: of one series, of many series at once, of a fleet. */
#include "api/deadline.h"
#include "api/handlers.h"
#include "api/series.h"
#include "codec/json_write.h"
#include "codec/timestamp.h"
#include "query/aggregate.h"
#include "service/device_labels.h"

#include <cjson/cJSON.h>

enum { BATCH_MAX = 2000, FLEET_MAX = 10000 };

/* What one aggregate asks for, from a query string or from an object. */
struct ask {
    struct bytes device, variable, aggregation, from, to, interval;
};
struct plan {
    struct reg_device *device;
    struct reg_variable *variable;
    struct aggregate_spec spec;
};

/* Everything but the device and its variable. */
static enum err plan_window(struct api_call *c, const struct ask *ask, struct plan *p,
                            struct why *why)
{
    int64_t now_ns = clock_wall_ns(c->app->clock);
    p->spec.org = c->who.org;
    p->spec.max_buckets = atomic_load(&c->app->live.max_data_points);
    p->spec.limit = deadline_of(c, DEADLINE_AGGREGATES);
    p->spec.to_ns = now_ns;
    if (!aggregation_parse(ask->aggregation.p ? ask->aggregation : BYTES("AVG"),
                           &p->spec.aggregation))
        return why_say(
            why, ERR_INVALID,
            "aggregation may be MIN, MAX, AVG, SUM, COUNT, FIRST, LAST, STDDEV, P50, P95 "
            "or P99");
    if (!aggregate_parse_interval(ask->interval, &p->spec.interval_ns))
        return why_say(why, ERR_INVALID, "interval may be NONE or a number with s, m, h or d: 15m");
    struct why inner = {""};
    if (ask->to.p && timestamp_parse(ask->to, &p->spec.to_ns, &inner))
        return why_say(why, ERR_INVALID, "to: %s", inner.text);
    p->spec.from_ns = clock_add(p->spec.to_ns, -NS_PER_DAY);
    if (ask->from.p && timestamp_parse(ask->from, &p->spec.from_ns, &inner))
        return why_say(why, ERR_INVALID, "from: %s", inner.text);
    if (p->spec.from_ns >= p->spec.to_ns)
        return why_say(why, ERR_INVALID, "the range is empty: from must be earlier than to");
    return ERR_OK;
}

static enum err plan_one(struct api_call *c, const struct ask *ask, struct plan *p, struct why *why)
{
    if (!ask->device.n) return why_say(why, ERR_INVALID, "deviceId is missing");
    if (!ask->variable.n) return why_say(why, ERR_INVALID, "variable is missing");
    p->device = registry_find_device(c->app->registry, c->who.org, ask->device);
    if (!p->device) return why_say(why, ERR_NOTFOUND, "There is no such device.");
    p->variable = series_variable(c->app, p->device, ask->variable);
    if (!p->variable)
        return why_say(why, ERR_INVALID, "This device has no variable \"%.*s\".",
                       (int)(ask->variable.n < 100 ? ask->variable.n : 100), ask->variable.p);
    return plan_window(c, ask, p, why);
}

static void write_buckets(struct buf *b, struct bytes device, struct bytes variable,
                          enum aggregation aggregation, const struct aggregate_bucket *buckets,
                          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_write_open(b, '{');
        json_write_member_str(b, "deviceId", device);
        json_write_member_str(b, "variable", variable);
        json_write_member_text(b, "aggregation", aggregation_name(aggregation));
        json_write_member_time(b, "timestamp", buckets[i].ts_ns);
        json_write_member_number(b, "value", buckets[i].value);
        json_write_member_u64(b, "count", buckets[i].count);
        json_write_close(b, '}');
    }
}

/* Appends the array of one aggregate. */
static enum err run_one(struct api_call *c, struct plan *p, struct why *why)
{
    const struct aggregate_series series = {p->device->id, p->variable->id};
    p->spec.series = &series;
    p->spec.series_count = 1;
    struct aggregate_bucket *buckets;
    size_t n;
    enum err e = aggregate_run(c->app->telemetry, &p->spec, c->arena, &buckets, &n, why);
    if (e) return e;
    json_write_open(c->body, '[');
    write_buckets(c->body, p->device->external_id, p->variable->name, p->spec.aggregation, buckets,
                  n);
    json_write_close(c->body, ']');
    return ERR_OK;
}

static struct ask ask_of_query(struct api_call *c)
{
    return (struct ask){
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
    const struct ask ask = ask_of_query(c);
    struct plan plan = {0};
    struct why why = {""};
    enum err e = plan_one(c, &ask, &plan, &why);
    if (!e) e = run_one(c, &plan, &why);
    if (e)
        deadline_fail(c, e, &why);
    else
        api_ok(c, 200);
}

static struct bytes text_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(item) ? bytes_str(item->valuestring) : bytes_of(NULL, 0);
}

static void write_refusal(struct buf *b, enum err e, const struct why *why)
{
    json_write_open(b, '{');
    json_write_member_text(b, "error", why->text[0] ? why->text : err_sentence(e));
    json_write_close(b, '}');
}

static enum err run_batch_item(struct api_call *c, const cJSON *item)
{
    const struct ask ask = {
        .device = text_of(item, "deviceId"),
        .variable = text_of(item, "variable"),
        .aggregation = text_of(item, "aggregation"),
        .from = text_of(item, "from"),
        .to = text_of(item, "to"),
        .interval = text_of(item, "interval"),
    };
    struct plan plan = {0};
    struct why why = {""};
    enum err e = plan_one(c, &ask, &plan, &why);
    if (!e) e = run_one(c, &plan, &why);
    bool ends_all =
        e == ERR_NOMEM || e == ERR_IO || e == ERR_CORRUPT || e == ERR_TIMEOUT || e == ERR_CLOSED;
    if (ends_all) return e;
    if (e) write_refusal(c->body, e, &why);
    return ERR_OK;
}

/* POST /analytics/aggregate/batch: an array of requests (or {"requests":[…]}); the answer is
 * {"results":[…]}, in order, each the array that GET gives, or {"error"}. */
void aggregate_batch(struct api_call *c)
{
    cJSON *body;
    if (!api_json(c, &body)) return;
    const cJSON *requests =
        cJSON_IsArray(body) ? body : cJSON_GetObjectItemCaseSensitive(body, "requests");
    if (!cJSON_IsArray(requests) || cJSON_GetArraySize(requests) > BATCH_MAX) {
        api_problem(c, 400, "Send an array of at most %d requests, or {\"requests\":[...]}.",
                    BATCH_MAX);
        return;
    }
    json_write_open(c->body, '{');
    json_write_key(c->body, "results");
    json_write_open(c->body, '[');
    enum err e = ERR_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, requests)
    {
        if (!e) e = run_batch_item(c, item);
    }
    json_write_close(c->body, ']');
    json_write_close(c->body, '}');
    if (e)
        deadline_fail(c, e, NULL);
    else
        api_ok(c, 200);
}

/* Every device of the organisation that has the variable. */
static size_t fleet_members(struct api_call *c, struct bytes variable, struct plan *members)
{
    enum { PAGE = 256 };
    struct reg_device *page[PAGE];
    int64_t after = 0;
    size_t n = 0, got;
    while ((got = registry_list_devices(c->app->registry, c->who.org, after, page, PAGE))) {
        for (size_t i = 0; i < got && n < FLEET_MAX; i++) {
            struct reg_variable *v = series_variable(c->app, page[i], variable);
            if (v) members[n++] = (struct plan){.device = page[i], .variable = v};
        }
        after = page[got - 1]->id;
    }
    return n;
}

/* The elements of these members taken together; group.p NULL: of no group. */
static enum err fleet_some(struct api_call *c, const struct plan *window,
                           const struct plan *const *members, size_t n, struct bytes group,
                           struct why *why)
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
    const struct plan *window, *members;
    size_t n;
    const struct plan **chosen;
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
        const struct plan *member = &f->members[i];
        const struct aggregate_series series = {member->device->id, member->variable->id};
        struct aggregate_spec spec = f->window->spec;
        spec.series = &series;
        spec.series_count = 1;
        struct aggregate_bucket *buckets;
        size_t bucket_n;
        e = aggregate_run(c->app->telemetry, &spec, c->arena, &buckets, &bucket_n, why);
        if (!e)
            write_buckets(c->body, member->device->external_id, member->variable->name,
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
    const struct ask ask = ask_of_query(c);
    int by = 0;
    if (!fleet_groups(api_query(c, "groupBy"), &by)) {
        api_problem(c, 400, "groupBy may be device, tag, group or none.");
        return;
    }
    struct plan window = {0}, *members = arena_array(c->arena, FLEET_MAX, sizeof *members);
    struct fleet f = {.window = &window,
                      .members = members,
                      .chosen = arena_array(c->arena, FLEET_MAX, sizeof *f.chosen),
                      .labelled = arena_zalloc(c->arena, FLEET_MAX * sizeof *f.labelled)};
    struct why why = {""};
    enum err e =
        members && f.chosen && f.labelled ? plan_window(c, &ask, &window, &why) : ERR_NOMEM;
    if (!e && !ask.variable.n) e = why_say(&why, ERR_INVALID, "variable is missing");
    if (!e) f.n = fleet_members(c, ask.variable, members);
    if (!e) e = fleet_write(c, &f, by, &why);
    if (e)
        deadline_fail(c, e, &why);
    else
        api_ok(c, 200);
}
