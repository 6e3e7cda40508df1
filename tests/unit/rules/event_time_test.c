/* Which readings are judged, whatever the clocks say. */
#include "rules/event_time.h"

#include "base/rnd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define NOW  (INT64_C(1800000000) * NS_PER_S)
#define S(n) ((int64_t)(n)*NS_PER_S)

static bool live(struct event_time *t, int64_t ts_ns, int64_t received_ns)
{
    int64_t at;
    return event_time_take(t, ts_ns, received_ns, false, &at);
}

static bool again(struct event_time *t, int64_t ts_ns, int64_t received_ns)
{
    int64_t at;
    return event_time_take(t, ts_ns, received_ns, true, &at);
}

static const struct event_time fresh = {EVENT_TIME_NEVER, EVENT_TIME_NEVER, EVENT_TIME_NEVER};

static void newer_readings_are_judged_once_and_late_ones_never(void **state)
{
    (void)state;
    struct event_time t = fresh;
    int64_t at = 0;
    assert_true(event_time_take(&t, NOW - S(9), NOW, false, &at));
    assert_int_equal(at, NOW - S(9));
    assert_false(live(&t, NOW - S(9), NOW));
    assert_false(live(&t, NOW - S(10), NOW));
    assert_true(live(&t, NOW - S(8), NOW));
    assert_true(live(&t, NOW + S(60), NOW)); /* a minute ahead is a clock like any other */
    assert_int_equal(t.position_ns, NOW + S(60));
    assert_false(again(&t, NOW, NOW + S(1)));
}

static void a_reading_from_far_ahead_is_judged_and_blocks_nothing(void **state)
{
    (void)state;
    struct event_time t = fresh;
    int64_t at = 0;
    assert_true(live(&t, NOW - S(100), NOW));
    assert_true(event_time_take(&t, NOW + S(72000), NOW, false, &at));
    assert_int_equal(at, NOW); /* it counts as of now */
    assert_false(live(&t, NOW + S(72000), NOW));
    assert_false(live(&t, NOW + S(71000), NOW));
    assert_true(live(&t, NOW + S(1), NOW + S(1)));
    assert_false(again(&t, NOW + S(72000), NOW + S(2)));
    assert_true(again(&t, NOW + S(2), NOW + S(2)));
    /* its time comes: what a replay then finds at that time is judged already */
    assert_false(again(&t, NOW + S(72000), NOW + S(80000)));
    assert_true(again(&t, NOW + S(72001), NOW + S(80000)));
    assert_int_equal(t.ahead_to_ns, EVENT_TIME_NEVER); /* passed and forgotten */
}

static void a_replay_looks_before_and_behind_what_came_from_ahead(void **state)
{
    (void)state;
    struct event_time t = fresh;
    assert_true(live(&t, NOW - S(9), NOW));
    struct event_time_gaps g = event_time_unjudged(&t);
    assert_true(g.before_from_ns >= g.before_to_ns);
    assert_int_equal(g.from_ns, NOW - S(9) + 1);
    assert_true(live(&t, NOW + S(7200), NOW));
    assert_true(live(&t, NOW + S(7300), NOW));
    g = event_time_unjudged(&t);
    assert_int_equal(g.before_from_ns, NOW - S(9) + 1);
    assert_int_equal(g.before_to_ns, NOW + S(7200));
    assert_int_equal(g.from_ns, NOW + S(7300) + 1);
    assert_true(live(&t, NOW + S(7250), NOW + S(7250))); /* its time has come */
    g = event_time_unjudged(&t);
    assert_true(g.before_from_ns >= g.before_to_ns);
    assert_int_equal(g.from_ns, NOW + S(7300) + 1);
}

static void a_clock_that_is_always_ahead_is_replayed_from_where_it_stood(void **state)
{
    (void)state;
    struct event_time t = fresh;
    for (int i = 0; i < 100; i++) assert_true(live(&t, NOW + S(36000 + i), NOW + S(i)));
    struct event_time saved = t;
    for (int i = 0; i < 100; i++) assert_false(again(&t, NOW + S(36000 + i), NOW + S(200)));
    assert_true(again(&t, NOW + S(36100), NOW + S(200)));
    /* after a downtime longer than the clock is ahead all of it is past, and still judged once */
    for (int i = 0; i < 100; i++) assert_false(again(&saved, NOW + S(36000 + i), NOW + S(90000)));
    assert_true(again(&saved, NOW + S(36100), NOW + S(90000)));
}

static void a_server_clock_that_was_ahead_and_is_set_back_judges_on(void **state)
{
    (void)state;
    struct event_time t = fresh;
    for (int i = 0; i < 10; i++) assert_true(live(&t, NOW + S(3600 + i), NOW + S(3600 + i)));
    assert_true(live(&t, NOW + S(10), NOW + S(10))); /* an hour back */
    assert_true(live(&t, NOW + S(11), NOW + S(11)));
    assert_false(live(&t, NOW + S(11), NOW + S(12)));
    assert_false(again(&t, NOW + S(3605), NOW + S(13))); /* judged when the clock was wrong */
    /* the server goes on naming times behind its newest: those are new, too */
    assert_true(live(&t, NOW + S(3609) + 1, NOW + S(14)));
    assert_true(live(&t, NOW + S(3700), NOW + S(3700)));
}

static void nothing_that_there_is_counts_for_a_new_follower(void **state)
{
    (void)state;
    struct event_time t = event_time_after(NOW - S(50), NOW);
    assert_false(again(&t, NOW - S(50), NOW));
    assert_true(live(&t, NOW - S(49), NOW));
    t = event_time_after(EVENT_TIME_NEVER, NOW);
    assert_true(live(&t, NOW - S(900000), NOW));
    t = event_time_after(NOW + S(72000), NOW); /* the newest is from ahead */
    assert_false(again(&t, NOW + S(72000), NOW + S(1)));
    assert_false(live(&t, NOW, NOW + S(1)));
    assert_true(live(&t, NOW + S(1), NOW + S(1)));
    assert_false(again(&t, NOW + S(72000), NOW + S(100000)));
}

/* The store is read again: which of what was sent is judged now? */
static void read_again(struct event_time *t, const int64_t *ts, int *judged, int sent, int64_t now)
{
    for (int i = 0; i < sent; i++)
        if (ts[i] > t->position_ns) judged[i] += again(t, ts[i], now);
}

/* Readings in order of their times, a clock that is always right: every one once, however often the
 * store is read again from the last saved place. */
static void with_right_clocks_every_reading_is_judged_exactly_once(void **state)
{
    (void)state;
    struct rnd rnd;
    const char *given = getenv("SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)seed);
    rnd_seed(&rnd, seed);
    enum { READINGS = 500 };
    int64_t ts[READINGS];
    int judged[READINGS];
    for (int round = 0; round < 300; round++) {
        struct event_time t = fresh;
        int64_t now = NOW;
        int sent = 0;
        memset(judged, 0, sizeof judged);
        while (sent < READINGS) {
            now += (int64_t)rnd_below(&rnd, 3 * (uint64_t)NS_PER_S) + 1;
            ts[sent++] = now;
            if (rnd_below(&rnd, 10))
                judged[sent - 1] += live(&t, now, now);
            else
                read_again(&t, ts, judged, sent, now);
        }
        for (int i = 0; i < READINGS; i++)
            if (judged[i] != 1)
                fail_msg("round %d: reading %d judged %d times", round, i, judged[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newer_readings_are_judged_once_and_late_ones_never),
        cmocka_unit_test(a_reading_from_far_ahead_is_judged_and_blocks_nothing),
        cmocka_unit_test(a_replay_looks_before_and_behind_what_came_from_ahead),
        cmocka_unit_test(a_clock_that_is_always_ahead_is_replayed_from_where_it_stood),
        cmocka_unit_test(a_server_clock_that_was_ahead_and_is_set_back_judges_on),
        cmocka_unit_test(nothing_that_there_is_counts_for_a_new_follower),
        cmocka_unit_test(with_right_clocks_every_reading_is_judged_exactly_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
