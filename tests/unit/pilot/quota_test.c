/* Daily limits: exact, never exceeded, shared by nodes, given back. */
#include "pilot/quota.h"

#include "service_world.h"
#include "store/catalog_usage.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

enum { THREADS = 64 };

static struct service_world w;
static int64_t org;
static struct quota *q;

static struct quota *open_quota(void)
{
    struct quota *fresh;
    const struct quota_opts opts = {w.db, &w.clock.clock, &w.pilot};
    assert_int_equal(quota_new(&fresh, &opts), ERR_OK);
    return fresh;
}

static int open_world(void **state)
{
    (void)state;
    service_world_open(&w);
    org = service_world_register(&w, "ada").org;
    q = open_quota();
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    quota_free(q);
    service_world_close(&w);
    return 0;
}

static enum err take(struct quota *from, int64_t n)
{
    struct quota_state s;
    return quota_take(from, org, LIMIT_POINTS, n, true, &s);
}

/* What the store says is used, leases included. */
static int64_t stored(void)
{
    struct usage_day used = {0, false};
    struct sql_tx *tx;
    int64_t day = clock_wall_ns(&w.clock.clock) / NS_PER_DAY;
    assert_int_equal(sql_begin(w.db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(sql_end(tx, catalog_usage_day(tx, org, day, LIMIT_POINTS, &used)), ERR_OK);
    return used.used;
}

static int64_t said(struct quota *by)
{
    struct sql_tx *tx;
    int64_t used = -1;
    assert_int_equal(sql_begin(w.db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(sql_end(tx, quota_used(by, tx, org, LIMIT_POINTS, &used)), ERR_OK);
    return used;
}

static struct {
    struct quota *nodes[2];
    _Atomic int64_t taken;
    _Atomic int failed;
} shared;

/* Each takes until nothing fits, requests of several points first. */
static void *client(void *arg)
{
    size_t i = (size_t)(uintptr_t)arg;
    struct quota *node = shared.nodes[i % 2];
    for (int64_t n = 1 + (int64_t)(i % 7); n > 0;) {
        enum err e = take(node, n);
        if (!e)
            atomic_fetch_add(&shared.taken, n);
        else if (e == ERR_RATE)
            n--;
        else
            n = 0, atomic_fetch_add(&shared.failed, 1);
    }
    return NULL;
}

static void run_clients(struct quota *a, struct quota *b)
{
    pthread_t threads[THREADS];
    shared.nodes[0] = a;
    shared.nodes[1] = b;
    shared.taken = 0;
    shared.failed = 0;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, client, (void *)(uintptr_t)i), 0);
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(shared.failed, 0);
}

static void of_64_clients_at_once_every_point_is_given_and_none_more(void **state)
{
    (void)state;
    w.pilot.max[LIMIT_POINTS] = 20000;
    run_clients(q, q);
    assert_int_equal(shared.taken, 20000);
    assert_int_equal(stored(), 20000);
    assert_int_equal(take(q, 1), ERR_RATE);
}

static void two_nodes_stay_within_the_limit_and_a_percent_of_it(void **state)
{
    (void)state;
    struct quota *other = open_quota();
    w.pilot.max[LIMIT_POINTS] = 20000;
    run_clients(q, other);
    assert_true(shared.taken <= 20000);
    assert_true(shared.taken >= 19800);
    quota_free(other);
    assert_true(stored() <= 20000);
}

static void a_lease_is_half_a_percent_or_a_quarter_of_the_rest(void **state)
{
    (void)state;
    w.pilot.max[LIMIT_POINTS] = 1000;
    assert_int_equal(take(q, 10), ERR_OK);
    assert_int_equal(stored(), 15); /* 10, and 5 on lease */
    assert_int_equal(take(q, 5), ERR_OK);
    assert_int_equal(stored(), 15);
    assert_int_equal(take(q, 977), ERR_OK); /* 8 are left: a quarter of them */
    assert_int_equal(stored(), 994);
    assert_int_equal(take(q, 2), ERR_OK);
    assert_int_equal(stored(), 994);
    assert_int_equal(take(q, 5), ERR_OK); /* 1 is left: one */
    assert_int_equal(stored(), 1000);
    assert_int_equal(take(q, 1), ERR_OK);
    assert_int_equal(take(q, 1), ERR_RATE);
}

static void what_does_not_fit_takes_nothing(void **state)
{
    (void)state;
    struct quota_state s;
    w.pilot.max[LIMIT_POINTS] = 100;
    assert_int_equal(take(q, 95), ERR_OK);
    assert_int_equal(quota_take(q, org, LIMIT_POINTS, 6, true, &s), ERR_RATE);
    assert_int_equal(s.max, 100);
    assert_int_equal(s.remaining, 5);
    assert_true(s.reset_ns > 0 && s.reset_ns <= NS_PER_DAY);
    assert_int_equal(take(q, 101), ERR_TOOLARGE);
    assert_int_equal(take(q, 5), ERR_OK);
    assert_int_equal(said(q), 100);
}

static void a_loop_is_told_to_ask_elsewhere(void **state)
{
    (void)state;
    struct quota_state s;
    w.pilot.max[LIMIT_POINTS] = 1000;
    assert_int_equal(quota_take(q, org, LIMIT_POINTS, 1, false, &s), ERR_MORE);
    assert_int_equal(take(q, 1), ERR_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(quota_take(q, org, LIMIT_POINTS, 1, false, &s), ERR_OK);
    assert_int_equal(take(q, 1), ERR_OK);
    while (quota_take(q, org, LIMIT_POINTS, 1, true, &s) == ERR_OK) continue;
    assert_int_equal(quota_take(q, org, LIMIT_POINTS, 1, false, &s), ERR_RATE);
    clock_fake_advance(&w.clock, 2 * NS_PER_S); /* another node may have given some back */
    assert_int_equal(quota_take(q, org, LIMIT_POINTS, 1, false, &s), ERR_MORE);
}

static void what_came_to_nothing_is_given_back(void **state)
{
    (void)state;
    w.pilot.max[LIMIT_POINTS] = 100;
    assert_int_equal(take(q, 100), ERR_OK);
    assert_int_equal(take(q, 1), ERR_RATE);
    quota_give(q, org, LIMIT_POINTS, 30);
    assert_int_equal(take(q, 30), ERR_OK);
    assert_int_equal(take(q, 1), ERR_RATE);
    assert_int_equal(said(q), 100);
}

static void a_stop_gives_the_lease_back_and_a_kill_loses_less_than_a_block(void **state)
{
    (void)state;
    w.pilot.max[LIMIT_POINTS] = 10000;
    assert_int_equal(take(q, 10), ERR_OK);
    assert_int_equal(stored(), 60);
    struct quota *killed = open_quota(); /* never closed before the check: as after kill -9 */
    assert_int_equal(take(killed, 10), ERR_OK);
    quota_free(q);
    assert_int_equal(stored(), 10 + 60); /* 10 here; 10 and a block of 50 there */
    q = open_quota();
    assert_int_equal(said(q), 70);
    quota_free(killed);
    assert_int_equal(stored(), 20);
}

static int64_t said_of_all(struct quota *by)
{
    struct sql_tx *tx;
    int64_t used = -1;
    assert_int_equal(sql_begin(w.db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(sql_end(tx, quota_used_by_all(by, tx, LIMIT_POINTS, &used)), ERR_OK);
    return used;
}

static void the_sum_of_all_outlives_a_restart_and_is_of_all_nodes(void **state)
{
    (void)state;
    struct quota_state s;
    w.pilot.max[LIMIT_POINTS] = 10000;
    assert_int_equal(take(q, 10), ERR_OK);
    assert_int_equal(quota_take(q, org + 1000, LIMIT_POINTS, 5, true, &s), ERR_OK);
    assert_int_equal(said_of_all(q), 15); /* what is leased here is not used yet */
    quota_free(q);
    q = open_quota();
    assert_int_equal(said_of_all(q), 15);
    struct quota *other = open_quota();
    assert_int_equal(take(other, 7), ERR_OK);
    quota_free(other);
    assert_int_equal(said_of_all(q), 22);
    clock_fake_advance(&w.clock, NS_PER_DAY);
    assert_int_equal(said_of_all(q), 0);
}

static void a_new_day_begins_at_midnight_utc(void **state)
{
    (void)state;
    struct quota_state s;
    w.pilot.max[LIMIT_POINTS] = 100;
    assert_int_equal(take(q, 100), ERR_OK);
    assert_int_equal(quota_take(q, org, LIMIT_POINTS, 1, true, &s), ERR_RATE);
    clock_fake_advance(&w.clock, s.reset_ns - 1);
    assert_int_equal(take(q, 1), ERR_RATE);
    clock_fake_advance(&w.clock, 1);
    assert_int_equal(take(q, 100), ERR_OK);
    assert_int_equal(take(q, 1), ERR_RATE);
}

static void without_a_limit_usage_is_counted_and_written_down(void **state)
{
    (void)state;
    assert_int_equal(take(q, 5), ERR_OK);
    assert_int_equal(take(q, 5), ERR_OK);
    assert_int_equal(said(q), 10);
    assert_int_equal(stored(), 0);
    clock_fake_advance(&w.clock, 11 * NS_PER_S);
    assert_int_equal(quota_maintain(q), ERR_OK);
    assert_int_equal(stored(), 10);
    assert_int_equal(said(q), 10);
}

static void a_limit_that_changes_counts_from_the_next_point_on(void **state)
{
    (void)state;
    assert_int_equal(take(q, 50), ERR_OK);
    w.pilot.max[LIMIT_POINTS] = 60;
    quota_changed(q, 0);
    assert_int_equal(take(q, 11), ERR_RATE);
    assert_int_equal(take(q, 10), ERR_OK);
    w.pilot.max[LIMIT_POINTS] = 1000;
    quota_changed(q, org);
    assert_int_equal(take(q, 500), ERR_OK);
    w.pilot.max[LIMIT_POINTS] = 100;
    quota_changed(q, 0);
    assert_int_equal(take(q, 1), ERR_RATE);
    w.pilot.lifted = true;
    quota_changed(q, 0);
    assert_int_equal(take(q, 1000), ERR_OK);
    assert_int_equal(said(q), 1560);
}

static void ninety_percent_warn_once_a_day(void **state)
{
    (void)state;
    w.pilot.max[LIMIT_POINTS] = 1000;
    assert_int_equal(take(q, 880), ERR_OK);
    assert_int_equal(service_world_events(&w, org, QUOTA_EVENT_WARNING), 0);
    assert_int_equal(take(q, 20), ERR_OK);
    assert_int_equal(service_world_events(&w, org, QUOTA_EVENT_WARNING), 1);
    assert_int_equal(take(q, 90), ERR_OK);
    assert_int_equal(service_world_events(&w, org, QUOTA_EVENT_WARNING), 1);
    clock_fake_advance(&w.clock, NS_PER_DAY);
    assert_int_equal(take(q, 1000), ERR_OK);
    assert_int_equal(service_world_events(&w, org, QUOTA_EVENT_WARNING), 2);
}

static void hours_are_kept_with_their_busiest_minute(void **state)
{
    (void)state;
    struct usage_hour *hours;
    size_t n = 0;
    struct sql_tx *tx;
    assert_int_equal(take(q, 30), ERR_OK);
    assert_int_equal(quota_maintain(q), ERR_OK);
    clock_fake_advance(&w.clock, NS_PER_MINUTE);
    assert_int_equal(take(q, 10), ERR_OK);
    assert_int_equal(quota_maintain(q), ERR_OK);
    clock_fake_advance(&w.clock, NS_PER_MINUTE);
    assert_int_equal(take(q, 5), ERR_OK);
    assert_int_equal(quota_maintain(q), ERR_OK);
    assert_int_equal(sql_begin(w.db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(sql_end(tx, catalog_usage_hours(tx, org, 0, INT64_MAX, &w.arena, &hours, &n)),
                     ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(hours[0].what, LIMIT_POINTS);
    assert_int_equal(hours[0].used, 45);
    assert_int_equal(hours[0].busiest_minute, 30);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_64_clients_at_once_every_point_is_given_and_none_more),
        TEST(the_sum_of_all_outlives_a_restart_and_is_of_all_nodes),
        TEST(two_nodes_stay_within_the_limit_and_a_percent_of_it),
        TEST(a_lease_is_half_a_percent_or_a_quarter_of_the_rest),
        TEST(what_does_not_fit_takes_nothing),
        TEST(a_loop_is_told_to_ask_elsewhere),
        TEST(what_came_to_nothing_is_given_back),
        TEST(a_stop_gives_the_lease_back_and_a_kill_loses_less_than_a_block),
        TEST(a_new_day_begins_at_midnight_utc),
        TEST(without_a_limit_usage_is_counted_and_written_down),
        TEST(a_limit_that_changes_counts_from_the_next_point_on),
        TEST(ninety_percent_warn_once_a_day),
        TEST(hours_are_kept_with_their_busiest_minute),
    };
    return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
