/* Two samples: the formula's own values, ties, shifts, and how often chance alone is called a
 * difference. */
#include "perf/mann_whitney.h"

#include "base/rnd.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static double scratch[MANN_WHITNEY_SCRATCH(60, 60)];

/* All 25 pairs rise: U = 25, its mean 12.5, its variance 5 * 5 * 11 / 12, half a step of
 * continuity. */
static void five_above_five_have_the_p_of_the_formula(void **state)
{
    (void)state;
    const double a[] = {1, 2, 3, 4, 5}, b[] = {10, 9, 8, 7, 6};
    struct mann_whitney r;
    assert_true(mann_whitney_run(a, 5, b, 5, scratch, &r));
    double z = 12 / sqrt(275.0 / 12);
    assert_true(fabs(r.p - erfc(z / sqrt(2)) / 2) < 1e-12);
    assert_true(fabs(r.p - 0.006093) < 1e-6);
    assert_true(fabs(r.shift - 5) < 1e-12);
    assert_true(mann_whitney_run(b, 5, a, 5, scratch, &r));
    assert_true(r.p > 0.99 && fabs(r.shift + 5) < 1e-12);
}

/* Two values that both have: variance 25 / 12 * (11 - (2^3 - 2) / 90). */
static void equal_values_count_half_and_shrink_the_variance(void **state)
{
    (void)state;
    const double a[] = {1, 2, 3, 4, 5}, b[] = {5, 6, 7, 8, 9};
    struct mann_whitney r;
    assert_true(mann_whitney_run(a, 5, b, 5, scratch, &r));
    double z = (24.5 - 12.5 - 0.5) / sqrt(25.0 / 12 * (11 - 6.0 / 90));
    assert_true(fabs(r.p - erfc(z / sqrt(2)) / 2) < 1e-12);
}

static void too_few_or_all_equal_say_nothing(void **state)
{
    (void)state;
    const double a[] = {1, 2, 3, 4, 5}, same[] = {7, 7, 7, 7, 7};
    struct mann_whitney r;
    assert_false(mann_whitney_run(a, 4, a, 5, scratch, &r));
    assert_false(mann_whitney_run(a, 5, a, 4, scratch, &r));
    assert_false(mann_whitney_run(same, 5, same, 5, scratch, &r));
}

static void middle_and_scatter_are_not_moved_by_one_outlier(void **state)
{
    (void)state;
    const double odd[] = {5, 1, 1000, 3, 2}, even[] = {4, 1, 3, 2};
    assert_true(fabs(mann_whitney_median(odd, 5, scratch) - 3) < 1e-12);
    assert_true(fabs(mann_whitney_median(even, 4, scratch) - 2.5) < 1e-12);
    assert_true(fabs(mann_whitney_scatter(odd, 5, scratch) - 1.4826 * 2) < 1e-12);
    assert_true(mann_whitney_median(odd, 0, scratch) == 0);
}

/* Of 4,000 pairs of samples of one skewed distribution one in a hundred is called larger; a third
 * more is found nearly always. */
static void chance_is_called_a_difference_as_rarely_as_promised(void **state)
{
    (void)state;
    enum { N = 40, ROUNDS = 4000 };
    uint64_t seed = (uint64_t)time(NULL);
    struct rnd rnd;
    struct mann_whitney r;
    int wrong = 0, found = 0;
    rnd_seed(&rnd, seed);
    for (int round = 0; round < ROUNDS; round++) {
        double a[N], b[N], c[N];
        for (int i = 0; i < N; i++) {
            a[i] = 5 - log(1 - rnd_unit(&rnd));
            b[i] = 5 - log(1 - rnd_unit(&rnd));
            c[i] = (5 - log(1 - rnd_unit(&rnd))) * 1.33;
        }
        assert_true(mann_whitney_run(a, N, b, N, scratch, &r));
        wrong += r.p < 0.01;
        if (round % 10) continue;
        assert_true(mann_whitney_run(a, N, c, N, scratch, &r));
        found += r.p < 0.01;
    }
    if (wrong > ROUNDS / 40 || found < ROUNDS / 10 * 95 / 100) print_error("seed %lu\n", seed);
    assert_true(wrong <= ROUNDS / 40); /* 1 % are 40; 100 would be ten deviations away */
    assert_true(found >= ROUNDS / 10 * 95 / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_above_five_have_the_p_of_the_formula),
        cmocka_unit_test(equal_values_count_half_and_shrink_the_variance),
        cmocka_unit_test(too_few_or_all_equal_say_nothing),
        cmocka_unit_test(middle_and_scatter_are_not_moved_by_one_outlier),
        cmocka_unit_test(chance_is_called_a_difference_as_rarely_as_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
