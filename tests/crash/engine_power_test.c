/* R3: the power goes at any instant. The disk keeps what was synced and any part of the rest; every
 * image must open, show all that was acknowledged, nothing that was not written, no wrong value. */
#include "engine_play.h"
#include "memory_fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#ifdef SV_DEBUG
#define IMAGES 600 /* sanitizers: the same code, fewer times */
#else
#define IMAGES 5000
#endif

struct cut {
    struct engine_play play;
    struct rnd rnd; /* the disk's; used under the disk's lock */
    uint64_t seed;
    long images, wanted, refused, wrong;
    unsigned one_in; /* operations between two cuts, about */
};

/* Opens what the power left; what it shows must be in `allowed` (see engine_play_shows). */
static int check_image(struct cut *c, struct memory_fs *image, const char *kind, int allowed)
{
    struct telemetry *t = NULL;
    struct why why = {""};
    enum err e = engine_play_open_at(memory_fs_ops(image), &t, &why);
    c->images++;
    if (e) {
        c->refused++;
        fprintf(stderr, "%s, image %ld, seed %llu: %s\n", kind, c->images,
                (unsigned long long)c->seed, why.text);
        return 0;
    }
    int shows = engine_play_shows(&c->play, t) & allowed;
    if (!shows) {
        c->wrong++;
        fprintf(stderr, "%s, image %ld, seed %llu: wrong\n", kind, c->images,
                (unsigned long long)c->seed);
    }
    if (rnd_below(&c->rnd, 4) == 0) {
        /* And again, at once: what was shown stays. */
        struct memory_fs *next = memory_fs_after_power_loss(image, &c->rnd);
        check_image(c, next, "power loss after a start", shows);
        memory_fs_free(next);
    }
    t->ops->close(t);
    return shows;
}

static void cut_power(void *ctx, struct memory_fs *disk)
{
    struct cut *c = ctx;
    if (c->images >= c->wanted || rnd_below(&c->rnd, c->one_in)) return;
    bool killed = rnd_below(&c->rnd, 3) == 0;
    struct memory_fs *image =
        killed ? memory_fs_after_kill(disk) : memory_fs_after_power_loss(disk, &c->rnd);
    pthread_mutex_lock(&c->play.mutex); /* the operation under way stays that */
    check_image(c, image, killed ? "kill" : "power loss", 3);
    pthread_mutex_unlock(&c->play.mutex);
    memory_fs_free(image);
}

/* One life from an empty disk; reopened now and then, cleanly. */
static void live_once(struct cut *c)
{
    struct memory_fs *disk = memory_fs_new();
    engine_play_init(&c->play, memory_fs_ops(disk), c->seed);
    rnd_seed(&c->rnd, c->seed + 1);
    memory_fs_hook(disk, cut_power, c);
    assert_int_equal(engine_play_open(&c->play), ERR_OK);
    for (int step = 0; step < 150 && c->images < c->wanted; step++) {
        assert_int_equal(engine_play_step(&c->play), ERR_OK);
        if (rnd_below(&c->play.rnd, 40)) continue;
        engine_play_close(&c->play);
        assert_int_equal(engine_play_open(&c->play), ERR_OK);
    }
    engine_play_close(&c->play);
    engine_play_done(&c->play);
    memory_fs_free(disk);
}

static void every_image_after_power_loss_opens_and_is_right(void **state)
{
    (void)state;
    struct cut *c = calloc(1, sizeof *c);
    const char *images = getenv("IMAGES"), *seed = getenv("SEED"), *is_long = getenv("SV_LONG");
    c->wanted = images ? strtol(images, NULL, 10) : is_long ? 100000 : IMAGES;
    c->seed = seed ? strtoull(seed, NULL, 10) : 1;
    c->one_in = 8;
    while (c->images < c->wanted) {
        live_once(c);
        c->seed += 2;
    }
    print_message("%ld images: %ld refused, %ld wrong\n", c->images, c->refused, c->wrong);
    assert_int_equal(c->refused, 0);
    assert_int_equal(c->wrong, 0);
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_image_after_power_loss_opens_and_is_right)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
