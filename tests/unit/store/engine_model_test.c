/* Random operations on the engine and on a model that one can see through: no difference, ever. */
#include "base/mem.h"
#include "engine_model.h"
#include "fault_fs.h"
#include "memory_fs.h"
#include "store/embedded/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#ifdef SV_DEBUG
#define STEPS 1000 /* sanitizers: the same code, fewer times */
#else
#define STEPS 10000
#endif

struct world {
    struct memory_fs *memory;
    struct fault_fs disk;
    struct telemetry *t;
    struct engine_model model;
    struct rnd rnd;
};

static void open_engine(struct world *w)
{
    struct why why = {""};
    struct engine_opts opts = {"/d", &w->disk.fs, clock_real(), UINT64_C(1) << 20,
                               UINT64_C(64) << 10};
    enum err e = engine_open(&w->t, &opts, &why);
    if (e) fprintf(stderr, "open: %s: %s\n", err_name(e), why.text);
    assert_int_equal(e, ERR_OK);
}

/* As if the process were gone: nothing reaches the disk any more. */
static void kill_engine(struct world *w)
{
    fault_fs_arm(&w->disk, FAULT_WRITE | FAULT_SYNC | FAULT_RENAME | FAULT_UNLINK | FAULT_TRUNCATE,
                 1, FAULT_EIO, true);
    w->t->ops->close(w->t);
    fault_fs_arm(&w->disk, FAULT_ALL, 0, FAULT_EIO, false);
}

static void fail_on_damage(void *ctx, const char *file, int64_t offset, const char *what)
{
    (void)ctx;
    fprintf(stderr, "verify: %s, %lld: %s\n", file, (long long)offset, what);
}

static void random_write(struct world *w)
{
    struct model_group groups[3];
    const struct record_set *sets[3];
    size_t n = 1 + rnd_below(&w->rnd, 3);
    struct why why;
    for (size_t i = 0; i < n; i++) {
        int from = (int)rnd_below(&w->rnd, MODEL_SLOTS - 100);
        engine_model_group(&groups[i], &w->rnd, from, 100);
        sets[i] = &groups[i].set;
    }
    assert_int_equal(telemetry_write(w->t, sets, n, &why), ERR_OK);
    for (size_t i = 0; i < n; i++) engine_model_apply(&w->model, sets[i]);
}

static void random_retain(struct world *w)
{
    uint64_t dropped;
    int64_t org = 1 + (int64_t)rnd_below(&w->rnd, 2);
    int64_t raw = engine_model_time((int)rnd_below(&w->rnd, MODEL_SLOTS / 3));
    int64_t rollup = rnd_below(&w->rnd, 2)
                         ? engine_model_time((int)rnd_below(&w->rnd, MODEL_SLOTS / 3))
                         : INT64_MIN;
    assert_int_equal(w->t->ops->retain(w->t, org, raw, rollup, &dropped), ERR_OK);
    engine_model_retain(&w->model, org, raw, rollup);
}

static void random_purge(struct world *w)
{
    int64_t device = 1 + (int64_t)rnd_below(&w->rnd, MODEL_DEVICES);
    int64_t org = engine_model_org(device);
    assert_int_equal(w->t->ops->purge_device(w->t, org, device), ERR_OK);
    engine_model_purge(&w->model, org, device);
}

static void reopen(struct world *w, bool killed)
{
    if (killed)
        kill_engine(w);
    else
        w->t->ops->close(w->t);
    assert_int_equal(engine_verify("/d", &w->disk.fs, fail_on_damage, NULL), ERR_OK);
    open_engine(w);
}

static void random_step(struct world *w)
{
    uint64_t dice = rnd_below(&w->rnd, 1000);
    if (dice < 700)
        random_write(w);
    else if (dice < 800)
        assert_int_equal(w->t->ops->seal(w->t), ERR_OK);
    else if (dice < 950)
        assert_int_equal(w->t->ops->maintain(w->t), ERR_OK);
    else if (dice < 953)
        random_retain(w);
    else if (dice < 956)
        random_purge(w);
    else if (dice < 966)
        reopen(w, rnd_below(&w->rnd, 2));
}

static void random_operations_agree_with_a_model(void **state)
{
    (void)state;
    struct world *w = calloc(1, sizeof *w);
    const char *chosen = getenv("SEED"), *steps = getenv("STEPS");
    uint64_t seed = chosen ? strtoull(chosen, NULL, 10) : 20240607;
    long count = steps ? strtol(steps, NULL, 10) : STEPS;
    int64_t blocks = mem_blocks();
    print_message("seed %llu\n", (unsigned long long)seed);
    rnd_seed(&w->rnd, seed);
    w->memory = memory_fs_new();
    fault_fs_init(&w->disk, memory_fs_ops(w->memory));
    engine_model_init(&w->model);
    open_engine(w);
    for (long i = 0; i < count; i++) {
        enum err e;
        random_step(w);
        int64_t series = 1 + (int64_t)rnd_below(&w->rnd, MODEL_SERIES);
        if (!engine_model_agrees(&w->model, w->t, series, &w->rnd, &e) || e)
            fail_msg("step %ld, seed %llu: %s", i, (unsigned long long)seed, err_name(e));
        if (i % 100 == 0 && (!engine_model_agrees_all(&w->model, w->t, &e) || e))
            fail_msg("step %ld, seed %llu: %s", i, (unsigned long long)seed, err_name(e));
    }
    reopen(w, false);
    enum err e;
    assert_true(engine_model_agrees_all(&w->model, w->t, &e));
    w->t->ops->close(w->t);
    memory_fs_free(w->memory);
    free(w);
    assert_int_equal(mem_blocks(), blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_operations_agree_with_a_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
