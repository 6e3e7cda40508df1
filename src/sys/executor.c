/* A pool of threads behind a bounded queue (see executor.h). Idle threads wait on one condition; a
 * submit starts a thread when nobody is idle and fewer than core run, or when the queue is longer
 * than the pool and fewer than max run. */
#include "sys/executor.h"

#include "base/clock.h"
#include "base/mem.h"
#include "sys/lock.h"
#include "sys/thread.h"

#include <stdio.h>

#define IDLE_NS (60 * NS_PER_S) /* unless the owner says otherwise */

struct executor {
    struct executor_opts opts;
    struct lock lock; /* guards all below */
    struct cond work_ready, all_gone;
    struct work *first, **last;
    size_t queued;
    unsigned threads, idle;
    uint64_t completed, rejected, started;
    bool closing;
    uint64_t *owners; /* with shares: of what runs, one for each busy thread */
    size_t owner_count;
};

/* --- shares, with the lock held --------------------------------------------------------------- */

static unsigned running_of(const struct executor *x, uint64_t owner)
{
    unsigned n = 0;
    for (size_t i = 0; i < x->owner_count; i++) n += x->owners[i] == owner;
    return n;
}

static bool may_run(const struct executor *x, const struct work *w)
{
    return !x->opts.share || !w->owner || running_of(x, w->owner) < x->opts.share;
}

static bool has_half(const struct executor *x, uint64_t owner)
{
    size_t n = 0;
    if (!x->opts.share || !owner) return false;
    for (const struct work *w = x->first; w; w = w->next) n += w->owner == owner;
    return n >= (x->opts.queue_capacity + 1) / 2;
}

static void note_begin(struct executor *x, uint64_t owner)
{
    if (x->opts.share && owner) x->owners[x->owner_count++] = owner;
}

static void note_end(struct executor *x, uint64_t owner)
{
    size_t i = 0;
    if (!x->opts.share || !owner) return;
    while (x->owners[i] != owner) i++;
    x->owners[i] = x->owners[--x->owner_count];
}

/* The first that may run; NULL: none. */
static struct work *take_work(struct executor *x)
{
    struct work **at = &x->first;
    while (*at && !may_run(x, *at)) at = &(*at)->next;
    struct work *w = *at;
    if (!w) return NULL;
    *at = w->next;
    if (!w->next) x->last = at;
    x->queued--;
    note_begin(x, w->owner);
    /* Somebody who was passed over may be behind it, and a sleeping thread does not know. */
    if (x->opts.share && x->first && x->idle) cond_signal(&x->work_ready);
    return w;
}

/* --- threads ---------------------------------------------------------------------------------- */

/* With the lock held. NULL: this thread shall end. What its owner's threads keep from running when
 * all ends is run by those. */
static struct work *next_work(struct executor *x)
{
    int64_t idle_since = clock_mono_ns(clock_real());
    struct work *w;
    while (!(w = take_work(x))) {
        if (x->closing) return NULL;
        bool spare = x->threads > x->opts.core;
        if (spare && clock_mono_ns(clock_real()) - idle_since >= x->opts.idle_ns) return NULL;
        x->idle++;
        if (spare)
            cond_wait_for(&x->work_ready, &x->lock, x->opts.idle_ns);
        else
            cond_wait(&x->work_ready, &x->lock);
        x->idle--;
    }
    return w;
}

static void run_one(struct executor *x, struct work *w)
{
    int64_t queued_ns = w->queued_ns, begun_ns = clock_mono_ns(clock_real());
    w->run(w); /* which may give its memory away */
    if (x->opts.ran)
        x->opts.ran(x->opts.ran_ctx, begun_ns - queued_ns, clock_mono_ns(clock_real()) - begun_ns);
}

static void *run_thread(void *arg)
{
    struct executor *x = arg;
    struct work *w;
    lock_take(&x->lock);
    while ((w = next_work(x))) {
        uint64_t owner = w->owner; /* run() may give its memory away */
        lock_release(&x->lock);
        run_one(x, w);
        lock_take(&x->lock);
        x->completed++;
        note_end(x, owner);
    }
    x->threads--;
    cond_broadcast(&x->all_gone);
    lock_release(&x->lock);
    return NULL;
}

/* With the lock held: a new thread counts at once, so that two submits do not both start one. `w`
 * is the newest in the queue. */
static bool wants_thread(const struct executor *x, const struct work *w)
{
    if (x->threads < x->opts.core) return x->queued > x->idle;
    if (x->threads >= x->opts.max || !may_run(x, w)) return false;
    bool newcomer = x->opts.share && w->owner && !running_of(x, w->owner);
    return x->queued > (newcomer ? x->idle : x->threads);
}

static enum err start_thread(struct executor *x, uint64_t number)
{
    char name[16];
    snprintf(name, sizeof name, "%.11s-%u", x->opts.name, (unsigned)(number % 1000));
    enum err e = thread_start_detached(run_thread, x, name, x->opts.stack_bytes);
    if (!e) return ERR_OK;
    lock_take(&x->lock);
    x->threads--;
    bool nobody = x->threads == 0;
    lock_release(&x->lock);
    return nobody ? e : ERR_OK; /* the others will do the work */
}

enum err executor_new(struct executor **ret, const struct executor_opts *opts)
{
    struct executor *x = mem_zalloc(sizeof *x);
    if (!x) return ERR_NOMEM;
    x->opts = *opts;
    if (!x->opts.core) x->opts.core = 1;
    if (x->opts.max < x->opts.core) x->opts.max = x->opts.core;
    if (!x->opts.idle_ns) x->opts.idle_ns = IDLE_NS;
    if (!x->opts.stack_bytes) x->opts.stack_bytes = 256 * 1024;
    if (x->opts.share && !(x->owners = mem_array(x->opts.max, sizeof *x->owners))) {
        mem_free(x);
        return ERR_NOMEM;
    }
    x->last = &x->first;
    lock_init(&x->lock, LOCK_RANK_EXECUTOR);
    cond_init(&x->work_ready);
    cond_init(&x->all_gone);
    *ret = x;
    return ERR_OK;
}

enum err executor_submit(struct executor *x, struct work *w)
{
    enum err e = ERR_OK;
    uint64_t number = 0;
    w->queued_ns = clock_mono_ns(clock_real());
    lock_take(&x->lock);
    if (x->closing)
        e = ERR_CLOSED;
    else if (x->queued >= x->opts.queue_capacity || has_half(x, w->owner)) {
        x->rejected++;
        e = ERR_FULL;
    } else {
        w->next = NULL;
        *x->last = w;
        x->last = &w->next;
        x->queued++;
        if (wants_thread(x, w)) {
            x->threads++;
            number = ++x->started;
        }
        cond_signal(&x->work_ready);
    }
    lock_release(&x->lock);
    if (number) bug_if(start_thread(x, number)); /* not one thread: nobody would ever answer */
    return e;
}

struct executor_stats executor_read_stats(struct executor *x)
{
    lock_take(&x->lock);
    struct executor_stats s = {
        .core = x->opts.core,
        .max = x->opts.max,
        .threads = x->threads,
        .active = x->threads - x->idle,
        .queued = x->queued,
        .completed = x->completed,
        .rejected = x->rejected,
    };
    lock_release(&x->lock);
    return s;
}

void executor_free(struct executor *x)
{
    if (!x) return;
    lock_take(&x->lock);
    x->closing = true;
    cond_broadcast(&x->work_ready);
    while (x->threads) cond_wait(&x->all_gone, &x->lock);
    lock_release(&x->lock);
    cond_done(&x->all_gone);
    cond_done(&x->work_ready);
    lock_done(&x->lock);
    mem_free(x->owners);
    mem_free(x);
}
