#pragma once
/* net/conn.h -- one TCP connection on a loop: bytes in, bytes out, a deadline. It knows no
 * protocol; HTTP and WebSocket are two tables of callbacks over it.
 *
 * C1  on_closed() is the last callback and comes exactly once, on a later turn of the loop.
 * C2  one write is under way at most; conn_write() tries at once and only what the socket did not
 *     take waits, so a small answer is one system call.
 * Threads: the loop's.   Memory: embedded in its owner, who frees it in on_closed(). */
#include "codec/address.h"
#include "net/loop.h"

struct conn;
struct conn_ops {
    /* `data` lies in the loop's read buffer: borrowed for the call. */
    void (*on_data)(struct conn *c, struct bytes data);
    void (*on_eof)(struct conn *c); /* the peer sends no more; it may still read */
    void (*on_written)(struct conn *c);
    void (*on_deadline)(struct conn *c);
    void (*on_closed)(struct conn *c);
};

enum conn_result { CONN_WRITTEN, CONN_LATER, CONN_BROKEN };
enum { CONN_PARTS_MAX = 16 };

struct conn {
    uv_tcp_t tcp;
    uv_write_t write;
    struct wheel_entry timer;
    struct loop *loop;
    const struct conn_ops *ops;
    void *user; /* the protocol's own */
    struct address peer;
    bool closing, writing, reading;
};

/* A connection for a uv_tcp_open(c->tcp); its memory must live until on_closed(). */
enum err conn_init(struct conn *c, struct loop *l, const struct conn_ops *ops) MUST_CHECK;
/* After the accept: asks who the peer is. */
enum err conn_learn_peer(struct conn *c) MUST_CHECK;
void conn_read_start(struct conn *c); /* reading or closing already is fine */
void conn_read_stop(struct conn *c);
/* CONN_WRITTEN: all of it is with the kernel. CONN_LATER: the parts' bytes are borrowed until
 * on_written(). CONN_BROKEN: the connection is being closed. n is at most CONN_PARTS_MAX. */
enum conn_result conn_write(struct conn *c, const struct bytes *parts, unsigned n);
size_t conn_unwritten(const struct conn *c);                 /* bytes of the write under way */
void conn_set_deadline(struct conn *c, int64_t deadline_ns); /* WHEEL_NEVER: none */
void conn_shut_write(struct conn *c);     /* says that nothing follows; reading goes on */
void conn_close(struct conn *c);          /* closing already is fine */
void conn_expired(struct wheel_entry *e); /* for loop_opts.expired */
