#pragma once
/* pilot/rates.h -- the limits per minute: a bucket for each user and device, refilled steadily.
 *
 *   requests   of a user: a bucket of requests-per-minute and the burst, refilled by the first
 *   reads      of a user: GET of telemetry and devices; a bucket of its own
 *   telemetry  of a device's token: requests, a bulk is one
 *
 * A bucket is one number, the time at which it will be full again; a request moves it on by its
 * share of a minute and is refused when that would be past a full bucket (the generic cell rate
 * algorithm of ITU-T I.371). What is refused moves nothing.
 *
 * R1  in any minute a bucket gives at most its size and what is refilled meanwhile.
 * What was taken is counted beside: how many of each organisation, and the busiest minute of one
 * user or device; pilot/rate_hours.h keeps it.
 *
 * R2  several nodes share one bucket through Redis (rate_share.h), all of it usable through one of
 *     them. Without Redis, or while it is away, each gives the limit divided by the nodes that are
 *     known.
 * R3  where nobody may wait, nobody does: ERR_MORE, and again where it may, for a bucket that has
 *     nothing on lease here.
 * Threads: any; configure too.   Memory: some 250 bytes for each user and device heard of. */
#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>

enum rate_kind { RATE_REQUESTS, RATE_READS, RATE_TELEMETRY, RATE_KINDS };

struct rate_share;
struct rates_opts {
    const struct clock *clock;    /* borrowed */
    unsigned (*nodes)(void *ctx); /* alive ones, this one counted; never blocks. NULL: alone */
    void *nodes_ctx;
    struct rate_share *share; /* borrowed, freed before the rates are; NULL: no Redis */
};
struct rates_limits {
    bool enabled;
    int64_t per_minute[RATE_KINDS], burst[RATE_KINDS];
};
struct rates;
enum err rates_new(struct rates **ret, const struct rates_opts *opts) MUST_CHECK;
void rates_free(struct rates *r); /* NULL is fine */
void rates_configure(struct rates *r, const struct rates_limits *limits);

struct rate_state {
    int64_t max, remaining; /* of this node's part when there are several and no Redis */
    int64_t retry_ns;       /* until one more would be taken */
};
/* One request of the user or device `id` of org. ERR_RATE: refused, *ret says why. ERR_MORE: Redis
 * has to be asked and !may_block. Without memory for a new bucket the request passes. */
enum err rates_take(struct rates *r, enum rate_kind kind, int64_t org, int64_t id, bool may_block,
                    struct rate_state *ret) MUST_CHECK;
/* What was taken since the last call, a bucket at a time; none without any. One at a time. */
struct rates_taken {
    int64_t org;
    enum rate_kind kind;
    int64_t requests, busiest_minute;
};
typedef enum err rates_each(void *ctx, const struct rates_taken *taken);
enum err rates_collect(struct rates *r, rates_each *each, void *ctx) MUST_CHECK;
/* The key that configures it, its name in refusals. */
const char *rates_key(enum rate_kind kind);
