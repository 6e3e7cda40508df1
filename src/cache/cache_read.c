/* Reading through a cache in one call (see cache_read.h). */
#include "cache/cache_read.h"

#define WAIT_NS (10 * NS_PER_S) /* for another's flight; then the source is asked */
enum { CACHE_READ_MAX = 8 << 20 };

static enum err fill(struct cache *c, struct cache_item *item, cache_make_fn *make, void *ctx,
                     struct buf *out)
{
    size_t at = out->n;
    enum err e = make(ctx, out);
    if (!e) e = out->err;
    if (!cache_item_is_mine(item)) return e;
    if (e)
        cache_give_up(c, item);
    else
        cache_fill(c, item, bytes_of(out->p + at, out->n - at));
    return e;
}

enum err cache_read(struct cache *c, const struct cache_question *q, cache_make_fn *make, void *ctx,
                    struct buf *out)
{
    struct cache_item item = cache_item_of(q->cache, q->org, q->name, q->slot);
    enum err e = ERR_OK;
    cache_look(c, &item, 1);
    if (item.found == CACHE_FLYING) cache_await(c, &item, WAIT_NS);
    if (item.found == CACHE_RENEW || !item.value)
        e = fill(c, &item, make, ctx, out);
    else
        buf_add_bytes(out, cache_value_bytes(item.value));
    cache_item_done(&item);
    return e;
}

bool cache_read_here(struct cache *c, const struct cache_question *q, struct buf *out)
{
    struct cache_item item = cache_item_of(q->cache, q->org, q->name, q->slot);
    cache_look_here(c, &item);
    bool found = item.value != NULL;
    if (found) buf_add_bytes(out, cache_value_bytes(item.value));
    cache_item_done(&item);
    return found;
}

enum err cache_read_ahead(struct cache *c, const struct cache_question *q, cache_make_fn *make,
                          void *ctx)
{
    struct cache_item item = cache_item_of(q->cache, q->org, q->name, q->slot);
    struct buf out;
    cache_claim(c, &item);
    if (item.found != CACHE_RENEW) return ERR_OK;
    buf_init(&out, CACHE_READ_MAX);
    enum err e = fill(c, &item, make, ctx, &out);
    buf_done(&out);
    cache_item_done(&item);
    return e;
}
