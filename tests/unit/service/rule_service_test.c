/* What happens to alerts when people change rules and devices, and how many rules there may be. */
#include "rules_world.h"
#include "service/cleanup_service.h"
#include "service/device_purge.h"
#include "service/event_types.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct rules_world r;
static bool device;

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

static struct bytes uuid_of(const struct rule *rule)
{
    char text[UUID_TEXT + 1];
    uuid_format(&rule->uuid, text);
    return bytes_str(arena_copy_str(&r.w.arena, text));
}

static struct rule update(const struct rule *rule, struct rule_change change)
{
    struct rule now;
    struct refusal refusal = {.fields = 0};
    assert_int_equal(rule_service_update(&r.service, &r.actor, uuid_of(rule), &change, &r.w.arena,
                                         &now, &device, &refusal),
                     ERR_OK);
    rules_world_settle(&r);
    return now;
}

static int64_t tick(void)
{
    clock_fake_advance(&r.w.clock, NS_PER_S);
    return rules_world_now(&r);
}

static void send(double value)
{
    rules_world_send(&r, "t", tick(), value);
    rules_world_settle(&r);
}

/* All alerts and how many of them are open. */
static void expect(size_t all, size_t open)
{
    struct alert *alerts = NULL;
    size_t n = rules_world_alerts(&r, &alerts), still = 0;
    for (size_t i = 0; i < n; i++) still += alerts[i].resolved_ns == 0;
    assert_int_equal(n, all);
    assert_int_equal(still, open);
}

static void a_disabled_rule_ends_its_alert_and_begins_anew_when_enabled(void **state)
{
    (void)state;
    struct rule rule = rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    send(20);
    expect(1, 1);
    update(&rule, (struct rule_change){.enabled_set = true, .enabled = false});
    expect(1, 0);
    struct alert *alerts;
    rules_world_alerts(&r, &alerts);
    assert_int_equal(alerts[0].resolved_by, r.actor.user);
    send(30);
    update(&rule, (struct rule_change){.enabled_set = true, .enabled = true});
    expect(1, 0); /* 30 was before */
    send(31);
    expect(2, 1);
}

static void another_condition_judges_only_what_comes_and_keeps_the_open_alert(void **state)
{
    (void)state;
    struct rule rule = rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    send(5);
    update(&rule, (struct rule_change){.threshold = {true, 1}});
    expect(0, 0); /* 5 was judged against 10 */
    send(6);
    expect(1, 1);
    update(&rule, (struct rule_change){.threshold = {true, 10}});
    expect(1, 1);
    send(7); /* does not hold any more */
    expect(1, 0);
    rule = update(&rule, (struct rule_change){.name = {true, BYTES("other")},
                                              .cooldown_minutes = {true, NAN}});
    assert_int_equal(rule.cooldown_ns, RULE_COOLDOWN_NS);
    assert_true(bytes_is(rule.name, "other"));
}

static void a_moved_rule_ends_its_alert_and_follows_the_other_variable(void **state)
{
    (void)state;
    struct rule rule = rules_world_rule(&r, "t", RULE_GT, 10, 0, 60);
    send(20);
    rules_world_send(&r, "u", tick(), 30);
    update(&rule, (struct rule_change){.variable = {true, BYTES("u")}});
    expect(1, 0);
    send(21);
    expect(1, 0);
    rules_world_send(&r, "u", tick(), 31); /* the cooldown was the other variable's */
    rules_world_settle(&r);
    expect(2, 1);
}

static void a_deleted_rule_ends_its_alert_which_stays_in_the_list(void **state)
{
    (void)state;
    struct rule rule = rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    send(20);
    assert_int_equal(rule_service_delete(&r.service, &r.actor, uuid_of(&rule), &r.w.arena), ERR_OK);
    assert_int_equal(rule_service_delete(&r.service, &r.actor, uuid_of(&rule), &r.w.arena),
                     ERR_NOTFOUND);
    rules_world_settle(&r);
    expect(1, 0);
    send(5);
    send(20);
    expect(1, 0);
    assert_int_equal(service_world_events(&r.w, r.actor.org, EVENT_RULE_DELETED), 1);
}

static void a_deleted_device_ends_the_alerts_of_its_rules_and_brings_them_back(void **state)
{
    (void)state;
    struct rule a = rules_world_rule(&r, "t", RULE_GT, 10, 0, 0), found;
    rules_world_rule(&r, "t", RULE_GT, 15, 0, 0);
    struct device d;
    send(20);
    expect(2, 2);
    assert_int_equal(device_service_delete(&r.w.devices, &r.actor, BYTES("pump"), &r.w.arena),
                     ERR_OK);
    rules_world_settle(&r);
    expect(2, 0);
    assert_int_equal(r.committed[ALERT_RESOLVED], 2);
    assert_int_equal(rule_service_find(&r.service, r.actor.org, uuid_of(&a), &r.w.arena, &found),
                     ERR_NOTFOUND);
    /* what the store still holds of it raises nothing, also after a start */
    rules_world_crash(&r);
    expect(2, 0);

    struct sql_tx *tx;
    assert_int_equal(sql_begin(r.w.db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(catalog_devices_find_deleted(tx, r.actor.org, BYTES("pump"), &r.w.arena, &d),
                     ERR_OK);
    assert_int_equal(catalog_devices_restore(tx, d.org, d.id, rules_world_now(&r)), ERR_OK);
    assert_int_equal(sql_commit(tx), ERR_OK);
    rules_world_crash(&r); /* a start finds it alive */
    assert_int_equal(rule_service_find(&r.service, r.actor.org, uuid_of(&a), &r.w.arena, &found),
                     ERR_OK);
    send(12);
    expect(3, 1);
}

static void a_purged_device_takes_its_rules_along_and_leaves_its_alerts(void **state)
{
    (void)state;
    int64_t rules = 1;
    size_t n = 0;
    rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    send(20);
    assert_int_equal(device_service_delete(&r.w.devices, &r.actor, BYTES("pump"), &r.w.arena),
                     ERR_OK);
    rules_world_settle(&r);
    clock_fake_advance(&r.w.clock, 8 * NS_PER_DAY);
    assert_int_equal(device_purge_run(&r.w.devices, &n), ERR_OK);
    assert_int_equal(n, 1);
    struct sql_tx *tx;
    assert_int_equal(sql_begin(r.w.db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(catalog_rules_count(tx, r.actor.org, &rules), ERR_OK);
    sql_rollback(tx);
    assert_int_equal(rules, 0);
    expect(1, 0);
}

static enum err create_one(const char *variable, struct refusal *refusal)
{
    struct rule rule;
    const struct rule_change given = {
        .name = {true, BYTES("n")},
        .device = {true, BYTES("pump")},
        .variable = {true, bytes_str(variable)},
        .op = {true, BYTES("GT")},
        .threshold = {true, 1},
    };
    return rule_service_create(&r.service, &r.actor, &given, &r.w.arena, &rule, refusal);
}

static void ten_thousand_rules_are_one_organisations_limit_and_all_of_them_work(void **state)
{
    (void)state;
    struct sql_tx *tx;
    struct refusal refusal = {.fields = 0};
    struct rule first = rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    assert_int_equal(sql_begin(r.w.db, SQL_WRITE, &tx), ERR_OK);
    for (int i = 1; i < RULES_PER_ORG - 1; i++) {
        struct rule rule = first;
        struct rule_progress p = {.since_ns = INT64_MIN,
                                  .raised_ns = INT64_MIN,
                                  .position_ns = INT64_MIN,
                                  .ahead_from_ns = INT64_MIN,
                                  .ahead_to_ns = INT64_MIN};
        rule.uuid = uuid_random(rnd_system());
        assert_int_equal(catalog_rules_insert(tx, &rule, &p), ERR_OK);
    }
    assert_int_equal(sql_commit(tx), ERR_OK);
    assert_int_equal(create_one("t", &refusal), ERR_OK);
    assert_int_equal(create_one("t", &refusal), ERR_LIMIT);
    assert_int_equal(refusal.max, RULES_PER_ORG);
    assert_int_equal(refusal.used, RULES_PER_ORG);
    rule_followers_changed(r.rules, r.actor.org, 0);
    rules_world_settle(&r);
    struct followers_stats stats;
    followers_read_stats(r.followers, &stats);
    assert_int_equal(stats.count, RULES_PER_ORG);
    send(20); /* all of them at once: more steps than a batch holds */
    const struct alert_filter filter = {.severity = -1, .open = true};
    int64_t open = 0;
    assert_int_equal(sql_begin(r.w.db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(catalog_alerts_count(tx, r.actor.org, &filter, &open), ERR_OK);
    sql_rollback(tx);
    assert_int_equal(open, RULES_PER_ORG);
}

static int64_t cleaned(void)
{
    int64_t now_ns = clock_wall_ns(&r.w.clock.clock);
    const struct cleanup_ages ages = cleanup_service_ages(now_ns, NS_PER_DAY);
    struct cleanup_removed removed = {{0}};
    bool more = true;
    assert_int_equal(cleanup_service_run(r.w.db, now_ns, &ages, &r.actor, &removed, &more), ERR_OK);
    assert_false(more);
    return removed.rows[CLEANUP_ALERTS];
}

static void old_resolved_alerts_are_removed_and_open_ones_kept(void **state)
{
    (void)state;
    rules_world_rule(&r, "t", RULE_GT, 10, 0, 0);
    send(20);
    send(5);
    send(21);
    clock_fake_advance(&r.w.clock, ALERT_KEPT_NS - NS_PER_DAY);
    assert_int_equal(cleaned(), 0);
    clock_fake_advance(&r.w.clock, 2 * NS_PER_DAY);
    assert_int_equal(cleaned(), 1);
    expect(1, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(a_disabled_rule_ends_its_alert_and_begins_anew_when_enabled),
        TEST(another_condition_judges_only_what_comes_and_keeps_the_open_alert),
        TEST(a_moved_rule_ends_its_alert_and_follows_the_other_variable),
        TEST(a_deleted_rule_ends_its_alert_which_stays_in_the_list),
        TEST(a_deleted_device_ends_the_alerts_of_its_rules_and_brings_them_back),
        TEST(a_purged_device_takes_its_rules_along_and_leaves_its_alerts),
        TEST(ten_thousand_rules_are_one_organisations_limit_and_all_of_them_work),
        TEST(old_resolved_alerts_are_removed_and_open_ones_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
