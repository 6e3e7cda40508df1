#pragma once
/* pilot/performance_sample.h -- what is too dear to be looked at with every request and is no
 * counter: limits of cgroups, the heap, threads, open files, devices of the last day. Taken by
 * performance_sample_tick() once a second while somebody asks for it, so that no request waits for
 * it; one that finds a sample of more than PERFORMANCE_SAMPLE_OLD_NS takes it itself, in half a
 * millisecond.
 * Threads: any.   Memory: no allocation. */
#include "pilot/process_figures.h"
#include "sys/lock.h"

struct registry;

struct performance_sample {
    int64_t taken_ns; /* monotonic; 0: never */
    uint64_t memory_limit, heap_in_use, heap_free;
    struct process_pool pools[PROCESS_POOLS_MAX];
    size_t pool_count;
    unsigned threads, cpus, descriptors;
    size_t devices, orgs; /* seen within 24 hours */
};
#define PERFORMANCE_SAMPLE_NS     (INT64_C(1) * 1000000000)
#define PERFORMANCE_SAMPLE_OLD_NS (INT64_C(3) * 1000000000)

/* API calls of a day: what all nodes had counted when this one had taken so many. */
struct performance_calls {
    int64_t day, calls, taken; /* day 0: never read */
};

struct performance_sampler {
    struct lock lock; /* the rest */
    struct performance_sample newest;
    struct performance_calls calls; /* performance.c's */
    int64_t asked_ns;
};
void performance_sample_init(struct performance_sampler *s);
void performance_sample_done(struct performance_sampler *s);

struct performance;
void performance_sample_read(struct performance *p, struct performance_sample *ret);
/* About once a second: takes one when somebody asked within the last minute. */
void performance_sample_tick(struct performance *p);
bool performance_sample_is_asked(struct performance *p); /* within the last minute */
