#pragma once
/* app/loadtest_schedule.h -- what happens when, to some ten microseconds: a heap of instants behind
 * one timerfd on a libuv loop. libuv's own timers count whole milliseconds, which is more than many
 * answers that the load test measures take.
 * Threads: the loop's.   Memory: entries are the caller's and must not go while they are set.
 * Times: clock_mono_ns(). */
#include "base/err.h"

#include <uv.h>

struct loadtest_due {
    int64_t at_ns;
    size_t place; /* in the heap, from 1; 0: not set */
    void (*run)(struct loadtest_due *d);
};

struct loadtest_schedule {
    struct loadtest_due **heap; /* owned; heap[0] is not used */
    size_t n, cap;
    int fd;
    uv_poll_t poll;
};
/* At most `cap` entries are set at a time. */
enum err loadtest_schedule_open(struct loadtest_schedule *s, uv_loop_t *loop,
                                size_t cap) MUST_CHECK;
void loadtest_schedule_close(struct loadtest_schedule *s); /* the loop has to turn once more */
/* Runs `d` at at_ns, or moves it there when it is set already. */
void loadtest_schedule_set(struct loadtest_schedule *s, struct loadtest_due *d, int64_t at_ns);
void loadtest_schedule_unset(struct loadtest_schedule *s, struct loadtest_due *d);
