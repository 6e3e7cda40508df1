/* From http_answer() to the socket: who compresses where, what the head says, what follows it. */
#include "net/http_conn.h"

enum {
    COMPRESS_MIN = 1024,              /* bytes; less is not worth the processor */
    COMPRESS_ON_LOOP_MAX = 64 * 1024, /* what a loop thread packs in well under a millisecond */
};
#define LINGER_NS (2 * NS_PER_S)

static bool is_compressible(struct bytes type)
{
    static const char *const types[] = {"application/json",       "application/problem+json",
                                        "application/javascript", "application/xml",
                                        "application/x-ndjson",   "image/svg+xml"};
    bytes_cut(type, ';', &type);
    type = bytes_trim(type);
    if (bytes_starts(type, BYTES("text/"))) return true;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (bytes_is(type, types[i])) return true;
    return false;
}

/* On the thread that answers: an executor's large body is packed there and not on the loop. */
static void compress(struct http_exchange *x, bool on_loop)
{
    if (!x->content_type || x->encoded_above || x->answer.err || x->answer.n <= COMPRESS_MIN)
        return;
    if (!is_compressible(bytes_str(x->content_type))) return;
    x->vary = true;
    if (on_loop && x->answer.n > COMPRESS_ON_LOOP_MAX) return;
    enum encoding e = encoding_choose(http1_head_find(&x->head, "Accept-Encoding"));
    if (e == ENCODING_IDENTITY) return;
    buf_clear(&x->packed);
    /* Without memory for it, or without gain, it goes out as it is. */
    if (encoding_deflate(e, buf_bytes(&x->answer), &x->packed) || x->packed.n >= x->answer.n)
        return;
    x->encoding = e;
}

/* The exchange is back on its loop. */
static void on_returned(struct loop_task *t)
{
    struct http_exchange *x =
        (struct http_exchange *)((char *)t - offsetof(struct http_exchange, returned));
    struct http_conn *c = x->conn;
    x->answered = true;
    x->held = false;
    if (c->closed) {
        http_conn_dispose(c);
    } else if (!c->conn.closing) {
        http_answer_deliver(c);
        http_conn_resume(c);
    }
}

void http_answer_return(struct http_exchange *x)
{
    struct loop *l = &x->conn->hl->loop;
    if (loop_is_current(l) && x->in_callback) {
        bug_if(x->answered);
        x->answered = true;
        return;
    }
    x->returned.run = on_returned;
    loop_post(l, &x->returned);
}

void http_answer(struct http_exchange *x, int status, const char *content_type)
{
    x->status = status;
    x->content_type = content_type;
    if (!content_type) buf_clear(&x->answer);
    compress(x, loop_is_current(&x->conn->hl->loop));
    http_answer_return(x);
}

static void add_header(struct buf *out, const char *name, struct bytes value)
{
    buf_add_str(out, name);
    buf_add_bytes(out, value);
    buf_add(out, "\r\n", 2);
}

static void add_status_line(struct buf *out, int status)
{
    buf_add(out, "HTTP/1.1 ", 9);
    buf_add_u64(out, (uint64_t)status);
    buf_add_char(out, ' ');
    buf_add_str(out, http1_reason(status));
    buf_add(out, "\r\n", 2);
}

void http_answer_head(struct http_exchange *x, bool stream)
{
    struct buf *out = &x->out;
    struct http_conn *c = x->conn;
    const struct http1_head *h = &x->head;
    buf_clear(out);
    add_status_line(out, x->status);
    add_header(out, "Date: ", bytes_of(loop_date(&c->hl->loop), 29));
    add_header(out, "X-Request-Id: ", x->request_id);
    if (x->content_type) add_header(out, "Content-Type: ", bytes_str(x->content_type));
    if (x->encoding) add_header(out, "Content-Encoding: ", bytes_str(encoding_name(x->encoding)));
    if (x->vary) add_header(out, "Vary: ", BYTES("Accept-Encoding"));
    if (stream && h->minor == 1) {
        add_header(out, "Transfer-Encoding: ", BYTES("chunked"));
    } else if (!stream && x->status != 204 && x->status != 304) {
        buf_add_str(out, "Content-Length: ");
        buf_add_u64(out, x->encoding ? x->packed.n : x->answer.n);
        buf_add(out, "\r\n", 2);
    }
    if (c->close_after)
        add_header(out, "Connection: ", BYTES("close"));
    else if (h->minor == 0)
        add_header(out, "Connection: ", BYTES("keep-alive"));
    buf_add_bytes(out, buf_bytes(&x->headers));
    buf_add(out, "\r\n", 2);
}

/* What could not be held in memory is told, not sent in part. */
static void replace_broken(struct http_exchange *x)
{
    if (!x->answer.err && !x->headers.err) return;
    x->status = 503;
    x->content_type = NULL;
    x->encoding = ENCODING_IDENTITY;
    x->vary = false;
    buf_clear(&x->answer);
    buf_clear(&x->headers);
}

void http_answer_deliver(struct http_conn *c)
{
    struct http_exchange *x = c->x;
    if (c->conn.closing) return;
    if (!x->upgrade) {
        c->linger |= c->hl->draining; /* the client may be sending its next request already */
        c->close_after |= !x->head.keep_alive || c->hl->draining;
    }
    replace_broken(x);
    if (!x->upgrade) http_answer_head(x, false); /* an upgrade wrote its own */
    bool no_body = x->head.method == HTTP1_HEAD || x->status == 204 || x->status == 304;
    struct bytes parts[2] = {buf_bytes(&x->out), no_body       ? bytes_of(NULL, 0)
                                                 : x->encoding ? buf_bytes(&x->packed)
                                                               : buf_bytes(&x->answer)};
    if (x->out.err) {
        conn_close(&c->conn);
        return;
    }
    c->state = HTTP_CONN_WRITING;
    enum conn_result r = conn_write(&c->conn, parts, x->upgrade ? 1 : 2);
    if (r == CONN_WRITTEN) http_answer_finish(c);
    if (r == CONN_LATER) http_conn_watch_write(c);
}

static void end_connection(struct http_conn *c)
{
    if (!c->linger || c->eof) {
        conn_close(&c->conn);
        return;
    }
    /* Closing with unread bytes would send a reset that overtakes the answer. */
    c->state = HTTP_CONN_LINGER;
    c->body_seen = 0;
    conn_shut_write(&c->conn);
    conn_set_deadline(&c->conn, loop_now_ns(&c->hl->loop) + LINGER_NS);
}

void http_answer_finish(struct http_conn *c)
{
    struct http_exchange *x = c->x;
    struct http_handler *h = &c->hl->server->handler;
    struct websocket *upgrade = x->upgrade;
    if (x->announced) h->on_done(h->ctx, x);
    x->upgrade = NULL;
    c->x = NULL;
    http_exchange_give(c->hl, x);
    if (upgrade) {
        c->state = HTTP_CONN_UPGRADED;
        websocket_begin(upgrade, c);
    } else if (c->close_after) {
        end_connection(c);
    } else {
        c->state = c->body_left ? HTTP_CONN_DRAIN : HTTP_CONN_HEAD;
        c->head_timed = false;
        int64_t idle = c->hl->server->opts.idle_timeout_ns;
        conn_set_deadline(&c->conn, loop_now_ns(&c->hl->loop) + idle);
    }
}
