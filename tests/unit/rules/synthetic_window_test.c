/* Sliding windows give what a scan of the window gives, for any rate, in bounded memory. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "rules/synthetic_median.h"
#include "rules/synthetic_window.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SEED UINT64_C(20261124)

/* The series as the store would have it. */
static struct {
    struct sample *at;
    size_t n, reads, samples_read;
    enum err fails;
} series;

static enum err read_series(void *ctx, int64_t from_ns, int64_t to_ns,
                            void (*give)(void *to, struct sample s), void *to)
{
    (void)ctx;
    if (series.fails) return series.fails;
    size_t low = 0, high = series.n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (series.at[middle].ts_ns < from_ns)
            low = middle + 1;
        else
            high = middle;
    }
    series.reads++;
    for (; low < series.n && series.at[low].ts_ns <= to_ns; low++, series.samples_read++)
        give(to, series.at[low]);
    return ERR_OK;
}

static const struct synthetic_source source = {NULL, read_series};

struct scanned {
    double count, sum, mean, stddev, min, max, magnitude;
    struct sample first, last;
};

static struct scanned scan(int64_t t_ns, int64_t span_ns)
{
    struct scanned r = {.min = INFINITY, .max = -INFINITY};
    long double sum = 0, squares = 0;
    for (size_t i = series.n; i--;) {
        struct sample s = series.at[i];
        if (s.ts_ns > t_ns) continue;
        if (s.ts_ns <= t_ns - span_ns) break;
        if (r.count == 0) r.last = s;
        r.first = s;
        r.count++;
        sum += (long double)s.value;
        r.magnitude += fabs(s.value);
        r.min = fmin(r.min, s.value);
        r.max = fmax(r.max, s.value);
    }
    r.sum = (double)sum;
    r.mean = (double)(sum / (long double)r.count);
    for (size_t i = series.n; i--;) {
        struct sample s = series.at[i];
        if (s.ts_ns > t_ns || s.ts_ns <= t_ns - span_ns) continue;
        long double d = (long double)s.value - sum / (long double)r.count;
        squares += d * d;
    }
    r.stddev = (double)sqrtl(squares / (long double)r.count);
    return r;
}

static void near(const char *what, double v, double expected, double scale)
{
    if (!(fabs(v - expected) <= 1e-9 * scale)) fail_msg("%s: %.17g, not %.17g", what, v, expected);
}

static double read_of(const struct synthetic_window *w, enum expression_statistic what)
{
    double v = NAN;
    if (!synthetic_window_read(w, what, &v)) return NAN;
    return v;
}

static void equals_scan(const struct synthetic_window *w, int64_t t_ns, int64_t span_ns)
{
    struct scanned s = scan(t_ns, span_ns);
    assert_true(read_of(w, EXPRESSION_COUNT) == s.count);
    if (s.count == 0) {
        assert_true(isnan(read_of(w, EXPRESSION_SUM)) && isnan(read_of(w, EXPRESSION_MIN)));
        return;
    }
    near("sum", read_of(w, EXPRESSION_SUM), s.sum, s.magnitude);
    near("avg", read_of(w, EXPRESSION_AVG), s.mean, s.magnitude / s.count);
    near("stddev", read_of(w, EXPRESSION_STDDEV), s.stddev, s.stddev + s.magnitude / s.count);
    assert_true(read_of(w, EXPRESSION_MIN) == s.min && read_of(w, EXPRESSION_MAX) == s.max);
    double change = s.last.value - s.first.value;
    double hours = (double)(s.last.ts_ns - s.first.ts_ns) / (double)NS_PER_HOUR;
    double rate = read_of(w, EXPRESSION_RATE), percent = read_of(w, EXPRESSION_PERCENT_CHANGE);
    if (s.count < 2) {
        assert_true(isnan(rate) && isnan(percent));
        return;
    }
    assert_true(rate == change / hours);
    assert_true(s.first.value == 0 ? isnan(percent) : percent == change / s.first.value * 100);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void median_equals_scan(const struct synthetic_median *m, int64_t t_ns, int64_t span_ns)
{
    static double values[4096];
    size_t n = 0;
    double v = NAN;
    for (size_t i = 0; i < series.n; i++)
        if (series.at[i].ts_ns > t_ns - span_ns && series.at[i].ts_ns <= t_ns)
            values[n++] = series.at[i].value;
    assert_true(synthetic_median_read(m, &v) == (n > 0));
    if (!n) return;
    qsort(values, n, sizeof *values, by_value);
    assert_true(v == (n % 2 ? values[n / 2] : values[n / 2 - 1] / 2 + values[n / 2] / 2));
}

static void series_clear(size_t room)
{
    mem_free(series.at);
    series.at = room ? mem_array(room, sizeof *series.at) : NULL;
    series.n = series.reads = series.samples_read = 0;
    series.fails = ERR_OK;
}

/* Steps of about `step` with pauses, values of every kind; a reading may be written again. */
static void windows_equal_scans(void **state)
{
    (void)state;
    struct rnd rnd;
    rnd_seed(&rnd, SEED);
    print_message("seed %" PRIu64 "\n", SEED);
    for (int round = 0; round < 60; round++) {
        size_t n = 1 + (size_t)rnd_below(&rnd, 3000);
        int64_t span = 1 + (int64_t)rnd_below(&rnd, round % 3 ? 2000 : 200000), t = 1000000;
        struct synthetic_budget budget = {0, 1 << 20};
        struct synthetic_window *w;
        struct synthetic_median *m;
        series_clear(n);
        assert_int_equal(synthetic_window_new(&w, span, &source, &budget), ERR_OK);
        assert_int_equal(synthetic_median_new(&m, span, &budget), ERR_OK);
        for (size_t i = 0; i < n; i++) {
            bool again = series.n && series.at[series.n - 1].ts_ns == t && !rnd_below(&rnd, 10);
            if (!again) t += 1 + (int64_t)rnd_below(&rnd, rnd_below(&rnd, 50) ? 100 : 5000);
            double v = (double)rnd_below(&rnd, 7) * 1e3 + rnd_unit(&rnd) - (round % 2 ? 3e3 : 0);
            if (!rnd_below(&rnd, 20)) v = 0;
            struct sample s = {t, v};
            series.at[again ? series.n - 1 : series.n++] = s;
            assert_int_equal(synthetic_window_add(w, s), ERR_OK);
            assert_int_equal(synthetic_median_add(m, s), ERR_OK);
            int64_t look = t + (rnd_below(&rnd, 30) ? 0 : (int64_t)rnd_below(&rnd, 3000));
            if (rnd_below(&rnd, 4)) continue;
            t = look;
            assert_int_equal(synthetic_window_move(w, t), ERR_OK);
            synthetic_median_move(m, t);
            equals_scan(w, t, span);
            median_equals_scan(m, t, span);
        }
        synthetic_window_free(w);
        synthetic_median_free(m);
        assert_int_equal(budget.used_bytes, 0);
    }
    series_clear(0);
}

/* A month of readings every second through a window of a week: a bound on memory and on reads. */
static void long_windows_stay_small_and_read_rarely(void **state)
{
    (void)state;
    enum { N = 2600000, SPAN = 604800 };
    struct rnd rnd;
    struct synthetic_budget budget = {0, 100 << 10};
    struct synthetic_window *w;
    double v = 20;
    rnd_seed(&rnd, SEED);
    series_clear(N);
    assert_int_equal(synthetic_window_new(&w, SPAN, &source, &budget), ERR_OK);
    for (int64_t i = 0; i < N; i++) {
        v += rnd_unit(&rnd) - 0.5;
        series.at[series.n++] = (struct sample){i, v};
        assert_int_equal(synthetic_window_add(w, series.at[i]), ERR_OK);
        if (i % 200000 == 123456) equals_scan(w, i, SPAN);
    }
    equals_scan(w, N - 1, SPAN);
    print_message("%zu reads of %zu readings, %zu bytes\n", series.reads, series.samples_read,
                  budget.used_bytes);
    assert_true(series.reads < N / 50);
    assert_true(series.samples_read < (size_t)N * 4);
    synthetic_window_free(w);
    series_clear(0);
}

static void short_windows_ask_for_nothing(void **state)
{
    (void)state;
    struct synthetic_budget budget = {0, 1 << 20};
    struct synthetic_window *w;
    series_clear(0);
    series.fails = ERR_IO;
    assert_int_equal(synthetic_window_new(&w, WINDOW_RUN, &source, &budget), ERR_OK);
    for (int64_t i = 0; i < 10000; i++)
        assert_int_equal(synthetic_window_add(w, (struct sample){i, 1}), ERR_OK);
    assert_true(read_of(w, EXPRESSION_COUNT) == WINDOW_RUN);
    synthetic_window_free(w);
}

static void the_older_edge_is_outside_the_newer_inside(void **state)
{
    (void)state;
    struct synthetic_budget budget = {0, 1 << 20};
    struct synthetic_window *w;
    series_clear(0);
    assert_int_equal(synthetic_window_new(&w, 10, &source, &budget), ERR_OK);
    assert_int_equal(synthetic_window_add(w, (struct sample){100, 1}), ERR_OK);
    assert_int_equal(synthetic_window_add(w, (struct sample){109, 2}), ERR_OK);
    assert_true(read_of(w, EXPRESSION_COUNT) == 2);
    assert_int_equal(synthetic_window_move(w, 110), ERR_OK);
    assert_true(read_of(w, EXPRESSION_COUNT) == 1);
    assert_true(isnan(read_of(w, EXPRESSION_RATE)));
    assert_int_equal(synthetic_window_move(w, 119), ERR_OK);
    assert_true(read_of(w, EXPRESSION_COUNT) == 0);
    assert_true(isnan(read_of(w, EXPRESSION_AVG)));
    synthetic_window_free(w);
}

static void a_store_that_fails_is_told(void **state)
{
    (void)state;
    enum err e = ERR_OK;
    struct synthetic_budget budget = {0, 1 << 20};
    struct synthetic_window *w;
    series_clear(0);
    series.fails = ERR_IO;
    assert_int_equal(synthetic_window_new(&w, 1000, &source, &budget), ERR_OK);
    for (int64_t i = 0; i < 2000 && !e; i++) e = synthetic_window_add(w, (struct sample){i, 1});
    assert_int_equal(e, ERR_IO);
    synthetic_window_free(w);
    assert_int_equal(budget.used_bytes, 0);
}

static void the_budget_is_a_limit(void **state)
{
    (void)state;
    enum err e = ERR_OK;
    struct synthetic_budget budget = {0, 4096};
    struct synthetic_window *w = NULL, *other = NULL;
    struct synthetic_median *m;
    series_clear(0);
    assert_int_equal(synthetic_window_new(&w, 1000, &source, &budget), ERR_OK);
    assert_int_equal(synthetic_median_new(&m, 1000, &budget), ERR_OK);
    for (int64_t i = 0; i < 2000 && !e; i++) {
        e = synthetic_window_add(w, (struct sample){i, 1});
        if (!e) e = synthetic_median_add(m, (struct sample){i, 1});
    }
    assert_int_equal(e, ERR_LIMIT);
    assert_true(budget.used_bytes <= budget.max_bytes);
    budget.max_bytes = budget.used_bytes;
    assert_int_equal(synthetic_window_new(&other, 1000, &source, &budget), ERR_LIMIT);
    synthetic_window_free(w);
    synthetic_median_free(m);
    assert_int_equal(budget.used_bytes, 0);
}

static void a_median_of_too_many_readings_is_none(void **state)
{
    (void)state;
    struct synthetic_budget budget = {0, 8 << 20};
    struct synthetic_median *m;
    double v = 0;
    assert_int_equal(synthetic_median_new(&m, 1000000, &budget), ERR_OK);
    for (int64_t i = 0; i < MEDIAN_READINGS; i++)
        assert_int_equal(synthetic_median_add(m, (struct sample){i, (double)i}), ERR_OK);
    assert_true(synthetic_median_read(m, &v) && v == (MEDIAN_READINGS - 1) / 2.0);
    assert_int_equal(synthetic_median_add(m, (struct sample){MEDIAN_READINGS, 1}), ERR_OK);
    assert_false(synthetic_median_read(m, &v));
    synthetic_median_move(m, 1000000 - 1);
    assert_false(synthetic_median_read(m, &v));
    synthetic_median_move(m, 1000000); /* what was lost would have gone by now */
    assert_true(synthetic_median_read(m, &v));
    synthetic_median_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_equal_scans),
        cmocka_unit_test(long_windows_stay_small_and_read_rarely),
        cmocka_unit_test(short_windows_ask_for_nothing),
        cmocka_unit_test(the_older_edge_is_outside_the_newer_inside),
        cmocka_unit_test(a_store_that_fails_is_told),
        cmocka_unit_test(the_budget_is_a_limit),
        cmocka_unit_test(a_median_of_too_many_readings_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
