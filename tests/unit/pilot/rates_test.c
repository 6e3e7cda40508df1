/* Buckets of requests per minute. */
#include "pilot/rates.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct clock_fake now;
static struct rates *rates;
static unsigned nodes;
static struct rates_limits limits;

static unsigned count_nodes(void *ctx)
{
    (void)ctx;
    return nodes;
}

static int open_rates(void **state)
{
    (void)state;
    clock_fake_init(&now, INT64_C(1800000000) * NS_PER_S);
    nodes = 1;
    const struct rates_opts opts = {&now.clock, count_nodes, NULL, NULL};
    assert_int_equal(rates_new(&rates, &opts), ERR_OK);
    limits = (struct rates_limits){true, {60, 600, 60}, {10, 0, 0}};
    rates_configure(rates, &limits);
    return 0;
}

static int close_rates(void **state)
{
    (void)state;
    rates_free(rates);
    return 0;
}

static int take_all(enum rate_kind kind, int64_t id)
{
    struct rate_state s;
    int n = 0;
    while (!rates_take(rates, kind, 1, id, false, &s)) n++;
    return n;
}

static void a_bucket_holds_the_minute_and_the_burst_and_refills_steadily(void **state)
{
    (void)state;
    struct rate_state s;
    assert_int_equal(take_all(RATE_REQUESTS, 7), 70);
    assert_int_equal(rates_take(rates, RATE_REQUESTS, 1, 7, false, &s), ERR_RATE);
    assert_int_equal(s.max, 70);
    assert_int_equal(s.retry_ns, NS_PER_S);
    clock_fake_advance(&now, s.retry_ns - 1);
    assert_int_equal(rates_take(rates, RATE_REQUESTS, 1, 7, false, &s), ERR_RATE);
    clock_fake_advance(&now, 1);
    assert_int_equal(take_all(RATE_REQUESTS, 7), 1);
    clock_fake_advance(&now, 30 * NS_PER_S);
    assert_int_equal(take_all(RATE_REQUESTS, 7), 30);
    clock_fake_advance(&now, NS_PER_HOUR);
    assert_int_equal(take_all(RATE_REQUESTS, 7), 70);
}

static void what_is_left_is_said(void **state)
{
    (void)state;
    struct rate_state s;
    assert_int_equal(rates_take(rates, RATE_TELEMETRY, 1, 1, false, &s), ERR_OK);
    assert_int_equal(s.remaining, 59);
    assert_int_equal(take_all(RATE_TELEMETRY, 1), 59);
}

static void kinds_and_users_do_not_share(void **state)
{
    (void)state;
    assert_int_equal(take_all(RATE_REQUESTS, 1), 70);
    assert_int_equal(take_all(RATE_READS, 1), 600);
    assert_int_equal(take_all(RATE_TELEMETRY, 1), 60);
    assert_int_equal(take_all(RATE_REQUESTS, 2), 70);
}

static void nodes_share_the_limit(void **state)
{
    (void)state;
    nodes = 2;
    assert_int_equal(take_all(RATE_REQUESTS, 1), 35);
    nodes = 1000;
    assert_int_equal(take_all(RATE_TELEMETRY, 1), 1);
}

static void changes_count_at_once_and_off_is_off(void **state)
{
    (void)state;
    struct rate_state s;
    assert_int_equal(take_all(RATE_TELEMETRY, 1), 60);
    limits.per_minute[RATE_TELEMETRY] = 1000000000;
    rates_configure(rates, &limits);
    clock_fake_advance(&now, NS_PER_MS); /* empty it stays, but it refills faster */
    for (int i = 0; i < 1000; i++)
        assert_int_equal(rates_take(rates, RATE_TELEMETRY, 1, 1, false, &s), ERR_OK);
    limits.per_minute[RATE_TELEMETRY] = 1;
    limits.burst[RATE_TELEMETRY] = 1000000000;
    rates_configure(rates, &limits);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(rates_take(rates, RATE_TELEMETRY, 1, 2, false, &s), ERR_OK);
    limits.burst[RATE_TELEMETRY] = 0;
    limits.enabled = false;
    rates_configure(rates, &limits);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(rates_take(rates, RATE_TELEMETRY, 1, 3, false, &s), ERR_OK);
}

static _Atomic int taken;

static void *client(void *arg)
{
    struct rate_state s;
    (void)arg;
    for (int i = 0; i < 100; i++)
        if (!rates_take(rates, RATE_READS, 1, 9, false, &s)) atomic_fetch_add(&taken, 1);
    return NULL;
}

static void threads_at_once_get_what_one_would(void **state)
{
    (void)state;
    pthread_t threads[16];
    taken = 0;
    for (int i = 0; i < 16; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, client, NULL), 0);
    for (int i = 0; i < 16; i++) pthread_join(threads[i], NULL);
    assert_int_equal(taken, 600);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_rates, close_rates)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bucket_holds_the_minute_and_the_burst_and_refills_steadily),
        TEST(what_is_left_is_said),
        TEST(kinds_and_users_do_not_share),
        TEST(nodes_share_the_limit),
        TEST(changes_count_at_once_and_off_is_off),
        TEST(threads_at_once_get_what_one_would),
    };
    return cmocka_run_group_tests_name("rates", tests, NULL, NULL);
}
