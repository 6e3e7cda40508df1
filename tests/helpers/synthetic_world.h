#pragma once
/* tests/helpers/synthetic_world.h -- synthetic variables on a real catalog and the simplest store.
 * The test is the tap's thread: it writes readings and decides what of them the engine is shown; a
 * thread of the world's writes the results, or refuses them.
 * Threads: one test.   Memory: the test owns the struct. */
#include "rules/synthetics.h"
#include "service/synthetic_service.h"
#include "service_world.h"

#include <pthread.h>

enum { SYNTHETIC_WORLD_SETS = 64 };

struct synthetic_world {
    struct service_world w;
    struct telemetry *telemetry;
    struct synthetics *engine;
    struct synthetic_service service;
    struct actor actor;
    struct reg_device *device;
    bool finishing;

    pthread_t writer;
    pthread_mutex_t store_lock; /* one writer at once */
    pthread_mutex_t lock;       /* guards the rest */
    pthread_cond_t came;
    struct synthetic_set *queue[SYNTHETIC_WORLD_SETS];
    size_t queued, away; /* away: not answered yet */
    enum err refuses;    /* results that come from now on */
    bool ends;
};

void synthetic_world_open(struct synthetic_world *w); /* with a user and the device "pump" */
void synthetic_world_close(struct synthetic_world *w);
/* The engine alone: results on their way are refused. window_bytes: 0 = as the server. */
void synthetic_world_end(struct synthetic_world *w);
void synthetic_world_start(struct synthetic_world *w, size_t window_bytes);
/* What was not saved is gone. */
void synthetic_world_crash(struct synthetic_world *w);
/* The same after a stop in good order. */
void synthetic_world_restart(struct synthetic_world *w);
/* Results are refused with e from now on, or written again (ERR_OK). */
void synthetic_world_refuse(struct synthetic_world *w, enum err e);
/* A second passes and the tap is empty, so often. */
void synthetic_world_idle(struct synthetic_world *w, int turns);
/* Until nothing is owed. */
void synthetic_world_settle(struct synthetic_world *w);

/* One record, durable: names[i] = values[i] where that is a number. shown: to the engine, too. */
void synthetic_world_send(struct synthetic_world *w, int64_t ts_ns, const char *const *names,
                          const double *values, size_t n, bool shown);
void synthetic_world_send_one(struct synthetic_world *w, int64_t ts_ns, const char *name,
                              double value);
struct synthetic synthetic_world_make(struct synthetic_world *w, const char *name,
                                      const char *expression);
/* All of a variable, at most cap; expect: exactly these. */
size_t synthetic_world_read(struct synthetic_world *w, const char *name, struct sample *ret,
                            size_t cap);
void synthetic_world_expect(struct synthetic_world *w, const char *name,
                            const struct sample *wanted, size_t n);
