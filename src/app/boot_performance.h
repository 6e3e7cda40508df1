#pragma once
/* app/boot_performance.h -- the performance layer's part of the start order: it looks at all the
 * others, so it comes behind them.
 * Threads: the main thread; apply() also the one that changes the configuration.   Memory: struct
 * boot_performance owns its parts. */
#include "api/app.h"
#include "app/settings.h"
#include "pilot/performance.h"
#include "service/performance_service.h"

struct postgres_pool;

struct boot_performance {
    struct performance performance;
    struct performance_service service;
    bool opened;
};

/* Behind the executors, before requests come. pool: NULL for an embedded store. */
enum err boot_performance_open(struct boot_performance *b, struct app *app,
                               const struct settings *s, struct postgres_pool *pool,
                               struct why *why) MUST_CHECK;
void boot_performance_close(struct boot_performance *b); /* also of one that was not opened */
/* Each piece of work of an executor is counted under its name. */
void boot_performance_watch(struct executor_opts *opts);
/* LIVE keys. */
void boot_performance_apply(struct boot_performance *b, const struct settings *s);
