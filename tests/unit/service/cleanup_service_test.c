/* What is old goes, in bounded rounds, and each organisation is told what it lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/cleanup_service.h"
#include "service/event_service.h"
#include "service/event_types.h"
#include "service_world.h"

#include <stdio.h>

#define KEPT_NS (30 * NS_PER_DAY)

static struct service_world w;
static const struct actor self = {.name = {"system", 6}};

static int open_world(void **state)
{
    (void)state;
    service_world_open(&w);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    service_world_close(&w);
    return 0;
}

static void insert(const char *sql, int64_t org, int64_t n, int64_t at_ns)
{
    struct sql_tx *tx;
    assert_int_equal(sql_begin(w.db, SQL_WRITE, &tx), ERR_OK);
    for (int64_t i = 0; i < n; i++) {
        char key[32];
        int k = snprintf(key, sizeof key, "%lld.%lld", (long long)at_ns, (long long)i);
        assert_int_equal(
            sql_exec(tx, sql, SQL_ARGS(SQL_I(org), SQL_B(bytes_of(key, (size_t)k)), SQL_I(at_ns)),
                     NULL),
            ERR_OK);
    }
    assert_int_equal(sql_commit(tx), ERR_OK);
}

static const char a_reset[] =
    "INSERT INTO password_resets (org, user_id, hash, expires_ns) VALUES ($1, 0, $2, $3)";
static const char a_delivery[] =
    "INSERT INTO notifications (org, uuid, channel, target, what, destination, state, created_ns, "
    "next_ns, ended_ns) VALUES ($1, $2, 0, 't', 'w', 'd', 1, 0, 0, $3)";
static const char an_owed_one[] =
    "INSERT INTO notifications (org, uuid, channel, target, what, destination, state, created_ns, "
    "next_ns, ended_ns) VALUES ($1, $2, 0, 't', 'w', 'd', 0, $3, 0, 0)";

static struct cleanup_removed run(bool *ret_more)
{
    int64_t now_ns = clock_wall_ns(&w.clock.clock);
    const struct cleanup_ages ages = cleanup_service_ages(now_ns, KEPT_NS);
    struct cleanup_removed removed = {{0}};
    assert_int_equal(cleanup_service_run(w.db, now_ns, &ages, &self, &removed, ret_more), ERR_OK);
    return removed;
}

static void each_organisation_is_told_what_it_lost(void **state)
{
    (void)state;
    bool more = true;
    struct auth_tokens ann = service_world_register(&w, "ann"),
                       bob = service_world_register(&w, "bob");
    (void)ann;
    (void)bob;
    int64_t now_ns = clock_wall_ns(&w.clock.clock), one = 1, two = 2;
    insert(a_reset, one, 3, now_ns - 1);
    insert(a_reset, one, 1, now_ns + NS_PER_HOUR);
    insert(a_delivery, one, 2, now_ns - KEPT_NS - 1);
    insert(a_delivery, one, 1, now_ns - KEPT_NS + 1);
    insert(an_owed_one, one, 1, now_ns - 400 * NS_PER_DAY);
    insert(a_delivery, two, 1, now_ns - KEPT_NS - 2);
    struct cleanup_removed removed = run(&more);
    assert_false(more);
    assert_int_equal(removed.rows[CLEANUP_PASSWORD_RESETS], 3);
    assert_int_equal(removed.rows[CLEANUP_NOTIFICATIONS], 3);
    assert_int_equal(removed.rows[CLEANUP_SESSIONS], 0);
    const struct event_filter filter = {.type = BYTES(EVENT_LEFTOVERS_REMOVED), .severity = -1};
    const struct catalog_page page = {.size = 10};
    struct event *events = NULL;
    struct catalog_listing listing;
    struct why why;
    assert_int_equal(
        event_service_list(w.db, one, &filter, &page, &w.arena, &events, &listing, &why), ERR_OK);
    assert_int_equal(listing.count, 1);
    assert_true(bytes_is(events[0].description, "3 passwordResets, 2 notifications"));
    assert_true(bytes_is(events[0].metadata, "{\"passwordResets\":3,\"notifications\":2}"));
    assert_true(bytes_is(events[0].actor, "system"));
    assert_int_equal(
        event_service_list(w.db, two, &filter, &page, &w.arena, &events, &listing, &why), ERR_OK);
    assert_int_equal(listing.count, 1);
    assert_true(bytes_is(events[0].description, "1 notifications"));
    removed = run(&more); /* nothing is left, and nothing is said */
    assert_int_equal(removed.rows[CLEANUP_NOTIFICATIONS], 0);
    assert_int_equal(service_world_events(&w, one, EVENT_LEFTOVERS_REMOVED), 1);
}

static void a_round_is_bounded(void **state)
{
    (void)state;
    bool more = false;
    int64_t now_ns = clock_wall_ns(&w.clock.clock);
    insert(a_reset, 1, CLEANUP_AT_ONCE, now_ns - 1);
    insert(a_reset, 1, 1, now_ns - 2);
    struct cleanup_removed removed = run(&more);
    assert_true(more);
    assert_int_equal(removed.rows[CLEANUP_PASSWORD_RESETS], CLEANUP_AT_ONCE);
    removed = run(&more);
    assert_false(more);
    assert_int_equal(removed.rows[CLEANUP_PASSWORD_RESETS], 1);
}

static void a_login_that_expired_goes(void **state)
{
    (void)state;
    bool more;
    service_world_register(&w, "ann");
    assert_int_equal(run(&more).rows[CLEANUP_SESSIONS], 0);
    clock_fake_advance(&w.clock, 400 * NS_PER_DAY);
    assert_int_equal(run(&more).rows[CLEANUP_SESSIONS], 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(each_organisation_is_told_what_it_lost),
        TEST(a_round_is_bounded),
        TEST(a_login_that_expired_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
