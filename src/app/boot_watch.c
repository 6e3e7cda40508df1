/* The watch's part of the start order (see boot_watch.h). */
#include "app/boot_watch.h"

#include "base/log.h"
#include "pilot/performance.h"
#include "pilot/process_figures.h"

static enum err set_config(void *admin, const char *key, const char *value,
                           const struct actor *actor, struct why *why)
{
    return admin_set_config(admin, key, value, actor, why);
}

static enum err get_config(void *admin, const char *key, struct arena *a, struct bytes *ret_value,
                           bool *ret_live)
{
    return admin_get_override(admin, key, a, ret_value, ret_live);
}

void boot_watch_apply(struct boot_watch *b, const struct settings *s)
{
    const struct threshold_limits limits[THRESHOLD_IDS] = {
        [THRESHOLD_SLOW_QUERY] = {.limit = (double)s->slow_query_ns / 1e6,
                                  .hold_ns = s->slow_query_hold_ns,
                                  .clear_ns = s->slow_query_hold_ns},
        [THRESHOLD_CACHE_HITS] = {.below = true,
                                  .limit = s->cache_hit_ratio,
                                  .hold_ns = s->cache_hit_hold_ns,
                                  .clear_ns = s->cache_hit_hold_ns},
        [THRESHOLD_MEMORY] = {.limit = s->memory_usage_ratio,
                              .hold_ns = s->memory_hold_ns,
                              .clear_ns = s->memory_hold_ns},
        [THRESHOLD_RESPONSE] = {.limit = (double)s->response_time_ns / 1e6,
                                .hold_ns = s->response_hold_ns,
                                .clear_ns = s->response_hold_ns},
    };
    const struct watch_settings watched = {
        .step_ns = s->watch_step_ns,
        .retention_cost_bytes = s->retention_cost_bytes,
        .batch_records = s->batch_records,
        .queue_records = s->queue_records,
        .cache_max_bytes = s->cache_max_bytes,
        .pool_max = s->postgres_max,
    };
    thresholds_set_limits(&b->thresholds, limits);
    watch_configure(b->watch, &watched);
}

enum err boot_watch_open(struct boot_watch *b, struct app *app, const struct settings *s,
                         struct postgres_pool *pool, const char *dir)
{
    const struct watch_parts parts = {
        .clock = app->clock,
        .db = app->db,
        .telemetry = app->telemetry,
        .cache = app->cache,
        .batch = app->batch,
        .registry = app->registry,
        .retention = app->retention,
        .analytics = app->numbers,
        .pool = pool,
        .thresholds = &b->thresholds,
        .trends = &b->trends,
        .dir = pool ? NULL : dir,
        .memory_ratio = process_figures_memory_ratio,
    };
    thresholds_init(&b->thresholds, app->db, app->alerts, app->clock, app->rnd);
    trends_init(&b->trends, app->db);
    b->opened = true;
    enum err e = watch_new(&b->watch, &parts);
    if (e) return e;
    boot_watch_apply(b, s);
    b->advice = (struct advice){.watch = b->watch, .db = app->db, .clock = app->clock};
    app->thresholds = app->performance->thresholds = &b->thresholds;
    app->trends = &b->trends;
    app->watch = b->watch;
    app->advice = &b->advice;
    return ERR_OK;
}

void boot_watch_take_admin(struct boot_watch *b, struct admin *admin)
{
    b->advice.config = (struct advice_config){admin, set_config, get_config};
}

void boot_watch_close(struct boot_watch *b)
{
    if (!b->opened) return;
    enum err e = trends_flush(&b->trends);
    if (e) LOG(LOG_WARN, "last_minute_of_trends_not_kept", LOG_S("why", err_sentence(e)));
    watch_free(b->watch);
    trends_done(&b->trends);
    thresholds_done(&b->thresholds);
    *b = (struct boot_watch){.opened = false};
}
