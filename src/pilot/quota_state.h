#pragma once
/* pilot/quota_state.h -- what the files of the quota family share; nobody else includes it.
 *
 *   left   may be taken here without asking: > 0 a lease, < 0 counted without a limit and not yet
 *          written down
 *   day    whose `left` it is
 *
 * Taking is a compare-and-swap on `left` alone. Who asks the store holds `asking`, one at a time
 * for a meter; the others wait for him and try again.
 * Threads: atomics any; `asking` under quota.lock; the last group is quota_maintain()'s own. */
#include "base/map.h"
#include "pilot/quota.h"
#include "store/catalog_usage.h"
#include "sys/lock.h"

struct meter {
    _Atomic int64_t left, day;
    _Atomic bool unlimited; /* of `day`; looked up again with each write */
    _Atomic bool stale;     /* limits changed */
    _Atomic int64_t max;
    _Atomic int64_t rest;          /* what the store had when it last refused */
    _Atomic int64_t rest_until_ns; /* monotonic: believed that long */
    bool asking;

    _Atomic int64_t taken; /* ever, of this process: for the hours */
    bool mine;             /* quota_maintain() asks for it */
    int64_t settled;       /* by it, in the transaction under way */
    int64_t noted;         /* of `taken`, in the hour's figures */
    int64_t hour, hour_used, busiest, minute, minute_used;
};

struct account {
    uint64_t org; /* the map's key */
    struct meter meters[LIMIT_DAILY];
    struct account *_Atomic next; /* made before this one */
};

struct quota {
    struct quota_opts opts;
    struct rwlock accounts_lock; /* by_org; held while it grows */
    struct map by_org;
    struct account *_Atomic newest;
    struct lock lock; /* asking */
    struct cond answered;
    int64_t written_ns, noted_ns; /* monotonic; quota_maintain()'s, as the next */
    int64_t pruned_day;
};

#define QUOTA_REST_NS    NS_PER_S        /* a refusal is believed this long: others give back */
#define QUOTA_WRITE_NS   (10 * NS_PER_S) /* without a limit: used is at most this late */
#define QUOTA_HISTORY_NS NS_PER_MINUTE
enum { QUOTA_KEPT_DAYS = 400 };

static inline int64_t quota_state_day(const struct quota *q)
{
    return clock_wall_ns(q->opts.clock) / NS_PER_DAY;
}
static inline struct meter *quota_state_meter(struct account *a, enum limit what)
{
    return &a->meters[what - LIMIT_DAILY_FIRST];
}
/* NULL: no memory. */
struct account *quota_state_account(struct quota *q, int64_t org);
/* Becomes the one that asks the store for m; false: somebody else did, and is back. */
bool quota_state_begin(struct quota *q, struct meter *m);
void quota_state_end(struct quota *q, struct meter *m);
/* Inside tx, by the one who asks: what is left goes back to (or into) its day. */
enum err quota_state_settle(struct sql_tx *tx, int64_t org, struct meter *m, enum limit what,
                            int64_t *ret_taken) MUST_CHECK;
