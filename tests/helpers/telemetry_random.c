/* R7: random operations on a store and on a model; they never answer differently. A failure
 * prints the seed, the pace and the number of the operation: the same three lead there again. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "telemetry_model.h"
#include "telemetry_suite.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MAX_SETS    3
#define MAX_RECORDS 6
#define MAX_POINTS  24
#define ROLLUPS     64
#define START_NS    (INT64_C(1700000000) * NS_PER_S)

struct world {
    struct telemetry_maker *maker;
    struct telemetry *store;
    struct telemetry_model model;
    struct rnd rnd;
    uint64_t seed, operation;
    int64_t pace_s;
    int64_t now_ns; /* creeps forward */
};

#define MUST(w, condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("%s: seed %" PRIu64 ", pace %" PRId64 ", operation %" PRIu64 ": %s",          \
                     (w)->maker->name, (w)->seed, (w)->pace_s, (w)->operation, #condition);        \
    } while (0)

static int64_t below(struct world *w, int64_t bound)
{
    return (int64_t)rnd_below(&w->rnd, (uint64_t)bound);
}

/* Mostly now, often late, on a grid so that times meet again. */
static int64_t random_time(struct world *w)
{
    int64_t late = rnd_below(&w->rnd, 10) < 7 ? below(w, 60 * w->pace_s) : below(w, 5 * 3600);
    int64_t ts = (w->now_ns / NS_PER_S - late) / w->pace_s * w->pace_s * NS_PER_S;
    return rnd_below(&w->rnd, 4) ? ts : ts + below(w, 4) * 250 * NS_PER_MS;
}

static double random_value(struct world *w)
{
    if (rnd_below(&w->rnd, 20) == 0) return rnd_unit(&w->rnd) * 1e6 - 5e5;
    return (double)(below(w, 20000) - 5000) / 100;
}

/* One set of random records, each of one device, and the same into the model. */
struct random_set {
    struct record records[MAX_RECORDS];
    struct point points[MAX_POINTS];
    struct record_set set;
};

static void make_set(struct world *w, struct random_set *s)
{
    s->set = (struct record_set){s->records, 1 + rnd_below(&w->rnd, MAX_RECORDS), s->points, 0};
    for (size_t r = 0; r < s->set.record_count; r++) {
        size_t device = rnd_below(&w->rnd, MODEL_ORGS * MODEL_DEVICES);
        const struct model_series *first = &w->model.series[device * MODEL_VARIABLES];
        uint32_t count = 1 + (uint32_t)rnd_below(&w->rnd, MODEL_VARIABLES);
        s->records[r] = (struct record){first->org, first->device, random_time(w),
                                        (uint32_t)s->set.point_count, count};
        for (uint32_t p = 0; p < count; p++) {
            size_t series = device * MODEL_VARIABLES + rnd_below(&w->rnd, MODEL_VARIABLES);
            struct sample sample = {s->records[r].ts_ns, random_value(w)};
            s->points[s->set.point_count++] = (struct point){(int64_t)series + 1, sample.value};
            telemetry_model_write(&w->model, series, sample);
        }
    }
}

static void do_write(struct world *w)
{
    static struct random_set sets[MAX_SETS];
    const struct record_set *pointers[MAX_SETS];
    size_t n = 1 + rnd_below(&w->rnd, MAX_SETS);
    struct why why = {""};
    for (size_t i = 0; i < n; i++) {
        make_set(w, &sets[i]);
        pointers[i] = &sets[i].set;
    }
    MUST(w, telemetry_write(w->store, pointers, n, &why) == ERR_OK);
    w->now_ns += below(w, 3) * w->pace_s * NS_PER_S / 2;
}

static const struct model_series *random_series(struct world *w, size_t *ret)
{
    *ret = rnd_below(&w->rnd, MODEL_SERIES);
    return &w->model.series[*ret];
}

/* One range in twenty is everything, the others are at most an hour. */
static struct scan_range random_range(struct world *w, const struct model_series *s)
{
    struct scan_range range = {s->org, s->device, s->series, INT64_MIN, INT64_MAX, false};
    range.descending = rnd_below(&w->rnd, 2);
    if (rnd_below(&w->rnd, 20) == 0) return range;
    range.from_ns = random_time(w) - below(w, 3600) * NS_PER_S;
    range.to_ns = range.from_ns + below(w, 3600) * NS_PER_S;
    return range;
}

static void compare_slice(struct world *w, const struct sample *got, size_t n,
                          const struct sample *want, size_t from, size_t total, bool descending)
{
    for (size_t i = 0; i < n; i++) {
        const struct sample *s = &want[descending ? total - 1 - from - i : from + i];
        MUST(w, got[i].ts_ns == s->ts_ns);
        MUST(w, got[i].value == s->value);
    }
}

static void do_scan(struct world *w)
{
    size_t series, total, at = 0, n;
    const struct model_series *s = random_series(w, &series);
    struct scan_range range = random_range(w, s);
    const struct sample *want =
        telemetry_model_scan(&w->model, series, range.from_ns, range.to_ns, &total);
    if (rnd_below(&w->rnd, 50) == 0) { /* a series of somebody else is an empty one */
        range.org = MODEL_ORGS + 1 - range.org;
        total = 0;
    }
    struct scan_cursor *cursor = NULL;
    const struct sample *got;
    MUST(w, telemetry_scan_open(w->store, &range, &cursor) == ERR_OK);
    enum err e;
    while (!(e = telemetry_scan_next(cursor, &got, &n))) {
        MUST(w, n > 0 && n <= total - at);
        compare_slice(w, got, n, want, at, total, range.descending);
        at += n;
    }
    telemetry_scan_close(cursor);
    MUST(w, e == ERR_END);
    MUST(w, at == total);
}

static void do_latest(struct world *w)
{
    int64_t ids[MODEL_SERIES], org = 1 + below(w, MODEL_ORGS);
    struct sample got[MODEL_SERIES];
    size_t n = 1 + rnd_below(&w->rnd, MODEL_SERIES);
    for (size_t i = 0; i < n; i++) ids[i] = 1 + below(w, MODEL_SERIES);
    MUST(w, telemetry_latest(w->store, org, ids, n, got) == ERR_OK);
    for (size_t i = 0; i < n; i++) {
        const struct model_series *s = &w->model.series[ids[i] - 1];
        bool none = s->org != org || s->n == 0;
        MUST(w, got[i].ts_ns == (none ? INT64_MIN : s->samples[s->n - 1].ts_ns));
        if (!none) MUST(w, got[i].value == s->samples[s->n - 1].value);
    }
}

/* T5: exactly, but sum and m2 within 1e-12 of the size of what was added up. */
static bool rollups_agree(const struct rollup *a, const struct rollup *b)
{
    double most = fmax(fabs(b->min), fabs(b->max)), n = (double)b->count;
    return a->hour_ns == b->hour_ns && a->count == b->count && a->min == b->min &&
           a->max == b->max && a->first == b->first && a->last == b->last &&
           a->first_ns == b->first_ns && a->last_ns == b->last_ns &&
           fabs(a->sum - b->sum) <= 1e-12 * most * n &&
           fabs(a->m2 - b->m2) <= 1e-12 * most * most * n;
}

static void do_rollups(struct world *w)
{
    static struct rollup got[ROLLUPS], want[ROLLUPS];
    size_t series, n = 0;
    const struct model_series *s = random_series(w, &series);
    int64_t from = telemetry_model_hour(random_time(w) - below(w, 6) * NS_PER_HOUR);
    struct scan_range range = {s->org, s->device, s->series, from, from + below(w, 8) * NS_PER_HOUR,
                               false};
    size_t total =
        telemetry_model_rollups(&w->model, series, range.from_ns, range.to_ns, want, ROLLUPS);
    if (total && rnd_below(&w->rnd, 20) == 0) {
        enum err small = telemetry_rollups(w->store, &range, got, total - 1, &n);
        MUST(w, small == ERR_TOOLARGE);
    }
    MUST(w, telemetry_rollups(w->store, &range, got, ROLLUPS, &n) == ERR_OK);
    MUST(w, n == total);
    for (size_t i = 0; i < n; i++) MUST(w, rollups_agree(&got[i], &want[i]));
}

/* What reading one series from `from` to `to` would find, piece by piece. */
static struct stats model_total(struct world *w, size_t series, int64_t from, int64_t to)
{
    static struct rollup hours[ROLLUPS];
    int64_t first = telemetry_model_hour(from), last = telemetry_model_hour(to);
    struct stats stats = {.count = 0};
    size_t n;
    if (first < from) first += NS_PER_HOUR;
    if (last <= first) first = last = to;
    const struct sample *raw = telemetry_model_scan(&w->model, series, from, first, &n);
    for (size_t i = 0; i < n; i++) stats_add(&stats, raw[i]);
    if (first < last) {
        n = telemetry_model_rollups(&w->model, series, first, last, hours, ROLLUPS);
        for (size_t i = 0; i < n; i++) stats_add_rollup(&stats, &hours[i]);
    }
    raw = telemetry_model_scan(&w->model, series, last, to, &n);
    for (size_t i = 0; i < n; i++) stats_add(&stats, raw[i]);
    return stats;
}

static bool totals_agree(const struct stats *a, const struct stats *b)
{
    const struct rollup x = {0,        a->count, stats_sum(a), a->min,      a->max,
                             a->first, a->last,  a->m2,        a->first_ns, a->last_ns};
    const struct rollup y = {0,        b->count, stats_sum(b), b->min,      b->max,
                             b->first, b->last,  b->m2,        b->first_ns, b->last_ns};
    return a->count == b->count && (!a->count || rollups_agree(&x, &y));
}

/* Some series of one organisation at once, of a store that has such a call. */
static void do_totals(struct world *w)
{
    struct series_total totals[MODEL_SERIES];
    int64_t org = 1 + below(w, MODEL_ORGS), from = random_time(w) - below(w, 5 * 3600) * NS_PER_S;
    int64_t to = from + 1 + below(w, 6 * 3600) * NS_PER_S;
    size_t n = 0;
    for (size_t i = 0; i < MODEL_SERIES; i++) {
        const struct model_series *s = &w->model.series[i];
        if (s->org != org || rnd_below(&w->rnd, 3) == 0) continue;
        totals[n++] = (struct series_total){s->device, s->series, {.count = 0}};
    }
    enum err e = telemetry_totals(w->store, org, from, to, totals, n);
    if (e == ERR_NOTFOUND) return;
    MUST(w, e == ERR_OK);
    for (size_t i = 0; i < n; i++) {
        struct stats want = model_total(w, (size_t)totals[i].series - 1, from, to);
        MUST(w, totals_agree(&totals[i].stats, &want));
    }
}

static void do_retain(struct world *w)
{
    int64_t org = 1 + below(w, MODEL_ORGS);
    int64_t raw = w->now_ns - NS_PER_HOUR - below(w, 6 * 3600) * NS_PER_S;
    int64_t rollups = rnd_below(&w->rnd, 3) ? raw - below(w, 30) * NS_PER_HOUR : INT64_MIN / 2;
    uint64_t dropped = 0, want = telemetry_model_retain(&w->model, org, raw, rollups);
    MUST(w, w->store->ops->retain(w->store, org, raw, rollups, &dropped) == ERR_OK);
    MUST(w, dropped >= want); /* what was overwritten but still stored may count as well */
}

static void do_purge(struct world *w)
{
    size_t series;
    const struct model_series *s = random_series(w, &series);
    telemetry_model_purge(&w->model, s->device);
    MUST(w, w->store->ops->purge_device(w->store, s->org, s->device) == ERR_OK);
}

static void do_reopen(struct world *w)
{
    struct why why = {""};
    w->store->ops->close(w->store);
    w->store = NULL;
    enum err e = w->maker->open(w->maker, &w->store, &why);
    if (e) print_error("%s\n", why.text);
    MUST(w, e == ERR_OK);
}

static void do_one(struct world *w)
{
    uint64_t dice = rnd_below(&w->rnd, 10000);
    if (dice < 5000)
        do_write(w);
    else if (dice < 7500)
        do_scan(w);
    else if (dice < 8700)
        do_latest(w);
    else if (dice < 9500)
        do_rollups(w);
    else if (dice < 9920)
        do_totals(w);
    else if (dice < 9945)
        MUST(w, w->store->ops->seal(w->store) == ERR_OK);
    else if (dice < 9970)
        MUST(w, w->store->ops->maintain(w->store) == ERR_OK);
    else if (dice < 9985)
        do_retain(w);
    else if (dice < 9990)
        do_purge(w);
    else
        do_reopen(w);
}

void telemetry_random_test(struct telemetry_maker *maker, const struct telemetry_random *r)
{
    static struct world w;
    struct why why = {""};
    w = (struct world){.maker = maker, .seed = r->seed, .pace_s = r->pace_s, .now_ns = START_NS};
    rnd_seed(&w.rnd, r->seed);
    telemetry_model_init(&w.model);
    print_message("seed %" PRIu64 ", pace %" PRId64 " s, %" PRIu64 " operations\n", r->seed,
                  r->pace_s, r->operations);
    assert_int_equal(maker->open(maker, &w.store, &why), ERR_OK);
    for (; w.operation < r->operations; w.operation++) do_one(&w);
    w.store->ops->close(w.store);
    telemetry_model_done(&w.model);
}
