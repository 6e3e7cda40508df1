#pragma once
/* pilot/process_figures.h -- what this process uses of the machine, read from the kernel and the
 * allocator at the moment of the call.
 * Threads: any.   Memory: the caller's. */
#include <stddef.h>
#include <stdint.h>

struct process_memory {
    uint64_t resident, peak, virtual_bytes; /* bytes */
    uint64_t major_faults;                  /* since start */
};
/* What counters of the kernel say: two system calls. */
void process_figures_memory(struct process_memory *ret);
/* What the process may have: the smallest cgroup limit above it, or the machine. Reads files. */
uint64_t process_figures_memory_limit(void);
double process_figures_memory_ratio(void); /* resident / limit */
struct process_heap {
    uint64_t in_use, free;
};
/* Takes the allocator's locks. */
void process_figures_heap(struct process_heap *ret);
unsigned process_figures_descriptors(void); /* open ones */
unsigned process_figures_cpus(void);

enum { PROCESS_POOLS_MAX = 32, PROCESS_POOL_NAME = 16 };
struct process_pool {
    char name[PROCESS_POOL_NAME]; /* of its threads, without their numbers */
    unsigned threads;
};
/* Threads by pool; *ret_n of them, at most PROCESS_POOLS_MAX; the result: all threads. */
unsigned process_figures_pools(struct process_pool ret[PROCESS_POOLS_MAX], size_t *ret_n);
