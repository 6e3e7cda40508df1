/* The embedded engine alone: 500 devices x 10 variables x 1,000 s of two-decimal random walks, in
 * sets of 1,000 records, then what reading costs. Prints one figure a line; arguments: an empty
 * directory, and how many seconds of data. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "store/embedded/engine.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define DEVICES     500
#define VARIABLES   10
#define SET_RECORDS 1000
#define START_NS    (INT64_C(1700000000) * NS_PER_S)

static int64_t walk[DEVICES * VARIABLES]; /* hundredths */
static _Atomic bool writing;

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double wall_s(void)
{
    return (double)clock_mono_ns(clock_real()) / 1e9;
}

static double rss_mib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static double dir_bytes(const char *dir)
{
    char path[4096];
    double sum = 0;
    DIR *d = opendir(dir);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) sum += (double)st.st_size;
    }
    if (d) closedir(d);
    return sum;
}

static struct telemetry *open_engine(const char *dir)
{
    struct telemetry *t;
    struct why why = {""};
    struct engine_opts opts = {.dir = dir, .fs = fs_real(), .clock = clock_real()};
    enum err e = engine_open(&t, &opts, &why);
    if (e) {
        fprintf(stderr, "%s: %s\n", err_name(e), why.text);
        exit(1);
    }
    return t;
}

static void fill(struct record_set *set, struct rnd *rnd, int64_t first_record)
{
    for (int64_t i = 0; i < SET_RECORDS; i++) {
        int64_t device = (first_record + i) % DEVICES, second = (first_record + i) / DEVICES;
        set->records[i] = (struct record){1, device + 1, START_NS + second * NS_PER_S,
                                          (uint32_t)(i * VARIABLES), VARIABLES};
        for (int64_t v = 0; v < VARIABLES; v++) {
            int64_t at = device * VARIABLES + v;
            walk[at] += (int64_t)rnd_below(rnd, 21) - 10;
            set->points[i * VARIABLES + v] = (struct point){at + 1, (double)walk[at] / 100};
        }
    }
}

static void *maintain(void *arg)
{
    struct telemetry *t = arg;
    while (atomic_load(&writing)) {
        nanosleep(&(struct timespec){0, 100000000}, NULL);
        if (t->ops->maintain(t)) exit(1);
    }
    return NULL;
}

/* Returns CPU seconds of the store, without making the data. */
static double write_all(struct telemetry *t, int64_t seconds)
{
    struct rnd rnd;
    struct record_set set = {mem_array(SET_RECORDS, sizeof(struct record)), SET_RECORDS,
                             mem_array(SET_RECORDS * VARIABLES, sizeof(struct point)),
                             SET_RECORDS * VARIABLES};
    const struct record_set *sets[] = {&set};
    struct why why;
    double making = 0, before = cpu_s();
    pthread_t thread;
    rnd_seed(&rnd, 1);
    atomic_store(&writing, true);
    pthread_create(&thread, NULL, maintain, t);
    for (int64_t at = 0; at < seconds * DEVICES; at += SET_RECORDS) {
        struct timespec a, b;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
        fill(&set, &rnd, at);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
        making += (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
        if (telemetry_write(t, sets, 1, &why)) {
            fprintf(stderr, "write: %s\n", why.text);
            exit(1);
        }
    }
    atomic_store(&writing, false);
    pthread_join(thread, NULL);
    t->ops->close(t);
    mem_free(set.records);
    mem_free(set.points);
    return cpu_s() - before - making;
}

static double latest_ms(struct telemetry *t)
{
    int64_t series[DEVICES];
    struct sample latest[DEVICES];
    for (int i = 0; i < DEVICES; i++) series[i] = (int64_t)i * VARIABLES + 1;
    double before = wall_s();
    if (t->ops->latest(t, 1, series, DEVICES, latest)) exit(1);
    return (wall_s() - before) * 1e3;
}

/* The mean over 100 series of a scan of their first 1,000 points. */
static double scan_ms(struct telemetry *t)
{
    double before = wall_s();
    for (int64_t i = 0; i < 100; i++) {
        int64_t device = i * 5;
        struct scan_range range = {
            1, device + 1, device * VARIABLES + 4, START_NS, START_NS + 1000 * NS_PER_S, false};
        struct scan_cursor *c;
        const struct sample *samples;
        size_t n, total = 0;
        if (telemetry_scan_open(t, &range, &c)) exit(1);
        while (!telemetry_scan_next(c, &samples, &n)) total += n;
        telemetry_scan_close(c);
        if (total != 1000) exit(1);
    }
    return (wall_s() - before) * 10;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench_engine DIR [SECONDS]\n");
        return 2;
    }
    int64_t seconds = argc > 2 ? atoll(argv[2]) : 1000;
    double points = (double)seconds * DEVICES * VARIABLES, start = wall_s();
    double cpu = write_all(open_engine(argv[1]), seconds);
    double wall = wall_s() - start;
    printf("points written                  %.0f\n", points);
    printf("points per CPU second           %.2f M (flush, merges and close included)\n",
           points / cpu / 1e6);
    printf("points per second               %.2f M\n", points / wall / 1e6);
    printf("bytes per point after close     %.3f\n", dir_bytes(argv[1]) / points);
    printf("largest RSS                     %.1f MiB\n", rss_mib());
    start = wall_s();
    struct telemetry *t = open_engine(argv[1]);
    printf("open                            %.1f ms\n", (wall_s() - start) * 1e3);
    printf("latest of 500 series            %.3f ms\n", latest_ms(t));
    printf("1,000 points of one series      %.3f ms\n", scan_ms(t));
    t->ops->close(t);
    return 0;
}
