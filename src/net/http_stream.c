/* Answers of unknown length (see http.h): an executor thread fills `pending`, the loop swaps it for
 * the emptied `sending` and writes that, so memory stays at two buffers and the producer waits.
 *
 * S1  at most STREAM_MAX bytes wait for the client in all; the producer blocks above it.
 * S2  the producer's last touch of the exchange is the post in http_stream_close(); the inbox keeps
 *     order, so no pump of this stream is queued behind it.
 * Threads: as marked; what both sides touch is under the lock. */
#include "net/http_conn.h"

#include "base/mem.h"

enum {
    STREAM_MAX = 256 * 1024,
    PIECE_MAX = 64 * 1024,
    ROOM_BYTES = STREAM_MAX + PIECE_MAX + 64, /* one piece on top, its frame, the last chunk */
};

struct http_stream {
    struct http_exchange *x;
    struct loop_task pump;
    struct lock lock;
    struct cond room;
    struct buf pending;      /* under the lock */
    size_t waiting;          /* under the lock: bytes of pending and sending */
    bool gone, posted;       /* under the lock: the client is gone; pump is in the inbox */
    bool chunked, head_only; /* set at open */
    bool complete;           /* the producer's until it gives the exchange back */
    bool head_sent, ended;   /* the loop's */
    struct buf sending;      /* the loop's */
};

void http_stream_free(struct http_stream *s)
{
    if (!s) return;
    buf_done(&s->pending);
    buf_done(&s->sending);
    cond_done(&s->room);
    lock_done(&s->lock);
    mem_free(s);
}

void http_stream_gone(struct http_stream *s)
{
    lock_take(&s->lock);
    s->gone = true;
    cond_broadcast(&s->room);
    lock_release(&s->lock);
}

/* On the loop: takes what is pending. False: there is nothing. */
static bool refill(struct http_stream *s)
{
    lock_take(&s->lock);
    struct buf emptied = s->sending;
    s->waiting -= emptied.n;
    buf_clear(&emptied);
    s->sending = s->pending;
    s->pending = emptied;
    cond_signal(&s->room);
    lock_release(&s->lock);
    return s->sending.n > 0;
}

static void end_stream(struct http_conn *c, struct http_stream *s)
{
    if (s->complete)
        http_answer_finish(c);
    else
        conn_close(&c->conn);
}

static void send_more(struct http_conn *c)
{
    struct http_stream *s = c->x->stream;
    while (!c->conn.closing && !c->conn.writing && refill(s)) {
        struct bytes part = buf_bytes(&s->sending);
        enum conn_result r = conn_write(&c->conn, &part, 1);
        if (r == CONN_LATER) http_conn_watch_write(c);
    }
    if (c->conn.closing || c->conn.writing) return;
    conn_set_deadline(&c->conn, WHEEL_NEVER); /* it is the producer's turn */
    if (s->ended) end_stream(c, s);
}

void http_stream_written(struct http_conn *c)
{
    send_more(c);
    if (c->state != HTTP_CONN_STREAMING) http_conn_resume(c);
}

/* On the loop: the first one writes the head before the first part. */
static void on_pump(struct loop_task *t)
{
    struct http_stream *s = (struct http_stream *)((char *)t - offsetof(struct http_stream, pump));
    struct http_exchange *x = s->x;
    struct http_conn *c = x->conn;
    lock_take(&s->lock);
    s->posted = false;
    lock_release(&s->lock);
    x->streaming = s;
    if (c->conn.closing) http_stream_gone(s);
    if (c->conn.closing || c->conn.writing) return;
    if (!s->head_sent) {
        s->head_sent = true;
        c->state = HTTP_CONN_STREAMING;
        if (!x->head.keep_alive || !s->chunked || c->hl->draining) c->close_after = true;
        http_answer_head(x, true);
        struct bytes head = buf_bytes(&x->out);
        enum conn_result r = x->out.err ? CONN_BROKEN : conn_write(&c->conn, &head, 1);
        if (r == CONN_BROKEN) conn_close(&c->conn);
        if (r == CONN_LATER) http_conn_watch_write(c);
    }
    send_more(c);
}

/* On the loop: the producer has given the exchange back. */
static void on_end(struct loop_task *t)
{
    struct http_exchange *x =
        (struct http_exchange *)((char *)t - offsetof(struct http_exchange, returned));
    struct http_conn *c = x->conn;
    x->answered = true;
    x->held = false;
    x->stream->ended = true;
    if (c->closed) {
        http_conn_dispose(c);
        return;
    }
    if (c->conn.closing || c->conn.writing)
        return; /* on_closed() or http_stream_written() goes on */
    send_more(c);
    http_conn_resume(c);
}

enum err http_stream_open(struct http_exchange *x, int status, const char *content_type)
{
    bug_if(loop_is_current(&x->conn->hl->loop)); /* writing would wait for itself */
    struct http_stream *s = mem_zalloc(sizeof *s);
    if (!s) return ERR_NOMEM;
    s->x = x;
    s->pump.run = on_pump;
    s->chunked = x->head.minor == 1;
    s->head_only = x->head.method == HTTP1_HEAD;
    lock_init(&s->lock, LOCK_RANK_LOOP);
    cond_init(&s->room);
    buf_init(&s->pending, ROOM_BYTES);
    buf_init(&s->sending, ROOM_BYTES);
    /* All at once: nothing is allocated under the lock, and memory cannot run out half way. */
    if (!buf_reserve(&s->pending, ROOM_BYTES) || !buf_reserve(&s->sending, ROOM_BYTES)) {
        http_stream_free(s);
        return ERR_NOMEM;
    }
    x->stream = s;
    x->status = status;
    x->content_type = content_type;
    buf_clear(&x->answer);
    s->posted = true;
    loop_post(&x->conn->hl->loop, &s->pump);
    return ERR_OK;
}

/* Under the lock. */
static void add_piece(struct http_stream *s, struct bytes piece)
{
    size_t before = s->pending.n;
    if (s->chunked) buf_printf(&s->pending, "%zx\r\n", piece.n);
    buf_add_bytes(&s->pending, piece);
    if (s->chunked) buf_add(&s->pending, "\r\n", 2);
    s->waiting += s->pending.n - before;
}

static enum err write_piece(struct http_stream *s, struct bytes piece)
{
    lock_take(&s->lock);
    while (!s->gone && s->waiting > STREAM_MAX) cond_wait(&s->room, &s->lock);
    enum err e = s->gone ? ERR_CLOSED : ERR_OK;
    if (!e) add_piece(s, piece);
    if (!e) e = s->pending.err;
    bool post = !e && !s->posted;
    if (post) s->posted = true;
    lock_release(&s->lock);
    if (post) loop_post(&s->x->conn->hl->loop, &s->pump);
    return e;
}

enum err http_stream_write(struct http_exchange *x, struct bytes part)
{
    struct http_stream *s = x->stream;
    enum err e = ERR_OK;
    while (part.n && !e) {
        size_t n = part.n < PIECE_MAX ? part.n : PIECE_MAX;
        if (s->head_only) return ERR_OK;
        e = write_piece(s, bytes_of(part.p, n));
        part = bytes_of(part.p + n, part.n - n);
    }
    return e;
}

void http_stream_close(struct http_exchange *x, bool complete)
{
    struct http_stream *s = x->stream;
    lock_take(&s->lock);
    s->complete = complete && !s->pending.err; /* without memory for a piece the body has a hole */
    if (s->complete && s->chunked && !s->head_only) {
        buf_add(&s->pending, "0\r\n\r\n", 5);
        s->waiting += 5;
    }
    lock_release(&s->lock);
    x->returned.run = on_end;
    loop_post(&x->conn->hl->loop, &x->returned);
}
