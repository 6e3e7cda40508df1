/* A store over a store (see cached_telemetry.h).
 *
 *   rollups:  from ──cached days──┤ a minute after the last ended hour ├──from below── to
 *
 * "Now" is the latest wall time that any call has seen, so that a clock that steps back opens no
 * hour again. Reader: moves it, reads the generation, reads below. Writer: writes below, reads it,
 * advances the generation if the hour had ended by then. In the one order of these atomics either
 * the writer sees the reader's time and advances, or the reader reads behind the write. */
#include "query/cached_telemetry.h"

#include "base/mem.h"
#include "cache/generations.h"

#include <stdatomic.h>

enum { DAY_HOURS = 24, DAYS_AT_ONCE = 32 };
#define SETTLE_NS (60 * NS_PER_S)
#define REACH_NS  (3 * 366 * NS_PER_DAY)
#define WAIT_NS   (10 * NS_PER_S) /* for another's flight; then the store is asked */

struct cached {
    struct telemetry base;
    struct telemetry_ops ops;
    struct telemetry *below;
    struct cache *cache;
    const struct clock *clock;
    _Atomic int64_t seen_ns;
};

/* What an entry is called: hours says how many of the day had ended when it was made. */
struct day_name {
    int64_t device, series, day, hours;
};

/* One call's days and where their rollups go. */
struct fetch {
    struct cached *t;
    const struct scan_range *range; /* whole hours, all ended */
    struct cache_item items[DAYS_AT_ONCE];
    struct day_name names[DAYS_AT_ONCE];
    size_t n;
    struct rollup *ret;
    size_t cap, ret_n;
    struct rollup *room; /* DAYS_AT_ONCE * DAY_HOURS; made when the store is asked */
};

static struct cached *cached_of(struct telemetry *t)
{
    return (struct cached *)(void *)t;
}

static int64_t floor_to(int64_t ns, int64_t unit)
{
    int64_t rest = ns % unit;
    if (rest < 0) rest += unit;
    return ns < INT64_MIN + rest ? INT64_MIN : ns - rest;
}

static int64_t move_now(struct cached *t)
{
    int64_t now = clock_wall_ns(t->clock), seen = atomic_load(&t->seen_ns);
    while (seen < now && !atomic_compare_exchange_weak(&t->seen_ns, &seen, now)) continue;
    return seen < now ? now : seen;
}

static uint32_t day_slot(int64_t org, int64_t series, int64_t day)
{
    return generations_slot(org, series, day);
}

uint32_t cached_telemetry_device_slot(int64_t org, int64_t device)
{
    return generations_slot(org, device, 0);
}

/* --- reading ---------------------------------------------------------------------------------- */

static enum err give(struct fetch *f, const struct rollup *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].hour_ns < f->range->from_ns || rows[i].hour_ns >= f->range->to_ns) continue;
        if (f->ret_n == f->cap) return ERR_TOOLARGE;
        f->ret[f->ret_n++] = rows[i];
    }
    return ERR_OK;
}

static struct scan_range range_of_days(const struct fetch *f, size_t first, size_t end)
{
    struct scan_range r = *f->range;
    const struct day_name *last = &f->names[end - 1];
    r.from_ns = f->names[first].day * NS_PER_DAY;
    r.to_ns = last->day * NS_PER_DAY + last->hours * NS_PER_HOUR;
    return r;
}

/* Days [first, end) from below, in one call, into the cache; *ret: all their rollups. */
static enum err make_days(struct fetch *f, size_t first, size_t end, size_t *ret)
{
    if (!f->room) f->room = mem_array(DAYS_AT_ONCE * DAY_HOURS, sizeof *f->room);
    if (!f->room) return ERR_NOMEM;
    const struct scan_range range = range_of_days(f, first, end);
    enum err e = telemetry_rollups(f->t->below, &range, f->room, DAYS_AT_ONCE * DAY_HOURS, ret);
    size_t at = 0;
    for (size_t i = first; i < end && !e; i++) {
        size_t from = at;
        int64_t day_end = (f->names[i].day + 1) * NS_PER_DAY;
        while (at < *ret && f->room[at].hour_ns < day_end) at++;
        struct bytes rows = bytes_of(f->room + from, (at - from) * sizeof *f->room);
        if (cache_item_is_mine(&f->items[i])) cache_fill(f->t->cache, &f->items[i], rows);
        f->items[i].found = CACHE_HIT; /* its flight is over */
    }
    return e;
}

/* A day that is in hand; that somebody else makes, or that is not there at all. */
static enum err give_day(struct fetch *f, size_t i)
{
    struct cache_item *item = &f->items[i];
    if (item->found == CACHE_FLYING) cache_await(f->t->cache, item, WAIT_NS);
    if (item->value) {
        struct bytes v = cache_value_bytes(item->value);
        return give(f, (const struct rollup *)(const void *)v.p, v.n / sizeof(struct rollup));
    }
    size_t n = 0;
    enum err e = make_days(f, i, i + 1, &n);
    return e ? e : give(f, f->room, n);
}

static bool must_be_made(const struct fetch *f, size_t i)
{
    return f->items[i].found == CACHE_LEAD;
}

static enum err give_all(struct fetch *f)
{
    enum err e = ERR_OK;
    for (size_t i = 0, end; i < f->n && !e; i = end) {
        size_t n = 0;
        for (end = i; end < f->n && must_be_made(f, end);) end++;
        if (end > i) {
            e = make_days(f, i, end, &n);
            if (!e) e = give(f, f->room, n);
            continue;
        }
        end = i + 1;
        /* chosen to renew: from below, and the others go on reading what was there */
        if (f->items[i].found == CACHE_RENEW) cache_item_done(&f->items[i]);
        e = give_day(f, i);
    }
    return e;
}

/* The cached days of [from, to), at most DAYS_AT_ONCE of them; *at moves to the end of the last. */
static enum err fetch_days(struct fetch *f, int64_t *at, int64_t ended_ns)
{
    f->n = 0;
    for (; *at < f->range->to_ns && f->n < DAYS_AT_ONCE; f->n++) {
        struct day_name *name = &f->names[f->n];
        int64_t day = floor_to(*at, NS_PER_DAY), next = clock_add(day, NS_PER_DAY);
        int64_t end = next < ended_ns ? next : ended_ns;
        *name = (struct day_name){f->range->device, f->range->series, day / NS_PER_DAY,
                                  (end - day) / NS_PER_HOUR};
        f->items[f->n] = cache_item_of(CACHE_ANALYTICS, f->range->org, bytes_of(name, sizeof *name),
                                       day_slot(f->range->org, f->range->series, name->day));
        *at = next;
    }
    cache_look(f->t->cache, f->items, f->n);
    enum err e = give_all(f);
    for (size_t i = 0; i < f->n; i++) {
        if (cache_item_is_mine(&f->items[i])) cache_give_up(f->t->cache, &f->items[i]);
        cache_item_done(&f->items[i]);
    }
    return e;
}

/* Some hours that are read once cost less from below than a day's worth. */
static enum err read_ended(struct cached *t, const struct scan_range *range, int64_t ended_ns,
                           struct rollup *ret, size_t cap, size_t *ret_n)
{
    struct fetch *f = mem_zalloc(sizeof *f);
    if (!f) return ERR_NOMEM;
    f->t = t;
    f->range = range;
    f->ret = ret;
    f->cap = cap;
    enum err e = ERR_OK;
    for (int64_t at = range->from_ns; at < range->to_ns && !e;) e = fetch_days(f, &at, ended_ns);
    if (!e) *ret_n = f->ret_n;
    mem_free(f->room);
    mem_free(f);
    return e;
}

/* The first whole hour at or after ns. */
static int64_t hour_after(int64_t ns)
{
    int64_t hour = floor_to(ns, NS_PER_HOUR);
    return hour < ns ? clock_add(hour, NS_PER_HOUR) : hour;
}

/* What lies further back than dashboards reach is read rarely, and its days may be empty for
 * centuries: below knows what there is. */
static bool is_cached(const struct scan_range *r, int64_t ended_ns)
{
    return r->from_ns < ended_ns && r->from_ns > ended_ns - REACH_NS;
}

static enum err cached_rollups(struct telemetry *base, const struct scan_range *range,
                               struct rollup *ret, size_t cap, size_t *ret_n)
{
    struct cached *t = cached_of(base);
    struct scan_range ended = *range, open = *range;
    int64_t ended_ns = floor_to(move_now(t) - SETTLE_NS, NS_PER_HOUR);
    if (!is_cached(range, ended_ns)) return telemetry_rollups(t->below, range, ret, cap, ret_n);
    ended.from_ns = hour_after(range->from_ns);
    ended.to_ns = floor_to(range->to_ns, NS_PER_HOUR);
    if (ended.to_ns > ended_ns) ended.to_ns = ended_ns;
    size_t n = 0, more = 0;
    enum err e = ERR_OK;
    if (ended.from_ns < ended.to_ns) e = read_ended(t, &ended, ended_ns, ret, cap, &n);
    if (ended.from_ns < ended.to_ns) open.from_ns = ended.to_ns;
    if (!e && open.to_ns - open.from_ns >= NS_PER_HOUR)
        e = telemetry_rollups(t->below, &open, ret + n, cap - n, &more);
    if (!e) *ret_n = n + more;
    return e;
}

/* --- changing --------------------------------------------------------------------------------- */

typedef void note_fn(struct cache *c, enum cache_id cache, uint32_t slot);

static void note_late(struct cached *t, const struct record_set *set, const struct record *r,
                      note_fn *note)
{
    int64_t day = floor_to(r->ts_ns, NS_PER_DAY) / NS_PER_DAY;
    for (uint32_t i = 0; i < r->count; i++) {
        int64_t series = set->points[r->first + i].series;
        note(t->cache, CACHE_ANALYTICS, day_slot(r->org, series, day));
    }
}

static void note_set(struct cached *t, const struct record_set *set, int64_t seen_ns, note_fn *note)
{
    int64_t device = 0;
    for (size_t i = 0; i < set->record_count; i++) {
        const struct record *r = &set->records[i];
        if (!i || r->device != device)
            note(t->cache, CACHE_QUERIES, cached_telemetry_device_slot(r->org, r->device));
        device = r->device;
        if (clock_add(floor_to(r->ts_ns, NS_PER_HOUR), NS_PER_HOUR) <= seen_ns)
            note_late(t, set, r, note);
    }
}

/* A write that failed may still be seen (T2), so its generations advance too. */
static enum err cached_write(struct telemetry *base, const struct record_set *const *sets, size_t n,
                             struct why *why)
{
    struct cached *t = cached_of(base);
    enum err e = telemetry_write(t->below, sets, n, why);
    int64_t seen_ns = atomic_load(&t->seen_ns);
    for (size_t i = 0; i < n; i++) note_set(t, sets[i], seen_ns, cache_changed);
    return e;
}

/* Another server's write is visible before it is heard of, as ours is before it is acknowledged. */
static void cached_heard(struct telemetry *base, const struct record_set *set)
{
    struct cached *t = cached_of(base);
    t->below->ops->heard(t->below, set);
    note_set(t, set, atomic_load(&t->seen_ns), cache_heard);
}

static enum err cached_reread(struct telemetry *base)
{
    struct cached *t = cached_of(base);
    enum err e = t->below->ops->reread(t->below);
    cache_heard_all(t->cache, CACHE_ANALYTICS);
    cache_heard_all(t->cache, CACHE_QUERIES);
    return e;
}

static void change_all(struct cached *t)
{
    cache_changed_all(t->cache, CACHE_ANALYTICS);
    cache_changed_all(t->cache, CACHE_QUERIES);
}

static enum err cached_retain(struct telemetry *base, int64_t org, int64_t raw_cutoff_ns,
                              int64_t rollup_cutoff_ns, uint64_t *ret_points)
{
    struct cached *t = cached_of(base);
    enum err e = telemetry_retain(t->below, org, raw_cutoff_ns, rollup_cutoff_ns, ret_points);
    if (raw_cutoff_ns > INT64_MIN || rollup_cutoff_ns > INT64_MIN) change_all(t);
    return e;
}

static enum err cached_purge_device(struct telemetry *base, int64_t org, int64_t device)
{
    struct cached *t = cached_of(base);
    enum err e = telemetry_purge_device(t->below, org, device);
    change_all(t);
    return e;
}

/* --- passed through --------------------------------------------------------------------------- */

static enum err cached_scan_open(struct telemetry *base, const struct scan_range *range,
                                 struct scan_cursor **ret)
{
    return telemetry_scan_open(cached_of(base)->below, range, ret);
}

static enum err cached_latest(struct telemetry *base, int64_t org, const int64_t *series, size_t n,
                              struct sample *ret)
{
    return telemetry_latest(cached_of(base)->below, org, series, n, ret);
}

static enum err cached_totals(struct telemetry *base, int64_t org, int64_t from_ns, int64_t to_ns,
                              struct series_total *totals, size_t n)
{
    return telemetry_totals(cached_of(base)->below, org, from_ns, to_ns, totals, n);
}

static enum err cached_seal(struct telemetry *base)
{
    return telemetry_seal(cached_of(base)->below);
}

static enum err cached_maintain(struct telemetry *base)
{
    return telemetry_maintain(cached_of(base)->below);
}

static void cached_read_stats(struct telemetry *base, struct telemetry_stats *ret)
{
    telemetry_read_stats(cached_of(base)->below, ret);
}

/* A copy reads what is below; nobody fills a store that is in use, so there is no adopt. */
static enum err cached_edges(struct telemetry *base, int64_t org, int64_t *ret_raw_ns,
                             int64_t *ret_rollup_ns)
{
    struct telemetry *below = cached_of(base)->below;
    return below->ops->edges(below, org, ret_raw_ns, ret_rollup_ns);
}

static enum err cached_records_open(struct telemetry *base, const struct scan_range *range,
                                    struct scan_cursor **ret)
{
    struct telemetry *below = cached_of(base)->below;
    return below->ops->records_open(below, range, ret);
}

static void cached_close(struct telemetry *base)
{
    if (!base) return;
    struct cached *t = cached_of(base);
    telemetry_close(t->below);
    mem_free(t);
}

enum err cached_telemetry_new(struct telemetry **ret, struct telemetry *below, struct cache *cache,
                              const struct clock *clock)
{
    struct cached *t = mem_zalloc(sizeof *t);
    if (!t) return ERR_NOMEM;
    t->ops = (struct telemetry_ops){
        .name = below->ops->name,
        .writers = below->ops->writers,
        .remote = below->ops->remote,
        .over = true,
        .write = cached_write,
        .scan_open = cached_scan_open,
        .scan_next = below->ops->scan_next,
        .scan_close = below->ops->scan_close,
        .latest = cached_latest,
        .rollups = cached_rollups,
        .totals = below->ops->totals ? cached_totals : NULL,
        .retain = cached_retain,
        .purge_device = cached_purge_device,
        .seal = cached_seal,
        .maintain = cached_maintain,
        .read_stats = cached_read_stats,
        .heard = below->ops->heard ? cached_heard : NULL,
        .reread = below->ops->reread ? cached_reread : NULL,
        .close = cached_close,
        .edges = below->ops->edges ? cached_edges : NULL,
        .records_open = below->ops->records_open ? cached_records_open : NULL,
        .records_next = below->ops->records_next,
        .records_close = below->ops->records_close,
    };
    t->base.ops = &t->ops;
    t->below = below;
    t->cache = cache;
    t->clock = clock;
    atomic_init(&t->seen_ns, INT64_MIN);
    *ret = &t->base;
    return ERR_OK;
}
