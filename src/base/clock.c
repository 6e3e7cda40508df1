/* Time as a parameter (see clock.h). */
#include "base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t real_wall(const struct clock *c)
{
    (void)c;
    return read_clock(CLOCK_REALTIME);
}

static int64_t real_mono(const struct clock *c)
{
    (void)c;
    return read_clock(CLOCK_MONOTONIC);
}

const struct clock *clock_real(void)
{
    static const struct clock real = {real_wall, real_mono};
    return &real;
}

static int64_t fake_wall(const struct clock *c)
{
    return atomic_load(&((const struct clock_fake *)c)->wall);
}

static int64_t fake_mono(const struct clock *c)
{
    return atomic_load(&((const struct clock_fake *)c)->mono);
}

void clock_fake_init(struct clock_fake *f, int64_t wall_ns)
{
    f->clock = (struct clock){fake_wall, fake_mono};
    atomic_init(&f->wall, wall_ns);
    atomic_init(&f->mono, 0);
}

void clock_fake_advance(struct clock_fake *f, int64_t ns)
{
    atomic_fetch_add(&f->wall, ns);
    atomic_fetch_add(&f->mono, ns);
}
