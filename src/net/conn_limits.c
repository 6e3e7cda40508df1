/* Counting connections (see conn_limits.h). The counters order nothing else: relaxed is enough. */
#include "net/conn_limits.h"

static _Atomic uint32_t *slot(struct conn_limits *l, const struct address *peer)
{
    bool v4 = peer->ip[10] == 0xff && peer->ip[11] == 0xff && !peer->ip[0];
    uint64_t h = bytes_hash(bytes_of(peer->ip, v4 ? 16 : 8), l->seed);
    return &l->by_address[h % CONN_LIMITS_SLOTS];
}

enum conn_limits_verdict conn_limits_enter(struct conn_limits *l, const struct address *peer,
                                           bool trusted)
{
    unsigned open = atomic_fetch_add_explicit(&l->open, 1, memory_order_relaxed);
    uint32_t same = trusted ? 0 : atomic_fetch_add_explicit(slot(l, peer), 1, memory_order_relaxed);
    if (open >= l->max_connections + CONN_LIMITS_REFUSALS) return CONN_LIMITS_DROP;
    if (open >= l->max_connections || same >= l->max_per_address) return CONN_LIMITS_REFUSE;
    return CONN_LIMITS_OK;
}

void conn_limits_leave(struct conn_limits *l, const struct address *peer, bool trusted)
{
    atomic_fetch_sub_explicit(&l->open, 1, memory_order_relaxed);
    if (!trusted) atomic_fetch_sub_explicit(slot(l, peer), 1, memory_order_relaxed);
}
