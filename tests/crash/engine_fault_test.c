/* R4: the N-th call of each file operation fails, N = 1 until none does, once and for good, with
 * each kind of fault. Every call of the store answers with success or a clean error; what it
 * acknowledged stays true, in the running store, after kill -9, after a power loss and after a
 * restart; and as soon as the disk works again, so does the store. */
#include "base/mem.h"
#include "engine_play.h"
#include "fault_fs.h"
#include "memory_fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#ifdef SV_DEBUG
#define STRIDE 13 /* sanitizers: every 13th call site */
#else
#define STRIDE 1
#endif
#define STEPS 24

struct life {
    struct memory_fs *disk;
    struct fault_fs faults;
    struct engine_play play;
    struct rnd rnd;
    const char *where;
    bool for_good, fired; /* in this life */
    long lives, struck;
};

static void mend_disk(struct life *l)
{
    if (fault_fs_fired(&l->faults)) l->fired = true;
    fault_fs_arm(&l->faults, FAULT_ALL, 0, FAULT_EIO, false);
}

static void expect(struct life *l, bool right, const char *what)
{
    if (!right) fail_msg("%s: %s", l->where, what);
}

static int64_t now_ns(void)
{
    return clock_mono_ns(clock_real());
}

/* Whatever happens to the process now, the next start finds the truth, and what that start shows
 * stays: also when the page cache showed it what a failed sync never brought to the disk. */
static void check_image(struct life *l, struct memory_fs *image, int allowed, bool again)
{
    struct telemetry *t = NULL;
    struct why why = {""};
    enum err e = engine_play_open_at(memory_fs_ops(image), &t, &why);
    if (e) fail_msg("%s: an image is refused: %s", l->where, why.text);
    int shows = engine_play_shows(&l->play, t) & allowed;
    expect(l, shows != 0, again ? "what a start showed is gone" : "an image is wrong");
    if (!again) check_image(l, memory_fs_after_power_loss(image, &l->rnd), shows, true);
    t->ops->close(t);
    memory_fs_free(image);
}

static void check_images(struct life *l)
{
    check_image(l, memory_fs_after_kill(l->disk), 3, false);
    check_image(l, memory_fs_after_power_loss(l->disk, &l->rnd), 3, false);
}

/* While the disk is broken nothing more is acknowledged. */
static void write_in_vain(struct life *l)
{
    struct telemetry_stats stats;
    struct model_group g;
    const struct record_set *sets[] = {&g.set};
    struct why why = {""};
    l->play.t->ops->read_stats(l->play.t, &stats);
    if (stats.writable || !l->for_good) return; /* it may have recovered meanwhile */
    expect(l, stats.unwritable_why[0] != 0, "it does not say why it is not writable");
    engine_model_group(&g, &l->rnd, 0, 100);
    enum err e = telemetry_write(l->play.t, sets, 1, &why);
    expect(l, e != ERR_OK, "acknowledged after a failed sync");
    expect(l, why.text[0] != 0, "a refusal without a reason");
}

/* The disk works again: so does the store, within 5 s. */
static void recover(struct life *l)
{
    int64_t until = now_ns() + 5 * NS_PER_S;
    struct telemetry_stats stats = {.writable = false};
    while (!stats.writable && now_ns() < until) {
        (void)!l->play.t->ops->maintain(l->play.t);
        l->play.t->ops->read_stats(l->play.t, &stats);
    }
    expect(l, stats.writable, "not writable again after 5 s");
    expect(l, engine_play_settle(&l->play, l->play.t), "the running store is wrong");
    expect(l, engine_play_step(&l->play) == ERR_OK, "it fails although the disk works again");
    check_images(l);
    expect(l, l->play.t->ops->seal(l->play.t) == ERR_OK, "can not be sealed again");
}

/* A refused write is not shown: nothing shows a record before it is durable (T1). */
static void check_running(struct life *l)
{
    int shows = engine_play_shows(&l->play, l->play.t);
    if (l->faults.ops & FAULT_READ) return; /* it could not be asked */
    expect(l, shows != 0, "the running store is wrong after an error");
    expect(l, !l->play.writing || shows & 1, "a refused write is shown");
}

static enum err step(struct life *l)
{
    enum err e = engine_play_step(&l->play);
    if (!e) {
        if (fault_fs_fired(&l->faults) && !l->fired) check_images(l);
        l->fired = l->fired || fault_fs_fired(&l->faults);
        return e;
    }
    l->struck++;
    check_running(l);
    write_in_vain(l);
    mend_disk(l);
    check_images(l);
    recover(l);
    return e;
}

static void open_somehow(struct life *l)
{
    enum err e = engine_play_open(&l->play);
    if (!e) return;
    l->struck++;
    mend_disk(l);
    e = engine_play_open(&l->play);
    expect(l, e == ERR_OK, "does not open after the disk works again");
}

/* *ret_fired: the fault struck, so there may be a later call site. */
static void live(struct life *l, unsigned op, int64_t n, enum fault_kind kind, bool for_good,
                 bool *ret_fired)
{
    l->disk = memory_fs_new();
    l->fired = false;
    l->for_good = for_good;
    fault_fs_init(&l->faults, memory_fs_ops(l->disk));
    l->faults.sync_failed = memory_fs_sync_failed;
    engine_play_init(&l->play, &l->faults.fs, 7);
    rnd_seed(&l->rnd, (uint64_t)n);
    fault_fs_arm(&l->faults, op, n, kind, for_good);
    open_somehow(l);
    for (int i = 0; i < STEPS; i++) {
        enum err e = step(l);
        if (e && i > STEPS / 2) break;
        if (i == STEPS / 3 || i == STEPS * 2 / 3) {
            engine_play_close(&l->play);
            open_somehow(l);
        }
    }
    engine_play_close(&l->play);
    mend_disk(l);
    expect(l, engine_play_open(&l->play) == ERR_OK, "does not open at the end");
    expect(l, engine_play_settle(&l->play, l->play.t), "wrong at the end");
    engine_play_close(&l->play);
    engine_play_done(&l->play);
    memory_fs_free(l->disk);
    l->lives++;
    *ret_fired = l->fired;
}

static const struct {
    unsigned op;
    const char *name;
} ops[] = {{FAULT_OPEN, "open"},     {FAULT_READ, "read"},     {FAULT_WRITE, "write"},
           {FAULT_SYNC, "sync"},     {FAULT_TRUNCATE, "cut"},  {FAULT_SIZE, "size"},
           {FAULT_RENAME, "rename"}, {FAULT_UNLINK, "unlink"}, {FAULT_MKDIR, "mkdir"},
           {FAULT_LIST, "list"}};
static const char *const kinds[] = {"EIO", "ENOSPC", "EINTR", "short", "torn"};

static void fail_each_call(struct life *l, size_t op, int kind, bool for_good)
{
    bool fired = true;
    for (int64_t n = 1 + (kind + for_good) % STRIDE; fired; n += STRIDE) {
        char where[96];
        snprintf(where, sizeof where, "%s %lld, %s, %s", ops[op].name, (long long)n, kinds[kind],
                 for_good ? "for good" : "once");
        l->where = where;
        live(l, ops[op].op, n, (enum fault_kind)kind, for_good, &fired);
    }
}

static void every_failing_call_is_survived(void **state)
{
    (void)state;
    struct life l = {0};
    int64_t blocks = mem_blocks();
    for (size_t op = 0; op < sizeof ops / sizeof *ops; op++)
        for (int kind = 0; kind < FAULT_KINDS; kind++) {
            bool has_half = ops[op].op == FAULT_READ || ops[op].op == FAULT_WRITE;
            if ((kind == FAULT_SHORT || kind == FAULT_TORN) && !has_half) continue;
            fail_each_call(&l, op, kind, false);
            if (kind != FAULT_EINTR) fail_each_call(&l, op, kind, true);
        }
    print_message("%ld lives, %ld errors answered\n", l.lives, l.struck);
    assert_true(l.struck > 50);
    assert_int_equal(mem_blocks(), blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_failing_call_is_survived)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
