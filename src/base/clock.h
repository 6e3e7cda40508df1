#pragma once
/* base/clock.h -- time as a parameter. The server hands everybody the real clock, a test one that
 * it moves by hand.   Units: nanoseconds, int64.   Threads: any. */
#include <stdatomic.h>
#include <stdint.h>

#define NS_PER_US     INT64_C(1000)
#define NS_PER_MS     INT64_C(1000000)
#define NS_PER_S      INT64_C(1000000000)
#define NS_PER_MINUTE (60 * NS_PER_S)
#define NS_PER_HOUR   (3600 * NS_PER_S)
#define NS_PER_DAY    (86400 * NS_PER_S)

/* a + b, or the end of time in that direction: instants come from clients, so sums must not
 * wrap. */
static inline int64_t clock_add(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) return b < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

struct clock {
    int64_t (*wall_ns)(const struct clock *); /* since 1970-01-01T00:00:00Z; may jump */
    int64_t (*mono_ns)(const struct clock *); /* never runs backwards */
};

static inline int64_t clock_wall_ns(const struct clock *c)
{
    return c->wall_ns(c);
}
static inline int64_t clock_mono_ns(const struct clock *c)
{
    return c->mono_ns(c);
}

const struct clock *clock_real(void);

/* Stands still until it is moved. */
struct clock_fake {
    struct clock clock; /* hand out &fake.clock */
    _Atomic int64_t wall, mono;
};
void clock_fake_init(struct clock_fake *f, int64_t wall_ns);
void clock_fake_advance(struct clock_fake *f, int64_t ns); /* both */
