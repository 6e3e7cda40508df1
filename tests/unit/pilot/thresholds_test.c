/* Thresholds and their alerts on a real catalog, with a clock that is moved by hand. */
#include "pilot/thresholds.h"

#include "model/principal.h"
#include "service_world.h"
#include "store/catalog_alerts.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct service_world w;
static struct alerts alerts;
static struct thresholds t;
static int64_t org;
static int committed[3];
static enum err fail; /* what the hook answers */

static enum err on_alert(void *ctx, struct sql_tx *tx, const struct alert *alert,
                         enum alert_change change)
{
    (void)ctx, (void)tx, (void)alert, (void)change;
    return fail;
}

static void on_committed(void *ctx, const struct alert *alert, enum alert_change change)
{
    (void)ctx, (void)alert;
    committed[change]++;
}

static void change_roles(unsigned roles)
{
    struct sql_tx *tx;
    assert_int_equal(sql_begin(w.db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(sql_exec(tx, "UPDATE users SET roles = $1 WHERE org = $2",
                              SQL_ARGS(SQL_I(roles), SQL_I(org)), NULL),
                     ERR_OK);
    assert_int_equal(sql_end(tx, ERR_OK), ERR_OK);
}

static void start(void)
{
    static const struct threshold_limits limits[THRESHOLD_IDS] = {
        [THRESHOLD_SLOW_QUERY] = {.limit = 1000,
                                  .hold_ns = NS_PER_MINUTE,
                                  .clear_ns = NS_PER_MINUTE},
        [THRESHOLD_CACHE_HITS] = {.below = true,
                                  .limit = 0.8,
                                  .hold_ns = NS_PER_MINUTE,
                                  .clear_ns = NS_PER_MINUTE},
        [THRESHOLD_MEMORY] = {.limit = 0.85},
        [THRESHOLD_RESPONSE] = {.limit = 500, .hold_ns = NS_PER_MINUTE, .clear_ns = NS_PER_MINUTE},
    };
    thresholds_init(&t, w.db, &alerts, &w.clock.clock, rnd_system());
    thresholds_set_limits(&t, limits);
    assert_int_equal(thresholds_load(&t), ERR_OK);
}

static int set_up(void **state)
{
    (void)state;
    service_world_open(&w);
    struct principal who;
    struct auth_tokens tokens = service_world_register(&w, "root");
    assert_int_equal(service_world_ask(&w, tokens.access, &who), ERR_OK);
    org = who.org;
    change_roles(ROLE_ADMIN | ROLE_ORG_ADMIN);
    alerts_init(&alerts, &w.clock.clock);
    const struct alerts_hook hook = {NULL, on_alert, on_committed};
    alerts_add_hook(&alerts, &hook);
    memset(committed, 0, sizeof committed);
    fail = ERR_OK;
    start();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    thresholds_done(&t);
    service_world_close(&w);
    return 0;
}

static enum err judge(double query_ms, double hits, double memory, double response_ms, int64_t ns)
{
    const double values[THRESHOLD_IDS] = {query_ms, hits, memory, response_ms};
    clock_fake_advance(&w.clock, ns);
    return thresholds_judge(&t, values, true);
}

static size_t list(bool open, struct alert **ret)
{
    const struct alert_filter filter = {.source = ALERT_OF_THRESHOLD, .open = open, .severity = -1};
    const struct catalog_page page = {.size = 100};
    struct catalog_listing listing;
    struct why why;
    struct sql_tx *tx;
    assert_int_equal(sql_begin(w.db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(catalog_alerts_list(tx, org, &filter, &page, &w.arena, ret, &listing, &why),
                     ERR_OK);
    assert_int_equal(sql_end(tx, ERR_OK), ERR_OK);
    return listing.count;
}

static void each_is_told_once_and_ends_by_itself(void **state)
{
    (void)state;
    struct alert *a;
    for (int i = 0; i < 20; i++)
        assert_int_equal(judge(1500, 0.5, 0.2, 900, 10 * NS_PER_S), ERR_OK);
    assert_int_equal(list(true, &a), 3);
    assert_int_equal(committed[ALERT_RAISED], 3);
    assert_int_equal(service_world_events(&w, org, EVENT_ALERT_CREATED), 3);
    assert_true(bytes_is(a[0].message, "Response time: 95 of 100 requests were answered within "
                                       "900 ms, more than 500 ms"));
    assert_true(bytes_is(a[1].message, "Cache hit ratio: the share of look-ups that found "
                                       "something is 50 %, less than 80 %"));
    struct threshold_view v[THRESHOLD_IDS];
    thresholds_read(&t, v);
    assert_true(v[THRESHOLD_SLOW_QUERY].raised && !v[THRESHOLD_MEMORY].raised);
    assert_true(uuid_equal(&v[THRESHOLD_RESPONSE].alert, &a[0].uuid));
    for (int i = 0; i < 20; i++) assert_int_equal(judge(NAN, NAN, 0.2, NAN, 10 * NS_PER_S), ERR_OK);
    assert_int_equal(list(true, &a), 0);
    assert_int_equal(list(false, &a), 3);
    assert_int_equal(committed[ALERT_RESOLVED], 3);
    assert_int_equal(service_world_events(&w, org, EVENT_ALERT_RESOLVED), 3);
}

static void what_is_open_survives_a_restart_and_is_not_raised_again(void **state)
{
    (void)state;
    struct alert *a;
    assert_int_equal(judge(0, NAN, 0.9, NAN, NS_PER_S), ERR_OK);
    assert_int_equal(list(true, &a), 1);
    thresholds_done(&t);
    start();
    for (int i = 0; i < 5; i++) assert_int_equal(judge(0, NAN, 0.95, NAN, NS_PER_S), ERR_OK);
    assert_int_equal(list(false, &a), 1);
    assert_int_equal(judge(0, NAN, 0.1, NAN, NS_PER_S), ERR_OK);
    assert_int_equal(list(true, &a), 0);
    assert_int_equal(judge(0, NAN, 0.9, NAN, NS_PER_S), ERR_OK); /* another time, another alert */
    assert_int_equal(list(false, &a), 2);
}

static void a_catalog_that_refuses_is_asked_again(void **state)
{
    (void)state;
    struct alert *a;
    fail = ERR_IO;
    assert_int_equal(judge(0, NAN, 0.9, NAN, NS_PER_S), ERR_IO);
    assert_int_equal(list(false, &a), 0);
    assert_int_equal(committed[ALERT_RAISED], 0);
    fail = ERR_OK;
    assert_int_equal(judge(0, NAN, 0.9, NAN, NS_PER_S), ERR_OK);
    assert_int_equal(list(true, &a), 1);
    fail = ERR_IO;
    assert_int_equal(judge(0, NAN, 0.1, NAN, NS_PER_S), ERR_IO);
    assert_int_equal(list(true, &a), 1);
    fail = ERR_OK;
    assert_int_equal(judge(0, NAN, 0.1, NAN, NS_PER_S), ERR_OK);
    assert_int_equal(list(true, &a), 0);
}

static void without_an_administrator_nobody_can_be_told(void **state)
{
    (void)state;
    struct alert *a;
    change_roles(ROLE_ORG_ADMIN);
    assert_int_equal(judge(0, NAN, 0.9, NAN, NS_PER_S), ERR_NOTFOUND);
    assert_int_equal(list(false, &a), 0);
    change_roles(ROLE_ADMIN);
    assert_int_equal(judge(0, NAN, 0.9, NAN, NS_PER_S), ERR_OK);
    assert_int_equal(list(false, &a), 1);
}

static void an_alert_that_a_person_ended_is_not_raised_again_while_it_lasts(void **state)
{
    (void)state;
    struct alert *a;
    struct sql_tx *tx;
    bool changed;
    assert_int_equal(judge(0, NAN, 0.9, NAN, NS_PER_S), ERR_OK);
    assert_int_equal(list(true, &a), 1);
    assert_int_equal(sql_begin(w.db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(alerts_resolve(&alerts, tx, &a[0], 1, NULL, &changed), ERR_OK);
    assert_int_equal(sql_end(tx, ERR_OK), ERR_OK);
    assert_int_equal(judge(0, NAN, 0.9, NAN, NS_PER_S), ERR_OK);
    assert_int_equal(judge(0, NAN, 0.1, NAN, NS_PER_S), ERR_OK);
    assert_int_equal(list(false, &a), 1);
    assert_int_equal(a[0].resolved_ns, 1);
}

static struct threshold_view memory_view(void)
{
    struct threshold_view v[THRESHOLD_IDS];
    thresholds_read(&t, v);
    return v[THRESHOLD_MEMORY];
}

static void who_does_not_lead_judges_itself_and_tells_nobody(void **state)
{
    (void)state;
    struct alert *a;
    const double high[THRESHOLD_IDS] = {0, NAN, 0.9, NAN};
    assert_int_equal(thresholds_judge(&t, high, false), ERR_OK);
    assert_true(memory_view().beyond && !memory_view().raised);
    assert_int_equal(list(false, &a), 0);
    /* and goes on to lead: what holds is told then, once */
    assert_int_equal(thresholds_load(&t), ERR_OK);
    assert_true(memory_view().beyond);
    for (int i = 0; i < 3; i++) assert_int_equal(thresholds_judge(&t, high, true), ERR_OK);
    assert_int_equal(list(false, &a), 1);
    assert_int_equal(committed[ALERT_RAISED], 1);
}

static void what_another_process_raised_is_not_this_ones_health(void **state)
{
    (void)state;
    struct alert *a;
    assert_int_equal(judge(0, NAN, 0.9, NAN, NS_PER_S), ERR_OK);
    assert_true(memory_view().beyond && memory_view().raised);
    thresholds_done(&t);
    start();
    assert_true(memory_view().raised && !memory_view().beyond);
    assert_int_equal(judge(0, NAN, 0.2, NAN, NS_PER_S), ERR_OK);
    assert_int_equal(list(true, &a), 0);
    assert_int_equal(judge(0, NAN, 0.9, NAN, NS_PER_S), ERR_OK);
    assert_true(memory_view().beyond);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(each_is_told_once_and_ends_by_itself),
        TEST(what_is_open_survives_a_restart_and_is_not_raised_again),
        TEST(a_catalog_that_refuses_is_asked_again),
        TEST(without_an_administrator_nobody_can_be_told),
        TEST(an_alert_that_a_person_ended_is_not_raised_again_while_it_lasts),
        TEST(who_does_not_lead_judges_itself_and_tells_nobody),
        TEST(what_another_process_raised_is_not_this_ones_health),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
