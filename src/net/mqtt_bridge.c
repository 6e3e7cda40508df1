/* The subscriber on another broker (see mqtt_bridge.h). */
#include "net/mqtt_bridge.h"

#include "base/clock.h"
#include "base/mem.h"
#include "net/mosquitto_library.h"
#include "sys/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    GATHER_MAX = 256, /* messages read before the store is waited for */
    KEEP_ALIVE_S = 60,
    KNOCK_MS = 5000,
    BACKOFF_MAX_MS = 60000,
    TICK_MS = 1000,
    TEXT_MAX = 256,
};

struct mqtt_bridge {
    const struct mosquitto_library *lib;
    struct mqtt_bridge_handler handler;
    const char *const *filters;
    struct rnd *rnd;
    char host[TEXT_MAX], user[TEXT_MAX], password[TEXT_MAX], client_id[TEXT_MAX];
    uint16_t port;
    bool secure, has_user, has_password;
    pthread_t thread;
    int wake; /* eventfd: stop, or look whether we are wanted */
    _Atomic bool stopping;
    struct mosquitto *m; /* of the connection there is */
    unsigned gathered;
    bool open; /* the broker let us in */
    char refusal[TEXT_MAX];
};

/* --- the address -------------------------------------------------------------------------------*/

static bool copy_text(char ret[TEXT_MAX], struct bytes s)
{
    if (s.n >= TEXT_MAX || (s.n && memchr(s.p, 0, s.n))) return false;
    if (s.n) memcpy(ret, s.p, s.n);
    ret[s.n] = 0;
    return true;
}

/* user:password@ in front of the host. */
static bool take_login(struct mqtt_bridge *b, struct bytes *rest)
{
    const char *at = rest->n ? memrchr(rest->p, '@', rest->n) : NULL;
    if (!at) return true;
    struct bytes user, login = bytes_of(rest->p, (size_t)(at - rest->p));
    struct bytes password = bytes_cut(login, ':', &user);
    *rest = bytes_of(at + 1, (size_t)(rest->p + rest->n - at - 1));
    b->has_user = user.n > 0;
    b->has_password = password.p != NULL;
    return copy_text(b->user, user) && copy_text(b->password, password);
}

static bool take_host(struct mqtt_bridge *b, struct bytes rest)
{
    struct bytes host, port;
    uint64_t number = b->secure ? 8883 : 1883;
    if (rest.n && rest.p[rest.n - 1] == '/') rest.n--;
    if (rest.n && rest.p[0] == '[') { /* an IPv6 address */
        port = bytes_cut(bytes_of(rest.p + 1, rest.n - 1), ']', &host);
        if (!port.p || (port.n && port.p[0] != ':')) return false;
        if (port.n) port = bytes_of(port.p + 1, port.n - 1);
        if (!port.n) port.p = NULL;
    } else {
        port = bytes_cut(rest, ':', &host);
    }
    if (port.p && (!bytes_to_u64(port, &number) || !number || number > 65535)) return false;
    b->port = (uint16_t)number;
    return host.n && !memchr(host.p, '/', host.n) && copy_text(b->host, host);
}

static bool read_url(struct mqtt_bridge *b, struct bytes url)
{
    struct bytes plain = BYTES("mqtt://"), secure = BYTES("mqtts://");
    b->secure = bytes_starts(url, secure);
    if (!b->secure && !bytes_starts(url, plain)) return false;
    size_t n = b->secure ? secure.n : plain.n;
    struct bytes rest = bytes_of(url.p + n, url.n - n);
    return take_login(b, &rest) && take_host(b, rest);
}

/* --- callbacks of the library ------------------------------------------------------------------*/

static void on_connect(struct mosquitto *m, void *ctx, int code)
{
    struct mqtt_bridge *b = ctx;
    if (code) {
        snprintf(b->refusal, sizeof b->refusal, "%s", b->lib->refusal(code));
        return;
    }
    b->open = true;
    for (const char *const *f = b->filters; *f; f++) (void)b->lib->subscribe(m, NULL, *f, 1);
    b->handler.on_state(b->handler.ctx, NULL);
}

static void on_message(struct mosquitto *m, void *ctx, const struct mosquitto_message *message)
{
    struct mqtt_bridge *b = ctx;
    (void)m;
    b->gathered++;
    b->handler.on_message(b->handler.ctx, bytes_str(message->topic),
                          bytes_of(message->payload, (size_t)message->payloadlen));
}

/* --- one connection ----------------------------------------------------------------------------*/

/* Is anybody there? The library's connect would wait for minutes where nobody answers. */
static bool knock_at(const struct addrinfo *at, int wake)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    int error = connect(fd, at->ai_addr, at->ai_addrlen) ? errno : 0;
    if (error == EINPROGRESS) {
        struct pollfd fds[2] = {{.fd = fd, .events = POLLOUT}, {.fd = wake, .events = POLLIN}};
        socklen_t n = sizeof error;
        error = ETIMEDOUT;
        if (poll(fds, 2, KNOCK_MS) > 0 && fds[0].revents)
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n);
    }
    close(fd);
    return error == 0;
}

static bool knock(struct mqtt_bridge *b)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *all;
    char port[8];
    bool there = false;
    snprintf(port, sizeof port, "%u", b->port);
    if (getaddrinfo(b->host, port, &hints, &all)) return false;
    for (struct addrinfo *at = all; at && !there && !atomic_load(&b->stopping); at = at->ai_next)
        there = knock_at(at, b->wake);
    freeaddrinfo(all);
    return there;
}

static bool open_connection(struct mqtt_bridge *b)
{
    const struct mosquitto_library *lib = b->lib;
    b->open = false;
    b->gathered = 0;
    snprintf(b->refusal, sizeof b->refusal, "nobody answers at %.200s:%u", b->host, b->port);
    if (!knock(b)) return false;
    b->m = lib->create(b->client_id, false, b);
    if (!b->m) return false;
    int code = lib->threaded_set(b->m, true);
    if (!code && b->has_user)
        code = lib->login(b->m, b->user, b->has_password ? b->password : NULL);
    if (!code && b->secure) code = lib->int_option(b->m, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
    lib->on_connect(b->m, on_connect);
    lib->on_message(b->m, on_message);
    if (!code) code = lib->connect(b->m, b->host, b->port, KEEP_ALIVE_S);
    if (code) snprintf(b->refusal, sizeof b->refusal, "%s", lib->error(code));
    return !code;
}

/* All that is there already, up to a bound. */
static bool read_all(struct mqtt_bridge *b)
{
    int code;
    do {
        errno = 0;
        code = b->lib->read(b->m, 1);
    } while (!code && errno != EAGAIN && errno != EWOULDBLOCK && b->gathered < GATHER_MAX);
    if (code) snprintf(b->refusal, sizeof b->refusal, "%s", b->lib->error(code));
    return !code;
}

static bool write_all(struct mqtt_bridge *b)
{
    int code = 0;
    errno = 0;
    while (!code && b->lib->want_write(b->m) && errno != EAGAIN) {
        errno = 0;
        code = b->lib->write(b->m, GATHER_MAX);
    }
    if (!code) code = b->lib->misc(b->m);
    if (code) snprintf(b->refusal, sizeof b->refusal, "%s", b->lib->error(code));
    return !code;
}

/* False: the connection is over. Keeps B1: nothing is written between reading and gathering. */
static bool turn(struct mqtt_bridge *b)
{
    short events = b->lib->want_write(b->m) ? POLLIN | POLLOUT : POLLIN;
    struct pollfd fds[2] = {{.fd = b->lib->socket(b->m), .events = events},
                            {.fd = b->wake, .events = POLLIN}};
    if (fds[0].fd < 0) return false;
    if (poll(fds, 2, TICK_MS) < 0 && errno != EINTR) return false;
    bool alive = !(fds[0].revents & ~POLLOUT) || read_all(b);
    if (b->gathered) {
        b->gathered = 0;
        snprintf(b->refusal, sizeof b->refusal, "the store did not take what the broker sent");
        if (!b->handler.on_gathered(b->handler.ctx)) return false;
    }
    return alive && write_all(b);
}

static bool goes_on(struct mqtt_bridge *b)
{
    return !atomic_load(&b->stopping) && b->handler.wanted(b->handler.ctx);
}

/* Until somebody says look, or for so long. */
static void rest(struct mqtt_bridge *b, int ms)
{
    eventfd_t times;
    struct pollfd fd = {.fd = b->wake, .events = POLLIN};
    if (poll(&fd, 1, ms) > 0 && !atomic_load(&b->stopping)) (void)eventfd_read(b->wake, &times);
}

/* One connection from its beginning to its end; whether the broker let us in. Keeps B3. */
static bool visit(struct mqtt_bridge *b)
{
    bool there = open_connection(b);
    while (there && goes_on(b)) {
        eventfd_t times;
        there = turn(b);
        if (!atomic_load(&b->stopping)) (void)eventfd_read(b->wake, &times);
    }
    if (there && b->open) { /* not cut: we leave */
        (void)b->lib->disconnect(b->m);
        (void)write_all(b);
    }
    b->lib->destroy(b->m); /* NULL is fine; what was queued and not written is forgotten */
    b->m = NULL;
    return b->open;
}

static void *run(void *arg)
{
    struct mqtt_bridge *b = arg;
    int wait_ms = 0;
    while (!atomic_load(&b->stopping)) {
        if (!b->handler.wanted(b->handler.ctx)) {
            rest(b, TICK_MS);
            wait_ms = 0;
            continue;
        }
        bool was_open = visit(b);
        if (atomic_load(&b->stopping)) break;
        if (!b->handler.wanted(b->handler.ctx)) {
            b->handler.on_state(b->handler.ctx, "another server reads it");
            continue;
        }
        b->handler.on_state(b->handler.ctx, b->refusal);
        wait_ms = was_open || !wait_ms ? 1000 : wait_ms * 2;
        if (wait_ms > BACKOFF_MAX_MS) wait_ms = BACKOFF_MAX_MS;
        rest(b, wait_ms / 2 + (int)rnd_below(b->rnd, (uint64_t)wait_ms));
    }
    return NULL;
}

static enum err fail(struct mqtt_bridge *b, enum err e)
{
    if (b->wake >= 0) close(b->wake);
    mem_free(b);
    return e;
}

enum err mqtt_bridge_start(struct mqtt_bridge **ret, const struct mqtt_bridge_opts *opts,
                           const struct mqtt_bridge_handler *handler, struct why *why)
{
    struct mqtt_bridge *b = mem_zalloc(sizeof *b);
    if (!b) return ERR_NOMEM;
    b->handler = *handler;
    b->filters = opts->filters;
    b->rnd = opts->rnd;
    b->wake = -1;
    if (!read_url(b, bytes_str(opts->url)) || !copy_text(b->client_id, bytes_str(opts->client_id)))
        return fail(b, why_say(why, ERR_INVALID,
                               "mqtt.broker.url must be mqtt://[user:password@]host[:port] or "
                               "mqtts://…"));
    b->lib = mosquitto_library_load();
    if (!b->lib) return fail(b, why_say(why, ERR_UNSUPPORTED, "%s", MOSQUITTO_LIBRARY_MISSING));
    b->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (b->wake < 0) return fail(b, err_from_errno(errno));
    enum err e = thread_start(&b->thread, run, b, "mqtt-bridge", 0);
    if (e) return fail(b, e);
    *ret = b;
    return ERR_OK;
}

void mqtt_bridge_look(struct mqtt_bridge *b)
{
    eventfd_write(b->wake, 1);
}

void mqtt_bridge_stop(struct mqtt_bridge *b)
{
    if (!b) return;
    atomic_store(&b->stopping, true);
    eventfd_write(b->wake, 1);
    pthread_join(b->thread, NULL);
    (void)fail(b, ERR_OK);
}
