#pragma once
/* net/http_limits.h -- how many connections there may be, in all and from one address. Counts per
 * address live in a table of fixed size that is indexed by a seeded hash: addresses that share a
 * slot share its limit, which errs on the strict side and cannot be aimed at. An IPv6 client counts
 * as its /64 network.   Threads: any.   Memory: fixed. */
#include "codec/address.h"

#include <stdatomic.h>

enum { HTTP_LIMITS_SLOTS = 16384, HTTP_LIMITS_REFUSALS = 256 };

enum http_limits_verdict {
    HTTP_LIMITS_OK,
    HTTP_LIMITS_REFUSE, /* over a limit: tell the client */
    HTTP_LIMITS_DROP,   /* far over: not even that */
};

struct http_limits {
    unsigned max_connections, max_per_address;
    uint64_t seed;
    _Atomic unsigned open;
    _Atomic uint32_t by_address[HTTP_LIMITS_SLOTS];
};

/* Counts the connection in, whatever the verdict; every call needs its http_limits_leave().
 * `trusted`: a proxy, which speaks for many. */
enum http_limits_verdict http_limits_enter(struct http_limits *l, const struct address *peer,
                                           bool trusted);
void http_limits_leave(struct http_limits *l, const struct address *peer, bool trusted);
