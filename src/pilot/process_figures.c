/* Figures of this process (see process_figures.h). */
#include "pilot/process_figures.h"

#include <dirent.h>
#include <malloc.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* --- memory ----------------------------------------------------------------------------------- */

/* The number in a file of one line; 0: there is none, or it says "max". */
static uint64_t read_number(const char *path)
{
    unsigned long long n = 0;
    FILE *f = fopen(path, "r");
    if (f && fscanf(f, "%llu", &n) != 1) n = 0;
    if (f) fclose(f);
    return n;
}

static void lower(uint64_t *limit, const char *dir, const char *path, const char *file)
{
    char name[600];
    snprintf(name, sizeof name, "%s%s/%s", dir, path, file);
    uint64_t n = read_number(name);
    if (n && n < *limit) *limit = n;
}

/* Walks from our group up to the root: each may have a limit, the smallest counts. */
static void lower_along(uint64_t *limit, const char *dir, char *path, const char *file)
{
    for (;;) {
        lower(limit, dir, path, file);
        char *slash = strrchr(path, '/');
        if (!slash) return;
        *slash = 0;
    }
}

/* A line of /proc/self/cgroup: "0::/user.slice/x" (version 2), "9:memory:/x" (version 1). */
static void judge_group(uint64_t *limit, char *line)
{
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path) return;
    line[strcspn(line, "\n")] = 0;
    *path++ = 0;
    if (strcmp(controllers, ":") == 0) lower_along(limit, "/sys/fs/cgroup", path, "memory.max");
    if (strcmp(controllers, ":memory") == 0)
        lower_along(limit, "/sys/fs/cgroup/memory", path, "memory.limit_in_bytes");
}

uint64_t process_figures_memory_limit(void)
{
    uint64_t limit = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    char line[512];
    FILE *f = fopen("/proc/self/cgroup", "r");
    while (f && fgets(line, sizeof line, f)) judge_group(&limit, line);
    if (f) fclose(f);
    return limit;
}

static void read_sizes(uint64_t *ret_virtual, uint64_t *ret_resident)
{
    unsigned long long pages = 0, resident = 0;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%llu %llu", &pages, &resident) != 2) pages = resident = 0;
    if (f) fclose(f);
    *ret_virtual = pages * page;
    *ret_resident = resident * page;
}

double process_figures_memory_ratio(void)
{
    uint64_t all, resident;
    read_sizes(&all, &resident);
    return (double)resident / (double)process_figures_memory_limit();
}

void process_figures_memory(struct process_memory *ret)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    *ret = (struct process_memory){
        .peak = (uint64_t)u.ru_maxrss << 10,
        .major_faults = (uint64_t)u.ru_majflt,
    };
    read_sizes(&ret->virtual_bytes, &ret->resident);
    if (ret->peak < ret->resident) ret->peak = ret->resident; /* the kernel counts them apart */
}

void process_figures_heap(struct process_heap *ret)
{
    struct mallinfo2 heap = mallinfo2();
    *ret = (struct process_heap){heap.uordblks + heap.hblkhd, heap.fordblks};
}

unsigned process_figures_descriptors(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir)) n++;
    if (dir) closedir(dir);
    return n > 3 ? n - 3 : 0; /* ".", ".." and the one that reads */
}

/* --- processors and threads ------------------------------------------------------------------- */

unsigned process_figures_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set)) return (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    return (unsigned)CPU_COUNT(&set);
}

/* "analytics-3" is of "analytics". */
static void read_name(const char *task, char ret[PROCESS_POOL_NAME])
{
    char path[64];
    ret[0] = 0;
    snprintf(path, sizeof path, "/proc/self/task/%.20s/comm", task);
    FILE *f = fopen(path, "r");
    if (f && !fgets(ret, PROCESS_POOL_NAME, f)) ret[0] = 0;
    if (f) fclose(f);
    ret[strcspn(ret, "\n")] = 0;
    char *dash = strrchr(ret, '-');
    if (dash && dash[1] && strspn(dash + 1, "0123456789") == strlen(dash + 1)) *dash = 0;
}

static void count_thread(struct process_pool *pools, size_t *n, const char *name)
{
    size_t i = 0;
    while (i < *n && strcmp(pools[i].name, name) != 0) i++;
    if (i == PROCESS_POOLS_MAX) return;
    if (i == *n) {
        pools[i].threads = 0;
        memcpy(pools[i].name, name, PROCESS_POOL_NAME);
        ++*n;
    }
    pools[i].threads++;
}

unsigned process_figures_pools(struct process_pool ret[PROCESS_POOLS_MAX], size_t *ret_n)
{
    unsigned all = 0;
    size_t n = 0;
    char name[PROCESS_POOL_NAME];
    DIR *dir = opendir("/proc/self/task");
    for (struct dirent *d; dir && (d = readdir(dir));) {
        if (d->d_name[0] == '.') continue;
        read_name(d->d_name, name);
        if (!name[0]) continue; /* it has just ended */
        count_thread(ret, &n, name);
        all++;
    }
    if (dir) closedir(dir);
    *ret_n = n;
    return all;
}
