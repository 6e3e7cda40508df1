/* Buckets over nodes, against a real Redis: two shares are two nodes. The bucket refills by Redis'
 * clock, so limits here refill slowly enough that none comes back while a test runs, or are checked
 * against what the elapsed time allows at most. */
#include "pilot/rate_share.h"
#include "pilot/rates.h"
#include "redis_server.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { NODES = 2, DEADLINE_S = 20 };

static struct redis_server server;
static struct rate_share *shares[NODES];
static struct rates *rates[NODES];
static unsigned alive;
static int64_t device; /* each test its own */

static unsigned count_nodes(void *ctx)
{
    (void)ctx;
    return alive;
}

static int64_t now(void)
{
    return clock_mono_ns(clock_real());
}

static void configure(int64_t per_minute, int64_t burst)
{
    const struct rates_limits limits = {true, {per_minute, per_minute, per_minute}, {burst, 0, 0}};
    for (int i = 0; i < NODES; i++) rates_configure(rates[i], &limits);
}

static void wait_until(bool up)
{
    int64_t until_ns = now() + DEADLINE_S * NS_PER_S;
    for (int i = 0; i < NODES; i++)
        while (rate_share_is_up(shares[i]) != up) {
            assert_true(now() < until_ns);
            usleep(1000);
        }
}

static void open_with(int64_t ask_ns)
{
    struct rate_share_opts share = {
        .installation = 7, .clock = clock_real(), .rnd = rnd_system(), .ask_ns = ask_ns};
    snprintf(share.place.host, sizeof share.place.host, "%s", server.socket);
    alive = NODES;
    device++;
    for (int i = 0; i < NODES; i++) {
        assert_int_equal(rate_share_new(&shares[i], &share), ERR_OK);
        const struct rates_opts opts = {clock_real(), count_nodes, NULL, shares[i]};
        assert_int_equal(rates_new(&rates[i], &opts), ERR_OK);
    }
    configure(1, 199); /* 200, and one comes back in a minute */
    wait_until(true);
}

/* However busy the machine is, Redis is not slow. */
static int open_patient(void **state)
{
    (void)state;
    open_with(10 * NS_PER_S);
    return 0;
}

static int open_nodes(void **state)
{
    (void)state;
    open_with(0);
    return 0;
}

static int close_nodes(void **state)
{
    (void)state;
    for (int i = 0; i < NODES; i++) {
        rate_share_free(shares[i]);
        rates_free(rates[i]);
        shares[i] = NULL;
        rates[i] = NULL;
    }
    return 0;
}

static struct rate_state last;

/* Until it is refused. */
static int take_all(int node)
{
    int n = 0;
    enum err e;
    while (!(e = rates_take(rates[node], RATE_REQUESTS, 1, device, true, &last))) n++;
    assert_int_equal(e, ERR_RATE);
    return n;
}

static void all_of_the_limit_is_there_through_one_node_and_nothing_more_through_the_other(
    void **state)
{
    (void)state;
    assert_int_equal(take_all(0), 200);
    assert_int_equal(last.max, 200);
    assert_true(last.retry_ns > 0 && last.retry_ns <= NS_PER_MINUTE);
    assert_int_equal(take_all(1), 0);
    assert_int_equal(last.max, 200);
    assert_true(last.retry_ns > 0 && last.retry_ns <= NS_PER_MINUTE);
}

static void what_an_idle_node_has_on_lease_comes_back(void **state)
{
    (void)state;
    int taken = 0;
    for (; taken < 30; taken++) /* enough that it leases ahead */
        assert_int_equal(rates_take(rates[1], RATE_REQUESTS, 1, device, true, &last), ERR_OK);
    int64_t until_ns = now() + DEADLINE_S * NS_PER_S;
    while (taken < 200) { /* refused while the other node holds some */
        taken += take_all(0);
        assert_true(now() < until_ns);
        usleep(1000);
    }
    assert_int_equal(taken, 200);
    assert_int_equal(take_all(1), 0);
}

static void a_node_that_stops_gives_back_all_it_has(void **state)
{
    (void)state;
    enum { DEVICES = 80, TAKEN = 6 }; /* more than one turn gives back; the last asked ahead */
    int64_t first = device;
    for (; device < first + DEVICES; device++)
        for (int i = 0; i < TAKEN; i++)
            assert_int_equal(rates_take(rates[1], RATE_REQUESTS, 1, device, true, &last), ERR_OK);
    rate_share_free(shares[1]);
    rates_free(rates[1]);
    shares[1] = NULL;
    rates[1] = NULL;
    for (device = first; device < first + DEVICES; device++)
        assert_int_equal(take_all(0), 200 - TAKEN);
}

struct taker {
    int node, taken;
};

static void *take_until_refused(void *arg)
{
    struct taker *t = arg;
    struct rate_state s;
    while (!rates_take(rates[t->node], RATE_REQUESTS, 1, device, true, &s)) t->taken++;
    return NULL;
}

static void both_together_take_what_there_is_and_never_more(void **state)
{
    (void)state;
    pthread_t threads[8];
    struct taker takers[8];
    int taken = 0;
    configure(600, 1400); /* a tenth of a second each */
    int64_t begin_ns = now();
    for (int i = 0; i < 8; i++) {
        takers[i] = (struct taker){i % NODES, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, take_until_refused, &takers[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        taken += takers[i].taken;
    }
    int64_t until_ns = now() + DEADLINE_S * NS_PER_S;
    for (int i = 0; taken < 2000; i++) { /* what one gave back after the other was refused */
        taken += take_all(i % NODES);
        assert_true(now() < until_ns);
        usleep(1000);
    }
    int64_t came_back = (now() - begin_ns) / (100 * NS_PER_MS) + 1;
    assert_true(taken >= 2000);
    assert_true(taken <= 2000 + came_back);
}

static void who_may_not_block_is_told_so_and_finds_it_there_the_next_time(void **state)
{
    (void)state;
    int64_t until_ns = now() + DEADLINE_S * NS_PER_S;
    enum err e = rates_take(rates[0], RATE_REQUESTS, 1, device, false, &last);
    assert_int_equal(e, ERR_MORE);
    while ((e = rates_take(rates[0], RATE_REQUESTS, 1, device, false, &last)) == ERR_MORE) {
        assert_true(now() < until_ns);
        usleep(100);
    }
    assert_int_equal(e, ERR_OK);
    assert_int_equal(last.max, 200);
}

static void a_node_that_is_alone_asks_nobody_and_tells_what_it_gave_when_another_comes(void **state)
{
    (void)state;
    alive = 1;
    for (int i = 0; i < 150; i++)
        assert_int_equal(rates_take(rates[0], RATE_REQUESTS, 1, device, false, &last), ERR_OK);
    alive = 2;
    assert_int_equal(rates_take(rates[0], RATE_REQUESTS, 1, device, true, &last), ERR_RATE);
    /* Redis did not know it: times the nodes, to be sure (H4) */
    assert_int_equal(take_all(1), 0);
}

static void without_redis_each_gives_its_part_and_all_again_when_it_is_back(void **state)
{
    (void)state;
    redis_server_kill(&server);
    int64_t begin_ns = now();
    configure(2, 198);
    assert_int_equal(take_all(0), 100);
    assert_int_equal(last.max, 100);
    assert_true(now() - begin_ns < 5 * NS_PER_S); /* nobody waits for what is away */
    assert_int_equal(take_all(1), 100);
    wait_until(false);
    redis_server_again(&server);
    wait_until(true);
    assert_int_equal(rates_take(rates[0], RATE_REQUESTS, 1, device, true, &last), ERR_RATE);
    assert_int_equal(last.max, 200); /* and what was given meanwhile is known */
    device++;
    assert_int_equal(take_all(1), 200);
}

/* Prints what a request costs: the first of a bucket asks Redis, most of the others nobody. */
static void many_requests_share_a_question(void **state)
{
    (void)state;
    enum { FIRST = 500, MANY = 20000 };
    configure(1000000000, 0);
    int64_t begin_ns = now();
    for (int i = 0; i < FIRST; i++, device++)
        assert_int_equal(rates_take(rates[0], RATE_REQUESTS, 1, device, true, &last), ERR_OK);
    int64_t middle_ns = now();
    for (int i = 0; i < MANY; i++)
        assert_int_equal(rates_take(rates[0], RATE_REQUESTS, 1, device, true, &last), ERR_OK);
    printf("a request that asks Redis: %.1f us; one of many of a device: %.2f us\n",
           (double)(middle_ns - begin_ns) / FIRST / 1e3, (double)(now() - middle_ns) / MANY / 1e3);
}

static void a_redis_that_answers_nothing_is_left_alone(void **state)
{
    (void)state;
    redis_server_pause(&server);
    configure(2, 198);
    assert_int_equal(take_all(0), 100);
    assert_int_equal(take_all(1), 100);
    redis_server_resume(&server);
    wait_until(true);
}

static void a_redis_that_lies_is_left_alone(void **state)
{
    (void)state;
    char name[64];
    struct redis_place place = {.port = 0};
    struct redis_link *link;
    struct redis_reply reply;
    snprintf(place.host, sizeof place.host, "%s", server.socket);
    snprintf(name, sizeof name, "sv:%016llx:rate:%llx", 7ULL,
             (unsigned long long)device * RATE_KINDS + RATE_REQUESTS);
    const struct bytes set[] = {BYTES("SET"), bytes_str(name), BYTES("no bucket")};
    assert_int_equal(redis_link_open(&link, &place, DEADLINE_S * NS_PER_S), ERR_OK);
    assert_int_equal(redis_link_ask(link, set, 3, &reply), ERR_OK);
    redis_link_close(link);
    configure(2, 198);
    assert_int_equal(take_all(0), 100);
    assert_int_equal(last.max, 100);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_patient, close_nodes)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_of_the_limit_is_there_through_one_node_and_nothing_more_through_the_other),
        TEST(what_an_idle_node_has_on_lease_comes_back),
        TEST(a_node_that_stops_gives_back_all_it_has),
        TEST(both_together_take_what_there_is_and_never_more),
        TEST(many_requests_share_a_question),
        TEST(who_may_not_block_is_told_so_and_finds_it_there_the_next_time),
        TEST(a_node_that_is_alone_asks_nobody_and_tells_what_it_gave_when_another_comes),
        TEST(without_redis_each_gives_its_part_and_all_again_when_it_is_back),
        cmocka_unit_test_setup_teardown(a_redis_that_answers_nothing_is_left_alone, open_nodes,
                                        close_nodes),
        TEST(a_redis_that_lies_is_left_alone),
    };
    if (!redis_server_start(&server)) return 0;
    int failed = cmocka_run_group_tests_name("rate_share", tests, NULL, NULL);
    redis_server_stop(&server);
    return failed;
}
