/* Figures of organisations (see org_figures.h): a table of slots that are taken once and for ever,
 * found by open addressing, and two histograms of which one is written and the older one still
 * counts. */
#include "perf/org_figures.h"

#include <string.h>

enum { SLOTS = 2 * ORG_FIGURES_MAX }; /* at most half full */

struct window {
    _Atomic int64_t number; /* now_ns / ORG_FIGURES_WINDOW_NS */
    struct histogram took;
};
struct figures {
    _Atomic int64_t org; /* 0: free */
    _Atomic uint64_t requests, points, errors;
    struct window windows[2]; /* [number % 2] */
    struct figures *older;    /* taken before this one */
};

static struct figures table[SLOTS], others;
static _Atomic size_t taken;
static struct figures *_Atomic newest; /* those that are taken, for who reads all */

static struct figures *take_slot(struct figures *f, int64_t org)
{
    int64_t none = 0;
    if (atomic_fetch_add(&taken, 1) >= ORG_FIGURES_MAX) {
        atomic_fetch_sub(&taken, 1);
        return &others;
    }
    if (atomic_compare_exchange_strong(&f->org, &none, org)) {
        f->older = atomic_load(&newest);
        while (!atomic_compare_exchange_weak(&newest, &f->older, f)) continue;
        return f;
    }
    atomic_fetch_sub(&taken, 1);
    return none == org ? f : NULL; /* somebody was quicker */
}

static struct figures *find(int64_t org)
{
    if (org <= 0) return &others;
    size_t at = (uint64_t)org * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    for (size_t i = 0; i < SLOTS; i++) {
        struct figures *f = &table[(at + i) % SLOTS];
        int64_t there = atomic_load_explicit(&f->org, memory_order_acquire);
        if (there == org) return f;
        if (!there && (f = take_slot(f, org))) return f;
    }
    return &others;
}

/* The first of a new window empties the histogram of the one before the last. What others count
 * into it at that moment may be lost: some requests of thousands, of a percentile. */
static struct histogram *window_of(struct figures *f, int64_t now_ns)
{
    int64_t number = now_ns / ORG_FIGURES_WINDOW_NS;
    struct window *w = &f->windows[number % 2];
    int64_t before = atomic_load_explicit(&w->number, memory_order_relaxed);
    if (before == number || !atomic_compare_exchange_strong(&w->number, &before, number))
        return &w->took;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
        atomic_store_explicit(&w->took.buckets[i], 0, memory_order_relaxed);
    return &w->took;
}

static void bump(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

void org_figures_request(int64_t org, int64_t now_ns, int64_t took_ns, bool failed)
{
    struct figures *f = find(org);
    bump(&f->requests, 1);
    if (failed) bump(&f->errors, 1);
    if (took_ns >= 0) histogram_record(window_of(f, now_ns), took_ns);
}

void org_figures_points(int64_t org, uint64_t n)
{
    bump(&find(org)->points, n);
}

static void add_windows(struct histogram *sum, const struct figures *f, int64_t now_ns)
{
    int64_t number = now_ns / ORG_FIGURES_WINDOW_NS;
    for (int i = 0; i < 2; i++)
        if (number - atomic_load_explicit(&f->windows[i].number, memory_order_relaxed) <= 1)
            histogram_add(sum, &f->windows[i].took);
}

static double p95_ms(const struct figures *f, int64_t now_ns)
{
    struct histogram both;
    memset(&both, 0, sizeof both);
    add_windows(&both, f, now_ns);
    return histogram_quantile_ns(&both, 0.95) / 1e6;
}

double org_figures_p95_ms(int64_t now_ns)
{
    struct histogram all;
    memset(&all, 0, sizeof all);
    add_windows(&all, &others, now_ns);
    for (const struct figures *f = atomic_load(&newest); f; f = f->older)
        add_windows(&all, f, now_ns);
    if (histogram_count(&all) < ORG_FIGURES_ENOUGH) return 0;
    return histogram_quantile_ns(&all, 0.95) / 1e6;
}

static bool read_line(const struct figures *f, int64_t now_ns, struct org_figures_line *ret)
{
    *ret = (struct org_figures_line){
        .org = atomic_load(&f->org),
        .requests = atomic_load_explicit(&f->requests, memory_order_relaxed),
        .points = atomic_load_explicit(&f->points, memory_order_relaxed),
        .errors = atomic_load_explicit(&f->errors, memory_order_relaxed),
    };
    if (!ret->requests && !ret->points) return false;
    ret->p95_ms = p95_ms(f, now_ns);
    return true;
}

void org_figures_read(int64_t now_ns, struct org_figures_line ret[ORG_FIGURES_MAX + 1],
                      size_t *ret_n)
{
    size_t n = 0;
    n += read_line(&others, now_ns, &ret[n]);
    for (const struct figures *f = atomic_load(&newest); f && n <= ORG_FIGURES_MAX; f = f->older)
        n += read_line(f, now_ns, &ret[n]);
    *ret_n = n;
}
