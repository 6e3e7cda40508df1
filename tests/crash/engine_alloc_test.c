/* R5: the N-th allocation fails, N = 1 until none does, for each thing one can ask of the store: a
 * clean answer, nothing leaked, and the next call works. */
#include "base/mem.h"
#include "engine_play.h"
#include "memory_fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#ifdef __SANITIZE_THREAD__
#define STRIDE 25 /* a tenth of the others' speed, and one thread has nothing to show it */
#elif defined SV_DEBUG
#define STRIDE 5 /* sanitizers: every 5th allocation */
#else
#define STRIDE 1
#endif

struct ask {
    struct memory_fs *disk;
    struct engine_play play;
};

static enum err write_group(struct ask *a)
{
    struct model_group g;
    const struct record_set *sets[] = {&g.set};
    struct why why;
    engine_model_group(&g, &a->play.rnd, 0, MODEL_SLOTS - 100);
    enum err e = telemetry_write(a->play.t, sets, 1, &why);
    if (!e) {
        engine_model_apply(a->play.after, &g.set);
        engine_model_apply(a->play.before, &g.set);
    }
    return e;
}

static enum err scan_series(struct ask *a)
{
    struct scan_range range = {1, 1, 2, INT64_MIN, INT64_MAX, rnd_below(&a->play.rnd, 2) != 0};
    struct scan_cursor *c = NULL;
    const struct sample *samples;
    size_t n;
    enum err e = telemetry_scan_open(a->play.t, &range, &c);
    while (!e) e = telemetry_scan_next(c, &samples, &n);
    telemetry_scan_close(c);
    return e == ERR_END ? ERR_OK : e;
}

static enum err ask_rollups(struct ask *a)
{
    struct rollup rows[8];
    struct scan_range range = {1, 1, 2, MODEL_START_NS, MODEL_START_NS + 8 * NS_PER_HOUR, false};
    size_t n;
    return telemetry_rollups(a->play.t, &range, rows, 8, &n);
}

static enum err seal(struct ask *a)
{
    return a->play.t->ops->seal(a->play.t);
}

static enum err maintain(struct ask *a)
{
    return a->play.t->ops->maintain(a->play.t);
}

static enum err retain(struct ask *a)
{
    uint64_t dropped;
    static int slot;
    int64_t cutoff = engine_model_time(slot += 10);
    enum err e = a->play.t->ops->retain(a->play.t, 2, cutoff, INT64_MIN, &dropped);
    engine_model_retain(a->play.after, 2, cutoff, INT64_MIN);
    if (!e) engine_model_retain(a->play.before, 2, cutoff, INT64_MIN);
    return e;
}

static enum err purge(struct ask *a)
{
    enum err e = a->play.t->ops->purge_device(a->play.t, 1, 2);
    engine_model_purge(a->play.after, 1, 2);
    if (!e) engine_model_purge(a->play.before, 1, 2);
    return e;
}

/* Each failure leaves files behind that the next call has to look at: joined, they stay few. */
static void tidy(struct ask *a)
{
    for (int i = 0; i < 8; i++) assert_int_equal(maintain(a), ERR_OK);
}

static void fail_each(struct ask *a, enum err (*call)(struct ask *), bool fresh_data)
{
    for (int64_t n = 1;; n += STRIDE) {
        for (int i = 0; fresh_data && i < 5; i++) assert_int_equal(write_group(a), ERR_OK);
        mem_fail_at(n);
        enum err e = call(a);
        bool fired = mem_fail_fired();
        mem_fail_at(0);
        assert_true(e == ERR_OK || e == ERR_NOMEM);
        assert_true(e == ERR_OK || fired);
        if (e || !fired) assert_true(engine_play_settle(&a->play, a->play.t));
        if (!fired) return;
        tidy(a);
    }
}

static void fail_each_of_open(struct ask *a)
{
    for (int64_t n = 1;; n += STRIDE) {
        assert_int_equal(write_group(a), ERR_OK);
        tidy(a);
        engine_play_close(&a->play);
        int64_t blocks = mem_blocks();
        mem_fail_at(n);
        enum err e = engine_play_open(&a->play);
        bool fired = mem_fail_fired();
        mem_fail_at(0);
        assert_true(e == ERR_OK || (e == ERR_NOMEM && fired));
        if (e) {
            assert_int_equal(mem_blocks(), blocks);
            assert_int_equal(engine_play_open(&a->play), ERR_OK);
        }
        assert_true(engine_play_settle(&a->play, a->play.t));
        if (!fired) return;
    }
}

static void every_failing_allocation_is_answered(void **state)
{
    (void)state;
    struct ask a = {.disk = memory_fs_new()};
    int64_t blocks = mem_blocks();
    engine_play_init(&a.play, memory_fs_ops(a.disk), 5);
    assert_int_equal(engine_play_open(&a.play), ERR_OK);
    fail_each(&a, write_group, false);
    fail_each(&a, scan_series, false);
    fail_each(&a, ask_rollups, false);
    fail_each(&a, seal, true);
    fail_each(&a, scan_series, true);
    fail_each(&a, ask_rollups, true);
    fail_each(&a, maintain, true);
    fail_each(&a, retain, true);
    fail_each(&a, purge, true);
    fail_each_of_open(&a);
    engine_play_close(&a.play);
    engine_play_done(&a.play);
    memory_fs_free(a.disk);
    assert_int_equal(mem_blocks(), blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_failing_allocation_is_answered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
