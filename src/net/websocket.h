#pragma once
/* net/websocket.h -- RFC 6455 server side over the HTTP server's loops; wslay frames, we judge.
 * A session sends messages of named lanes: a slow reader loses the older frame of a lane when a
 * newer one arrives, never the newest, and its memory stays below its bound.
 * Threads: websocket_accept(), websocket_send() and websocket_close() from any thread; callbacks on
 * the session's loop thread.   Memory: frames are shared and counted. */
#include "net/http.h"

struct websocket;

/* A message encoded once and sent to many. */
struct ws_frame;
struct ws_frame *ws_frame_new(struct bytes text); /* UTF-8 text message; NULL without memory */
struct ws_frame *ws_frame_ref(struct ws_frame *f);
void ws_frame_unref(struct ws_frame *f); /* NULL is fine */

struct websocket_handler {
    void (*on_open)(void *session, struct websocket *ws);
    void (*on_text)(void *session, struct websocket *ws, struct bytes text); /* at most 64 KiB */
    /* Last callback; `ws` is gone afterwards. Also when the 101 never got out: then without
     * on_open(). */
    void (*on_close)(void *session, struct websocket *ws);
};

/* Is this request a well-formed WebSocket handshake (Upgrade, Connection, Key, Version 13)? */
bool websocket_is_handshake(const struct http_exchange *x);
/* Answers 101 and turns the connection into a session; call instead of http_answer(). The exchange
 * ends (on_done) before on_open(). Pings every 30 s, closes after two missed pongs, or after
 * idle_timeout_ns without a message in either direction when > 0. On failure the exchange still
 * wants its answer. */
enum err websocket_accept(struct http_exchange *x, const struct websocket_handler *handler,
                          void *session, int64_t idle_timeout_ns) MUST_CHECK;
/* Queues a frame. `lane` 0: never dropped (closes with 1013 when 1 MiB waits); else a later frame
 * of the same lane replaces a queued earlier one once the client lags (64 KiB unwritten in the
 * socket). The session may close meanwhile; hold a ws ref from on_open to on_close only. */
void websocket_send(struct websocket *ws, struct ws_frame *f, uint64_t lane);
/* Sends a close frame with this code and reason (at most 123 bytes) and ends the session. */
void websocket_close(struct websocket *ws, uint16_t code, const char *reason);
