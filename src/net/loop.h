#pragma once
/* net/loop.h -- one thread, one libuv loop, one inbox through which other threads hand it work.
 *
 *   any thread ── loop_post() ──> inbox (list, lock) ── uv_async, only when it was empty ──> run
 *
 * L1  tasks run on the loop's thread in the order they were posted; a group posted while the loop
 *     was busy costs one wake-up.
 * L2  a loop sleeps without limit while no deadline is set.
 * Threads: loop_post() and loop_is_current() any, the rest the loop's own.
 * Memory: struct loop_task is embedded in the caller's object and borrowed until run() starts. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/rnd.h"
#include "net/wheel.h"
#include "sys/lock.h"

#include <uv.h>

enum { LOOP_READ_BYTES = 64 * 1024, LOOPS_MAX = 64 /* of one server */ };

struct loop_task {
    void (*run)(struct loop_task *);
    struct loop_task *next; /* the inbox's while queued */
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t tick; /* turns the wheel; runs only while something hangs in it */
    bool ticking;
    void (*expired)(struct wheel_entry *e); /* what the wheel calls */
    struct wheel wheel;
    const struct clock *clock;
    unsigned index;
    pthread_t thread, self; /* as the starter and as the thread itself know it */
    struct lock lock;       /* of the inbox */
    struct loop_task *first, **last;
    uint64_t id_base, id_count; /* request ids, see loop_make_id() */
    int64_t date_second;
    char date[32]; /* "Sun, 06 Nov 1994 08:49:37 GMT", of date_second */
    char read_buffer[LOOP_READ_BYTES];
};

struct loop_opts {
    unsigned index;
    const struct clock *clock;
    struct rnd *rnd;                        /* used during loop_init() only */
    void (*expired)(struct wheel_entry *e); /* an entry set by loop_set_deadline() is due */
};
enum err loop_init(struct loop *l, const struct loop_opts *opts) MUST_CHECK;
/* Starts the thread, named `name`-index. */
enum err loop_start(struct loop *l, const char *name) MUST_CHECK;
void loop_post(struct loop *l, struct loop_task *t);
bool loop_is_current(const struct loop *l);
/* On the loop: ends its run once every handle but its own is closed. */
void loop_finish(struct loop *l);
void loop_join(struct loop *l); /* after loop_finish() was asked for */
void loop_done(struct loop *l); /* after loop_join(), or when it never started */

static inline int64_t loop_now_ns(const struct loop *l)
{
    return clock_mono_ns(l->clock);
}
void loop_set_deadline(struct loop *l, struct wheel_entry *e, int64_t deadline_ns);
/* The value of a Date header. */
const char *loop_date(struct loop *l);
/* 16 hexadecimal digits that no other call gives. */
void loop_make_id(struct loop *l, char ret[16]);
