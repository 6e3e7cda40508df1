#pragma once
/* api/aggregate_plan.h -- one aggregate as clients ask for it (a query string, an object of a
 * batch), checked and made into a query.   Threads: the call's.   Memory: texts are borrowed. */
#include "api/api.h"
#include "query/aggregate.h"

struct aggregate_ask {
    struct bytes device, variable, aggregation, from, to, interval;
};
struct aggregate_plan {
    struct reg_device *device;
    struct reg_variable *variable;
    struct aggregate_spec spec;
};

/* Everything but the device and its variable; `to` is now unless it is given. */
enum err aggregate_plan_window(struct api_call *c, int64_t now_ns, const struct aggregate_ask *ask,
                               struct aggregate_plan *p, struct why *why) MUST_CHECK;
enum err aggregate_plan_one(struct api_call *c, int64_t now_ns, const struct aggregate_ask *ask,
                            struct aggregate_plan *p, struct why *why) MUST_CHECK;
/* An object for each bucket. */
void aggregate_plan_write(struct buf *b, struct bytes device, struct bytes variable,
                          enum aggregation aggregation, const struct aggregate_bucket *buckets,
                          size_t n);
