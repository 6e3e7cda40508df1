#pragma once
/* pilot/rate_share.h -- buckets of requests per minute that all nodes share, kept in Redis.
 *
 *   take ── on lease here (rate_lease.h) ───────────────────────────────────────> taken, refused
 *     └── not known: the thread asks ── one EVALSHA a bucket, many together ──> Redis ──> again
 *
 * A bucket is a hash in Redis: when it will be full, and what each node has on lease until when.
 * One script refills, takes back, and grants, by Redis' own clock, so nodes' clocks do not matter.
 *
 * H1  all nodes together use at most what one bucket of the limit gives.
 * H2  who may not block is told to ask again where it may, and never waits; who may waits
 *     for two answers and a half at most: 50 ms.
 * H3  Redis away, slow or wrong: nobody asks any more, each node gives its part of the limit, until
 *     the thread has found it good again (tried twice a second).
 * H4  a bucket that Redis does not know (restarted, flushed) begins with what this node gave in the
 *     last minute, times the nodes: less than the limit for up to a minute, never more.
 * Threads: take() any; one of its own, "rates".   Memory: leases are the callers', borrowed until
 * free; 4 KiB a question under way. */
#include "base/rnd.h"
#include "cache/redis_link.h"
#include "pilot/rate_lease.h"

#define RATE_SHARE_ASK_NS (20 * NS_PER_MS)

struct rate_share_opts {
    struct redis_place place;
    uint64_t installation; /* the same on each of its nodes */
    const struct clock *clock;
    struct rnd *rnd; /* used by new() only */
    int64_t ask_ns;  /* an answer that takes longer is none; 0: RATE_SHARE_ASK_NS */
};
struct rate_share;
enum err rate_share_new(struct rate_share **ret, const struct rate_share_opts *opts) MUST_CHECK;
void rate_share_free(struct rate_share *s); /* gives leases back. NULL is fine */

/* A bucket's place here: zeroed but for its name when it is new. */
struct rate_place {
    uint64_t name;
    struct rate_lease lease; /* as the rest: under the share's lock */
    uint64_t era;            /* of the connection that leased it */
    bool asking, listed;
    struct rate_place *next_asking, *next_listed;
};
/* One token. ERR_RATE: the bucket is empty. ERR_MORE: not known here, and !may_block. ERR_CLOSED:
 * Redis is not asked (H3). *ret_remaining, *ret_wait_ns: of OK and ERR_RATE. */
enum err rate_share_take(struct rate_share *s, struct rate_place *p, const struct rate_terms *terms,
                         bool may_block, int64_t *ret_remaining, int64_t *ret_wait_ns) MUST_CHECK;
bool rate_share_is_up(struct rate_share *s);
