#pragma once
/* net/mqtt_bridge.h -- a subscriber on somebody else's MQTT broker, through libmosquitto, that
 * acknowledges a message only when the layer above has made it durable.
 *
 *   broker ──QoS 1──> read all that is there ──on_message()…──> on_gathered() ──true──> PUBACKs
 *                                                                   └ false: cut, unacknowledged
 *
 * The library queues its PUBACK before it shows the message. Told that threads are elsewhere
 * (mosquitto_threaded_set) it does not write it either: nothing goes out before this module calls
 * mosquitto_loop_write(), which it does after on_gathered(). A message whose PUBACK was not written
 * is sent again by the broker, because the session is kept (clean session 0, a client id for good).
 *
 * B1  a message is acknowledged after on_gathered() returned true for it; at least once, in order.
 * B2  a broker that is away is tried again after 1, 2, 4, … 60 seconds, with jitter, for ever.
 * B3  of several processes with one client id the one that is wanted connects; who is not wanted
 *     any more decides what it has read, says DISCONNECT and waits. What is not acknowledged then
 *     is in the session, for the next one.
 * Threads: one of its own, "mqtt-bridge", on which the callbacks run and may block.   Memory: owns
 * copies of its options. */
#include "base/bytes.h"
#include "base/err.h"
#include "base/rnd.h"

#include <stdint.h>

struct mqtt_bridge_handler {
    void *ctx;
    void (*on_message)(void *ctx, struct bytes topic, struct bytes payload);
    /* Returns when all messages since the last call are decided; false: not durable, cut. */
    bool (*on_gathered)(void *ctx);
    bool (*wanted)(void *ctx); /* here, now? Asked about once a second and when told to look. */
    /* text: why not connected; NULL: connected now. */
    void (*on_state)(void *ctx, const char *text);
};

struct mqtt_bridge_opts {
    const char *url;            /* mqtt://[user[:password]@]host[:1883], mqtts://…[:8883] */
    const char *client_id;      /* the same at every start */
    const char *const *filters; /* NULL-terminated; borrowed for ever */
    struct rnd *rnd;
};

struct mqtt_bridge;
/* ERR_INVALID: the URL; ERR_UNSUPPORTED: no library. The broker may be away. */
enum err mqtt_bridge_start(struct mqtt_bridge **ret, const struct mqtt_bridge_opts *opts,
                           const struct mqtt_bridge_handler *handler, struct why *why) MUST_CHECK;
/* Whether it is wanted may have changed. Any thread. */
void mqtt_bridge_look(struct mqtt_bridge *b);
/* What was read is decided and acknowledged, then it ends. NULL is fine. */
void mqtt_bridge_stop(struct mqtt_bridge *b);
