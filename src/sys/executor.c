/* A pool of threads behind a bounded queue (see executor.h). Idle threads wait on one condition; a
 * submit starts a thread when nobody is idle and fewer than core run, or when the queue is longer
 * than the pool and fewer than max run. */
#include "sys/executor.h"

#include "base/clock.h"
#include "base/mem.h"
#include "sys/lock.h"
#include "sys/thread.h"

#include <stdio.h>

#define IDLE_NS (60 * NS_PER_S)

struct executor {
    struct executor_opts opts;
    struct lock lock; /* guards all below */
    struct cond work_ready, all_gone;
    struct work *first, **last;
    size_t queued;
    unsigned threads, idle;
    uint64_t completed, rejected, started;
    bool closing;
};

/* With the lock held. NULL: this thread shall end. */
static struct work *next_work(struct executor *x)
{
    int64_t idle_since = clock_mono_ns(clock_real());
    while (!x->first) {
        if (x->closing) return NULL;
        bool spare = x->threads > x->opts.core;
        if (spare && clock_mono_ns(clock_real()) - idle_since >= IDLE_NS) return NULL;
        x->idle++;
        if (spare)
            cond_wait_for(&x->work_ready, &x->lock, IDLE_NS);
        else
            cond_wait(&x->work_ready, &x->lock);
        x->idle--;
    }
    struct work *w = x->first;
    x->first = w->next;
    if (!x->first) x->last = &x->first;
    x->queued--;
    return w;
}

static void *run_thread(void *arg)
{
    struct executor *x = arg;
    struct work *w;
    lock_take(&x->lock);
    while ((w = next_work(x))) {
        lock_release(&x->lock);
        w->run(w);
        lock_take(&x->lock);
        x->completed++;
    }
    x->threads--;
    cond_broadcast(&x->all_gone);
    lock_release(&x->lock);
    return NULL;
}

/* With the lock held: a new thread counts at once, so that two submits do not both start one. */
static bool wants_thread(const struct executor *x)
{
    if (x->threads < x->opts.core) return x->queued > x->idle;
    return x->threads < x->opts.max && x->queued > x->threads;
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
    if (!x->opts.stack_bytes) x->opts.stack_bytes = 256 * 1024;
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
    lock_take(&x->lock);
    if (x->closing)
        e = ERR_CLOSED;
    else if (x->queued >= x->opts.queue_capacity) {
        x->rejected++;
        e = ERR_FULL;
    } else {
        w->next = NULL;
        *x->last = w;
        x->last = &w->next;
        x->queued++;
        if (wants_thread(x)) {
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
    mem_free(x);
}
