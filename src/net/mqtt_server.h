#pragma once
/* net/mqtt_server.h -- MQTT 3.1.1 and 5 for whoever is above: who connects, what is published and
 * subscribed is asked there; packets, sessions, keep-alive, limits and acknowledgements are here.
 *
 *   PUBLISH ──> on_publish(receipt) ── …, any time later, on the same loop ──> mqtt_settle(receipt)
 *      end of the loop's turn ──> on_turn()                     PUBACK, PUBREC, in order <─┘
 *
 * M1  every receipt is settled exactly once; only then is it acknowledged, in the order of receipt.
 * M2  on_closed() is a connection's last callback; receipts still out are settled before it.
 * M3  a client id has one connection inside its scope. A session changes hands when nothing of its
 *     connection before is under way, so a QoS 2 message is taken once whoever asks again.
 * M4  an idle connection holds no buffer.
 * Threads: callbacks on the connection's loop; functions there too unless they say any.
 * Memory: connections are the server's, valid until on_closed(); packets are borrowed for the call.
 */
#include "codec/mqtt_packet.h"
#include "net/conn.h"

struct mqtt_conn;
struct mqtt_server;
struct tls_context;

/* One PUBLISH on its way; the server's, from on_publish() until mqtt_settle(). */
struct mqtt_receipt {
    struct mqtt_conn *conn;
    struct mqtt_receipt *next;
    size_t charged; /* bytes counted for it */
    uint16_t id;
    uint8_t qos, reason;
    bool settled;
};

struct mqtt_handler {
    void *ctx;
    /* May this client come in? *ret_scope: client ids are unique inside it. */
    enum mqtt_reason (*on_connect)(void *ctx, struct mqtt_conn *c, const struct mqtt_connect *p,
                                   int64_t *ret_scope);
    /* The CONNACK is written; subscriptions of a session that was kept are in force again. */
    void (*on_open)(void *ctx, struct mqtt_conn *c);
    void (*on_publish)(void *ctx, struct mqtt_receipt *r, const struct mqtt_publish *p);
    /* All that one turn of the loop brought has been handed over. */
    void (*on_turn)(void *ctx, unsigned loop);
    /* The granted QoS, 0 or 1, or a reason from 0x80. */
    uint8_t (*on_subscribe)(void *ctx, struct mqtt_conn *c, const struct mqtt_filter *f);
    void (*on_subscribed)(void *ctx, struct mqtt_conn *c); /* the SUBACK is written */
    /* The client has what mqtt_send() sent with this tag. */
    void (*on_delivered)(void *ctx, struct mqtt_conn *c, uint64_t tag);
    void (*on_gone)(void *ctx, struct mqtt_conn *c); /* the socket is closed */
    void (*on_closed)(void *ctx, struct mqtt_conn *c);
};

/* --- a connection ------------------------------------------------------------------------------*/
void **mqtt_user(struct mqtt_conn *c); /* a slot for the layer above */
struct loop *mqtt_loop_of(struct mqtt_conn *c);
/* Gives the receipt back. A reason that an acknowledgement may carry (0, 0x80, 0x83, 0x87, 0x90,
 * 0x97, 0x99) goes out in it under version 5; any other ends the connection with it,
 * unacknowledged, and so does every reason but 0 under 3.1.1, which has no words for it. QoS 0 is
 * not answered. */
void mqtt_settle(struct mqtt_receipt *r, enum mqtt_reason reason);
/* From on_publish(): nothing more of this connection is read before the receipt is settled. */
void mqtt_hold(struct mqtt_receipt *r);
/* To a subscriber, with its subscription's QoS. ERR_FULL: it has as many unacknowledged as it takes
 * (on_delivered() makes room); ERR_TOOLARGE: larger than it takes; ERR_NOTFOUND: it has no such
 * subscription; ERR_CLOSED. What was sent with a tag and is not acknowledged is sent again, under
 * its old packet id, when the session comes back and the tag is sent again. */
enum err mqtt_send(struct mqtt_conn *c, struct bytes topic, struct bytes payload, uint64_t tag,
                   uint8_t *ret_qos) MUST_CHECK;
/* The connection is not freed, nor on_closed() called, before each ref has its unref. */
void mqtt_ref(struct mqtt_conn *c);
void mqtt_unref(struct mqtt_conn *c);
/* Its subscriptions: start with *at = 0; p == NULL at the end. */
struct bytes mqtt_next_subscription(struct mqtt_conn *c, unsigned *at);
/* Says why (version 5) and closes. */
void mqtt_disconnect(struct mqtt_conn *c, enum mqtt_reason reason);

/* --- the server --------------------------------------------------------------------------------*/
struct mqtt_server_opts {
    const char *host;
    uint16_t port; /* 0: any free one */
    unsigned loops;
    unsigned max_connections, max_per_address;
    struct tls_context *tls; /* borrowed; NULL: none */
    uint16_t tls_port;
    uint32_t max_packet;    /* bytes of one packet */
    uint32_t publish_rate;  /* of one connection, a second; more is read later */
    size_t max_taken_bytes; /* payloads of all receipts and unfinished packets together */
    const struct clock *clock;
    struct rnd *rnd;
};
struct mqtt_server_stats {
    uint64_t accepted, refused_connections, taken_over, malformed, publishes[3];
    unsigned open_connections, sessions_away;
};
/* The port is bound and answering when this returns. */
enum err mqtt_server_start(struct mqtt_server **ret, const struct mqtt_server_opts *opts,
                           const struct mqtt_handler *handler, struct why *why) MUST_CHECK;
uint16_t mqtt_server_port(const struct mqtt_server *s);
uint16_t mqtt_server_tls_port(const struct mqtt_server *s); /* 0: none */
struct loop *mqtt_server_loop(struct mqtt_server *s, unsigned index);
void mqtt_server_read_stats(struct mqtt_server *s, struct mqtt_server_stats *ret); /* any thread */
/* Drains: accepts and reads no more, acknowledges what was taken, says 0x8b, closes; at most
 * timeout_ns. NULL is fine. */
void mqtt_server_stop(struct mqtt_server *s, int64_t timeout_ns);
