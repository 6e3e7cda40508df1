/* What an aggregate asks for, made into what is read (see aggregate_plan.h). */
#include "api/aggregate_plan.h"

#include "api/deadline.h"
#include "api/series.h"
#include "codec/json_write.h"
#include "codec/timestamp.h"

/* Everything but the device and its variable. */
enum err aggregate_plan_window(struct api_call *c, int64_t now_ns, const struct aggregate_ask *ask,
                               struct aggregate_plan *p, struct why *why)
{
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

enum err aggregate_plan_one(struct api_call *c, int64_t now_ns, const struct aggregate_ask *ask,
                            struct aggregate_plan *p, struct why *why)
{
    if (!ask->device.n) return why_say(why, ERR_INVALID, "deviceId is missing");
    if (!ask->variable.n) return why_say(why, ERR_INVALID, "variable is missing");
    p->device = registry_find_device(c->app->registry, c->who.org, ask->device);
    if (!p->device) return why_say(why, ERR_NOTFOUND, "There is no such device.");
    p->variable = series_variable(c->app, p->device, ask->variable);
    if (!p->variable)
        return why_say(why, ERR_INVALID, "This device has no variable \"%.*s\".",
                       (int)(ask->variable.n < 100 ? ask->variable.n : 100), ask->variable.p);
    return aggregate_plan_window(c, now_ns, ask, p, why);
}

void aggregate_plan_write(struct buf *b, struct bytes device, struct bytes variable,
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
