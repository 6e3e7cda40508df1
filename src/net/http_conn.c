/* An HTTP connection between two callbacks of its socket (see http_conn.h). */
#include "net/http_conn.h"
#include "net/websocket.h"

#include "base/mem.h"

#include <unistd.h>

enum {
    AHEAD_MAX = 64 * 1024,   /* pipelined bytes taken while a request is being answered (X1) */
    IN_MAX = 4 * AHEAD_MAX,  /* that, a head, and one read */
    STALL_BYTES = 30 * 1024, /* a reader takes this much in STALL_NS or is cut off: 1 KiB/s */
};
#define STALL_NS      (30 * NS_PER_S)
#define FIRST_HEAD_NS (10 * NS_PER_S)

/* Understands as much as can be understood; what is left of `data` waits in c->in. */
static void pump(struct http_conn *c, struct bytes data)
{
    bool waiting = c->in.n > 0;
    if (waiting) buf_add_bytes(&c->in, data);
    struct bytes in = waiting ? buf_bytes(&c->in) : data;
    while (http_request_step(c, &in)) continue;
    if (c->conn.closing) return;
    if (c->state == HTTP_CONN_UPGRADED) { /* the first frames came with the handshake */
        struct buf taken = c->in;
        buf_init(&c->in, IN_MAX);
        conn_read_start(&c->conn);
        if (c->eof) conn_close(&c->conn);
        if (in.n && !c->eof) c->conn.ops->on_data(&c->conn, in);
        buf_done(&taken);
        return;
    }
    if (waiting)
        buf_shift(&c->in, c->in.n - in.n);
    else
        buf_add_bytes(&c->in, in);
    if (!c->in.n) buf_done(&c->in);
    bool asking =
        c->state == HTTP_CONN_HEAD || c->state == HTTP_CONN_BODY || c->state == HTTP_CONN_DRAIN;
    if (c->in.err || (c->eof && asking))
        conn_close(&c->conn);
    else if (c->in.n > AHEAD_MAX)
        conn_read_stop(&c->conn);
    else if (!c->eof)
        conn_read_start(&c->conn);
}

static void on_data(struct conn *conn, struct bytes data)
{
    pump((struct http_conn *)conn, data);
}

void http_conn_resume(struct http_conn *c)
{
    if (!c->conn.closing) pump(c, bytes_of(NULL, 0));
}

static void on_eof(struct conn *conn)
{
    struct http_conn *c = (struct http_conn *)conn;
    bool answering = c->state == HTTP_CONN_HELD || c->state == HTTP_CONN_STREAMING ||
                     c->state == HTTP_CONN_WRITING;
    c->eof = true;
    atomic_store_explicit(&c->gone, true, memory_order_relaxed);
    if (!answering) conn_close(conn);
}

static void on_written(struct conn *conn)
{
    struct http_conn *c = (struct http_conn *)conn;
    if (c->state == HTTP_CONN_STREAMING) {
        http_stream_written(c);
        return;
    }
    http_answer_finish(c);
    http_conn_resume(c);
}

void http_conn_watch_write(struct http_conn *c)
{
    c->write_mark = conn_unwritten(&c->conn);
    conn_set_deadline(&c->conn, loop_now_ns(&c->hl->loop) + STALL_NS);
}

static void check_write(struct http_conn *c)
{
    if (conn_unwritten(&c->conn) + STALL_BYTES > c->write_mark)
        conn_close(&c->conn);
    else
        http_conn_watch_write(c);
}

static void on_deadline(struct conn *conn)
{
    struct http_conn *c = (struct http_conn *)conn;
    switch (c->state) {
    case HTTP_CONN_HEAD:
        if (c->x)
            http_request_refuse(c, 408, "the head of the request did not come within 10 s");
        else
            conn_close(conn);
        break;
    case HTTP_CONN_BODY:
        http_request_refuse(c, 408, "the body came slower than 1 KiB/s");
        break;
    case HTTP_CONN_STREAMING:
    case HTTP_CONN_WRITING:
        check_write(c);
        break;
    case HTTP_CONN_HELD:
    case HTTP_CONN_UPGRADED:
        break; /* the first has none, the second has callbacks of its own */
    case HTTP_CONN_DRAIN:
    case HTTP_CONN_LINGER:
        conn_close(conn);
        break;
    }
}

static const struct conn_ops http_ops = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_written = on_written,
    .on_deadline = on_deadline,
    .on_closed = http_conn_closed,
};

struct http_conn *http_conn_new(struct http_loop *hl)
{
    struct http_conn *c = mem_zalloc(sizeof *c);
    if (!c) return NULL;
    if (conn_init(&c->conn, &hl->loop, &http_ops)) {
        mem_free(c);
        return NULL;
    }
    c->hl = hl;
    buf_init(&c->in, IN_MAX);
    c->next = hl->conns;
    if (c->next) c->next->prev = c;
    hl->conns = c;
    return c;
}

void http_conn_dispose(struct http_conn *c)
{
    struct http_loop *hl = c->hl;
    struct http_handler *h = &hl->server->handler;
    if (c->x) {
        if (c->x->upgrade) websocket_abandon(c->x->upgrade);
        if (c->x->announced) h->on_done(h->ctx, c->x);
        http_exchange_give(hl, c->x);
    }
    *(c->prev ? &c->prev->next : &hl->conns) = c->next;
    if (c->next) c->next->prev = c->prev;
    if (c->counted)
        conn_limits_leave(&hl->server->limits, &c->conn.peer,
                          http_server_trusts(hl->server, &c->conn.peer));
    buf_done(&c->in);
    mem_free(c);
    http_server_maybe_finish(hl);
}

void http_conn_closed(struct conn *conn)
{
    struct http_conn *c = (struct http_conn *)conn;
    c->closed = true;
    atomic_store_explicit(&c->gone, true, memory_order_relaxed);
    if (c->x && c->x->streaming) http_stream_gone(c->x->streaming);
    if (!c->x || !c->x->held) http_conn_dispose(c); /* else when it comes back (X3) */
}

static void refuse_connection(struct http_conn *c)
{
    c->x = http_exchange_take(c->hl);
    if (!c->x) {
        conn_close(&c->conn);
        return;
    }
    c->x->conn = c;
    http_request_refuse(c, 503, "too many connections; try again later");
}

void http_conn_begin(struct http_conn *c)
{
    struct http_server *s = c->hl->server;
    if (conn_learn_peer(&c->conn)) {
        conn_close(&c->conn);
        return;
    }
    address_format(&c->conn.peer, c->peer_text);
    bool trusted = http_server_trusts(s, &c->conn.peer);
    enum conn_limits_verdict verdict = conn_limits_enter(&s->limits, &c->conn.peer, trusted);
    c->counted = true;
    atomic_fetch_add_explicit(&s->accepted, 1, memory_order_relaxed);
    if (verdict != CONN_LIMITS_OK)
        atomic_fetch_add_explicit(&s->refused_connections, 1, memory_order_relaxed);
    if (verdict == CONN_LIMITS_DROP) {
        conn_close(&c->conn);
        return;
    }
    conn_set_deadline(&c->conn, loop_now_ns(&c->hl->loop) + FIRST_HEAD_NS);
    conn_read_start(&c->conn);
    if (verdict == CONN_LIMITS_REFUSE) refuse_connection(c);
}

void http_conn_drain(struct http_conn *c)
{
    bool idle = c->state == HTTP_CONN_HEAD && !c->x;
    if (c->conn.closing) return;
    if (c->state == HTTP_CONN_UPGRADED)
        websocket_close(c->conn.user, 1001, "the server is shutting down");
    else if (idle && c->hl->grace_over)
        conn_close(&c->conn);
}

void http_conn_adopt(struct http_loop *hl, int fd)
{
    struct http_conn *c = http_conn_new(hl);
    if (!c) {
        close(fd);
    } else if (uv_tcp_open(&c->conn.tcp, fd)) {
        close(fd);
        conn_close(&c->conn);
    } else {
        http_conn_begin(c);
    }
}
