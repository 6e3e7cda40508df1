/* Points in memory: order, generations, ownership, and that a reserved point can not fail. */
#include "base/mem.h"
#include "base/rnd.h"
#include "store/embedded/head.h"
#include "store/embedded/sample_sort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct head *h;
    assert_int_equal(head_new(&h), ERR_OK);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    head_free(*state);
    return 0;
}

static enum err put(struct head *h, int64_t org, int64_t device, int64_t series, int64_t ts,
                    double value)
{
    struct point point = {series, value};
    struct record record = {org, device, ts, 0, 1};
    struct record_set set = {&record, 1, &point, 1};
    const struct record_set *sets[] = {&set};
    enum err e = head_reserve(h, sets, 1, NULL);
    if (!e) head_apply(h, sets, 1);
    return e;
}

static void expect(struct head *h, int64_t from, int64_t to, const char *values)
{
    struct sample *samples = NULL;
    size_t n = 0;
    assert_int_equal(head_copy(h, 1, 2, 3, from, to, &samples, &n), ERR_OK);
    assert_int_equal(n, strlen(values));
    for (size_t i = 0; i < n; i++) assert_true(samples[i].value == values[i] - '0');
    mem_free(samples);
}

static void points_come_back_in_time_order_and_the_last_of_equal_times_wins(void **state)
{
    struct head *h = *state;
    static const int64_t ts[] = {10, 20, 15, 20, 5};
    for (int i = 0; i < 5; i++) assert_int_equal(put(h, 1, 2, 3, ts[i], i), ERR_OK);
    expect(h, INT64_MIN, INT64_MAX, "4023");
    expect(h, 10, 20, "02");
    expect(h, 21, 100, "");
    head_freeze(h);
    assert_int_equal(put(h, 1, 2, 3, 10, 7), ERR_OK); /* the active generation is newer */
    expect(h, INT64_MIN, INT64_MAX, "4723");
    head_drop_frozen(h);
    expect(h, INT64_MIN, INT64_MAX, "7");
    assert_int_equal(head_latest(h, 1, 3).ts_ns, 20); /* outlives what was dropped */
    assert_true(head_latest(h, 1, 3).value == 3);
}

static void a_series_belongs_to_one_device_and_one_organisation(void **state)
{
    struct head *h = *state;
    assert_int_equal(put(h, 1, 2, 3, 10, 1), ERR_OK);
    assert_int_equal(put(h, 1, 9, 3, 11, 1), ERR_INVALID);
    assert_int_equal(put(h, 9, 2, 3, 11, 1), ERR_INVALID);
    assert_int_equal(put(h, 1, 2, 0, 11, 1), ERR_INVALID);
    assert_int_equal(put(h, 1, 0, 4, 11, 1), ERR_INVALID);
    assert_int_equal(put(h, 1, 2, HEAD_MAX_SERIES, 11, 1), ERR_LIMIT);
    assert_int_equal(head_latest(h, 9, 3).ts_ns, INT64_MIN);
    assert_int_equal(head_latest(h, 1, HEAD_MAX_SERIES).ts_ns, INT64_MIN);
    expect(h, INT64_MIN, INT64_MAX, "1");
}

static void a_forgotten_device_leaves_nothing_and_may_write_again(void **state)
{
    struct head *h = *state;
    for (int i = 0; i < 100; i++) assert_int_equal(put(h, 1, 2, 3, i, 1), ERR_OK);
    head_freeze(h);
    assert_int_equal(put(h, 1, 2, 3, 200, 2), ERR_OK);
    head_forget_device(h, 1, 2);
    expect(h, INT64_MIN, INT64_MAX, "");
    assert_int_equal(head_latest(h, 1, 3).ts_ns, INT64_MIN);
    struct head_figures figures = head_figures(h);
    assert_int_equal(figures.active_points + figures.frozen_points, 0);
    assert_int_equal(put(h, 1, 2, 3, 7, 5), ERR_OK);
    expect(h, INT64_MIN, INT64_MAX, "5");
}

static void a_cancelled_reservation_is_as_if_it_never_was(void **state)
{
    struct head *h = *state;
    static struct point points[1000];
    struct record record = {1, 2, 50, 0, 1000};
    struct record_set set = {&record, 1, points, 1000};
    const struct record_set *sets[] = {&set};
    for (int i = 0; i < 1000; i++) points[i] = (struct point){3, 8};
    for (int round = 0; round < 3; round++) {
        assert_int_equal(head_reserve(h, sets, 1, NULL), ERR_OK);
        head_cancel(h, sets, 1);
        head_freeze(h); /* what was set aside belongs to the frozen pages now */
        head_drop_frozen(h);
        assert_int_equal(put(h, 1, 2, 3, round, round), ERR_OK);
    }
    expect(h, INT64_MIN, INT64_MAX, "2");
}

static void what_was_reserved_is_applied_without_an_allocation(void **state)
{
    struct head *h = *state;
    static struct point points[5000];
    struct record record = {1, 2, 50, 0, 5000};
    struct record_set set = {&record, 1, points, 5000};
    const struct record_set *sets[] = {&set};
    for (int i = 0; i < 5000; i++) points[i] = (struct point){1 + i % 700, i};
    assert_int_equal(head_reserve(h, sets, 1, NULL), ERR_OK);
    mem_fail_at(1);
    head_apply(h, sets, 1);
    assert_false(mem_fail_fired());
    mem_fail_at(0);
    assert_int_equal(head_figures(h).active_points, 5000);
    struct head_series *series;
    size_t n;
    head_freeze(h);
    assert_int_equal(head_list_frozen(h, &series, &n), ERR_OK);
    assert_int_equal(n, 700);
    for (size_t i = 0; i < n; i++) assert_int_equal(series[i].series, i + 1);
    mem_free(series);
}

static void sorting_agrees_with_a_simple_one_and_keeps_the_last(void **state)
{
    (void)state;
    struct rnd rnd;
    rnd_seed(&rnd, 31);
    for (int round = 0; round < 200; round++) {
        struct sample a[400];
        double last[50];
        bool known[50] = {false};
        size_t n = 1 + rnd_below(&rnd, 200), at = 0;
        for (size_t i = 0; i < n; i++) {
            int64_t ts = (int64_t)rnd_below(&rnd, 50);
            a[i] = (struct sample){ts, (double)i};
            last[ts] = (double)i;
            known[ts] = true;
        }
        size_t kept = sample_sort_unique(a, n, a + n);
        for (int64_t ts = 0; ts < 50; ts++)
            if (known[ts]) {
                assert_true(a[at].ts_ns == ts && a[at].value == last[ts]);
                at++;
            }
        assert_int_equal(kept, at);
    }
}

#define WITH_HEAD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_HEAD(points_come_back_in_time_order_and_the_last_of_equal_times_wins),
        WITH_HEAD(a_series_belongs_to_one_device_and_one_organisation),
        WITH_HEAD(a_forgotten_device_leaves_nothing_and_may_write_again),
        WITH_HEAD(a_cancelled_reservation_is_as_if_it_never_was),
        WITH_HEAD(what_was_reserved_is_applied_without_an_allocation),
        cmocka_unit_test(sorting_agrees_with_a_simple_one_and_keeps_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
