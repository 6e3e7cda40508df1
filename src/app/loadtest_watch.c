/* The operator of a run: asks the routes that show how the server does, one after the other, and
 * each answer counts like anybody's. He has a thread and a connection of his own: beside a load
 * that keeps the generator's one loop busy he would measure the generator, not the server.
 *
 *   watch thread ── latencies, under the lock ──> main loop, at each tick ──> figures */
#include "app/loadtest.h"
#include "base/mem.h"
#include "sys/lock.h"
#include "sys/thread.h"

#include <stdio.h>
#include <string.h>

enum { SEEN_MAX = 4096, SWEEP_MS = 1000 };

/* Ten times a second of a short run and once of a long one. A day at full speed is over in seconds:
 * it is asked more often, for as long as the operator's own limit of requests allows. */
#define SHORT_NS     (10 * NS_PER_MINUTE)
#define QUICK_NS     (10 * NS_PER_S)
#define QUICK_GAP_NS (10 * NS_PER_MS)

static const char *const routes[] = {
    "/actuator/health",
    "/metrics",
    "/api/v1/pilot/performance/health",
    "/api/v1/pilot/performance/metrics",
    "/api/v1/pilot/performance/cache/stats",
    "/api/v1/pilot/performance/slow-queries",
    "/api/v1/pilot/performance/thresholds",
};
enum { ROUTES = sizeof routes / sizeof routes[0] };

struct loadtest_watch {
    struct loadtest *t; /* what it reads of it stays as it is during a run */
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t stop;
    uv_timer_t sweep;
    struct loadtest_net net;
    struct loadtest_schedule schedule;
    struct loadtest_due due;
    struct loadtest_link *link;
    struct loadtest_call call;
    size_t next;
    int64_t intended_ns;
    bool stopping, under_way;

    struct lock lock; /* the rest */
    int64_t seen[SEEN_MAX];
    size_t seen_count, failures;
    char noted[120]; /* the first failure that was not told yet */
};

static struct loadtest_watch *watch_of(void *member, size_t offset)
{
    return (struct loadtest_watch *)(void *)((char *)member - offset);
}

/* --- on its thread ------------------------ */

static void note(struct loadtest_watch *w, int64_t took_ns, const struct loadtest_reply *reply)
{
    bool failed = reply->status < 200 || reply->status > 299;
    lock_take(&w->lock);
    if (w->seen_count < SEEN_MAX) w->seen[w->seen_count++] = took_ns;
    w->failures += failed;
    if (failed && !w->noted[0]) loadtest_reply_text(reply, w->noted, sizeof w->noted);
    lock_release(&w->lock);
}

static int64_t gap_ns(const struct loadtest_watch *w)
{
    const struct loadtest_opts *o = &w->t->opts;
    bool quick = o->max_rate && w->intended_ns - w->t->start_ns < QUICK_NS;
    if (quick) return QUICK_GAP_NS;
    return o->duration_ns > SHORT_NS ? NS_PER_S : NS_PER_S / 10;
}

static void end(struct loadtest_watch *w)
{
    loadtest_schedule_unset(&w->schedule, &w->due);
    loadtest_link_free(w->link);
    uv_close((uv_handle_t *)&w->stop, NULL);
    uv_close((uv_handle_t *)&w->sweep, NULL);
    loadtest_schedule_close(&w->schedule);
}

static void on_reply(struct loadtest_call *call, const struct loadtest_reply *reply)
{
    struct loadtest_watch *w = watch_of(call, offsetof(struct loadtest_watch, call));
    w->under_way = false;
    note(w, loadtest_now_ns() - w->intended_ns, reply);
    w->intended_ns += gap_ns(w);
    if (!w->stopping) loadtest_schedule_set(&w->schedule, &w->due, w->intended_ns);
}

static void on_due(struct loadtest_due *due)
{
    struct loadtest_watch *w = watch_of(due, offsetof(struct loadtest_watch, due));
    loadtest_call_write(&w->call, &w->net, "GET", routes[w->next++ % ROUTES], w->t->admin,
                        bytes_str(NULL));
    w->under_way = true;
    loadtest_link_send(w->link, &w->call);
}

/* What is under way is waited for, as long as the net has patience. */
static void on_sweep(uv_timer_t *timer)
{
    struct loadtest_watch *w = timer->data;
    loadtest_net_sweep(&w->net);
    if (w->stopping && !w->under_way) end(w);
}

static void on_stop(uv_async_t *stop)
{
    struct loadtest_watch *w = stop->data;
    w->stopping = true;
    loadtest_schedule_unset(&w->schedule, &w->due);
    uv_timer_start(&w->sweep, on_sweep, 0, 1);
}

static void *run(void *arg)
{
    struct loadtest_watch *w = arg;
    uv_run(&w->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* --- the main loop's ---------------------- */

void loadtest_watch_take(struct loadtest *t)
{
    struct loadtest_watch *w = t->watch;
    if (!w) return;
    lock_take(&w->lock);
    for (size_t i = 0; i < w->seen_count; i++)
        loadtest_figures_add(t->figures, LOADTEST_MONITOR, w->seen[i]);
    for (size_t i = 0; i < w->failures; i++) loadtest_figures_error(t->figures, LOADTEST_MONITOR);
    if (w->noted[0] && !t->noted[LOADTEST_MONITOR][0])
        snprintf(t->noted[LOADTEST_MONITOR], sizeof t->noted[LOADTEST_MONITOR], "%s", w->noted);
    w->seen_count = w->failures = 0;
    lock_release(&w->lock);
}

/* The loop is there. */
static enum err open_parts(struct loadtest_watch *w)
{
    bug_if(uv_async_init(&w->loop, &w->stop, on_stop));
    bug_if(uv_timer_init(&w->loop, &w->sweep));
    w->stop.data = w->sweep.data = w;
    loadtest_net_copy(&w->net, &w->loop, &w->t->net);
    loadtest_call_init(&w->call, on_reply);
    w->due.run = on_due;
    w->intended_ns = w->t->start_ns;
    enum err e = loadtest_schedule_open(&w->schedule, &w->loop, 1);
    if (e) return e;
    w->link = loadtest_link_new(&w->net);
    if (!w->link) return ERR_NOMEM;
    uv_timer_start(&w->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    loadtest_schedule_set(&w->schedule, &w->due, w->intended_ns);
    return thread_start(&w->thread, run, w, "watch", 0);
}

static void release(struct loadtest_watch *w)
{
    bug_if(uv_loop_close(&w->loop));
    loadtest_call_done(&w->call);
    lock_done(&w->lock);
    mem_free(w);
}

enum err loadtest_watch_start(struct loadtest *t)
{
    struct loadtest_watch *w = mem_zalloc(sizeof *w);
    if (!w || uv_loop_init(&w->loop)) {
        mem_free(w);
        return why_say(&t->why, ERR_NOMEM, "out of memory");
    }
    w->t = t;
    lock_init(&w->lock, LOCK_RANK_EXECUTOR);
    enum err e = open_parts(w);
    if (!e) {
        t->watch = w;
        return ERR_OK;
    }
    end(w);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    release(w);
    return why_say(&t->why, e, "no thread for who watches: %s", err_sentence(e));
}

void loadtest_watch_end(struct loadtest *t)
{
    struct loadtest_watch *w = t->watch;
    if (!w) return;
    uv_async_send(&w->stop);
    pthread_join(w->thread, NULL);
    loadtest_watch_take(t);
    t->watch = NULL;
    release(w);
}
