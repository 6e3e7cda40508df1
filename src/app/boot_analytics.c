/* Who makes the numbers anew, and when (see boot_analytics.h). */
#include "app/boot_analytics.h"

#include "app/boot.h"
#include "base/mem.h"
#include "store/analytics_rollups.h"
#include "store/postgres/postgres_analytics.h"

#define SLICE_NS (50 * NS_PER_MS) /* of every second, where a refresh can be cut */

enum err boot_analytics_open(struct boot *b)
{
    struct app *app = &b->app;
    const struct postgres_analytics_opts views = {
        .pool = b->store.pool,
        .clock = app->clock,
        .timeout_ns = b->settings.analytics_timeout_ns,
        .always = b->settings.postgres_citus, /* what is written elsewhere is not counted here */
    };
    const struct analytics_rollups_opts rollups = {
        .telemetry = b->store.telemetry,
        .registry = app->registry,
        .db = app->db,
        .clock = app->clock,
    };
    return b->store.pool ? postgres_analytics_new(&app->numbers, &views)
                         : analytics_rollups_new(&app->numbers, &rollups);
}

void boot_analytics_close(struct boot *b)
{
    analytics_close(b->app.numbers);
    b->app.numbers = NULL;
}

struct analytics_turns {
    struct work work; /* first */
    struct app *app;
    int64_t period_ns;
    int64_t due_ns;         /* monotonic; the thread that kicks */
    _Atomic bool under_way; /* set before the work is given away, cleared as its last step */
    _Atomic bool unfinished;
    _Atomic int failed; /* enum err of the last one; written before under_way is cleared */
};

static void run_turn(struct work *w)
{
    struct analytics_turns *t = (struct analytics_turns *)w;
    struct why why = {""};
    bool done = false;
    enum err e = analytics_refresh(t->app->numbers, false, SLICE_NS, &done, &why);
    if (e == ERR_FULL) e = ERR_OK; /* another server is at it */
    atomic_store(&t->unfinished, !e && !done);
    atomic_store(&t->failed, (int)e);
    atomic_store(&t->under_way, false);
}

enum err boot_analytics_kick(struct analytics_turns *t)
{
    int64_t now_ns = clock_mono_ns(t->app->clock);
    if (atomic_load(&t->under_way)) return ERR_OK;
    enum err before = (enum err)atomic_exchange(&t->failed, ERR_OK);
    if (now_ns < t->due_ns && !atomic_load(&t->unfinished)) return before;
    atomic_store(&t->under_way, true);
    if (executor_submit(t->app->analytics, &t->work))
        atomic_store(&t->under_way, false);
    else if (now_ns >= t->due_ns)
        t->due_ns = now_ns + t->period_ns;
    return before;
}

enum err boot_analytics_turns_new(struct analytics_turns **ret, struct app *app, int64_t period_ns)
{
    struct analytics_turns *t = mem_zalloc(sizeof *t);
    if (!t) return ERR_NOMEM;
    t->work.run = run_turn;
    t->app = app;
    t->period_ns = period_ns;
    *ret = t;
    return ERR_OK;
}

void boot_analytics_turns_free(struct analytics_turns *t)
{
    mem_free(t);
}
