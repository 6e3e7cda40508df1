/* Shared, immutable bytes (see cache_key.h). */
#include "base/mem.h"
#include "cache/cache_key.h"

#include <stddef.h>

_Static_assert(offsetof(struct cache_value, p) % 16 == 0, "values may hold structs");

struct cache_value *cache_value_new(struct bytes content)
{
    struct cache_value *v = mem_alloc(sizeof *v + content.n);
    if (!v) return NULL;
    atomic_init(&v->refs, 1);
    v->n = content.n;
    if (content.n) memcpy(v->p, content.p, content.n);
    return v;
}

void cache_value_ref(struct cache_value *v)
{
    atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
}

void cache_value_unref(struct cache_value *v)
{
    /* acq_rel: whoever frees it has seen every reader's last look */
    if (v && atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) == 1) mem_free(v);
}
