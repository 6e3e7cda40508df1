#pragma once
/* store/postgres/postgres_node_state.h -- what postgres_node.c and postgres_news.c share; nobody
 * else includes it.   Threads: all of it is the node's thread's but what its line says otherwise.
 * Memory: owned by the node. */
#include "base/clock.h"
#include "codec/record_pack.h"
#include "store/postgres/postgres_node.h"
#include "store/postgres/postgres_peers.h"
#include "store/postgres/postgres_tell.h"
#include "sys/lock.h"
#include "sys/thread.h"

/* One notification that waits. */
struct postgres_note {
    struct postgres_note *next;
    int64_t due_ns; /* of one that is looked at again */
    char text[];
};
struct postgres_notes {
    struct postgres_note *first, **last;
    size_t count, bytes;
};

struct postgres_node {
    struct nodes base; /* first; its atomics are read by any thread */
    struct postgres_node_opts opts;
    char id[POSTGRES_PEER_ID];
    PGconn *pg; /* NULL: broken */
    pthread_t thread;
    bool started;
    int wake;                   /* eventfd: any thread */
    _Atomic bool closing;       /* any thread */
    _Atomic bool resigns;       /* any thread: never leads again while others are there */
    struct postgres_tell *tell; /* any thread */
    struct postgres_peers peers;
    uint64_t there; /* bit number - 1 */
    int64_t look_due_ns, mourn_until_ns;
    int64_t missed_ns; /* when readings were read again, last */
    bool holds;        /* what is told waits */
    bool deaf, resync, missed;
    bool ended; /* it has resigned, if it had to */
    struct postgres_notes waiting, again;
    struct record records[POSTGRES_PAGE_BYTES / RECORD_PACK_HEAD_MIN + 1];
    struct point points[POSTGRES_PAGE_BYTES / RECORD_PACK_POINT_MIN];

    /* what hearers were told */
    bool told_lead, told_any;
    unsigned told_alive;

    struct nodes_hearer hearers[NODES_HEARERS_MAX]; /* immutable from listen() on */
    size_t hearer_count;
    struct lock lock; /* guards all below: any thread */
    struct cond called;
    bool listening, calling, resigned;
};

/* postgres_node.c */
bool postgres_node_welcome(struct postgres_node *n, const char *id);

/* postgres_news.c */
void postgres_news_init(struct postgres_node *n);
void postgres_news_done(struct postgres_node *n);
/* Takes what has come; false: the connection is broken. */
bool postgres_news_read(struct postgres_node *n);
/* Calls the hearers with all that waits. */
void postgres_news_tell(struct postgres_node *n);
void postgres_news_tell_lead(struct postgres_node *n);
/* How long until something is due to be looked at again; INT64_MAX: nothing. */
int64_t postgres_news_again_ns(const struct postgres_node *n, int64_t now_ns);
