/* Rules over a real store: late, missed, killed, refused. The reference looks at all readings that
 * are stored, in order of their times. */
#include "rules/rule_state.h"
#include "rules_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static struct rules_world r;

static int open_world(void **state)
{
    (void)state;
    rules_world_open(&r);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    rules_world_close(&r);
    return 0;
}

/* Seconds before now. */
static int64_t ago(int seconds)
{
    return rules_world_now(&r) - seconds * NS_PER_S;
}

struct wanted {
    int64_t raised_ns, resolved_ns;
};

static void expect(const struct wanted *wanted, size_t n)
{
    struct alert *alerts = NULL;
    rules_world_settle(&r);
    size_t found = rules_world_alerts(&r, &alerts);
    for (size_t i = 0; i < found && i < n; i++) {
        assert_int_equal(alerts[i].raised_ns, wanted[i].raised_ns);
        assert_int_equal(alerts[i].resolved_ns, wanted[i].resolved_ns);
    }
    assert_int_equal(found, n);
}
#define EXPECT(...)                                                                                \
    expect((const struct wanted[]){__VA_ARGS__},                                                   \
           sizeof((const struct wanted[]){__VA_ARGS__}) / sizeof(struct wanted))

static void two_rules_on_one_series_stand_each_for_itself(void **state)
{
    (void)state;
    rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    rules_world_rule(&r, "t", RULE_GT, 20, 0, 0);
    rules_world_send(&r, "t", ago(50), 15);
    rules_world_send(&r, "t", ago(40), 25);
    rules_world_send(&r, "t", ago(30), 15);
    rules_world_send(&r, "t", ago(20), 5);
    EXPECT({ago(50), ago(20)}, {ago(40), ago(30)});
    assert_int_equal(r.in_tx[ALERT_RAISED], 2);
    assert_int_equal(r.committed[ALERT_RAISED], 2);
    assert_int_equal(r.committed[ALERT_RESOLVED], 2);
    assert_int_equal(service_world_events(&r.w, r.actor.org, EVENT_ALERT_CREATED), 2);
    assert_int_equal(service_world_events(&r.w, r.actor.org, EVENT_ALERT_RESOLVED), 2);
}

static void what_is_late_or_of_before_the_rule_changes_nothing(void **state)
{
    (void)state;
    rules_world_send(&r, "t", ago(100), 99);
    rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    rules_world_send(&r, "t", ago(101), 99);
    rules_world_send(&r, "t", ago(50), 5);
    rules_world_send(&r, "t", ago(60), 99);
    rules_world_send(&r, "t", ago(50), 99); /* the same time again */
    rules_world_crash(&r);
    rules_world_settle(&r);
    struct alert *alerts;
    size_t n = rules_world_alerts(&r, &alerts);
    /* nothing was saved: read again in order of time, ago(60) is no longer late */
    assert_true(n <= 1);
    if (n) assert_int_equal(alerts[0].raised_ns, ago(60));
}

static void a_variable_that_appears_later_is_judged_from_its_first_reading(void **state)
{
    (void)state;
    rules_world_rule(&r, "t", RULE_LT, 10, 0, 0);
    rules_world_rule(&r, "kwConsumption", RULE_GT, 10, 0, 0);
    rules_world_send(&r, "other", ago(50), 5);
    EXPECT();
    rules_world_send(&r, "t", ago(40), 5);
    rules_world_send(&r, "kw_consumption", ago(30), 15); /* by its other name */
    EXPECT({ago(40), 0}, {ago(30), 0});
}

static void a_first_reading_that_was_dropped_is_found_after_the_gap(void **state)
{
    (void)state;
    rules_world_rule(&r, "t", RULE_LT, 10, 0, 0);
    rules_world_miss(&r, "t", ago(40), 5);
    rules_world_gap(&r);
    EXPECT({ago(40), 0});
}

static void dropped_sets_are_read_from_the_store_before_newer_ones_are_judged(void **state)
{
    (void)state;
    rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    rules_world_send(&r, "t", ago(60), 5);
    rules_world_miss(&r, "t", ago(50), 99);
    rules_world_miss(&r, "t", ago(45), 5);
    rules_world_gap(&r);
    rules_world_send(&r, "t", ago(40), 99);
    EXPECT({ago(50), ago(45)}, {ago(40), 0});
}

static void a_clock_that_is_ahead_raises_once_and_hides_nothing(void **state)
{
    (void)state;
    rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    int64_t ahead = rules_world_now(&r) + 20 * NS_PER_HOUR, now = rules_world_now(&r);
    rules_world_send(&r, "t", ahead, 99);
    rules_world_send(&r, "t", now, 5);
    clock_fake_advance(&r.w.clock, NS_PER_S);
    rules_world_send(&r, "t", now + NS_PER_S, 99);
    EXPECT({now + NS_PER_S, 0}, {ahead, now});
    rules_world_restart(&r);
    EXPECT({now + NS_PER_S, 0}, {ahead, now});
    clock_fake_advance(&r.w.clock, 30 * NS_PER_HOUR);
    rules_world_crash(&r);
    rules_world_send(&r, "t", rules_world_now(&r), 5);
    EXPECT({now + NS_PER_S, rules_world_now(&r)}, {ahead, now});
}

static void a_refusal_that_passes_is_waited_for_and_one_that_stays_sets_the_rule_aside(void **state)
{
    (void)state;
    rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    struct rule bad = rules_world_rule(&r, "u", RULE_GT, 10, 0, 0);
    rules_world_send(&r, "t", ago(60), 99);
    r.fail = ERR_NOSPACE;
    r.fail_times = 2;
    EXPECT({ago(60), 0});
    r.fail = ERR_INVALID;
    r.fail_times = 1000;
    r.fail_variable = "u";
    rules_world_send(&r, "u", ago(50), 99);
    rules_world_send(&r, "t", ago(50), 5);
    EXPECT({ago(60), ago(50)});
    rules_world_send(&r, "u", ago(40), 5);
    rules_world_send(&r, "u", ago(39), 99); /* not tried again */
    rules_world_settle(&r);
    assert_int_equal(r.fail_times, 1000 - 2);
    r.fail_times = 0;
    rule_followers_changed(r.rules, bad.org, bad.id); /* from where the catalog has it */
    EXPECT({ago(60), ago(50)}, {ago(50), ago(40)}, {ago(39), 0});
}

static void a_stop_while_the_catalog_refuses_loses_nothing(void **state)
{
    (void)state;
    rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    rules_world_send(&r, "t", ago(70), 5);
    r.fail = ERR_IO;
    r.fail_times = 1000;
    followers_stop(r.followers);
    rules_world_send(&r, "t", ago(60), 99);
    followers_on_idle(r.followers);
    rules_world_send(&r, "t", ago(50), 5);
    assert_true(r.fail_times < 1000);
    r.fail_times = 0;
    rules_world_crash(&r);
    EXPECT({ago(60), ago(50)});
}

static void a_rule_that_changed_meanwhile_raises_nothing_of_before(void **state)
{
    (void)state;
    struct rule rule = rules_world_rule(&r, "t", RULE_GT, 10, 0, 0), now;
    struct refusal refusal = {.fields = 0};
    char uuid[UUID_TEXT + 1];
    bool device;
    rules_world_send(&r, "t", ago(60), 20); /* judged, not committed yet */
    r.service.changed = NULL;               /* the engine hears of it only by the epoch */
    uuid_format(&rule.uuid, uuid);
    const struct rule_change change = {.threshold = {true, 50}};
    assert_int_equal(rule_service_update(&r.service, &r.actor, bytes_str(uuid), &change, &r.w.arena,
                                         &now, &device, &refusal),
                     ERR_OK);
    EXPECT();
    rule_followers_changed(r.rules, rule.org, 0); /* compares everything */
    rules_world_settle(&r);
    rules_world_send(&r, "t", ago(50), 40);
    rules_world_send(&r, "t", ago(40), 60);
    EXPECT({ago(40), 0});
}

/* --- against the reference -------------------------------------------------------------------- */

enum { READINGS = 250 };

static size_t reference(const struct rule *rule, const int64_t *ts, const double *value, size_t n,
                        struct wanted *ret)
{
    const struct rule_condition c = rule_state_condition(rule);
    struct rule_state s = {RULE_IDLE, RULE_STATE_NEVER, RULE_STATE_NEVER};
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        enum rule_step step = rule_state_step(&s, &c, ts[i], value[i]);
        if (step == RULE_STEP_RAISE) ret[found++] = (struct wanted){ts[i], 0};
        if (step == RULE_STEP_RESOLVE) ret[found - 1].resolved_ns = ts[i];
    }
    return found;
}

static void disturb(struct rnd *rnd)
{
    switch (rnd_below(rnd, 40)) {
    case 0:
        rules_world_crash(&r);
        break;
    case 1:
        rules_world_restart(&r);
        break;
    case 2:
        rules_world_settle(&r);
        break;
    case 3:
        r.fail = ERR_IO; /* before a crash: the transaction is taken back */
        r.fail_times = 1;
        followers_stop(r.followers);
        followers_on_idle(r.followers);
        r.fail_times = 0;
        rules_world_crash(&r);
        break;
    default:
        break;
    }
}

static void no_crash_gap_or_refusal_loses_an_alert_or_raises_one_twice(void **state)
{
    (void)state;
    struct rnd rnd;
    const char *given = getenv("SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)seed);
    rnd_seed(&rnd, seed);
    struct rule rule = rules_world_rule(&r, "t", RULE_GT, 5, 2, 0.05); /* 3 s */
    int64_t ts[READINGS];
    double value[READINGS];
    struct wanted wanted[READINGS];
    for (size_t i = 0; i < READINGS; i++) {
        clock_fake_advance(&r.w.clock, (int64_t)rnd_below(&rnd, 3 * (uint64_t)NS_PER_S) + 1);
        ts[i] = rules_world_now(&r);
        value[i] = (double)rnd_below(&rnd, 11);
        if (rnd_below(&rnd, 8) == 0) {
            rules_world_miss(&r, "t", ts[i], value[i]);
            rules_world_gap(&r);
        } else {
            rules_world_send(&r, "t", ts[i], value[i]);
        }
        disturb(&rnd);
    }
    size_t n = reference(&rule, ts, value, READINGS, wanted);
    assert_true(n > 5);
    expect(wanted, n);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(two_rules_on_one_series_stand_each_for_itself),
        TEST(what_is_late_or_of_before_the_rule_changes_nothing),
        TEST(a_variable_that_appears_later_is_judged_from_its_first_reading),
        TEST(a_first_reading_that_was_dropped_is_found_after_the_gap),
        TEST(dropped_sets_are_read_from_the_store_before_newer_ones_are_judged),
        TEST(a_clock_that_is_ahead_raises_once_and_hides_nothing),
        TEST(a_refusal_that_passes_is_waited_for_and_one_that_stays_sets_the_rule_aside),
        TEST(a_stop_while_the_catalog_refuses_loses_nothing),
        TEST(a_rule_that_changed_meanwhile_raises_nothing_of_before),
        TEST(no_crash_gap_or_refusal_loses_an_alert_or_raises_one_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
