#pragma once
/* cache/cache.h -- the seven caches over their tiers: what everybody above uses.
 *
 *     struct cache_item item = cache_item_of(c, CACHE_DEVICES, org, name, slot);
 *     cache_look(c, &item, 1);                   the generation is read here: before the source
 *     if (item.value) …                          HIT, RENEW
 *     if (cache_item_is_mine(&item)) …           LEAD, RENEW: read the source, then cache_fill()
 *                                                or cache_give_up()
 *     if (item.found == CACHE_FLYING) …          cache_await()
 *     cache_item_done(&item);
 *
 * Whoever changes a source calls cache_changed() when the change is visible and before it is
 * acknowledged; a reader that starts behind that never sees what was before.
 * Threads: any. cache_await() blocks; so may cache_look() and cache_fill() for as long as Redis is
 * given, if there is one.   Memory: names are borrowed while the item lives. */
#include "base/clock.h"
#include "base/err.h"
#include "cache/cache_key.h"

struct redis_tier_opts;
struct cache_opts {
    size_t max_bytes;           /* of the tier in this process */
    int64_t life_ns[CACHE_IDS]; /* of an entry */
    const struct clock *clock;
    uint64_t seed; /* of hash tables */
    /* NULL: no Redis. place, timeout_ns, connections, installation, shared and rnd count. */
    const struct redis_tier_opts *redis;
};
struct cache;
enum err cache_new(struct cache **ret, const struct cache_opts *opts) MUST_CHECK;
void cache_free(struct cache *c); /* NULL is fine */
/* Lifetimes and size from now on, also for what is kept already. */
void cache_configure(struct cache *c, size_t max_bytes, const int64_t life_ns[CACHE_IDS]);

const char *cache_name(enum cache_id id); /* "pilot-devices" */
bool cache_find(struct bytes name, enum cache_id *ret);

struct cache_item {
    struct cache_key key;
    uint32_t slot; /* of its generation: generations_slot() */
    enum cache_found found;
    struct cache_value *value; /* owned */
    uint64_t epoch, token;     /* of Redis, read before the source; 0: not known */
    bool fresh_epoch, fresh_token;
    int64_t age_ns; /* of a value that Redis had */
    bool alone;     /* in no cache: its name is too long */
};
/* A name longer than CACHE_NAME_MAX is never found and never kept. */
struct cache_item cache_item_of(enum cache_id cache, int64_t org, struct bytes name, uint32_t slot);
void cache_look(struct cache *c, struct cache_item *items, size_t n);
/* Only what is kept in this process, without beginning a flight: HIT, or the item as it was. Never
 * blocks; for who looks again where it may. */
void cache_look_here(struct cache *c, struct cache_item *item);
/* RENEW when it is kept here, was asked for and nears its end, and nobody is at it; nothing is
 * counted. Else the item as it was. */
void cache_claim(struct cache *c, struct cache_item *item);
static inline bool cache_item_is_mine(const struct cache_item *item)
{
    return item->found == CACHE_LEAD || item->found == CACHE_RENEW;
}
/* content: copied; without memory for that it is not kept. */
void cache_fill(struct cache *c, struct cache_item *item, struct bytes content);
void cache_give_up(struct cache *c, struct cache_item *item);
/* Of a FLYING item: waits until it was made, or for ns; item->value stays NULL when it was not. */
void cache_await(struct cache *c, struct cache_item *item, int64_t ns);
void cache_item_done(struct cache_item *item);

/* What keys of this slot were made of has changed. */
void cache_changed(struct cache *c, enum cache_id cache, uint32_t slot);
/* The same for all keys of a cache. */
void cache_changed_all(struct cache *c, enum cache_id cache);
/* The same for changes that another node made and has told: they end what is kept here, and are not
 * told again. */
void cache_heard(struct cache *c, enum cache_id cache, uint32_t slot);
void cache_heard_all(struct cache *c, enum cache_id cache);

/* Forgets what is there, here and in Redis; *ret: the entries that were here. What is missed then
 * is made again by who asks for it, or ahead of that by the warmer. */
uint64_t cache_clear(struct cache *c, enum cache_id cache);
/* Each of them; ret_sizes (may be NULL): the entries that were. */
void cache_clear_all(struct cache *c, uint64_t ret_sizes[CACHE_IDS]);
/* The caches, as bits, that were cleared since the last call (at first all of them): for who warms
 * them. */
unsigned cache_take_cleared(struct cache *c);

/* Forgets what this process keeps; Redis keeps what it has. */
uint64_t cache_forget_memory(struct cache *c, enum cache_id cache);

/* Of the memory here: what is made in advance ends at that. */
bool cache_is_half_full(struct cache *c);

enum cache_tier { CACHE_TIER_MEMORY, CACHE_TIER_REDIS, CACHE_TIERS };
struct cache_figures {
    struct cache_stats tiers[CACHE_TIERS];
    uint64_t hits, misses; /* of the cache as a whole: a miss is what no tier had */
    int64_t life_ns;
    bool has_redis; /* tiers[CACHE_TIER_REDIS] counts; what it holds only Redis knows */
};
void cache_read_figures(struct cache *c, enum cache_id cache, struct cache_figures *ret);
struct cache_redis_figures {
    bool configured, up;
    uint64_t breaks, taken_up; /* how often it was given up, and taken up again */
    uint64_t lies;             /* answers that were not to the question */
    uint64_t dropped;          /* entries it was too busy for */
};
struct cache_redis_figures cache_read_redis(struct cache *c);
/* "memory" or "memory+redis". */
const char *cache_tier_name(const struct cache_figures *f);
/* hits / (hits + misses); 0 before the first look. */
double cache_hit_ratio(const struct cache_figures *f);
