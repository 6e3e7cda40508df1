#pragma once
/* pilot/process_figures.h -- what this process uses of the machine, read from the kernel and the
 * allocator at the moment of the call.
 * Threads: any.   Memory: the caller's. */
#include <stddef.h>
#include <stdint.h>

struct process_memory {
    uint64_t resident, peak, virtual_bytes; /* bytes */
    uint64_t
        limit; /* what the process may have: the smallest cgroup limit above it, or the machine */
    uint64_t heap_in_use, heap_free;
    uint64_t major_faults; /* since start */
    double ratio;          /* resident / limit */
};
void process_figures_memory(struct process_memory *ret);
/* The same without the heap, which takes the allocator's locks. */
double process_figures_memory_ratio(void);
uint64_t process_figures_memory_limit(void);
unsigned process_figures_cpus(void);

enum { PROCESS_POOLS_MAX = 32, PROCESS_POOL_NAME = 16 };
struct process_pool {
    char name[PROCESS_POOL_NAME]; /* of its threads, without their numbers */
    unsigned threads;
};
/* Threads by pool; *ret_n of them, at most PROCESS_POOLS_MAX; the result: all threads. */
unsigned process_figures_pools(struct process_pool ret[PROCESS_POOLS_MAX], size_t *ret_n);
