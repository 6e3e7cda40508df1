#pragma once
/* store/embedded/head_state.h -- what head.c and head_read.c share; nobody else includes it.
 *
 * A series has a slot, found through a two-level table by its id. A slot has a chain of chunks in
 * each generation; chunks are cut from the generation's pages. Readers take the lock of a slot's
 * stripe; the writer takes it while it changes what readers see. What only the writer uses (spare,
 * reserved) is not under the lock. Which generation is active is an atomic: a reader that sees a
 * point of the new generation has taken the stripe's lock after the writer, and so sees the new
 * number as well.   Threads and memory: head.h. */
#include "store/embedded/head.h"
#include "sys/lock.h"

#include <stdatomic.h>

#define SLOTS_PER_PAGE 256
#define SLOT_PAGES     ((size_t)(HEAD_MAX_SERIES / SLOTS_PER_PAGE))
#define STRIPES        64
#define STRIPE_RUN     64 /* neighbouring series share a stripe: a record usually takes one lock */
#define PAGE_BYTES     ((size_t)256 * 1024)
#define CHUNK_FIRST    16u /* samples; doubles up to */
#define CHUNK_LAST     256u

struct chunk {
    struct chunk *next;
    uint32_t n, cap;
    struct sample samples[];
};

struct chain {
    struct chunk *first, *last;
    uint32_t count, room; /* room: what the last chunk still takes */
    int64_t min_ns, max_ns;
    bool unsorted; /* not strictly ascending as it stands */
};

struct slot {
    int64_t org, device; /* device 0 = never used; constant once set */
    struct sample latest;
    struct chain chains[2];
    /* The writer's. */
    struct chunk *spare; /* of generation spare_generation only */
    uint32_t spare_room, spare_generation, reserved, next_cap;
};

struct slot_page {
    struct slot slots[SLOTS_PER_PAGE];
};

/* Memory of one generation. */
struct page {
    struct page *next;
};

struct generation {
    struct page *pages;
    char *at, *end;
    _Atomic uint64_t bytes, points; /* figures only: relaxed */
};

struct head {
    _Atomic(struct slot_page *) *table; /* store-release by the writer, load-acquire by readers */
    _Atomic uint32_t generation;        /* active = generation & 1 */
    _Atomic uint64_t slot_pages;
    _Atomic uint64_t table_end; /* pages at and past this are NULL */
    struct generation generations[2];
    struct lock stripes[STRIPES];
};

static inline unsigned head_stripe_of(int64_t series)
{
    return (unsigned)((uint64_t)series / STRIPE_RUN % STRIPES);
}

static inline uint32_t head_generation(struct head *h)
{
    return atomic_load_explicit(&h->generation, memory_order_acquire);
}

/* NULL when the series was never seen. */
static inline struct slot *head_find(const struct head *h, int64_t series)
{
    if (series <= 0 || series >= HEAD_MAX_SERIES) return NULL;
    struct slot_page *page =
        atomic_load_explicit(&h->table[series / SLOTS_PER_PAGE], memory_order_acquire);
    return page ? &page->slots[series % SLOTS_PER_PAGE] : NULL;
}

/* Calls `each` for every slot that was ever used, under its stripe's lock. */
void head_walk(struct head *h, void (*each)(struct slot *, int64_t series, void *ctx), void *ctx);
