#pragma once
/* cache/redis_tier.h -- the tier that nodes share. Requests only read from it, on connections that
 * stand already; one thread of its own writes, tells of changes, hears of those of other nodes and
 * finds Redis again when it was away.
 *
 * R1  an entry is read only under the epoch of its cache and the token of its slot, which are read
 *     with it in one command; a change replaces the token, taking Redis up again all epochs. What
 *     is gone (evicted, flushed, restarted from an old image) is replaced by something never seen.
 * R2  a slot that changed here is not read until its token was replaced (generations G3).
 * R3  Redis away, slow or wrong: at most the questions under way wait, and no longer than
 *     REDIS_TIER_ASK_NS; after that nobody asks until the thread has found it good again (tried
 *     twice a second).
 * R4  keys begin with the installation and with the run of that Redis: a restarted one is empty.
 * Threads: look() and fill() any; the rest the cache's.
 * Memory: values are shared by references. */
#include "base/rnd.h"
#include "cache/cache.h"
#include "cache/generations.h"
#include "cache/redis_link.h"

#define REDIS_TIER_ASK_NS (INT64_C(20) * 1000000)

struct redis_tier_opts {
    struct redis_place place;
    int64_t timeout_ns;         /* of the thread's own commands; requests wait REDIS_TIER_ASK_NS */
    unsigned connections;       /* for requests, at most */
    int64_t life_ns[CACHE_IDS]; /* of an entry */
    uint64_t installation;      /* the same on each of its nodes, and on no other's */
    bool shared;                /* other nodes write to the same store */
    const struct clock *clock;
    struct rnd *rnd;
    struct generations *generations;
};
struct redis_tier;
/* Does not wait for Redis. */
enum err redis_tier_new(struct redis_tier **ret, const struct redis_tier_opts *opts) MUST_CHECK;
void redis_tier_free(struct redis_tier *r); /* NULL is fine */
/* Of entries from now on. */
void redis_tier_set_life(struct redis_tier *r, const int64_t life_ns[CACHE_IDS]);

/* Values of those that are missing; epoch and token of all, for redis_tier_fill(). */
void redis_tier_look(struct redis_tier *r, struct cache_item *items, size_t n);
/* Handed to the thread, or dropped when it has enough to do. */
void redis_tier_fill(struct redis_tier *r, const struct cache_item *item, struct cache_value *v);

/* Whether what this process keeps may be read: not while changes of other nodes may be unheard. */
bool redis_tier_hears(struct redis_tier *r);

struct redis_tier_figures {
    bool up;
    uint64_t hits[CACHE_IDS], misses[CACHE_IDS];
    uint64_t lies, breaks, taken_up, dropped;
};
void redis_tier_read_figures(struct redis_tier *r, struct redis_tier_figures *ret);
