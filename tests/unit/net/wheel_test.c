/* Deadlines: never early, at most a slot late, cheap to move. */
#include "net/wheel.h"

#include "base/rnd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct timer {
    struct wheel_entry entry; /* first: the wheel hands it back */
    int64_t fired_ns, set_ns;
    bool again;
};

static struct wheel wheel;
static int64_t now;

static void on_expired(struct wheel_entry *e)
{
    struct timer *t = (struct timer *)e;
    t->fired_ns = now;
    if (t->again) wheel_set(&wheel, e, now + WHEEL_SLOT_NS);
}

static void advance(int64_t by)
{
    now += by;
    wheel_advance(&wheel, now, on_expired);
}

static void begin(void)
{
    now = 12345;
    wheel_init(&wheel, now);
}

static void add(struct timer *t, int64_t in)
{
    *t = (struct timer){.fired_ns = -1, .set_ns = now + in};
    wheel_entry_init(&t->entry);
    wheel_set(&wheel, &t->entry, t->set_ns);
}

static void a_deadline_is_never_early_and_a_slot_late_at_most(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    static struct timer timers[COUNT];
    struct rnd r;
    uint64_t seed = 42;
    print_message("seed %llu\n", (unsigned long long)seed);
    rnd_seed(&r, seed);
    begin();
    for (int i = 0; i < COUNT; i++) add(&timers[i], (int64_t)rnd_below(&r, 300 * 1000000000ULL));
    while (wheel.count) advance((int64_t)rnd_below(&r, (uint64_t)WHEEL_SLOT_NS / 4) + 1);
    for (int i = 0; i < COUNT; i++) {
        int64_t late = timers[i].fired_ns - timers[i].set_ns;
        assert_true(late >= 0 && late <= WHEEL_SLOT_NS * 5 / 4 + 1);
    }
}

static void a_later_deadline_moves_and_an_earlier_one_too(void **state)
{
    (void)state;
    struct timer later, earlier, never;
    begin();
    add(&later, 10 * WHEEL_SLOT_NS);
    add(&earlier, 10 * WHEEL_SLOT_NS);
    add(&never, 10 * WHEEL_SLOT_NS);
    wheel_set(&wheel, &later.entry, now + 20 * WHEEL_SLOT_NS);
    wheel_set(&wheel, &earlier.entry, now + 2 * WHEEL_SLOT_NS);
    wheel_set(&wheel, &never.entry, WHEEL_NEVER);
    for (int i = 0; i < 4; i++) advance(WHEEL_SLOT_NS);
    assert_true(earlier.fired_ns > 0 && later.fired_ns < 0);
    for (int i = 0; i < 10; i++) advance(WHEEL_SLOT_NS);
    assert_true(later.fired_ns < 0 && never.fired_ns < 0);
    assert_int_equal(wheel.count, 1);
    for (int i = 0; i < 10; i++) advance(WHEEL_SLOT_NS);
    assert_true(later.fired_ns > 0);
    assert_int_equal(wheel.count, 0);
}

static void a_jump_of_the_clock_fires_everything_once(void **state)
{
    (void)state;
    struct timer t[3];
    begin();
    add(&t[0], 1);
    add(&t[1], 200 * 1000000000LL);
    add(&t[2], 3600 * 1000000000LL);
    advance(1800 * 1000000000LL);
    assert_true(t[0].fired_ns > 0 && t[1].fired_ns > 0 && t[2].fired_ns < 0);
    advance(1801 * 1000000000LL);
    assert_true(t[2].fired_ns > 0);
    assert_int_equal(wheel.count, 0);
}

static void a_removed_entry_stays_silent_and_one_may_set_itself_again(void **state)
{
    (void)state;
    struct timer gone, again;
    begin();
    add(&gone, WHEEL_SLOT_NS);
    add(&again, WHEEL_SLOT_NS);
    again.again = true;
    wheel_remove(&wheel, &gone.entry);
    wheel_remove(&wheel, &gone.entry);
    advance(3 * WHEEL_SLOT_NS);
    assert_true(gone.fired_ns < 0);
    int64_t first = again.fired_ns;
    assert_true(first > 0);
    advance(3 * WHEEL_SLOT_NS);
    assert_true(again.fired_ns > first);
    assert_int_equal(wheel.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_is_never_early_and_a_slot_late_at_most),
        cmocka_unit_test(a_later_deadline_moves_and_an_earlier_one_too),
        cmocka_unit_test(a_jump_of_the_clock_fires_everything_once),
        cmocka_unit_test(a_removed_entry_stays_silent_and_one_may_set_itself_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
