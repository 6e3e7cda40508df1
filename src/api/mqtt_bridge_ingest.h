#pragma once
/* api/mqtt_bridge_ingest.h -- telemetry that arrives on somebody else's broker (mqtt.broker.url). A
 * message proves itself by its apiToken (the broker's own accounts prove nothing here), or needs no
 * proof with mqtt.device-auth-required=false. What is refused is acknowledged and counted: the
 * broker would send it for ever; what the store could not take is not.
 * Threads: start and stop the main thread; the rest the bridge's own.   Memory: bounded by what is
 * gathered at once (net/mqtt_bridge.c). */
#include "api/mqtt_api.h"

struct mqtt_bridge_ingest;
/* open_org: as mqtt_api_opts. */
enum err mqtt_bridge_ingest_start(struct mqtt_bridge_ingest **ret, struct app *app, const char *url,
                                  int64_t open_org, struct why *why) MUST_CHECK;
void mqtt_bridge_ingest_stop(struct mqtt_bridge_ingest *b); /* NULL is fine */
/* Another server leads, or this one. Any thread; NULL is fine. */
void mqtt_bridge_ingest_look(struct mqtt_bridge_ingest *b);
struct mqtt_bridge_stats {
    bool wanted; /* by this server: of several the one that leads reads the broker */
    bool connected;
    uint64_t messages, refused;
};
void mqtt_bridge_ingest_read(struct mqtt_bridge_ingest *b, struct mqtt_bridge_stats *ret);
