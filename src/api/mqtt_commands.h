#pragma once
/* api/mqtt_commands.h -- commands on their way to devices that subscribe to them.
 *
 *   committed (any thread) ──> the device's subscriber ──> its loop ──> executor: what waits?
 *        PUBLISH, QoS 1 <── loop <──────────────────────────────────────────┘
 *   PUBACK ──> executor: delivered; more?
 *
 * D1  a command is marked sent when it was handed to a connection and delivered when its PUBACK has
 *     come (with QoS 0: when it was handed over); what was sent and not acknowledged comes again,
 *     with DUP and its old packet id where the session was kept.
 * D2  oldest first, at most MQTT_SENT_MAX on their way to one client.
 * D3  of several connections of a device the one that subscribed last gets the commands.
 * D4  one look at the catalog per device at a time; a full executor is asked again by
 *     mqtt_commands_check().
 * Threads: committed and check any, the rest the connection's loop.   Memory: a client lives until
 * no job and no task of it is under way (mqtt_ref). */
#include "api/mqtt_internal.h"
#include "service/command_service.h"

void mqtt_commands_init(struct mqtt_commands *all, struct mqtt_api *api);
void mqtt_commands_done(struct mqtt_commands *all);
struct command_watcher mqtt_commands_watcher(struct mqtt_commands *all);
/* The client may have subscriptions now: what waits for it goes out. */
void mqtt_commands_subscribed(struct mqtt_client *client);
void mqtt_commands_delivered(struct mqtt_client *client, uint64_t id);
void mqtt_commands_gone(struct mqtt_client *client);
/* Once a second: asks again for who found the executor full. */
void mqtt_commands_check(struct mqtt_commands *all);
