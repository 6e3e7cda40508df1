/* Reading points in memory (see head.h and head_state.h). */
#include "base/mem.h"
#include "store/embedded/head_state.h"
#include "store/embedded/sample_sort.h"

#include <stdlib.h>
#include <string.h>

struct head_figures head_figures(struct head *h)
{
    struct generation *active = &h->generations[head_generation(h) & 1];
    struct generation *frozen = &h->generations[~head_generation(h) & 1];
    return (struct head_figures){
        .active_bytes = atomic_load_explicit(&active->bytes, memory_order_relaxed),
        .frozen_bytes = atomic_load_explicit(&frozen->bytes, memory_order_relaxed),
        .slot_bytes =
            atomic_load_explicit(&h->slot_pages, memory_order_relaxed) * sizeof(struct slot_page),
        .active_points = atomic_load_explicit(&active->points, memory_order_relaxed),
        .frozen_points = atomic_load_explicit(&frozen->points, memory_order_relaxed),
    };
}

/* How many of the chain's samples copy_chain() may give. A chain in order is skipped by chunks. */
static size_t count_chain(const struct chain *chain, int64_t from_ns, int64_t to_ns)
{
    size_t n = 0;
    if (!chain->count || chain->max_ns < from_ns || chain->min_ns >= to_ns) return 0;
    if (chain->unsorted) return chain->count;
    for (const struct chunk *c = chain->first; c; c = c->next)
        if (c->samples[c->n - 1].ts_ns >= from_ns && c->samples[0].ts_ns < to_ns) n += c->n;
    return n;
}

static size_t copy_chain(const struct chain *chain, int64_t from_ns, int64_t to_ns,
                         struct sample *ret)
{
    size_t n = 0;
    if (!chain->count || chain->max_ns < from_ns || chain->min_ns >= to_ns) return 0;
    for (const struct chunk *c = chain->first; c; c = c->next) {
        if (!chain->unsorted &&
            (c->samples[c->n - 1].ts_ns < from_ns || c->samples[0].ts_ns >= to_ns))
            continue;
        for (uint32_t i = 0; i < c->n; i++)
            if (c->samples[i].ts_ns >= from_ns && c->samples[i].ts_ns < to_ns)
                ret[n++] = c->samples[i];
    }
    return n;
}

enum err head_copy(struct head *h, int64_t org, int64_t device, int64_t series, int64_t from_ns,
                   int64_t to_ns, struct sample **ret, size_t *ret_n)
{
    struct slot *slot = head_find(h, series);
    struct lock *stripe = &h->stripes[head_stripe_of(series)];
    struct sample *samples = NULL;
    size_t room = 0, need = 0, n = 0;
    /* No allocation under the lock: measure, allocate twice as much for sorting, look again. */
    while (slot) {
        lock_take(stripe);
        uint32_t active = head_generation(h) & 1;
        const struct chain *older = &slot->chains[!active], *newer = &slot->chains[active];
        bool ours = slot->org == org && slot->device == device;
        need = ours ? count_chain(older, from_ns, to_ns) + count_chain(newer, from_ns, to_ns) : 0;
        if (need && need <= room) {
            n = copy_chain(older, from_ns, to_ns, samples);
            n += copy_chain(newer, from_ns, to_ns, samples + n); /* keeps H2 */
        }
        lock_release(stripe);
        if (need <= room) break;
        mem_free(samples);
        room = need + need / 8;
        samples = mem_array(2 * room, sizeof *samples);
        if (!samples) return ERR_NOMEM;
    }
    if (n) n = sample_sort_unique(samples, n, samples + room);
    if (!n) {
        mem_free(samples);
        samples = NULL;
    }
    *ret = samples;
    *ret_n = n;
    return ERR_OK;
}

struct sample head_latest(struct head *h, int64_t org, int64_t series)
{
    struct sample latest = {INT64_MIN, 0};
    struct slot *slot = head_find(h, series);
    if (!slot) return latest;
    struct lock *stripe = &h->stripes[head_stripe_of(series)];
    lock_take(stripe);
    if (slot->org == org) latest = slot->latest;
    lock_release(stripe);
    return latest;
}

struct frozen_list {
    struct head_series *series; /* NULL: only count */
    size_t n;
    uint32_t frozen;
};

static void list_slot(struct slot *slot, int64_t series, void *ctx)
{
    struct frozen_list *list = ctx;
    const struct chain *chain = &slot->chains[list->frozen];
    if (!chain->count) return;
    if (list->series)
        list->series[list->n] = (struct head_series){slot->org, slot->device, series, chain->count};
    list->n++;
}

static int by_device(const void *a, const void *b)
{
    const struct head_series *x = a, *y = b;
    if (x->org != y->org) return x->org < y->org ? -1 : 1;
    if (x->device != y->device) return x->device < y->device ? -1 : 1;
    return (x->series > y->series) - (x->series < y->series);
}

enum err head_list_frozen(struct head *h, struct head_series **ret, size_t *ret_n)
{
    struct frozen_list list = {.frozen = ~head_generation(h) & 1};
    head_walk(h, list_slot, &list);
    list.series = mem_array(list.n, sizeof *list.series);
    if (!list.series) return ERR_NOMEM;
    list.n = 0;
    head_walk(h, list_slot, &list);
    qsort(list.series, list.n, sizeof *list.series, by_device);
    *ret = list.series;
    *ret_n = list.n;
    return ERR_OK;
}

void head_read_frozen(struct head *h, int64_t series, struct sample *ret)
{
    const struct slot *slot = head_find(h, series);
    struct lock *stripe = &h->stripes[head_stripe_of(series)];
    lock_take(stripe);
    for (const struct chunk *c = slot->chains[~head_generation(h) & 1].first; c; c = c->next) {
        memcpy(ret, c->samples, c->n * sizeof *ret);
        ret += c->n;
    }
    lock_release(stripe);
}
