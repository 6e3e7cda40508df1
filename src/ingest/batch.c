/* The bounded queue and its writers (see batch.h). One lock guards the queue; the store is called
 * without it. A writer takes as many ready batches as it has slots and hands them to the store as
 * one group: the embedded store makes the whole group durable with one sync. With a store that
 * wants several writers, each takes one batch at a time. */
#include "ingest/batch.h"

#include "base/mem.h"
#include "perf/org_figures.h"
#include "sys/lock.h"
#include "sys/thread.h"

#include <stdio.h>

enum { WRITERS_MAX = 16, GROUP_TICKETS_MAX = 4096 };

struct batch {
    struct batch_ticket *first, **last;
    size_t records;
    size_t tickets;
    bool waits;
    int64_t oldest_ns;
};

struct batch_pipeline {
    struct telemetry *store;
    struct batch_tap tap;
    const struct clock *clock;
    struct batch_timings timings;

    struct lock lock; /* guards all below */
    struct batch_opts opts;
    struct cond work, progress;
    struct batch open;
    struct batch ready[64]; /* closed batches, a ring; when it is full the open batch just grows */
    unsigned ready_head, ready_count;
    size_t pending_records, pending_points;
    unsigned active;
    uint64_t submitted, finished; /* tickets, for flush */
    bool closing, flushing;
    struct batch_stats stats;

    unsigned writers;
    pthread_t threads[WRITERS_MAX];
};

static void batch_clear(struct batch *b)
{
    *b = (struct batch){0};
    b->last = NULL;
}

static void batch_push(struct batch *b, struct batch_ticket *t)
{
    t->next = NULL;
    if (!b->first) {
        b->first = t;
        b->oldest_ns = t->queued_ns;
    } else {
        *b->last = t;
    }
    b->last = &t->next;
    b->records += t->set.record_count;
    b->tickets++;
    b->waits |= t->waits;
}

/* With the lock: moves the open batch to the ready ring if there is room. */
static void close_open(struct batch_pipeline *p)
{
    const unsigned ring = sizeof p->ready / sizeof *p->ready;
    if (!p->open.first || p->ready_count == ring) return;
    p->ready[(p->ready_head + p->ready_count++) % ring] = p->open;
    batch_clear(&p->open);
}

static bool open_is_full(const struct batch_pipeline *p)
{
    return p->open.records >= p->opts.batch_records || p->open.tickets >= GROUP_TICKETS_MAX ||
           (p->opts.each_request_alone && p->open.first);
}

enum err batch_submit(struct batch_pipeline *p, struct batch_ticket *t)
{
    enum err e = ERR_OK;
    t->queued_ns = clock_mono_ns(p->clock);
    lock_take(&p->lock);
    size_t n = t->set.record_count;
    if (p->closing)
        e = ERR_CLOSED;
    else if (n > p->opts.queue_capacity)
        e = ERR_TOOLARGE;
    else if (p->pending_records + n > p->opts.queue_capacity ||
             (p->pending_points && p->pending_points + t->set.point_count > BATCH_POINTS_MAX)) {
        e = ERR_FULL;
        p->stats.refused_full++;
    } else {
        bool idle = !p->open.first && !p->ready_count;
        batch_push(&p->open, t);
        p->pending_records += n;
        p->pending_points += t->set.point_count;
        p->submitted++;
        if (open_is_full(p)) {
            p->stats.batches_full++;
            close_open(p);
        }
        if (idle || p->ready_count) cond_signal(&p->work);
    }
    lock_release(&p->lock);
    return e;
}

bool batch_is_too_large(struct batch_pipeline *p, size_t records)
{
    lock_take(&p->lock);
    bool too_large = records > p->opts.queue_capacity;
    lock_release(&p->lock);
    return too_large;
}

/* With the lock: how long until the open batch must close; 0 = now. */
static int64_t open_due_in(const struct batch_pipeline *p)
{
    if (open_is_full(p) || p->closing || p->flushing) return 0;
    int64_t age = clock_mono_ns(p->clock) - p->open.oldest_ns;
    int64_t limit = p->open.waits ? p->opts.linger_ns : p->opts.timeout_ns;
    return age >= limit ? 0 : limit - age;
}

/* With the lock: takes the oldest ready batch; of one that grew past a group, while the ring was
 * full, only so many tickets as a group has. */
static struct batch_ticket *take_batch(struct batch_pipeline *p, struct batch_ticket ***ret_last)
{
    const unsigned ring = sizeof p->ready / sizeof *p->ready;
    struct batch *b = &p->ready[p->ready_head];
    struct batch_ticket *first = b->first, *end = first;
    if (b->tickets <= GROUP_TICKETS_MAX) {
        *ret_last = b->last;
        p->ready_head = (p->ready_head + 1) % ring;
        p->ready_count--;
        return first;
    }
    for (int i = 1; i < GROUP_TICKETS_MAX; i++) end = end->next;
    *ret_last = &end->next;
    b->first = end->next;
    b->tickets -= GROUP_TICKETS_MAX;
    end->next = NULL;
    return first;
}

/* With the lock: waits for work, moves up to `max` batches into one list; NULL when closing and
 * empty. */
static struct batch_ticket *take_group(struct batch_pipeline *p, unsigned max,
                                       unsigned *ret_batches)
{
    for (;;) {
        if (p->ready_count < max && p->open.first && open_due_in(p) == 0) close_open(p);
        if (p->ready_count) break;
        if (p->open.first) {
            cond_wait_for(&p->work, &p->lock, open_due_in(p));
        } else if (p->closing) {
            return NULL;
        } else {
            cond_wait(&p->work, &p->lock);
        }
    }
    struct batch_ticket *first = NULL, **last = &first;
    unsigned taken = 0;
    size_t tickets = 0;
    while (p->ready_count && taken < max) {
        size_t more = p->ready[p->ready_head].tickets;
        if (taken && tickets + more > GROUP_TICKETS_MAX) break;
        struct batch_ticket **link = last;
        *link = take_batch(p, &last);
        tickets += more;
        taken++;
    }
    *ret_batches = taken;
    return first;
}

struct group {
    const struct record_set *sets[GROUP_TICKETS_MAX + 1];
    struct batch_ticket *tickets[GROUP_TICKETS_MAX + 1];
    enum err results[GROUP_TICKETS_MAX + 1];
    size_t n, records, points, failed, retried;
    struct why why;
};

static void group_fill(struct group *g, struct batch_ticket *first)
{
    g->n = g->records = g->points = g->failed = g->retried = 0;
    g->why.text[0] = 0;
    for (struct batch_ticket *t = first; t; t = t->next) {
        bug_if(g->n > GROUP_TICKETS_MAX);
        g->tickets[g->n] = t;
        g->sets[g->n++] = &t->set;
        g->records += t->set.record_count;
        g->points += t->set.point_count;
    }
}

/* Keeps B5: what fails together is tried alone. */
static void group_write(struct batch_pipeline *p, struct group *g)
{
    enum err e = telemetry_write(p->store, g->sets, g->n, &g->why);
    for (size_t i = 0; i < g->n; i++) g->results[i] = e;
    if (!e) return;
    for (size_t i = 0; i < g->n; i++) {
        if (g->n > 1) {
            g->retried += g->tickets[i]->set.record_count;
            g->results[i] = telemetry_write(p->store, &g->sets[i], 1, &g->why);
        }
        g->failed += g->results[i] != ERR_OK;
    }
}

/* One after the other, most are of one organisation. */
static void count_points(const struct record_set *set)
{
    int64_t org = 0;
    uint64_t n = 0;
    for (size_t i = 0; i < set->record_count; i++) {
        if (n && set->records[i].org != org) {
            org_figures_points(org, n);
            n = 0;
        }
        org = set->records[i].org;
        n += set->records[i].count;
    }
    if (n) org_figures_points(org, n);
}

static void group_answer(struct batch_pipeline *p, struct group *g)
{
    for (size_t i = 0; i < g->n; i++) {
        struct batch_ticket *t = g->tickets[i];
        if (!g->results[i]) count_points(&t->set);
        if (!g->results[i] && p->tap.written) p->tap.written(p->tap.ctx, &t->set);
        t->done(t, g->results[i], &g->why); /* t is gone now */
    }
}

static void note_group(struct batch_pipeline *p, const struct group *g, unsigned batches)
{
    p->pending_records -= g->records;
    p->pending_points -= g->points;
    p->active -= batches;
    p->finished += g->n;
    p->stats.records_retried += g->retried;
    if (g->failed) p->stats.batches_failed += batches;
    if (g->failed < g->n) {
        p->stats.batches_written += batches;
        p->stats.records_written += g->records;
        p->stats.last_batch_ns = clock_wall_ns(p->clock);
    }
    cond_broadcast(&p->progress);
}

static void write_group(struct batch_pipeline *p, struct group *g, struct batch_ticket *first)
{
    group_fill(g, first);
    int64_t start = clock_mono_ns(p->clock);
    for (size_t i = 0; i < g->n; i++)
        histogram_record(&p->timings.queued, start - g->tickets[i]->queued_ns);
    group_write(p, g);
    histogram_record(&p->timings.written, clock_mono_ns(p->clock) - start);
    group_answer(p, g);
}

static void *run_writer(void *arg)
{
    struct batch_pipeline *p = arg;
    struct group *g = mem_alloc(sizeof *g);
    bug_if(!g); /* at start, before anything was accepted */
    unsigned batches;
    struct batch_ticket *first;
    lock_take(&p->lock);
    while ((first = take_group(p, p->writers == 1 ? p->opts.slots : 1, &batches))) {
        p->active += batches;
        lock_release(&p->lock);
        write_group(p, g, first);
        lock_take(&p->lock);
        note_group(p, g, batches);
    }
    cond_broadcast(&p->work); /* the other writers end too */
    lock_release(&p->lock);
    mem_free(g);
    return NULL;
}

enum err batch_new(struct batch_pipeline **ret, const struct batch_opts *opts,
                   struct telemetry *store, const struct batch_tap *tap)
{
    struct batch_pipeline *p = mem_zalloc(sizeof *p);
    if (!p) return ERR_NOMEM;
    p->opts = *opts;
    p->clock = opts->clock;
    p->store = store;
    if (tap) p->tap = *tap;
    lock_init(&p->lock, LOCK_RANK_BATCH);
    cond_init(&p->work);
    cond_init(&p->progress);
    unsigned want = store->ops->writers < opts->slots ? store->ops->writers : opts->slots;
    if (want < 1) want = 1;
    if (want > WRITERS_MAX) want = WRITERS_MAX;
    enum err e = ERR_OK;
    p->writers = want; /* before the first thread reads it */
    unsigned started = 0;
    for (; started < want && !e; started += !e) {
        char name[16];
        snprintf(name, sizeof name, "writer-%u", started);
        e = thread_start(&p->threads[started], run_writer, p, name, 0);
    }
    if (e) {
        lock_take(&p->lock);
        p->writers = started;
        lock_release(&p->lock);
        batch_free(p);
        return e;
    }
    *ret = p;
    return ERR_OK;
}

void batch_configure(struct batch_pipeline *p, const struct batch_opts *opts)
{
    lock_take(&p->lock);
    p->opts = *opts;
    cond_broadcast(&p->work);
    lock_release(&p->lock);
}

struct batch_opts batch_read_opts(struct batch_pipeline *p)
{
    lock_take(&p->lock);
    struct batch_opts opts = p->opts;
    lock_release(&p->lock);
    return opts;
}

void batch_read_stats(struct batch_pipeline *p, struct batch_stats *ret)
{
    lock_take(&p->lock);
    *ret = p->stats;
    ret->pending_records = p->pending_records;
    ret->active_batches = p->active;
    lock_release(&p->lock);
}

const struct batch_timings *batch_read_timings(const struct batch_pipeline *p)
{
    return &p->timings;
}

void batch_flush(struct batch_pipeline *p)
{
    lock_take(&p->lock);
    uint64_t until = p->submitted;
    p->flushing = true;
    cond_broadcast(&p->work);
    while (p->finished < until) cond_wait(&p->progress, &p->lock);
    p->flushing = false;
    lock_release(&p->lock);
}

void batch_free(struct batch_pipeline *p)
{
    if (!p) return;
    lock_take(&p->lock);
    p->closing = true;
    unsigned writers = p->writers;
    cond_broadcast(&p->work);
    lock_release(&p->lock);
    for (unsigned i = 0; i < writers; i++) pthread_join(p->threads[i], NULL);
    cond_done(&p->progress);
    cond_done(&p->work);
    lock_done(&p->lock);
    mem_free(p);
}
