#pragma once
/* net/conn_limits.h -- how many connections there may be, in all and from one address. Counts per
 * address live in a table of fixed size that is indexed by a seeded hash: addresses that share a
 * slot share its limit, which errs on the strict side and cannot be aimed at. An IPv6 client counts
 * as its /64 network.   Threads: any.   Memory: fixed. */
#include "codec/address.h"

#include <stdatomic.h>

enum { CONN_LIMITS_SLOTS = 16384, CONN_LIMITS_REFUSALS = 256 };

enum conn_limits_verdict {
    CONN_LIMITS_OK,
    CONN_LIMITS_REFUSE, /* over a limit: tell the client */
    CONN_LIMITS_DROP,   /* far over: not even that */
};

struct conn_limits {
    unsigned max_connections, max_per_address;
    uint64_t seed;
    _Atomic unsigned open;
    _Atomic uint32_t by_address[CONN_LIMITS_SLOTS];
};

/* Counts the connection in, whatever the verdict; every call needs its conn_limits_leave().
 * `trusted`: a proxy, which speaks for many. */
enum conn_limits_verdict conn_limits_enter(struct conn_limits *l, const struct address *peer,
                                           bool trusted);
void conn_limits_leave(struct conn_limits *l, const struct address *peer, bool trusted);
