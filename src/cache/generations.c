/* Counters of change (see generations.h). The generation of a slot is the sum of its counter and of
 * the counter of the whole cache: both only grow, so the sum changes with each of them.
 *
 * G3: "behind" is marked before the counter moves. Whoever reads the new counter (acquire, after
 * the release of advance) sees the mark, or that it was told, and that was after the change. */
#include "cache/generations.h"

#include "base/mem.h"

enum { WORDS = GENERATIONS_SLOTS / 64 };

struct table {
    _Atomic uint64_t whole;
    _Atomic bool all_behind, all_taken;
    _Atomic uint64_t slots[GENERATIONS_SLOTS];
    _Atomic uint64_t behind[WORDS], taken[WORDS];
};
struct generations {
    struct table tables[CACHE_IDS];
};

enum err generations_new(struct generations **ret)
{
    struct generations *g = mem_zalloc(sizeof *g);
    if (!g) return ERR_NOMEM;
    *ret = g;
    return ERR_OK;
}

void generations_free(struct generations *g)
{
    mem_free(g);
}

uint32_t generations_slot(int64_t org, int64_t a, int64_t b)
{
    const int64_t numbers[3] = {org, a, b};
    return (uint32_t)(bytes_hash(bytes_of(numbers, sizeof numbers), 0) % GENERATIONS_SLOTS);
}

uint64_t generations_read(const struct generations *g, enum cache_id cache, uint32_t slot)
{
    const struct table *t = &g->tables[cache];
    return atomic_load_explicit(&t->slots[slot], memory_order_acquire) +
           atomic_load_explicit(&t->whole, memory_order_acquire);
}

void generations_hear(struct generations *g, enum cache_id cache, uint32_t slot)
{
    atomic_fetch_add_explicit(&g->tables[cache].slots[slot], 1, memory_order_release);
}

void generations_hear_all(struct generations *g, enum cache_id cache)
{
    atomic_fetch_add_explicit(&g->tables[cache].whole, 1, memory_order_release);
}

void generations_advance(struct generations *g, enum cache_id cache, uint32_t slot)
{
    _Atomic uint64_t *behind = &g->tables[cache].behind[slot / 64];
    uint64_t bit = UINT64_C(1) << slot % 64;
    if (!(atomic_load(behind) & bit)) atomic_fetch_or(behind, bit);
    generations_hear(g, cache, slot);
}

void generations_advance_all(struct generations *g, enum cache_id cache)
{
    atomic_store(&g->tables[cache].all_behind, true);
    generations_hear_all(g, cache);
}

bool generations_is_behind(const struct generations *g, enum cache_id cache, uint32_t slot)
{
    const struct table *t = &g->tables[cache];
    uint64_t bit = UINT64_C(1) << slot % 64;
    /* behind before taken: take() moves a mark the other way round, so it is seen in one of them */
    return atomic_load(&t->all_behind) || atomic_load(&t->all_taken) ||
           (atomic_load(&t->behind[slot / 64]) & bit) || (atomic_load(&t->taken[slot / 64]) & bit);
}

uint64_t generations_take(struct generations *g, enum cache_id cache, uint32_t word)
{
    struct table *t = &g->tables[cache];
    uint64_t bits = atomic_load(&t->behind[word]);
    if (!bits) return atomic_load(&t->taken[word]); /* of an earlier try that failed */
    atomic_fetch_or(&t->taken[word], bits);
    atomic_fetch_and(&t->behind[word], ~bits);
    return atomic_load(&t->taken[word]);
}

bool generations_take_all(struct generations *g, enum cache_id cache)
{
    struct table *t = &g->tables[cache];
    if (!atomic_load(&t->all_behind)) return atomic_load(&t->all_taken);
    atomic_store(&t->all_taken, true);
    atomic_store(&t->all_behind, false);
    return true;
}

void generations_told(struct generations *g, enum cache_id cache)
{
    struct table *t = &g->tables[cache];
    for (int i = 0; i < WORDS; i++)
        if (atomic_load(&t->taken[i])) atomic_store(&t->taken[i], 0);
    atomic_store(&t->all_taken, false);
}
