#pragma once
/* rules/follower_ring.h -- the followers of the points that come next in a set, on their way from
 * memory while earlier ones are judged: with thousands of series each of them would be a wait of
 * its own. A point's followers are found FAR points before it, and the second of its list is
 * fetched NEAR points before.
 * Threads: the followers' thread.   Memory: on the stack; set and followers are borrowed. */
#include "model/record.h"
#include "rules/follower_index.h"

enum { FOLLOWER_RING = 16, FOLLOWER_RING_FAR = 12, FOLLOWER_RING_NEAR = 6 };
struct follower_ring {
    const struct record_set *set;
    size_t next; /* point whose followers stand in the ring next */
    struct follower *first[FOLLOWER_RING];
};

__attribute__((always_inline)) static inline void follower_ring_add(struct follower_ring *ring,
                                                                    const struct follower_index *x)
{
    struct follower *f = follower_index_find(x, ring->set->points[ring->next].series);
    ring->first[ring->next++ % FOLLOWER_RING] = f;
    if (f) __builtin_prefetch(f, 1);
}

/* Followers of point `at`; points are asked for one after the other, or from anywhere anew. */
__attribute__((always_inline)) static inline struct follower *follower_ring_take(
    struct follower_ring *ring, const struct follower_index *x, size_t at)
{
    if (ring->next < at || ring->next > at + FOLLOWER_RING_FAR) ring->next = at;
    while (ring->next <= at + FOLLOWER_RING_FAR && ring->next < ring->set->point_count)
        follower_ring_add(ring, x);
    if (at + FOLLOWER_RING_NEAR < ring->next) {
        const struct follower *f = ring->first[(at + FOLLOWER_RING_NEAR) % FOLLOWER_RING];
        if (f && f->next) __builtin_prefetch(f->next, 1);
    }
    return ring->first[at % FOLLOWER_RING];
}
