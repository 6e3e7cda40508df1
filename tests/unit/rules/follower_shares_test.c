/* One organisation's flood and what others, and its own other rules, notice of it. */
#include "rules_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { FLIPS = 1200, ALERTS = FLIPS / 2, RULES = 250 };
static const double flips[2] = {99, 1};
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

static int64_t ago(int seconds)
{
    return rules_world_now(&r) - seconds * NS_PER_S;
}

static size_t alert_count(const struct actor *who)
{
    struct alert *alerts;
    const struct actor now = r.actor;
    r.actor = *who;
    size_t n = rules_world_alerts(&r, &alerts);
    r.actor = now;
    return n;
}

static size_t behind(void)
{
    struct followers_stats stats;
    followers_read_stats(r.followers, &stats);
    return stats.behind;
}

/* Each began and ended once, in their order. */
static void expect_every_flip(const struct actor *who, int64_t from_ns)
{
    struct alert *alerts;
    r.actor = *who;
    assert_int_equal(rules_world_alerts(&r, &alerts), ALERTS);
    for (int i = 0; i < ALERTS; i++) {
        assert_int_equal(alerts[i].raised_ns, from_ns + 2 * i * NS_PER_S);
        assert_int_equal(alerts[i].resolved_ns, from_ns + (2 * i + 1) * NS_PER_S);
    }
}

static void who_flips_waits_for_itself_and_nobody_else_does(void **state)
{
    (void)state;
    int64_t from_ns = ago(2 * FLIPS);
    rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    const struct actor noisy = rules_world_other(&r, "bob"), quiet = r.actor;
    rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    rules_world_send(&r, "t", ago(10), 1);
    r.actor = noisy;
    rules_world_send(&r, "t", from_ns - NS_PER_S, 1);
    rules_world_settle(&r);

    rules_world_flood(&r, "t", from_ns, NS_PER_S, FLIPS, flips);
    r.actor = quiet;
    rules_world_send(&r, "t", ago(5), 99);
    followers_on_idle(r.followers);
    assert_int_equal(alert_count(&quiet), 1);
    assert_in_range(alert_count(&noisy), 1, ALERTS / 2);
    assert_int_equal(behind(), 1);

    rules_world_settle(&r);
    assert_int_equal(behind(), 0);
    assert_int_equal(alert_count(&quiet), 1);
    expect_every_flip(&noisy, from_ns);
}

static void what_is_left_of_a_flood_survives_a_crash(void **state)
{
    (void)state;
    int64_t from_ns = ago(2 * FLIPS);
    const struct actor me = r.actor;
    rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    rules_world_flood(&r, "t", from_ns, NS_PER_S, FLIPS, flips);
    for (int i = 0; i < 3; i++) {
        followers_on_idle(r.followers);
        assert_in_range(alert_count(&me), 1, ALERTS - 1);
        rules_world_crash(&r);
    }
    rules_world_settle(&r);
    expect_every_flip(&me, from_ns);
}

static void more_of_a_flood_while_it_is_worked_off_keeps_the_order(void **state)
{
    (void)state;
    int64_t from_ns = ago(2 * FLIPS);
    const struct actor me = r.actor;
    rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    for (int i = 0; i < 4; i++) {
        rules_world_flood(&r, "t", from_ns + i * FLIPS / 4 * NS_PER_S, NS_PER_S, FLIPS / 4, flips);
        if (i % 2) followers_on_idle(r.followers);
    }
    rules_world_settle(&r);
    expect_every_flip(&me, from_ns);
}

static void a_rule_that_flips_does_not_keep_the_others_of_its_organisation_waiting(void **state)
{
    (void)state;
    const struct actor me = r.actor;
    rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    rules_world_rule(&r, "u", RULE_GT, 10, 0, 0);
    rules_world_send(&r, "t", ago(2 * FLIPS + 1), 1);
    rules_world_send(&r, "u", ago(10), 1);
    rules_world_settle(&r);
    rules_world_flood(&r, "t", ago(2 * FLIPS), NS_PER_S, FLIPS, flips);
    rules_world_miss(&r, "u", ago(5), 99);
    rules_world_gap(&r);
    for (int i = 0; i < 3; i++) followers_on_idle(r.followers);
    struct alert *alerts;
    size_t n = rules_world_alerts(&r, &alerts);
    assert_int_equal(alerts[n - 1].raised_ns, ago(5));
    assert_true(n < ALERTS / 2);
    rules_world_settle(&r);
    assert_int_equal(alert_count(&me), ALERTS + 1);
}

static void many_rules_on_one_reading_wait_for_themselves(void **state)
{
    (void)state;
    for (int i = 0; i < RULES; i++) rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    const struct actor noisy = rules_world_other(&r, "bob"), quiet = r.actor;
    rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    rules_world_send(&r, "t", ago(10), 1);
    r.actor = noisy;
    rules_world_send(&r, "t", ago(10), 1);
    rules_world_settle(&r);

    rules_world_send(&r, "t", ago(5), 99);
    r.actor = quiet;
    rules_world_send(&r, "t", ago(5), 99);
    followers_on_idle(r.followers);
    assert_int_equal(alert_count(&quiet), 1);
    assert_in_range(alert_count(&noisy), 1, RULES - 1);
    rules_world_settle(&r);
    assert_int_equal(alert_count(&noisy), RULES);
}

static void a_rule_may_go_while_it_is_behind(void **state)
{
    (void)state;
    char uuid[UUID_TEXT + 1];
    const struct actor me = r.actor;
    const struct rule rule = rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    rules_world_flood(&r, "t", ago(2 * FLIPS), NS_PER_S, FLIPS, flips);
    assert_int_equal(behind(), 1);
    uuid_format(&rule.uuid, uuid);
    assert_int_equal(rule_service_delete(&r.service, &r.actor, bytes_str(uuid), &r.w.arena),
                     ERR_OK);
    rules_world_settle(&r);
    assert_int_equal(behind(), 0);
    assert_true(alert_count(&me) < ALERTS);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(who_flips_waits_for_itself_and_nobody_else_does),
        TEST(what_is_left_of_a_flood_survives_a_crash),
        TEST(more_of_a_flood_while_it_is_worked_off_keeps_the_order),
        TEST(a_rule_that_flips_does_not_keep_the_others_of_its_organisation_waiting),
        TEST(many_rules_on_one_reading_wait_for_themselves),
        TEST(a_rule_may_go_while_it_is_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
