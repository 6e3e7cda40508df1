/* Sessions: handshake, life and end (see websocket.h and ws_session.h). What is read is
 * ws_message.c's business, what is sent ws_queue.c's. */
#include "net/ws_session.h"

#include "base/mem.h"
#include "net/ws_handshake.h"

enum { MISSED_PONGS = 2 };
#define PING_NS  (30 * NS_PER_S)
#define CLOSE_NS (5 * NS_PER_S) /* for the peer's half of the closing handshake */

static int64_t now_ns(const struct websocket *ws)
{
    return loop_now_ns(&ws->conn->hl->loop);
}

/* --- handshake -------------------------------------------------------------------------------- */

bool websocket_is_handshake(const struct http_exchange *x)
{
    const struct http1_head *h = &x->head;
    return h->method == HTTP1_GET && h->minor == 1 &&
           http1_head_has_token(h, "Upgrade", "websocket") &&
           http1_head_has_token(h, "Connection", "upgrade") &&
           bytes_is(http1_head_find(h, "Sec-WebSocket-Version"), "13") &&
           ws_handshake_is_key(http1_head_find(h, "Sec-WebSocket-Key"));
}

static void write_handshake(struct http_exchange *x)
{
    char proof[WS_HANDSHAKE_PROOF];
    ws_handshake_prove(http1_head_find(&x->head, "Sec-WebSocket-Key").p, proof);
    buf_clear(&x->out);
    buf_add_str(&x->out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Accept: ");
    buf_add(&x->out, proof, sizeof proof);
    buf_add_str(&x->out, "\r\nX-Request-Id: ");
    buf_add_bytes(&x->out, x->request_id);
    buf_add_str(&x->out, "\r\n");
    buf_add_bytes(&x->out, buf_bytes(&x->headers));
    buf_add_str(&x->out, "\r\n");
}

enum err websocket_accept(struct http_exchange *x, const struct websocket_handler *handler,
                          void *session, int64_t idle_timeout_ns)
{
    if (!websocket_is_handshake(x)) return ERR_INVALID;
    struct websocket *ws = mem_zalloc(sizeof *ws);
    if (!ws) return ERR_NOMEM;
    write_handshake(x);
    if (x->out.err || x->headers.err) {
        mem_free(ws);
        return ERR_NOMEM;
    }
    ws->conn = x->conn;
    ws->handler = *handler;
    ws->session = session;
    ws->idle_timeout_ns = idle_timeout_ns;
    ws_queue_init(ws);
    ws_message_init(ws);
    x->status = 101;
    x->upgrade = ws;
    http_answer_return(x);
    return ERR_OK;
}

static void free_session(struct websocket *ws)
{
    ws_message_done(ws);
    ws_queue_done(ws);
    mem_free(ws);
}

void websocket_abandon(struct websocket *ws)
{
    ws->handler.on_close(ws->session, ws);
    free_session(ws);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void start_closing(struct websocket *ws)
{
    if (ws->close_deadline_ns) return;
    ws->close_deadline_ns = now_ns(ws) + CLOSE_NS;
    conn_set_deadline(&ws->conn->conn, ws->close_deadline_ns);
}

static void send_close(struct websocket *ws)
{
    char payload[2 + sizeof ws->reason];
    lock_take(&ws->lock);
    size_t n = ws->close_code ? 2u + ws->reason_n : 0;
    payload[0] = (char)(ws->close_code >> 8);
    payload[1] = (char)(ws->close_code & 0xff);
    memcpy(payload + 2, ws->reason, ws->reason_n);
    lock_release(&ws->lock);
    ws->close_sent = true;
    ws_queue_add_control(ws, WS_CLOSE, bytes_of(payload, n));
    start_closing(ws);
    ws_queue_pump(ws);
}

void websocket_drained(struct websocket *ws)
{
    lock_take(&ws->lock);
    bool finished = ws->finished;
    lock_release(&ws->lock);
    if (!finished) return;
    if (!ws->close_sent)
        send_close(ws);
    else if (ws->close_seen)
        conn_close(&ws->conn->conn);
    else if (ws->broken)
        conn_shut_write(&ws->conn->conn); /* its end, or the deadline, closes: no reset overtakes */
}

void websocket_send(struct websocket *ws, struct ws_frame *f, uint64_t lane)
{
    ws_queue_push(ws, f, lane);
}

void websocket_close(struct websocket *ws, uint16_t code, const char *reason)
{
    ws_queue_finish(ws, code, reason);
}

/* --- callbacks -------------------------------------------------------------------------------- */

static void dispose(struct websocket *ws)
{
    struct http_conn *c = ws->conn;
    ws_reader_give(&c->hl->readers, ws->reader, false);
    free_session(ws);
    http_conn_dispose(c);
}

static void on_task(struct loop_task *t)
{
    struct websocket *ws = (struct websocket *)((char *)t - offsetof(struct websocket, task));
    lock_take(&ws->lock);
    ws->posted = false;
    bool finished = ws->finished;
    lock_release(&ws->lock);
    if (ws->orphan) {
        dispose(ws);
        return;
    }
    if (finished) start_closing(ws);
    ws_queue_pump(ws);
}

static void on_data(struct conn *conn, struct bytes data)
{
    struct websocket *ws = conn->user;
    ws_message_read(ws, data);
    if (!conn->closing) ws_queue_pump(ws);
}

static void on_eof(struct conn *conn)
{
    conn_close(conn);
}

static void on_written(struct conn *conn)
{
    ws_queue_pump(conn->user);
}

static void set_next_deadline(struct websocket *ws)
{
    int64_t next = ws->next_ping_ns;
    int64_t idle = ws->last_message_ns + ws->idle_timeout_ns;
    if (ws->idle_timeout_ns > 0 && idle < next) next = idle;
    if (ws->close_deadline_ns) next = ws->close_deadline_ns;
    conn_set_deadline(&ws->conn->conn, next);
}

static void on_deadline(struct conn *conn)
{
    struct websocket *ws = conn->user;
    int64_t now = now_ns(ws);
    bool idle = ws->idle_timeout_ns > 0 && now >= ws->last_message_ns + ws->idle_timeout_ns;
    if (ws->close_deadline_ns) {
        conn_close(conn); /* the peer had its time */
        return;
    }
    if (idle) {
        websocket_close(ws, 1001, "nothing was said for too long");
        start_closing(ws);
        return;
    }
    if (now >= ws->next_ping_ns) {
        if (ws->pings_out++ == MISSED_PONGS) {
            conn_close(conn);
            return;
        }
        ws->next_ping_ns = now + PING_NS;
        ws_queue_add_control(ws, WS_PING, bytes_of(NULL, 0));
        ws_queue_pump(ws);
    }
    set_next_deadline(ws);
}

static void on_closed(struct conn *conn)
{
    struct websocket *ws = conn->user;
    ws->conn->closed = true;
    ws->handler.on_close(ws->session, ws);
    lock_take(&ws->lock);
    ws->finished = true;
    ws->orphan = ws->posted;
    lock_release(&ws->lock);
    if (!ws->orphan) dispose(ws);
}

static const struct conn_ops ws_ops = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_written = on_written,
    .on_deadline = on_deadline,
    .on_closed = on_closed,
};

void websocket_begin(struct websocket *ws, struct http_conn *c)
{
    c->conn.user = ws;
    c->conn.ops = &ws_ops;
    ws->task.run = on_task;
    ws->last_message_ns = now_ns(ws);
    ws->next_ping_ns = ws->last_message_ns + PING_NS;
    set_next_deadline(ws);
    ws->handler.on_open(ws->session, ws);
    if (c->hl->draining) websocket_close(ws, 1001, "the server is shutting down");
}
