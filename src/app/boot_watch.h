#pragma once
/* app/boot_watch.h -- who looks at how the server does, tells somebody, and knows what to do about
 * it: thresholds, trends, recommendations. It looks at all the others, so it comes behind them.
 * Threads: the main thread; apply() also the one that changes the configuration.
 * Memory: struct boot_watch owns its parts. */
#include "api/app.h"
#include "app/admin.h"
#include "app/settings.h"
#include "pilot/advice.h"

struct postgres_pool;

struct boot_watch {
    struct thresholds thresholds;
    struct trends trends;
    struct watch *watch;
    struct advice advice;
    bool opened;
};

/* Behind the alerts and the executors. pool: NULL for an embedded store; dir: of that one. */
enum err boot_watch_open(struct boot_watch *b, struct app *app, const struct settings *s,
                         struct postgres_pool *pool, const char *dir) MUST_CHECK;
/* Recommendations may be applied from then on. */
void boot_watch_take_admin(struct boot_watch *b, struct admin *admin);
/* LIVE keys. */
void boot_watch_apply(struct boot_watch *b, const struct settings *s);
/* Keeps the minute under way. Twice is fine. */
void boot_watch_close(struct boot_watch *b);
