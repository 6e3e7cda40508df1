#pragma once
/* pilot/rate_lease.h -- what one node holds of a bucket that several nodes share: tokens that were
 * taken in advance from the bucket in Redis (rate_share.h), so that most requests ask nobody. Only
 * the arithmetic.
 *
 *   take ── some left ──> taken                          question: spent, unused, want
 *     ├── the bucket is empty, as was said ──> refused   answer: granted, rest, wait
 *     └── else ──> ask
 *
 * E1  what is used was granted before: what all nodes use is at most what the bucket gave.
 * E2  a lease ends RATE_LEASE_NS after its question was sent, here; in Redis, which counts from
 *     when it came, twice as long after. Until then, or until it is told of, the bucket does not
 *     refill what is out on lease: it would be a second time there.
 * E3  a node that used nothing for RATE_LEASE_IDLE_NS gives back what it has: an idle node takes
 *     nothing from a busy one.
 * E4  questions grow while they come quickly, to a sixteenth of the bucket at most.
 * Threads: the owner's lock.   Memory: the caller's. */
#include "base/clock.h"

#include <stdbool.h>

#define RATE_LEASE_NS      (500 * NS_PER_MS)
#define RATE_LEASE_IDLE_NS (100 * NS_PER_MS)
#define RATE_EMPTY_NS      (250 * NS_PER_MS) /* an empty bucket is believed: others give back */

/* Of the bucket, as this node knows it. */
struct rate_terms {
    int64_t size, step_ns; /* tokens; one comes back in step_ns */
    int64_t own_ns; /* how long this node's own use takes to refill: what Redis may not know */
    unsigned nodes;
};
struct rate_lease {
    struct rate_terms terms;
    int64_t left, spent; /* granted: not used, used and not told */
    int64_t until_ns;    /* of `left`; monotonic as the rest */
    int64_t used_ns, asked_ns;
    int64_t rest;           /* what was in the bucket when it last answered */
    int64_t next_ns;        /* when the empty bucket gives one again */
    int64_t empty_until_ns; /* believed so long */
    int64_t chunk;          /* to ask for */
    int64_t coming;         /* requests that wait for the next answer */
};

enum rate_verdict { RATE_TAKEN, RATE_REFUSED, RATE_ASK };
enum rate_verdict rate_lease_take(struct rate_lease *l, int64_t now_ns);
/* Running out: ask before somebody has to wait. */
bool rate_lease_is_low(const struct rate_lease *l);

struct rate_question {
    int64_t spent, unused, want;
};
struct rate_question rate_lease_ask(struct rate_lease *l, int64_t now_ns);
/* E3: true when there is something to give back, in *ret. */
bool rate_lease_rest(struct rate_lease *l, int64_t now_ns, struct rate_question *ret);

struct rate_answer {
    int64_t granted, rest, wait_ns; /* wait: until one more, when rest is 0 */
};
void rate_lease_answered(struct rate_lease *l, int64_t sent_ns, const struct rate_answer *a);
/* Nobody knows what Redis knows now. */
void rate_lease_forget(struct rate_lease *l);
