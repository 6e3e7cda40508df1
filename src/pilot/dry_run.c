/* What a plan would have refused (see dry_run.h). */
#include "pilot/dry_run.h"

#include "base/clock.h"
#include "store/catalog_usage.h"
#include "store/limits.h"

/* One hour more of a day. */
static void add_hour(struct dry_run_line *l, const struct usage_hour *h)
{
    int64_t day = h->hour / 24;
    if (!l->day_count || l->days[l->day_count - 1].day != day)
        l->days[l->day_count++] = (struct dry_run_day){.day = day};
    struct dry_run_day *d = &l->days[l->day_count - 1];
    bool was_within = d->used <= l->max;
    d->used += h->used;
    l->used += h->used;
    if (d->used <= l->max) return;
    if (was_within) d->reached_hour = h->hour;
    l->refused += d->used - l->max - d->refused;
    d->refused = d->used - l->max;
}

static enum err fill_daily(struct dry_run_line *l, const struct usage_hour *hours, size_t n,
                           int64_t days, struct arena *a)
{
    l->days = arena_array(a, (size_t)days + 2, sizeof *l->days);
    if (!l->days) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        if (hours[i].what == l->what) add_hour(l, &hours[i]);
    return ERR_OK;
}

static enum err fill_count(struct sql_tx *tx, int64_t org, struct dry_run_line *l)
{
    enum err e = limits_count(tx, org, l->what, &l->used);
    if (!e && l->used > l->max) l->refused = l->used - l->max;
    return e;
}

enum err dry_run(struct sql_tx *tx, int64_t org, const int64_t max[LIMITS], int64_t now_ns,
                 int64_t days, struct arena *a, struct dry_run_line ret[LIMITS], size_t *ret_n)
{
    struct usage_hour *hours = NULL;
    size_t hour_count = 0, n = 0;
    int64_t today = now_ns / NS_PER_DAY;
    enum err e = catalog_usage_hours(tx, org, (today - days + 1) * 24, today * 24 + 23, a, &hours,
                                     &hour_count);
    for (int i = LIMIT_USERS; i < LIMITS && !e; i++) {
        if (!max[i]) continue;
        struct dry_run_line *l = &ret[n++];
        *l = (struct dry_run_line){.what = (enum limit)i, .max = max[i]};
        e = i < LIMIT_DAILY_FIRST ? fill_count(tx, org, l)
                                  : fill_daily(l, hours, hour_count, days, a);
    }
    *ret_n = n;
    return e;
}
