/* An MQTT connection between two callbacks of its socket (see mqtt_conn.h): bytes to packets,
 * deadlines, what is written when, and when it may go. */
#include "net/mqtt_conn.h"

#include "base/mem.h"

#include <unistd.h>

enum {
    STALL_BYTES = 30 * 1024,  /* a reader takes this much in STALL_NS or is cut off */
    CHARGE_FROM = 16 * 1024,  /* packets below this are not counted one by one */
    KEEP_ALIVE_PROBE_S = 600, /* for clients that asked for no keep-alive of MQTT's own */
};
#define CONNECT_NS (10 * NS_PER_S)
#define STALL_NS   (30 * NS_PER_S)
#define LINGER_NS  (2 * NS_PER_S)
#define PACKET_NS  (30 * NS_PER_S) /* for a packet, and 1 s more for each KiB of it */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* An unfinished packet holds memory that is everybody's: it has to come at a least rate. */
static int64_t packet_deadline(const struct mqtt_conn *c)
{
    if (!c->packet_ns || c->state != MQTT_CONN_OPEN) return WHEEL_NEVER;
    return c->packet_ns + PACKET_NS + (int64_t)(c->in.n / 1024) * NS_PER_S;
}

void mqtt_conn_set_deadline(struct mqtt_conn *c)
{
    int64_t at = WHEEL_NEVER;
    if (c->state == MQTT_CONN_CONNECT || c->state == MQTT_CONN_JOINING)
        at = c->heard_ns + CONNECT_NS;
    else if (c->state == MQTT_CONN_ENDING)
        at = c->heard_ns + LINGER_NS;
    else if (c->keep_alive_ns)
        at = c->heard_ns + c->keep_alive_ns;
    if (c->conn.writing) at = sooner(at, c->stall_ns);
    if (c->paused) at = sooner(at, c->resume_ns);
    at = sooner(at, packet_deadline(c));
    conn_set_deadline(&c->conn, at);
}

/* --- bytes of everybody together ---------------------------------------------------------------*/

bool mqtt_conn_charge(struct mqtt_conn *c, size_t n)
{
    struct mqtt_server *s = c->ml->server;
    if (n < CHARGE_FROM) return true;
    size_t before = atomic_fetch_add_explicit(&s->taken_bytes, n, memory_order_relaxed);
    if (before + n <= s->opts.max_taken_bytes) return true;
    atomic_fetch_sub_explicit(&s->taken_bytes, n, memory_order_relaxed);
    return false;
}

void mqtt_conn_refund(struct mqtt_conn *c, size_t n)
{
    if (n < CHARGE_FROM) return;
    atomic_fetch_sub_explicit(&c->ml->server->taken_bytes, n, memory_order_relaxed);
}

/* --- bytes in ----------------------------------------------------------------------------------*/

/* Must what has come wait for something of this connection to be finished first? */
static bool must_wait(struct mqtt_conn *c)
{
    if (c->state == MQTT_CONN_JOINING || c->held || c->paused || c->drained) return true;
    /* version 5 has agreed on a maximum, and is told when it goes past it */
    unsigned max = c->version == MQTT_V5 ? 2 * MQTT_RECEIVE_MAX : MQTT_RECEIVE_MAX;
    return c->under_way >= max || c->out.n > MQTT_OUT_MAX;
}

static bool refuse_bytes(struct mqtt_conn *c, enum mqtt_reason reason)
{
    mqtt_packets_refuse(c, reason);
    return false;
}

/* One packet of `in`; false: cannot go on now. */
static bool step(struct mqtt_conn *c, struct bytes *in)
{
    size_t size;
    struct mqtt_frame f;
    if (!in->n || c->conn.closing || c->state == MQTT_CONN_ENDING || must_wait(c)) return false;
    enum err e = mqtt_packet_size(*in, &size);
    if (e == ERR_INVALID) return refuse_bytes(c, MQTT_MALFORMED);
    if (e) return false;
    if (size > c->ml->server->opts.max_packet) return refuse_bytes(c, MQTT_TOO_LARGE);
    if (mqtt_packet_frame(*in, &f)) return false;
    mqtt_conn_refund(c, c->charged);
    c->charged = 0;
    bool more = mqtt_packets_take(c, &f);
    in->p += size;
    in->n -= size;
    return more;
}

/* What lies here unfinished counts as it comes, not as it is announced: an announcement costs its
 * sender nothing. False: there is too much of everybody's. */
static bool charge_unfinished(struct mqtt_conn *c)
{
    size_t before = c->charged;
    c->charged = 0;
    mqtt_conn_refund(c, before);
    if (!mqtt_conn_charge(c, c->in.n)) return false;
    c->charged = c->in.n;
    return true;
}

/* Keeps what is left, which `in` is of c->in or of what has just come. */
static void keep_rest(struct mqtt_conn *c, struct bytes in, bool waiting, bool advanced)
{
    if (waiting)
        buf_shift(&c->in, c->in.n - in.n);
    else
        buf_add_bytes(&c->in, in);
    if (!c->in.n || must_wait(c))
        c->packet_ns = 0;
    else if (advanced || !c->packet_ns)
        c->packet_ns = loop_now_ns(&c->ml->loop);
    if (!c->in.err && !charge_unfinished(c)) refuse_bytes(c, MQTT_QUOTA_EXCEEDED);
}

/* Understands as much as can be understood; what is left of `data` waits in c->in. */
static void pump(struct mqtt_conn *c, struct bytes data)
{
    bool waiting = c->in.n > 0;
    if (waiting) buf_add_bytes(&c->in, data);
    struct bytes in = waiting ? buf_bytes(&c->in) : data;
    size_t before = in.n;
    while (step(c, &in)) continue;
    if (!c->conn.closing && c->state != MQTT_CONN_ENDING) keep_rest(c, in, waiting, in.n < before);
    if (c->conn.closing || c->state == MQTT_CONN_ENDING) {
        buf_done(&c->in);
        if (c->state == MQTT_CONN_ENDING) conn_read_start(&c->conn); /* and drops what comes */
        return;
    }
    if (c->in.err) {
        conn_close(&c->conn);
        return;
    }
    if (!c->in.n) buf_done(&c->in);
    if (must_wait(c))
        conn_read_stop(&c->conn);
    else
        conn_read_start(&c->conn);
}

static void take_tls(struct mqtt_conn *c, struct bytes data)
{
    struct buf *said = &c->ml->said;
    buf_clear(said);
    enum err e = tls_take(c->tls, data, said);
    if (said->n) pump(c, buf_bytes(said));
    if (tls_has_output(c->tls)) mqtt_conn_touch(c);
    if (e && c->state != MQTT_CONN_ENDING && !c->conn.closing) mqtt_conn_end(c);
}

static void on_data(struct conn *conn, struct bytes data)
{
    struct mqtt_conn *c = (struct mqtt_conn *)conn;
    if (c->state == MQTT_CONN_ENDING) return;
    if (c->state == MQTT_CONN_OPEN) c->heard_ns = loop_now_ns(&c->ml->loop);
    if (c->tls)
        take_tls(c, data);
    else
        pump(c, data);
    mqtt_conn_set_deadline(c);
}

static void on_eof(struct conn *conn)
{
    conn_close(conn);
}

/* --- bytes out ---------------------------------------------------------------------------------*/

static void on_turn(uv_check_t *turn)
{
    mqtt_conn_turn(turn->data);
}

void mqtt_conn_touch(struct mqtt_conn *c)
{
    struct mqtt_loop *ml = c->ml;
    if (!ml->turning) ml->turning = !uv_check_start(&ml->turn, on_turn);
    if (c->dirty) return;
    c->dirty = true;
    c->next_dirty = ml->dirty;
    ml->dirty = c;
}

static void begin_linger(struct mqtt_conn *c)
{
    /* Closing with unread bytes would send a reset that overtakes what we said last. */
    conn_shut_write(&c->conn);
    c->heard_ns = loop_now_ns(&c->ml->loop);
    conn_read_start(&c->conn);
    mqtt_conn_set_deadline(c);
}

/* Moves what is to be said to where the socket takes it from. */
static void fill_sent(struct mqtt_conn *c)
{
    struct buf taken = c->sent;
    if (c->tls) {
        buf_clear(&c->sent);
        if (c->out.n && tls_say(c->tls, buf_bytes(&c->out))) c->sent.err = ERR_INVALID;
        if (c->state == MQTT_CONN_ENDING) tls_bye(c->tls);
        tls_take_output(c->tls, &c->sent);
    } else {
        c->sent = c->out;
        c->out = taken;
    }
    buf_clear(&c->out);
}

static void flush(struct mqtt_conn *c)
{
    if (c->conn.closing || c->conn.writing) return;
    if (c->out.err) {
        conn_close(&c->conn);
        return;
    }
    fill_sent(c);
    if (c->sent.err) {
        conn_close(&c->conn);
        return;
    }
    if (c->sent.n) {
        struct bytes part = buf_bytes(&c->sent);
        enum conn_result r = conn_write(&c->conn, &part, 1);
        if (r == CONN_LATER) {
            c->write_mark = conn_unwritten(&c->conn);
            c->stall_ns = loop_now_ns(&c->ml->loop) + STALL_NS;
            mqtt_conn_set_deadline(c);
            return;
        }
    }
    buf_done(&c->sent);
    buf_done(&c->out);
    if (c->state == MQTT_CONN_ENDING && !c->said_bye && !c->conn.closing) {
        c->said_bye = true;
        begin_linger(c);
    }
}

static void on_written(struct conn *conn)
{
    struct mqtt_conn *c = (struct mqtt_conn *)conn;
    mqtt_conn_touch(c);
}

/* Drained: what was taken is acknowledged, so the good-bye may follow. */
static void go_on(struct mqtt_conn *c)
{
    if (c->closed) {
        mqtt_conn_dispose(c);
        return;
    }
    if (c->drained && !c->first && c->state == MQTT_CONN_OPEN)
        mqtt_disconnect(c, MQTT_SHUTTING_DOWN);
    flush(c);
    if (c->in.n && !c->conn.closing && !must_wait(c)) {
        pump(c, bytes_of(NULL, 0));
        flush(c);
        mqtt_conn_set_deadline(c);
    } else if (!c->conn.closing && !must_wait(c)) {
        conn_read_start(&c->conn);
    }
}

void mqtt_conn_turn(struct mqtt_loop *ml)
{
    struct mqtt_handler *h = &ml->server->handler;
    while (ml->dirty || ml->published) {
        struct mqtt_conn *c = ml->dirty;
        if (c) {
            ml->dirty = c->next_dirty;
            c->dirty = false;
            go_on(c);
        } else {
            ml->published = false;
            h->on_turn(h->ctx, ml->loop.index);
        }
    }
    ml->turning = false;
    uv_check_stop(&ml->turn);
}

/* --- deadlines, end ----------------------------------------------------------------------------*/

void mqtt_conn_end(struct mqtt_conn *c)
{
    c->state = MQTT_CONN_ENDING;
    c->heard_ns = loop_now_ns(&c->ml->loop);
    mqtt_conn_refund(c, c->charged);
    c->charged = 0;
    mqtt_conn_touch(c);
}

static bool is_stalled(struct mqtt_conn *c, int64_t now)
{
    if (!c->conn.writing || now < c->stall_ns) return false;
    if (conn_unwritten(&c->conn) + STALL_BYTES > c->write_mark) return true;
    c->write_mark = conn_unwritten(&c->conn);
    c->stall_ns = now + STALL_NS;
    return false;
}

static void on_deadline(struct conn *conn)
{
    struct mqtt_conn *c = (struct mqtt_conn *)conn;
    int64_t now = loop_now_ns(&c->ml->loop);
    if (c->paused && now >= c->resume_ns) {
        c->paused = false;
        c->heard_ns = now;
        mqtt_conn_touch(c);
    }
    if (must_wait(c) && c->state == MQTT_CONN_OPEN) {
        c->heard_ns = now; /* it is we who do not read */
        c->packet_ns = 0;
    }
    if (is_stalled(c, now))
        conn_close(conn);
    else if (c->state != MQTT_CONN_OPEN && !c->conn.writing)
        conn_close(conn); /* no CONNECT in 10 s, no session in 10 s, no close in 2 s */
    else if (now >= packet_deadline(c) ||
             (c->keep_alive_ns && now >= c->heard_ns + c->keep_alive_ns))
        mqtt_disconnect(c, MQTT_KEEP_ALIVE_TIMEOUT);
    mqtt_conn_set_deadline(c);
    mqtt_conn_turn(c->ml); /* timers run before the sockets: nobody else would write it soon */
}

static void on_closed(struct conn *conn)
{
    struct mqtt_conn *c = (struct mqtt_conn *)conn;
    struct mqtt_loop *ml = c->ml;
    struct mqtt_handler *h = &ml->server->handler;
    if (c->announced) h->on_gone(h->ctx, c);
    c->closed = true;
    if (c->will && c->session && !c->waiting) mqtt_packets_publish_will(c);
    if (c->dirty)
        mqtt_conn_turn(ml); /* which disposes of it; the next turn of the loop may be far */
    else
        mqtt_conn_dispose(c);
}

void mqtt_ref(struct mqtt_conn *c)
{
    c->refs++;
}

void mqtt_unref(struct mqtt_conn *c)
{
    c->refs--;
    mqtt_conn_dispose(c);
}

void mqtt_conn_dispose(struct mqtt_conn *c)
{
    struct mqtt_loop *ml = c->ml;
    struct mqtt_handler *h = &ml->server->handler;
    if (!c->closed || c->first || c->dirty || c->refs) return;
    if (!mqtt_session_release(c)) return;
    if (c->announced) h->on_closed(h->ctx, c);
    *(c->prev ? &c->prev->next : &ml->conns) = c->next;
    if (c->next) c->next->prev = c->prev;
    if (c->counted) conn_limits_leave(&ml->server->limits, &c->conn.peer, false);
    mqtt_conn_refund(c, c->charged);
    buf_done(&c->in);
    buf_done(&c->out);
    buf_done(&c->sent);
    tls_free(c->tls);
    mem_free(c->will);
    mem_free(c);
    mqtt_server_maybe_finish(ml);
}

static const struct conn_ops mqtt_ops = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_written = on_written,
    .on_deadline = on_deadline,
    .on_closed = on_closed,
};

static void begin(struct mqtt_conn *c)
{
    struct mqtt_server *s = c->ml->server;
    if (conn_learn_peer(&c->conn)) {
        conn_close(&c->conn);
        return;
    }
    uv_tcp_keepalive(&c->conn.tcp, 1, KEEP_ALIVE_PROBE_S);
    enum conn_limits_verdict verdict = conn_limits_enter(&s->limits, &c->conn.peer, false);
    c->counted = true;
    atomic_fetch_add_explicit(&s->accepted, 1, memory_order_relaxed);
    if (verdict !=
        CONN_LIMITS_OK) { /* MQTT can refuse only after a CONNECT, which it may not send */
        atomic_fetch_add_explicit(&s->refused, 1, memory_order_relaxed);
        conn_close(&c->conn);
        return;
    }
    c->heard_ns = loop_now_ns(&c->ml->loop);
    mqtt_conn_set_deadline(c);
    conn_read_start(&c->conn);
}

void mqtt_conn_adopt(struct mqtt_loop *ml, int fd, struct tls_context *tls)
{
    struct mqtt_conn *c = mem_zalloc(sizeof *c);
    if (!c || conn_init(&c->conn, &ml->loop, &mqtt_ops)) {
        mem_free(c);
        close(fd);
        return;
    }
    size_t max = ml->server->opts.max_packet;
    c->ml = ml;
    c->last = &c->first;
    buf_init(&c->in, max + 2 * LOOP_READ_BYTES);
    buf_init(&c->out, max + 2 * MQTT_OUT_MAX);
    buf_init(&c->sent, max + 2 * MQTT_OUT_MAX);
    c->next = ml->conns;
    if (c->next) c->next->prev = c;
    ml->conns = c;
    if (tls) c->tls = tls_new(tls);
    if ((tls && !c->tls) || uv_tcp_open(&c->conn.tcp, fd)) {
        close(fd);
        conn_close(&c->conn);
    } else {
        begin(c);
    }
}

void mqtt_conn_drain(struct mqtt_conn *c)
{
    if (c->conn.closing || c->state == MQTT_CONN_ENDING) return;
    if (c->state != MQTT_CONN_OPEN) {
        conn_close(&c->conn);
        return;
    }
    c->drained = true;
    conn_read_stop(&c->conn);
    mqtt_conn_touch(c);
}
