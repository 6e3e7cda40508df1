/* One figure against its limit: by example, and random walks against what the states promise. */
#include "pilot/threshold.h"

#include "base/clock.h"
#include "base/rnd.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { N = THRESHOLD_NOTHING, UP = THRESHOLD_BEGINS, DOWN = THRESHOLD_ENDS };

static const struct threshold_limits above = {
    .limit = 100, .hold_ns = 10 * NS_PER_S, .clear_ns = 20 * NS_PER_S};
static const struct threshold_limits below = {
    .below = true, .limit = 0.8, .hold_ns = 10 * NS_PER_S, .clear_ns = 20 * NS_PER_S};

struct shown {
    int64_t at_s;
    double value;
    int change;
};

static void play(const struct threshold_limits *l, const struct shown *shown, size_t n)
{
    struct threshold t = {.phase = THRESHOLD_OK};
    for (size_t i = 0; i < n; i++) {
        int change = (int)threshold_judge(&t, l, shown[i].value, shown[i].at_s * NS_PER_S);
        if (change != shown[i].change)
            fail_msg("value %zu: change %d, not %d", i, change, shown[i].change);
    }
}
#define PLAY(limits, ...)                                                                          \
    play(&(limits), (const struct shown[]){__VA_ARGS__},                                           \
         sizeof((const struct shown[]){__VA_ARGS__}) / sizeof(struct shown))

static void a_figure_is_told_after_its_hold_time_once(void **state)
{
    (void)state;
    PLAY(above, {1, 101, N}, {10, 101, N}, {11, 101, UP}, {12, 500, N}, {100, 101, N});
    PLAY(below, {1, 0.79, N}, {11, 0.5, UP}, {12, 0.1, N});
}

static void the_limit_itself_is_not_beyond_it(void **state)
{
    (void)state;
    PLAY(above, {1, 100, N}, {100, 100, N});
    PLAY(below, {1, 0.8, N}, {100, 0.8, N});
}

static void a_break_begins_the_hold_again(void **state)
{
    (void)state;
    PLAY(above, {1, 101, N}, {9, 50, N}, {10, 101, N}, {19, 101, N}, {20, 101, UP});
}

static void what_comes_back_a_little_is_not_over(void **state)
{
    (void)state;
    PLAY(above, {1, 101, N}, {11, 101, UP}, {12, 95, N}, {60, 95, N}, {61, 89, N}, {80, 89, N},
         {81, 89, DOWN});
    PLAY(below, {1, 0.1, N}, {11, 0.1, UP}, {12, 0.85, N}, {60, 0.85, N}, {61, 0.89, N},
         {81, 0.89, DOWN});
}

static void a_relapse_begins_the_clearing_again_and_is_told_nothing(void **state)
{
    (void)state;
    PLAY(above, {1, 101, N}, {11, 101, UP}, {12, 10, N}, {31, 120, N}, {32, 10, N}, {51, 10, N},
         {52, 10, DOWN});
}

static void an_unknown_figure_is_not_bad(void **state)
{
    (void)state;
    PLAY(above, {1, 101, N}, {5, NAN, N}, {11, 101, N}, {21, 101, UP}, {22, NAN, N},
         {42, NAN, DOWN});
    PLAY(below, {1, NAN, N}, {100, NAN, N});
}

static void a_clock_that_goes_back_ends_nothing_early(void **state)
{
    (void)state;
    PLAY(above, {1000, 101, N}, {5, 101, N}, {14, 101, N}, {15, 101, UP});
}

static void without_hold_times_it_is_told_at_once(void **state)
{
    (void)state;
    const struct threshold_limits now = {.limit = 1};
    PLAY(now, {1, 2, UP}, {2, 0.5, DOWN}, {3, 2, UP});
}

/* Whatever the values: begins and ends take turns, and each has its hold time behind it. */
static void walks_begin_and_end_in_turn_and_never_early(void **state)
{
    (void)state;
    uint64_t seed = (uint64_t)time(NULL);
    struct rnd rnd;
    rnd_seed(&rnd, seed);
    print_message("seed %llu\n", (unsigned long long)seed);
    struct threshold t = {.phase = THRESHOLD_OK};
    bool raised = false;
    int64_t bad_since = -1, good_since = -1;
    for (int64_t s = 1; s < 200000; s++) {
        double value = (double)(rnd_u64(&rnd) % 400) / 2 * (s / 100 % 2 ? 1 : 0.5);
        if (value <= 100)
            bad_since = -1;
        else if (bad_since < 0)
            bad_since = s;
        if (value > 90)
            good_since = -1;
        else if (good_since < 0)
            good_since = s;
        int change = (int)threshold_judge(&t, &above, value, s * NS_PER_S);
        if (change == UP && (raised || bad_since < 0 || s - bad_since < 10))
            fail_msg("up at %lld", (long long)s);
        if (change == DOWN && (!raised || good_since < 0 || s - good_since < 20))
            fail_msg("down at %lld", (long long)s);
        if (change != N) raised = change == UP;
        if (!raised && bad_since > 0 && s - bad_since >= 10) fail_msg("late at %lld", (long long)s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_figure_is_told_after_its_hold_time_once),
        cmocka_unit_test(the_limit_itself_is_not_beyond_it),
        cmocka_unit_test(a_break_begins_the_hold_again),
        cmocka_unit_test(what_comes_back_a_little_is_not_over),
        cmocka_unit_test(a_relapse_begins_the_clearing_again_and_is_told_nothing),
        cmocka_unit_test(an_unknown_figure_is_not_bad),
        cmocka_unit_test(a_clock_that_goes_back_ends_nothing_early),
        cmocka_unit_test(without_hold_times_it_is_told_at_once),
        cmocka_unit_test(walks_begin_and_end_in_turn_and_never_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
