/* R6: one flipped bit anywhere in any file of a small store, stopped cleanly or killed: the damage
 * is reported, by open, by a call or by verify, or it is harmless; never is there a wrong
 * answer. */
#include "base/mem.h"
#include "engine_play.h"
#include "memory_fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#ifdef SV_DEBUG
#define FLIPS 1500 /* sanitizers: the same code, fewer times */
#else
#define FLIPS 20000
#endif

struct flips {
    struct memory_fs *disk;
    struct engine_play play;
    struct rnd rnd;
    long flips, refused, detected, harmless, wrong, unverified;
    bool named; /* the last verify named a file */
};

/* A life that ends with something of everything: raw and rollup files, a cutoff, a log. */
static void make_store(struct flips *f, uint64_t seed, bool kill)
{
    struct memory_fs *disk = memory_fs_new();
    engine_play_init(&f->play, memory_fs_ops(disk), seed);
    assert_int_equal(engine_play_open(&f->play), ERR_OK);
    for (int i = 0; i < 60; i++) assert_int_equal(engine_play_step(&f->play), ERR_OK);
    f->disk = kill ? memory_fs_after_kill(disk) : NULL;
    engine_play_close(&f->play);
    if (kill)
        memory_fs_free(disk);
    else
        f->disk = disk;
}

static void count_damage(void *ctx, const char *file, int64_t offset, const char *what)
{
    struct flips *f = ctx;
    (void)offset;
    f->named = file[0] && what[0];
}

static size_t total_bytes(struct memory_fs *disk)
{
    size_t total = 0, bytes;
    const char *path;
    for (size_t i = 0; memory_fs_file(disk, i, &bytes, &path); i++) total += bytes;
    return total;
}

static unsigned char *byte_at(struct memory_fs *disk, size_t at, const char **ret_path)
{
    size_t bytes;
    for (size_t i = 0;; i++) {
        unsigned char *p = memory_fs_file(disk, i, &bytes, ret_path);
        if (at < bytes) return p + at;
        at -= bytes;
    }
}

/* Opens the damaged store and asks everything. True: something reported the damage. */
static bool ask(struct flips *f, struct memory_fs *damaged, const char *path, size_t at)
{
    struct telemetry *t = NULL;
    struct why why = {""};
    enum err e = engine_play_open_at(memory_fs_ops(damaged), &t, &why);
    if (e) {
        f->refused++;
        return true;
    }
    if (!engine_model_agrees_all(f->play.before, t, &e)) {
        f->wrong++;
        fprintf(stderr, "a wrong answer: bit %zu, %s\n", at, path);
    }
    if (e) f->detected++;
    t->ops->close(t);
    return e != ERR_OK;
}

static void flip_one(struct flips *f, size_t bit)
{
    const char *path;
    struct memory_fs *damaged = memory_fs_after_kill(f->disk);
    *byte_at(damaged, bit / 8, &path) ^= (unsigned char)(1 << bit % 8);
    f->named = false;
    enum err verdict = engine_verify("/d", memory_fs_ops(damaged), count_damage, f);
    bool reported = ask(f, damaged, path, bit);
    if (!reported) f->harmless++;
    /* What a call reports, verify must report too, with its place. */
    if (reported && (verdict != ERR_CORRUPT || !f->named) && verdict != ERR_VERSION) {
        f->unverified++;
        fprintf(stderr, "verify does not see bit %zu, %s\n", bit, path);
    }
    memory_fs_free(damaged);
    f->flips++;
}

static void flip_many(struct flips *f, bool kill, long count)
{
    make_store(f, kill ? 11 : 12, kill);
    size_t bits = total_bytes(f->disk) * 8;
    for (long i = 0; i < count; i++) flip_one(f, (size_t)rnd_below(&f->rnd, bits));
    memory_fs_free(f->disk);
    engine_play_done(&f->play);
}

static void a_flipped_bit_is_detected_or_harmless(void **state)
{
    (void)state;
    struct flips f = {0};
    const char *seed = getenv("SEED");
    uint64_t chosen = seed ? strtoull(seed, NULL, 10) : 99;
    long count = getenv("SV_LONG") ? 1000000 : FLIPS;
    int64_t blocks = mem_blocks();
    print_message("seed %llu\n", (unsigned long long)chosen);
    rnd_seed(&f.rnd, chosen);
    flip_many(&f, false, count / 2);
    flip_many(&f, true, count / 2);
    print_message(
        "%ld flips: %ld refused at open, %ld reported by a call, %ld harmless, %ld wrong\n",
        f.flips, f.refused, f.detected, f.harmless, f.wrong);
    assert_int_equal(f.wrong, 0);
    assert_int_equal(f.unverified, 0);
    assert_true(f.refused > 0 && f.detected > 0);
    assert_int_equal(mem_blocks(), blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_flipped_bit_is_detected_or_harmless)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
