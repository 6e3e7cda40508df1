/* Counting connections (see http_limits.h). The counters order nothing else: relaxed is enough. */
#include "net/http_limits.h"

static _Atomic uint32_t *slot(struct http_limits *l, const struct address *peer)
{
    bool v4 = peer->ip[10] == 0xff && peer->ip[11] == 0xff && !peer->ip[0];
    uint64_t h = bytes_hash(bytes_of(peer->ip, v4 ? 16 : 8), l->seed);
    return &l->by_address[h % HTTP_LIMITS_SLOTS];
}

enum http_limits_verdict http_limits_enter(struct http_limits *l, const struct address *peer,
                                           bool trusted)
{
    unsigned open = atomic_fetch_add_explicit(&l->open, 1, memory_order_relaxed);
    uint32_t same = trusted ? 0 : atomic_fetch_add_explicit(slot(l, peer), 1, memory_order_relaxed);
    if (open >= l->max_connections + HTTP_LIMITS_REFUSALS) return HTTP_LIMITS_DROP;
    if (open >= l->max_connections || same >= l->max_per_address) return HTTP_LIMITS_REFUSE;
    return HTTP_LIMITS_OK;
}

void http_limits_leave(struct http_limits *l, const struct address *peer, bool trusted)
{
    atomic_fetch_sub_explicit(&l->open, 1, memory_order_relaxed);
    if (!trusted) atomic_fetch_sub_explicit(slot(l, peer), 1, memory_order_relaxed);
}
