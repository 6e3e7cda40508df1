/* What an organisation may have: its own limit, the configured one, none. */
#include "store/limits.h"

#include "service_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include "store/catalog_organizations.h"
#include "store/features.h"
#include <cmocka.h>

static struct service_world w;
static int64_t org;

static int open_world(void **state)
{
    (void)state;
    service_world_open(&w);
    org = service_world_register(&w, "ada").org;
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    service_world_close(&w);
    return 0;
}

static int64_t max_of(enum limit what)
{
    struct sql_tx *tx;
    int64_t max = -1;
    assert_int_equal(sql_begin(w.db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(sql_end(tx, limits_find(&w.pilot, tx, org, what, &max)), ERR_OK);
    return max;
}

static void set_own(enum limit what, int64_t max)
{
    struct sql_tx *tx;
    assert_int_equal(sql_begin(w.db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(sql_end(tx, limits_set_own(tx, org, what, max, 1)), ERR_OK);
}

static void an_own_limit_wins_and_its_end_follows_the_configuration(void **state)
{
    (void)state;
    assert_int_equal(max_of(LIMIT_DEVICES), 0);
    w.pilot.max[LIMIT_DEVICES] = 100;
    assert_int_equal(max_of(LIMIT_DEVICES), 100);
    set_own(LIMIT_DEVICES, 7);
    assert_int_equal(max_of(LIMIT_DEVICES), 7);
    assert_int_equal(max_of(LIMIT_RULES), 0);
    w.pilot.max[LIMIT_DEVICES] = 200;
    set_own(LIMIT_DEVICES, 0);
    assert_int_equal(max_of(LIMIT_DEVICES), 200);
    set_own(LIMIT_DEVICES, 7);
    w.pilot.lifted = true;
    assert_int_equal(max_of(LIMIT_DEVICES), 0);
}

static void room_ends_at_the_limit(void **state)
{
    (void)state;
    struct limits_room room;
    struct sql_tx *tx;
    w.pilot.max[LIMIT_USERS] = 1;
    assert_int_equal(sql_begin(w.db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(limits_check(&w.pilot, tx, org, LIMIT_USERS, &room), ERR_LIMIT);
    assert_int_equal(room.max, 1);
    assert_int_equal(room.used, 1);
    w.pilot.max[LIMIT_USERS] = 2;
    assert_int_equal(limits_check(&w.pilot, tx, org, LIMIT_USERS, &room), ERR_OK);
    assert_int_equal(limits_check(NULL, tx, org, LIMIT_USERS, &room), ERR_OK);
    sql_rollback(tx);
}

static void every_limit_is_found_by_its_key(void **state)
{
    (void)state;
    for (int i = 0; i < LIMITS; i++)
        assert_int_equal(limit_find_key(bytes_str(limit_key((enum limit)i))), i);
    assert_int_equal(limit_find_key(BYTES("pilot.max-wishes")), LIMITS);
}

static bool is_on(const struct features *f, const char *name)
{
    struct sql_tx *tx;
    bool on = false;
    assert_int_equal(sql_begin(w.db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(sql_end(tx, features_is_on(f, tx, org, bytes_str(name), &on)), ERR_OK);
    return on;
}

static void choose(const char *name, bool on)
{
    struct sql_tx *tx;
    assert_int_equal(sql_begin(w.db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(sql_end(tx, features_set_own(tx, org, bytes_str(name), on, 1)), ERR_OK);
}

static void a_feature_is_on_by_choice_by_list_or_because_it_is_built(void **state)
{
    (void)state;
    static const char *const enabled[] = {"rules", "wishes", NULL}, *const off[] = {"rules", NULL};
    struct features f = {.limits = &w.pilot};
    assert_true(is_on(&f, "rules"));
    assert_false(is_on(&f, "wishes"));
    f.enabled = enabled;
    assert_true(is_on(&f, "wishes"));
    assert_false(is_on(&f, "dashboards"));
    f.disabled = off;
    assert_false(is_on(&f, "rules"));
    choose("rules", true);
    choose("wishes", false);
    assert_true(is_on(&f, "rules"));
    assert_false(is_on(&f, "wishes"));
    w.pilot.lifted = true;
    assert_true(is_on(&f, "wishes"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_own_limit_wins_and_its_end_follows_the_configuration),
        TEST(room_ends_at_the_limit),
        TEST(every_limit_is_found_by_its_key),
        TEST(a_feature_is_on_by_choice_by_list_or_because_it_is_built),
    };
    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
