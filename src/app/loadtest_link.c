/* Connections and calls (see loadtest_link.h).
 *
 *   CLOSED ── first call ──> CONNECTING ──> OPEN ── end, error, time over ──> CLOSING ──> CLOSED
 *
 * A handle is made anew for each connection: libuv closes for good. */
#include "app/loadtest_link.h"

#include "base/clock.h"
#include "base/mem.h"

#include <netdb.h>
#include <stdio.h>

enum { KEPT_BYTES = 64 * 1024 }; /* of a link's buffers between answers */

enum state { CLOSED, CONNECTING, OPEN, CLOSING };

struct loadtest_link {
    struct loadtest_net *net;
    struct loadtest_link *next;
    enum state state;
    bool freed, used, writing;
    uv_tcp_t tcp;
    uv_connect_t connecting;
    uv_write_t write;
    struct loadtest_call *first, **last; /* first is under way when `sent` */
    bool sent;
    struct buf in, body;
    bool in_body;
    struct http1_response head;
    struct http1_chunked chunked;
};

static int64_t now_ns(void)
{
    return clock_mono_ns(clock_real());
}

static void start(struct loadtest_link *l);

/* --- calls ---------------------------- */

void loadtest_call_init(struct loadtest_call *c,
                        void (*done)(struct loadtest_call *, const struct loadtest_reply *))
{
    *c = (struct loadtest_call){.done = done};
    buf_init(&c->request, 64 << 20);
}

void loadtest_call_done(struct loadtest_call *c)
{
    buf_done(&c->request);
}

void loadtest_call_write(struct loadtest_call *c, const struct loadtest_net *net,
                         const char *method, const char *path, const char *credential,
                         struct bytes body)
{
    struct buf *b = &c->request;
    buf_clear(b);
    buf_add_str(b, method);
    buf_add_char(b, ' ');
    buf_add_str(b, path);
    buf_add_str(b, " HTTP/1.1\r\nHost: ");
    buf_add_str(b, net->host);
    if (credential) {
        buf_add_str(b, "\r\n");
        buf_add_str(b, credential);
    }
    if (body.p) {
        buf_add_str(b, "\r\nContent-Type: application/json\r\nContent-Length: ");
        buf_add_u64(b, body.n);
    }
    buf_add_str(b, "\r\n\r\n");
    buf_add_bytes(b, body);
}

void loadtest_reply_text(const struct loadtest_reply *reply, char *ret, size_t size)
{
    int n = (int)(reply->body.n < 100 ? reply->body.n : 100);
    if (reply->status)
        snprintf(ret, size, "%d %.*s", reply->status, n, n ? reply->body.p : "");
    else
        snprintf(ret, size, "%s", reply->why);
}

/* --- the end of a call ---------------------------- */

static void finish(struct loadtest_link *l, const struct loadtest_reply *reply)
{
    struct loadtest_call *c = l->first;
    l->first = c->next;
    if (!l->first) l->last = &l->first;
    l->sent = false;
    c->next = NULL;
    c->done(c, reply);
}

static void fail(struct loadtest_link *l, const char *why)
{
    finish(l, &(struct loadtest_reply){.status = 0, .why = why});
}

static void forget_answer(struct loadtest_link *l)
{
    l->in_body = false;
    struct buf *both[] = {&l->in, &l->body};
    for (size_t i = 0; i < 2; i++) {
        size_t max = both[i]->max;
        if (both[i]->cap > KEPT_BYTES) {
            buf_done(both[i]);
            buf_init(both[i], max);
        }
        buf_clear(both[i]);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct loadtest_link *l = handle->data;
    l->net->alive--;
    l->state = CLOSED;
    if (l->freed)
        loadtest_link_free(l);
    else if (l->first)
        start(l);
}

static void close_connection(struct loadtest_link *l)
{
    l->state = CLOSING;
    l->used = false;
    uv_close((uv_handle_t *)&l->tcp, on_closed);
}

static void end_connection(struct loadtest_link *l)
{
    if (l->state != CONNECTING && l->state != OPEN) return;
    close_connection(l);
    forget_answer(l);
}

/* The connection is no more. The call under way is sent again when the server may have closed the
 * idle connection just before: HTTP clients must expect that (RFC 9112, 9.3.1). */
static void lost(struct loadtest_link *l, const char *why)
{
    bool raced = l->used && l->sent && !l->in.n && !l->in_body;
    struct loadtest_call *c = l->first;
    end_connection(l);
    if (!c || !l->sent) return;
    if (raced && !c->again) {
        c->again = true;
        l->sent = false;
        return;
    }
    fail(l, why);
}

/* --- answers ---------------------------- */

static void complete(struct loadtest_link *l, struct bytes body)
{
    struct loadtest_reply reply = {
        .status = l->head.status, .retry_after_s = l->head.retry_after_s, .body = body};
    l->used = true;
    /* before its caller hears of the answer: a next call of his is for a connection that stays */
    if (!l->head.keep_alive) close_connection(l);
    finish(l, &reply);
    forget_answer(l);
    start(l);
}

static enum err take_chunks(struct loadtest_link *l)
{
    enum err e = ERR_MORE;
    size_t at = 0;
    while (e == ERR_MORE && at < l->in.n) {
        size_t used;
        struct bytes data;
        e = http1_chunked_feed(&l->chunked, bytes_of(l->in.p + at, l->in.n - at), &used, &data);
        if (e == ERR_INVALID) return e;
        buf_add_bytes(&l->body, data);
        at += used;
    }
    buf_shift(&l->in, at);
    return l->body.err ? l->body.err : e;
}

/* ERR_OK: the whole answer is there. */
static enum err take_body(struct loadtest_link *l, struct bytes *ret)
{
    if (l->head.chunked) {
        enum err e = take_chunks(l);
        *ret = buf_bytes(&l->body);
        return e;
    }
    if (!l->head.has_length) return ERR_UNSUPPORTED;
    if (l->in.n < l->head.content_length) return ERR_MORE;
    *ret = bytes_of(l->in.p, (size_t)l->head.content_length);
    return ERR_OK;
}

static enum err take_head(struct loadtest_link *l)
{
    enum err e = http1_response_parse(&l->head, buf_bytes(&l->in));
    if (e) return e;
    buf_shift(&l->in, l->head.bytes);
    l->in_body = true;
    http1_chunked_init(&l->chunked);
    return ERR_OK;
}

static void take_bytes(struct loadtest_link *l)
{
    struct bytes body = {NULL, 0};
    enum err e = l->in.err;
    if (!e && !l->sent) e = ERR_INVALID; /* nobody asked */
    if (!e && !l->in_body) e = take_head(l);
    if (!e) e = take_body(l, &body);
    if (e == ERR_MORE) return;
    if (e)
        lost(l, "the answer is not HTTP, or too large");
    else
        complete(l, body);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    (void)suggested;
    struct loadtest_link *l = handle->data;
    *ret = uv_buf_init(l->net->read_buffer, sizeof l->net->read_buffer);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *room)
{
    struct loadtest_link *l = stream->data;
    if (n == 0 || l->state != OPEN) return;
    if (n < 0) {
        lost(l, "the server closed the connection");
        return;
    }
    buf_add(&l->in, room->base, (size_t)n);
    take_bytes(l);
}

/* --- sending ---------------------------- */

static void on_written(uv_write_t *write, int status)
{
    struct loadtest_link *l = write->data;
    l->writing = false;
    if (l->state != OPEN) return;
    if (status)
        lost(l, "the server does not take what is sent");
    else
        start(l); /* an answer that came before its request was written has left one waiting */
}

static void send_first(struct loadtest_link *l)
{
    struct loadtest_call *c = l->first;
    if (!c->sent_ns) c->sent_ns = now_ns();
    uv_buf_t part = uv_buf_init(c->request.p, (unsigned)c->request.n);
    l->sent = l->writing = true;
    if (uv_write(&l->write, (uv_stream_t *)&l->tcp, &part, 1, on_written)) {
        l->writing = false;
        lost(l, "the server does not take what is sent");
    }
}

static void on_connected(uv_connect_t *connecting, int status)
{
    struct loadtest_link *l = connecting->data;
    if (l->state != CONNECTING) return;
    if (status) {
        end_connection(l);
        if (l->first) fail(l, "no connection");
        return;
    }
    l->state = OPEN;
    l->net->opened++;
    (void)uv_tcp_nodelay(&l->tcp, 1);
    bug_if(uv_read_start((uv_stream_t *)&l->tcp, give_room, on_read));
    start(l);
}

static void open_connection(struct loadtest_link *l)
{
    bug_if(uv_tcp_init(l->net->loop, &l->tcp));
    l->net->alive++;
    l->state = CONNECTING;
    if (l->first->sent_ns == 0) l->first->sent_ns = now_ns();
    if (!uv_tcp_connect(&l->connecting, &l->tcp, (struct sockaddr *)&l->net->address, on_connected))
        return;
    end_connection(l);
    fail(l, "no connection");
}

static void start(struct loadtest_link *l)
{
    if (!l->first || l->sent || l->writing) return;
    if (l->state == OPEN) send_first(l);
    if (l->state == CLOSED) open_connection(l);
}

void loadtest_link_send(struct loadtest_link *l, struct loadtest_call *c)
{
    c->sent_ns = 0;
    c->again = false;
    c->next = NULL;
    *l->last = c;
    l->last = &c->next;
    if (c->request.err) {
        if (l->first == c) fail(l, "no memory for the request");
        return;
    }
    start(l);
}

bool loadtest_link_busy(const struct loadtest_link *l)
{
    return l->first != NULL;
}

/* --- links ---------------------------- */

struct loadtest_link *loadtest_link_new(struct loadtest_net *net)
{
    struct loadtest_link *l = mem_zalloc(sizeof *l);
    if (!l) return NULL;
    l->net = net;
    l->last = &l->first;
    l->tcp.data = l->connecting.data = l->write.data = l;
    buf_init(&l->in, LOADTEST_ANSWER_MAX);
    buf_init(&l->body, LOADTEST_ANSWER_MAX);
    l->next = net->links;
    net->links = l;
    return l;
}

void loadtest_link_free(struct loadtest_link *l)
{
    if (!l) return;
    l->first = NULL;
    l->last = &l->first;
    l->freed = true;
    if (l->state != CLOSED) {
        end_connection(l);
        return;
    }
    struct loadtest_link **at = &l->net->links;
    while (*at != l) at = &(*at)->next;
    *at = l->next;
    buf_done(&l->in);
    buf_done(&l->body);
    mem_free(l);
}

/* --- the net ---------------------------- */

void loadtest_net_sweep(struct loadtest_net *net)
{
    int64_t limit = now_ns() - net->patience_ns;
    for (struct loadtest_link *l = net->links, *next; l; l = next) {
        next = l->next;
        if (l->freed || !l->first || !l->first->sent_ns || l->first->sent_ns > limit) continue;
        end_connection(l);
        fail(l, "no answer in time");
    }
}

enum err loadtest_net_resolve(const char *host, const char *port, struct sockaddr_storage *ret,
                              struct why *why)
{
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(host, port, &wanted, &found);
    if (code) return why_say(why, ERR_IO, "%.100s:%.10s: %s", host, port, gai_strerror(code));
    memcpy(ret, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return ERR_OK;
}

void loadtest_net_copy(struct loadtest_net *net, uv_loop_t *loop, const struct loadtest_net *of)
{
    *net =
        (struct loadtest_net){.loop = loop, .address = of->address, .patience_ns = of->patience_ns};
    memcpy(net->host, of->host, sizeof net->host);
}

enum err loadtest_net_init(struct loadtest_net *net, uv_loop_t *loop, const char *url,
                           struct why *why)
{
    struct bytes rest = bytes_str(url), host;
    char name[256], port[8] = "80";
    *net = (struct loadtest_net){.loop = loop, .patience_ns = 30 * NS_PER_S};
    if (!bytes_starts(rest, BYTES("http://")))
        return why_say(why, ERR_INVALID, "--url %.150s: it takes http://HOST:PORT", url);
    (void)bytes_cut(bytes_of(rest.p + 7, rest.n - 7), '/', &host);
    snprintf(net->host, sizeof net->host, "%.*s", (int)host.n, host.p);
    const char *colon = memrchr(host.p, ':', host.n);
    if (host.n && host.p[0] == '[' && colon && colon[-1] != ']') colon = NULL;
    if (colon) snprintf(port, sizeof port, "%.*s", (int)(host.p + host.n - colon - 1), colon + 1);
    if (colon) host.n = (size_t)(colon - host.p);
    if (host.n > 2 && host.p[0] == '[') host = bytes_of(host.p + 1, host.n - 2);
    snprintf(name, sizeof name, "%.*s", (int)host.n, host.p);
    return loadtest_net_resolve(name, port, &net->address, why);
}
