/* A binary heap and its timerfd (see loadtest_schedule.h). */
#include "app/loadtest_schedule.h"

#include "base/clock.h"
#include "base/mem.h"

#include <sys/timerfd.h>
#include <unistd.h>

static void put(struct loadtest_schedule *s, size_t at, struct loadtest_due *d)
{
    s->heap[at] = d;
    d->place = at;
}

static void rise(struct loadtest_schedule *s, size_t at, struct loadtest_due *d)
{
    while (at > 1 && s->heap[at / 2]->at_ns > d->at_ns) {
        put(s, at, s->heap[at / 2]);
        at /= 2;
    }
    put(s, at, d);
}

static void sink(struct loadtest_schedule *s, size_t at, struct loadtest_due *d)
{
    for (size_t child; (child = at * 2) <= s->n; at = child) {
        if (child < s->n && s->heap[child + 1]->at_ns < s->heap[child]->at_ns) child++;
        if (s->heap[child]->at_ns >= d->at_ns) break;
        put(s, at, s->heap[child]);
    }
    put(s, at, d);
}

/* To the first entry; 1 ns when that is due already: 0 would disarm it. */
static void arm(struct loadtest_schedule *s)
{
    struct itimerspec when = {.it_value = {0}};
    int64_t at = s->n ? s->heap[1]->at_ns : 0;
    if (s->n && at <= 0) at = 1;
    when.it_value.tv_sec = (time_t)(at / NS_PER_S);
    when.it_value.tv_nsec = (long)(at % NS_PER_S);
    bug_if(timerfd_settime(s->fd, TFD_TIMER_ABSTIME, &when, NULL));
}

static void remove_entry(struct loadtest_schedule *s, struct loadtest_due *d)
{
    size_t at = d->place;
    struct loadtest_due *last = s->heap[s->n--];
    d->place = 0;
    if (last == d) return;
    if (at > 1 && s->heap[at / 2]->at_ns > last->at_ns)
        rise(s, at, last);
    else
        sink(s, at, last);
}

static void on_time(uv_poll_t *poll, int status, int events)
{
    struct loadtest_schedule *s = poll->data;
    uint64_t expirations;
    (void)status;
    (void)events;
    (void)!read(s->fd, &expirations, sizeof expirations);
    while (s->n && s->heap[1]->at_ns <= clock_mono_ns(clock_real())) {
        struct loadtest_due *d = s->heap[1];
        remove_entry(s, d);
        d->run(d);
    }
    arm(s);
}

enum err loadtest_schedule_open(struct loadtest_schedule *s, uv_loop_t *loop, size_t cap)
{
    *s = (struct loadtest_schedule){.cap = cap};
    s->heap = mem_array(cap + 1, sizeof *s->heap);
    s->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (!s->heap || s->fd < 0) {
        mem_free(s->heap);
        if (s->fd >= 0) (void)close(s->fd);
        return ERR_NOMEM;
    }
    bug_if(uv_poll_init(loop, &s->poll, s->fd));
    s->poll.data = s;
    bug_if(uv_poll_start(&s->poll, UV_READABLE, on_time));
    return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct loadtest_schedule *s = handle->data;
    (void)close(s->fd);
    mem_free(s->heap);
    s->heap = NULL;
}

void loadtest_schedule_close(struct loadtest_schedule *s)
{
    if (s->heap) uv_close((uv_handle_t *)&s->poll, on_closed);
}

void loadtest_schedule_set(struct loadtest_schedule *s, struct loadtest_due *d, int64_t at_ns)
{
    if (d->place) remove_entry(s, d);
    bug_if(s->n == s->cap);
    d->at_ns = at_ns;
    s->n++;
    rise(s, s->n, d);
    if (d->place == 1) arm(s);
}

void loadtest_schedule_unset(struct loadtest_schedule *s, struct loadtest_due *d)
{
    if (d->place) remove_entry(s, d);
}
