/* The claims of store/telemetry.h, one test each (see telemetry_suite.h). Each starts on an empty
 * store. */
#include "telemetry_suite.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/mem.h"
#include "telemetry_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOUR(n) (INT64_C(1700002800) * NS_PER_S + (n)*NS_PER_HOUR)
#define ORG     1
#define DEVICE  10

static struct telemetry_maker *maker;
static struct telemetry *store;
static struct telemetry_random random_run;

static void open_store(void)
{
    struct why why = {""};
    enum err e = maker->open(maker, &store, &why);
    if (e) print_error("%s\n", why.text);
    assert_int_equal(e, ERR_OK);
}

static void reopen_store(void)
{
    store->ops->close(store);
    store = NULL; /* an open that fails leaves nothing to close twice */
    open_store();
}

static int set_up(void **state)
{
    (void)state;
    open_store();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (store) store->ops->close(store);
    store = NULL;
    maker->wipe(maker);
    return 0;
}

static void write_one(int64_t org, int64_t device, int64_t series, int64_t ts, double value)
{
    struct point point = {series, value};
    struct record record = {org, device, ts, 0, 1};
    struct record_set set = {&record, 1, &point, 1};
    const struct record_set *sets[] = {&set};
    struct why why = {""};
    assert_int_equal(telemetry_write(store, sets, 1, &why), ERR_OK);
}

/* Writes value(i) = i at from + i * step for i in [0, n), in one call of many records. */
static void write_ramp(int64_t series, int64_t from, int64_t step, size_t n)
{
    struct record *records = mem_array(n, sizeof *records);
    struct point *points = mem_array(n, sizeof *points);
    assert_true(records && points);
    for (size_t i = 0; i < n; i++) {
        records[i] = (struct record){ORG, DEVICE, from + (int64_t)i * step, (uint32_t)i, 1};
        points[i] = (struct point){series, (double)i};
    }
    struct record_set set = {records, n, points, n};
    const struct record_set *sets[] = {&set};
    struct why why = {""};
    assert_int_equal(telemetry_write(store, sets, 1, &why), ERR_OK);
    mem_free(records);
    mem_free(points);
}

/* All samples of a range, at most cap; how many. */
static size_t scan(struct scan_range range, struct sample *ret, size_t cap)
{
    struct scan_cursor *cursor;
    const struct sample *got;
    size_t n, total = 0;
    assert_int_equal(telemetry_scan_open(store, &range, &cursor), ERR_OK);
    while (!telemetry_scan_next(cursor, &got, &n)) {
        assert_true(n > 0);
        assert_true(total + n <= cap);
        memcpy(ret + total, got, n * sizeof *got);
        total += n;
    }
    assert_int_equal(telemetry_scan_next(cursor, &got, &n), ERR_END); /* and it stays there */
    telemetry_scan_close(cursor);
    return total;
}

static struct scan_range all_of(int64_t series)
{
    return (struct scan_range){ORG, DEVICE, series, INT64_MIN, INT64_MAX, false};
}

static struct sample latest(int64_t org, int64_t series)
{
    struct sample s;
    assert_int_equal(telemetry_latest(store, org, &series, 1, &s), ERR_OK);
    return s;
}

/* Each claim is looked at in the heads, in blocks, and after a restart. */
static void in_every_state(void (*check)(void))
{
    check();
    assert_int_equal(store->ops->seal(store), ERR_OK);
    check();
    reopen_store();
    check();
    assert_int_equal(store->ops->maintain(store), ERR_OK);
    check();
}

static void check_order(void)
{
    struct sample s[4];
    assert_int_equal(scan(all_of(1), s, 4), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(s[i].ts_ns, HOUR(i));
        assert_true(s[i].value == i);
    }
    struct scan_range range = {ORG, DEVICE, 1, HOUR(0), HOUR(2), true};
    assert_int_equal(scan(range, s, 4), 2); /* the end is not included */
    assert_int_equal(s[0].ts_ns, HOUR(1));
    assert_int_equal(s[1].ts_ns, HOUR(0));
    range.to_ns = range.from_ns;
    assert_int_equal(scan(range, s, 4), 0);
    assert_int_equal(scan(all_of(2), s, 4), 0);
}

static void samples_come_back_in_the_order_of_time(void **state)
{
    (void)state;
    write_one(ORG, DEVICE, 1, HOUR(2), 2);
    write_one(ORG, DEVICE, 1, HOUR(0), 0);
    write_one(ORG, DEVICE, 1, HOUR(1), 1);
    in_every_state(check_order);
}

static void check_last_wins(void)
{
    struct sample s[4];
    assert_int_equal(scan(all_of(1), s, 4), 2);
    assert_true(s[0].value == 3);
    assert_true(s[1].value == 5);
}

static void the_last_write_of_a_time_wins(void **state)
{
    (void)state;
    struct point points[] = {{1, 1}, {1, 2}, {1, 4}, {1, 5}};
    struct record records[] = {{ORG, DEVICE, HOUR(0), 0, 2}, {ORG, DEVICE, HOUR(1), 2, 1}};
    struct record again = {ORG, DEVICE, HOUR(1), 3, 1};
    struct record_set first = {records, 2, points, 4}, second = {&again, 1, points, 4};
    const struct record_set *sets[] = {&first, &second};
    struct why why = {""};
    assert_int_equal(telemetry_write(store, sets, 2, &why), ERR_OK);
    assert_true(latest(ORG, 1).value == 5);
    assert_int_equal(store->ops->seal(store), ERR_OK);
    write_one(ORG, DEVICE, 1, HOUR(0), 3); /* over one that is sealed */
    in_every_state(check_last_wins);
}

static void check_foreign(void)
{
    struct sample s[2];
    struct rollup r;
    size_t n = 9;
    struct scan_range range = all_of(1);
    range.org = 2;
    assert_int_equal(scan(range, s, 2), 0);
    assert_int_equal(latest(2, 1).ts_ns, INT64_MIN);
    range.from_ns = HOUR(0);
    range.to_ns = HOUR(1);
    assert_int_equal(telemetry_rollups(store, &range, &r, 1, &n), ERR_OK);
    assert_int_equal(n, 0);
    assert_true(latest(ORG, 1).value == 7);
}

static void another_organisation_sees_an_empty_series(void **state)
{
    (void)state;
    write_one(ORG, DEVICE, 1, HOUR(0), 7);
    write_one(2, 20, 2, HOUR(0), 8);
    in_every_state(check_foreign);
}

static void check_rollup_of_three(void)
{
    struct rollup r[2];
    size_t n;
    struct scan_range range = {ORG, DEVICE, 1, HOUR(-1), HOUR(3), false};
    assert_int_equal(telemetry_rollups(store, &range, r, 2, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(r[0].hour_ns, HOUR(0));
    assert_int_equal(r[0].count, 3);
    assert_true(r[0].min == 1 && r[0].max == 6 && r[0].sum == 9 && r[0].m2 == 14);
    assert_true(r[0].first == 2 && r[0].last == 6);
    assert_int_equal(r[0].first_ns, HOUR(0));
    assert_int_equal(r[0].last_ns, HOUR(1) - 1);
}

static void late_points_and_overwrites_change_the_rollup(void **state)
{
    (void)state;
    write_one(ORG, DEVICE, 1, HOUR(0), 100);
    write_one(ORG, DEVICE, 1, HOUR(1) - 1, 6);
    assert_int_equal(store->ops->seal(store), ERR_OK);
    write_one(ORG, DEVICE, 1, HOUR(0) + 1, 1); /* late */
    write_one(ORG, DEVICE, 1, HOUR(0), 2);     /* over the 100 */
    in_every_state(check_rollup_of_three);
}

static void rollups_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct rollup r[3];
    size_t n = 77;
    struct scan_range range = {ORG, DEVICE, 1, HOUR(0), HOUR(5), false};
    write_ramp(1, HOUR(0), NS_PER_HOUR, 3);
    assert_int_equal(telemetry_rollups(store, &range, r, 2, &n), ERR_TOOLARGE);
    assert_int_equal(n, 77);
    assert_int_equal(telemetry_rollups(store, &range, r, 3, &n), ERR_OK);
    assert_int_equal(n, 3);
}

static void check_outlived(void)
{
    struct rollup r[9];
    struct sample s[9];
    size_t n;
    struct scan_range range = {ORG, DEVICE, 1, HOUR(-9), HOUR(9), false};
    assert_int_equal(telemetry_rollups(store, &range, r, 9, &n), ERR_OK);
    assert_int_equal(n, 3); /* hours 1 and 2 are only rollups by now */
    assert_int_equal(r[0].hour_ns, HOUR(1));
    assert_true(r[1].count == 1 && r[1].sum == 2);
    assert_int_equal(scan(all_of(1), s, 9), 1);
    assert_true(s[0].value == 3);
}

static void rollups_outlive_the_samples_they_were_made_of(void **state)
{
    (void)state;
    uint64_t dropped = 0;
    write_ramp(1, HOUR(0), NS_PER_HOUR, 4);
    enum err e = store->ops->retain(store, ORG, HOUR(3) + 5, HOUR(1) + 5, &dropped);
    assert_int_equal(e, ERR_OK);
    assert_int_equal(dropped, 3);
    in_every_state(check_outlived);
}

static void retention_is_of_one_organisation(void **state)
{
    (void)state;
    uint64_t dropped = 0;
    write_one(ORG, DEVICE, 1, HOUR(0), 1);
    write_one(2, 20, 2, HOUR(0), 2);
    assert_int_equal(store->ops->retain(store, ORG, HOUR(1), INT64_MIN, &dropped), ERR_OK);
    assert_int_equal(dropped, 1);
    assert_int_equal(latest(ORG, 1).ts_ns, INT64_MIN);
    assert_true(latest(2, 2).value == 2);
}

static void check_purged(void)
{
    struct sample s[4];
    assert_int_equal(scan(all_of(1), s, 4), 1);
    assert_true(s[0].value == 9);
    assert_int_equal(latest(ORG, 1).ts_ns, HOUR(0));
    assert_int_equal(latest(ORG, 3).ts_ns, INT64_MIN);
    struct scan_range other = {ORG, DEVICE + 1, 2, INT64_MIN, INT64_MAX, false};
    assert_int_equal(scan(other, s, 4), 1);
}

static void a_purged_device_is_forgotten_and_others_are_not(void **state)
{
    (void)state;
    write_one(ORG, DEVICE, 1, HOUR(1), 1);
    write_one(ORG, DEVICE, 3, HOUR(1), 1);
    write_one(ORG, DEVICE + 1, 2, HOUR(1), 2);
    assert_int_equal(store->ops->seal(store), ERR_OK);
    write_one(ORG, DEVICE, 1, HOUR(2), 1);
    assert_int_equal(store->ops->purge_device(store, ORG, DEVICE), ERR_OK);
    assert_int_equal(latest(ORG, 1).ts_ns, INT64_MIN);
    write_one(ORG, DEVICE, 1, HOUR(0), 9); /* the same name, a new life */
    in_every_state(check_purged);
}

static void check_latest(void)
{
    assert_int_equal(latest(ORG, 1).ts_ns, HOUR(5));
    assert_true(latest(ORG, 1).value == 51);
    assert_int_equal(latest(ORG, 99).ts_ns, INT64_MIN);
}

static void the_latest_sample_is_the_newest_not_the_last_written(void **state)
{
    (void)state;
    write_one(ORG, DEVICE, 1, HOUR(5), 50);
    write_one(ORG, DEVICE, 1, HOUR(3), 30);
    write_one(ORG, DEVICE, 1, HOUR(5), 51);
    in_every_state(check_latest);
}

static void a_newest_value_that_was_written_over_survives_a_restart(void **state)
{
    (void)state;
    struct sample got;
    const int64_t series = 1;
    write_one(ORG, DEVICE, 1, HOUR(5), 50);
    assert_int_equal(store->ops->seal(store), ERR_OK);
    assert_int_equal(store->ops->maintain(store), ERR_OK);
    write_one(ORG, DEVICE, 1, HOUR(5), 51);
    reopen_store();
    assert_int_equal(telemetry_latest(store, ORG, &series, 1, &got), ERR_OK);
    assert_true(got.ts_ns == HOUR(5) && got.value == 51);
}

#define LONG 70000 /* more than a block holds */

static void check_long(void)
{
    static struct sample s[LONG];
    struct scan_range range = all_of(1);
    assert_int_equal(scan(range, s, LONG), LONG);
    for (int i = 0; i < LONG; i++) assert_true(s[i].value == i && s[i].ts_ns == HOUR(0) + i * 1000);
    range.descending = true;
    assert_int_equal(scan(range, s, LONG), LONG);
    for (int i = 0; i < LONG; i++) assert_true(s[i].value == LONG - 1 - i);
}

static void a_long_series_comes_back_whole(void **state)
{
    (void)state;
    write_ramp(1, HOUR(0), 1000, LONG);
    in_every_state(check_long);
}

static void check_old(void)
{
    struct sample s[3];
    struct rollup r[3];
    size_t n;
    struct scan_range range = {ORG, DEVICE, 1, -2 * NS_PER_HOUR, NS_PER_HOUR, false};
    assert_int_equal(scan(range, s, 3), 2);
    assert_true(s[0].ts_ns == -1 && s[1].ts_ns == 0);
    assert_int_equal(telemetry_rollups(store, &range, r, 3, &n), ERR_OK);
    assert_int_equal(n, 2);
    assert_int_equal(r[0].hour_ns, -NS_PER_HOUR);
    assert_true(r[0].sum == 0 && r[1].sum == 1);
}

static void times_before_1970_have_hours_too(void **state)
{
    (void)state;
    write_ramp(1, -1, 1, 2);
    in_every_state(check_old);
}

/* Samples that were there before a cursor was opened come, whatever happens meanwhile. */
static void a_cursor_outlives_writes_seals_and_retention(void **state)
{
    (void)state;
    struct scan_range range = {ORG, DEVICE, 1, HOUR(0), HOUR(1), false};
    struct scan_cursor *cursor;
    const struct sample *got;
    size_t n, total = 0;
    uint64_t dropped;
    write_ramp(1, HOUR(0), NS_PER_MS, 20000);
    assert_int_equal(store->ops->seal(store), ERR_OK);
    assert_int_equal(telemetry_scan_open(store, &range, &cursor), ERR_OK);
    assert_int_equal(telemetry_scan_next(cursor, &got, &n), ERR_OK);
    total += n;
    write_ramp(2, HOUR(0), NS_PER_MS, 20000);
    assert_int_equal(store->ops->seal(store), ERR_OK);
    assert_int_equal(store->ops->retain(store, ORG, HOUR(1), INT64_MIN, &dropped), ERR_OK);
    assert_int_equal(store->ops->maintain(store), ERR_OK);
    while (!telemetry_scan_next(cursor, &got, &n)) total += n;
    telemetry_scan_close(cursor);
    assert_int_equal(total, 20000);
    struct sample none;
    assert_int_equal(scan(range, &none, 1), 0);
}

static void statistics_count_what_was_written(void **state)
{
    (void)state;
    struct telemetry_stats stats;
    write_ramp(1, HOUR(0), NS_PER_S, 500);
    store->ops->read_stats(store, &stats);
    assert_int_equal(stats.points_written, 500);
    assert_int_equal(stats.records_written, 500);
    assert_true(stats.writable);
}

static void random_operations_agree_with_the_model(void **state)
{
    (void)state;
    const char *seed = getenv("R7_SEED"), *operations = getenv("R7_OPERATIONS");
    struct telemetry_random r = random_run;
    if (seed) assert_true(bytes_to_u64(bytes_str(seed), &r.seed));
    if (operations) assert_true(bytes_to_u64(bytes_str(operations), &r.operations));
    telemetry_random_test(maker, &r);
}

static int wipe_only(void **state)
{
    (void)state;
    maker->wipe(maker);
    return 0;
}

#define CLAIM(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int telemetry_suite_run(struct telemetry_maker *m)
{
    const struct CMUnitTest tests[] = {
        CLAIM(samples_come_back_in_the_order_of_time),
        CLAIM(the_last_write_of_a_time_wins),
        CLAIM(another_organisation_sees_an_empty_series),
        CLAIM(late_points_and_overwrites_change_the_rollup),
        CLAIM(rollups_that_do_not_fit_are_refused),
        CLAIM(rollups_outlive_the_samples_they_were_made_of),
        CLAIM(retention_is_of_one_organisation),
        CLAIM(a_purged_device_is_forgotten_and_others_are_not),
        CLAIM(the_latest_sample_is_the_newest_not_the_last_written),
        CLAIM(a_newest_value_that_was_written_over_survives_a_restart),
        CLAIM(a_long_series_comes_back_whole),
        CLAIM(times_before_1970_have_hours_too),
        CLAIM(a_cursor_outlives_writes_seals_and_retention),
        CLAIM(statistics_count_what_was_written),
    };
    maker = m;
    return cmocka_run_group_tests_name(m->name, tests, NULL, NULL);
}

int telemetry_suite_run_random(struct telemetry_maker *m, const struct telemetry_random *r)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(random_operations_agree_with_the_model, wipe_only),
    };
    maker = m;
    random_run = *r;
    return cmocka_run_group_tests_name(m->name, tests, NULL, NULL);
}
