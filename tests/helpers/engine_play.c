/* Playing an engine (see engine_play.h). */
#include "engine_play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void engine_play_init(struct engine_play *p, const struct fs *fs, uint64_t seed)
{
    *p = (struct engine_play){.fs = fs};
    rnd_seed(&p->rnd, seed);
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&p->mutex, &recursive);
    pthread_mutexattr_destroy(&recursive);
    p->before = malloc(sizeof *p->before);
    p->after = malloc(sizeof *p->after);
    engine_model_init(p->before);
    engine_model_init(p->after);
}

void engine_play_done(struct engine_play *p)
{
    free(p->before);
    free(p->after);
    pthread_mutex_destroy(&p->mutex);
}

enum err engine_play_open_at(const struct fs *fs, struct telemetry **ret, struct why *why)
{
    const struct engine_opts opts = {"/d", fs, clock_real(), UINT64_C(1) << 20, UINT64_C(8) << 10};
    return engine_open(ret, &opts, why);
}

enum err engine_play_open(struct engine_play *p)
{
    struct why why = {""};
    return engine_play_open_at(p->fs, &p->t, &why);
}

void engine_play_close(struct engine_play *p)
{
    if (p->t) p->t->ops->close(p->t);
    p->t = NULL;
}

static void done(struct engine_play *p)
{
    pthread_mutex_lock(&p->mutex);
    memcpy(p->before, p->after, sizeof *p->before);
    pthread_mutex_unlock(&p->mutex);
}

static enum err write_some(struct engine_play *p)
{
    struct model_group g;
    const struct record_set *sets[] = {&g.set};
    struct why why;
    engine_model_group(&g, &p->rnd, (int)rnd_below(&p->rnd, MODEL_SLOTS - 100), 100);
    pthread_mutex_lock(&p->mutex);
    engine_model_apply(p->after, &g.set);
    pthread_mutex_unlock(&p->mutex);
    return telemetry_write(p->t, sets, 1, &why);
}

static enum err retain_some(struct engine_play *p)
{
    uint64_t dropped;
    int64_t org = 1 + (int64_t)rnd_below(&p->rnd, 2);
    int64_t raw = engine_model_time((int)rnd_below(&p->rnd, MODEL_SLOTS / 3));
    pthread_mutex_lock(&p->mutex);
    engine_model_retain(p->after, org, raw, INT64_MIN);
    pthread_mutex_unlock(&p->mutex);
    return p->t->ops->retain(p->t, org, raw, INT64_MIN, &dropped);
}

static enum err purge_some(struct engine_play *p)
{
    int64_t device = 1 + (int64_t)rnd_below(&p->rnd, MODEL_DEVICES);
    int64_t org = engine_model_org(device);
    pthread_mutex_lock(&p->mutex);
    engine_model_purge(p->after, org, device);
    pthread_mutex_unlock(&p->mutex);
    return p->t->ops->purge_device(p->t, org, device);
}

enum err engine_play_step(struct engine_play *p)
{
    uint64_t dice = rnd_below(&p->rnd, 100);
    enum err e = ERR_OK;
    p->writing = dice < 70;
    if (dice < 70)
        e = write_some(p);
    else if (dice < 84)
        e = p->t->ops->seal(p->t);
    else if (dice < 96)
        e = p->t->ops->maintain(p->t);
    else if (dice < 98)
        e = retain_some(p);
    else
        e = purge_some(p);
    if (!e) done(p);
    return e;
}

static bool agrees(const struct engine_model *m, struct telemetry *t)
{
    enum err e;
    return engine_model_agrees_all(m, t, &e) && !e;
}

int engine_play_shows(struct engine_play *p, struct telemetry *t)
{
    pthread_mutex_lock(&p->mutex);
    engine_model_be_quiet(true);
    int shows = (agrees(p->before, t) ? 1 : 0) | (agrees(p->after, t) ? 2 : 0);
    engine_model_be_quiet(false);
    if (!shows) {
        fprintf(stderr, "against what was acknowledged:\n");
        agrees(p->before, t);
        fprintf(stderr, "against what was under way:\n");
        agrees(p->after, t);
    }
    pthread_mutex_unlock(&p->mutex);
    return shows;
}

bool engine_play_settle(struct engine_play *p, struct telemetry *t)
{
    int shows = engine_play_shows(p, t);
    pthread_mutex_lock(&p->mutex);
    if (shows & 1)
        memcpy(p->after, p->before, sizeof *p->after);
    else
        memcpy(p->before, p->after, sizeof *p->before);
    pthread_mutex_unlock(&p->mutex);
    return shows != 0;
}
