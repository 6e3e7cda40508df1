/* Numbers that are ready, from hourly rollups (see analytics_rollups.h).
 *
 *   pass:  for each alive device, for each of its series: rollups of the window
 *            ──> hours of the device ──> hours of its organisation (one array), days of the device
 *          at the end: sort the days, ask the catalog about the organisations, swap            */
#include "store/analytics_rollups.h"

#include "base/map.h"
#include "base/mem.h"
#include "store/catalog_rows.h"
#include "store/registry.h"
#include "store/rollup_math.h"
#include "store/telemetry.h"
#include "sys/lock.h"

#include <stdlib.h>

enum {
    HOURS = (ANALYTICS_DAYS + 1) * 24 + 1, /* readings may be a day ahead; and the hour itself */
    PROGRAMS_MAX = 100000,
    PROGRAMS_BYTES_MAX = 64 << 20,
    LOOK_AT_CLOCK = 8 /* devices between two looks at the clock */
};

struct org_hours {
    uint64_t org; /* the key of the map */
    struct analytics_hour hours[HOURS];
};
struct device_day {
    int64_t org, device, day_ns, points, hours, last_ns;
};

/* The numbers of one pass. */
struct numbers {
    int64_t now_ns, hour_ns;
    struct map orgs; /* org -> struct org_hours, owned */
    struct device_day *days;
    size_t day_count, day_cap;
    struct analytics_program *programs;
    size_t program_count;
};

struct analytics_rollups {
    struct analytics base; /* first */
    struct analytics_rollups_opts opts;
    struct rwlock lock; /* guards `ready`, and is held while answers are copied from it */
    struct numbers *ready;
    _Atomic bool busy;       /* a refresh is under way; whoever set it owns what follows */
    struct numbers *next;    /* of the pass under way, or NULL */
    struct reg_device *at;   /* its last device */
    uint64_t written, noted; /* points when the pass began; when the one before did */
    struct rollup *rollups;  /* HOURS of them */
};

static struct analytics_rollups *of(struct analytics *a)
{
    return (struct analytics_rollups *)a;
}

static void free_numbers(struct numbers *n)
{
    if (!n) return;
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&n->orgs, &at));) mem_free(slot->value);
    map_done(&n->orgs);
    mem_free(n->days);
    mem_free(n->programs);
    mem_free(n);
}

/* --- a pass over the devices ------------------------------------------------------------------ */

static int64_t window_from(const struct numbers *n)
{
    return n->hour_ns - ANALYTICS_WINDOW_NS;
}

static struct org_hours *hours_of(struct numbers *n, int64_t org)
{
    uint64_t key = (uint64_t)org;
    struct org_hours *h = map_get(&n->orgs, map_u64(&key));
    if (h || !(h = mem_zalloc(sizeof *h))) return h;
    h->org = key;
    for (int i = 0; i < HOURS; i++) h->hours[i].hour_ns = window_from(n) + i * NS_PER_HOUR;
    if (!map_put(&n->orgs, map_u64(&h->org), h)) return h;
    mem_free(h);
    return NULL;
}

static struct device_day *day_of(struct numbers *n, const struct reg_device *d, int64_t hour_ns)
{
    int64_t day_ns = hour_ns - hour_ns % NS_PER_DAY;
    struct device_day *last = n->day_count ? &n->days[n->day_count - 1] : NULL;
    if (last && last->device == d->id && last->day_ns == day_ns) return last;
    if (n->day_count == n->day_cap) {
        size_t cap = n->day_cap ? n->day_cap * 2 : 1024;
        struct device_day *grown = mem_realloc(n->days, cap * sizeof *grown);
        if (!grown) return NULL;
        n->days = grown;
        n->day_cap = cap;
    }
    last = &n->days[n->day_count++];
    *last = (struct device_day){d->org, d->id, day_ns, 0, 0, INT64_MIN};
    return last;
}

struct device_hour {
    int64_t points, series, last_ns;
};

static enum err add_device(struct numbers *n, const struct reg_device *d,
                           const struct device_hour *hours)
{
    struct org_hours *sums = NULL;
    for (int i = 0; i < HOURS; i++) {
        if (!hours[i].points) continue;
        if (!sums && !(sums = hours_of(n, d->org))) return ERR_NOMEM;
        struct device_day *day = day_of(n, d, sums->hours[i].hour_ns);
        if (!day) return ERR_NOMEM;
        day->points += hours[i].points;
        day->hours++;
        if (hours[i].last_ns > day->last_ns) day->last_ns = hours[i].last_ns;
        sums->hours[i].points += hours[i].points;
        sums->hours[i].series += hours[i].series;
        sums->hours[i].devices++;
    }
    return ERR_OK;
}

static enum err read_series(struct analytics_rollups *a, const struct reg_device *d,
                            const struct reg_variable *v, struct device_hour *hours)
{
    const int64_t from_ns = window_from(a->next);
    const struct scan_range range = {d->org, d->id, v->id, from_ns, from_ns + HOURS * NS_PER_HOUR,
                                     false};
    size_t n = 0;
    enum err e = telemetry_rollups(a->opts.telemetry, &range, a->rollups, HOURS, &n);
    for (size_t i = 0; i < n && !e; i++) {
        struct device_hour *h = &hours[(a->rollups[i].hour_ns - from_ns) / NS_PER_HOUR];
        h->points += (int64_t)a->rollups[i].count;
        h->series++;
        if (h->series == 1 || a->rollups[i].last_ns > h->last_ns)
            h->last_ns = a->rollups[i].last_ns;
    }
    return e;
}

static enum err look_at(struct analytics_rollups *a, struct reg_device *d)
{
    struct device_hour hours[HOURS] = {{0}};
    enum err e = ERR_OK;
    struct reg_variable *v = atomic_load_explicit(&d->variables, memory_order_acquire);
    for (; v && !e; v = atomic_load_explicit(&v->next, memory_order_acquire))
        e = read_series(a, d, v, hours);
    return e ? e : add_device(a->next, d, hours);
}

/* --- the end of a pass ------------------------------------------------------------------------ */

static int compare_days(const void *x, const void *y)
{
    const struct device_day *a = x, *b = y;
    if (a->org != b->org) return a->org < b->org ? -1 : 1;
    if (a->device != b->device) return a->device < b->device ? -1 : 1;
    return (a->day_ns > b->day_ns) - (a->day_ns < b->day_ns);
}

static void read_program(struct catalog_reader *r, void *item)
{
    struct analytics_program *p = item;
    *p = (struct analytics_program){.org = catalog_rows_int(r)};
    p->users = catalog_rows_int(r);
    p->devices = catalog_rows_int(r);
    p->dashboards = catalog_rows_int(r);
    p->rules = catalog_rows_int(r);
    p->alerts_open = catalog_rows_int(r);
    for (int i = 0; i < ANALYTICS_SPANS; i++) p->users_active[i] = catalog_rows_int(r);
    for (int i = 0; i < ANALYTICS_SPANS; i++) p->alerts_raised[i] = catalog_rows_int(r);
}

static enum err read_programs(struct analytics_rollups *a, struct arena *arena,
                              struct analytics_program **ret, size_t *ret_n)
{
    static const char sql[] =
        "SELECT o.id,"
        " (SELECT count(*) FROM users x WHERE x.org = o.id AND x.deleted_ns = 0),"
        " (SELECT count(*) FROM devices x WHERE x.org = o.id AND x.deleted_ns = 0),"
        " (SELECT count(*) FROM dashboards x WHERE x.org = o.id),"
        " (SELECT count(*) FROM rules x WHERE x.org = o.id),"
        " (SELECT count(*) FROM alerts x WHERE x.org = o.id AND x.resolved_ns = 0),"
        " (SELECT count(*) FROM users x WHERE x.org = o.id AND x.deleted_ns = 0"
        "  AND x.last_login_ns >= $1),"
        " (SELECT count(*) FROM users x WHERE x.org = o.id AND x.deleted_ns = 0"
        "  AND x.last_login_ns >= $2),"
        " (SELECT count(*) FROM users x WHERE x.org = o.id AND x.deleted_ns = 0"
        "  AND x.last_login_ns >= $3),"
        " (SELECT count(*) FROM alerts x WHERE x.org = o.id AND x.raised_ns >= $1),"
        " (SELECT count(*) FROM alerts x WHERE x.org = o.id AND x.raised_ns >= $2),"
        " (SELECT count(*) FROM alerts x WHERE x.org = o.id AND x.raised_ns >= $3) "
        "FROM organizations o WHERE o.deleted_ns = 0 ORDER BY o.id";
    int64_t now = a->next->now_ns;
    struct sql_tx *tx;
    void *rows = NULL;
    enum err e = sql_begin(a->opts.db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_rows_all(tx, sql,
                         SQL_ARGS(SQL_I(now - NS_PER_DAY), SQL_I(now - 7 * NS_PER_DAY),
                                  SQL_I(now - 30 * NS_PER_DAY)),
                         arena, read_program, sizeof **ret, PROGRAMS_MAX, &rows, ret_n);
    *ret = rows;
    return sql_end(tx, e);
}

static const int64_t span_ns[ANALYTICS_SPANS] = {NS_PER_DAY, 7 * NS_PER_DAY, 30 * NS_PER_DAY};

/* Readings and devices of an organisation; its days begin at *at. */
static void add_readings(const struct numbers *n, struct analytics_program *p, size_t *at)
{
    uint64_t key = (uint64_t)p->org;
    const struct org_hours *h = map_get(&n->orgs, map_u64(&key));
    for (int i = 0; h && i < HOURS; i++)
        for (int k = 0; k < ANALYTICS_SPANS; k++)
            if (h->hours[i].hour_ns >= n->hour_ns - span_ns[k]) p->points[k] += h->hours[i].points;
    while (*at < n->day_count && n->days[*at].org < p->org) ++*at;
    while (*at < n->day_count && n->days[*at].org == p->org) {
        const struct device_day *d = &n->days[*at];
        int64_t last_ns = INT64_MIN;
        for (; *at < n->day_count && n->days[*at].device == d->device; ++*at)
            if (n->days[*at].last_ns > last_ns) last_ns = n->days[*at].last_ns;
        for (int k = 0; k < ANALYTICS_SPANS; k++)
            if (last_ns >= n->hour_ns - span_ns[k]) p->devices_active[k]++;
    }
}

static enum err take_programs(struct analytics_rollups *a)
{
    struct numbers *n = a->next;
    struct analytics_program *rows = NULL;
    struct arena arena;
    size_t at = 0, count = 0;
    arena_init(&arena, PROGRAMS_BYTES_MAX);
    enum err e = read_programs(a, &arena, &rows, &count);
    if (!e && !(n->programs = mem_array(count ? count : 1, sizeof *rows))) e = ERR_NOMEM;
    for (size_t i = 0; i < count && !e; i++) {
        n->programs[i] = rows[i];
        add_readings(n, &n->programs[i], &at);
    }
    if (!e) n->program_count = count;
    arena_done(&arena);
    return e;
}

/* --- refreshing ------------------------------------------------------------------------------- */

static void end_pass(struct analytics_rollups *a)
{
    free_numbers(a->next);
    a->next = NULL;
    a->at = NULL;
}

static enum err publish(struct analytics_rollups *a)
{
    struct numbers *n = a->next;
    if (n->day_count) qsort(n->days, n->day_count, sizeof *n->days, compare_days);
    enum err e = take_programs(a);
    if (e) return e;
    rwlock_write(&a->lock);
    a->next = a->ready;
    a->ready = n;
    rwlock_release(&a->lock);
    a->noted = a->written;
    return ERR_OK;
}

/* Everything but readings changes rarely, and is seen with the next hour at the latest. */
static bool is_fresh(struct analytics_rollups *a, int64_t hour_ns, uint64_t written)
{
    rwlock_read(&a->lock);
    bool fresh = a->ready && a->ready->hour_ns == hour_ns;
    rwlock_release(&a->lock);
    return fresh && written == a->noted;
}

/* *ret_due false: nothing has changed. */
static enum err begin_pass(struct analytics_rollups *a, bool force, bool *ret_due)
{
    struct telemetry_stats stats;
    int64_t now_ns = clock_wall_ns(a->opts.clock);
    telemetry_read_stats(a->opts.telemetry, &stats);
    a->written = stats.points_written + stats.points_dropped_by_retention;
    *ret_due = force || !is_fresh(a, rollup_hour(now_ns), a->written);
    if (!*ret_due) return ERR_OK;
    if (!(a->next = mem_zalloc(sizeof *a->next))) return ERR_NOMEM;
    map_init(&a->next->orgs, 0);
    a->next->now_ns = now_ns;
    a->next->hour_ns = rollup_hour(now_ns);
    return ERR_OK;
}

static enum err run_pass(struct analytics_rollups *a, bool force, int64_t budget_ns, bool *ret_done)
{
    int64_t until_ns = clock_mono_ns(a->opts.clock) + budget_ns;
    bool due = true;
    enum err e = a->next ? ERR_OK : begin_pass(a, force, &due);
    for (int i = 1; due && !e && (a->at = registry_walk(a->opts.registry, a->at)); i++) {
        if (!atomic_load_explicit(&a->at->deleted_ns, memory_order_relaxed)) e = look_at(a, a->at);
        if (!e && budget_ns && i % LOOK_AT_CLOCK == 0 && clock_mono_ns(a->opts.clock) >= until_ns)
            return ERR_OK; /* *ret_done stays false */
    }
    if (due && !e) e = publish(a);
    end_pass(a);
    if (!e) *ret_done = true;
    return e;
}

static enum err refresh(struct analytics *base, bool force, int64_t budget_ns, bool *ret_done,
                        struct why *why)
{
    struct analytics_rollups *a = of(base);
    if (atomic_exchange(&a->busy, true)) /* acquire: what the last one left is seen */
        return why_say(why, ERR_FULL, "%s", err_sentence(ERR_FULL));
    *ret_done = false;
    if (force && a->next) end_pass(a); /* it began before what the caller wants to see */
    enum err e = run_pass(a, force, budget_ns, ret_done);
    atomic_store(&a->busy, false); /* release */
    return e ? why_say(why, e, "%s", err_sentence(e)) : ERR_OK;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void add_hour(struct analytics_hour *sum, const struct analytics_hour *h)
{
    sum->points += h->points;
    sum->devices += h->devices;
    sum->series += h->series;
}

static enum err volume(struct analytics *base, int64_t org, int64_t from_ns, int64_t to_ns,
                       struct arena *arena, struct analytics_hour **ret, size_t *ret_n)
{
    struct analytics_rollups *a = of(base);
    struct analytics_hour sums[HOURS] = {{0}}, *rows = arena_array(arena, HOURS, sizeof *rows);
    size_t n = 0, at = 0;
    if (!rows) return ERR_NOMEM;
    rwlock_read(&a->lock);
    for (struct map_slot *slot; a->ready && (slot = map_next(&a->ready->orgs, &at));) {
        const struct org_hours *h = slot->value;
        if (org && h->org != (uint64_t)org) continue;
        for (int i = 0; i < HOURS; i++) {
            sums[i].hour_ns = h->hours[i].hour_ns;
            add_hour(&sums[i], &h->hours[i]);
        }
    }
    rwlock_release(&a->lock);
    for (int i = 0; i < HOURS; i++)
        if (sums[i].points && sums[i].hour_ns >= from_ns && sums[i].hour_ns < to_ns)
            rows[n++] = sums[i];
    *ret = rows;
    *ret_n = n;
    return ERR_OK;
}

static enum err days(struct analytics *base, int64_t org, int64_t from_ns, int64_t to_ns,
                     struct arena *arena, struct analytics_day **ret, size_t *ret_n)
{
    enum { DAYS = ANALYTICS_DAYS + 3 };
    struct analytics_rollups *a = of(base);
    struct analytics_day sums[DAYS] = {{0}}, *rows = arena_array(arena, DAYS, sizeof *rows);
    size_t n = 0;
    if (!rows) return ERR_NOMEM;
    rwlock_read(&a->lock);
    for (size_t i = 0; a->ready && i < a->ready->day_count; i++) {
        const struct device_day *d = &a->ready->days[i];
        int64_t first_ns = window_from(a->ready) - window_from(a->ready) % NS_PER_DAY;
        struct analytics_day *sum = &sums[(d->day_ns - first_ns) / NS_PER_DAY];
        if (org && d->org != org) continue;
        sum->day_ns = d->day_ns;
        sum->points += d->points;
        sum->devices++;
    }
    rwlock_release(&a->lock);
    for (int i = 0; i < DAYS; i++)
        if (sums[i].points && sums[i].day_ns >= from_ns && sums[i].day_ns < to_ns)
            rows[n++] = sums[i];
    *ret = rows;
    *ret_n = n;
    return ERR_OK;
}

/* Days are in order of organisation and device. With rows NULL it counts only. */
static size_t fold_devices(const struct numbers *n, int64_t org, int64_t since_ns,
                           struct analytics_device *rows)
{
    size_t count = 0;
    int64_t device = -1;
    for (size_t i = 0; n && i < n->day_count; i++) {
        const struct device_day *d = &n->days[i];
        if ((org && d->org != org) || d->day_ns < since_ns) continue;
        if (d->device != device) {
            if (rows)
                rows[count] = (struct analytics_device){d->org, d->device, 0, 0, 0, INT64_MIN};
            count++;
        }
        device = d->device;
        if (!rows) continue;
        struct analytics_device *r = &rows[count - 1];
        r->points += d->points;
        r->hours += d->hours;
        r->days++;
        if (d->last_ns > r->last_ns) r->last_ns = d->last_ns;
    }
    return count;
}

static enum err devices(struct analytics *base, int64_t org, int64_t since_ns, struct arena *arena,
                        struct analytics_device **ret, size_t *ret_n)
{
    struct analytics_rollups *a = of(base);
    enum err e = ERR_OK;
    rwlock_read(&a->lock);
    size_t n = fold_devices(a->ready, org, since_ns, NULL);
    struct analytics_device *rows = NULL;
    if (n > ANALYTICS_ROWS_MAX)
        e = ERR_LIMIT;
    else if (!(rows = arena_array(arena, n ? n : 1, sizeof *rows)))
        e = ERR_NOMEM;
    else
        fold_devices(a->ready, org, since_ns, rows);
    rwlock_release(&a->lock);
    if (e) return e;
    *ret = rows;
    *ret_n = n;
    return ERR_OK;
}

static enum err programs(struct analytics *base, int64_t org, struct arena *arena,
                         struct analytics_program **ret, size_t *ret_n)
{
    struct analytics_rollups *a = of(base);
    enum err e = ERR_OK;
    size_t n = 0;
    rwlock_read(&a->lock);
    size_t count = a->ready ? a->ready->program_count : 0;
    struct analytics_program *rows = arena_array(arena, count ? count : 1, sizeof *rows);
    if (!rows) e = ERR_NOMEM;
    for (size_t i = 0; i < count && !e; i++)
        if (!org || a->ready->programs[i].org == org) rows[n++] = a->ready->programs[i];
    rwlock_release(&a->lock);
    if (e) return e;
    *ret = rows;
    *ret_n = n;
    return ERR_OK;
}

static enum err refreshed(struct analytics *base, int64_t *ret_ns)
{
    struct analytics_rollups *a = of(base);
    rwlock_read(&a->lock);
    *ret_ns = a->ready ? a->ready->now_ns : 0;
    rwlock_release(&a->lock);
    return ERR_OK;
}

static void close_rollups(struct analytics *base)
{
    struct analytics_rollups *a = of(base);
    end_pass(a);
    free_numbers(a->ready);
    rwlock_done(&a->lock);
    mem_free(a->rollups);
    mem_free(a);
}

enum err analytics_rollups_new(struct analytics **ret, const struct analytics_rollups_opts *opts)
{
    static const struct analytics_ops ops = {
        .refresh = refresh,
        .volume = volume,
        .days = days,
        .devices = devices,
        .programs = programs,
        .refreshed = refreshed,
        .close = close_rollups,
    };
    struct analytics_rollups *a = mem_zalloc(sizeof *a);
    if (!a) return ERR_NOMEM;
    if (!(a->rollups = mem_array(HOURS, sizeof *a->rollups))) {
        mem_free(a);
        return ERR_NOMEM;
    }
    a->base.ops = &ops;
    a->opts = *opts;
    rwlock_init(&a->lock, LOCK_RANK_ANALYTICS);
    *ret = &a->base;
    return ERR_OK;
}
