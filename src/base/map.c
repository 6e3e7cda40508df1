/* Hash table (see map.h). */
#include "base/map.h"

#include "base/mem.h"

void map_init(struct map *m, uint64_t seed)
{
    *m = (struct map){.seed = seed};
}

void map_done(struct map *m)
{
    mem_free(m->slots);
    *m = (struct map){.seed = m->seed};
}

static uint64_t hash_key(const struct map *m, struct bytes key)
{
    uint64_t h = bytes_hash(key, m->seed);
    return h ? h : 1;
}

/* The slot that holds the key, or the empty one where it belongs. */
static struct map_slot *find(const struct map *m, struct bytes key, uint64_t hash)
{
    size_t i = hash & (m->cap - 1);
    for (;; i = (i + 1) & (m->cap - 1)) {
        struct map_slot *s = &m->slots[i];
        if (!s->hash || (s->hash == hash && bytes_equal(s->key, key))) return s;
    }
}

void *map_get(const struct map *m, struct bytes key)
{
    if (!m->count) return NULL;
    return find(m, key, hash_key(m, key))->value;
}

static enum err grow(struct map *m)
{
    struct map bigger = {.cap = m->cap ? m->cap * 2 : 16, .count = m->count, .seed = m->seed};
    bigger.slots = mem_array(bigger.cap, sizeof *bigger.slots);
    if (!bigger.slots) return ERR_NOMEM;
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].hash) *find(&bigger, m->slots[i].key, m->slots[i].hash) = m->slots[i];
    mem_free(m->slots);
    *m = bigger;
    return ERR_OK;
}

enum err map_put(struct map *m, struct bytes key, void *value)
{
    bug_if(!value);
    if (m->count >= m->cap / 4 * 3) {
        enum err e = grow(m);
        if (e) return e;
    }
    uint64_t hash = hash_key(m, key);
    struct map_slot *s = find(m, key, hash);
    if (!s->hash) m->count++;
    *s = (struct map_slot){hash, key, value};
    return ERR_OK;
}

void *map_remove(struct map *m, struct bytes key)
{
    if (!m->count) return NULL;
    struct map_slot *s = find(m, key, hash_key(m, key));
    if (!s->hash) return NULL;
    void *value = s->value;
    size_t mask = m->cap - 1, hole = (size_t)(s - m->slots);
    for (size_t i = (hole + 1) & mask; m->slots[i].hash; i = (i + 1) & mask) {
        size_t home = m->slots[i].hash & mask;
        if (((i - home) & mask) < ((i - hole) & mask)) continue; /* it may stay where it is */
        m->slots[hole] = m->slots[i];
        hole = i;
    }
    m->slots[hole] = (struct map_slot){0};
    m->count--;
    return value;
}

struct map_slot *map_next(const struct map *m, size_t *at)
{
    while (*at < m->cap) {
        struct map_slot *s = &m->slots[(*at)++];
        if (s->hash) return s;
    }
    return NULL;
}
