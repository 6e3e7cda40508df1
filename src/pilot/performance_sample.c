/* Sampling (see performance_sample.h). */
#include "pilot/performance_sample.h"

#include "pilot/performance.h"
#include "store/registry.h"

#define ASKED_NS NS_PER_MINUTE

void performance_sample_init(struct performance_sampler *s)
{
    *s = (struct performance_sampler){.asked_ns = INT64_MIN};
    lock_init(&s->lock, LOCK_RANK_TRENDS);
}

void performance_sample_done(struct performance_sampler *s)
{
    lock_done(&s->lock);
}

static void take(struct performance *p, struct performance_sample *ret)
{
    struct process_heap heap;
    process_figures_heap(&heap);
    *ret = (struct performance_sample){
        .taken_ns = clock_mono_ns(p->clock),
        .memory_limit = process_figures_memory_limit(),
        .heap_in_use = heap.in_use,
        .heap_free = heap.free,
        .cpus = process_figures_cpus(),
        .descriptors = process_figures_descriptors(),
    };
    ret->threads = process_figures_pools(ret->pools, &ret->pool_count);
    ret->devices =
        registry_count_seen(p->registry, clock_wall_ns(p->clock) - NS_PER_DAY, &ret->orgs);
}

/* Looking is done without the lock: it reads files. Two that look together find the same. */
static void renew(struct performance *p, struct performance_sample *ret)
{
    struct performance_sampler *s = &p->sampler;
    take(p, ret);
    lock_take(&s->lock);
    if (ret->taken_ns > s->newest.taken_ns) s->newest = *ret;
    lock_release(&s->lock);
}

void performance_sample_read(struct performance *p, struct performance_sample *ret)
{
    struct performance_sampler *s = &p->sampler;
    int64_t now_ns = clock_mono_ns(p->clock);
    lock_take(&s->lock);
    s->asked_ns = now_ns;
    *ret = s->newest;
    lock_release(&s->lock);
    if (!ret->taken_ns || now_ns - ret->taken_ns > PERFORMANCE_SAMPLE_OLD_NS) renew(p, ret);
}

bool performance_sample_is_asked(struct performance *p)
{
    struct performance_sampler *s = &p->sampler;
    int64_t now_ns = clock_mono_ns(p->clock);
    lock_take(&s->lock);
    bool asked = s->asked_ns != INT64_MIN && now_ns - s->asked_ns < ASKED_NS;
    lock_release(&s->lock);
    return asked;
}

void performance_sample_tick(struct performance *p)
{
    struct performance_sample fresh;
    if (performance_sample_is_asked(p)) renew(p, &fresh);
}
