/* The simplest telemetry store (see memory_store.h). */
#include "memory_store.h"

#include "base/clock.h"
#include "base/mem.h"
#include "sys/lock.h"

#include <stdlib.h>
#include <string.h>

enum { SERIES_MAX = 4096, SLICE = 7 }; /* small slices, so that callers meet many of them */

struct series {
    int64_t org;
    struct sample *samples; /* sorted by time, unique */
    size_t n, cap;
};

struct store {
    struct telemetry base;
    struct lock lock;
    struct cond cond;
    struct series series[SERIES_MAX];
    bool held;
    int waiting, fail_next;
    enum err fail_code, group_code;
    size_t writes, last_group, last_records, purged;
};

struct cursor {
    struct scan_cursor base;
    struct sample *samples;
    size_t n, at;
};

static struct store *store_of(struct telemetry *t)
{
    return (struct store *)(void *)t;
}

static void put(struct store *s, int64_t org, int64_t series, struct sample sample)
{
    bug_if(series < 0 || series >= SERIES_MAX);
    struct series *x = &s->series[series];
    x->org = org;
    size_t at = x->n;
    while (at && x->samples[at - 1].ts_ns > sample.ts_ns) at--;
    if (at && x->samples[at - 1].ts_ns == sample.ts_ns) {
        x->samples[at - 1] = sample;
        return;
    }
    if (x->n == x->cap) {
        x->cap = x->cap ? x->cap * 2 : 16;
        x->samples = mem_realloc(x->samples, x->cap * sizeof *x->samples);
        bug_if(!x->samples);
    }
    memmove(x->samples + at + 1, x->samples + at, (x->n - at) * sizeof *x->samples);
    x->samples[at] = sample;
    x->n++;
}

static enum err may_write(struct store *s, size_t sets)
{
    s->waiting++;
    cond_broadcast(&s->cond);
    while (s->held) cond_wait(&s->cond, &s->lock);
    s->waiting--;
    if (s->fail_next > 0) {
        s->fail_next--;
        return s->fail_code;
    }
    return sets > 1 ? s->group_code : ERR_OK;
}

static enum err store_write(struct telemetry *t, const struct record_set *const *sets, size_t n,
                            struct why *why)
{
    struct store *s = store_of(t);
    lock_take(&s->lock);
    enum err e = may_write(s, n);
    if (!e) {
        s->writes++;
        s->last_group = n;
        s->last_records = 0;
    }
    for (size_t i = 0; i < n && !e; i++) {
        s->last_records += sets[i]->record_count;
        for (size_t r = 0; r < sets[i]->record_count; r++) {
            const struct record *record = &sets[i]->records[r];
            for (uint32_t p = 0; p < record->count; p++) {
                const struct point *point = &sets[i]->points[record->first + p];
                put(s, record->org, point->series, (struct sample){record->ts_ns, point->value});
            }
        }
    }
    lock_release(&s->lock);
    return e ? why_say(why, e, "made to fail by the test") : ERR_OK;
}

static int newest_first(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    return (x->ts_ns < y->ts_ns) - (x->ts_ns > y->ts_ns);
}

static enum err store_scan_open(struct telemetry *t, const struct scan_range *r,
                                struct scan_cursor **ret)
{
    struct store *s = store_of(t);
    struct cursor *c = mem_zalloc(sizeof *c);
    if (!c) return ERR_NOMEM;
    c->base.ops = t->ops;
    lock_take(&s->lock);
    const struct series *x = &s->series[r->series];
    c->samples = mem_array(x->n, sizeof *c->samples);
    for (size_t i = 0; c->samples && i < x->n && x->org == r->org; i++)
        if (x->samples[i].ts_ns >= r->from_ns && x->samples[i].ts_ns < r->to_ns)
            c->samples[c->n++] = x->samples[i];
    lock_release(&s->lock);
    if (r->descending && c->n) qsort(c->samples, c->n, sizeof *c->samples, newest_first);
    *ret = &c->base;
    return ERR_OK;
}

static enum err store_scan_next(struct scan_cursor *cursor, const struct sample **ret,
                                size_t *ret_n)
{
    struct cursor *c = (struct cursor *)(void *)cursor;
    if (c->at == c->n) return ERR_END;
    *ret = c->samples + c->at;
    *ret_n = c->n - c->at < SLICE ? c->n - c->at : SLICE;
    c->at += *ret_n;
    return ERR_OK;
}

static void store_scan_close(struct scan_cursor *cursor)
{
    struct cursor *c = (struct cursor *)(void *)cursor;
    if (c) mem_free(c->samples);
    mem_free(c);
}

static enum err store_latest(struct telemetry *t, int64_t org, const int64_t *series, size_t n,
                             struct sample *ret)
{
    struct store *s = store_of(t);
    lock_take(&s->lock);
    for (size_t i = 0; i < n; i++) {
        const struct series *x = &s->series[series[i]];
        ret[i] = x->n && x->org == org ? x->samples[x->n - 1] : (struct sample){INT64_MIN, 0};
    }
    lock_release(&s->lock);
    return ERR_OK;
}

static enum err store_rollups(struct telemetry *t, const struct scan_range *r, struct rollup *ret,
                              size_t cap, size_t *ret_n)
{
    struct store *s = store_of(t);
    const struct series *x = &s->series[r->series];
    size_t n = 0;
    lock_take(&s->lock);
    for (size_t i = 0; i < x->n && x->org == r->org; i++) {
        const struct sample *p = &x->samples[i];
        if (p->ts_ns < r->from_ns || p->ts_ns >= r->to_ns) continue;
        int64_t hour = p->ts_ns - p->ts_ns % NS_PER_HOUR;
        struct rollup *h = n && ret[n - 1].hour_ns == hour ? &ret[n - 1] : NULL;
        if (!h) {
            bug_if(n == cap);
            h = &ret[n++];
            *h = (struct rollup){.hour_ns = hour,
                                 .min = p->value,
                                 .max = p->value,
                                 .first = p->value,
                                 .first_ns = p->ts_ns};
        }
        double mean = h->count ? h->sum / (double)h->count : 0, delta = p->value - mean;
        h->m2 += delta * delta * (double)h->count / (double)(h->count + 1);
        h->count++;
        h->sum += p->value;
        if (p->value < h->min) h->min = p->value;
        if (p->value > h->max) h->max = p->value;
        h->last = p->value;
        h->last_ns = p->ts_ns;
    }
    lock_release(&s->lock);
    *ret_n = n;
    return ERR_OK;
}

static enum err store_purge_device(struct telemetry *t, int64_t org, int64_t device)
{
    (void)org;
    (void)device;
    struct store *s = store_of(t);
    lock_take(&s->lock);
    s->purged++;
    lock_release(&s->lock);
    return ERR_OK;
}

static void store_close(struct telemetry *t)
{
    struct store *s = store_of(t);
    for (int i = 0; i < SERIES_MAX; i++) mem_free(s->series[i].samples);
    cond_done(&s->cond);
    lock_done(&s->lock);
    mem_free(s);
}

struct telemetry *memory_store_new(void)
{
    static const struct telemetry_ops ops = {
        .name = "memory",
        .writers = 1,
        .write = store_write,
        .scan_open = store_scan_open,
        .scan_next = store_scan_next,
        .scan_close = store_scan_close,
        .latest = store_latest,
        .rollups = store_rollups,
        .purge_device = store_purge_device,
        .close = store_close,
    };
    struct store *s = mem_zalloc(sizeof *s);
    bug_if(!s);
    s->base.ops = &ops;
    lock_init(&s->lock, LOCK_RANK_STORE);
    cond_init(&s->cond);
    return &s->base;
}

void memory_store_hold(struct telemetry *t)
{
    struct store *s = store_of(t);
    lock_take(&s->lock);
    s->held = true;
    lock_release(&s->lock);
}

void memory_store_release(struct telemetry *t)
{
    struct store *s = store_of(t);
    lock_take(&s->lock);
    s->held = false;
    cond_broadcast(&s->cond);
    lock_release(&s->lock);
}

void memory_store_wait_held(struct telemetry *t)
{
    struct store *s = store_of(t);
    lock_take(&s->lock);
    while (!s->waiting) cond_wait(&s->cond, &s->lock);
    lock_release(&s->lock);
}

void memory_store_fail(struct telemetry *t, int n, enum err e)
{
    struct store *s = store_of(t);
    lock_take(&s->lock);
    s->fail_next = n;
    s->fail_code = e;
    lock_release(&s->lock);
}

void memory_store_fail_groups(struct telemetry *t, enum err e)
{
    struct store *s = store_of(t);
    lock_take(&s->lock);
    s->group_code = e;
    lock_release(&s->lock);
}

size_t memory_store_writes(struct telemetry *t)
{
    struct store *s = store_of(t);
    lock_take(&s->lock);
    size_t n = s->writes;
    lock_release(&s->lock);
    return n;
}

size_t memory_store_last_group(struct telemetry *t)
{
    struct store *s = store_of(t);
    lock_take(&s->lock);
    size_t n = s->last_group;
    lock_release(&s->lock);
    return n;
}

size_t memory_store_last_records(struct telemetry *t)
{
    struct store *s = store_of(t);
    lock_take(&s->lock);
    size_t n = s->last_records;
    lock_release(&s->lock);
    return n;
}

size_t memory_store_purged(struct telemetry *t)
{
    struct store *s = store_of(t);
    lock_take(&s->lock);
    size_t n = s->purged;
    lock_release(&s->lock);
    return n;
}
