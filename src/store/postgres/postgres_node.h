#pragma once
/* store/postgres/postgres_node.h -- the one server that works on a database. What exists is kept in
 * memory (registry, users, rules), so a second server beside it would answer from an old picture:
 * it is refused.
 *
 *   take ──> session advisory lock on a connection of its own ── held until free
 *              └── the connection breaks (PostgreSQL restarted): a thread takes it again; when
 *                  another server was faster, lost() is called once
 *
 * Threads: take and free by one; lost() comes from the node's own thread, which holds nothing.
 * Memory: owned by the caller, who ends it with postgres_node_free(). */
#include "store/postgres/postgres_pool.h"

struct postgres_node_opts {
    struct postgres_pool *pool; /* how to connect; its connections are not used; borrowed */
    int64_t patience_ns;        /* another server may be just ending */
    void (*lost)(void *ctx, const char *why); /* NULL: nobody is told */
    void *ctx;
};

struct postgres_node;
/* ERR_LOCKED: another server or command works on this database; `why` names it. */
enum err postgres_node_take(struct postgres_node **ret, const struct postgres_node_opts *opts,
                            struct why *why) MUST_CHECK;
void postgres_node_free(struct postgres_node *n); /* NULL is fine */
