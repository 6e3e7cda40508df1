/* What each index saves: the median time inside PostgreSQL of the statement it serves, with the
 * index and without it, on a pilot's year (10 organisations, 500 devices, 30 M rows of readings).
 * The statements are the program's own, run by the program (tests/helpers/index_cases.c); "without"
 * is a planner that does not see the index.
 *
 *   TMPDIR=$PWD/build build/release/bench_indexes [--rows 30000000] [--runs 15]
 *
 * The cluster is a temporary one below $TMPDIR (12 GB for 30 M rows) and goes at the end. */
#include "index_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS_MAX = 101 };
static struct index_world world;

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of one statement, once the first run has read what it needs. */
static double median_of(const struct index_case *c, const char *text, size_t runs, bool *ret_used)
{
    static struct index_run run;
    double ms[RUNS_MAX];
    index_world_run(&world, c, text, &run);
    for (size_t i = 0; i < runs; i++) {
        index_world_run(&world, c, text, &run);
        ms[i] = run.ms;
        /* what takes seconds says so in three */
        if (i == 2 && run.ms > 1000) runs = 3;
    }
    *ret_used = run.used;
    qsort(ms, runs, sizeof *ms, compare);
    return ms[runs / 2];
}

static void print_case(const struct index_case *c, size_t runs)
{
    static struct index_run run;
    char size[32], sql[256];
    bool used, hidden;
    index_world_run(&world, c, NULL, &run);
    double with = median_of(c, run.text, runs, &used);
    index_world_show(&world, c->index, false);
    double without = median_of(c, run.text, runs, &hidden);
    index_world_show(&world, c->index, true);
    snprintf(sql, sizeof sql,
             "SELECT pg_size_pretty(sum(pg_relation_size(oid))) FROM pg_class WHERE oid = "
             "'%s'::regclass OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = "
             "'%s'::regclass)",
             c->index, c->index);
    index_world_ask(&world, sql, size, sizeof size);
    printf("| %s | %s | %s | %.3f | %.3f | %.1f %% |%s\n", c->index, c->query, size, with, without,
           100 * (1 - with / without), used && !hidden ? "" : " NOT USED");
    fflush(stdout);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    struct index_size size = {
        .rows = 30000000, .hour_devices = 100, .fleet = 50000, .unit = 100000};
    size_t runs = 15;
    for (int i = 1; i + 1 < argc; i += 2) {
        long long n = strtoll(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--rows") == 0 && n > 0) size.rows = n;
        if (strcmp(argv[i], "--runs") == 0 && n > 0 && n <= RUNS_MAX) runs = (size_t)n;
    }
    double begin = now_s();
    if (!index_world_open(&world, &size)) return 1;
    printf("%lld rows of readings, filled in %.0f s; %zu runs each, milliseconds inside "
           "PostgreSQL\n\n| index | statement of | size | with | without | less |\n"
           "| --- | --- | --- | --- | --- | --- |\n",
           (long long)size.rows, now_s() - begin, runs);
    for (size_t i = 0; i < index_case_count; i++) print_case(&index_cases[i], runs);
    index_world_close(&world);
    return 0;
}
