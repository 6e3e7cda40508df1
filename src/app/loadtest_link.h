#pragma once
/* app/loadtest_link.h -- thousands of HTTP/1.1 connections on one libuv loop, for the load test. A
 * link is one keep-alive connection and the calls that wait for it, one of them under way. It is
 * opened by its first call and again when the server has closed it meanwhile: a call that met such
 * a close before any answer on that connection is sent once more, every other one ends with
 * status 0.
 * Threads: the loop's.   Memory: calls are the caller's and must stay until done() was called. */
#include "base/buf.h"
#include "codec/http1.h"
#include "codec/http1_response.h"

#include <uv.h>

enum { LOADTEST_ANSWER_MAX = 256 << 20, LOADTEST_READ_BYTES = 64 * 1024 };

/* Where the server is, and what its links share. */
struct loadtest_net {
    uv_loop_t *loop;
    struct sockaddr_storage address;
    char host[280];       /* as in "Host: ..." */
    int64_t patience_ns;  /* a call without a whole answer after this long has failed */
    size_t opened, alive; /* connections made; handles that are not closed */
    struct loadtest_link *links;
    char read_buffer[LOADTEST_READ_BYTES];
};
/* "http://HOST:PORT": resolves it. */
enum err loadtest_net_init(struct loadtest_net *net, uv_loop_t *loop, const char *url,
                           struct why *why) MUST_CHECK;
/* The same server on another loop, without links. */
void loadtest_net_copy(struct loadtest_net *net, uv_loop_t *loop, const struct loadtest_net *of);
/* "HOST:PORT" to an address. */
enum err loadtest_net_resolve(const char *host, const char *port, struct sockaddr_storage *ret,
                              struct why *why) MUST_CHECK;
/* Fails the calls whose time is over; to be called every second or so. */
void loadtest_net_sweep(struct loadtest_net *net);

struct loadtest_reply {
    int status; /* 0: there is none; `why` says */
    int64_t retry_after_s;
    struct bytes body; /* borrowed for the call of done() */
    const char *why;   /* static; NULL with a status */
};
/* "503 {...", in a few words. */
void loadtest_reply_text(const struct loadtest_reply *reply, char *ret, size_t size);
struct loadtest_call {
    struct buf request; /* the bytes to send, see loadtest_call_write() */
    void (*done)(struct loadtest_call *c, const struct loadtest_reply *reply);
    int64_t sent_ns; /* the link's: when it was first written */
    bool again;
    struct loadtest_call *next;
};
void loadtest_call_init(struct loadtest_call *c,
                        void (*done)(struct loadtest_call *, const struct loadtest_reply *));
void loadtest_call_done(struct loadtest_call *c); /* gives its memory back */
/* A whole request. `credential`: a header line without its end, or NULL; body.p NULL: none. */
void loadtest_call_write(struct loadtest_call *c, const struct loadtest_net *net,
                         const char *method, const char *path, const char *credential,
                         struct bytes body);

struct loadtest_link;
struct loadtest_link *loadtest_link_new(struct loadtest_net *net); /* NULL: no memory */
/* Ends its connection; calls that wait are forgotten. Its memory goes once the loop has closed it,
 * see loadtest_net.alive. NULL is fine. */
void loadtest_link_free(struct loadtest_link *l);
void loadtest_link_send(struct loadtest_link *l, struct loadtest_call *c);
bool loadtest_link_busy(const struct loadtest_link *l);
