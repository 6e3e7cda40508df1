/* /api/v1/pilot/performance: what operators see, and what they may do by hand. Documents of this
 * part are bare, as its clients know them. */
#include "api/app.h"
#include "api/handlers_performance.h"
#include "api/ingest_call.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "pilot/performance.h"
#include "pilot/slow_queries.h"
#include "service/performance_service.h"

/* False: it is switched off, and the answer is given. */
static bool is_on(struct api_call *c, bool metrics)
{
    struct performance *p = c->app->performance;
    if (!atomic_load(&p->enabled)) {
        api_problem(c, 404, "The performance layer is switched off (pilot.performance.enabled).");
        return false;
    }
    if (!metrics || atomic_load(&p->metrics_enabled)) return true;
    api_problem(c, 404,
                "The metrics document is switched off (pilot.performance.metrics-enabled).");
    return false;
}

/* GET …/metrics */
void performance_api_metrics(struct api_call *c)
{
    if (!is_on(c, true)) return;
    const struct performance_traffic traffic = {
        .points_last_hour = ingest_metrics_last_hour(c->app->ingest_metrics),
    };
    enum err e = performance_write_metrics(c->app->performance, &traffic, !c->on_loop, c->body);
    if (e == ERR_MORE) /* not in memory: asked for where that may take its time */
        api_offload(c, ON_ASYNC);
    else if (e)
        api_fail(c, e, NULL);
    else
        api_ok(c, 200);
}

static void write_check(struct buf *b, const char *name, const struct performance_check *check)
{
    json_write_key(b, name);
    json_write_open(b, '{');
    json_write_member_bool(b, "healthy", check->healthy);
    json_write_member_text(b, "message", check->message);
    json_write_close(b, '}');
}

/* GET …/health */
void performance_api_health(struct api_call *c)
{
    struct performance_health h;
    struct buf *b = c->body;
    if (!is_on(c, false)) return;
    int64_t begun_ns = clock_mono_ns(c->app->clock);
    performance_read_health(c->app->performance, &h);
    json_write_open(b, '{');
    json_write_member_bool(b, "healthy", h.status != PERFORMANCE_DOWN);
    json_write_member_text(b, "status", performance_status_name(h.status));
    json_write_key(b, "checks");
    json_write_open(b, '{');
    write_check(b, "database", &h.database);
    write_check(b, "redis", &h.redis);
    write_check(b, "memory", &h.memory);
    write_check(b, "performance", &h.performance);
    json_write_close(b, '}');
    json_write_member_time(b, "timestamp", clock_wall_ns(c->app->clock));
    json_write_member_number(b, "responseTimeMs",
                             (double)(clock_mono_ns(c->app->clock) - begun_ns) / 1e6);
    json_write_close(b, '}');
    api_ok(c, h.status == PERFORMANCE_DOWN ? 503 : 200);
}

/* GET …/cache/stats */
void performance_api_caches(struct api_call *c)
{
    if (!is_on(c, false)) return;
    performance_write_caches(c->app->performance, c->body);
    api_ok(c, 200);
}

static void write_status(struct buf *b, const char *status, const char *message)
{
    json_write_open(b, '{');
    json_write_member_text(b, "status", status);
    json_write_member_text(b, "message", message);
}

/* Old clients look for `status` and `message`, not for a problem document. */
static void refuse_cache(struct api_call *c)
{
    write_status(c->body, "error", "There is no cache of that name; GET /cache/stats lists them.");
    json_write_close(c->body, '}');
    api_ok(c, 400);
}

/* DELETE …/cache/{name} */
void performance_api_clear(struct api_call *c)
{
    enum cache_id id;
    struct performance_cleared cleared;
    const struct actor actor = service_call_actor(c);
    if (!is_on(c, false)) return;
    if (!cache_find(c->params[0], &id)) {
        refuse_cache(c);
        return;
    }
    enum err e = performance_service_clear(c->app->performance_service, &actor, id, &cleared);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    write_status(c->body, "success", "The cache is empty; what is asked for is read again.");
    json_write_member_time(c->body, "clearedAt", cleared.at_ns);
    json_write_member_u64(c->body, "previousSize", cleared.entries);
    json_write_close(c->body, '}');
    api_ok(c, 200);
}

/* DELETE …/cache */
void performance_api_clear_all(struct api_call *c)
{
    struct performance_cleared cleared;
    const struct actor actor = service_call_actor(c);
    struct buf *b = c->body;
    if (!is_on(c, false)) return;
    enum err e =
        performance_service_clear(c->app->performance_service, &actor, CACHE_IDS, &cleared);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    write_status(b, "success", "All caches are empty; what is asked for is read again.");
    json_write_key(b, "clearedCaches");
    json_write_open(b, '[');
    for (int i = 0; i < CACHE_IDS; i++)
        json_write_string(b, bytes_str(cache_name((enum cache_id)i)));
    json_write_close(b, ']');
    json_write_member_time(b, "clearedAt", cleared.at_ns);
    json_write_close(b, '}');
    api_ok(c, 200);
}

/* POST …/telemetry/flush */
void performance_api_flush(struct api_call *c)
{
    struct performance_flushed f;
    const struct actor actor = service_call_actor(c);
    struct buf *b = c->body;
    if (!is_on(c, false)) return;
    enum err e = performance_service_flush(c->app->performance_service, &actor, &f);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    write_status(b, "success", "Every record that was pending is durable.");
    json_write_member_u64(b, "pendingRecords", f.pending);
    json_write_member_u64(b, "activeBatches", f.active);
    json_write_member_u64(b, "batchSize", f.batch_records);
    json_write_member_time(b, "flushedAt", f.at_ns);
    json_write_member_number(b, "processingTimeMs", (double)f.took_ns / 1e6);
    json_write_close(b, '}');
    api_ok(c, 200);
}

/* GET …/slow-queries?hours=24 */
void performance_api_slow_queries(struct api_call *c)
{
    int64_t hours = 24;
    struct bytes text = api_query(c, "hours");
    if (!is_on(c, false)) return;
    if (text.n && (!bytes_to_i64(text, &hours) || hours < 1 || hours > SLOW_QUERIES_HOURS_MAX)) {
        api_problem(c, 400, "hours may be 1 to %d.", SLOW_QUERIES_HOURS_MAX);
        return;
    }
    slow_queries_write(c->app->performance, (int)hours, c->body);
    api_ok(c, 200);
}
