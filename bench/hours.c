/* What the cache of hours saves: hours of one series asked of the embedded store, and of the store
 * behind the cache; sealed, and with late points that made their hours be summed again from raw.
 * Prints one figure a line; argument: an empty directory. */
#include "base/clock.h"
#include "base/mem.h"
#include "query/aggregate.h"
#include "query/cached_telemetry.h"
#include "store/embedded/engine.h"

#include <stdio.h>
#include <stdlib.h>

enum { DEVICES = 4, VARIABLES = 3, DAYS = 366, STEP_S = 60, SET_RECORDS = 1440 };

static int64_t start_ns; /* DAYS before the last ended hour */

static void check(enum err e)
{
    if (!e) return;
    fprintf(stderr, "bench_hours: %s\n", err_sentence(e));
    exit(1);
}

static void write_day(struct telemetry *t, int64_t device, int day, int64_t shift_ns)
{
    static struct record records[SET_RECORDS];
    static struct point points[SET_RECORDS * VARIABLES];
    struct record_set set = {records, SET_RECORDS, points, SET_RECORDS * VARIABLES};
    const struct record_set *sets[] = {&set};
    struct why why;
    for (uint32_t i = 0; i < (uint32_t)SET_RECORDS; i++) {
        int64_t ts = start_ns + day * NS_PER_DAY + i * STEP_S * NS_PER_S + shift_ns;
        records[i] = (struct record){1, device, ts, i * (uint32_t)VARIABLES, VARIABLES};
        for (uint32_t v = 0; v < (uint32_t)VARIABLES; v++)
            points[i * (uint32_t)VARIABLES + v] =
                (struct point){device * VARIABLES + v, (double)(i * 7 % 1000) / 100};
    }
    check(telemetry_write(t, sets, 1, &why));
}

/* One aggregate over the days before the end, in microseconds: the median of n. */
static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double median_us(struct telemetry *t, int days, int n)
{
    static int64_t took[1000];
    struct arena arena;
    arena_init(&arena, 64 << 20);
    for (int i = 0; i < n; i++) {
        const struct aggregate_series series = {1, VARIABLES};
        int64_t to = start_ns + DAYS * NS_PER_DAY;
        const struct aggregate_spec spec = {
            .org = 1,
            .series = &series,
            .series_count = 1,
            .aggregation = AGGREGATION_AVG,
            .from_ns = to - days * NS_PER_DAY,
            .to_ns = to,
            .interval_ns = NS_PER_HOUR,
            .max_buckets = 10000,
        };
        struct aggregate_bucket *buckets;
        size_t count;
        struct why why;
        int64_t begin = clock_mono_ns(clock_real());
        check(aggregate_run(t, &spec, &arena, &buckets, &count, &why));
        took[i] = clock_mono_ns(clock_real()) - begin;
        arena_reset(&arena);
    }
    arena_done(&arena);
    qsort(took, (size_t)n, sizeof *took, compare);
    return (double)took[n / 2] / 1e3;
}

static void compare_stores(const char *what, struct telemetry *below, struct telemetry *cached)
{
    static const int spans[] = {1, 7, 30, 365};
    for (int i = 0; i < 4; i++) {
        double store = median_us(below, spans[i], 15);
        (void)median_us(cached, spans[i], 1); /* makes the entries */
        double warm = median_us(cached, spans[i], 101);
        printf("%-28s %3d days by the hour: store %9.1f us, cached %8.1f us, %6.1f times\n", what,
               spans[i], store, warm, store / warm);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) return 2;
    int64_t hour = clock_wall_ns(clock_real()) / NS_PER_HOUR * NS_PER_HOUR;
    start_ns = hour - (DAYS + 1) * NS_PER_DAY;
    struct engine_opts engine = {argv[1], fs_real(), clock_real(), UINT64_C(256) << 20, 0};
    struct cache_opts opts = {.max_bytes = 64 << 20, .clock = clock_real()};
    for (int i = 0; i < CACHE_IDS; i++) opts.life_ns[i] = 600 * NS_PER_S;
    struct telemetry *below, *cached;
    struct cache *cache;
    struct why why;
    check(engine_open(&below, &engine, &why));
    check(cache_new(&cache, &opts));
    check(cached_telemetry_new(&cached, below, cache, clock_real()));
    for (int day = 0; day < DAYS; day++)
        for (int64_t device = 1; device <= DEVICES; device++) write_day(cached, device, day, 0);
    compare_stores("in the heads, not sealed", below, cached);
    check(below->ops->seal(below));
    compare_stores("sealed", below, cached);
    for (int day = DAYS - 40; day < DAYS; day++) write_day(cached, 1, day, NS_PER_S);
    compare_stores("late points, not sealed", below, cached);
    cached->ops->close(cached);
    cache_free(cache);
    return 0;
}
