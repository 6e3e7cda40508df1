#pragma once
/* rules/event_time.h -- which readings of a series a follower has judged already, when the times
 * come from clocks that may be wrong. A pure value that is saved with the follower.
 *
 *                     judged                position   received                  ahead_to
 *   ──────────────────────────────────────────────┤        │   ├─ judged too ───────┤──────> ts
 *                                                     +1 min ┘   ahead_from
 *
 * V1  an ordinary reading (at most EVENT_TIME_SKEW_NS ahead of the moment of receipt) is judged
 *     when it is newer than the position, which then moves to it.
 * V2  one from further ahead is judged when it is newer than every such one before; it leaves the
 *     position where it is, so that it makes no other reading late.
 * V3  a replay from the store (position, end) judges nothing of [ahead_from, ahead_to] again: that
 *     is what was judged from ahead. Once the position has passed it, it is forgotten.
 * V4  a server's clock that was set back pulls the position back with it; what was judged up to
 *     there counts as judged from ahead.
 * Threads: owner only. */
#include "base/clock.h"

#include <stdbool.h>

#define EVENT_TIME_SKEW_NS NS_PER_MINUTE
#define EVENT_TIME_NEVER   INT64_MIN

struct event_time {
    int64_t position_ns;                /* EVENT_TIME_NEVER: nothing is judged yet */
    int64_t ahead_from_ns, ahead_to_ns; /* both EVENT_TIME_NEVER: nothing from ahead */
};

/* As of now nothing that there is will be judged: newest_ns is the newest reading of the series,
 * EVENT_TIME_NEVER when there is none. */
struct event_time event_time_after(int64_t newest_ns, int64_t now_ns);

/* Where a replay has to look: (position, ahead_from) and behind ahead_to, as [from, to); the first
 * may be empty. Without anything from ahead all of it is the second. */
struct event_time_gaps {
    int64_t before_from_ns, before_to_ns, from_ns;
};
struct event_time_gaps event_time_unjudged(const struct event_time *t);

/* True: judge it, at *ret_at_ns (its time, or the moment of receipt for one from ahead). */
bool event_time_take_slow(struct event_time *t, int64_t ts_ns, int64_t received_ns, bool replay,
                          int64_t *ret_at_ns);
static inline bool event_time_take(struct event_time *t, int64_t ts_ns, int64_t received_ns,
                                   bool replay, int64_t *ret_at_ns)
{
    int64_t edge_ns = clock_add(received_ns, EVENT_TIME_SKEW_NS);
    if (ts_ns > edge_ns || t->position_ns > edge_ns || t->ahead_to_ns != EVENT_TIME_NEVER)
        return event_time_take_slow(t, ts_ns, received_ns, replay, ret_at_ns);
    if (ts_ns <= t->position_ns) return false;
    t->position_ns = ts_ns;
    *ret_at_ns = ts_ns;
    return true;
}
