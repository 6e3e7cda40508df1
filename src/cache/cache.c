/* The caches over their tiers (see cache.h). */
#include "cache/cache.h"

#include "base/mem.h"
#include "cache/generations.h"
#include "cache/memory_cache.h"

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
    int64_t life_ns[CACHE_IDS];
    struct generations *generations;
    struct memory_cache *memory;
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

enum err cache_new(struct cache **ret, const struct cache_opts *opts)
{
    struct cache *c = mem_zalloc(sizeof *c);
    if (!c) return ERR_NOMEM;
    struct memory_cache_opts memory = {.max_bytes = opts->max_bytes, .seed = opts->seed};
    memcpy(memory.life_ns, opts->life_ns, sizeof memory.life_ns);
    memcpy(c->life_ns, opts->life_ns, sizeof c->life_ns);
    c->clock = opts->clock;
    enum err e = generations_new(&c->generations);
    if (!e) e = memory_cache_new(&c->memory, &memory);
    if (e)
        cache_free(c);
    else
        *ret = c;
    return e;
}

void cache_free(struct cache *c)
{
    if (!c) return;
    memory_cache_free(c->memory);
    generations_free(c->generations);
    mem_free(c);
}

struct cache_item cache_item_of(enum cache_id cache, int64_t org, struct bytes name, uint32_t slot)
{
    return (struct cache_item){.key = {cache, org, name, 0}, .slot = slot, .found = CACHE_LEAD};
}

static bool can_be_kept(const struct cache_item *item)
{
    return item->key.name.n <= CACHE_NAME_MAX;
}

void cache_look(struct cache *c, struct cache_item *items, size_t n)
{
    int64_t now_ns = clock_mono_ns(c->clock);
    for (size_t i = 0; i < n; i++) {
        struct cache_item *item = &items[i];
        struct cache_key *k = &item->key;
        if (!can_be_kept(item)) continue;
        k->generation = generations_read(c->generations, k->cache, item->slot);
        item->found = memory_cache_look(c->memory, k, now_ns, &item->value);
    }
}

void cache_fill(struct cache *c, struct cache_item *item, struct bytes content)
{
    struct cache_value *v = can_be_kept(item) ? cache_value_new(content) : NULL;
    if (!v) {
        cache_give_up(c, item);
        return;
    }
    memory_cache_fill(c->memory, &item->key, clock_mono_ns(c->clock), v);
    cache_value_unref(v);
}

void cache_give_up(struct cache *c, struct cache_item *item)
{
    if (can_be_kept(item)) memory_cache_give_up(c->memory, &item->key);
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

uint64_t cache_clear(struct cache *c, enum cache_id cache)
{
    generations_advance_all(c->generations, cache); /* what is being made now is of before */
    return memory_cache_clear(c->memory, cache);
}

void cache_read_figures(struct cache *c, enum cache_id cache, struct cache_figures *ret)
{
    *ret = (struct cache_figures){.life_ns = c->life_ns[cache]};
    ret->tiers[CACHE_TIER_MEMORY] = memory_cache_read_stats(c->memory, cache);
    ret->hits = ret->tiers[CACHE_TIER_MEMORY].hits;
    ret->misses = ret->tiers[CACHE_TIER_MEMORY].misses;
}

double cache_hit_ratio(const struct cache_figures *f)
{
    return f->hits ? (double)f->hits / (double)(f->hits + f->misses) : 0;
}
