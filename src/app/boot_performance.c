/* The performance layer's part of the start order (see boot_performance.h). */
#include "app/boot_performance.h"

#include "app/boot_cache.h"
#include "build_info.h"
#include "perf/probe.h"

/* Of the three executors: what work waits for a thread, and what it runs. */
static struct pool_probes {
    const char *pool;
    struct probe wait, run;
} pools[] = {
    {"async", PROBE_INIT(PROBE_TASK, "async.wait"), PROBE_INIT(PROBE_TASK, "async.run")},
    {"telemetry", PROBE_INIT(PROBE_TASK, "telemetry.wait"),
     PROBE_INIT(PROBE_TASK, "telemetry.run")},
    {"analytics", PROBE_INIT(PROBE_TASK, "analytics.wait"),
     PROBE_INIT(PROBE_TASK, "analytics.run")},
};

static void note_work(void *ctx, int64_t waited_ns, int64_t ran_ns)
{
    struct pool_probes *p = ctx;
    probe_note_took(&p->wait, waited_ns, ERR_OK);
    probe_note_took(&p->run, ran_ns, ERR_OK);
}

void boot_performance_watch(struct executor_opts *opts)
{
    size_t i = 0;
    while (strcmp(pools[i].pool, opts->name) != 0) i++; /* a fourth one stands in the table first */
    opts->ran = note_work;
    opts->ran_ctx = &pools[i];
}

void boot_performance_apply(struct boot_performance *b, const struct settings *s)
{
    const struct performance_settings settings = {
        .enabled = s->performance_enabled,
        .metrics_enabled = s->performance_metrics,
        .slow_query_ns = s->slow_query_ns,
        .response_ns = s->response_time_ns,
    };
    performance_configure(&b->performance, &settings);
}

enum err boot_performance_open(struct boot_performance *b, struct app *app,
                               const struct settings *s, struct postgres_pool *pool,
                               struct why *why)
{
    b->performance = (struct performance){
        .clock = app->clock,
        .db = app->db,
        .telemetry = app->telemetry,
        .registry = app->registry,
        .cache = app->cache,
        .batch = app->batch,
        .async = app->async,
        .telemetry_pool = app->telemetry_pool,
        .analytics = app->analytics,
        .quota = app->quota,
        .pool = pool,
        .redis_timeout_ns = s->redis_timeout_ns,
        .started_mono_ns = app->started_mono_ns,
        .version = BUILD_VERSION,
        .compiler = "C17, " BUILD_COMPILER,
    };
    b->service = (struct performance_service){
        .db = app->db,
        .cache = app->cache,
        .batch = app->batch,
        .clock = app->clock,
    };
    performance_open(&b->performance);
    b->opened = true;
    app->performance = &b->performance;
    app->performance_service = &b->service;
    boot_performance_apply(b, s);
    return boot_cache_find_redis(s, &b->performance.redis, &b->performance.has_redis, why);
}

void boot_performance_close(struct boot_performance *b)
{
    if (b->opened) performance_close(&b->performance);
    b->opened = false;
}
