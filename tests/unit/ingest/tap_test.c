/* What the tap hands on, and what it says of what it had to drop. */
#include "ingest/tap.h"

#include "base/clock.h"
#include "sys/lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { SEEN_MAX = 4096, GAP = -1, IDLE = -2 };

/* A watcher that can be held, and that writes down in order what it was told. */
struct watcher {
    struct lock lock;
    struct cond moved;
    bool held, waiting;
    int64_t seen[SEEN_MAX]; /* time of a record, or GAP */
    size_t n;
    size_t lagging, idles;
};
static struct watcher w;
static struct tap *tap;

static void note(int64_t what)
{
    lock_take(&w.lock);
    while (w.held) {
        w.waiting = true;
        cond_broadcast(&w.moved);
        cond_wait(&w.moved, &w.lock);
    }
    w.waiting = false;
    if (w.n < SEEN_MAX) w.seen[w.n++] = what;
    cond_broadcast(&w.moved);
    lock_release(&w.lock);
}

static bool watches(void *ctx, int64_t org)
{
    (void)ctx;
    return org == 1;
}

static void on_records(void *ctx, const struct record_set *set)
{
    (void)ctx;
    note(set->records[0].ts_ns);
}

static void on_gap(void *ctx)
{
    (void)ctx;
    note(GAP);
}

static void on_lagging(void *ctx, int64_t org, int64_t device)
{
    (void)ctx;
    (void)org;
    (void)device;
    lock_take(&w.lock);
    w.lagging++;
    cond_broadcast(&w.moved);
    lock_release(&w.lock);
}

static void on_idle(void *ctx)
{
    (void)ctx;
    lock_take(&w.lock);
    w.idles++;
    cond_broadcast(&w.moved);
    lock_release(&w.lock);
}

static void open_tap(bool gaps, size_t max_bytes)
{
    memset(&w, 0, sizeof w);
    lock_init(&w.lock, LOCK_RANK_BATCH);
    cond_init(&w.moved);
    assert_int_equal(tap_new(&tap, "tap-test", max_bytes), ERR_OK);
    const struct tap_watcher watcher = {.watches = watches,
                                        .on_records = on_records,
                                        .on_gap = gaps ? on_gap : NULL,
                                        .on_lagging = gaps ? NULL : on_lagging,
                                        .on_idle = on_idle};
    tap_watch(tap, &watcher);
}

static void push(int64_t org, int64_t ts_ns)
{
    struct point p = {1, 1};
    struct record record = {org, 7, ts_ns, 0, 1};
    const struct record_set set = {&record, 1, &p, 1};
    tap_push(tap, &set);
}

/* The watcher stands in its first callback, so everything pushed from now on is queued. */
static void hold(void)
{
    w.held = true;
    push(1, 0);
    lock_take(&w.lock);
    while (!w.waiting) cond_wait(&w.moved, &w.lock);
    lock_release(&w.lock);
}

static void let_go(void)
{
    lock_take(&w.lock);
    w.held = false;
    cond_broadcast(&w.moved);
    lock_release(&w.lock);
}

static void close_tap(void)
{
    tap_free(tap);
    cond_done(&w.moved);
    lock_done(&w.lock);
}

static void sets_arrive_in_order_and_only_of_watched_organisations(void **state)
{
    (void)state;
    open_tap(true, 1 << 20);
    for (int64_t i = 1; i <= 100; i++) {
        push(1, i);
        push(2, 1000 + i);
    }
    close_tap(); /* delivers what is queued */
    assert_int_equal(w.n, 100);
    for (size_t i = 0; i < 100; i++) assert_int_equal(w.seen[i], (int64_t)i + 1);
    assert_true(w.idles > 0);
}

static void a_gap_is_told_in_its_place_in_the_queue(void **state)
{
    (void)state;
    open_tap(true, 1000);
    hold();
    int64_t ts = 1;
    while (tap_dropped(tap) == 0) push(1, ts++);
    int64_t last = ts - 2; /* the newest that fitted */
    for (int i = 0; i < 10; i++) push(1, 900 + i);
    let_go();
    lock_take(&w.lock);
    while (w.n < (size_t)last + 2) cond_wait(&w.moved, &w.lock); /* all queued, and the gap */
    lock_release(&w.lock);
    push(1, 2000);
    close_tap();
    assert_int_equal(w.seen[last], last);
    assert_int_equal(w.seen[last + 1], GAP);
    assert_int_equal(w.seen[last + 2], 2000);
    assert_int_equal(w.n, last + 3);
    assert_int_equal(w.lagging, 0);
}

static void a_gap_comes_before_the_first_set_that_was_taken_after_it(void **state)
{
    (void)state;
    open_tap(true, 400);
    hold();
    int64_t ts = 1;
    while (tap_dropped(tap) == 0) push(1, ts++);
    int64_t last = ts - 2;
    assert_true(last >= 2);
    let_go();
    /* pushed while the queue drains: what is taken now stands behind what was dropped */
    for (size_t before = 0; before < (size_t)last;) {
        push(1, 5000);
        lock_take(&w.lock);
        before = w.n;
        lock_release(&w.lock);
    }
    close_tap();
    size_t gap = 0, taken = w.n;
    for (size_t i = w.n; i-- > 0;) {
        if (w.seen[i] == 5000) taken = i;
        if (w.seen[i] == GAP) gap = i;
    }
    assert_true(gap > 0 && gap < taken);
}

static void devices_that_lag_are_told_once_the_queue_has_drained(void **state)
{
    (void)state;
    open_tap(false, 400);
    hold();
    for (int i = 1; i < 100; i++) push(1, i);
    let_go();
    lock_take(&w.lock);
    while (!w.lagging) cond_wait(&w.moved, &w.lock);
    lock_release(&w.lock);
    close_tap();
    assert_int_equal(w.lagging, 1); /* one device, named once */
}

static void a_wake_up_makes_it_idle_at_once(void **state)
{
    (void)state;
    open_tap(true, 1000);
    for (int i = 0; i < 3; i++) {
        lock_take(&w.lock);
        size_t before = w.idles;
        lock_release(&w.lock);
        int64_t begun = clock_mono_ns(clock_real());
        tap_wake(tap);
        lock_take(&w.lock);
        while (w.idles == before) cond_wait(&w.moved, &w.lock);
        lock_release(&w.lock);
        assert_true(clock_mono_ns(clock_real()) - begun < 10 * NS_PER_S);
    }
    close_tap();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_arrive_in_order_and_only_of_watched_organisations),
        cmocka_unit_test(a_gap_is_told_in_its_place_in_the_queue),
        cmocka_unit_test(a_gap_comes_before_the_first_set_that_was_taken_after_it),
        cmocka_unit_test(devices_that_lag_are_told_once_the_queue_has_drained),
        cmocka_unit_test(a_wake_up_makes_it_idle_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
