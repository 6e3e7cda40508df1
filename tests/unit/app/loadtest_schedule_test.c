/* The heap behind the timer: what is due runs in order; what was moved or taken away does not. */
#include "app/loadtest_schedule.h"

#include "base/clock.h"
#include "base/rnd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { N = 500 };
struct entry {
    struct loadtest_due due;
    int64_t wanted_ns;
    unsigned runs;
};
static struct entry entries[N];
static size_t ran;
static int64_t last_ns;

static void on_run(struct loadtest_due *d)
{
    struct entry *e = (struct entry *)(void *)d;
    assert_true(d->at_ns >= last_ns && d->at_ns == e->wanted_ns);
    assert_true(clock_mono_ns(clock_real()) >= d->at_ns);
    last_ns = d->at_ns;
    e->runs++;
    ran++;
}

static void what_is_due_runs_in_order_once(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct loadtest_schedule s;
    struct rnd rnd;
    uint64_t seed = (uint64_t)time(NULL);
    size_t wanted = 0;
    rnd_seed(&rnd, seed);
    print_message("seed %lu\n", seed);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(loadtest_schedule_open(&s, &loop, N), ERR_OK);
    int64_t now = clock_mono_ns(clock_real());
    for (int round = 0; round < 4 * N; round++) {
        struct entry *e = &entries[rnd_below(&rnd, N)];
        e->due.run = on_run;
        if (rnd_below(&rnd, 4) == 0) {
            loadtest_schedule_unset(&s, &e->due);
            e->wanted_ns = 0;
            continue;
        }
        e->wanted_ns = now - NS_PER_MS + (int64_t)rnd_below(&rnd, 50 * NS_PER_MS);
        loadtest_schedule_set(&s, &e->due, e->wanted_ns);
    }
    for (size_t i = 0; i < N; i++) wanted += entries[i].wanted_ns != 0;
    while (ran < wanted) uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(s.n, 0);
    for (size_t i = 0; i < N; i++) assert_int_equal(entries[i].runs, entries[i].wanted_ns != 0);
    loadtest_schedule_close(&s);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_due_runs_in_order_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
