#pragma once
/* store/postgres/postgres_pool.h -- connections to one PostgreSQL, lent one at a time.
 *
 *   take ──> idle one, newest first ── still alive? ─> lent ── give ──> idle, or closed when it is
 *     │          none: opened, up to `max`; then the caller waits, connect_timeout_ns at most  old,
 *     └── ERR_TIMEOUT, ERR_IO (the server is away)                                     broken, idle
 *
 * A server that is away is waited for POSTGRES_PATIENCE_NS, counted from when it was missed first;
 * after that each call fails at once, but one a fifth of a second looks whether it is back.
 *
 * Threads: any. No lock is held while the network is spoken to.   Memory: the pool owns the
 * connections; a lent one belongs to the caller until it is given back. */
#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct pg_conn PGconn; /* libpq's */

#define POSTGRES_PATIENCE_NS (2 * NS_PER_S)

enum { POSTGRES_STATEMENTS_MAX = 256 }; /* prepared ones of a connection; then all are forgotten */

struct postgres_opts {
    const char *url;              /* postgres://…; copied */
    const char *user, *password;  /* NULL: as the url says; copied */
    const char *name;             /* of its connections, for PostgreSQL's administrator; copied */
    unsigned max, min_idle;       /* connections */
    int64_t connect_timeout_ns;   /* wait for one */
    int64_t idle_timeout_ns;      /* an idle one above min_idle is closed after this; 0 = never */
    int64_t max_lifetime_ns;      /* 0 = for ever */
    int64_t leak_threshold_ns;    /* lent longer: counted; 0 = off */
    int64_t statement_timeout_ns; /* 0 = none */
    const struct clock *clock;
};

struct postgres_statement {
    uint64_t hash; /* of text and parameter types; 0 = empty */
    char *text;    /* owned */
    unsigned number;
};
struct postgres_conn {
    PGconn *pg;
    struct postgres_conn *next;
    int64_t opened_ns, given_ns, taken_ns;                             /* monotonic */
    struct postgres_statement statements[POSTGRES_STATEMENTS_MAX * 2]; /* at most half full */
    size_t statement_count;
    unsigned statement_next;
    bool leak_counted;
    bool broken; /* not to be lent again, whatever libpq says */
};

struct postgres_pool_stats {
    unsigned open, lent, waiting;
    unsigned peak; /* lent at once since the start */
    uint64_t opened, failed, timeouts, leaks;
    uint64_t waits, waited_ns; /* of those who were given one in the end */
    bool away;                 /* the last attempt to connect failed */
};

struct postgres_pool;
/* Opens nothing yet. ERR_INVALID: the url is none that libpq understands; it is not repeated. */
enum err postgres_pool_new(struct postgres_pool **ret, const struct postgres_opts *opts,
                           struct why *why) MUST_CHECK;
enum err postgres_pool_take(struct postgres_pool *p, struct postgres_conn **ret,
                            struct why *why) MUST_CHECK;
const char *postgres_pool_name(const struct postgres_pool *p); /* of its connections */
/* A connection of one's own, beside the pool, under a name that the server's administrator sees;
 * PQfinish() ends it. NULL: `why` says why. */
PGconn *postgres_pool_connect(const struct postgres_pool *p, const char *name, struct why *why);
/* Outside a transaction, or broken: then it is closed. */
void postgres_pool_give(struct postgres_pool *p, struct postgres_conn *c);
/* Closes what has been idle or alive too long, counts what is lent too long; now and then. */
void postgres_pool_maintain(struct postgres_pool *p);
struct postgres_pool_stats postgres_pool_read_stats(struct postgres_pool *p);
void postgres_pool_free(struct postgres_pool *p); /* nothing is lent any more; NULL is fine */
