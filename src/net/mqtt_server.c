/* The MQTT server: loops, listening sockets, start and graceful stop (see mqtt_server.h). */
#include "net/mqtt_server.h"

#include "base/mem.h"
#include "net/mqtt_conn.h"

#include <netdb.h>

/* --- stop ------------------------------------------------------------------------------------- */

void mqtt_server_maybe_finish(struct mqtt_loop *ml)
{
    if (!ml->draining || ml->conns || ml->finished) return;
    ml->finished = true;
    uv_close((uv_handle_t *)&ml->timer, NULL);
    uv_close((uv_handle_t *)&ml->turn, NULL);
    loop_finish(&ml->loop);
}

static void on_stop_timeout(uv_timer_t *timer)
{
    struct mqtt_loop *ml = timer->data;
    for (struct mqtt_conn *c = ml->conns, *next; c; c = next) {
        next = c->next;
        conn_close(&c->conn);
    }
}

static void on_stop(struct loop_task *t)
{
    struct mqtt_loop *ml = (struct mqtt_loop *)((char *)t - offsetof(struct mqtt_loop, stop));
    ml->draining = true;
    listener_close(&ml->listener);
    listener_close(&ml->tls_listener);
    for (struct mqtt_conn *c = ml->conns, *next; c; c = next) {
        next = c->next;
        mqtt_conn_drain(c);
    }
    uv_timer_start(&ml->timer, on_stop_timeout, (uint64_t)(ml->server->stop_timeout_ns / NS_PER_MS),
                   0);
    mqtt_server_maybe_finish(ml);
}

/* --- start ------------------------------------------------------------------------------------ */

static void free_loop(struct mqtt_loop *ml)
{
    if (!ml) return;
    if (!ml->finished) { /* it never ran */
        listener_close(&ml->listener);
        listener_close(&ml->tls_listener);
        uv_close((uv_handle_t *)&ml->timer, NULL);
        uv_close((uv_handle_t *)&ml->turn, NULL);
    }
    loop_done(&ml->loop);
    buf_done(&ml->said);
    while (ml->free_receipts) {
        struct mqtt_receipt *r = ml->free_receipts;
        ml->free_receipts = r->next;
        mem_free(r);
    }
    mem_free(ml);
}

static void free_server(struct mqtt_server *s)
{
    for (unsigned i = 0; s->loops && i < s->loop_count; i++) free_loop(s->loops[i]);
    mqtt_sessions_done(&s->sessions);
    mem_free(s->loops);
    mem_free(s);
}

static void on_accepted(struct listener *l, int fd)
{
    struct mqtt_loop *ml = (struct mqtt_loop *)((char *)l - offsetof(struct mqtt_loop, listener));
    mqtt_conn_adopt(ml, fd, NULL);
}

static void on_accepted_tls(struct listener *l, int fd)
{
    struct mqtt_loop *ml =
        (struct mqtt_loop *)((char *)l - offsetof(struct mqtt_loop, tls_listener));
    mqtt_conn_adopt(ml, fd, ml->server->opts.tls);
}

static enum err make_loop(struct mqtt_server *s, unsigned i, struct why *why)
{
    struct mqtt_loop *ml = mem_zalloc(sizeof *ml);
    if (!ml) return why_say(why, ERR_NOMEM, "no memory for an event loop");
    const struct loop_opts opts = {
        .index = i, .clock = s->opts.clock, .rnd = s->opts.rnd, .expired = conn_expired};
    if (loop_init(&ml->loop, &opts)) {
        mem_free(ml);
        return why_say(why, ERR_IO, "cannot make an event loop: too many open files?");
    }
    ml->server = s;
    ml->stop.run = on_stop;
    listener_init(&ml->listener, on_accepted);
    listener_init(&ml->tls_listener, on_accepted_tls);
    buf_init(&ml->said, 4 * LOOP_READ_BYTES);
    uv_timer_init(&ml->loop.uv, &ml->timer);
    uv_check_init(&ml->loop.uv, &ml->turn);
    ml->timer.data = ml->turn.data = ml;
    s->loops[i] = ml;
    return ERR_OK;
}

/* One port, on every loop. */
static enum err open_port(struct mqtt_server *s, bool tls, uint16_t *port, struct why *why)
{
    struct listener_place place = {
        .host = s->opts.host,
        .advice = tls ? "MQTT_TLS_PORT" : "--mqtt HOST:PORT or MQTT_PORT",
        .port = *port,
        .shared = s->loop_count > 1,
    };
    struct addrinfo *at = NULL;
    enum err e = listener_resolve(&place, &at, why);
    if (e) return e;
    e = listener_probe(&place, at, why);
    *port = place.port;
    for (unsigned i = 0; !e && i < s->loop_count; i++) {
        struct mqtt_loop *ml = s->loops[i];
        e = listener_open(tls ? &ml->tls_listener : &ml->listener, &ml->loop, &place, at, why);
    }
    freeaddrinfo(at);
    return e;
}

static enum err open_sockets(struct mqtt_server *s, struct why *why)
{
    enum err e = ERR_OK;
    for (unsigned i = 0; !e && i < s->loop_count; i++) e = make_loop(s, i, why);
    s->port = s->opts.port;
    s->tls_port = s->opts.tls_port;
    if (!e) e = open_port(s, false, &s->port, why);
    if (!e && s->opts.tls) e = open_port(s, true, &s->tls_port, why);
    return e;
}

enum err mqtt_server_start(struct mqtt_server **ret, const struct mqtt_server_opts *opts,
                           const struct mqtt_handler *handler, struct why *why)
{
    bug_if(!opts->loops || opts->loops > LOOPS_MAX || !opts->publish_rate);
    struct mqtt_server *s = mem_zalloc(sizeof *s);
    if (!s) return why_say(why, ERR_NOMEM, "no memory for the MQTT server");
    s->opts = *opts;
    s->handler = *handler;
    s->limits.max_connections = opts->max_connections;
    s->limits.max_per_address = opts->max_per_address;
    s->limits.seed = rnd_u64(opts->rnd);
    mqtt_sessions_init(&s->sessions, opts->clock, rnd_u64(opts->rnd));
    s->loop_count = opts->loops;
    s->loops = mem_array(opts->loops, sizeof(struct mqtt_loop *));
    enum err e = s->loops ? open_sockets(s, why) : why_say(why, ERR_NOMEM, "no memory");
    for (; !e && s->started < s->loop_count; s->started++)
        if (loop_start(&s->loops[s->started]->loop, "mqtt")) {
            e = why_say(why, ERR_IO, "cannot start a thread for an event loop");
            break;
        }
    if (e && s->started)
        mqtt_server_stop(s, 0);
    else if (e)
        free_server(s);
    else
        *ret = s;
    return e;
}

uint16_t mqtt_server_port(const struct mqtt_server *s)
{
    return s->port;
}

uint16_t mqtt_server_tls_port(const struct mqtt_server *s)
{
    return s->opts.tls ? s->tls_port : 0;
}

struct loop *mqtt_server_loop(struct mqtt_server *s, unsigned index)
{
    return &s->loops[index]->loop;
}

void mqtt_server_read_stats(struct mqtt_server *s, struct mqtt_server_stats *ret)
{
    ret->accepted = atomic_load_explicit(&s->accepted, memory_order_relaxed);
    ret->refused_connections = atomic_load_explicit(&s->refused, memory_order_relaxed);
    ret->malformed = atomic_load_explicit(&s->malformed, memory_order_relaxed);
    for (int i = 0; i < 3; i++)
        ret->publishes[i] = atomic_load_explicit(&s->publishes[i], memory_order_relaxed);
    ret->open_connections = atomic_load_explicit(&s->limits.open, memory_order_relaxed);
    lock_take(&s->sessions.lock);
    ret->taken_over = s->sessions.taken_over;
    ret->sessions_away = s->sessions.away;
    lock_release(&s->sessions.lock);
}

void mqtt_server_stop(struct mqtt_server *s, int64_t timeout_ns)
{
    if (!s) return;
    s->stop_timeout_ns = timeout_ns > 0 ? timeout_ns : 0;
    for (unsigned i = 0; i < s->started; i++) loop_post(&s->loops[i]->loop, &s->loops[i]->stop);
    for (unsigned i = 0; i < s->started; i++) loop_join(&s->loops[i]->loop);
    free_server(s);
}
