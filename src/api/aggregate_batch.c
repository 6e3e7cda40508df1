/* Many aggregates in one request. Those that ask for one number over the same time are read
 * together, each series once whatever is asked of it: the dashboard of the earlier platform wants
 * AVG, MIN and MAX of every variable of every device. */
#include "api/aggregate_plan.h"
#include "api/deadline.h"
#include "api/handlers.h"
#include "api/series.h"
#include "base/map.h"
#include "codec/json_write.h"

#include <cjson/cJSON.h>

enum { BATCH_MAX = 2000 };

struct item {
    struct aggregate_plan plan;
    enum err e;
    const char *why;            /* it was refused */
    struct series_total *total; /* NULL: it is read by itself */
};
struct batch {
    struct item *items;
    size_t n;
};

static struct bytes text_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(item) ? bytes_str(item->valuestring) : bytes_of(NULL, 0);
}

/* --- planning --------------------------------------------------------------------------------- */

static enum err refuse(struct api_call *c, struct item *item, enum err e, const struct why *why)
{
    const char *text = why->text[0] ? why->text : err_sentence(e);
    item->e = e;
    item->why = arena_copy_str(c->arena, text);
    return item->why ? ERR_OK : ERR_NOMEM;
}

static enum err plan_item(struct api_call *c, int64_t now_ns, const cJSON *object,
                          struct item *item)
{
    const struct aggregate_ask ask = {
        .device = text_of(object, "deviceId"),
        .variable = text_of(object, "variable"),
        .aggregation = text_of(object, "aggregation"),
        .from = text_of(object, "from"),
        .to = text_of(object, "to"),
        .interval = text_of(object, "interval"),
    };
    struct why why = {""};
    enum err e = aggregate_plan_one(c, now_ns, &ask, &item->plan, &why);
    return e ? refuse(c, item, e, &why) : ERR_OK;
}

static enum err plan_all(struct api_call *c, const cJSON *requests, struct batch *b)
{
    const cJSON *object;
    enum err e = ERR_OK;
    int64_t now_ns = clock_wall_ns(c->app->clock); /* one for all: they are of the same time */
    b->items =
        arena_zalloc(c->arena, ((size_t)cJSON_GetArraySize(requests) + 1) * sizeof *b->items);
    if (!b->items) return ERR_NOMEM;
    cJSON_ArrayForEach(object, requests)
    {
        if (!e) e = plan_item(c, now_ns, object, &b->items[b->n++]);
    }
    return e;
}

/* --- reading together ------------------------------------------------------------------------- */

static bool is_total(const struct item *item)
{
    const struct aggregate_spec *s = &item->plan.spec;
    return !item->e && !s->interval_ns && !aggregation_is_percentile(s->aggregation);
}

static bool same_time(const struct item *a, const struct item *b)
{
    return a->plan.spec.from_ns == b->plan.spec.from_ns && a->plan.spec.to_ns == b->plan.spec.to_ns;
}

/* Gives the item the total of its series, a new one when it is the first that asks. */
static enum err join(struct map *map, struct item *item, struct series_total *totals, size_t *n)
{
    struct series_total *total = &totals[*n];
    *total = (struct series_total){item->plan.device->id, item->plan.variable->id, {.count = 0}};
    uint64_t key = (uint64_t)total->series;
    item->total = map_get(map, map_u64(&key));
    if (item->total) return ERR_OK;
    item->total = total;
    (*n)++;
    return map_put(map, bytes_of(&total->series, sizeof total->series), total);
}

/* All that are of the time of items[first]. */
static enum err read_together(struct api_call *c, struct batch *b, size_t first)
{
    const struct aggregate_spec *spec = &b->items[first].plan.spec;
    struct series_total *totals = arena_array(c->arena, b->n - first + 1, sizeof *totals);
    struct map map;
    size_t n = 0;
    enum err e = totals ? ERR_OK : ERR_NOMEM;
    map_init(&map, 0);
    for (size_t i = first; i < b->n && !e; i++)
        if (is_total(&b->items[i]) && same_time(&b->items[first], &b->items[i]))
            e = join(&map, &b->items[i], totals, &n);
    map_done(&map);
    return e ? e
             : aggregate_totals(c->app->telemetry, spec->org, spec->from_ns, spec->to_ns,
                                spec->limit, totals, n);
}

/* --- answering -------------------------------------------------------------------------------- */

static void write_buckets(struct api_call *c, const struct item *item,
                          const struct aggregate_bucket *buckets, size_t n)
{
    json_write_open(c->body, '[');
    aggregate_plan_write(c->body, item->plan.device->external_id, item->plan.variable->name,
                         item->plan.spec.aggregation, buckets, n);
    json_write_close(c->body, ']');
}

static enum err read_alone(struct api_call *c, struct item *item)
{
    const struct aggregate_series series = {item->plan.device->id, item->plan.variable->id};
    struct aggregate_bucket *buckets;
    struct why why = {""};
    size_t n;
    item->plan.spec.series = &series;
    item->plan.spec.series_count = 1;
    enum err e = aggregate_run(c->app->telemetry, &item->plan.spec, c->arena, &buckets, &n, &why);
    bool ends_all =
        e == ERR_NOMEM || e == ERR_IO || e == ERR_CORRUPT || e == ERR_TIMEOUT || e == ERR_CLOSED;
    if (ends_all) return e;
    if (e) return refuse(c, item, e, &why);
    write_buckets(c, item, buckets, n);
    return ERR_OK;
}

static enum err write_item(struct api_call *c, struct item *item)
{
    enum err e = ERR_OK;
    if (item->total) {
        const struct stats *s = &item->total->stats;
        const struct aggregate_spec *spec = &item->plan.spec;
        const struct aggregate_bucket bucket = {
            spec->from_ns, s->count ? aggregate_value(spec->aggregation, s) : 0, s->count};
        write_buckets(c, item, &bucket, s->count ? 1 : 0);
    } else if (!item->e) {
        e = read_alone(c, item);
    }
    if (e || !item->e) return e;
    json_write_open(c->body, '{');
    json_write_member_text(c->body, "error", item->why);
    json_write_close(c->body, '}');
    return ERR_OK;
}

static enum err answer(struct api_call *c, const cJSON *requests)
{
    struct batch b = {NULL, 0};
    enum err e = plan_all(c, requests, &b);
    for (size_t i = 0; i < b.n && !e; i++)
        if (is_total(&b.items[i]) && !b.items[i].total) e = read_together(c, &b, i);
    json_write_open(c->body, '{');
    json_write_key(c->body, "results");
    json_write_open(c->body, '[');
    for (size_t i = 0; i < b.n && !e; i++) e = write_item(c, &b.items[i]);
    json_write_close(c->body, ']');
    json_write_close(c->body, '}');
    return e;
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
    enum err e = answer(c, requests);
    if (e)
        deadline_fail(c, e, NULL);
    else
        api_ok(c, 200);
}
