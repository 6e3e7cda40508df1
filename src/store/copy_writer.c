/* Groups of points and the threads that write them (see copy_writer.h). */
#include "store/copy_writer.h"

#include "base/mem.h"
#include "sys/lock.h"
#include "sys/thread.h"

#include <string.h>

enum { GROUPS = 2 * COPY_WRITER_THREADS, STACK_BYTES = 512 * 1024 };

enum group_state { GROUP_FREE, GROUP_FILLING, GROUP_FULL, GROUP_WRITING };

struct group {
    enum group_state state;
    struct record_set set; /* arrays owned */
    size_t point_room, record_room;
};

struct copy_writer {
    struct telemetry *to;
    unsigned threads;
    pthread_t thread[COPY_WRITER_THREADS];
    struct lock lock; /* guards what follows but the set of the group that is filled or written */
    struct cond changed;
    struct group groups[GROUPS];
    size_t group_count;
    enum err failed; /* the first failure */
    struct why why;
    bool closing;
    struct group *at; /* being filled: the caller's */
};

static struct group *find(struct copy_writer *w, enum group_state state)
{
    for (size_t i = 0; i < w->group_count; i++)
        if (w->groups[i].state == state) return &w->groups[i];
    return NULL;
}

static void *run(void *arg)
{
    struct copy_writer *w = arg;
    lock_take(&w->lock);
    for (;;) {
        struct group *g = find(w, GROUP_FULL);
        if (!g && w->closing) break;
        if (!g) {
            cond_wait(&w->changed, &w->lock);
            continue;
        }
        bool skip = w->failed || w->closing;
        g->state = GROUP_WRITING;
        lock_release(&w->lock);
        const struct record_set *sets[] = {&g->set};
        struct why why = {""};
        enum err e = skip ? ERR_OK : telemetry_write(w->to, sets, 1, &why);
        g->set.record_count = g->set.point_count = 0;
        lock_take(&w->lock);
        g->state = GROUP_FREE;
        if (e && !w->failed) {
            w->failed = e;
            w->why = why;
        }
        cond_broadcast(&w->changed);
    }
    lock_release(&w->lock);
    return NULL;
}

static enum err start(struct copy_writer *w)
{
    unsigned threads = w->to->ops->writers;
    if (threads > COPY_WRITER_THREADS) threads = COPY_WRITER_THREADS;
    w->group_count = threads * 2;
    for (unsigned i = 0; i < threads; i++) {
        enum err e = thread_start(&w->thread[i], run, w, "copy", STACK_BYTES);
        if (e) return e;
        w->threads++;
    }
    return ERR_OK;
}

enum err copy_writer_new(struct copy_writer **ret, struct telemetry *to)
{
    struct copy_writer *w = mem_zalloc(sizeof *w);
    if (!w) return ERR_NOMEM;
    w->to = to;
    lock_init(&w->lock, LOCK_RANK_EXECUTOR);
    cond_init(&w->changed);
    enum err e = start(w);
    if (e) {
        copy_writer_free(w);
        return e;
    }
    *ret = w;
    return ERR_OK;
}

/* Room for one record more; the arrays grow to what groups of this copy need, and stay. */
static enum err make_room(struct group *g, size_t points)
{
    if (g->set.record_count == g->record_room) {
        size_t room = g->record_room ? g->record_room * 2 : 1024;
        struct record *grown = mem_realloc(g->set.records, room * sizeof *grown);
        if (!grown) return ERR_NOMEM;
        g->set.records = grown;
        g->record_room = room;
    }
    if (g->set.point_count + points > g->point_room) {
        size_t room = g->point_room ? g->point_room * 2 : 4096;
        while (room < g->set.point_count + points) room *= 2;
        struct point *grown = mem_realloc(g->set.points, room * sizeof *grown);
        if (!grown) return ERR_NOMEM;
        g->set.points = grown;
        g->point_room = room;
    }
    return ERR_OK;
}

static enum err failure(struct copy_writer *w, struct why *why)
{
    if (w->failed && why) *why = w->why;
    return w->failed;
}

/* Hands the group over and takes the next free one. */
static enum err turn(struct copy_writer *w, struct why *why)
{
    lock_take(&w->lock);
    if (w->at) w->at->state = GROUP_FULL;
    w->at = NULL;
    cond_broadcast(&w->changed);
    while (!w->failed && !(w->at = find(w, GROUP_FREE))) cond_wait(&w->changed, &w->lock);
    if (w->at) w->at->state = GROUP_FILLING;
    enum err e = failure(w, why);
    lock_release(&w->lock);
    return e;
}

enum err copy_writer_add(struct copy_writer *w, const struct record *key,
                         const struct point *points, size_t n, struct why *why)
{
    enum err e = ERR_OK;
    if (!w->at || w->at->set.point_count + n > COPY_WRITER_POINTS) e = turn(w, why);
    if (!e) e = make_room(w->at, n);
    if (e) return e;
    struct record_set *set = &w->at->set;
    set->records[set->record_count++] =
        (struct record){key->org, key->device, key->ts_ns, (uint32_t)set->point_count, (uint32_t)n};
    memcpy(set->points + set->point_count, points, n * sizeof *points);
    set->point_count += n;
    return ERR_OK;
}

enum err copy_writer_drain(struct copy_writer *w, struct why *why)
{
    lock_take(&w->lock);
    if (w->at) w->at->state = w->at->set.point_count ? GROUP_FULL : GROUP_FREE;
    w->at = NULL;
    cond_broadcast(&w->changed);
    while (find(w, GROUP_FULL) || find(w, GROUP_WRITING)) cond_wait(&w->changed, &w->lock);
    enum err e = failure(w, why);
    lock_release(&w->lock);
    return e;
}

void copy_writer_free(struct copy_writer *w)
{
    if (!w) return;
    lock_take(&w->lock);
    w->closing = true;
    cond_broadcast(&w->changed);
    lock_release(&w->lock);
    for (unsigned i = 0; i < w->threads; i++) pthread_join(w->thread[i], NULL);
    for (size_t i = 0; i < GROUPS; i++) {
        mem_free(w->groups[i].set.records);
        mem_free(w->groups[i].set.points);
    }
    cond_done(&w->changed);
    lock_done(&w->lock);
    mem_free(w);
}
