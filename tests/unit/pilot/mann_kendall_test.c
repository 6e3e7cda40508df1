/* Directions of series: published examples, ties, gaps, noise. */
#include "pilot/mann_kendall.h"

#include "base/rnd.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static double scratch[MANN_KENDALL_SCRATCH(300)];

/* S of 1 2 3 ... 10 is 45, its variance n(n-1)(2n+5)/18 = 125: z = 44 / sqrt(125). */
static void a_straight_line_has_the_z_of_the_formula(void **state)
{
    (void)state;
    double v[10];
    for (int i = 0; i < 10; i++) v[i] = 1 + i;
    struct trend_result r = mann_kendall_run(v, 10, 0.1, scratch);
    assert_int_equal(r.direction, TREND_UP);
    assert_true(fabs(r.z - 44 / sqrt(125)) < 1e-12);
    assert_true(fabs(r.slope - 1) < 1e-12 && fabs(r.median - 5.5) < 1e-12);
    assert_true(fabs(r.change - 9 / 5.5) < 1e-12);
    for (int i = 0; i < 10; i++) v[i] = 10 - i;
    r = mann_kendall_run(v, 10, 0.1, scratch);
    assert_int_equal(r.direction, TREND_DOWN);
    assert_true(fabs(r.z + 44 / sqrt(125)) < 1e-12);
}

/* 1 1 2 2 3 3 4 4 5 5: S = 40; ties of two five times: (10*9*25 - 5*2*1*9) / 18 = 120. */
static void ties_take_from_the_variance(void **state)
{
    (void)state;
    double v[10];
    for (int i = 0; i < 10; i++) v[i] = 1 + i / 2;
    struct trend_result r = mann_kendall_run(v, 10, 0.1, scratch);
    assert_true(fabs(r.z - 39 / sqrt(120)) < 1e-12);
}

static void what_stands_still_is_flat(void **state)
{
    (void)state;
    double v[50];
    for (int i = 0; i < 50; i++) v[i] = 7;
    struct trend_result r = mann_kendall_run(v, 50, 0.1, scratch);
    assert_int_equal(r.direction, TREND_FLAT);
    assert_true(!(fabs(r.z) > 0));
}

static void few_values_say_nothing(void **state)
{
    (void)state;
    double v[MANN_KENDALL_MIN];
    for (int i = 0; i < MANN_KENDALL_MIN; i++) v[i] = i ? (double)i : NAN;
    assert_int_equal(mann_kendall_run(v, MANN_KENDALL_MIN, 0, scratch).direction, TREND_FLAT);
    v[0] = 0;
    assert_int_equal(mann_kendall_run(v, MANN_KENDALL_MIN, 0, scratch).direction, TREND_UP);
    assert_int_equal(mann_kendall_run(v, 0, 0, scratch).n, 0);
    assert_int_equal(mann_kendall_run(v, 1, 0, scratch).n, 1);
}

static void gaps_keep_the_slope(void **state)
{
    (void)state;
    double v[100];
    for (int i = 0; i < 100; i++) v[i] = i % 3 ? (double)(100 + 2 * i) : NAN;
    struct trend_result r = mann_kendall_run(v, 100, 0.1, scratch);
    assert_int_equal(r.direction, TREND_UP);
    assert_true(fabs(r.slope - 2) < 1e-9);
    assert_int_equal(r.n, 66);
}

static void one_outlier_moves_nothing(void **state)
{
    (void)state;
    double v[60];
    for (int i = 0; i < 60; i++) v[i] = 10 + (i % 2);
    v[59] = 1e9;
    assert_int_equal(mann_kendall_run(v, 60, 0.1, scratch).direction, TREND_FLAT);
}

static void a_certain_but_tiny_change_is_flat(void **state)
{
    (void)state;
    double v[200];
    for (int i = 0; i < 200; i++) v[i] = 100 + 0.01 * i;
    assert_int_equal(mann_kendall_run(v, 200, 0.1, scratch).direction, TREND_FLAT);
    assert_int_equal(mann_kendall_run(v, 200, 0.01, scratch).direction, TREND_UP);
}

/* 1 % of series that only wander are said to move; with 2,000 of them, 20 and chance around it. */
static void noise_is_seldom_a_trend(void **state)
{
    (void)state;
    uint64_t seed = (uint64_t)time(NULL);
    struct rnd rnd;
    rnd_seed(&rnd, seed);
    print_message("seed %llu\n", (unsigned long long)seed);
    int moving = 0;
    for (int k = 0; k < 2000; k++) {
        double v[40];
        for (int i = 0; i < 40; i++) v[i] = (double)(rnd_u64(&rnd) >> 11);
        moving += mann_kendall_run(v, 40, 0, scratch).direction != TREND_FLAT;
    }
    assert_in_range(moving, 1, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_straight_line_has_the_z_of_the_formula),
        cmocka_unit_test(ties_take_from_the_variance),
        cmocka_unit_test(what_stands_still_is_flat),
        cmocka_unit_test(few_values_say_nothing),
        cmocka_unit_test(gaps_keep_the_slope),
        cmocka_unit_test(one_outlier_moves_nothing),
        cmocka_unit_test(a_certain_but_tiny_change_is_flat),
        cmocka_unit_test(noise_is_seldom_a_trend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
