#pragma once
/* store/analytics.h -- what an installation does, in numbers that are ready: readings of each hour,
 * devices of each day, and one line about each organisation, over the last 31 days. They are made
 * anew now and then, not while somebody asks.
 *
 *   PostgreSQL   three materialized views, refreshed concurrently (postgres/postgres_analytics.h)
 *   embedded     a pass over the hourly rollups, in memory (analytics_rollups.h)
 *
 * N1  both give the same numbers for the same readings, and they equal a scan at the moment of the
 *     refresh, late readings included; readings are counted once for each series and time.
 * N2  the numbers of one call are of one refresh; refreshed_ns says which.
 * N3  devices that were deleted, and organisations, are left out.
 * Org 0 asks for the whole installation: volume and days are sums, programs are all of them.
 *
 * Threads: any; refresh() waits for nobody and one runs at a time.   Memory: rows are the caller's
 * arena's. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>

enum {
    ANALYTICS_DAYS = 31,         /* before the hour of the refresh */
    ANALYTICS_ROWS_MAX = 1000000 /* of one answer: ERR_LIMIT past it */
};
#define ANALYTICS_WINDOW_NS (ANALYTICS_DAYS * NS_PER_DAY)

/* [hour_ns, hour_ns + 1 h); hours without a reading are left out. */
struct analytics_hour {
    int64_t hour_ns, points, devices, series;
};
/* A UTC day: its first may be cut by the window's beginning. */
struct analytics_day {
    int64_t day_ns, points, devices;
};
/* A device since the time that was asked for: readings, hours and days with any, its newest. */
struct analytics_device {
    int64_t org, device, points, hours, days, last_ns;
};
/* The last day, 7 and 30 days, from the refresh's hour back, and that hour. */
enum analytics_span { ANALYTICS_1D, ANALYTICS_7D, ANALYTICS_30D, ANALYTICS_SPANS };
struct analytics_program {
    int64_t org, users, devices, dashboards, rules, alerts_open;
    int64_t points[ANALYTICS_SPANS];
    int64_t devices_active[ANALYTICS_SPANS]; /* with a reading of that span */
    int64_t users_active[ANALYTICS_SPANS];   /* who logged in last within it */
    int64_t alerts_raised[ANALYTICS_SPANS];
};

struct analytics;
struct analytics_ops {
    /* Makes the numbers anew when something changed since, or always with `force`; budget_ns > 0
     * bounds how long this call works, then *ret_done is false and the next call goes on. ERR_FULL:
     * another thread or server is at it. */
    enum err (*refresh)(struct analytics *, bool force, int64_t budget_ns, bool *ret_done,
                        struct why *why);
    /* Ascending. In [from_ns, to_ns). */
    enum err (*volume)(struct analytics *, int64_t org, int64_t from_ns, int64_t to_ns,
                       struct arena *a, struct analytics_hour **ret, size_t *ret_n);
    enum err (*days)(struct analytics *, int64_t org, int64_t from_ns, int64_t to_ns,
                     struct arena *a, struct analytics_day **ret, size_t *ret_n);
    /* By device; of days that begin at or after since_ns. */
    enum err (*devices)(struct analytics *, int64_t org, int64_t since_ns, struct arena *a,
                        struct analytics_device **ret, size_t *ret_n);
    /* By organisation. */
    enum err (*programs)(struct analytics *, int64_t org, struct arena *a,
                         struct analytics_program **ret, size_t *ret_n);
    /* Of the last refresh that is to be seen; 0: none yet, then every answer is empty. */
    enum err (*refreshed)(struct analytics *, int64_t *ret_ns);
    void (*close)(struct analytics *); /* NULL is fine */
};
struct analytics {
    const struct analytics_ops *ops;
};

static inline enum err analytics_refresh(struct analytics *a, bool force, int64_t budget_ns,
                                         bool *ret_done, struct why *why)
{
    return a->ops->refresh(a, force, budget_ns, ret_done, why);
}
static inline enum err analytics_volume(struct analytics *a, int64_t org, int64_t from_ns,
                                        int64_t to_ns, struct arena *arena,
                                        struct analytics_hour **ret, size_t *ret_n)
{
    return a->ops->volume(a, org, from_ns, to_ns, arena, ret, ret_n);
}
static inline enum err analytics_days(struct analytics *a, int64_t org, int64_t from_ns,
                                      int64_t to_ns, struct arena *arena,
                                      struct analytics_day **ret, size_t *ret_n)
{
    return a->ops->days(a, org, from_ns, to_ns, arena, ret, ret_n);
}
static inline enum err analytics_devices(struct analytics *a, int64_t org, int64_t since_ns,
                                         struct arena *arena, struct analytics_device **ret,
                                         size_t *ret_n)
{
    return a->ops->devices(a, org, since_ns, arena, ret, ret_n);
}
static inline enum err analytics_programs(struct analytics *a, int64_t org, struct arena *arena,
                                          struct analytics_program **ret, size_t *ret_n)
{
    return a->ops->programs(a, org, arena, ret, ret_n);
}
static inline enum err analytics_refreshed(struct analytics *a, int64_t *ret_ns)
{
    return a->ops->refreshed(a, ret_ns);
}
static inline void analytics_close(struct analytics *a)
{
    if (a) a->ops->close(a);
}
