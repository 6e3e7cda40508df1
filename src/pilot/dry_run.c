/* What a plan would have refused (see dry_run.h). */
#include "pilot/dry_run.h"

#include "base/clock.h"
#include "store/catalog_usage.h"
#include "store/limits.h"

/* Hours come in order; days has room for all. */
static struct dry_run_day *day_of(struct dry_run_line *l, const struct usage_hour *h)
{
    int64_t day = h->hour / 24;
    if (!l->day_count || l->days[l->day_count - 1].day != day)
        l->days[l->day_count++] = (struct dry_run_day){.day = day};
    return &l->days[l->day_count - 1];
}

/* One hour more of a day. */
static void add_hour(struct dry_run_line *l, const struct usage_hour *h)
{
    struct dry_run_day *d = day_of(l, h);
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

static void add_rate_hour(struct dry_run_line *l, const struct usage_hour *h)
{
    struct dry_run_day *d = day_of(l, h);
    d->used += h->used;
    l->used += h->used;
    if (h->busiest_minute > l->busiest_minute) l->busiest_minute = h->busiest_minute;
    if (h->busiest_minute <= l->max) return;
    if (!d->reached_hour) d->reached_hour = h->hour;
    d->refused += h->busiest_minute - l->max;
    l->refused += h->busiest_minute - l->max;
}

static enum err fill_rate(struct sql_tx *tx, int64_t org, struct dry_run_line *l, int64_t from,
                          int64_t to, struct arena *a)
{
    struct usage_hour *hours = NULL;
    size_t n = 0;
    enum err e = catalog_usage_rate_hours(tx, org, l->limit, from, to, a, &hours, &n);
    if (e) return e;
    l->days = arena_array(a, (size_t)(to - from) / 24 + 2, sizeof *l->days);
    if (!l->days) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) add_rate_hour(l, &hours[i]);
    return ERR_OK;
}

enum err dry_run(struct sql_tx *tx, int64_t org, const struct dry_run_plan *plan, int64_t now_ns,
                 int64_t days, struct arena *a, struct dry_run_line ret[DRY_RUN_LINES],
                 size_t *ret_n)
{
    struct usage_hour *hours = NULL;
    size_t hour_count = 0, n = 0;
    const int64_t today = now_ns / NS_PER_DAY, from = (today - days + 1) * 24, to = today * 24 + 23;
    enum err e = catalog_usage_hours(tx, org, from, to, a, &hours, &hour_count);
    for (int i = LIMIT_USERS; i < LIMITS && !e; i++) {
        if (!plan->max[i]) continue;
        struct dry_run_line *l = &ret[n++];
        const enum limit what = (enum limit)i;
        *l = (struct dry_run_line){.what = what, .limit = limit_key(what), .max = plan->max[i]};
        e = i < LIMIT_DAILY_FIRST ? fill_count(tx, org, l)
                                  : fill_daily(l, hours, hour_count, days, a);
    }
    for (int i = 0; i < RATE_KINDS && !e; i++) {
        if (!plan->rate[i]) continue;
        struct dry_run_line *l = &ret[n++];
        *l = (struct dry_run_line){
            .what = LIMITS, .limit = rates_key((enum rate_kind)i), .max = plan->rate[i]};
        e = fill_rate(tx, org, l, from, to, a);
    }
    *ret_n = n;
    return e;
}
