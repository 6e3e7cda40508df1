#pragma once
/* net/mqtt_conn.h -- inside the MQTT module: what its files share. mqtt_server.h is the contract
 * for others.
 *
 *   accepted ──> CONNECT ──> JOINING ──────────────> OPEN ──> ENDING ──> gone
 *                   │ 10 s      │ another loop's      │ what it said last is out, reads until the
 *                   │ no packet │ connection gives    │ peer closes or 2 s are over
 *                   └──> gone   └ the session up      └ receipts may still be out: the memory stays
 *
 * Threads: the loop's.   Memory: a connection lives until its socket is closed, its receipts are
 * settled and its session is given up. */
#include "net/conn_limits.h"
#include "net/listener.h"
#include "net/mqtt_server.h"
#include "net/mqtt_session.h"
#include "net/tls.h"

enum {
    MQTT_RECEIVE_MAX = 64,    /* QoS 1 and 2 messages of one connection under way */
    MQTT_OUT_MAX = 64 * 1024, /* bytes that wait for a slow reader: past it nothing more is read */
};

enum mqtt_conn_state { MQTT_CONN_CONNECT, MQTT_CONN_JOINING, MQTT_CONN_OPEN, MQTT_CONN_ENDING };

struct mqtt_conn {
    struct conn conn;
    struct mqtt_loop *ml;
    struct mqtt_conn *next, *prev, *next_dirty;
    struct mqtt_session *session;
    struct tls *tls; /* owned; NULL: plain */
    void *user;
    struct mqtt_publish *will;          /* owned, with its text behind it */
    struct buf in;                      /* an unfinished packet, or what waits for receipts */
    struct buf out, sent;               /* to be written; being written */
    struct mqtt_receipt *first, **last; /* in order of arrival */
    struct mqtt_receipt *holder;        /* while held: the one that must be settled first */
    unsigned refs;
    unsigned under_way, open_qos1; /* receipts not settled and popped */
    uint32_t send_max, packet_max; /* the client's */
    uint32_t expiry_s;             /* of its session */
    size_t charged;                /* what has come of an unfinished large packet */
    int64_t packet_ns;             /* when its first byte came; 0: none, or it is we who wait */
    int64_t heard_ns, keep_alive_ns, stall_ns, rate_ns, resume_ns;
    size_t write_mark;
    uint8_t version;
    enum mqtt_conn_state state;
    bool dirty, counted, announced, closed, waiting, clean_start, held, paused, drained, said_bye,
        nameless;
};

struct mqtt_loop {
    struct loop loop;
    struct mqtt_server *server;
    struct listener listener, tls_listener;
    struct buf said; /* by a TLS client in the bytes just read */
    uv_check_t turn; /* runs behind the sockets, while there is something to write or to hand on */
    uv_timer_t timer;
    struct loop_task stop;
    struct mqtt_conn *conns, *dirty;
    struct mqtt_receipt *free_receipts;
    bool turning, published, draining, finished;
};

struct mqtt_server {
    struct mqtt_handler handler;
    struct mqtt_server_opts opts;
    struct conn_limits limits;
    struct mqtt_sessions sessions;
    uint16_t port, tls_port;
    int64_t stop_timeout_ns;
    unsigned loop_count, started;
    struct mqtt_loop **loops;
    _Atomic uint64_t accepted, refused, malformed, publishes[3];
    _Atomic size_t taken_bytes;
};

/* mqtt_server.c */
void mqtt_server_maybe_finish(struct mqtt_loop *ml);
/* mqtt_conn.c */
void mqtt_conn_adopt(struct mqtt_loop *ml, int fd, struct tls_context *tls);
void mqtt_conn_touch(struct mqtt_conn *c); /* its output is written at the end of the turn */
void mqtt_conn_turn(struct mqtt_loop *ml); /* the end of the turn */
void mqtt_conn_drain(struct mqtt_conn *c);
void mqtt_conn_dispose(struct mqtt_conn *c); /* frees it once nothing needs it */
void mqtt_conn_set_deadline(struct mqtt_conn *c);
/* Writes what is there, and then closes. */
void mqtt_conn_end(struct mqtt_conn *c);
bool mqtt_conn_charge(struct mqtt_conn *c, size_t n);
void mqtt_conn_refund(struct mqtt_conn *c, size_t n);
/* mqtt_packets.c: one whole packet. False: nothing more can be taken now. */
bool mqtt_packets_take(struct mqtt_conn *c, const struct mqtt_frame *f);
void mqtt_packets_joined(struct mqtt_conn *c, bool present); /* the session is ours */
/* Why a packet cannot be taken: says so where the version can, and ends. */
void mqtt_packets_refuse(struct mqtt_conn *c, enum mqtt_reason reason);
void mqtt_packets_publish_will(struct mqtt_conn *c);
