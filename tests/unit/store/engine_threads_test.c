/* One writer, several readers, a sealer and a merger at once: whoever opens a scan after a write
 * was acknowledged sees it (T1), with the right values, whatever is flushed and merged meanwhile.
 * */
#include "base/rnd.h"
#include "store/embedded/engine.h"
#include "temp_dir.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

#define DEVICES   20
#define VARIABLES 5
#define SECONDS   3000
#define START_NS  (INT64_C(1699999200) * NS_PER_S)

struct shared {
    struct telemetry *t;
    _Atomic int64_t acknowledged; /* seconds: written before, so every reader must see them */
    _Atomic bool done;
    _Atomic int64_t scans, wrong;
};

static double value_of(int64_t series, int64_t second)
{
    return (double)(series * 1000 + second % 977) / 100;
}

static void *write_all(void *arg)
{
    struct shared *s = arg;
    static struct record records[DEVICES];
    static struct point points[DEVICES * VARIABLES];
    for (int64_t second = 0; second < SECONDS; second++) {
        for (int64_t d = 0; d < DEVICES; d++) {
            records[d] = (struct record){1, d + 1, START_NS + second * NS_PER_S,
                                         (uint32_t)(d * VARIABLES), VARIABLES};
            for (int64_t v = 0; v < VARIABLES; v++) {
                int64_t series = d * VARIABLES + v + 1;
                points[d * VARIABLES + v] = (struct point){series, value_of(series, second)};
            }
        }
        struct record_set set = {records, DEVICES, points, DEVICES * VARIABLES};
        const struct record_set *sets[] = {&set};
        struct why why;
        if (telemetry_write(s->t, sets, 1, &why)) atomic_fetch_add(&s->wrong, 1);
        atomic_store(&s->acknowledged, second + 1);
    }
    atomic_store(&s->done, true);
    return NULL;
}

static int64_t count_samples(struct shared *s, const struct scan_range *range)
{
    struct scan_cursor *c = NULL;
    const struct sample *samples;
    size_t n;
    int64_t seen = 0;
    enum err e = telemetry_scan_open(s->t, range, &c);
    while (!e && !(e = telemetry_scan_next(c, &samples, &n)))
        for (size_t i = 0; i < n; i++, seen++) {
            int64_t second = (samples[i].ts_ns - START_NS) / NS_PER_S;
            if (samples[i].value != value_of(range->series, second)) atomic_fetch_add(&s->wrong, 1);
            if (!range->descending && second != seen) atomic_fetch_add(&s->wrong, 1);
        }
    if (e != ERR_END) atomic_fetch_add(&s->wrong, 1);
    telemetry_scan_close(c);
    return seen;
}

static void ask_rollups(struct shared *s, struct scan_range *range, int64_t before)
{
    struct rollup hour;
    size_t n = 0;
    range->to_ns = START_NS + NS_PER_HOUR;
    if (s->t->ops->rollups(s->t, range, &hour, 1, &n)) atomic_fetch_add(&s->wrong, 1);
    if (before && (n != 1 || (int64_t)hour.count < before)) atomic_fetch_add(&s->wrong, 1);
}

static void *read_some(void *arg)
{
    struct shared *s = arg;
    struct rnd rnd;
    rnd_seed(&rnd, (uint64_t)(uintptr_t)&rnd);
    while (!atomic_load(&s->done)) {
        int64_t series = 1 + (int64_t)rnd_below(&rnd, DEVICES * VARIABLES);
        int64_t before = atomic_load(&s->acknowledged);
        struct scan_range range = {1,         (series - 1) / VARIABLES + 1, series, INT64_MIN,
                                   INT64_MAX, rnd_below(&rnd, 2) != 0};
        struct sample latest;
        if (count_samples(s, &range) < before) atomic_fetch_add(&s->wrong, 1);
        if (s->t->ops->latest(s->t, 1, &series, 1, &latest)) atomic_fetch_add(&s->wrong, 1);
        if (before && latest.ts_ns < START_NS + (before - 1) * NS_PER_S)
            atomic_fetch_add(&s->wrong, 1);
        range.from_ns = START_NS;
        ask_rollups(s, &range, before);
        atomic_fetch_add(&s->scans, 1);
    }
    return NULL;
}

static void *seal_often(void *arg)
{
    struct shared *s = arg;
    while (!atomic_load(&s->done)) {
        struct telemetry_stats stats;
        if (s->t->ops->seal(s->t)) atomic_fetch_add(&s->wrong, 1);
        s->t->ops->read_stats(s->t, &stats);
    }
    return NULL;
}

static void *merge_often(void *arg)
{
    struct shared *s = arg;
    while (!atomic_load(&s->done))
        if (s->t->ops->maintain(s->t)) atomic_fetch_add(&s->wrong, 1);
    return NULL;
}

static void readers_see_what_was_acknowledged_while_all_else_runs(void **state)
{
    static void *(*const work[])(void *) = {write_all, read_some,  read_some,
                                            read_some, seal_often, merge_often};
    enum { THREADS = sizeof work / sizeof *work };
    (void)state;
    struct temp_dir dir;
    struct shared s = {0};
    struct why why = {""};
    pthread_t threads[THREADS];
    temp_dir_make(&dir);
    struct engine_opts opts = {dir.path, fs_real(), clock_real(), UINT64_C(1) << 20,
                               UINT64_C(64) << 10};
    assert_int_equal(engine_open(&s.t, &opts, &why), ERR_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work[i], &s), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    struct telemetry_stats stats;
    s.t->ops->read_stats(s.t, &stats);
    print_message("%lld scans, %llu flushes, %llu merges\n", (long long)s.scans,
                  (unsigned long long)stats.flushes, (unsigned long long)stats.merges);
    assert_int_equal(s.wrong, 0);
    assert_true(stats.merges > 0 && s.scans > 0);
    s.t->ops->close(s.t);
    temp_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_what_was_acknowledged_while_all_else_runs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
