#pragma once
/* sys/executor.h -- a pool of threads behind a bounded queue, for work that may block.
 * `core` threads stay; when the queue holds more than a thread's worth the pool grows up to `max`;
 * a thread above core that was idle for 60 s ends. Full queue: the caller is told (ERR_FULL),
 * nothing waits in silence. With shares, work that has an owner is bounded: one owner runs on
 * `share` threads at most and holds half of the queue at most; what is behind it of others passes
 * it, and an owner of whom nothing runs is given a thread of its own while fewer than `max` run.
 * Threads: any may submit; work runs on the pool's threads.   Memory:
 * struct work is embedded in the caller's object and borrowed until its run() starts. */
#include "base/err.h"

struct work {
    void (*run)(struct work *);
    struct work *next; /* the executor's while queued */
    uint64_t owner;    /* with shares: for whom; 0: nobody, not bounded */
    int64_t queued_ns; /* the executor's: monotonic */
};

/* Told of each piece of work behind its end, on its thread: how long it waited for one, how long it
 * ran. Does not block. */
typedef void executor_ran_fn(void *ctx, int64_t waited_ns, int64_t ran_ns);

struct executor_opts {
    const char *name; /* at most 11 characters: thread names are name-N; borrowed for ever */
    unsigned core, max;
    size_t queue_capacity;
    size_t stack_bytes;   /* 0 = 256 KiB */
    int64_t idle_ns;      /* a thread above core ends after so long without work; 0 = 60 s */
    unsigned share;       /* threads of one owner at most; 0: no shares */
    executor_ran_fn *ran; /* NULL: nobody is told */
    void *ran_ctx;
};

struct executor_stats {
    unsigned core, max, threads, active;
    size_t queued;
    uint64_t completed, rejected;
};

struct executor;
enum err executor_new(struct executor **ret, const struct executor_opts *opts) MUST_CHECK;
/* ERR_FULL at the bound (of the queue, of the owner's half), ERR_CLOSED while draining. */
enum err executor_submit(struct executor *x, struct work *w) MUST_CHECK;
struct executor_stats executor_read_stats(struct executor *x);
/* Takes no more work, runs all that is queued, joins every thread. NULL is fine. */
void executor_free(struct executor *x);
