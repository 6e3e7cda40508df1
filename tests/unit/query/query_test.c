/* Rows, aggregates and thinning against plain arithmetic over the same samples. */
#include "base/clock.h"
#include "base/rnd.h"
#include "memory_store.h"
#include "query/aggregate.h"
#include "query/rows.h"
#include "query/thin.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 4000 };
static struct sample all[N]; /* series 1: about 100 hours, irregular */
static struct telemetry *store;
static struct arena arena;

static void put(int64_t series, struct sample s)
{
    struct point p = {series, s.value};
    struct record r = {1, 1, s.ts_ns, 0, 1};
    const struct record_set set = {&r, 1, &p, 1}, *sets = &set;
    assert_int_equal(telemetry_write(store, &sets, 1, NULL), ERR_OK);
}

static int set_up(void **state)
{
    (void)state;
    struct rnd rnd;
    uint64_t seed = 20070201;
    print_message("seed %llu\n", (unsigned long long)seed);
    rnd_seed(&rnd, seed);
    store = memory_store_new();
    arena_init(&arena, 64 << 20);
    int64_t ts = 1000 * NS_PER_HOUR + 17 * NS_PER_S;
    for (int i = 0; i < N; i++) {
        ts += (int64_t)rnd_below(&rnd, 180 * (uint64_t)NS_PER_S) + 1;
        all[i] = (struct sample){ts, round(rnd_unit(&rnd) * 1e4) / 100 - 30};
        put(1, all[i]);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    store->ops->close(store);
    return 0;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The definition, word for word, over an array. */
static double plain(enum aggregation a, const struct sample *s, size_t n)
{
    double sum = 0, min = s[0].value, max = s[0].value, m2 = 0;
    double *sorted = malloc(n * sizeof *sorted);
    for (size_t i = 0; i < n; i++) {
        sum += s[i].value;
        min = fmin(min, s[i].value);
        max = fmax(max, s[i].value);
        sorted[i] = s[i].value;
    }
    for (size_t i = 0; i < n; i++)
        m2 += (s[i].value - sum / (double)n) * (s[i].value - sum / (double)n);
    qsort(sorted, n, sizeof *sorted, compare);
    double rank = a == AGGREGATION_P50 ? 0.5 : a == AGGREGATION_P95 ? 0.95 : 0.99;
    double at = rank * (double)(n - 1), low = sorted[(size_t)at];
    double high = (size_t)at + 1 < n ? sorted[(size_t)at + 1] : low;
    free(sorted);
    switch (a) {
    case AGGREGATION_MIN:
        return min;
    case AGGREGATION_MAX:
        return max;
    case AGGREGATION_AVG:
        return sum / (double)n;
    case AGGREGATION_SUM:
        return sum;
    case AGGREGATION_COUNT:
        return (double)n;
    case AGGREGATION_FIRST:
        return s[0].value;
    case AGGREGATION_LAST:
        return s[n - 1].value;
    case AGGREGATION_STDDEV:
        return sqrt(m2 / (double)n);
    default:
        return low + (at - floor(at)) * (high - low);
    }
}

static void check_window(enum aggregation a, int64_t from, int64_t to, int64_t interval)
{
    const struct aggregate_series series = {1, 1};
    const struct aggregate_spec spec = {1, &series, 1, a, from, to, interval, 100000, NULL};
    struct aggregate_bucket *got;
    size_t n, k = 0;
    assert_int_equal(aggregate_run(store, &spec, &arena, &got, &n, NULL), ERR_OK);
    size_t i = 0;
    while (i < N && all[i].ts_ns < from) i++;
    while (i < N && all[i].ts_ns < to) {
        int64_t start = interval ? from + (all[i].ts_ns - from) / interval * interval : from;
        size_t first = i;
        while (i < N && all[i].ts_ns < to && (!interval || all[i].ts_ns < start + interval)) i++;
        assert_true(k < n);
        assert_int_equal(got[k].ts_ns, start);
        assert_int_equal(got[k].count, i - first);
        double want = plain(a, all + first, i - first);
        bool exact = a == AGGREGATION_MIN || a == AGGREGATION_MAX || a == AGGREGATION_FIRST ||
                     a == AGGREGATION_LAST || a == AGGREGATION_COUNT;
        if (exact)
            assert_true(got[k].value == want);
        else
            assert_true(fabs(got[k].value - want) <= 1e-12 * fmax(1, fabs(want)) * 100);
        k++;
    }
    assert_int_equal(k, n);
}

static void aggregates_equal_a_raw_scan_for_every_kind_and_interval(void **state)
{
    (void)state;
    static const int64_t intervals[] = {
        0, 60 * NS_PER_S, NS_PER_HOUR, 3 * NS_PER_HOUR, 150 * NS_PER_MINUTE, NS_PER_DAY};
    static const int64_t offsets[] = {0, 1, 1234567890123, -3600000000001};
    int64_t base = 1000 * NS_PER_HOUR;
    for (int a = AGGREGATION_MIN; a <= AGGREGATION_P99; a++)
        for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++)
            for (size_t o = 0; o < sizeof offsets / sizeof *offsets; o++) {
                int64_t from = base + offsets[o];
                check_window((enum aggregation)a, from, from + 90 * NS_PER_HOUR + offsets[o] / 7,
                             intervals[i]);
                arena_reset(&arena);
            }
}

static void too_many_buckets_name_the_interval_that_fits(void **state)
{
    (void)state;
    const struct aggregate_series series = {1, 1};
    const struct aggregate_spec spec = {1,        &series, 1,   AGGREGATION_AVG, 0, NS_PER_DAY,
                                        NS_PER_S, 1000,    NULL};
    struct aggregate_bucket *got;
    size_t n;
    struct why why = {""};
    assert_int_equal(aggregate_run(store, &spec, &arena, &got, &n, &why), ERR_IMPOSSIBLE);
    assert_non_null(strstr(why.text, "87s"));
    struct aggregate_spec fits = spec;
    fits.interval_ns = 87 * NS_PER_S;
    assert_int_equal(aggregate_run(store, &fits, &arena, &got, &n, &why), ERR_OK);
    fits.interval_ns = 86 * NS_PER_S;
    assert_int_equal(aggregate_run(store, &fits, &arena, &got, &n, &why), ERR_IMPOSSIBLE);
}

static void foreign_organisation_sees_nothing(void **state)
{
    (void)state;
    const struct aggregate_series series = {1, 1};
    const struct aggregate_spec spec = {2, &series, 1,   AGGREGATION_COUNT, 0, INT64_MAX,
                                        0, 1000,    NULL};
    struct aggregate_bucket *got;
    size_t n = 99;
    assert_int_equal(aggregate_run(store, &spec, &arena, &got, &n, NULL), ERR_OK);
    assert_int_equal(n, 0);
}

static void intervals_parse_and_refuse(void **state)
{
    (void)state;
    int64_t ns;
    assert_true(aggregate_parse_interval(BYTES("15m"), &ns) && ns == 900 * NS_PER_S);
    assert_true(aggregate_parse_interval(BYTES("NONE"), &ns) && ns == 0);
    assert_true(aggregate_parse_interval(BYTES("7d"), &ns) && ns == 7 * NS_PER_DAY);
    static const char *const bad[] = {"0s", "m", "-1h", "1w", "1.5h", "99999999999d", " 1h"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(aggregate_parse_interval(bytes_str(bad[i]), &ns));
}

static void thinning_keeps_every_spike_and_the_bound(void **state)
{
    (void)state;
    const struct scan_range range = {1, 1, 1, all[0].ts_ns, all[N - 1].ts_ns + 1, false};
    struct sample *got;
    size_t n;
    assert_int_equal(thin_series(store, &range, 400, NULL, &arena, &got, &n), ERR_OK);
    assert_true(n <= 400 && n > 300);
    double min = 1e9, max = -1e9, thin_min = 1e9, thin_max = -1e9;
    for (int i = 0; i < N; i++) min = fmin(min, all[i].value), max = fmax(max, all[i].value);
    for (size_t i = 0; i < n; i++) {
        thin_min = fmin(thin_min, got[i].value);
        thin_max = fmax(thin_max, got[i].value);
        if (i) assert_true(got[i].ts_ns > got[i - 1].ts_ns);
    }
    assert_true(min == thin_min && max == thin_max);
    assert_int_equal(got[0].ts_ns, all[0].ts_ns);
    assert_int_equal(got[n - 1].ts_ns, all[N - 1].ts_ns);
}

static void thinning_gives_all_when_all_fit(void **state)
{
    (void)state;
    const struct scan_range range = {1, 1, 1, all[10].ts_ns, all[13].ts_ns + 1, false};
    struct sample *got;
    size_t n;
    assert_int_equal(thin_series(store, &range, 40000, NULL, &arena, &got, &n), ERR_OK);
    assert_int_equal(n, 4);
}

static void all_of_time_thins_into_one_column(void **state)
{
    (void)state;
    const struct scan_range range = {1, 1, 1, INT64_MIN, INT64_MAX, false};
    struct sample *got;
    size_t n;
    assert_int_equal(thin_series(store, &range, 4, NULL, &arena, &got, &n), ERR_OK);
    assert_true(n >= 2 && n <= 4);
    assert_true(got[0].ts_ns == all[0].ts_ns && got[n - 1].ts_ns == all[N - 1].ts_ns);
}

/* The ends of the range come from clients: no sum of them may leave the 64 bits. */
static void all_of_time_aggregates_for_every_interval(void **state)
{
    (void)state;
    const struct aggregate_series series = {1, 1};
    static const int64_t intervals[] = {0, 300 * NS_PER_DAY, 300 * NS_PER_DAY + NS_PER_S,
                                        106751 * NS_PER_DAY};
    static const int64_t ends[] = {INT64_MIN, INT64_MIN + 1, 0, INT64_MAX - 1, INT64_MAX};
    for (int i = 0; i < 4; i++)
        for (int a = 0; a < 5; a++)
            for (int b = a + 1; b < 5; b++) {
                const struct aggregate_spec spec = {
                    1, &series, 1, AGGREGATION_COUNT, ends[a], ends[b], intervals[i], 100000, NULL};
                struct aggregate_bucket *got;
                size_t n;
                assert_int_equal(aggregate_run(store, &spec, &arena, &got, &n, NULL), ERR_OK);
                uint64_t count = 0;
                for (size_t k = 0; k < n; k++) count += got[k].count;
                assert_int_equal(count, ends[a] <= 0 && ends[b] > 0 ? N : 0);
            }
}

static void rows_put_series_side_by_side(void **state)
{
    (void)state;
    put(2, (struct sample){10, 1});
    put(2, (struct sample){20, 2});
    put(3, (struct sample){20, 3});
    put(3, (struct sample){30, 4});
    const int64_t series[] = {2, 3};
    struct rows_spec spec = {1, 1, series, 2, 0, 100, false, NULL};
    struct rows *rows;
    int64_t ts;
    const double *v;
    assert_int_equal(rows_open(&rows, store, &spec), ERR_OK);
    assert_int_equal(rows_next(rows, &ts, &v), ERR_OK);
    assert_true(ts == 10 && v[0] == 1 && isnan(v[1]));
    assert_int_equal(rows_next(rows, &ts, &v), ERR_OK);
    assert_true(ts == 20 && v[0] == 2 && v[1] == 3);
    assert_int_equal(rows_next(rows, &ts, &v), ERR_OK);
    assert_true(ts == 30 && isnan(v[0]) && v[1] == 4);
    assert_int_equal(rows_next(rows, &ts, &v), ERR_END);
    rows_close(rows);
    spec.descending = true;
    assert_int_equal(rows_open(&rows, store, &spec), ERR_OK);
    assert_int_equal(rows_next(rows, &ts, &v), ERR_OK);
    assert_true(ts == 30);
    rows_close(rows);
}

/* A clock that moves by a nanosecond with every look, so that a limit is met in the middle. */
static int64_t looks;

static int64_t look(const struct clock *c)
{
    (void)c;
    return ++looks;
}

static bool after_some_looks(const void *ctx)
{
    return ++looks > *(const int64_t *)ctx;
}

static void a_query_ends_at_its_deadline_or_when_nobody_waits(void **state)
{
    (void)state;
    static const struct clock stepping = {look, look};
    const int64_t limit_looks = 3;
    const struct {
        struct query_limit limit;
        enum err expected;
    } cases[] = {
        {{&stepping, 3, NULL, NULL}, ERR_TIMEOUT},
        {{&stepping, 0, after_some_looks, &limit_looks}, ERR_CLOSED},
        {{&stepping, INT64_MAX, NULL, NULL}, ERR_OK},
        {{&stepping, 0, NULL, NULL}, ERR_OK},
    };
    const struct aggregate_series series[] = {{1, 1}, {1, 1}, {1, 1}, {1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static const enum aggregation kinds[] = {AGGREGATION_P99, AGGREGATION_AVG};
        struct why why = {""};
        for (int k = 0; k < 2; k++) {
            const struct aggregate_spec spec = {.org = 1,
                                                .series = series,
                                                .series_count = 4,
                                                .aggregation = kinds[k],
                                                .to_ns = INT64_MAX,
                                                .limit = &cases[i].limit};
            struct aggregate_bucket *got;
            size_t n;
            looks = 0;
            assert_int_equal(aggregate_run(store, &spec, &arena, &got, &n, &why),
                             cases[i].expected);
        }
        const struct scan_range range = {1, 1, 1, INT64_MIN, INT64_MAX, false};
        struct sample *samples;
        size_t n;
        enum err e = ERR_OK;
        looks = 0;
        for (int turn = 0; turn < 4 && !e; turn++)
            e = thin_series(store, &range, 400, &cases[i].limit, &arena, &samples, &n);
        assert_int_equal(e, cases[i].expected);
        struct rows *rows;
        int64_t ts, id = 1;
        const double *values;
        const struct rows_spec spec = {1, 1, &id, 1, INT64_MIN, INT64_MAX, false, &cases[i].limit};
        looks = 3;
        assert_int_equal(rows_open(&rows, store, &spec), ERR_OK);
        while (!(e = rows_next(rows, &ts, &values))) continue;
        assert_int_equal(e, cases[i].expected ? cases[i].expected : ERR_END);
        rows_close(rows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aggregates_equal_a_raw_scan_for_every_kind_and_interval),
        cmocka_unit_test(too_many_buckets_name_the_interval_that_fits),
        cmocka_unit_test(foreign_organisation_sees_nothing),
        cmocka_unit_test(intervals_parse_and_refuse),
        cmocka_unit_test(thinning_keeps_every_spike_and_the_bound),
        cmocka_unit_test(thinning_gives_all_when_all_fit),
        cmocka_unit_test(all_of_time_thins_into_one_column),
        cmocka_unit_test(all_of_time_aggregates_for_every_interval),
        cmocka_unit_test(rows_put_series_side_by_side),
        cmocka_unit_test(a_query_ends_at_its_deadline_or_when_nobody_waits),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
