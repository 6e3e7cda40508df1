/* What follows from an attempt, and how long it is waited. */
#include "notify_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void waits_double_up_to_an_hour_and_half_of_them_is_chance(void **state)
{
    struct rnd rnd;
    (void)state;
    rnd_seed(&rnd, 7);
    for (int64_t attempt = 1; attempt <= 20; attempt++) {
        int64_t full = 10 * NS_PER_S, low = INT64_MAX, high = 0;
        for (int64_t i = 1; i < attempt; i++) full *= 2;
        if (full > NS_PER_HOUR) full = NS_PER_HOUR;
        for (int i = 0; i < 500; i++) {
            int64_t wait = notify_send_wait_ns(attempt, 10 * NS_PER_S, &rnd);
            if (wait < low) low = wait;
            if (wait > high) high = wait;
        }
        assert_true(low >= full / 2 && high <= full);
        assert_true(low < full / 2 + full / 20 && high > full - full / 20);
    }
    assert_true(notify_send_wait_ns(INT64_MAX, 1, &rnd) <= NS_PER_HOUR);
}

static void settle(struct notification *n, enum notify_verdict verdict, int64_t retry_after_ns,
                   int64_t now_ns)
{
    struct notify_outbox o = {.rnd = rnd_system(),
                              .site = {.attempts = 3, .retry_ns = 10 * NS_PER_S}};
    const struct notify_answer answer = {
        .verdict = verdict, .status = 500, .retry_after_ns = retry_after_ns, .why = "no"};
    notify_send_settle(&o, n, &answer, now_ns);
}

static void the_last_attempt_ends_it_and_none_before(void **state)
{
    struct notification n = {.created_ns = 1000};
    (void)state;
    settle(&n, NOTIFY_TRY_AGAIN, 0, 2000);
    assert_int_equal(n.state, NOTIFICATION_PENDING);
    assert_true(n.next_ns >= 2000 + 5 * NS_PER_S && n.next_ns <= 2000 + 10 * NS_PER_S);
    settle(&n, NOTIFY_TRY_AGAIN, 0, 3000);
    assert_int_equal(n.state, NOTIFICATION_PENDING);
    assert_int_equal(n.ended_ns, 0);
    settle(&n, NOTIFY_TRY_AGAIN, 0, 4000);
    assert_int_equal(n.state, NOTIFICATION_FAILED);
    assert_int_equal(n.attempts, 3);
    assert_int_equal(n.status, 500);
    assert_int_equal(n.ended_ns, 4000);
}

static void verdicts_end_as_they_say(void **state)
{
    struct notification sent = {.created_ns = 1000}, gone = {.created_ns = 1000};
    (void)state;
    settle(&sent, NOTIFY_DELIVERED, 0, 2000);
    assert_int_equal(sent.state, NOTIFICATION_SENT);
    assert_null(sent.error.p);
    settle(&gone, NOTIFY_GIVE_UP, 0, 2000);
    assert_int_equal(gone.state, NOTIFICATION_FAILED);
    assert_int_equal(gone.attempts, 1);
}

static void a_receiver_may_ask_for_more_time_up_to_an_hour(void **state)
{
    struct notification n = {.created_ns = 0}, m = {.created_ns = 0};
    (void)state;
    settle(&n, NOTIFY_TRY_AGAIN, 120 * NS_PER_S, 0);
    assert_int_equal(n.next_ns, 120 * NS_PER_S);
    settle(&m, NOTIFY_TRY_AGAIN, 100 * NS_PER_HOUR, 0);
    assert_int_equal(m.next_ns, NS_PER_HOUR);
}

static void what_is_older_than_a_day_is_not_tried_again(void **state)
{
    struct notification n = {.created_ns = 0}, m = {.created_ns = 0};
    (void)state;
    settle(&n, NOTIFY_TRY_AGAIN, 0, NOTIFY_AGE_MAX_NS - 1);
    assert_int_equal(n.state, NOTIFICATION_PENDING);
    settle(&m, NOTIFY_TRY_AGAIN, 0, NOTIFY_AGE_MAX_NS);
    assert_int_equal(m.state, NOTIFICATION_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_up_to_an_hour_and_half_of_them_is_chance),
        cmocka_unit_test(the_last_attempt_ends_it_and_none_before),
        cmocka_unit_test(verdicts_end_as_they_say),
        cmocka_unit_test(a_receiver_may_ask_for_more_time_up_to_an_hour),
        cmocka_unit_test(what_is_older_than_a_day_is_not_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
