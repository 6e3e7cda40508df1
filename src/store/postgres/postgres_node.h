#pragma once
/* store/postgres/postgres_node.h -- this process among those that share a database (store/nodes.h).
 *
 *   take ── schema brought up to date ── join ──> number (an advisory lock), LISTEN, hello
 *    │ one process at a time is here        │        └─ the others: welcome, from now on they tell
 *    └───────────────────────────────── released ── read what is kept in memory ── nodes_listen()
 *
 *   every second   who is there? is the lead free? (another advisory lock)
 *   a lost connection: deaf and leading nothing; again as above, then resync()
 *
 * A guest is a command that works beside the servers: it takes and never joins.
 * Threads: take, join and free by one; hearers are called on a thread of its own. Memory: owned by
 * the caller, who ends it with postgres_node_free(). */
#include "store/nodes.h"
#include "store/postgres/postgres_pool.h"

struct postgres_node_opts {
    struct postgres_pool *pool; /* how to connect; its connections are not used; borrowed */
    const char *id;             /* of this process, also in the name of the pool; copied */
    int64_t patience_ns;        /* another one may be just starting or ending */
    bool yields;                /* leads only while nobody else is there: the server of a command */
};

/* ERR_LOCKED: a server of an earlier version works on this database, or another one is starting
 * and does not end; `why` says so. */
enum err postgres_node_take(struct nodes **ret, const struct postgres_node_opts *opts,
                            struct why *why) MUST_CHECK;
/* How many servers have joined. */
enum err postgres_node_count(struct nodes *n, unsigned *ret, struct why *why) MUST_CHECK;
/* True from then on: alive, number, leads. ERR_FULL: NODES_MAX are there. */
enum err postgres_node_join(struct nodes *n, struct why *why) MUST_CHECK;
/* Ends as a guest: the next process may take. */
void postgres_node_stand_aside(struct nodes *n);
void postgres_node_free(struct nodes *n); /* NULL is fine */
