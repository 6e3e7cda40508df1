/* perf/org_figures.h: each organisation apart, in bounded memory. */
#include "perf/org_figures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS INT64_C(1000000)

static struct org_figures_line lines[ORG_FIGURES_MAX + 1];

static struct org_figures_line line_of(int64_t org, int64_t now_ns)
{
    size_t n;
    org_figures_read(now_ns, lines, &n);
    for (size_t i = 0; i < n; i++)
        if (lines[i].org == org) return lines[i];
    return (struct org_figures_line){.org = -1};
}

static void one_that_floods_changes_nobody_elses_figures(void **state)
{
    (void)state;
    org_figures_request(1, 0, 2 * MS, false);
    org_figures_points(1, 5);
    const struct org_figures_line before = line_of(1, 0);
    for (int i = 0; i < 10000; i++) org_figures_request(2, 0, 900 * MS, true);
    const struct org_figures_line after = line_of(1, 0), flood = line_of(2, 0);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(after.requests, 1);
    assert_int_equal(after.points, 5);
    assert_true(after.p95_ms < 3);
    assert_int_equal(flood.errors, 10000);
    assert_true(flood.p95_ms > 500);
}

static void the_percentile_follows_the_last_minutes(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) org_figures_request(3, 0, 4000 * MS, false);
    assert_true(line_of(3, 0).p95_ms > 2000);
    int64_t later = 2 * ORG_FIGURES_WINDOW_NS;
    org_figures_request(3, later, 1 * MS, false);
    assert_true(line_of(3, later).p95_ms < 2);
    assert_int_equal(line_of(3, later).requests, 101); /* counts stay */
}

static void a_long_poll_is_counted_and_not_timed(void **state)
{
    (void)state;
    org_figures_request(4, 0, -1, false);
    assert_int_equal(line_of(4, 0).requests, 1);
    assert_true(line_of(4, 0).p95_ms == 0);
}

static void few_answers_say_nothing_of_all(void **state)
{
    (void)state;
    int64_t now = 100 * ORG_FIGURES_WINDOW_NS;
    for (int i = 0; i < ORG_FIGURES_ENOUGH - 1; i++) org_figures_request(5, now, 700 * MS, false);
    assert_true(org_figures_p95_ms(now) == 0);
    org_figures_request(5, now, 700 * MS, false);
    assert_true(org_figures_p95_ms(now) > 500);
}

/* Last: it fills the table for the rest of the process. */
static void past_the_bound_organisations_share_one_line(void **state)
{
    (void)state;
    for (int64_t org = 10; org < 10 + 2 * ORG_FIGURES_MAX; org++) org_figures_points(org, 1);
    size_t n;
    uint64_t points = 0;
    org_figures_read(0, lines, &n);
    assert_int_equal(n, ORG_FIGURES_MAX + 1);
    for (size_t i = 0; i < n; i++)
        if (lines[i].org >= 10 || lines[i].org == 0) points += lines[i].points;
    assert_int_equal(points, 2 * ORG_FIGURES_MAX); /* none is lost */
    assert_int_equal(line_of(1, 0).points, 5);     /* who was there first keeps his own */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_floods_changes_nobody_elses_figures),
        cmocka_unit_test(the_percentile_follows_the_last_minutes),
        cmocka_unit_test(a_long_poll_is_counted_and_not_timed),
        cmocka_unit_test(few_answers_say_nothing_of_all),
        cmocka_unit_test(past_the_bound_organisations_share_one_line),
    };
    return cmocka_run_group_tests_name("org figures", tests, NULL, NULL);
}
