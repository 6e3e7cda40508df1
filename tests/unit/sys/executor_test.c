/* The executor: its bounds, its growth, and the shares of owners. */
#include "sys/executor.h"

#include "base/clock.h"
#include "sys/lock.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define DEADLINE_NS (20 * NS_PER_S) /* a hang, not slowness */

/* Work that is held in run() until the test lets it go. */
struct held {
    struct work work; /* first */
    bool begun, may_end, ended;
    int order; /* of beginning */
};

static struct lock lock;
static struct cond changed;
static int begun;

static void run_held(struct work *w)
{
    struct held *h = (struct held *)(void *)w;
    lock_take(&lock);
    h->begun = true;
    h->order = ++begun;
    cond_broadcast(&changed);
    while (!h->may_end) cond_wait(&changed, &lock);
    h->ended = true;
    cond_broadcast(&changed);
    lock_release(&lock);
}

static enum err submit(struct executor *x, struct held *h, uint64_t owner)
{
    *h = (struct held){.work = {.run = run_held, .owner = owner}};
    return executor_submit(x, &h->work);
}

static void wait_for(const bool *flag)
{
    int64_t end = clock_mono_ns(clock_real()) + DEADLINE_NS;
    lock_take(&lock);
    while (!*flag && clock_mono_ns(clock_real()) < end)
        cond_wait_for(&changed, &lock, 100 * NS_PER_MS);
    bool there = *flag;
    lock_release(&lock);
    assert_true(there);
}

static bool has_begun(const struct held *h)
{
    lock_take(&lock);
    bool has = h->begun;
    lock_release(&lock);
    return has;
}

static void let_go(struct held *h)
{
    lock_take(&lock);
    h->may_end = true;
    cond_broadcast(&changed);
    lock_release(&lock);
}

static void finish(struct held *h)
{
    let_go(h);
    wait_for(&h->ended);
}

static int set_up(void **state)
{
    (void)state;
    lock_init(&lock, LOCK_RANK_ADMIN);
    cond_init(&changed);
    begun = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cond_done(&changed);
    lock_done(&lock);
    return 0;
}

static struct executor *open_pool(unsigned core, unsigned max, size_t queue, unsigned share)
{
    struct executor *x;
    const struct executor_opts opts = {
        .name = "test", .core = core, .max = max, .queue_capacity = queue, .share = share};
    assert_int_equal(executor_new(&x, &opts), ERR_OK);
    return x;
}

static void full_queue_refuses_and_keeps_order(void **state)
{
    (void)state;
    struct executor *x = open_pool(1, 1, 2, 0);
    struct held h[4];
    assert_int_equal(submit(x, &h[0], 7), ERR_OK);
    wait_for(&h[0].begun);
    assert_int_equal(submit(x, &h[1], 7), ERR_OK);
    assert_int_equal(submit(x, &h[2], 7), ERR_OK);
    assert_int_equal(submit(x, &h[3], 7), ERR_FULL);
    assert_int_equal(executor_read_stats(x).rejected, 1);
    for (int i = 0; i < 3; i++) finish(&h[i]);
    assert_true(h[0].order == 1 && h[1].order == 2 && h[2].order == 3);
    executor_free(x);
}

static void an_owner_fills_his_share_and_another_is_served_at_once(void **state)
{
    (void)state;
    struct executor *x = open_pool(2, 4, 100, 2);
    struct held mine[6], other[3];
    for (int i = 0; i < 6; i++) assert_int_equal(submit(x, &mine[i], 1), ERR_OK);
    wait_for(&mine[1].begun);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(submit(x, &other[i], (uint64_t)i + 2), ERR_OK);
        wait_for(&other[i].begun); /* past four of mine */
    }
    assert_int_equal(submit(x, &other[2], 4), ERR_OK); /* all four threads are busy */
    assert_false(has_begun(&other[2]) || has_begun(&mine[2]));
    finish(&other[0]);
    wait_for(&other[2].begun);
    assert_false(has_begun(&mine[2]));
    finish(&mine[0]);
    wait_for(&mine[2].begun); /* whose turn it is among mine */
    assert_false(has_begun(&mine[3]));
    for (int i = 1; i < 6; i++) finish(&mine[i]);
    finish(&other[1]);
    finish(&other[2]);
    executor_free(x);
}

static void an_owner_holds_half_of_the_queue_at_most(void **state)
{
    (void)state;
    struct executor *x = open_pool(1, 2, 4, 1);
    struct held mine[4], other[2];
    assert_int_equal(submit(x, &mine[0], 1), ERR_OK);
    wait_for(&mine[0].begun);
    assert_int_equal(submit(x, &mine[1], 1), ERR_OK);
    assert_int_equal(submit(x, &mine[2], 1), ERR_OK);
    assert_int_equal(submit(x, &mine[3], 1), ERR_FULL);
    assert_int_equal(submit(x, &other[0], 2), ERR_OK);
    wait_for(&other[0].begun);
    assert_int_equal(submit(x, &other[1], 0), ERR_OK); /* nobody's: not bounded */
    for (int i = 0; i < 3; i++) finish(&mine[i]);
    finish(&other[0]);
    finish(&other[1]);
    executor_free(x);
}

static void what_was_passed_over_runs_before_the_end(void **state)
{
    (void)state;
    struct executor *x = open_pool(2, 2, 100, 1);
    struct held h[5];
    for (int i = 0; i < 5; i++) assert_int_equal(submit(x, &h[i], 1), ERR_OK);
    wait_for(&h[0].begun);
    for (int i = 0; i < 5; i++) let_go(&h[i]);
    executor_free(x);
    for (int i = 0; i < 5; i++) assert_true(h[i].ended && h[i].order == i + 1);
}

/* A thread that takes another's work from the middle leaves the one behind it to a sleeper. */
static void a_sleeper_is_woken_for_what_stands_behind(void **state)
{
    (void)state;
    struct executor *x = open_pool(3, 3, 100, 1);
    struct held a[2], b[2], c;
    assert_int_equal(submit(x, &a[0], 1), ERR_OK);
    assert_int_equal(submit(x, &b[0], 2), ERR_OK);
    assert_int_equal(submit(x, &c, 3), ERR_OK);
    wait_for(&c.begun);
    wait_for(&b[0].begun);
    assert_int_equal(submit(x, &b[1], 2), ERR_OK);
    assert_int_equal(submit(x, &a[1], 1), ERR_OK);
    finish(&c); /* its thread finds nothing it may run, and sleeps */
    let_go(&a[0]);
    wait_for(&a[1].begun);
    finish(&b[0]);
    wait_for(&b[1].begun);
    finish(&a[1]);
    finish(&b[1]);
    executor_free(x);
}

static void wait_for_threads(struct executor *x, unsigned n)
{
    int64_t end = clock_mono_ns(clock_real()) + DEADLINE_NS;
    while (executor_read_stats(x).threads != n) {
        assert_true(clock_mono_ns(clock_real()) < end);
        sched_yield();
    }
}

static void the_pool_grows_under_load_and_shrinks_when_idle(void **state)
{
    (void)state;
    struct executor *x;
    const struct executor_opts opts = {
        .name = "test", .core = 2, .max = 4, .queue_capacity = 100, .idle_ns = 20 * NS_PER_MS};
    struct held h[12], one;
    assert_int_equal(executor_new(&x, &opts), ERR_OK);
    for (int i = 0; i < 12; i++) assert_int_equal(submit(x, &h[i], 1), ERR_OK);
    wait_for_threads(x, 4);
    for (int i = 0; i < 12; i++) finish(&h[i]);
    wait_for_threads(x, 2); /* those above core have ended */
    assert_int_equal(submit(x, &one, 1), ERR_OK);
    finish(&one);
    const struct executor_stats s = executor_read_stats(x);
    assert_int_equal(s.core, 2);
    assert_int_equal(s.max, 4);
    assert_int_equal(s.queued, 0);
    executor_free(x);
}

static _Atomic int told;
static _Atomic int64_t waited_all_ns;

static void note(void *ctx, int64_t waited_ns, int64_t ran_ns)
{
    assert_true(waited_ns >= 0 && ran_ns >= 0);
    atomic_fetch_add(&waited_all_ns, waited_ns);
    atomic_fetch_add((_Atomic int *)ctx, 1);
}

static void each_piece_of_work_is_told_of(void **state)
{
    (void)state;
    struct executor *x;
    const struct executor_opts opts = {
        .name = "test", .core = 1, .max = 1, .queue_capacity = 10, .ran = note, .ran_ctx = &told};
    struct held a, b;
    assert_int_equal(executor_new(&x, &opts), ERR_OK);
    assert_int_equal(submit(x, &a, 1), ERR_OK);
    assert_int_equal(submit(x, &b, 1), ERR_OK);
    wait_for(&a.begun);
    int64_t begun_ns = clock_mono_ns(clock_real());
    while (clock_mono_ns(clock_real()) - begun_ns < NS_PER_MS) continue; /* b waits behind a */
    finish(&a);
    finish(&b);
    executor_free(x); /* joins: all was told */
    assert_int_equal(atomic_load(&told), 2);
    assert_true(atomic_load(&waited_all_ns) >= NS_PER_MS);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(full_queue_refuses_and_keeps_order),
        CASE(an_owner_fills_his_share_and_another_is_served_at_once),
        CASE(an_owner_holds_half_of_the_queue_at_most),
        CASE(what_was_passed_over_runs_before_the_end),
        CASE(a_sleeper_is_woken_for_what_stands_behind),
        CASE(the_pool_grows_under_load_and_shrinks_when_idle),
        CASE(each_piece_of_work_is_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
