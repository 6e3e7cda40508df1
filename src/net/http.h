#pragma once
/* net/http.h -- HTTP/1.1 for whoever is above: requests come in on a loop thread, answers may be
 * given at once or later and from any thread, without holding one.
 *
 *   head parsed ──> on_head() ── verdict: body limit, or answer now ──> body read ──> on_request()
 *                                                                         │
 *        http_answer() any thread, any time later ──> inbox of the loop ──┘  one wake-up per group
 *
 * N1  every exchange is answered exactly once, or its client is gone; on_done() is its last
 *     callback.
 * N2  requests of one connection are answered in order; the next one is read after the answer.
 * N3  a connection has a deadline at every moment: head 10 s, body 30 s + 1 KiB/s, answer write,
 *     idle.
 * N4  nothing above runs on a loop thread for longer than about a millisecond: hand it to an
 *     executor.
 * Threads: callbacks on the exchange's loop thread; functions as each says.
 * Memory: the exchange owns request and answer; all request bytes are borrowed until on_done(). */
#include "base/arena.h"
#include "base/buf.h"
#include "codec/http1.h"

struct http_server;
struct http_exchange;

struct http_verdict {
    size_t body_max; /* bytes of body that will be read; more is 413 */
    bool answered;   /* on_head() has called http_answer(): the body is skipped or all is closed */
};

struct http_handler {
    void *ctx;
    /* The head is there. May answer already (404, 401, 405): then the body is not read. */
    struct http_verdict (*on_head)(void *ctx, struct http_exchange *x);
    /* The body is there, in http_body(). Must lead to http_answer() sooner or later. */
    void (*on_request)(void *ctx, struct http_exchange *x);
    /* The answer has been written or the client is gone; free what hangs on http_user(). */
    void (*on_done)(void *ctx, struct http_exchange *x);
    /* The codec refused the bytes (status 400, 408, 413, 414, 417, 431, 501, 505): writes an
     * answer's content type and body for it. */
    void (*on_refused)(void *ctx, int status, const char *why, struct buf *body,
                       const char **ret_content_type);
};

/* --- the request ----------------------------------------------------------------------------- */
const struct http1_head *http_head(const struct http_exchange *x); /* method, target, headers */
struct bytes http_body(const struct http_exchange *x);
/* First header of that name in any case; p == NULL when absent. */
struct bytes http_header(const struct http_exchange *x, const char *name);
/* Address of the client: of the peer, or of X-Forwarded-For when the peer is a trusted proxy. */
const char *http_client_address(const struct http_exchange *x);
/* X-Request-Id as sent (1-64 of [A-Za-z0-9._-]) or made; echoed in the answer by this module. */
struct bytes http_request_id(const struct http_exchange *x);
/* Whether the client has closed the connection, or its half of it. Any thread, until the answer. */
bool http_client_is_gone(const struct http_exchange *x);
int64_t http_started_ns(const struct http_exchange *x); /* monotonic: when the head was complete */
struct arena *http_arena(struct http_exchange *x);      /* lives until on_done(); not thread safe */
void **http_user(struct http_exchange *x);              /* a slot for the layer above */

/* --- the answer ------------------------------------------------------------------------------ */
/* Adds a header; before http_answer() or http_stream_open(). CR, LF or NUL in it is a bug. */
void http_add_header(struct http_exchange *x, const char *name, struct bytes value);
/* Whole lines that were made once, "A: b\r\nC: d\r\n"; none of them Content-Encoding. */
void http_add_lines(struct http_exchange *x, struct bytes lines);
struct buf *http_answer_body(struct http_exchange *x); /* write the body here, then answer */
/* Hands the exchange back with this status. Any thread; once. Content-Length, Date, Connection,
 * X-Request-Id and compression (Accept-Encoding gzip or zstd, bodies over 1 KiB, type text/json)
 * are this module's. content_type NULL: no body. */
void http_answer(struct http_exchange *x, int status, const char *content_type);

/* A body of unknown length, chunked, from an executor thread (these block while more than 256 KiB
 * wait for the client). ERR_CLOSED: the client is gone, stop. http_stream_close() ends it;
 * `complete` false cuts the connection instead of the final chunk, so that a reader sees the answer
 * is not whole. */
enum err http_stream_open(struct http_exchange *x, int status, const char *content_type) MUST_CHECK;
enum err http_stream_write(struct http_exchange *x, struct bytes part) MUST_CHECK;
void http_stream_close(struct http_exchange *x, bool complete);

/* --- the server ------------------------------------------------------------------------------ */
struct http_server_opts {
    const char *host; /* address to bind; borrowed */
    uint16_t port;    /* 0: any free one, see http_server_port() */
    unsigned loops;   /* event loop threads, each with its own SO_REUSEPORT socket; 1 to 64 */
    unsigned max_connections, max_per_address;
    const char *const *trusted_proxies; /* CIDR texts, NULL-terminated list; borrowed */
    int64_t idle_timeout_ns;            /* 0 = 75 s */
    size_t max_body_bytes; /* of all bodies being received or held; 0 = 256 MiB; past it 503 */
    const struct clock *clock;
    struct rnd *rnd;
};
struct http_server_stats {
    uint64_t accepted, refused_connections, refused_requests;
    unsigned open_connections;
};
/* The port is bound and answering when this returns; an occupied one is ERR_EXISTS and why names
 * it. */
enum err http_server_start(struct http_server **ret, const struct http_server_opts *opts,
                           const struct http_handler *handler, struct why *why) MUST_CHECK;
uint16_t http_server_port(const struct http_server *s);
void http_server_read_stats(struct http_server *s, struct http_server_stats *ret);
/* Graceful drain: accept no more, answer what is in flight (Connection: close), close idle ones,
 * close websockets with 1001, at most timeout_ns; then stop the loops and free. NULL is fine. */
void http_server_stop(struct http_server *s, int64_t timeout_ns);
