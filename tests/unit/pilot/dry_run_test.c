/* Limits per minute in the dry run of a plan: what buckets took, kept by the hour, on a real
 * catalog. */
#include "pilot/dry_run.h"

#include "pilot/rate_hours.h"
#include "service_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct service_world w;
static struct rates *rates;

static int open_world(void **state)
{
    (void)state;
    service_world_open(&w);
    const struct rates_opts opts = {.clock = &w.clock.clock};
    const struct rates_limits limits = {true, {1000, 6000, 1000}, {100, 0, 0}};
    assert_int_equal(rates_new(&rates, &opts), ERR_OK);
    rates_configure(rates, &limits);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    rates_free(rates);
    service_world_close(&w);
    return 0;
}

static void take(enum rate_kind kind, int64_t org, int64_t id, int n)
{
    struct rate_state s;
    for (int i = 0; i < n; i++)
        assert_int_equal(rates_take(rates, kind, org, id, true, &s), ERR_OK);
}

/* To the beginning of the next span, so that no test crosses one by chance. */
static void turn(int64_t span_ns)
{
    clock_fake_advance(&w.clock, span_ns - clock_wall_ns(&w.clock.clock) % span_ns);
}

static void turn_minute(void)
{
    clock_fake_advance(&w.clock, NS_PER_MINUTE - clock_mono_ns(&w.clock.clock) % NS_PER_MINUTE);
}

static void keep(void)
{
    assert_int_equal(rate_hours_write(rates, w.db, &w.clock.clock), ERR_OK);
}

static struct dry_run_line ask(enum rate_kind kind, int64_t org, int64_t size)
{
    struct dry_run_line lines[DRY_RUN_LINES];
    struct dry_run_plan plan = {.rate = {0}};
    size_t n = 0;
    struct sql_tx *tx;
    plan.rate[kind] = size;
    assert_int_equal(sql_begin(w.db, SQL_READ, &tx), ERR_OK);
    enum err e = dry_run(tx, org, &plan, clock_wall_ns(&w.clock.clock), 7, &w.arena, lines, &n);
    assert_int_equal(sql_end(tx, e), ERR_OK);
    assert_int_equal(n, 1);
    assert_string_equal(lines[0].limit, rates_key(kind));
    assert_int_equal(lines[0].what, LIMITS);
    return lines[0];
}

static void the_busiest_minute_of_one_user_is_set_against_a_bucket(void **state)
{
    (void)state;
    turn(NS_PER_DAY);
    turn_minute();
    take(RATE_REQUESTS, 1, 7, 30);
    take(RATE_REQUESTS, 1, 8, 50); /* beside, not together */
    turn_minute();
    take(RATE_REQUESTS, 1, 7, 40);
    keep();
    struct dry_run_line l = ask(RATE_REQUESTS, 1, 50);
    assert_int_equal(l.used, 120);
    assert_int_equal(l.busiest_minute, 50);
    assert_int_equal(l.refused, 0);
    l = ask(RATE_REQUESTS, 1, 45);
    assert_int_equal(l.refused, 5);
    assert_int_equal(l.day_count, 1);
    assert_int_equal(l.days[0].used, 120);
    assert_int_equal(l.days[0].refused, 5);
    assert_int_equal(l.days[0].reached_hour, clock_wall_ns(&w.clock.clock) / NS_PER_HOUR);
}

static void hours_and_days_are_summed(void **state)
{
    (void)state;
    turn(NS_PER_DAY);
    for (int day = 0; day < 2; day++) {
        for (int hour = 0; hour < 2; hour++) {
            take(RATE_READS, 1, 7, 20 + day);
            keep();
            turn(NS_PER_HOUR);
        }
        turn(NS_PER_DAY);
    }
    struct dry_run_line l = ask(RATE_READS, 1, 15);
    assert_int_equal(l.used, 82);
    assert_int_equal(l.busiest_minute, 21);
    assert_int_equal(l.refused, 5 + 5 + 6 + 6);
    assert_int_equal(l.day_count, 2);
    assert_int_equal(l.days[1].refused, 12);
}

/* A minute that goes on while it is written counts once in the sum, and whole as the busiest. */
static void a_minute_is_not_cut_by_the_writing(void **state)
{
    (void)state;
    turn(NS_PER_HOUR);
    turn_minute();
    take(RATE_TELEMETRY, 3, 9, 10);
    keep();
    take(RATE_TELEMETRY, 3, 9, 10);
    turn_minute();
    take(RATE_TELEMETRY, 3, 9, 1);
    keep();
    struct dry_run_line l = ask(RATE_TELEMETRY, 3, 100);
    assert_int_equal(l.used, 21);
    assert_int_equal(l.busiest_minute, 20);
}

static void organizations_and_kinds_do_not_mix(void **state)
{
    (void)state;
    take(RATE_REQUESTS, 1, 7, 30);
    take(RATE_READS, 1, 7, 20);
    take(RATE_REQUESTS, 2, 8, 10);
    keep();
    keep(); /* nothing more */
    assert_int_equal(ask(RATE_REQUESTS, 1, 5).used, 30);
    assert_int_equal(ask(RATE_READS, 1, 5).used, 20);
    assert_int_equal(ask(RATE_REQUESTS, 2, 5).used, 10);
    assert_int_equal(ask(RATE_READS, 2, 5).used, 0);
    assert_int_equal(ask(RATE_READS, 2, 5).day_count, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_busiest_minute_of_one_user_is_set_against_a_bucket),
        TEST(hours_and_days_are_summed),
        TEST(a_minute_is_not_cut_by_the_writing),
        TEST(organizations_and_kinds_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
