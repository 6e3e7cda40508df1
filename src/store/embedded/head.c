/* Points in memory (see head.h): what the writer does. What readers do is in head_read.c. */
#include "store/embedded/head.h"

#include "base/mem.h"
#include "store/embedded/head_state.h"

enum err head_new(struct head **ret)
{
    struct head *h = mem_zalloc(sizeof *h);
    if (!h) return ERR_NOMEM;
    h->table = mem_array(SLOT_PAGES, sizeof *h->table);
    if (!h->table) {
        mem_free(h);
        return ERR_NOMEM;
    }
    for (int i = 0; i < STRIPES; i++) lock_init(&h->stripes[i], LOCK_RANK_HEAD);
    *ret = h;
    return ERR_OK;
}

static void free_pages(struct generation *g)
{
    while (g->pages) {
        struct page *page = g->pages;
        g->pages = page->next;
        mem_free(page);
    }
    g->at = g->end = NULL;
    atomic_store_explicit(&g->bytes, 0, memory_order_relaxed);
    atomic_store_explicit(&g->points, 0, memory_order_relaxed);
}

void head_free(struct head *h)
{
    if (!h) return;
    for (size_t i = 0; i < h->table_end; i++) mem_free(h->table[i]);
    for (int i = 0; i < 2; i++) free_pages(&h->generations[i]);
    for (int i = 0; i < STRIPES; i++) lock_done(&h->stripes[i]);
    mem_free(h->table);
    mem_free(h);
}

static enum err add_slot_page(struct head *h, int64_t series)
{
    struct slot_page *page = mem_zalloc(sizeof *page);
    if (!page) return ERR_NOMEM;
    for (int i = 0; i < SLOTS_PER_PAGE; i++) {
        page->slots[i].latest.ts_ns = INT64_MIN;
        page->slots[i].next_cap = CHUNK_FIRST;
    }
    size_t at = (size_t)(series / SLOTS_PER_PAGE);
    atomic_store_explicit(&h->table[at], page, memory_order_release);
    if (at >= h->table_end) atomic_store_explicit(&h->table_end, at + 1, memory_order_release);
    atomic_fetch_add_explicit(&h->slot_pages, 1, memory_order_relaxed);
    return ERR_OK;
}

/* The slot of a series, made when missing, if it belongs to this device or to none yet. */
static enum err claim(struct head *h, int64_t org, int64_t device, int64_t series,
                      struct slot **ret)
{
    struct slot *slot = head_find(h, series);
    if (!slot) {
        if (series <= 0) return ERR_INVALID;
        if (series >= HEAD_MAX_SERIES) return ERR_LIMIT;
        if (add_slot_page(h, series)) return ERR_NOMEM;
        slot = head_find(h, series);
    }
    if (slot->device == 0) {
        struct lock *stripe = &h->stripes[head_stripe_of(series)];
        lock_take(stripe);
        slot->org = org;
        slot->device = device;
        lock_release(stripe);
    }
    if (slot->org != org || slot->device != device) return ERR_INVALID;
    *ret = slot;
    return ERR_OK;
}

static void *cut(struct generation *g, size_t bytes)
{
    if ((size_t)(g->end - g->at) < bytes) {
        struct page *page = mem_alloc(PAGE_BYTES);
        if (!page) return NULL;
        page->next = g->pages;
        g->pages = page;
        g->at = (char *)(page + 1);
        g->end = (char *)page + PAGE_BYTES;
        atomic_fetch_add_explicit(&g->bytes, PAGE_BYTES, memory_order_relaxed);
    }
    void *p = g->at;
    g->at += bytes;
    return p;
}

/* One more point for this slot. */
static enum err reserve_point(struct head *h, struct slot *slot, uint32_t generation)
{
    const struct chain *chain = &slot->chains[generation & 1];
    if (slot->spare_generation != generation) { /* its pages are gone, or will be */
        slot->spare = NULL;
        slot->spare_room = 0;
        slot->next_cap = CHUNK_FIRST;
        slot->spare_generation = generation;
    }
    if (slot->reserved < chain->room + slot->spare_room) {
        slot->reserved++;
        return ERR_OK;
    }
    uint32_t cap = slot->next_cap;
    struct chunk *chunk =
        cut(&h->generations[generation & 1], sizeof *chunk + cap * sizeof chunk->samples[0]);
    if (!chunk) return ERR_NOMEM;
    *chunk = (struct chunk){slot->spare, 0, cap};
    slot->spare = chunk;
    slot->spare_room += cap;
    slot->next_cap = cap < CHUNK_LAST ? cap * 2 : cap;
    slot->reserved++;
    return ERR_OK;
}

static enum err reserve_set(struct head *h, const struct record_set *set, struct why *why)
{
    uint32_t generation = head_generation(h);
    for (size_t i = 0; i < set->record_count; i++) {
        const struct record *record = &set->records[i];
        for (uint32_t k = 0; k < record->count; k++) {
            int64_t series = set->points[record->first + k].series;
            struct slot *slot;
            enum err e = record->device > 0 ? claim(h, record->org, record->device, series, &slot)
                                            : ERR_INVALID;
            if (!e) e = reserve_point(h, slot, generation);
            if (e)
                return why_say(why, e, "series %lld of device %lld: %s", (long long)series,
                               (long long)record->device,
                               e == ERR_INVALID ? "it belongs to another device" : err_sentence(e));
        }
    }
    return ERR_OK;
}

enum err head_reserve(struct head *h, const struct record_set *const *sets, size_t n,
                      struct why *why)
{
    for (size_t i = 0; i < n; i++) {
        enum err e = reserve_set(h, sets[i], why);
        if (!e) continue;
        head_cancel(h, sets, i + 1);
        return e;
    }
    return ERR_OK;
}

void head_cancel(struct head *h, const struct record_set *const *sets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sets[i]->point_count; k++) {
            struct slot *slot = head_find(h, sets[i]->points[k].series);
            if (slot) slot->reserved = 0;
        }
}

static void push(struct slot *slot, struct chain *chain, int64_t ts_ns, double value)
{
    if (!chain->room) {
        struct chunk *chunk = slot->spare;
        slot->spare = chunk->next;
        slot->spare_room -= chunk->cap;
        chunk->next = NULL;
        if (chain->last)
            chain->last->next = chunk;
        else
            *chain = (struct chain){.first = chunk, .min_ns = INT64_MAX, .max_ns = INT64_MIN};
        chain->last = chunk;
        chain->room = chunk->cap;
    }
    struct chunk *chunk = chain->last;
    chunk->samples[chunk->n++] = (struct sample){ts_ns, value};
    if (chain->count++ && ts_ns <= chain->max_ns) chain->unsorted = true;
    if (ts_ns < chain->min_ns) chain->min_ns = ts_ns;
    if (ts_ns > chain->max_ns) chain->max_ns = ts_ns;
    chain->room--;
    slot->reserved--;
    if (ts_ns >= slot->latest.ts_ns) slot->latest = (struct sample){ts_ns, value};
}

void head_apply(struct head *h, const struct record_set *const *sets, size_t n)
{
    uint32_t active = head_generation(h) & 1;
    uint64_t points = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sets[i]->record_count; k++) {
            const struct record *record = &sets[i]->records[k];
            const struct point *p = sets[i]->points + record->first, *end = p + record->count;
            while (p < end) {
                unsigned stripe = head_stripe_of(p->series);
                lock_take(&h->stripes[stripe]);
                for (; p < end && head_stripe_of(p->series) == stripe; p++) {
                    struct slot *slot = head_find(h, p->series);
                    push(slot, &slot->chains[active], record->ts_ns, p->value);
                }
                lock_release(&h->stripes[stripe]);
            }
            points += record->count;
        }
    atomic_fetch_add_explicit(&h->generations[active].points, points, memory_order_relaxed);
}

void head_freeze(struct head *h)
{
    atomic_fetch_add_explicit(&h->generation, 1, memory_order_release);
}

static void walk_page(struct head *h, struct slot_page *page, int64_t first,
                      void (*each)(struct slot *, int64_t series, void *ctx), void *ctx)
{
    for (int i = 0; i < SLOTS_PER_PAGE; i += STRIPE_RUN) {
        struct lock *stripe = &h->stripes[head_stripe_of(first + i)];
        lock_take(stripe);
        for (int k = i; k < i + STRIPE_RUN; k++)
            if (page->slots[k].device) each(&page->slots[k], first + k, ctx);
        lock_release(stripe);
    }
}

void head_walk(struct head *h, void (*each)(struct slot *, int64_t series, void *ctx), void *ctx)
{
    uint64_t end = atomic_load_explicit(&h->table_end, memory_order_acquire);
    for (uint64_t at = 0; at < end; at++) {
        struct slot_page *page = atomic_load_explicit(&h->table[at], memory_order_acquire);
        if (page) walk_page(h, page, (int64_t)at * SLOTS_PER_PAGE, each, ctx);
    }
}

static void drop_chain(struct slot *slot, int64_t series, void *ctx)
{
    (void)series;
    slot->chains[*(uint32_t *)ctx] = (struct chain){0};
}

void head_drop_frozen(struct head *h)
{
    uint32_t frozen = ~head_generation(h) & 1;
    head_walk(h, drop_chain, &frozen);
    free_pages(&h->generations[frozen]);
}

struct forget {
    int64_t org, device;
    uint64_t points[2];
};

static void forget_slot(struct slot *slot, int64_t series, void *ctx)
{
    struct forget *f = ctx;
    (void)series;
    if (slot->org != f->org || slot->device != f->device) return;
    for (int i = 0; i < 2; i++) {
        f->points[i] += slot->chains[i].count;
        slot->chains[i] = (struct chain){0};
    }
    slot->latest = (struct sample){INT64_MIN, 0};
}

void head_forget_device(struct head *h, int64_t org, int64_t device)
{
    struct forget f = {.org = org, .device = device};
    head_walk(h, forget_slot, &f);
    for (int i = 0; i < 2; i++)
        atomic_fetch_sub_explicit(&h->generations[i].points, f.points[i], memory_order_relaxed);
}

enum err head_set_latest(struct head *h, int64_t org, int64_t device, int64_t series,
                         struct sample latest)
{
    struct slot *slot;
    enum err e = claim(h, org, device, series, &slot);
    if (e) return e;
    struct lock *stripe = &h->stripes[head_stripe_of(series)];
    lock_take(stripe);
    if (latest.ts_ns >= slot->latest.ts_ns) slot->latest = latest;
    lock_release(stripe);
    return ERR_OK;
}
