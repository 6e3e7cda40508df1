/* Is every part breathing? The probes of an orchestrator and what a person asks first. */
#include "api/app.h"
#include "api/handlers.h"
#include "build_info.h"
#include "cache/cache.h"
#include "codec/json_write.h"
#include "store/nodes.h"

struct health {
    struct telemetry_stats store;
    struct batch_stats batch;
    bool up;
};

static struct health read_health(struct app *app)
{
    struct health h = {0};
    telemetry_read_stats(app->telemetry, &h.store);
    batch_read_stats(app->batch, &h.batch);
    h.up = h.store.writable;
    return h;
}

static void write_component(struct buf *b, const char *name, bool up, const char *detail_name,
                            const char *detail)
{
    json_write_key(b, name);
    json_write_open(b, '{');
    json_write_member_text(b, "status", up ? "UP" : "DOWN");
    json_write_key(b, "details");
    json_write_open(b, '{');
    json_write_member_text(b, detail_name, detail);
    json_write_close(b, '}');
    json_write_close(b, '}');
}

/* GET /actuator/health */
void health_get(struct api_call *c)
{
    const struct health h = read_health(c->app);
    struct buf *b = c->body;
    json_write_open(b, '{');
    json_write_member_text(b, "status", h.up ? "UP" : "DOWN");
    json_write_key(b, "components");
    json_write_open(b, '{');
    write_component(b, "db", h.store.writable, h.store.writable ? "store" : "reason",
                    h.store.writable ? c->app->telemetry->ops->name : h.store.unwritable_why);
    const struct cache_redis_figures redis = cache_read_redis(c->app->cache);
    if (redis.configured) /* away: requests go on, so it is no reason to be DOWN */
        write_component(b, "redis", redis.up, "cache", redis.up ? "redis" : "memory only");
    write_component(b, "ping", true, "answer", "pong");
    json_write_close(b, '}');
    json_write_close(b, '}');
    api_ok(c, h.up ? 200 : 503);
}

static void answer_state(struct api_call *c, bool up)
{
    json_write_open(c->body, '{');
    json_write_member_text(c->body, "status", up ? "UP" : "OUT_OF_SERVICE");
    json_write_close(c->body, '}');
    api_ok(c, up ? 200 : 503);
}

/* GET /actuator/health/liveness: the process answers; a restart would not help anything else. */
void health_liveness(struct api_call *c)
{
    answer_state(c, true);
}

/* GET /actuator/health/readiness: writes can be made durable. */
void health_readiness(struct api_call *c)
{
    answer_state(c, read_health(c->app).up);
}

/* GET /actuator/info */
void health_info(struct api_call *c)
{
    struct buf *b = c->body;
    json_write_open(b, '{');
    json_write_key(b, "app");
    json_write_open(b, '{');
    json_write_member_text(b, "name", "sensorvision");
    json_write_member_text(b, "version", BUILD_VERSION);
    json_write_close(b, '}');
    json_write_key(b, "git");
    json_write_open(b, '{');
    json_write_key(b, "commit");
    json_write_open(b, '{');
    json_write_member_text(b, "id", BUILD_COMMIT);
    json_write_close(b, '}');
    json_write_close(b, '}');
    json_write_key(b, "build");
    json_write_open(b, '{');
    json_write_member_text(b, "compiler", BUILD_COMPILER);
    json_write_close(b, '}');
    json_write_key(b, "nodes"); /* servers that share the store, this one included */
    json_write_open(b, '{');
    json_write_member_i64(b, "alive", nodes_alive(c->app->nodes));
    json_write_member_i64(b, "number", c->app->nodes ? c->app->nodes->number : 1);
    json_write_member_bool(b, "leads", nodes_lead(c->app->nodes));
    json_write_close(b, '}');
    json_write_close(b, '}');
    api_ok(c, 200);
}
