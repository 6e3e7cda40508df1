/* What is durable, handed on (see tap.h). */
#include "ingest/tap.h"

#include "base/clock.h"
#include "base/mem.h"
#include "sys/lock.h"
#include "sys/thread.h"

#include <string.h>

enum { LAGGING_MAX = 4096 };
#define IDLE_NS NS_PER_S

struct item {
    struct item *next;
    size_t bytes;
    bool after_gap;        /* sets were dropped between the one before and this one */
    struct record_set set; /* points into this same block */
};

struct device_ref {
    int64_t org, device;
};

struct tap {
    struct tap_watcher watcher; /* set under the lock, immutable once records flow */
    size_t max_bytes;
    pthread_t thread;

    struct lock lock; /* guards all below */
    struct cond ready;
    bool gap;   /* sets were dropped behind the last item */
    bool woken; /* tap_wake(), or the queue was not empty since the last on_idle() */
    struct item *first, **last;
    size_t bytes;
    struct device_ref lagging[LAGGING_MAX];
    size_t lagging_count;
    uint64_t dropped;
    bool closing;
};

static struct item *copy_set(const struct record_set *set)
{
    size_t records = set->record_count * sizeof *set->records;
    size_t points = set->point_count * sizeof *set->points;
    struct item *item = mem_alloc(sizeof *item + records + points);
    if (!item) return NULL;
    item->bytes = sizeof *item + records + points;
    item->set = *set;
    item->set.records = (struct record *)(item + 1);
    item->set.points = (struct point *)((char *)(item + 1) + records);
    memcpy(item->set.records, set->records, records);
    memcpy(item->set.points, set->points, points);
    return item;
}

/* With the lock. Past LAGGING_MAX devices the oldest marks stand for the rest: those devices show
 * again with their next record. */
static void mark_lagging(struct tap *t, const struct record_set *set)
{
    t->dropped += set->record_count;
    t->gap = true;
    if (!t->watcher.on_lagging) return;
    for (size_t i = 0; i < set->record_count; i++) {
        struct device_ref ref = {set->records[i].org, set->records[i].device};
        if (t->lagging_count && t->lagging[t->lagging_count - 1].device == ref.device) continue;
        if (t->lagging_count < LAGGING_MAX) t->lagging[t->lagging_count++] = ref;
    }
}

void tap_push(void *tap, const struct record_set *set)
{
    struct tap *t = tap;
    if (!set->record_count || !t->watcher.watches) return;
    if (!t->watcher.watches(t->watcher.ctx, set->records[0].org)) return;
    struct item *item = copy_set(set);
    lock_take(&t->lock);
    if (item && t->bytes + item->bytes <= t->max_bytes) {
        item->next = NULL;
        item->after_gap = t->gap;
        t->gap = false;
        *t->last = item;
        t->last = &item->next;
        t->bytes += item->bytes;
        item = NULL;
    } else {
        mark_lagging(t, set);
    }
    cond_signal(&t->ready);
    lock_release(&t->lock);
    mem_free(item);
}

void tap_gap(struct tap *t)
{
    lock_take(&t->lock);
    t->gap = true;
    cond_signal(&t->ready);
    lock_release(&t->lock);
}

void tap_wake(struct tap *t)
{
    lock_take(&t->lock);
    t->woken = true;
    cond_signal(&t->ready);
    lock_release(&t->lock);
}

/* --- the thread ------------------------------------------------------------------------------- */

/* What there is to do, taken out under the lock and done without it. */
struct work {
    struct item *item;
    bool gap, idle, end;
    size_t lagging;
    struct device_ref refs[LAGGING_MAX];
};

/* With the lock. */
static void take_work(struct tap *t, struct work *w)
{
    while (!t->first && !t->gap && !t->lagging_count && !t->woken && !t->closing) {
        cond_wait_for(&t->ready, &t->lock, IDLE_NS);
        t->woken = t->woken || t->watcher.on_idle;
    }
    w->item = t->first;
    w->gap = w->idle = w->end = false;
    w->lagging = 0;
    if (w->item) {
        t->first = w->item->next;
        if (!t->first) t->last = &t->first;
        t->bytes -= w->item->bytes;
        t->woken = true;
        w->gap = w->item->after_gap;
        return;
    }
    w->gap = t->gap;
    w->idle = t->woken || t->closing;
    w->lagging = t->lagging_count;
    memcpy(w->refs, t->lagging, w->lagging * sizeof *w->refs);
    w->end = t->closing && !w->gap && !w->lagging;
    t->lagging_count = 0;
    t->gap = t->woken = false;
}

static void do_work(const struct tap_watcher *to, struct work *w)
{
    if (w->gap && to->on_gap) to->on_gap(to->ctx);
    if (w->item) to->on_records(to->ctx, &w->item->set);
    for (size_t i = 0; i < w->lagging; i++)
        to->on_lagging(to->ctx, w->refs[i].org, w->refs[i].device);
    if (w->idle && to->on_idle) to->on_idle(to->ctx);
    mem_free(w->item);
}

static void *run_tap(void *arg)
{
    struct tap *t = arg;
    static _Thread_local struct work work;
    do {
        lock_take(&t->lock);
        take_work(t, &work);
        struct tap_watcher watcher = t->watcher;
        lock_release(&t->lock);
        do_work(&watcher, &work);
    } while (!work.end);
    return NULL;
}

enum err tap_new(struct tap **ret, const char *name, size_t max_bytes)
{
    struct tap *t = mem_zalloc(sizeof *t);
    if (!t) return ERR_NOMEM;
    t->max_bytes = max_bytes;
    t->last = &t->first;
    lock_init(&t->lock, LOCK_RANK_HUB);
    cond_init(&t->ready);
    enum err e = thread_start(&t->thread, run_tap, t, name, 1024 * 1024);
    if (e) {
        mem_free(t);
        return e;
    }
    *ret = t;
    return ERR_OK;
}

void tap_watch(struct tap *t, const struct tap_watcher *watcher)
{
    lock_take(&t->lock);
    t->watcher = *watcher;
    t->woken = true;
    cond_signal(&t->ready);
    lock_release(&t->lock);
}

uint64_t tap_dropped(struct tap *t)
{
    lock_take(&t->lock);
    uint64_t n = t->dropped;
    lock_release(&t->lock);
    return n;
}

void tap_free(struct tap *t)
{
    if (!t) return;
    lock_take(&t->lock);
    t->closing = true;
    cond_signal(&t->ready);
    lock_release(&t->lock);
    pthread_join(t->thread, NULL);
    cond_done(&t->ready);
    lock_done(&t->lock);
    mem_free(t);
}
