/* The threads that send: nothing lost, nobody held up by another. */
#include "rules/notifier.h"

#include "notify_world.h"
#include "store/catalog_webhooks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static struct service_world world;
static struct notify_world notify;
static struct notifier *notifier;

static int setup(void **state)
{
    (void)state;
    service_world_open(&world);
    notify_world_open(&notify, &world);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    notifier_free(notifier);
    notifier = NULL;
    notify_world_close(&notify);
    service_world_close(&world);
    return 0;
}

static void start(unsigned threads)
{
    const struct notifier_opts opts = {.outbox = &notify.outbox,
                                       .db = world.db,
                                       .transport = notify.transport,
                                       .threads = threads};
    notify.cut = false;
    assert_int_equal(notifier_new(&notifier, &opts), ERR_OK);
    notify.outbox.wake = notifier_wake;
    notify.outbox.wake_ctx = notifier;
}

static void stop(void)
{
    notify.outbox.wake = NULL;
    notifier_free(notifier);
    notifier = NULL;
}

static void raise_alert(void)
{
    const struct alert a = notify_world_alert(&notify, ALERT_HIGH);
    assert_int_equal(notify_world_tell(&notify, &a, ALERT_RAISED, true), ERR_OK);
}

static void a_delivery_goes_out_once_and_is_marked(void **state)
{
    struct notification *rows;
    char uuid[UUID_TEXT + 1];
    (void)state;
    notify_world_webhook(&notify, "https://a.example/x", ALERT_LOW, NOTIFY_ALL_CHANGES);
    start(4);
    raise_alert();
    notify_world_settled(&notify);
    assert_int_equal(notify_world_rows(&notify, &rows), 1);
    uuid_format(&rows[0].uuid, uuid);
    assert_int_equal(rows[0].state, NOTIFICATION_SENT);
    assert_null(rows[0].payload.p);
    assert_int_equal(notify_world_count(&notify), 1);
    assert_string_equal(notify.sends[0].delivery, uuid);
    assert_string_equal(notify.sends[0].to, "https://a.example/x");
    assert_int_equal(notifier_read_stats(notifier).delivered, 1);
}

static void what_was_on_its_way_at_the_end_goes_again_with_the_same_id(void **state)
{
    struct notification *rows;
    (void)state;
    notify_world_webhook(&notify, "https://a.example/x", ALERT_LOW, NOTIFY_ALL_CHANGES);
    snprintf(notify.block_on, sizeof notify.block_on, "https://a.example/x");
    start(2);
    raise_alert();
    notify_world_wait(&notify, 1);
    stop(); /* cuts it: the outcome is not known */
    assert_int_equal(notify_world_rows(&notify, &rows), 1);
    assert_int_equal(rows[0].state, NOTIFICATION_PENDING);
    assert_int_equal(rows[0].attempts, 0);
    notify.block_on[0] = 0;
    start(2);
    notify_world_settled(&notify);
    assert_int_equal(notify_world_count(&notify), 2);
    assert_string_equal(notify.sends[0].delivery, notify.sends[1].delivery);
    assert_string_equal(notify.sends[0].body, notify.sends[1].body);
}

/* Sends until the clock, moved on each time, has made every wait pass. */
static void a_dead_end_is_tried_three_times_and_given_up(void **state)
{
    struct notification *rows;
    (void)state;
    notify_world_webhook(&notify, "https://a.example/x", ALERT_LOW, NOTIFY_ALL_CHANGES);
    notify.next = (struct notify_answer){.verdict = NOTIFY_TRY_AGAIN, .status = 503, .why = "busy"};
    raise_alert();
    for (int attempt = 1; attempt <= 3; attempt++) {
        start(2);
        notify_world_wait(&notify, attempt);
        for (size_t n = 0; n == 0 || rows[0].attempts < attempt;) {
            n = notify_world_rows(&notify, &rows);
            usleep(1000);
        }
        assert_int_equal(notify_world_count(&notify), attempt); /* not before its time */
        stop();
        clock_fake_advance(&world.clock, NS_PER_MINUTE);
    }
    assert_int_equal(rows[0].state, NOTIFICATION_FAILED);
    assert_int_equal(rows[0].status, 503);
    assert_true(bytes_is(rows[0].error, "busy"));
    start(2);
    raise_alert(); /* something to wait for */
    notify_world_wait(&notify, 4);
    assert_string_not_equal(notify.sends[3].delivery, notify.sends[0].delivery);
}

static void a_failure_puts_off_the_rest_for_that_receiver_only(void **state)
{
    struct notification *rows;
    (void)state;
    int64_t bad = notify_world_webhook(&notify, "https://bad.example/", ALERT_LOW, 1);
    notify.next = (struct notify_answer){.verdict = NOTIFY_TRY_AGAIN, .why = "no"};
    for (int i = 0; i < 5; i++) raise_alert();
    start(1);
    notify_world_wait(&notify, 1);
    for (size_t n = 0, late = 0; late < 5;) {
        n = notify_world_rows(&notify, &rows);
        late = 0;
        for (size_t i = 0; i < n; i++) late += rows[i].next_ns > clock_wall_ns(notify.outbox.clock);
    }
    assert_int_equal(notify_world_count(&notify), 1);
    notify_world_webhook(&notify, "https://good.example/", ALERT_LOW, 1);
    raise_alert(); /* to both: to the bad one behind what waits there already */
    notify_world_wait(&notify, 2);
    assert_string_equal(notify.sends[1].to, "https://good.example/");
    size_t n = notify_world_rows(&notify, &rows);
    for (size_t i = 0; i < n; i++) {
        if (rows[i].webhook != bad) continue;
        assert_true(rows[i].next_ns > clock_wall_ns(notify.outbox.clock));
        assert_int_equal(rows[i].next_ns, rows[n - 1].next_ns);
    }
}

static void a_receiver_that_hangs_holds_up_nobody_else(void **state)
{
    (void)state;
    notify_world_webhook(&notify, "https://slow.example/", ALERT_LOW, 1);
    notify_world_webhook(&notify, "https://fast.example/", ALERT_LOW, 1);
    snprintf(notify.block_on, sizeof notify.block_on, "https://slow.example/");
    start(4); /* an organisation gets two of them */
    for (int i = 0; i < 4; i++) raise_alert();
    notify_world_wait(&notify, 5); /* four to the fast one, one to the slow one */
    int slow = 0;
    pthread_mutex_lock(&notify.mutex);
    for (int i = 0; i < 5; i++) slow += strcmp(notify.sends[i].to, "https://slow.example/") == 0;
    notify.block_on[0] = 0;
    pthread_mutex_unlock(&notify.mutex);
    assert_int_equal(slow, 1);
    notify_world_settled(&notify);
    assert_int_equal(notify_world_count(&notify), 8);
}

static void what_was_switched_off_meanwhile_is_not_sent(void **state)
{
    struct notification *rows;
    struct sql_tx *tx;
    (void)state;
    int64_t id = notify_world_webhook(&notify, "https://a.example/x", ALERT_LOW, 1);
    raise_alert();
    assert_int_equal(sql_begin(world.db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(sql_end(tx, catalog_webhooks_delete(tx, notify.org, id, 1)), ERR_OK);
    start(2);
    notify_world_settled(&notify);
    assert_int_equal(notify_world_count(&notify), 0);
    notify_world_rows(&notify, &rows);
    assert_int_equal(rows[0].state, NOTIFICATION_FAILED);
}

static void a_clock_that_is_set_back_wedges_nothing(void **state)
{
    (void)state;
    notify_world_webhook(&notify, "https://a.example/x", ALERT_LOW, 1);
    raise_alert();
    atomic_fetch_sub(&world.clock.wall, 2 * NS_PER_HOUR);
    start(2);
    notify_world_settled(&notify);
    assert_int_equal(notify_world_count(&notify), 1);
}

/* --- tries ------------------------------------------------------------------------------------ */

static struct notify_answer last;
static _Atomic int answered;

static void on_done(struct notifier_try *t, const struct notify_answer *answer)
{
    (void)t;
    last = *answer;
    answered++;
}

static struct notifier_try try_of(int64_t webhook)
{
    return (struct notifier_try){.n = {.org = notify.org,
                                       .uuid = uuid_random(rnd_system()),
                                       .webhook = webhook,
                                       .target = BYTES("webhook"),
                                       .what = BYTES("test"),
                                       .destination = BYTES("https://a.example"),
                                       .payload = BYTES("{}")},
                                 .done = on_done};
}

static void a_third_try_of_an_organisation_is_refused_and_the_stop_answers_all(void **state)
{
    struct notification *rows;
    (void)state;
    int64_t id = notify_world_webhook(&notify, "https://a.example/x", ALERT_LOW, 1);
    struct notifier_try a = try_of(id), b = try_of(id), c = try_of(id), d = try_of(id);
    answered = 0;
    snprintf(notify.block_on, sizeof notify.block_on, "https://a.example/x");
    start(1);
    assert_int_equal(notifier_try(notifier, &a), ERR_OK);
    assert_int_equal(notifier_try(notifier, &b), ERR_OK);
    assert_int_equal(notifier_try(notifier, &c), ERR_FULL);
    notify_world_wait(&notify, 1);
    notifier_stop(notifier);
    assert_int_equal(answered, 2);
    assert_int_equal(last.verdict, NOTIFY_TRY_AGAIN);
    assert_int_equal(notifier_try(notifier, &d), ERR_CLOSED);
    stop();
    notify.block_on[0] = 0;
    start(1);
    assert_int_equal(notifier_try(notifier, &d), ERR_OK);
    while (answered < 3) usleep(1000);
    assert_int_equal(last.verdict, NOTIFY_DELIVERED);
    assert_int_equal(notify_world_rows(&notify, &rows), 2); /* a was cut, d arrived; b never ran */
    assert_int_equal(rows[0].state, NOTIFICATION_SENT);
    assert_int_equal(rows[1].state, NOTIFICATION_FAILED);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_delivery_goes_out_once_and_is_marked),
        TEST(what_was_on_its_way_at_the_end_goes_again_with_the_same_id),
        TEST(a_dead_end_is_tried_three_times_and_given_up),
        TEST(a_failure_puts_off_the_rest_for_that_receiver_only),
        TEST(a_receiver_that_hangs_holds_up_nobody_else),
        TEST(what_was_switched_off_meanwhile_is_not_sent),
        TEST(a_clock_that_is_set_back_wedges_nothing),
        TEST(a_third_try_of_an_organisation_is_refused_and_the_stop_answers_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
