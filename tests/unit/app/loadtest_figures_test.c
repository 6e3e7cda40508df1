/* What the load test's figures say is what went in, within the width of a bucket. */
#include "app/loadtest_figures.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rnd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The nearest rank: the smallest value that at least that part of all does not exceed. */
static void percentiles_are_within_a_bucket_of_the_sorted_truth(void **state)
{
    (void)state;
    enum { N = 20000 };
    static const double ranks[] = {0.001, 0.25, 0.5, 0.95, 0.99, 0.999};
    struct loadtest_spread *s = mem_zalloc(sizeof *s);
    int64_t *all = mem_array(N, sizeof *all);
    struct rnd rnd;
    rnd_seed(&rnd, 7);
    for (size_t i = 0; i < N; i++) { /* 1 us to 10 s, evenly in the exponent */
        double x = rnd_unit(&rnd) * 7;
        int64_t ns = 1000;
        for (; x >= 1; x--) ns *= 10;
        all[i] = ns + (int64_t)(x * 9 * (double)ns);
        loadtest_spread_add(s, all[i]);
    }
    qsort(all, N, sizeof *all, compare);
    for (size_t i = 0; i < sizeof ranks / sizeof ranks[0]; i++) {
        double truth = (double)all[(size_t)(ranks[i] * N) - 1];
        double said = (double)loadtest_spread_rank(s, ranks[i]);
        assert_true(said > truth * 0.992 - 1000 && said < truth * 1.008 + 1000);
    }
    assert_int_equal(loadtest_spread_rank(s, 1), all[N - 1]);
    mem_free(all);
    mem_free(s);
}

static void what_is_beyond_every_bucket_is_still_counted(void **state)
{
    (void)state;
    struct loadtest_spread *s = mem_zalloc(sizeof *s);
    assert_int_equal(loadtest_spread_rank(s, 0.99), 0);
    loadtest_spread_add(s, INT64_MAX / 2);
    loadtest_spread_add(s, -5);
    loadtest_spread_add(s, 0);
    assert_int_equal(s->count, 3);
    assert_int_equal(loadtest_spread_rank(s, 1), INT64_MAX / 2);
    assert_true(loadtest_spread_rank(s, 0.5) < 1000);
    mem_free(s);
}

static void intervals_hold_what_fell_into_them(void **state)
{
    (void)state;
    struct loadtest_figures *f = loadtest_figures_new(0, NS_PER_S, 3);
    loadtest_figures_add(f, LOADTEST_QUERY, NS_PER_MS);
    loadtest_figures_turn(f, NS_PER_S - 1);
    assert_int_equal(f->intervals, 0);
    loadtest_figures_turn(f, NS_PER_S);
    loadtest_figures_turn(f, 2 * NS_PER_S); /* nothing in it */
    loadtest_figures_add(f, LOADTEST_QUERY, 3 * NS_PER_MS);
    loadtest_figures_error(f, LOADTEST_QUERY);
    loadtest_figures_turn(f, 4 * NS_PER_S); /* the fourth has no place */
    assert_int_equal(f->intervals, 3);
    assert_int_equal(f->samples[LOADTEST_QUERY][0].count, 1);
    assert_int_equal(f->samples[LOADTEST_QUERY][1].count, 0);
    assert_int_equal(f->samples[LOADTEST_QUERY][2].errors, 1);
    assert_int_equal(f->samples[LOADTEST_QUERY][2].p99_ns, 3 * NS_PER_MS);
    assert_int_equal(loadtest_figures_requests(f), 2);
    assert_int_equal(loadtest_figures_errors(f), 1);
    loadtest_figures_free(f);
}

/* Half of an interval or more counts as one. */
static void the_last_interval_counts_when_it_ran_long_enough(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct loadtest_figures *f = loadtest_figures_new(0, NS_PER_S, 5);
        loadtest_figures_add(f, LOADTEST_QUERY, NS_PER_MS);
        loadtest_figures_end(f, NS_PER_S / 2 - 1 + i);
        assert_int_equal(f->intervals, i);
        assert_int_equal(f->all[LOADTEST_QUERY].count, 1);
        loadtest_figures_free(f);
    }
}

static void the_generators_lateness_is_no_request(void **state)
{
    (void)state;
    struct loadtest_figures *f = loadtest_figures_new(0, NS_PER_S, 5);
    loadtest_figures_add(f, LOADTEST_LATE, 5);
    loadtest_figures_add(f, LOADTEST_LIVE, 5);
    assert_int_equal(loadtest_figures_requests(f), 0);
    loadtest_figures_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_within_a_bucket_of_the_sorted_truth),
        cmocka_unit_test(what_is_beyond_every_bucket_is_still_counted),
        cmocka_unit_test(intervals_hold_what_fell_into_them),
        cmocka_unit_test(the_last_interval_counts_when_it_ran_long_enough),
        cmocka_unit_test(the_generators_lateness_is_no_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
