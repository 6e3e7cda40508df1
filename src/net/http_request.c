/* From bytes to on_request() (see http_conn.h): head, verdict, body, every refusal on the way. */
#include "net/http_conn.h"

enum {
    DRAIN_MAX = 64 * 1024, /* an unread body that is read and dropped to keep the connection */
    BODY_FIRST_BYTES = 64 * 1024, /* reserved for a body on its word alone */
};
#define HEAD_NS          (10 * NS_PER_S)
#define BODY_NS          (30 * NS_PER_S)
#define BODY_NS_PER_BYTE (NS_PER_S / 1024)

static const char busy[] = "too many large bodies are on their way; send this again in a moment";

static void consume(struct bytes *in, size_t n)
{
    in->p += n;
    in->n -= n;
}

void http_request_refuse(struct http_conn *c, int status, const char *why)
{
    struct http_server *s = c->hl->server;
    struct http_exchange *x = c->x;
    atomic_fetch_add_explicit(&s->refused_requests, 1, memory_order_relaxed);
    if (!x->announced) { /* its head may be half understood: nothing in it is believed */
        http1_head_init(&x->head);
        http_exchange_name(x);
    }
    buf_clear(&x->answer);
    buf_clear(&x->headers);
    s->handler.on_refused(s->handler.ctx, status, why, &x->answer, &x->content_type);
    if (status == 503) http_add_header(x, "Retry-After", BYTES("1"));
    x->status = status;
    x->answered = true;
    c->close_after = c->linger = true;
    http_answer_deliver(c);
}

static bool refuse(struct http_conn *c, int status, const char *why)
{
    http_request_refuse(c, status, why);
    return false;
}

/* The body is there (or there is none). */
static bool hand_up(struct http_conn *c)
{
    struct http_exchange *x = c->x;
    struct http_handler *h = &c->hl->server->handler;
    c->state = HTTP_CONN_HELD;
    conn_set_deadline(&c->conn, WHEEL_NEVER);
    x->held = x->in_callback = true;
    h->on_request(h->ctx, x);
    x->in_callback = false;
    if (!x->answered) return false;
    x->held = false;
    http_answer_deliver(c);
    return true;
}

/* on_head() has answered: a small body that is sure to come is skipped, a larger one ends all. */
static bool answer_early(struct http_conn *c, const struct bytes *in)
{
    const struct http1_head *h = &c->x->head;
    bool sure = !h->chunked && h->content_length <= DRAIN_MAX;
    if (h->expect_continue && in->n < h->content_length) sure = false; /* it may never send it */
    if (sure)
        c->body_left = h->content_length;
    else
        c->close_after = c->linger = true;
    http_answer_deliver(c);
    return true;
}

static bool begin_body(struct http_conn *c, const struct bytes *in, size_t body_max)
{
    static const struct bytes go_on = {"HTTP/1.1 100 Continue\r\n\r\n", 25};
    struct http_exchange *x = c->x;
    if (x->head.content_length > body_max) return refuse(c, 413, "the body is larger than allowed");
    x->body.max = x->head.chunked ? body_max : (size_t)x->head.content_length;
    c->body_left = x->head.content_length;
    c->body_seen = 0;
    c->body_started_ns = x->started_ns;
    http1_chunked_init(&x->chunked);
    size_t first = x->body.max < BODY_FIRST_BYTES ? x->body.max : BODY_FIRST_BYTES;
    if (first) (void)buf_reserve(&x->body, first);
    /* A client that cannot take these few bytes has not read the answers before them. */
    if (x->head.expect_continue && !in->n && conn_write(&c->conn, &go_on, 1) != CONN_WRITTEN) {
        conn_close(&c->conn);
        return false;
    }
    c->state = HTTP_CONN_BODY;
    conn_set_deadline(&c->conn, c->body_started_ns + BODY_NS);
    return true;
}

static bool begin_request(struct http_conn *c, struct bytes *in)
{
    struct http_exchange *x = c->x;
    struct http_handler *h = &c->hl->server->handler;
    char *copy = arena_alloc(&x->arena, x->head.bytes);
    if (!copy) return refuse(c, 503, "no memory for this request now");
    memcpy(copy, in->p, x->head.bytes);
    http1_head_move(&x->head, copy);
    consume(in, x->head.bytes);
    x->started_ns = loop_now_ns(&c->hl->loop);
    http_exchange_name(x);
    x->announced = x->in_callback = true;
    struct http_verdict verdict = h->on_head(h->ctx, x);
    x->in_callback = false;
    bool has_body = x->head.chunked || x->head.content_length;
    if (x->answered) return answer_early(c, in);
    return has_body ? begin_body(c, in, verdict.body_max) : hand_up(c);
}

static bool step_head(struct http_conn *c, struct bytes *in)
{
    if (!in->n) return false;
    if (!c->x) {
        c->x = http_exchange_take(c->hl);
        if (!c->x) {
            conn_close(&c->conn);
            return false;
        }
        c->x->conn = c;
    }
    enum err e = http1_head_parse(&c->x->head, *in);
    if (e == ERR_OK) return begin_request(c, in);
    if (e == ERR_INVALID) return refuse(c, c->x->head.status, c->x->head.why);
    if (!c->head_timed) conn_set_deadline(&c->conn, loop_now_ns(&c->hl->loop) + HEAD_NS);
    c->head_timed = true;
    return false;
}

/* 30 s and a second for every KiB that came: a sender below 1 KiB/s is cut off. */
static void extend_body_deadline(struct http_conn *c)
{
    int64_t earned = (int64_t)(c->body_seen < (1u << 31) ? c->body_seen : (1u << 31));
    conn_set_deadline(&c->conn, c->body_started_ns + BODY_NS + earned * BODY_NS_PER_BYTE);
}

/* Charges what a body holds beyond its first bytes to the server's budget, so that many slow bodies
 * together cannot take all memory. The exchange gives it back when it is done. */
static bool body_fits_budget(struct http_conn *c)
{
    struct http_exchange *x = c->x;
    struct http_server *s = c->hl->server;
    if (x->body.cap <= BODY_FIRST_BYTES || x->body.cap <= x->charged) return true;
    size_t more = x->body.cap - x->charged;
    x->charged += more;
    size_t all = atomic_fetch_add_explicit(&s->body_bytes, more, memory_order_relaxed) + more;
    return all <= s->opts.max_body_bytes;
}

static bool step_chunked(struct http_conn *c, struct bytes *in)
{
    struct http_exchange *x = c->x;
    enum err e = ERR_MORE;
    while (e == ERR_MORE && in->n) {
        size_t used;
        struct bytes data;
        e = http1_chunked_feed(&x->chunked, *in, &used, &data);
        consume(in, used);
        c->body_seen += used;
        if (data.n > x->body.max - x->body.n)
            return refuse(c, 413, "the body is larger than allowed");
        buf_add_bytes(&x->body, data);
        if (x->body.err) return refuse(c, 503, "no memory for this request now");
        if (!body_fits_budget(c)) return refuse(c, 503, busy);
    }
    if (e == ERR_OK) return hand_up(c);
    if (e == ERR_INVALID) return refuse(c, x->chunked.status, x->chunked.why);
    extend_body_deadline(c);
    return false;
}

static bool step_body(struct http_conn *c, struct bytes *in)
{
    struct http_exchange *x = c->x;
    if (!in->n) return false;
    if (x->head.chunked) return step_chunked(c, in);
    size_t n = in->n < c->body_left ? in->n : (size_t)c->body_left;
    buf_add(&x->body, in->p, n);
    if (x->body.err) return refuse(c, 503, "no memory for this request now");
    if (!body_fits_budget(c)) return refuse(c, 503, busy);
    consume(in, n);
    c->body_left -= n;
    c->body_seen += n;
    if (!c->body_left) return hand_up(c);
    extend_body_deadline(c);
    return false;
}

static bool step_drain(struct http_conn *c, struct bytes *in)
{
    size_t n = in->n < c->body_left ? in->n : (size_t)c->body_left;
    consume(in, n);
    c->body_left -= n;
    if (c->body_left) return false;
    c->state = HTTP_CONN_HEAD;
    return true;
}

static bool step_linger(struct http_conn *c, struct bytes *in)
{
    enum { LINGER_BYTES = 20 << 20 }; /* a body a little beyond 16 MiB still reads its 413 */
    c->body_seen += in->n;
    consume(in, in->n);
    if (c->body_seen > LINGER_BYTES) conn_close(&c->conn);
    return false;
}

bool http_request_step(struct http_conn *c, struct bytes *in)
{
    if (c->conn.closing) return false;
    switch (c->state) {
    case HTTP_CONN_HEAD:
        return step_head(c, in);
    case HTTP_CONN_BODY:
        return step_body(c, in);
    case HTTP_CONN_DRAIN:
        return step_drain(c, in);
    case HTTP_CONN_LINGER:
        return step_linger(c, in);
    default:
        return false;
    }
}
