#pragma once
/* base/map.h -- a hash table from byte keys, or from 64-bit keys, to pointers. Open addressing with
 * linear probing, at most 3/4 full; removal shifts back, so there are no tombstones.
 * Threads: none of its own; readers may share it while nobody writes.
 * Memory: keys and values are borrowed; the key bytes must live as long as the entry. */
#include "base/bytes.h"
#include "base/err.h"

struct map_slot {
    uint64_t hash; /* 0 = empty */
    struct bytes key;
    void *value;
};

struct map {
    struct map_slot *slots;
    size_t cap, count;
    uint64_t seed;
};

void map_init(struct map *m, uint64_t seed);
void map_done(struct map *m);
void *map_get(const struct map *m, struct bytes key); /* NULL when absent */
/* Replaces an existing value (the stored key bytes then become `key`). value must not be NULL. */
enum err map_put(struct map *m, struct bytes key, void *value) MUST_CHECK;
void *map_remove(struct map *m, struct bytes key); /* the value, NULL when absent */
/* Walks in no particular order: start with *at = 0; NULL at the end. Not while changing the map. */
struct map_slot *map_next(const struct map *m, size_t *at);

/* Keys that are numbers: the same table over the 8 bytes of the number, which the caller keeps
 * alive inside the value (pass its address). */
static inline struct bytes map_u64(const uint64_t *key)
{
    return bytes_of(key, sizeof *key);
}
