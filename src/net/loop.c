/* A libuv loop with its thread and inbox (see loop.h). */
#include "net/loop.h"

#include "sys/thread.h"

#include <stdio.h>
#include <time.h>

enum { LOOP_STACK_BYTES = 512 * 1024 };

static void on_wake(uv_async_t *handle)
{
    struct loop *l = handle->data;
    lock_take(&l->lock);
    struct loop_task *t = l->first;
    l->first = NULL;
    l->last = &l->first;
    lock_release(&l->lock);
    while (t) {
        struct loop_task *next = t->next; /* run() may free or post the task again */
        t->run(t);
        t = next;
    }
}

static void on_tick(uv_timer_t *handle)
{
    struct loop *l = handle->data;
    wheel_advance(&l->wheel, loop_now_ns(l), l->expired);
    if (l->wheel.count) return;
    uv_timer_stop(&l->tick);
    l->ticking = false;
}

enum err loop_init(struct loop *l, const struct loop_opts *opts)
{
    memset(l, 0, offsetof(struct loop, read_buffer));
    l->index = opts->index;
    l->clock = opts->clock;
    l->expired = opts->expired;
    l->last = &l->first;
    l->date_second = INT64_MIN;
    l->id_base = rnd_u64(opts->rnd);
    wheel_init(&l->wheel, loop_now_ns(l));
    lock_init(&l->lock, LOCK_RANK_LOOP);
    if (uv_loop_init(&l->uv)) {
        lock_done(&l->lock);
        return ERR_IO;
    }
    int failed = uv_async_init(&l->uv, &l->wake, on_wake);
    uv_timer_init(&l->uv, &l->tick);
    l->wake.data = l->tick.data = l;
    if (!failed) return ERR_OK;
    uv_close((uv_handle_t *)&l->tick, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    uv_loop_close(&l->uv);
    lock_done(&l->lock);
    return ERR_IO;
}

static void *run(void *arg)
{
    struct loop *l = arg;
    l->self = pthread_self();
    uv_run(&l->uv, UV_RUN_DEFAULT);
    return NULL;
}

enum err loop_start(struct loop *l, const char *name)
{
    char thread_name[16];
    snprintf(thread_name, sizeof thread_name, "%.10s-%u", name, l->index % 1000);
    return thread_start(&l->thread, run, l, thread_name, LOOP_STACK_BYTES);
}

void loop_post(struct loop *l, struct loop_task *t)
{
    t->next = NULL;
    lock_take(&l->lock);
    bool was_empty = !l->first;
    *l->last = t;
    l->last = &t->next;
    /* Under the lock: once it is released the task may run, and with the last one the loop end. */
    if (was_empty) uv_async_send(&l->wake);
    lock_release(&l->lock);
}

bool loop_is_current(const struct loop *l)
{
    return pthread_equal(l->self, pthread_self());
}

void loop_finish(struct loop *l)
{
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_close((uv_handle_t *)&l->tick, NULL);
}

void loop_join(struct loop *l)
{
    pthread_join(l->thread, NULL);
}

void loop_done(struct loop *l)
{
    if (!uv_is_closing((uv_handle_t *)&l->wake)) {
        loop_finish(l);
        uv_run(&l->uv, UV_RUN_DEFAULT);
    }
    /* The last poster may still be inside its unlock: taking the lock once waits for it. */
    lock_take(&l->lock);
    lock_release(&l->lock);
    bug_if(uv_loop_close(&l->uv));
    lock_done(&l->lock);
}

void loop_set_deadline(struct loop *l, struct wheel_entry *e, int64_t deadline_ns)
{
    wheel_set(&l->wheel, e, deadline_ns);
    if (l->ticking || !l->wheel.count) return;
    uv_update_time(&l->uv);
    uv_timer_start(&l->tick, on_tick, WHEEL_SLOT_NS / NS_PER_MS, WHEEL_SLOT_NS / NS_PER_MS);
    l->ticking = true;
}

const char *loop_date(struct loop *l)
{
    int64_t second = clock_wall_ns(l->clock) / NS_PER_S;
    if (second == l->date_second) return l->date;
    time_t t = (time_t)second;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(l->date, sizeof l->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    l->date_second = second;
    return l->date;
}

/* The finaliser of splitmix64: a bijection, so different counts stay different. */
static uint64_t mix(uint64_t v)
{
    v = (v ^ (v >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    v = (v ^ (v >> 27)) * UINT64_C(0x94d049bb133111eb);
    return v ^ (v >> 31);
}

void loop_make_id(struct loop *l, char ret[16])
{
    uint64_t id = mix(l->id_base + l->id_count++);
    for (int i = 15; i >= 0; i--, id >>= 4) ret[i] = "0123456789abcdef"[id & 15];
}
