/* What is durable, handed on (see tap.h). */
#include "ingest/tap.h"

#include "base/mem.h"
#include "sys/lock.h"
#include "sys/thread.h"

#include <string.h>

enum { LAGGING_MAX = 4096 };

struct item {
    struct item *next;
    size_t bytes;
    struct record_set set; /* points into this same block */
};

struct device_ref {
    int64_t org, device;
};

struct tap {
    struct tap_watcher watcher; /* immutable once records flow */
    size_t max_bytes;
    pthread_t thread;

    struct lock lock; /* guards all below */
    struct cond ready;
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

static void deliver_lagging(struct tap *t, const struct device_ref *refs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        t->watcher.on_lagging(t->watcher.ctx, refs[i].org, refs[i].device);
}

static void *run_tap(void *arg)
{
    struct tap *t = arg;
    static _Thread_local struct device_ref refs[LAGGING_MAX];
    lock_take(&t->lock);
    for (;;) {
        while (!t->first && !t->lagging_count && !t->closing) cond_wait(&t->ready, &t->lock);
        struct item *item = t->first;
        if (item) {
            t->first = item->next;
            if (!t->first) t->last = &t->first;
            t->bytes -= item->bytes;
        }
        size_t lagging = item ? 0 : t->lagging_count; /* once the queue has drained */
        memcpy(refs, t->lagging, lagging * sizeof *refs);
        t->lagging_count -= lagging;
        if (!item && !lagging) break;
        lock_release(&t->lock);
        if (item) t->watcher.on_records(t->watcher.ctx, &item->set);
        deliver_lagging(t, refs, lagging);
        mem_free(item);
        lock_take(&t->lock);
    }
    lock_release(&t->lock);
    return NULL;
}

enum err tap_new(struct tap **ret, size_t max_bytes)
{
    struct tap *t = mem_zalloc(sizeof *t);
    if (!t) return ERR_NOMEM;
    t->max_bytes = max_bytes;
    t->last = &t->first;
    lock_init(&t->lock, LOCK_RANK_HUB);
    cond_init(&t->ready);
    enum err e = thread_start(&t->thread, run_tap, t, "tap", 512 * 1024);
    if (e) {
        mem_free(t);
        return e;
    }
    *ret = t;
    return ERR_OK;
}

void tap_watch(struct tap *t, const struct tap_watcher *watcher)
{
    t->watcher = *watcher;
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
