/* Which readings are judged already (see event_time.h). */
#include "rules/event_time.h"

static void add_ahead(struct event_time *t, int64_t from_ns, int64_t to_ns)
{
    if (t->ahead_to_ns == EVENT_TIME_NEVER || from_ns < t->ahead_from_ns)
        t->ahead_from_ns = from_ns;
    if (to_ns > t->ahead_to_ns) t->ahead_to_ns = to_ns;
}

/* keeps V4 */
static void pull_back(struct event_time *t, int64_t received_ns)
{
    int64_t back_ns = clock_add(received_ns, -EVENT_TIME_SKEW_NS);
    add_ahead(t, clock_add(back_ns, 1), t->position_ns);
    t->position_ns = back_ns;
}

struct event_time event_time_after(int64_t newest_ns, int64_t now_ns)
{
    struct event_time t = {newest_ns, EVENT_TIME_NEVER, EVENT_TIME_NEVER};
    if (newest_ns > now_ns) {
        t.position_ns = now_ns;
        add_ahead(&t, clock_add(now_ns, 1), newest_ns);
    }
    return t;
}

struct event_time_gaps event_time_unjudged(const struct event_time *t)
{
    int64_t next_ns = clock_add(t->position_ns, 1);
    if (t->ahead_to_ns == EVENT_TIME_NEVER) return (struct event_time_gaps){0, 0, next_ns};
    int64_t behind_ns = clock_add(t->ahead_to_ns, 1);
    return (struct event_time_gaps){next_ns, t->ahead_from_ns,
                                    next_ns > behind_ns ? next_ns : behind_ns};
}

bool event_time_take_slow(struct event_time *t, int64_t ts_ns, int64_t received_ns, bool replay,
                          int64_t *ret_at_ns)
{
    if (t->position_ns > clock_add(received_ns, EVENT_TIME_SKEW_NS)) pull_back(t, received_ns);
    if (ts_ns > clock_add(received_ns, EVENT_TIME_SKEW_NS)) { /* V2 */
        if (ts_ns <= t->ahead_to_ns) return false;
        add_ahead(t, ts_ns, ts_ns);
        *ret_at_ns = received_ns;
        return true;
    }
    if (ts_ns <= t->position_ns) return false;
    if (replay && ts_ns >= t->ahead_from_ns && ts_ns <= t->ahead_to_ns) return false; /* V3 */
    t->position_ns = ts_ns;
    if (ts_ns >= t->ahead_to_ns) t->ahead_from_ns = t->ahead_to_ns = EVENT_TIME_NEVER;
    *ret_at_ns = ts_ns;
    return true;
}
