#pragma once
/* net/http_conn.h -- inside the HTTP module: what its files share. http.h is the contract for
 * others.
 *
 *            bytes                   whole                    answered              written
 *   HEAD ───────────> (parse) ──> BODY ──────> HELD ──────────────> WRITING ──────────────> HEAD
 *     │ refused          │ refused    STREAMING <─┘ http_stream_open()      └ close: LINGER, gone
 *     └──────────────────┴──────────────> WRITING (Connection: close) ──> LINGER ──> gone
 *
 * X1  a connection has at most one exchange; later bytes wait in `in`, and past 64 KiB in the
 *     kernel.
 * X2  an idle connection holds no exchange and no buffer: exchanges come from the loop's pool.
 * X3  a connection's memory outlives its socket until the exchange somebody holds comes back.
 * Threads: the loop's, but what http.h calls any thread.   Memory: see X2, X3. */
#include "codec/encoding.h"
#include "net/conn.h"
#include "net/conn_limits.h"
#include "net/http.h"
#include "net/listener.h"
#include "net/ws_reader.h"

#include <stdatomic.h>

struct http_stream;
struct websocket;

struct http_exchange {
    struct http_conn *conn;
    struct loop_task returned; /* the way back to the loop: answer or end of stream */
    struct arena arena;
    struct buf body;    /* of the request */
    struct buf answer;  /* body of the answer */
    struct buf packed;  /* the same, compressed */
    struct buf headers; /* lines that the layer above added */
    struct buf out;     /* head of the answer */
    struct bytes request_id;
    char made_id[16];
    const char *client_address; /* in the arena or in the connection */
    int64_t started_ns;
    void *user;
    int status;
    const char *content_type;
    enum encoding encoding; /* of the answer as it goes out */
    bool announced;         /* on_head() has seen it, so on_done() must */
    size_t charged;         /* bytes of its body counted in the server's body_bytes */
    bool held;              /* the layer above has it and will answer */
    bool answered, in_callback;
    bool vary, encoded_above;      /* depends on Accept-Encoding; Content-Encoding was set above */
    struct http_stream *stream;    /* the producer's; freed with the exchange */
    struct http_stream *streaming; /* the same, once the loop knows */
    struct websocket *upgrade;
    struct http_exchange *next_free;
    struct http1_chunked chunked;
    struct http1_head head;
};

enum http_conn_state {
    HTTP_CONN_HEAD,
    HTTP_CONN_BODY,
    HTTP_CONN_HELD,
    HTTP_CONN_STREAMING,
    HTTP_CONN_WRITING,
    HTTP_CONN_DRAIN, /* skips a small body that was answered unread */
    HTTP_CONN_LINGER,
    HTTP_CONN_UPGRADED,
};

struct http_conn {
    struct conn conn;
    struct http_loop *hl;
    struct http_conn *next, *prev; /* of the loop's connections */
    struct http_exchange *x;
    struct buf in; /* bytes not yet understood */
    enum http_conn_state state;
    _Atomic bool gone; /* eof or closed, for other threads */
    bool eof, closed, close_after, linger, head_timed, counted;
    uint64_t body_left; /* BODY with a Content-Length, DRAIN */
    uint64_t body_seen; /* raw bytes of this body, for its least rate; LINGER: dropped */
    int64_t body_started_ns;
    size_t write_mark; /* unwritten bytes at the last look */
    char peer_text[ADDRESS_TEXT_MAX];
};

struct http_loop {
    struct loop loop;
    struct http_server *server;
    struct listener listener;
    uv_timer_t timer; /* the phases of the stop */
    struct loop_task stop;
    struct http_conn *conns;
    struct http_exchange *free_exchanges;
    unsigned free_count;
    struct ws_reader_cache readers;
    bool draining, grace_over, finished;
};

struct http_server {
    struct http_handler handler;
    struct http_server_opts opts;
    struct network *proxies;
    size_t proxy_count;
    struct conn_limits limits;
    uint16_t port;
    int64_t stop_timeout_ns;
    unsigned loop_count, started;
    struct http_loop **loops;
    _Atomic uint64_t accepted, refused_connections, refused_requests;
    _Atomic size_t body_bytes; /* held by bodies larger than 64 KiB, of all loops */
};

/* http_server.c */
bool http_server_trusts(const struct http_server *s, const struct address *a);
void http_server_maybe_finish(struct http_loop *hl); /* draining, and the last connection is gone */
/* http_conn.c */
void http_conn_adopt(struct http_loop *hl, int fd);    /* accepted: makes a connection of it */
struct http_conn *http_conn_new(struct http_loop *hl); /* linked and initialised, or NULL */
void http_conn_begin(struct http_conn *c);             /* accepted: reads, or is refused */
void http_conn_resume(struct http_conn *c);            /* after an answer: what waits in `in` */
void http_conn_dispose(struct http_conn *c);           /* closed, and nobody holds the exchange */
void http_conn_closed(struct conn *conn);              /* conn_ops.on_closed */
void http_conn_drain(struct http_conn *c);
void http_conn_watch_write(struct http_conn *c); /* deadline of a write under way */
/* http_request.c: from bytes to on_request() */
bool http_request_step(struct http_conn *c, struct bytes *in); /* false: cannot go on now */
void http_request_refuse(struct http_conn *c, int status, const char *why);
/* http_answer.c */
void http_answer_return(struct http_exchange *x); /* any thread: back to the loop with it */
void http_answer_deliver(struct http_conn *c);    /* x->answered: writes it, then finishes */
void http_answer_finish(struct http_conn *c);     /* written: on_done(), next state */
void http_answer_head(struct http_exchange *x,
                      bool stream); /* status line and headers into x->out */
/* http_stream.c */
void http_stream_written(struct http_conn *c);
void http_stream_gone(struct http_stream *s); /* the socket is closed: wakes the producer */
void http_stream_free(struct http_stream *s);
/* http_exchange.c */
struct http_exchange *http_exchange_take(struct http_loop *hl); /* NULL without memory */
void http_exchange_give(struct http_loop *hl, struct http_exchange *x);
void http_exchange_name(struct http_exchange *x); /* request id and client address */
void http_exchange_free_all(struct http_loop *hl);
/* websocket.c */
void websocket_begin(struct websocket *ws, struct http_conn *c);
void websocket_abandon(struct websocket *ws); /* the 101 never went out */
