/* The scripted server (see net_script.h). */
#include "net_script.h"

#include "base/mem.h"
#include "sys/thread.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_S = 20 };

static void fail(const char *what)
{
    fprintf(stderr, "net_script: %s\n", what);
    abort();
}

/* Gives others the processor until `ready`; a test that would wait for ever ends here. */
static void until(bool (*ready)(const void *), const void *arg, const char *what)
{
    int64_t end = clock_mono_ns(clock_real()) + PATIENCE_S * NS_PER_S;
    while (!ready(arg)) {
        if (clock_mono_ns(clock_real()) > end) fail(what);
        sched_yield();
    }
}

static size_t number_in_query(const struct http_exchange *x)
{
    uint64_t n = 0;
    if (!bytes_to_u64(http_head(x)->query, &n)) return 0;
    return (size_t)n;
}

static void fill(struct buf *b, size_t n)
{
    char *to = buf_reserve(b, n);
    for (size_t i = 0; to && i < n; i++) to[i] = (char)('a' + i % 26);
    if (to) buf_advance(b, n);
}

static struct http_verdict on_head(void *ctx, struct http_exchange *x)
{
    struct net_script *s = ctx;
    struct http_verdict v = {.body_max = 4 << 20};
    atomic_fetch_add(&s->heads, 1);
    if (bytes_is(http_head(x)->path, "/small")) v.body_max = 10;
    if (bytes_is(http_head(x)->path, "/early")) {
        buf_add_str(http_answer_body(x), "no");
        http_add_header(x, "WWW-Authenticate", BYTES("Bearer"));
        http_answer(x, 401, "text/plain");
        v.answered = true;
    }
    return v;
}

struct producer {
    struct net_script *script;
    struct http_exchange *x;
    bool complete;
};

static void *produce(void *arg)
{
    struct producer *p = arg;
    struct net_script *s = p->script;
    size_t left = number_in_query(p->x);
    static const char part[10000] = {'x'};
    enum err e = http_stream_open(p->x, 200, "text/plain");
    if (e) fail("no stream");
    while (left && !e) {
        size_t n = left < sizeof part ? left : sizeof part;
        e = http_stream_write(p->x, bytes_of(part, n));
        atomic_fetch_add(&s->streamed, n);
        left -= n;
    }
    http_stream_close(p->x, p->complete);
    mem_free(p);
    atomic_store(&s->stream_result, (int)e);
    return NULL;
}

static void start_producer(struct net_script *s, struct http_exchange *x, bool complete)
{
    struct producer *p = mem_alloc(sizeof *p);
    if (!p) fail("no memory");
    *p = (struct producer){s, x, complete};
    atomic_store(&s->stream_result, -1);
    atomic_store(&s->streamed, 0);
    if (thread_start_detached(produce, p, "producer", 0)) fail("no thread");
}

static void on_open(void *session, struct websocket *ws)
{
    struct net_script *s = session;
    atomic_store(&s->ws, ws);
    atomic_fetch_add(&s->ws_opened, 1);
}

static void on_text(void *session, struct websocket *ws, struct bytes text)
{
    (void)session;
    if (bytes_is(text, "close")) {
        websocket_close(ws, 4000, "as you wish");
        return;
    }
    struct ws_frame *f = ws_frame_new(text);
    if (f) websocket_send(ws, f, 0);
    if (!f) websocket_close(ws, 1011, "out of memory");
    ws_frame_unref(f);
}

static void on_close(void *session, struct websocket *ws)
{
    struct net_script *s = session;
    (void)ws;
    atomic_store(&s->ws, NULL);
    atomic_fetch_add(&s->ws_closed, 1);
}

static void accept_socket(struct net_script *s, struct http_exchange *x)
{
    static const struct websocket_handler handler = {on_open, on_text, on_close};
    int64_t idle = (int64_t)number_in_query(x) * NS_PER_S;
    if (websocket_accept(x, &handler, s, idle)) http_answer(x, 400, NULL);
}

static void on_request(void *ctx, struct http_exchange *x)
{
    struct net_script *s = ctx;
    struct bytes path = http_head(x)->path;
    atomic_fetch_add(&s->requests, 1);
    if (bytes_is(path, "/hold")) {
        atomic_store(&s->held, x);
    } else if (bytes_is(path, "/stream") || bytes_is(path, "/cut")) {
        start_producer(s, x, bytes_is(path, "/stream"));
    } else if (bytes_is(path, "/ws")) {
        accept_socket(s, x);
    } else if (bytes_is(path, "/big")) {
        fill(http_answer_body(x), number_in_query(x));
        http_answer(x, 200, "application/octet-stream");
    } else if (bytes_is(path, "/text")) {
        fill(http_answer_body(x), number_in_query(x));
        http_answer(x, 200, "text/plain; charset=utf-8");
    } else if (bytes_is(path, "/tell")) {
        struct bytes id = http_request_id(x);
        buf_printf(http_answer_body(x), "%s %.*s", http_client_address(x), (int)id.n, id.p);
        http_answer(x, 200, "text/plain");
    } else {
        buf_add_bytes(http_answer_body(x), http_body(x));
        http_answer(x, 200, "text/plain");
    }
}

static void on_done(void *ctx, struct http_exchange *x)
{
    struct net_script *s = ctx;
    (void)x;
    atomic_fetch_add(&s->done, 1);
}

static void on_refused(void *ctx, int status, const char *why, struct buf *body,
                       const char **ret_content_type)
{
    struct net_script *s = ctx;
    atomic_fetch_add(&s->refused, 1);
    buf_printf(body, "%d %s", status, why);
    *ret_content_type = "text/plain";
}

void net_script_start(struct net_script *s, const struct http_server_opts *opts)
{
    memset(s, 0, sizeof *s);
    clock_fake_init(&s->clock, INT64_C(784111777) * NS_PER_S); /* Sun, 06 Nov 1994 08:49:37 GMT */
    rnd_seed(&s->rnd, 1);
    struct http_server_opts o = {.loops = 1, .max_connections = 100, .max_per_address = 100};
    if (opts) o = *opts;
    o.host = "127.0.0.1";
    o.clock = &s->clock.clock;
    o.rnd = &s->rnd;
    struct http_handler h = {s, on_head, on_request, on_done, on_refused};
    struct why why;
    if (http_server_start(&s->server, &o, &h, &why)) fail(why.text);
}

static bool is_held(const void *arg)
{
    return atomic_load((_Atomic(struct http_exchange *) *)(uintptr_t)arg) != NULL;
}

struct http_exchange *net_script_take(struct net_script *s)
{
    until(is_held, &s->held, "no request to /hold came");
    s->taken = atomic_exchange(&s->held, NULL);
    return s->taken;
}

void net_script_answer(struct net_script *s, struct http_exchange *x, int status, const char *type)
{
    s->taken = NULL;
    http_answer(x, status, type);
}

void net_script_stop(struct net_script *s, int64_t timeout_ns)
{
    if (s->taken && !timeout_ns) /* the test has failed before it came to this */
        net_script_answer(s, s->taken, 500, NULL);
    http_server_stop(s->server, timeout_ns);
    if (atomic_load(&s->done) != atomic_load(&s->heads)) fail("an exchange was not done once");
    if (atomic_load(&s->ws_opened) != atomic_load(&s->ws_closed)) fail("a socket was not closed");
}

uint16_t net_script_port(struct net_script *s)
{
    return http_server_port(s->server);
}

struct count {
    const _Atomic unsigned *counter;
    unsigned n;
};

static bool has_count(const void *arg)
{
    const struct count *c = arg;
    return atomic_load(c->counter) >= c->n;
}

void net_script_await(const _Atomic unsigned *counter, unsigned n)
{
    struct count c = {counter, n};
    until(has_count, &c, "a counter stands still");
}
