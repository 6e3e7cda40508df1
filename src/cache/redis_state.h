#pragma once
/* cache/redis_state.h -- what redis_tier.c (requests) and redis_turn.c (the thread) share.
 * Threads: see the members.   Memory: the tier owns all of it. */
#include "cache/breaker.h"
#include "cache/redis_tier.h"
#include "cache/redis_value.h"
#include "sys/lock.h"
#include "sys/thread.h"

enum { REDIS_LINKS_MAX = 16, REDIS_QUEUE_MAX = 1024, REDIS_QUEUE_BYTES = 8 << 20 };

struct redis_prefix {
    char text[40];
    size_t n;
};

/* An entry on its way to Redis. */
struct redis_fill {
    struct redis_fill *next;
    struct cache_item item; /* its name points behind this struct */
    struct cache_value *value;
    int64_t made_ns; /* wall time */
    char name[];
};

struct redis_tier {
    struct redis_tier_opts opts; /* immutable; but life_ns, which stands below */
    uint64_t node;               /* immutable */
    _Atomic int64_t life_ns[CACHE_IDS];

    struct lock lock; /* guards the next block */
    struct cond wake;
    struct breaker breaker;
    struct redis_prefix prefix;
    struct redis_link *idle[REDIS_LINKS_MAX];
    unsigned idle_n;
    unsigned era; /* of the connections: those of an earlier one are closed when they come back */
    struct redis_fill *first, **last;
    size_t queued, queued_bytes;
    struct redis_tier_figures figures;
    bool stopping;

    _Atomic int64_t heard_ns; /* when the thread last asked for news and got them */
    pthread_t thread;
    bool started;

    struct redis_link *own; /* the thread's, as the rest */
    char news_id[40];
    int64_t spoke_ns;
};

/* "v" + cache, organisation and name; "g" + cache and slot; "e" + cache. At most 560 bytes. */
void redis_turn_key(struct buf *out, const struct redis_prefix *p, const struct cache_item *item,
                    char what);
void redis_turn_free_fill(struct redis_fill *f);
/* With the lock: nobody asks any more; *ret_links: to be closed without it. */
unsigned redis_turn_give_up(struct redis_tier *r, struct redis_link **ret_links);
void *redis_turn_run(void *tier);
