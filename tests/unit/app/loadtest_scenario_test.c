/* Load time and ours: one leads to the other and back, through every stage of every scenario. */
#include "app/loadtest.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct loadtest *make(enum loadtest_scenario s)
{
    struct loadtest *t = mem_zalloc(sizeof *t);
    assert_non_null(t);
    t->opts.scenario = s;
    t->opts.duration_ns = 60 * NS_PER_S;
    t->start_ns = 1000 * NS_PER_S;
    t->ramp_ns = 5 * NS_PER_S;
    return t;
}

static void there_and_back_is_the_same_instant(void **state)
{
    (void)state;
    for (size_t s = 0; s < LOADTEST_SCENARIOS; s++) {
        struct loadtest *t = make((enum loadtest_scenario)s);
        int64_t last = 0;
        for (int64_t at = t->start_ns - NS_PER_S; at < t->start_ns + 90 * NS_PER_S;
             at += 333333333) {
            int64_t load = loadtest_scenario_load(t, at);
            assert_true(load > last);
            last = load;
            int64_t back = loadtest_scenario_when(t, load);
            assert_true(back > at - 1000 && back < at + 1000);
        }
        mem_free(t);
    }
}

static void a_peak_is_five_times_the_pace_for_its_third(void **state)
{
    (void)state;
    struct loadtest *t = make(LOADTEST_PEAK);
    int64_t base = t->start_ns + t->ramp_ns;
    assert_int_equal(loadtest_scenario_stages(t), 3);
    assert_int_equal(loadtest_scenario_stage(t, base - 1), 0);
    assert_int_equal(loadtest_scenario_stage(t, base + 30 * NS_PER_S), 1);
    assert_int_equal(loadtest_scenario_stage(t, base + 41 * NS_PER_S), 2);
    int64_t in_peak = loadtest_scenario_load(t, base + 31 * NS_PER_S) -
                      loadtest_scenario_load(t, base + 30 * NS_PER_S);
    int64_t behind = loadtest_scenario_load(t, base + 51 * NS_PER_S) -
                     loadtest_scenario_load(t, base + 50 * NS_PER_S);
    assert_true(llabs(in_peak - 5 * NS_PER_S) < 10);
    assert_true(llabs(behind - NS_PER_S) < 10);
    /* 20 s as usual, 20 s five times, 20 s as usual */
    assert_true(llabs(loadtest_scenario_load(t, base + 60 * NS_PER_S) - base - 140 * NS_PER_S) <
                100);
    double mean = loadtest_scenario_mean(&t->opts);
    assert_true(mean > 7.0 / 3 - 1e-9 && mean < 7.0 / 3 + 1e-9);
    mem_free(t);
}

static void names_lead_to_scenarios(void **state)
{
    (void)state;
    enum loadtest_scenario found = LOADTEST_PEAK;
    for (size_t s = 0; s < LOADTEST_SCENARIOS; s++) {
        assert_true(
            loadtest_scenario_find(loadtest_scenario_name((enum loadtest_scenario)s), &found));
        assert_int_equal(found, s);
    }
    assert_false(loadtest_scenario_find("", &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back_is_the_same_instant),
        cmocka_unit_test(a_peak_is_five_times_the_pace_for_its_third),
        cmocka_unit_test(names_lead_to_scenarios),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
