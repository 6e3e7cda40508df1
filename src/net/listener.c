/* Listening sockets (see listener.h). */
#include "net/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
    ACCEPTS_AT_ONCE = 64, /* then the connections there are get their turn */
    PAUSE_MS = 100,
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

static enum err cannot_listen(const struct listener_place *place, struct why *why)
{
    const char *host = place->host;
    unsigned port = place->port;
    if (errno == EADDRINUSE)
        return why_say(why, ERR_EXISTS,
                       "%s:%u is in use by another program; stop it, or choose another port with "
                       "%s",
                       host, port, place->advice);
    if (errno == EACCES)
        return why_say(why, ERR_FORBIDDEN,
                       "not allowed to listen on %s:%u; choose a port from 1024", host, port);
    if (errno == EADDRNOTAVAIL)
        return why_say(why, ERR_INVALID, "%s is not an address of this machine", host);
    return why_say(why, ERR_IO, "cannot listen on %s:%u: %s", host, port, strerror(errno));
}

enum err listener_resolve(const struct listener_place *place, struct addrinfo **ret,
                          struct why *why)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    if (getaddrinfo(place->host, "0", &hints, ret))
        return why_say(why, ERR_INVALID, "\"%s\" is no address to listen on", place->host);
    return ERR_OK;
}

enum err listener_probe(struct listener_place *place, const struct addrinfo *at, struct why *why)
{
    int fd = bound_socket(at, place->port, false);
    if (fd < 0) return cannot_listen(place, why);
    enum err e = listen(fd, 1) ? cannot_listen(place, why) : ERR_OK;
    place->port = port_of(fd);
    close(fd);
    return e;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)events;
    if (status == 0) listener_accept(poll->data, ACCEPTS_AT_ONCE);
}

static void on_pause_over(uv_timer_t *timer)
{
    struct listener *l = timer->data;
    uv_poll_start(&l->poll, UV_READABLE, on_readable);
}

void listener_accept(struct listener *l, unsigned at_most)
{
    while (at_most--) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            l->accepted(l, fd);
            continue;
        }
        if (errno == ECONNABORTED || errno == EINTR) continue;
        bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        if (exhausted && !l->closing) {
            uv_poll_stop(&l->poll);
            uv_timer_start(&l->pause, on_pause_over, PAUSE_MS, 0);
        }
        return;
    }
}

void listener_init(struct listener *l, void (*accepted)(struct listener *l, int fd))
{
    *l = (struct listener){.fd = -1, .accepted = accepted};
}

enum err listener_open(struct listener *l, struct loop *loop, const struct listener_place *place,
                       const struct addrinfo *at, struct why *why)
{
    l->fd = bound_socket(at, place->port, place->shared);
    if (l->fd < 0 || listen(l->fd, BACKLOG)) return cannot_listen(place, why);
    int failed = uv_poll_init(&loop->uv, &l->poll, l->fd);
    errno = -failed;
    if (failed) return cannot_listen(place, why);
    uv_timer_init(&loop->uv, &l->pause);
    l->poll.data = l->pause.data = l;
    l->listening = true;
    uv_poll_start(&l->poll, UV_READABLE, on_readable);
    return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;
    close(l->fd);
    l->fd = -1;
}

void listener_close(struct listener *l)
{
    l->closing = true;
    if (l->listening) {
        uv_close((uv_handle_t *)&l->pause, NULL);
        uv_close((uv_handle_t *)&l->poll, on_closed);
    } else if (l->fd >= 0) {
        close(l->fd);
    }
    l->listening = false;
}
