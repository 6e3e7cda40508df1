#pragma once
/* net/ws_session.h -- inside: one WebSocket session, shared by websocket.c (policy, what is read)
 * and ws_queue.c (what is sent).
 *
 *   any thread ── websocket_send ──> queue ── loop: up to 16 frames a write ──> flight ──> socket
 *
 * S1  what any thread may touch is under the lock; the rest is the loop's.
 * S2  a frame in flight is never replaced or dropped: the peer has seen its beginning.
 * S3  memory is given back only when no task of the session is in the inbox (`posted`).
 * Threads: as S1.   Memory: the session owns its nodes, and a reference of each frame in them. */
#include "net/http_conn.h"
#include "net/websocket.h"
#include "net/ws_frame.h"
#include "net/ws_reader.h"

struct ws_node {
    struct ws_node *next;
    struct ws_frame *frame;
    uint64_t lane;
};

struct websocket {
    struct http_conn *conn;
    struct websocket_handler handler;
    void *session;
    int64_t idle_timeout_ns;
    struct loop_task task;

    struct lock lock; /* the fields of this paragraph */
    struct ws_node *first, **last;
    size_t waiting; /* bytes of the queue and in flight */
    bool posted;    /* the task is in the inbox */
    bool busy;      /* a write is under way: the socket's buffer is full */
    bool finished;  /* takes no more; close_code and reason say why */
    bool drop;      /* and what is queued goes, too */
    uint16_t close_code;
    uint8_t reason_n;
    char reason[123];

    struct ws_node *flight; /* the loop's from here on */
    size_t flight_bytes;
    struct ws_reader *reader; /* only while a frame has come in part */
    struct buf message;       /* fragments of a message, and of a control frame in `control` */
    struct buf control;
    bool in_message; /* between its first frame and its last */
    bool orphan;     /* closed, but its task is still in the inbox (S3) */
    bool close_sent, close_seen;
    bool broken; /* what it sends is not understood any more */
    unsigned pings_out;
    int64_t next_ping_ns, last_message_ns, close_deadline_ns;
};

/* ws_message.c */
void ws_message_init(struct websocket *ws);
void ws_message_done(struct websocket *ws);
void ws_message_read(struct websocket *ws, struct bytes data); /* on the loop */
/* ws_queue.c */
void ws_queue_init(struct websocket *ws);
void ws_queue_done(struct websocket *ws);
/* Any thread: websocket_send() and websocket_close(). */
void ws_queue_push(struct websocket *ws, struct ws_frame *f, uint64_t lane);
void ws_queue_finish(struct websocket *ws, uint16_t code, const char *reason);
void ws_queue_pump(struct websocket *ws); /* on the loop: writes until the socket is full */
/* On the loop: pongs, pings and the close frame, also after `finished`; ws_queue_pump() follows. */
void ws_queue_add_control(struct websocket *ws, enum ws_opcode opcode, struct bytes payload);
/* websocket.c */
void websocket_drained(struct websocket *ws); /* on the loop: the queue is empty */
