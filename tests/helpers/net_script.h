#pragma once
/* tests/helpers/net_script.h -- an HTTP server whose paths each show one way to answer:
 *   /echo          the body of the request
 *   /early         401 from on_head()
 *   /small         bodies of at most 10 bytes
 *   /big?N         N bytes; /text?N the same as text/
 *   /hold          is kept until net_script_take() hands it to the test
 *   /stream?N      N bytes of stream from a thread of its own, complete
 *   /cut?N         the same, ended as incomplete
 *   /tell          client address and request id
 *   /ws            a WebSocket that echoes; "close" closes with 4000
 * Threads: the server's own; counters are atomic.   Memory: the caller owns the struct. */
#include "base/clock.h"
#include "base/rnd.h"
#include "net/http.h"
#include "net/websocket.h"

#include <stdatomic.h>

struct net_script {
    struct http_server *server;
    struct clock_fake clock;
    struct rnd rnd;
    _Atomic unsigned heads, requests, done, refused, ws_opened, ws_closed;
    _Atomic(struct http_exchange *) held;
    struct http_exchange *taken;    /* the test's, until it has answered */
    _Atomic(struct websocket *) ws; /* the session opened last; NULL once it is closed */
    _Atomic int stream_result;      /* enum err of the last stream's producer */
    _Atomic uint64_t streamed;      /* bytes its producer has handed over */
};

/* opts may be NULL; clock and rnd are filled in: the clock stands still until it is moved. */
void net_script_start(struct net_script *s, const struct http_server_opts *opts);
void net_script_stop(struct net_script *s,
                     int64_t timeout_ns); /* and checks that nothing is left */
uint16_t net_script_port(struct net_script *s);
/* Waits for the exchange of a request to /hold. */
struct http_exchange *net_script_take(struct net_script *s);
void net_script_answer(struct net_script *s, struct http_exchange *x, int status, const char *type);
/* Waits until *counter is at least n. */
void net_script_await(const _Atomic unsigned *counter, unsigned n);
