#pragma once
/* pilot/quota.h -- the daily limits: so many points and API calls of an organisation from 00:00 UTC
 * on, never more, on all nodes together.
 *
 *   quota_take ── enough left here ──────────────────────────────> taken (an atomic subtraction)
 *        └ not enough: one transaction charges what is missing, and leases a block ahead
 *                          used = admitted + leased, in usage_days, which is the truth
 *
 * Q1  used never exceeds the limit; what is taken was charged or leased before.
 * Q2  a block is at most the smaller of 0.5 % of the limit and a quarter of the rest, never less
 *     than one while there is a rest: what others cannot use is bounded by it.
 * Q3  all or nothing: a request that does not fit takes nothing.
 * Q4  leases are given back at stop and at the end of their day. A node that is killed loses what
 *     it had not used: that many, at most a block, count as used for the rest of the day.
 * Q5  without a limit nothing is leased: usage is counted and written down every few seconds.
 * Threads: any.   Memory: some 400 bytes for each organisation heard of since the start. */
#include "base/clock.h"
#include "base/err.h"
#include "store/limits.h"

#define QUOTA_EVENT_WARNING "QUOTA_WARNING" /* 90 % of a daily limit are used; once a day */

struct quota_opts {
    struct sql_db *db; /* borrowed, as the rest */
    const struct clock *clock;
    const struct limits *limits;
};
struct quota;
enum err quota_new(struct quota **ret, const struct quota_opts *opts) MUST_CHECK;
/* Gives leases back. NULL is fine. */
void quota_free(struct quota *q);

/* How things stood when it was refused; also of what was taken. */
struct quota_state {
    int64_t max, remaining; /* max 0: no limit */
    int64_t reset_ns;       /* until the next day begins */
};
/* ERR_RATE: refused. ERR_TOOLARGE: n is more than a whole day's. ERR_MORE: the store has to be
 * asked and !may_block: call again where that is possible. Others: the store does not answer. */
enum err quota_take(struct quota *q, int64_t org, enum limit what, int64_t n, bool may_block,
                    struct quota_state *ret) MUST_CHECK;
/* What was taken came to nothing: the write failed, or less was admitted. */
void quota_give(struct quota *q, int64_t org, enum limit what, int64_t n);

/* The limits of this organisation are others now (0: of all): asked again before the next is taken.
 */
void quota_changed(struct quota *q, int64_t org);
/* About once a second, from a thread that may block: writes down what was counted. */
enum err quota_maintain(struct quota *q) MUST_CHECK;
/* Used today: exact but for what other nodes hold on lease. */
enum err quota_used(struct quota *q, struct sql_tx *tx, int64_t org, enum limit what,
                    int64_t *ret) MUST_CHECK;
/* The sum over all organisations. */
enum err quota_used_by_all(struct quota *q, struct sql_tx *tx, enum limit what,
                           int64_t *ret) MUST_CHECK;
/* Of all organisations, taken by this process since its start, less what was given back. */
int64_t quota_taken_by_all(struct quota *q, enum limit what);
/* All of an organisation: how many there are and what was used today, and what it may (0: no
 * limit). LIMIT_ORGANIZATIONS stays as it was. */
enum err quota_usage(struct quota *q, struct sql_tx *tx, int64_t org, int64_t ret_used[LIMITS],
                     int64_t ret_max[LIMITS]) MUST_CHECK;
