/* Loops, listening sockets, start and graceful stop (see http.h). */
#include "net/http_conn.h"

#include "base/mem.h"

#include <netdb.h>
#include <sys/socket.h>

#define BODY_BYTES_MAX ((size_t)256 << 20)
#define IDLE_NS        (75 * NS_PER_S)
#define GRACE_MS       300 /* a request may be on its way to an idle connection */

bool http_server_trusts(const struct http_server *s, const struct address *a)
{
    for (size_t i = 0; i < s->proxy_count; i++)
        if (address_net_contains(&s->proxies[i], a)) return true;
    return false;
}

/* --- stop ------------------------------------------------------------------------------------- */

void http_server_maybe_finish(struct http_loop *hl)
{
    if (!hl->draining || hl->conns || hl->finished) return;
    hl->finished = true;
    uv_close((uv_handle_t *)&hl->timer, NULL);
    http_exchange_free_all(hl);
    ws_reader_free_all(&hl->readers);
    loop_finish(&hl->loop);
}

static void on_deadline(uv_timer_t *timer)
{
    struct http_loop *hl = timer->data;
    for (struct http_conn *c = hl->conns, *next; c; c = next) {
        next = c->next;
        conn_close(&c->conn);
    }
}

static void on_grace_over(uv_timer_t *timer)
{
    struct http_loop *hl = timer->data;
    uint64_t rest = (uint64_t)(hl->server->stop_timeout_ns / NS_PER_MS);
    rest = rest > GRACE_MS ? rest - GRACE_MS : 0;
    hl->grace_over = true;
    for (struct http_conn *c = hl->conns, *next; c; c = next) {
        next = c->next;
        http_conn_drain(c);
    }
    uv_timer_start(timer, on_deadline, rest, 0);
}

static void on_stop(struct loop_task *t)
{
    struct http_loop *hl = (struct http_loop *)((char *)t - offsetof(struct http_loop, stop));
    hl->draining = true;
    /* Who connected before we closed the door is let in, and answered. */
    if (hl->server->stop_timeout_ns > 0) listener_accept(&hl->listener, UINT32_MAX);
    listener_close(&hl->listener);
    for (struct http_conn *c = hl->conns, *next; c; c = next) {
        next = c->next;
        http_conn_drain(c);
    }
    uint64_t grace = (uint64_t)(hl->server->stop_timeout_ns / NS_PER_MS);
    uv_timer_start(&hl->timer, on_grace_over, grace < GRACE_MS ? grace : GRACE_MS, 0);
    http_server_maybe_finish(hl);
}

/* --- start ------------------------------------------------------------------------------------ */

static void free_loop(struct http_loop *hl)
{
    if (!hl) return;
    if (!hl->finished) { /* it never ran */
        listener_close(&hl->listener);
        uv_close((uv_handle_t *)&hl->timer, NULL);
    }
    loop_done(&hl->loop);
    mem_free(hl);
}

static void free_server(struct http_server *s)
{
    for (unsigned i = 0; s->loops && i < s->loop_count; i++) free_loop(s->loops[i]);
    mem_free(s->loops);
    mem_free(s->proxies);
    mem_free(s);
}

static void on_accepted(struct listener *l, int fd)
{
    http_conn_adopt((struct http_loop *)((char *)l - offsetof(struct http_loop, listener)), fd);
}

static enum err make_loop(struct http_server *s, unsigned i, const struct listener_place *place,
                          const struct addrinfo *at, struct why *why)
{
    struct http_loop *hl = mem_zalloc(sizeof *hl);
    if (!hl) return why_say(why, ERR_NOMEM, "no memory for an event loop");
    struct loop_opts opts = {
        .index = i, .clock = s->opts.clock, .rnd = s->opts.rnd, .expired = conn_expired};
    if (loop_init(&hl->loop, &opts)) {
        mem_free(hl);
        return why_say(why, ERR_IO, "cannot make an event loop: too many open files?");
    }
    hl->server = s;
    listener_init(&hl->listener, on_accepted);
    hl->stop.run = on_stop;
    uv_timer_init(&hl->loop.uv, &hl->timer);
    hl->timer.data = hl;
    s->loops[i] = hl;
    return listener_open(&hl->listener, &hl->loop, place, at, why);
}

static enum err read_proxies(struct http_server *s, struct why *why)
{
    size_t n = 0;
    const char *const *list = s->opts.trusted_proxies;
    while (list && list[n]) n++;
    if (!n) return ERR_OK;
    s->proxies = mem_array(n, sizeof *s->proxies);
    if (!s->proxies) return why_say(why, ERR_NOMEM, "no memory for the list of proxies");
    for (; s->proxy_count < n; s->proxy_count++) {
        const char *text = list[s->proxy_count];
        if (address_net_parse(bytes_str(text), &s->proxies[s->proxy_count]))
            return why_say(why, ERR_INVALID, "trusted proxy \"%s\" is no network like 10.0.0.0/8",
                           text);
    }
    return ERR_OK;
}

static enum err open_sockets(struct http_server *s, struct why *why)
{
    struct listener_place place = {.host = s->opts.host,
                                   .advice = "--http HOST:PORT or SERVER_PORT",
                                   .port = s->opts.port,
                                   .shared = s->loop_count > 1};
    struct addrinfo *at = NULL;
    enum err e = listener_resolve(&place, &at, why);
    if (e) return e;
    e = listener_probe(&place, at, why);
    s->port = place.port;
    for (unsigned i = 0; !e && i < s->loop_count; i++) e = make_loop(s, i, &place, at, why);
    freeaddrinfo(at);
    return e;
}

static enum err start_loops(struct http_server *s, struct why *why)
{
    for (; s->started < s->loop_count; s->started++)
        if (loop_start(&s->loops[s->started]->loop, "http"))
            return why_say(why, ERR_IO, "cannot start a thread for an event loop");
    return ERR_OK;
}

enum err http_server_start(struct http_server **ret, const struct http_server_opts *opts,
                           const struct http_handler *handler, struct why *why)
{
    bug_if(!opts->loops || opts->loops > LOOPS_MAX);
    struct http_server *s = mem_zalloc(sizeof *s);
    if (!s) return why_say(why, ERR_NOMEM, "no memory for the HTTP server");
    s->opts = *opts;
    s->handler = *handler;
    if (!s->opts.idle_timeout_ns) s->opts.idle_timeout_ns = IDLE_NS;
    if (!s->opts.max_body_bytes) s->opts.max_body_bytes = BODY_BYTES_MAX;
    s->limits.max_connections = opts->max_connections;
    s->limits.max_per_address = opts->max_per_address;
    s->limits.seed = rnd_u64(opts->rnd);
    s->loop_count = opts->loops;
    s->loops = mem_array(opts->loops, sizeof(struct http_loop *));
    enum err e = s->loops ? read_proxies(s, why) : why_say(why, ERR_NOMEM, "no memory");
    if (!e) e = open_sockets(s, why);
    if (!e) e = start_loops(s, why);
    if (e && s->started)
        http_server_stop(s, 0);
    else if (e)
        free_server(s);
    else
        *ret = s;
    return e;
}

uint16_t http_server_port(const struct http_server *s)
{
    return s->port;
}

void http_server_read_stats(struct http_server *s, struct http_server_stats *ret)
{
    ret->accepted = atomic_load_explicit(&s->accepted, memory_order_relaxed);
    ret->refused_connections = atomic_load_explicit(&s->refused_connections, memory_order_relaxed);
    ret->refused_requests = atomic_load_explicit(&s->refused_requests, memory_order_relaxed);
    ret->open_connections = atomic_load_explicit(&s->limits.open, memory_order_relaxed);
}

void http_server_stop(struct http_server *s, int64_t timeout_ns)
{
    if (!s) return;
    s->stop_timeout_ns = timeout_ns > 0 ? timeout_ns : 0;
    for (unsigned i = 0; i < s->started; i++) loop_post(&s->loops[i]->loop, &s->loops[i]->stop);
    for (unsigned i = 0; i < s->started; i++) loop_join(&s->loops[i]->loop);
    free_server(s);
}
