/* What copies of a whole store rely on (the last part of store/telemetry.h), on any store. */
#include "telemetry_suite.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "store/device_scan.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HOUR(n) (INT64_C(1700002800) * NS_PER_S + (n)*NS_PER_HOUR)
#define ORG     1
#define DEVICE  10

static struct telemetry_maker *maker;
static struct telemetry *store;

static void open_store(void)
{
    struct why why = {""};
    assert_int_equal(maker->open(maker, &store, &why), ERR_OK);
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

static void write_one(int64_t device, int64_t series, int64_t ts, double value)
{
    struct point point = {series, value};
    struct record record = {ORG, device, ts, 0, 1};
    struct record_set set = {&record, 1, &point, 1};
    const struct record_set *sets[] = {&set};
    struct why why = {""};
    assert_int_equal(telemetry_write(store, sets, 1, &why), ERR_OK);
}

static void adopted_hours_are_those_of_the_store_they_come_from(void **state)
{
    (void)state;
    int64_t raw, rollup;
    uint64_t dropped;
    assert_int_equal(store->ops->edges(store, ORG, &raw, &rollup), ERR_OK);
    assert_true(raw == INT64_MIN && rollup == INT64_MIN);
    assert_int_equal(store->ops->retain(store, ORG, HOUR(3), HOUR(1), &dropped), ERR_OK);
    assert_int_equal(store->ops->edges(store, ORG, &raw, &rollup), ERR_OK);
    assert_true(raw == HOUR(3) && rollup == HOUR(1));
    const struct rollup one = {HOUR(1), 3, 6, 1, 3, 1, 2, 2, HOUR(1), HOUR(1) + 2};
    const struct rollup two = {HOUR(2), 1, 5, 5, 5, 5, 5, 0, HOUR(2) + 7, HOUR(2) + 7};
    const struct telemetry_hour hours[] = {
        {ORG, DEVICE, 1, one}, {ORG, DEVICE, 1, two}, {ORG, DEVICE, 9, two}};
    for (int again = 0; again < 2; again++)
        assert_int_equal(store->ops->adopt(store, hours, 3), ERR_OK);
    write_one(DEVICE, 1, HOUR(3) + 1, 8);
    for (int reopened = 0; reopened < 2; reopened++) {
        struct rollup got[4];
        size_t n = 0;
        const struct scan_range range = {ORG, DEVICE, 1, INT64_MIN, INT64_MAX, false};
        assert_int_equal(telemetry_rollups(store, &range, got, 4, &n), ERR_OK);
        assert_int_equal(n, 3);
        assert_memory_equal(&got[0], &one, sizeof one);
        assert_memory_equal(&got[1], &two, sizeof two);
        assert_true(got[2].hour_ns == HOUR(3) && got[2].last == 8);
        static const int64_t both[] = {1, 9};
        struct sample newest[2];
        assert_int_equal(telemetry_latest(store, ORG, both, 2, newest), ERR_OK);
        assert_true(newest[0].ts_ns == HOUR(3) + 1);
        assert_true(newest[1].ts_ns == INT64_MIN); /* its raw points are forgotten */
        store->ops->close(store);
        store = NULL;
        open_store();
    }
}

static void a_device_is_read_as_it_was_written(void **state)
{
    (void)state;
    static const int64_t wanted[] = {1, 2, 4};
    static const struct {
        int64_t ts;
        size_t n;
    } rows[] = {{0, 3}, {1, 1}, {5, 2}};
    static const struct point points[] = {{1, 0.5}, {2, -0.0}, {4, 3}, {2, 1e300}, {1, 6}, {4, 7}};
    write_one(DEVICE, 4, HOUR(0) + 5, 7);
    write_one(DEVICE, 2, HOUR(0) + 1, 1e300);
    write_one(DEVICE, 1, HOUR(0) + 5, 6);
    write_one(DEVICE, 3, HOUR(0) + 2, 1); /* nobody asks for it */
    for (int i = 0; i < 3; i++) write_one(DEVICE, points[i].series, HOUR(0), points[i].value);
    write_one(DEVICE + 1, 8, HOUR(0), 1);
    struct scan_range range = {ORG, DEVICE, 0, INT64_MIN, INT64_MAX, false};
    struct device_scan *scan = NULL;
    const struct point *got, *expected = points;
    size_t n = 0;
    int64_t ts = 0;
    assert_int_equal(device_scan_open(&scan, store, &range, wanted, 3), ERR_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(device_scan_next(scan, &ts, &got, &n), ERR_OK);
        assert_true(ts == HOUR(0) + rows[i].ts && n == rows[i].n);
        for (size_t k = 0; k < n; k++, expected++)
            assert_memory_equal(&got[k], expected, sizeof *expected);
    }
    assert_int_equal(device_scan_next(scan, &ts, &got, &n), ERR_END);
    device_scan_close(scan);
    range.from_ns = HOUR(0) + 5;
    assert_int_equal(device_scan_open(&scan, store, &range, wanted, 3), ERR_OK);
    assert_int_equal(device_scan_next(scan, &ts, &got, &n), ERR_OK);
    assert_true(ts == HOUR(0) + 5 && n == 2);
    device_scan_close(scan); /* before its end */
}

#define CLAIM(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int telemetry_suite_run_copies(struct telemetry_maker *m)
{
    const struct CMUnitTest tests[] = {
        CLAIM(adopted_hours_are_those_of_the_store_they_come_from),
        CLAIM(a_device_is_read_as_it_was_written),
    };
    maker = m;
    return cmocka_run_group_tests_name(m->name, tests, NULL, NULL);
}
