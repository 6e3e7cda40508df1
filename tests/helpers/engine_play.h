#pragma once
/* tests/helpers/engine_play.h -- a random life of an engine with a ledger beside it: what the store
 * must show if everything stopped now is `before`, or `after` when the operation under way had got
 * far enough. Crash suites cut it anywhere and compare.
 * Threads: one plays; engine_play_shows() any.   Memory: the caller owns the struct. */
#include "engine_model.h"
#include "store/embedded/engine.h"

#include <pthread.h>

struct engine_play {
    const struct fs *fs;
    struct telemetry *t; /* NULL while closed */
    struct rnd rnd;
    bool writing;                        /* the last step was a write */
    pthread_mutex_t mutex;               /* over the models */
    struct engine_model *before, *after; /* equal while nothing is under way; owned */
};

void engine_play_init(struct engine_play *p, const struct fs *fs, uint64_t seed);
void engine_play_done(struct engine_play *p);

enum err engine_play_open_at(const struct fs *fs, struct telemetry **ret, struct why *why);
enum err engine_play_open(struct engine_play *p);
void engine_play_close(struct engine_play *p);
/* One random operation: mostly writes, now and then a seal, a merge, a retention, a purge. */
enum err engine_play_step(struct engine_play *p);
/* The outcome of the operation that failed is not known: whichever the store shows from now on. */
bool engine_play_settle(struct engine_play *p, struct telemetry *t);

/* Which of the models does it show: 1 before, 2 after, 3 both (they are equal), 0 neither, and then
 * the difference is printed. */
int engine_play_shows(struct engine_play *p, struct telemetry *t);
