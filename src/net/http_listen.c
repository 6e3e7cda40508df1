/* Listening sockets: one for each loop, all on the same port (see http_conn.h).
 * Accepting is ours and not libuv's, because a connection there is no memory or no descriptor for
 * must be answered by closing it or by a pause, never by a listener that stands still. */
#include "net/http_conn.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
    ACCEPTS_AT_ONCE = 64, /* then the connections there are get their turn */
    PAUSE_MS = 100,       /* when the process has no descriptor left */
};

static int bound_socket(const struct addrinfo *at, uint16_t port, bool shared)
{
    struct sockaddr_storage name;
    memcpy(&name, at->ai_addr, at->ai_addrlen);
    if (at->ai_family == AF_INET6)
        ((struct sockaddr_in6 *)&name)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)&name)->sin_port = htons(port);
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* accepted sockets inherit it */
    if (shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&name, at->ai_addrlen) == 0) return fd;
    int number = errno;
    close(fd);
    errno = number;
    return -1;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage name;
    socklen_t n = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &n)) return 0;
    return ntohs(name.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)&name)->sin6_port
                                            : ((const struct sockaddr_in *)&name)->sin_port);
}

static enum err cannot_listen(const struct http_server *s, struct why *why)
{
    const char *host = s->opts.host;
    unsigned port = s->opts.port;
    if (errno == EADDRINUSE)
        return why_say(why, ERR_EXISTS,
                       "%s:%u is in use by another program; stop it, or choose another port with "
                       "--http HOST:PORT or SERVER_PORT",
                       host, port);
    if (errno == EACCES)
        return why_say(why, ERR_FORBIDDEN,
                       "not allowed to listen on %s:%u; choose a port from 1024", host, port);
    if (errno == EADDRNOTAVAIL)
        return why_say(why, ERR_INVALID, "%s is not an address of this machine", host);
    return why_say(why, ERR_IO, "cannot listen on %s:%u: %s", host, port, strerror(errno));
}

/* A port that is shared by our own loops must not be shared with another program by accident: it is
 * bound alone first, which fails when anybody listens there. */
enum err http_listen_probe(struct http_server *s, const struct addrinfo *at, struct why *why)
{
    int fd = bound_socket(at, s->opts.port, false);
    if (fd < 0) return cannot_listen(s, why);
    enum err e = listen(fd, 1) ? cannot_listen(s, why) : ERR_OK;
    s->port = port_of(fd);
    close(fd);
    return e;
}

static void on_pause_over(uv_timer_t *timer)
{
    http_listen_resume(timer->data);
}

static void adopt(struct http_loop *hl, int fd)
{
    struct http_conn *c = http_conn_new(hl);
    if (!c) {
        close(fd);
    } else if (uv_tcp_open(&c->conn.tcp, fd)) {
        close(fd);
        conn_close(&c->conn);
    } else {
        http_conn_begin(c);
    }
}

void http_listen_accept(struct http_loop *hl, unsigned at_most)
{
    while (at_most--) {
        int fd = accept4(hl->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            adopt(hl, fd);
            continue;
        }
        if (errno == ECONNABORTED || errno == EINTR) continue;
        bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        if (exhausted && !hl->draining) {
            uv_poll_stop(&hl->listener);
            uv_timer_start(&hl->timer, on_pause_over, PAUSE_MS, 0);
        }
        return;
    }
}

static void on_readable(uv_poll_t *listener, int status, int events)
{
    (void)events;
    if (status == 0) http_listen_accept(listener->data, ACCEPTS_AT_ONCE);
}

void http_listen_resume(struct http_loop *hl)
{
    uv_poll_start(&hl->listener, UV_READABLE, on_readable);
}

enum err http_listen_open(struct http_loop *hl, const struct addrinfo *at, struct why *why)
{
    struct http_server *s = hl->server;
    hl->listen_fd = bound_socket(at, s->port, s->loop_count > 1);
    if (hl->listen_fd < 0 || listen(hl->listen_fd, BACKLOG)) return cannot_listen(s, why);
    int failed = uv_poll_init(&hl->loop.uv, &hl->listener, hl->listen_fd);
    errno = -failed;
    if (failed) return cannot_listen(s, why);
    hl->listener.data = hl;
    hl->listening = true;
    http_listen_resume(hl);
    return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct http_loop *hl = handle->data;
    close(hl->listen_fd);
    hl->listen_fd = -1;
}

void http_listen_close(struct http_loop *hl)
{
    if (hl->listening)
        uv_close((uv_handle_t *)&hl->listener, on_closed);
    else if (hl->listen_fd >= 0)
        close(hl->listen_fd);
    hl->listening = false;
}
