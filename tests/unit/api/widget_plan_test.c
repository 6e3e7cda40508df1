/* What a widget shows, by its type and aggregation, and intervals that fit. */
#include "api/widget_plan.h"

#include "base/clock.h"
#include "base/rnd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;
static const struct widget_plan_window window = {.now_ns = 1000 * NS_PER_DAY, .max_points = 800};

static int open_arena(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct widget_plan plan_of(enum widget_type type, const char *aggregation,
                                  const char *variable, const char *config)
{
    const struct dashboard d = {.org = 1};
    const struct widget w = {.type = type,
                             .aggregation = bytes_str(aggregation),
                             .device = BYTES("d"),
                             .variable = bytes_str(variable),
                             .config = bytes_str(config)};
    struct widget_plan p;
    assert_int_equal(widget_plan_make(&d, &w, &window, &arena, &p), ERR_OK);
    return p;
}

static void every_type_shows_what_the_table_says(void **state)
{
    (void)state;
    static const struct {
        enum widget_type type;
        enum widget_plan_show plain, aggregated;
    } table[] = {
        {WIDGET_LINE_CHART, WIDGET_PLAN_SERIES, WIDGET_PLAN_BUCKETS},
        {WIDGET_AREA_CHART, WIDGET_PLAN_SERIES, WIDGET_PLAN_BUCKETS},
        {WIDGET_BAR_CHART, WIDGET_PLAN_SERIES, WIDGET_PLAN_BUCKETS},
        {WIDGET_SCATTER_CHART, WIDGET_PLAN_SERIES, WIDGET_PLAN_BUCKETS},
        {WIDGET_GAUGE, WIDGET_PLAN_LATEST, WIDGET_PLAN_TOTAL},
        {WIDGET_INDICATOR, WIDGET_PLAN_LATEST, WIDGET_PLAN_TOTAL},
        {WIDGET_METRIC_CARD, WIDGET_PLAN_LATEST, WIDGET_PLAN_TOTAL},
        {WIDGET_TABLE, WIDGET_PLAN_LATEST, WIDGET_PLAN_TOTAL},
        {WIDGET_PIE_CHART, WIDGET_PLAN_LATEST, WIDGET_PLAN_TOTAL},
        {WIDGET_CONTROL_BUTTON, WIDGET_PLAN_LATEST, WIDGET_PLAN_LATEST},
        {WIDGET_MAP, WIDGET_PLAN_POSITIONS, WIDGET_PLAN_POSITIONS},
    };
    assert_int_equal(sizeof table / sizeof *table, WIDGET_TYPES);
    for (int i = 0; i < WIDGET_TYPES; i++) {
        assert_int_equal(plan_of(table[i].type, "NONE", "x", "{}").show, table[i].plain);
        assert_int_equal(plan_of(table[i].type, "LAST", "x", "{}").show, table[i].plain);
        assert_int_equal(plan_of(table[i].type, "AVG", "x", "{}").show, table[i].aggregated);
    }
    assert_int_equal(plan_of(WIDGET_CONTROL_BUTTON, "NONE", NULL, "{}").show, WIDGET_PLAN_NONE);
}

static void a_table_without_a_list_shows_its_own_variable_only(void **state)
{
    (void)state;
    struct widget_plan own = plan_of(WIDGET_TABLE, "NONE", "x", "{}");
    assert_int_equal(own.n, 1);
    assert_false(own.all);
    assert_true(plan_of(WIDGET_TABLE, "NONE", NULL, "{}").all);
    struct widget_plan listed = plan_of(WIDGET_TABLE, "NONE", "x", "{\"fields\":[\"a\",1,\"b\"]}");
    assert_int_equal(listed.n, 2);
    assert_true(bytes_is(listed.lines[1].variable, "b"));
    /* a list that is none, a gauge's list, an object where a list should be */
    assert_int_equal(plan_of(WIDGET_TABLE, "NONE", "x", "{\"fields\":\"a\"}").n, 1);
    assert_int_equal(plan_of(WIDGET_GAUGE, "NONE", "x", "{\"fields\":[\"a\",\"b\"]}").n, 1);
    assert_int_equal(plan_of(WIDGET_TABLE, "NONE", "x", "{\"fields\":{\"a\":\"b\"}}").n, 1);
}

static void a_list_past_the_limit_is_cut(void **state)
{
    (void)state;
    char config[1024] = "{\"fields\":[\"x\"";
    size_t n = strlen(config);
    for (int i = 0; i < WIDGET_PLAN_LINES; i++)
        n += (size_t)snprintf(config + n, sizeof config - n, ",\"x\"");
    snprintf(config + n, sizeof config - n, "]}");
    assert_int_equal(plan_of(WIDGET_TABLE, "NONE", NULL, config).n, WIDGET_PLAN_LINES);
}

static void an_interval_fits_and_the_one_below_would_not(void **state)
{
    (void)state;
    struct rnd rnd;
    uint64_t seed = 20260301;
    print_message("seed %llu\n", (unsigned long long)seed);
    rnd_seed(&rnd, seed);
    for (int i = 0; i < 100000; i++) {
        uint64_t noise[2];
        rnd_fill(&rnd, noise, sizeof noise);
        int64_t span = (int64_t)(noise[0] >> (1 + noise[0] % 60)) + 1;
        size_t most = 1 + noise[1] % 5000;
        int64_t interval = widget_plan_interval(span, most);
        assert_true(interval >= NS_PER_S && interval % NS_PER_S == 0);
        if (most > 2) /* from moved down, to not: two ends may be ragged */
            assert_true((uint64_t)span / (uint64_t)interval + 2 <= most);
        if (interval == 2 * NS_PER_S) assert_true((uint64_t)span / NS_PER_S + 2 > most);
    }
}

static void unsaid_ranges_begin_on_a_multiple_and_said_ones_where_they_say(void **state)
{
    (void)state;
    struct widget_plan p = plan_of(WIDGET_BAR_CHART, "AVG", "x", "{\"interval\":\"7m\"}");
    assert_int_equal(p.interval_ns, 7 * NS_PER_MINUTE);
    assert_int_equal(p.from_ns % p.interval_ns, 0);
    assert_true(p.from_ns <= window.now_ns - NS_PER_HOUR);
    const struct dashboard d = {.org = 1};
    const struct widget w = {.type = WIDGET_BAR_CHART,
                             .aggregation = BYTES("AVG"),
                             .device = BYTES("d"),
                             .variable = BYTES("x"),
                             .config = BYTES("{\"interval\":7}")};
    struct widget_plan_window said = window;
    said.from_said = true;
    said.from_ns = 12345;
    assert_int_equal(widget_plan_make(&d, &w, &said, &arena, &p), ERR_OK);
    assert_int_equal(p.from_ns, 12345);
    said.from_ns = INT64_MIN; /* the whole of time has a width, too */
    said.to_said = true;
    said.to_ns = INT64_MAX;
    assert_int_equal(widget_plan_make(&d, &w, &said, &arena, &p), ERR_OK);
    assert_true(p.interval_ns > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_shows_what_the_table_says),
        cmocka_unit_test(a_table_without_a_list_shows_its_own_variable_only),
        cmocka_unit_test(a_list_past_the_limit_is_cut),
        cmocka_unit_test(an_interval_fits_and_the_one_below_would_not),
        cmocka_unit_test(unsaid_ranges_begin_on_a_multiple_and_said_ones_where_they_say),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
