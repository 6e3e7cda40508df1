/* The lockout with a clock that is moved by hand. */
#include "security/lockout.h"

#include "base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct clock_fake now;
static struct rnd rnd;

static struct lockout *make(unsigned per_minute, size_t entries)
{
    clock_fake_init(&now, INT64_C(1700000000) * NS_PER_S);
    rnd_seed(&rnd, 42);
    const struct lockout_opts opts = {
        .clock = &now.clock, .rnd = &rnd, .per_minute = per_minute, .entries = entries};
    struct lockout *l = NULL;
    assert_int_equal(lockout_new(&l, &opts), ERR_OK);
    return l;
}

static enum lockout_answer check(struct lockout *l, const char *account, const char *address,
                                 int64_t *wait)
{
    return lockout_check(l, bytes_str(account), bytes_str(address), wait);
}

static enum lockout_answer settle(struct lockout *l, const char *account, const char *address,
                                  bool success)
{
    int64_t wait = 0;
    return lockout_settle(l, bytes_str(account), bytes_str(address), success, &wait);
}

static void five_failures_lock_the_pair_for_thirty_minutes(void **state)
{
    (void)state;
    struct lockout *l = make(1000, 0);
    int64_t wait = 0;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(check(l, "ada", "10.0.0.1", &wait), LOCKOUT_FREE);
        assert_int_equal(settle(l, "ada", "10.0.0.1", false), LOCKOUT_FREE);
    }
    assert_int_equal(check(l, "ada", "10.0.0.1", &wait), LOCKOUT_PAIR);
    assert_int_equal(wait, 30 * NS_PER_MINUTE);
    assert_int_equal(check(l, "ADA", "10.0.0.1", &wait), LOCKOUT_PAIR); /* case is one account */
    assert_int_equal(check(l, "ada", "10.0.0.2", &wait), LOCKOUT_FREE);
    assert_int_equal(check(l, "bob", "10.0.0.1", &wait), LOCKOUT_FREE);
    clock_fake_advance(&now, 30 * NS_PER_MINUTE - 1);
    assert_int_equal(check(l, "ada", "10.0.0.1", &wait), LOCKOUT_PAIR);
    assert_int_equal(wait, 1);
    clock_fake_advance(&now, 1);
    assert_int_equal(check(l, "ada", "10.0.0.1", &wait), LOCKOUT_FREE);
    lockout_free(l);
}

static void a_locked_pair_refuses_the_right_password_and_failing_on_does_not_lengthen_it(
    void **state)
{
    (void)state;
    struct lockout *l = make(1000, 0);
    int64_t wait = 0;
    for (int i = 0; i < 5; i++) assert_int_equal(settle(l, "ada", "a", false), LOCKOUT_FREE);
    assert_int_equal(settle(l, "ada", "a", true), LOCKOUT_PAIR);
    clock_fake_advance(&now, 29 * NS_PER_MINUTE);
    assert_int_equal(settle(l, "ada", "a", false), LOCKOUT_PAIR);
    assert_int_equal(check(l, "ada", "a", &wait), LOCKOUT_PAIR);
    assert_int_equal(wait, NS_PER_MINUTE);
    lockout_free(l);
}

static void a_success_forgets_the_failures_before_it(void **state)
{
    (void)state;
    struct lockout *l = make(1000, 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++) assert_int_equal(settle(l, "ada", "a", false), LOCKOUT_FREE);
        assert_int_equal(settle(l, "ada", "a", true), LOCKOUT_FREE);
    }
    lockout_free(l);
}

static void ten_failures_a_minute_stop_an_address_and_an_account(void **state)
{
    (void)state;
    struct lockout *l = make(10, 0);
    char name[32];
    int64_t wait = 0;
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "user-%d", i);
        assert_int_equal(settle(l, name, "10.0.0.1", false), LOCKOUT_FREE);
    }
    assert_int_equal(check(l, "anyone", "10.0.0.1", &wait), LOCKOUT_ADDRESS);
    assert_int_equal(check(l, "", "10.0.0.1", &wait), LOCKOUT_ADDRESS);
    assert_int_equal(wait, NS_PER_MINUTE);
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "10.1.0.%d", i);
        assert_int_equal(settle(l, "ada", name, false), LOCKOUT_FREE);
    }
    assert_int_equal(check(l, "ada", "10.9.9.9", &wait), LOCKOUT_ACCOUNT);
    clock_fake_advance(&now, NS_PER_MINUTE);
    assert_int_equal(check(l, "anyone", "10.0.0.1", &wait), LOCKOUT_FREE);
    assert_int_equal(check(l, "ada", "10.9.9.9", &wait), LOCKOUT_FREE);
    lockout_set_per_minute(l, 0);
    for (int i = 0; i < 50; i++) assert_int_equal(settle(l, "", "z", false), LOCKOUT_FREE);
    lockout_free(l);
}

static void a_jump_of_the_wall_clock_unlocks_nothing(void **state)
{
    (void)state;
    struct lockout *l = make(1000, 0);
    int64_t wait = 0;
    for (int i = 0; i < 5; i++) assert_int_equal(settle(l, "ada", "a", false), LOCKOUT_FREE);
    now.wall += NS_PER_DAY;
    assert_int_equal(check(l, "ada", "a", &wait), LOCKOUT_PAIR);
    now.wall -= 2 * NS_PER_DAY;
    assert_int_equal(check(l, "ada", "a", &wait), LOCKOUT_PAIR);
    lockout_free(l);
}

static void account_and_address_are_not_glued_together(void **state)
{
    (void)state;
    struct lockout *l = make(1000, 0);
    int64_t wait = 0;
    for (int i = 0; i < 5; i++) assert_int_equal(settle(l, "ab", "c", false), LOCKOUT_FREE);
    assert_int_equal(check(l, "a", "bc", &wait), LOCKOUT_FREE);
    assert_int_equal(check(l, "ab", "c", &wait), LOCKOUT_PAIR);
    lockout_free(l);
}

static void a_flood_of_names_takes_no_memory_and_keeps_locks_as_long_as_it_can(void **state)
{
    (void)state;
    struct lockout *l = make(1000, 1024);
    int64_t before = mem_blocks(), wait = 0;
    char name[64], address[32];
    for (int i = 0; i < 5; i++) assert_int_equal(settle(l, "victim", "v", false), LOCKOUT_FREE);
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "flood-%d", i);
        snprintf(address, sizeof address, "10.%d.%d.%d", i >> 16, (i >> 8) & 255, i & 255);
        settle(l, name, address, false);
    }
    assert_int_equal(mem_blocks(), before);
    assert_int_equal(check(l, "victim", "v", &wait), LOCKOUT_PAIR);
    lockout_free(l);
}

static struct lockout *other;
static int told;

static void to_other(void *ctx, struct bytes news)
{
    (void)ctx;
    told++;
    lockout_hear(other, news);
}

/* Two nodes: a tells b of what happens there. */
static struct lockout *make_two(unsigned per_minute)
{
    const struct lockout_opts opts = {
        .clock = &now.clock, .rnd = &rnd, .per_minute = per_minute, .tell = to_other};
    struct lockout *a;
    other = make(per_minute, 0); /* with another key */
    assert_int_equal(lockout_new(&a, &opts), ERR_OK);
    told = 0;
    return a;
}

static void what_fails_at_another_node_counts_here(void **state)
{
    (void)state;
    struct lockout *a = make_two(10);
    int64_t wait = 0;
    for (int i = 0; i < 5; i++) assert_int_equal(settle(a, "Ada", "10.0.0.1", false), LOCKOUT_FREE);
    assert_int_equal(check(other, "ada", "10.0.0.1", &wait), LOCKOUT_PAIR);
    assert_int_equal(wait, 30 * NS_PER_MINUTE);
    assert_int_equal(check(other, "ada", "10.0.0.2", &wait), LOCKOUT_FREE);
    for (int i = 0; i < 5; i++) assert_int_equal(settle(a, "", "10.0.0.1", false), LOCKOUT_FREE);
    assert_int_equal(check(other, "bob", "10.0.0.1", &wait), LOCKOUT_ADDRESS);
    lockout_free(a);
    lockout_free(other);
}

static void a_success_at_another_node_forgets_here_and_is_told_only_then(void **state)
{
    (void)state;
    struct lockout *a = make_two(1000);
    int64_t wait = 0;
    assert_int_equal(settle(a, "ada", "a", true), LOCKOUT_FREE);
    assert_int_equal(told, 0);
    for (int i = 0; i < 4; i++) assert_int_equal(settle(a, "ada", "a", false), LOCKOUT_FREE);
    assert_int_equal(settle(a, "ada", "a", true), LOCKOUT_FREE);
    assert_int_equal(told, 5);
    for (int i = 0; i < 4; i++) assert_int_equal(settle(other, "ada", "a", false), LOCKOUT_FREE);
    assert_int_equal(check(other, "ada", "a", &wait), LOCKOUT_FREE);
    assert_int_equal(settle(other, "ada", "a", false), LOCKOUT_FREE);
    for (int i = 0; i < 4; i++) assert_int_equal(settle(a, "ada", "a", false), LOCKOUT_FREE);
    assert_int_equal(settle(a, "ada", "a", true), LOCKOUT_FREE); /* it had not heard of the five */
    assert_int_equal(check(other, "ada", "a", &wait), LOCKOUT_PAIR);
    lockout_free(a);
    lockout_free(other);
}

static void news_that_are_none_are_passed_by(void **state)
{
    (void)state;
    char news[LOCKOUT_NEWS + 1] = {1};
    struct lockout *l = make(1, 0);
    int64_t wait = 0;
    for (size_t n = 0; n <= sizeof news; n++)
        if (n != LOCKOUT_NEWS) lockout_hear(l, bytes_of(news, n));
    assert_int_equal(check(l, "ada", "a", &wait), LOCKOUT_FREE);
    lockout_free(l);
}

struct race {
    struct lockout *lockout;
    _Atomic int taken;
};

static void *guess(void *arg)
{
    struct race *r = arg;
    for (int i = 0; i < 200; i++) {
        if (settle(r->lockout, "ada", "a", false) == LOCKOUT_FREE) r->taken++;
    }
    if (settle(r->lockout, "ada", "a", true) == LOCKOUT_FREE) r->taken += 1000;
    return NULL;
}

static void parallel_guesses_get_five_answers_together(void **state)
{
    (void)state;
    struct race r = {.lockout = make(1000000, 0)};
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) assert_int_equal(pthread_create(&threads[i], NULL, guess, &r), 0);
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    assert_int_equal(r.taken, 5);
    lockout_free(r.lockout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_failures_lock_the_pair_for_thirty_minutes),
        cmocka_unit_test(
            a_locked_pair_refuses_the_right_password_and_failing_on_does_not_lengthen_it),
        cmocka_unit_test(a_success_forgets_the_failures_before_it),
        cmocka_unit_test(ten_failures_a_minute_stop_an_address_and_an_account),
        cmocka_unit_test(a_jump_of_the_wall_clock_unlocks_nothing),
        cmocka_unit_test(account_and_address_are_not_glued_together),
        cmocka_unit_test(a_flood_of_names_takes_no_memory_and_keeps_locks_as_long_as_it_can),
        cmocka_unit_test(what_fails_at_another_node_counts_here),
        cmocka_unit_test(a_success_at_another_node_forgets_here_and_is_told_only_then),
        cmocka_unit_test(news_that_are_none_are_passed_by),
        cmocka_unit_test(parallel_guesses_get_five_answers_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
