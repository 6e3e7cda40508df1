/* The live socket of a simulated user (RFC 6455, the client's side): opened with the user's token,
 * pings answered, frames counted. The first appearance of a reading in a frame tells how long it
 * took to get here: its time is when it was meant to be sent. */
#include "app/loadtest.h"
#include "base/mem.h"
#include "codec/base64.h"
#include "codec/timestamp.h"

enum { FRAME_MAX = 1 << 20, OPCODE_CLOSE = 8, OPCODE_PING = 9, OPCODE_PONG = 10, MASK = 4 };
#define OPEN_AGAIN (3 * NS_PER_S) /* as the earlier front end does */

struct loadtest_socket {
    struct loadtest_user *user;
    struct loadtest_due again;
    uv_tcp_t tcp;
    uv_connect_t connecting;
    uv_write_t write;
    struct buf in, out;
    int64_t intended_ns;
    bool alive, open, closing, freed, writing;
};

static void open_socket(struct loadtest_socket *s);

static void fail(struct loadtest_socket *s, const char *why)
{
    struct loadtest *t = s->user->t;
    if (t->draining || s->freed) return;
    loadtest_figures_error(t->figures, LOADTEST_SOCKET);
    loadtest_note(t, LOADTEST_SOCKET, &(struct loadtest_reply){.status = 0, .why = why});
}

static void on_closed(uv_handle_t *handle)
{
    struct loadtest_socket *s = handle->data;
    struct loadtest *t = s->user->t;
    t->net.alive--;
    s->alive = s->closing = s->writing = false;
    if (s->freed) {
        loadtest_socket_free(s);
        return;
    }
    s->intended_ns = loadtest_now_ns() + OPEN_AGAIN;
    if (!t->draining) loadtest_schedule_set(&t->schedule, &s->again, s->intended_ns);
}

static void end(struct loadtest_socket *s)
{
    if (!s->alive || s->closing) return;
    s->closing = true;
    if (s->open) s->user->t->open_sockets--;
    s->open = false;
    buf_clear(&s->in);
    uv_close((uv_handle_t *)&s->tcp, on_closed);
}

static void on_written(uv_write_t *write, int status)
{
    struct loadtest_socket *s = write->data;
    (void)status;
    s->writing = false;
}

static void write_out(struct loadtest_socket *s)
{
    uv_buf_t part = uv_buf_init(s->out.p, (unsigned)s->out.n);
    s->writing = !uv_write(&s->write, (uv_stream_t *)&s->tcp, &part, 1, on_written);
}

/* A client masks its frames; a mask of zeros is one. */
static void send_pong(struct loadtest_socket *s, struct bytes payload)
{
    if (s->writing || payload.n > 125) return;
    buf_clear(&s->out);
    buf_add_char(&s->out, (char)(0x80 | OPCODE_PONG));
    buf_add_char(&s->out, (char)(0x80 | payload.n));
    buf_add(&s->out, "\0\0\0\0", MASK);
    buf_add_bytes(&s->out, payload);
    write_out(s);
}

/* Of a flat frame, which comes first of the two forms of a reading. */
static void take_text(struct loadtest_socket *s, struct bytes text)
{
    static const char key[] = "\"timestamp\":\"";
    struct loadtest *t = s->user->t;
    struct bytes stamp;
    int64_t ts;
    t->frames++;
    if (memmem(text.p, text.n, "\"type\":", 7)) return;
    const char *at = memmem(text.p, text.n, key, sizeof key - 1);
    if (!at) return;
    at += sizeof key - 1;
    (void)bytes_cut(bytes_of(at, text.n - (size_t)(at - text.p)), '"', &stamp);
    if (timestamp_parse(stamp, &ts, NULL) || ts < t->start_wall_ns || t->opts.max_rate) return;
    if (loadtest_is_noisy(t, s->user->org)) return;
    loadtest_figures_add(t->figures, LOADTEST_LIVE, loadtest_wall_ns(t, loadtest_now_ns()) - ts);
}

/* Bytes of the frame that `in` begins with, and its payload; 0: not whole; SIZE_MAX: not one. */
static size_t read_frame(struct bytes in, unsigned *ret_opcode, struct bytes *ret)
{
    const unsigned char *p = (const unsigned char *)in.p;
    if (in.n < 2) return 0;
    uint64_t n = p[1] & 0x7f, head = 2;
    if (p[1] & 0x80) return SIZE_MAX; /* a server does not mask */
    if (n >= 126) head = n == 126 ? 4 : 10;
    if (in.n < head) return 0;
    if (head > 2) n = 0;
    for (uint64_t i = 2; i < head; i++) n = n << 8 | p[i];
    if (n > FRAME_MAX) return SIZE_MAX;
    if (in.n < head + n) return 0;
    *ret_opcode = p[0] & 0x0f;
    *ret = bytes_of(in.p + head, (size_t)n);
    return (size_t)(head + n);
}

static void take_frames(struct loadtest_socket *s)
{
    size_t at = 0, n = 0;
    unsigned opcode;
    struct bytes payload;
    while (s->alive && !s->closing) {
        n = read_frame(bytes_of(s->in.p + at, s->in.n - at), &opcode, &payload);
        if (n == 0 || n == SIZE_MAX) break;
        at += n;
        if (opcode == 1) take_text(s, payload);
        if (opcode == OPCODE_PING) send_pong(s, payload);
        if (opcode == OPCODE_CLOSE) {
            fail(s, "the server closed the live socket");
            end(s);
            return;
        }
    }
    if (n == SIZE_MAX) {
        fail(s, "the live socket's bytes are no frames");
        end(s);
        return;
    }
    buf_shift(&s->in, at);
}

static void take_handshake(struct loadtest_socket *s)
{
    struct http1_response head;
    struct loadtest *t = s->user->t;
    enum err e = http1_response_parse(&head, buf_bytes(&s->in));
    if (e == ERR_MORE) return;
    loadtest_figures_add(t->figures, LOADTEST_SOCKET, loadtest_now_ns() - s->intended_ns);
    if (e || head.status != 101) {
        fail(s, "the live socket was refused");
        end(s);
        return;
    }
    buf_shift(&s->in, head.bytes);
    s->open = true;
    t->open_sockets++;
    take_frames(s);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    (void)suggested;
    struct loadtest_socket *s = handle->data;
    *ret = uv_buf_init(s->user->t->net.read_buffer, LOADTEST_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *room)
{
    struct loadtest_socket *s = stream->data;
    if (n == 0 || s->closing) return;
    if (n > 0) buf_add(&s->in, room->base, (size_t)n);
    if (n < 0 || s->in.err) {
        fail(s, "the server ended the live socket");
        end(s);
    } else if (s->open) {
        take_frames(s);
    } else {
        take_handshake(s);
    }
}

static void send_handshake(struct loadtest_socket *s)
{
    char key[24], nonce[16];
    rnd_fill(&s->user->rnd, nonce, sizeof nonce);
    base64_encode(bytes_of(nonce, sizeof nonce), key);
    buf_clear(&s->out);
    /* The credential line is "Authorization: Bearer TOKEN". */
    buf_printf(&s->out,
               "GET /ws/telemetry?token=%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
               "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %.24s"
               "\r\n\r\n",
               strrchr(s->user->credential, ' ') + 1, s->user->t->net.host, key);
    write_out(s);
}

static void on_connected(uv_connect_t *connecting, int status)
{
    struct loadtest_socket *s = connecting->data;
    if (s->closing) return;
    if (status || uv_read_start((uv_stream_t *)&s->tcp, give_room, on_read)) {
        fail(s, "no connection for the live socket");
        end(s);
        return;
    }
    (void)uv_tcp_nodelay(&s->tcp, 1);
    send_handshake(s);
}

static void open_socket(struct loadtest_socket *s)
{
    struct loadtest_net *net = &s->user->t->net;
    bug_if(uv_tcp_init(net->loop, &s->tcp));
    net->alive++;
    s->alive = true;
    s->tcp.data = s->connecting.data = s->write.data = s;
    if (!uv_tcp_connect(&s->connecting, &s->tcp, (struct sockaddr *)&net->address, on_connected))
        return;
    fail(s, "no connection for the live socket");
    end(s);
}

static void on_again(struct loadtest_due *due)
{
    open_socket(
        (struct loadtest_socket *)(void *)((char *)due - offsetof(struct loadtest_socket, again)));
}

struct loadtest_socket *loadtest_socket_new(struct loadtest_user *u)
{
    struct loadtest_socket *s = mem_zalloc(sizeof *s);
    if (!s) return NULL;
    s->user = u;
    s->again.run = on_again;
    s->intended_ns = loadtest_now_ns();
    buf_init(&s->in, 2 * FRAME_MAX);
    buf_init(&s->out, 1 << 14);
    open_socket(s);
    return s;
}

void loadtest_socket_free(struct loadtest_socket *s)
{
    if (!s) return;
    loadtest_schedule_unset(&s->user->t->schedule, &s->again);
    s->freed = true;
    if (s->alive) {
        end(s);
        return;
    }
    buf_done(&s->in);
    buf_done(&s->out);
    mem_free(s);
}
