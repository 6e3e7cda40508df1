#pragma once
/* net/listener.h -- a listening socket on a loop. Several loops listen on one port, each with a
 * socket of its own (SO_REUSEPORT). Accepting is ours and not libuv's, because a connection there
 * is no memory or no descriptor for must be answered by closing it or by a pause, never by a
 * listener that stands still.
 * Threads: the loop's; probe and open before it runs.   Memory: embedded in its owner, until the
 * loop has ended. */
#include "net/loop.h"

struct addrinfo;

struct listener {
    uv_poll_t poll;
    uv_timer_t pause; /* when the process has no descriptor left */
    int fd;
    bool listening, closing;
    void (*accepted)(struct listener *l, int fd); /* the descriptor is the callee's */
};

struct listener_place {
    const char *host, *advice; /* advice: "--http HOST:PORT or SERVER_PORT", for people */
    uint16_t port;             /* 0: any free one, until listener_probe() has set it */
    bool shared;               /* by several loops */
};

/* The addresses of place->host; freeaddrinfo() is the caller's. */
enum err listener_resolve(const struct listener_place *place, struct addrinfo **ret,
                          struct why *why) MUST_CHECK;
/* Nobody listens there; sets place->port. A port that is shared by our own loops must not be shared
 * with another program by accident: it is bound alone first, which fails when anybody listens. */
enum err listener_probe(struct listener_place *place, const struct addrinfo *at,
                        struct why *why) MUST_CHECK;
void listener_init(struct listener *l, void (*accepted)(struct listener *l, int fd));
enum err listener_open(struct listener *l, struct loop *loop, const struct listener_place *place,
                       const struct addrinfo *at, struct why *why) MUST_CHECK;
/* Takes who is waiting at the door already. */
void listener_accept(struct listener *l, unsigned at_most);
void listener_close(struct listener *l); /* not open is fine */
