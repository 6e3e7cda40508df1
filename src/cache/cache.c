/* The caches over their tiers (see cache.h). */
#include "cache/cache.h"

#include "base/mem.h"
#include "cache/generations.h"
#include "cache/memory_cache.h"
#include "cache/redis_tier.h"

#include <stdatomic.h>

#define DEAF_NS (50 * NS_PER_MS)

static const char *const names[CACHE_IDS] = {
    [CACHE_DEVICES] = "pilot-devices",
    [CACHE_QUERIES] = "telemetry-query",
    [CACHE_ANALYTICS] = "pilot-analytics",
    [CACHE_QUOTAS] = "pilot-quotas",
    [CACHE_METRICS] = "performance-metrics",
    [CACHE_ORGANIZATIONS] = "organizations",
    [CACHE_USERS] = "users",
};

struct cache {
    const struct clock *clock;
    _Atomic size_t max_bytes;
    _Atomic int64_t life_ns[CACHE_IDS];
    struct generations *generations;
    struct memory_cache *memory;
    struct redis_tier *redis; /* NULL: none */
    _Atomic int64_t distrusted_ns;
    _Atomic unsigned cleared; /* bits; nothing else hangs on it */
};

const char *cache_name(enum cache_id id)
{
    return names[id];
}

bool cache_find(struct bytes name, enum cache_id *ret)
{
    for (int i = 0; i < CACHE_IDS; i++)
        if (bytes_is(name, names[i])) {
            *ret = (enum cache_id)i;
            return true;
        }
    return false;
}

/* Entries of telemetry-query end with the next reading of their device: telling Redis of each would
 * cost more than they save. Their generations are told to other nodes all the same. What a node
 * measures of itself is no other's. */
static bool is_shared(enum cache_id id)
{
    return id != CACHE_QUERIES && id != CACHE_METRICS;
}

static enum err open_redis(struct cache *c, const struct cache_opts *opts)
{
    struct redis_tier_opts redis = *opts->redis;
    memcpy(redis.life_ns, opts->life_ns, sizeof redis.life_ns);
    redis.clock = opts->clock;
    redis.generations = c->generations;
    return redis_tier_new(&c->redis, &redis);
}

enum err cache_new(struct cache **ret, const struct cache_opts *opts)
{
    struct cache *c = mem_zalloc(sizeof *c);
    if (!c) return ERR_NOMEM;
    struct memory_cache_opts memory = {.max_bytes = opts->max_bytes, .seed = opts->seed};
    memcpy(memory.life_ns, opts->life_ns, sizeof memory.life_ns);
    for (int i = 0; i < CACHE_IDS; i++) atomic_init(&c->life_ns[i], opts->life_ns[i]);
    c->clock = opts->clock;
    atomic_init(&c->max_bytes, opts->max_bytes);
    atomic_init(&c->cleared, (1u << CACHE_IDS) - 1);
    enum err e = generations_new(&c->generations);
    if (!e) e = memory_cache_new(&c->memory, &memory);
    if (!e && opts->redis) e = open_redis(c, opts);
    if (e)
        cache_free(c);
    else
        *ret = c;
    return e;
}

void cache_configure(struct cache *c, size_t max_bytes, const int64_t life_ns[CACHE_IDS])
{
    struct memory_cache_opts memory = {.max_bytes = max_bytes};
    memcpy(memory.life_ns, life_ns, sizeof memory.life_ns);
    for (int i = 0; i < CACHE_IDS; i++) atomic_store(&c->life_ns[i], life_ns[i]);
    atomic_store(&c->max_bytes, max_bytes);
    memory_cache_configure(c->memory, &memory);
    if (c->redis) redis_tier_set_life(c->redis, life_ns);
}

void cache_free(struct cache *c)
{
    if (!c) return;
    redis_tier_free(c->redis);
    memory_cache_free(c->memory);
    generations_free(c->generations);
    mem_free(c);
}

struct cache_item cache_item_of(enum cache_id cache, int64_t org, struct bytes name, uint32_t slot)
{
    return (struct cache_item){.key = {cache, org, name, 0}, .slot = slot, .found = CACHE_LEAD};
}

/* While changes of other nodes may be unheard, what is kept here ends within half the time in which
 * they must be seen; flights still spare the store. */
static void distrust(struct cache *c, int64_t now_ns)
{
    int64_t since = atomic_load(&c->distrusted_ns);
    if (!c->redis || redis_tier_hears(c->redis) || now_ns - since < DEAF_NS) return;
    if (!atomic_compare_exchange_strong(&c->distrusted_ns, &since, now_ns)) return;
    for (int i = 0; i < CACHE_IDS; i++) generations_hear_all(c->generations, (enum cache_id)i);
}

/* What Redis has of what is missing here; it is kept here too. */
static void look_further(struct cache *c, struct cache_item *items, size_t n, int64_t now_ns)
{
    redis_tier_look(c->redis, items, n);
    for (size_t i = 0; i < n; i++) {
        if (items[i].found != CACHE_LEAD || !items[i].value) continue;
        memory_cache_fill(c->memory, &items[i].key, now_ns - items[i].age_ns, items[i].value);
        items[i].found = CACHE_HIT;
    }
}

void cache_look(struct cache *c, struct cache_item *items, size_t n)
{
    int64_t now_ns = clock_mono_ns(c->clock);
    bool further = false;
    distrust(c, now_ns);
    for (size_t i = 0; i < n; i++) {
        struct cache_item *item = &items[i];
        struct cache_key *k = &item->key;
        item->alone = k->name.n > CACHE_NAME_MAX;
        if (item->alone) continue;
        k->generation = generations_read(c->generations, k->cache, item->slot);
        item->found = memory_cache_look(c->memory, k, now_ns, &item->value);
        further |= is_shared(k->cache) && cache_item_is_mine(item);
    }
    if (further && c->redis) look_further(c, items, n, now_ns);
}

/* The key as it is now; false: it is in no cache. */
static bool read_generation(struct cache *c, struct cache_item *item, int64_t now_ns)
{
    distrust(c, now_ns);
    item->alone = item->key.name.n > CACHE_NAME_MAX;
    if (item->alone) return false;
    item->key.generation = generations_read(c->generations, item->key.cache, item->slot);
    return true;
}

void cache_look_here(struct cache *c, struct cache_item *item)
{
    int64_t now_ns = clock_mono_ns(c->clock);
    if (!read_generation(c, item, now_ns)) return;
    item->value = memory_cache_glance(c->memory, &item->key, now_ns);
    if (item->value) item->found = CACHE_HIT;
}

void cache_claim(struct cache *c, struct cache_item *item)
{
    int64_t now_ns = clock_mono_ns(c->clock);
    if (read_generation(c, item, now_ns) && memory_cache_claim(c->memory, &item->key, now_ns))
        item->found = CACHE_RENEW;
}

void cache_fill(struct cache *c, struct cache_item *item, struct bytes content)
{
    struct cache_value *v = item->alone ? NULL : cache_value_new(content);
    if (!v) {
        cache_give_up(c, item);
        return;
    }
    memory_cache_fill(c->memory, &item->key, clock_mono_ns(c->clock), v);
    if (c->redis) redis_tier_fill(c->redis, item, v);
    cache_value_unref(v);
}

void cache_give_up(struct cache *c, struct cache_item *item)
{
    if (!item->alone) memory_cache_give_up(c->memory, &item->key);
}

void cache_await(struct cache *c, struct cache_item *item, int64_t ns)
{
    memory_cache_wait(c->memory, &item->key, ns);
    item->value = memory_cache_peek(c->memory, &item->key, clock_mono_ns(c->clock));
}

void cache_item_done(struct cache_item *item)
{
    cache_value_unref(item->value);
    item->value = NULL;
}

void cache_changed(struct cache *c, enum cache_id cache, uint32_t slot)
{
    generations_advance(c->generations, cache, slot);
}

void cache_changed_all(struct cache *c, enum cache_id cache)
{
    generations_advance_all(c->generations, cache);
}

void cache_heard(struct cache *c, enum cache_id cache, uint32_t slot)
{
    generations_hear(c->generations, cache, slot);
}

void cache_heard_all(struct cache *c, enum cache_id cache)
{
    generations_hear_all(c->generations, cache);
}

uint64_t cache_clear(struct cache *c, enum cache_id cache)
{
    generations_advance_all(c->generations, cache); /* what is being made now is of before */
    uint64_t size = memory_cache_clear(c->memory, cache);
    atomic_fetch_or(&c->cleared, 1u << cache);
    return size;
}

void cache_clear_all(struct cache *c, uint64_t ret_sizes[CACHE_IDS])
{
    for (int i = 0; i < CACHE_IDS; i++) {
        uint64_t size = cache_clear(c, (enum cache_id)i);
        if (ret_sizes) ret_sizes[i] = size;
    }
}

unsigned cache_take_cleared(struct cache *c)
{
    return atomic_exchange(&c->cleared, 0);
}

bool cache_is_half_full(struct cache *c)
{
    return memory_cache_bytes(c->memory) >= atomic_load(&c->max_bytes) / 2;
}

const char *cache_tier_name(const struct cache_figures *f)
{
    return f->has_redis ? "memory+redis" : "memory";
}

uint64_t cache_forget_memory(struct cache *c, enum cache_id cache)
{
    return memory_cache_clear(c->memory, cache);
}

void cache_read_figures(struct cache *c, enum cache_id cache, struct cache_figures *ret)
{
    *ret = (struct cache_figures){.life_ns = c->life_ns[cache]};
    struct cache_stats *memory = &ret->tiers[CACHE_TIER_MEMORY];
    struct cache_stats *redis = &ret->tiers[CACHE_TIER_REDIS];
    *memory = memory_cache_read_stats(c->memory, cache);
    ret->hits = memory->hits;
    ret->misses = memory->misses;
    ret->has_redis = c->redis && is_shared(cache);
    if (!ret->has_redis) return;
    struct redis_tier_figures f;
    redis_tier_read_figures(c->redis, &f);
    redis->hits = f.hits[cache];
    redis->misses = f.misses[cache];
    ret->hits += redis->hits;
    ret->misses -= redis->hits < ret->misses ? redis->hits : ret->misses;
}

struct cache_redis_figures cache_read_redis(struct cache *c)
{
    struct redis_tier_figures f;
    if (!c->redis) return (struct cache_redis_figures){0};
    redis_tier_read_figures(c->redis, &f);
    return (struct cache_redis_figures){.configured = true,
                                        .up = f.up,
                                        .breaks = f.breaks,
                                        .taken_up = f.taken_up,
                                        .lies = f.lies,
                                        .dropped = f.dropped};
}

double cache_hit_ratio(const struct cache_figures *f)
{
    return f->hits ? (double)f->hits / (double)(f->hits + f->misses) : 0;
}
