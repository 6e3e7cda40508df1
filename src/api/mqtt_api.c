/* Who may connect and subscribe over MQTT, start and stop (see mqtt_api.h). */
#include "api/mqtt_api.h"

#include "api/mqtt_commands.h"
#include "api/mqtt_internal.h"
#include "api/mqtt_topic.h"
#include "base/log.h"
#include "base/mem.h"
#include "service/auth_service.h"

/* The password first: ThingsBoard's clients have only a user name, others put the device's name
 * there. A client without either proves itself by the apiToken of each message. */
static enum mqtt_reason identify(struct mqtt_api *api, const struct mqtt_connect *p,
                                 struct mqtt_client *client)
{
    const struct bytes given[] = {p->has_password ? p->password : bytes_of(NULL, 0),
                                  p->has_user ? p->user : bytes_of(NULL, 0)};
    if (!given[0].n && !given[1].n) return MQTT_SUCCESS;
    for (int i = 0; i < 2; i++) {
        struct principal who;
        if (!tokens_is_device(given[i])) continue;
        if (auth_service_authenticate_token(api->app->auth, given[i], &who)) continue;
        client->who = who;
        tokens_hash(given[i], client->token_hash);
        return MQTT_SUCCESS;
    }
    return MQTT_BAD_CREDENTIAL;
}

static enum mqtt_reason on_connect(void *ctx, struct mqtt_conn *c, const struct mqtt_connect *p,
                                   int64_t *ret_scope)
{
    struct mqtt_api *api = ctx;
    struct mqtt_client *client = mem_zalloc(sizeof *client);
    if (!client) return MQTT_UNAVAILABLE;
    *mqtt_user(c) = client;
    client->conn = c;
    client->api = api;
    enum mqtt_reason reason = identify(api, p, client);
    *ret_scope = client->who.org;
    return reason;
}

static void on_open(void *ctx, struct mqtt_conn *c)
{
    (void)ctx;
    mqtt_commands_subscribed(*mqtt_user(c)); /* by the session that was kept */
}

static void on_publish(void *ctx, struct mqtt_receipt *r, const struct mqtt_publish *p)
{
    struct mqtt_api *api = ctx;
    mqtt_ingest_publish(&api->lanes[mqtt_loop_of(r->conn)->index], r, p);
}

static void on_turn(void *ctx, unsigned loop)
{
    struct mqtt_api *api = ctx;
    mqtt_ingest_turn(&api->lanes[loop]);
}

/* Its own commands, nothing else: by name, so a filter with a wildcard is somebody else's too. */
static uint8_t on_subscribe(void *ctx, struct mqtt_conn *c, const struct mqtt_filter *f)
{
    struct mqtt_api *api = ctx;
    const struct mqtt_client *client = *mqtt_user(c);
    struct bytes device;
    enum mqtt_topic_kind kind = mqtt_topic_parse(f->topic, &device);
    if (kind != MQTT_TOPIC_COMMANDS || !mqtt_message_client_is_valid(api, client))
        return MQTT_NOT_AUTHORIZED;
    if (!bytes_equal(device, client->who.device->external_id)) return MQTT_NOT_AUTHORIZED;
    return f->options & 3 ? 1 : 0;
}

static void on_subscribed(void *ctx, struct mqtt_conn *c)
{
    (void)ctx;
    mqtt_commands_subscribed(*mqtt_user(c));
}

static void on_delivered(void *ctx, struct mqtt_conn *c, uint64_t tag)
{
    (void)ctx;
    mqtt_commands_delivered(*mqtt_user(c), tag);
}

static void on_gone(void *ctx, struct mqtt_conn *c)
{
    (void)ctx;
    mqtt_commands_gone(*mqtt_user(c));
}

static void on_closed(void *ctx, struct mqtt_conn *c)
{
    struct mqtt_client *client = *mqtt_user(c);
    (void)ctx;
    mem_free(client->commands);
    mem_free(client);
}

void mqtt_api_free(struct mqtt_api *api)
{
    if (!api) return;
    mqtt_commands_done(&api->commands);
    for (unsigned i = 0; i < api->lane_count; i++) mqtt_ingest_done(&api->lanes[i]);
    mem_free(api->lanes);
    mem_free(api);
}

enum err mqtt_api_start(struct mqtt_api **ret, struct app *app, const struct mqtt_api_opts *opts,
                        struct why *why)
{
    struct mqtt_api *api = mem_zalloc(sizeof *api);
    if (!api) return ERR_NOMEM;
    api->app = app;
    api->open_org = opts->open_org;
    api->lanes = mem_array(opts->server.loops, sizeof *api->lanes);
    if (api->lanes) api->lane_count = opts->server.loops;
    for (unsigned i = 0; i < api->lane_count; i++) {
        api->lanes[i].api = api;
        arena_init(&api->lanes[i].scratch, MQTT_SCRATCH_MAX);
        raw_batch_init(&api->lanes[i].raw, INGEST_VALUES_MAX, INGEST_VALUES_MAX);
    }
    const struct mqtt_handler handler = {
        .ctx = api,
        .on_connect = on_connect,
        .on_open = on_open,
        .on_publish = on_publish,
        .on_turn = on_turn,
        .on_subscribe = on_subscribe,
        .on_subscribed = on_subscribed,
        .on_delivered = on_delivered,
        .on_gone = on_gone,
        .on_closed = on_closed,
    };
    mqtt_commands_init(&api->commands, api);
    enum err e = api->lanes ? ERR_OK : ERR_NOMEM;
    if (!e) e = mqtt_server_start(&api->server, &opts->server, &handler, why);
    if (e) {
        mqtt_api_free(api);
        return e;
    }
    const struct command_watcher watcher = mqtt_commands_watcher(&api->commands);
    command_service_watch(app->commands, &watcher);
    *ret = api;
    return ERR_OK;
}

void mqtt_api_check(struct mqtt_api *api)
{
    mqtt_commands_check(&api->commands);
}

uint16_t mqtt_api_port(const struct mqtt_api *api)
{
    return mqtt_server_port(api->server);
}

uint16_t mqtt_api_tls_port(const struct mqtt_api *api)
{
    return mqtt_server_tls_port(api->server);
}

void mqtt_api_read_stats(struct mqtt_api *api, struct mqtt_api_stats *ret)
{
    mqtt_server_read_stats(api->server, &ret->server);
    ret->messages = counter_read(&api->app->ingest_metrics->messages_mqtt);
    ret->refused = counter_read(&api->refused);
}

void mqtt_api_stop(struct mqtt_api *api, int64_t timeout_ns)
{
    if (!api) return;
    mqtt_server_stop(api->server, timeout_ns);
    api->server = NULL;
}
