/* Minutes, hours and curves on a real catalog, with a clock that is moved by hand. */
#include "pilot/trends.h"

#include "service_world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct service_world w;
static struct trends t;

#define DAY_0 (INT64_C(1700006400) * NS_PER_S) /* the beginning of a UTC day */

static int set_up(void **state)
{
    (void)state;
    service_world_open(&w);
    trends_init(&t, w.db);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    trends_done(&t);
    service_world_close(&w);
    return 0;
}

static void add(int64_t at_ns, double database_ms, double hits)
{
    const double figures[TREND_FIGURES] = {database_ms, NAN, hits, 0.5, 10, 1e6};
    assert_int_equal(trends_add(&t, figures, at_ns), ERR_OK);
}

static struct trend_curve read_curve(int64_t hours, int64_t now_ns)
{
    struct trend_curve c;
    assert_int_equal(trends_read(&t, hours, now_ns, &w.arena, &c), ERR_OK);
    return c;
}

static size_t count(int64_t step_s)
{
    struct trend_row *rows;
    struct sql_tx *tx;
    size_t n;
    assert_int_equal(sql_begin(w.db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(catalog_trends_list(tx, step_s, 0, INT64_MAX, &w.arena, &rows, &n), ERR_OK);
    assert_int_equal(sql_end(tx, ERR_OK), ERR_OK);
    return n;
}

static void a_minute_is_the_mean_of_its_samples(void **state)
{
    (void)state;
    add(DAY_0 + NS_PER_S, 1, 0.5);
    add(DAY_0 + 11 * NS_PER_S, 3, NAN);
    assert_int_equal(count(60), 0); /* it has not ended */
    add(DAY_0 + NS_PER_MINUTE, 100, NAN);
    struct trend_curve c = read_curve(24, DAY_0 + NS_PER_MINUTE);
    assert_int_equal(c.n, 1);
    const double *f = c.points[0].figures;
    assert_true(!(fabs(f[TREND_DATABASE_MS] - 2) > 0) &&
                !(fabs(f[TREND_CACHE_HIT_RATIO] - 0.5) > 0));
    assert_true(isnan(f[TREND_RESPONSE_MS])); /* not measured is not zero */
    assert_int_equal(c.points[0].samples, 2);
}

static void what_is_gathered_at_the_end_is_kept_and_continued(void **state)
{
    (void)state;
    add(DAY_0, 2, 1);
    assert_int_equal(trends_flush(&t), ERR_OK);
    trends_done(&t);
    trends_init(&t, w.db); /* as after a restart in the same minute */
    add(DAY_0 + 30 * NS_PER_S, 8, 1);
    add(DAY_0 + 40 * NS_PER_S, 8, 1);
    assert_int_equal(trends_flush(&t), ERR_OK);
    struct trend_curve c = read_curve(24, DAY_0 + NS_PER_MINUTE);
    assert_int_equal(c.n, 1);
    assert_true(!(fabs(c.points[0].figures[TREND_DATABASE_MS] - 6) > 1e-12));
    assert_int_equal(c.points[0].samples, 3);
}

static void hours_are_summed_also_those_that_ended_while_it_was_away(void **state)
{
    (void)state;
    for (int i = 0; i < 90; i++) add(DAY_0 + i * NS_PER_MINUTE, i < 60 ? 1 : 5, NAN);
    assert_int_equal(count(3600), 1);
    assert_int_equal(trends_flush(&t), ERR_OK);
    trends_done(&t);
    trends_init(&t, w.db);
    add(DAY_0 + 5 * NS_PER_HOUR, 9, NAN); /* four hours later */
    assert_int_equal(count(3600), 2);
    struct trend_curve c = read_curve(72, DAY_0 + 5 * NS_PER_HOUR);
    assert_int_equal(c.n, 2);
    assert_int_equal(c.step_s, 3600);
    assert_true(!(fabs(c.points[0].figures[TREND_DATABASE_MS] - 1) > 1e-12));
    assert_true(!(fabs(c.points[1].figures[TREND_DATABASE_MS] - 5) > 1e-12));
    assert_int_equal(c.points[1].samples, 30);
}

static void old_rows_go_and_the_spans_have_their_steps(void **state)
{
    (void)state;
    int64_t hours = 24 * 92;
    for (int64_t h = 0; h < hours; h++) {
        add(DAY_0 + h * NS_PER_HOUR, (double)h, 0.9);
        add(DAY_0 + h * NS_PER_HOUR + NS_PER_MINUTE, (double)h, 0.9);
    }
    int64_t now = DAY_0 + hours * NS_PER_HOUR;
    assert_in_range(count(3600), 24 * 90 - 2, 24 * 90 + 1);
    assert_in_range(count(60), 2 * 47, 2 * 50);
    struct trend_curve c = read_curve(TRENDS_HOURS_MAX, now);
    assert_int_equal(c.step_s, 8 * 3600);
    assert_in_range(c.n, 24 * 90 / 8 - 2, TRENDS_POINTS);
    assert_int_equal(c.results[TREND_DATABASE_MS].direction, TREND_UP);
    assert_int_equal(c.results[TREND_CACHE_HIT_RATIO].direction, TREND_FLAT);
    assert_int_equal(c.results[TREND_RESPONSE_MS].n, 0);
    assert_int_equal(read_curve(24, now).step_s, 300);
    assert_int_equal(read_curve(1, now).step_s, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_minute_is_the_mean_of_its_samples, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_gathered_at_the_end_is_kept_and_continued, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(hours_are_summed_also_those_that_ended_while_it_was_away,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_rows_go_and_the_spans_have_their_steps, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
