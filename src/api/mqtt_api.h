#pragma once
/* api/mqtt_api.h -- MQTT on this server: who may connect, publish and subscribe, and the way of a
 * message through the same decode -> admit -> batch -> write as a request of HTTP.
 *
 *   on_publish ──> decode ──> admit ──> the loop's open group ── end of turn ──> batch_submit
 *                               └ something is new: on an executor      │ durable
 *   PUBACK, PUBREC <── mqtt_settle <── inbox of the loop, one wake-up <─┘
 *
 * Threads: start and stop the main thread, stats any.   Memory: owns its groups; the app is
 * borrowed and outlives it. */
#include "api/app.h"
#include "net/mqtt_server.h"

struct mqtt_api;
struct mqtt_api_opts {
    struct mqtt_server_opts server;
    /* A message without a token counts as this organisation's (mqtt.device-auth-required=false); 0:
     * every message needs one, at CONNECT or as apiToken. */
    int64_t open_org;
};
enum err mqtt_api_start(struct mqtt_api **ret, struct app *app, const struct mqtt_api_opts *opts,
                        struct why *why) MUST_CHECK;
uint16_t mqtt_api_port(const struct mqtt_api *api);
uint16_t mqtt_api_tls_port(const struct mqtt_api *api); /* 0: none */
struct mqtt_api_stats {
    struct mqtt_server_stats server;
    uint64_t messages, refused; /* telemetry messages taken; publishes refused or dropped */
};
void mqtt_api_read_stats(struct mqtt_api *api, struct mqtt_api_stats *ret);
/* Once a second: asks again for commands where an executor was full. */
void mqtt_api_check(struct mqtt_api *api);
/* Before the executors and the batch pipeline end, and after whoever calls check. NULL is fine. */
void mqtt_api_stop(struct mqtt_api *api, int64_t timeout_ns);
void mqtt_api_free(struct mqtt_api *api); /* after stop; NULL is fine */
