/* Two widgets that ask alike are read once; past the bound of reads the rest is told. */
#include "api/widget_data.h"

#include "memory_store.h"
#include "service_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* The store of the test, counting what is opened. */
static struct telemetry counting;
static struct telemetry *store;
static int scans;
static enum err scan_fails;

static enum err count_scan(struct telemetry *t, const struct scan_range *range,
                           struct scan_cursor **ret)
{
    (void)t;
    scans++;
    return scan_fails ? scan_fails : telemetry_scan_open(store, range, ret);
}

static enum err pass_latest(struct telemetry *t, int64_t org, const int64_t *series, size_t n,
                            struct sample *ret)
{
    (void)t;
    return telemetry_latest(store, org, series, n, ret);
}

static enum err pass_rollups(struct telemetry *t, const struct scan_range *range,
                             struct rollup *ret, size_t cap, size_t *ret_n)
{
    (void)t;
    return telemetry_rollups(store, range, ret, cap, ret_n);
}

static const struct telemetry_ops counting_ops = {
    .scan_open = count_scan, .latest = pass_latest, .rollups = pass_rollups};

enum { VARIABLES = 401 };
static struct service_world w;
static struct app app;
static struct api_call call;
static struct buf body;
static struct dashboard board;
static struct widget widgets[DASHBOARD_WIDGETS];
static char names[VARIABLES][16];

static void make_variables(int64_t org)
{
    static struct bytes texts[VARIABLES];
    static struct reg_variable *made[VARIABLES];
    struct provision p = {.org = org,
                          .external_id = BYTES("d"),
                          .create_device = true,
                          .name_count = VARIABLES,
                          .names = texts,
                          .variables = made};
    size_t at;
    struct why why;
    for (int i = 0; i < VARIABLES; i++) {
        snprintf(names[i], sizeof names[i], "v%d", i);
        texts[i] = bytes_str(names[i]);
    }
    assert_int_equal(registry_provision(w.registry, &p, 1, &at, &why), ERR_OK);
    for (int i = 0; i < 100; i++) {
        struct point point = {made[0]->id, i};
        struct record record = {org, p.device->id, clock_wall_ns(&w.clock.clock) - i * NS_PER_S, 0,
                                1};
        struct record_set set = {&record, 1, &point, 1};
        const struct record_set *sets[] = {&set};
        assert_int_equal(telemetry_write(store, sets, 1, &why), ERR_OK);
    }
}

static int open_world(void **state)
{
    (void)state;
    service_world_open(&w);
    store = memory_store_new();
    counting.ops = &counting_ops;
    scans = 0;
    scan_fails = ERR_OK;
    struct auth_tokens t = service_world_register(&w, "ada");
    app.clock = &w.clock.clock;
    app.registry = w.registry;
    app.telemetry = &counting;
    app.devices = &w.devices;
    atomic_store(&app.live.max_data_points, 10000);
    make_variables(t.org);
    buf_init(&body, 1 << 24);
    call = (struct api_call){.app = &app, .arena = &w.arena, .body = &body};
    board = (struct dashboard){.id = 1, .org = t.org, .widgets = widgets};
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    buf_done(&body);
    store->ops->close(store);
    service_world_close(&w);
    return 0;
}

static void put(enum widget_type type, const char *aggregation, const char *variable,
                int64_t minutes)
{
    widgets[board.widget_count++] = (struct widget){.id = (int64_t)board.widget_count,
                                                    .type = type,
                                                    .aggregation = bytes_str(aggregation),
                                                    .device = BYTES("d"),
                                                    .variable = bytes_str(variable),
                                                    .minutes = minutes,
                                                    .config = BYTES("{}")};
}

static enum err show(bool visitor)
{
    const struct widget_data_request r = {
        &board, {.now_ns = clock_wall_ns(&w.clock.clock), .max_points = 8}, visitor};
    buf_clear(&body);
    return widget_data_write(&call, &r);
}

static bool says(const char *text)
{
    return strstr(buf_cstr(&body), text) != NULL;
}

static void what_two_widgets_ask_alike_is_read_once(void **state)
{
    (void)state;
    put(WIDGET_LINE_CHART, "NONE", "v0", 5);
    put(WIDGET_AREA_CHART, "LAST", "v0", 5);
    assert_int_equal(show(false), ERR_OK);
    assert_int_equal(scans, 1);
    put(WIDGET_LINE_CHART, "NONE", "v0", 6); /* another range */
    put(WIDGET_LINE_CHART, "NONE", "v1", 5); /* another variable */
    put(WIDGET_GAUGE, "AVG", "v0", 5);       /* one number */
    put(WIDGET_METRIC_CARD, "AVG", "v0", 5); /* the same number */
    put(WIDGET_GAUGE, "MAX", "v0", 5);       /* another number */
    put(WIDGET_GAUGE, "NONE", "v0", 5);      /* from memory */
    scans = 0;
    assert_int_equal(show(false), ERR_OK);
    assert_int_equal(scans, 5);
}

static void past_the_bound_of_reads_a_line_says_so(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) put(WIDGET_TABLE, "AVG", NULL, 1 + i); /* 100 variables each */
    assert_int_equal(show(false), ERR_OK);
    assert_int_equal(scans, WIDGET_DATA_READS);
    assert_true(says("Only 400 series are read for one dashboard"));
    board.widget_count = 4;
    assert_int_equal(show(false), ERR_OK);
    assert_false(says("Only 400"));
}

static void a_visitor_sees_no_ids_of_devices(void **state)
{
    (void)state;
    put(WIDGET_LINE_CHART, "NONE", "v0", 5);
    put(WIDGET_GAUGE, "NONE", "v0", 5);
    assert_int_equal(show(false), ERR_OK);
    assert_true(says("deviceId"));
    assert_int_equal(show(true), ERR_OK);
    assert_false(says("deviceId"));
    assert_true(says("\"values\":["));
}

static void a_store_that_fails_fails_the_answer(void **state)
{
    (void)state;
    put(WIDGET_LINE_CHART, "NONE", "v0", 5);
    scan_fails = ERR_CORRUPT;
    assert_int_equal(show(false), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_two_widgets_ask_alike_is_read_once, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(past_the_bound_of_reads_a_line_says_so, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_visitor_sees_no_ids_of_devices, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_store_that_fails_fails_the_answer, open_world,
                                        close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
