/* Answers through a cache (see cached_answer.h). */
#include "api/cached_answer.h"

#include "api/app.h"
#include "query/cached_catalog.h"

enum err cached_answer(struct api_call *c, enum cache_id cache, int64_t org, struct bytes name,
                       cache_make_fn *make, void *ctx)
{
    const struct cache_question q = {cache, org, name, cached_catalog_slot(org)};
    return cache_read(c->app->cache, &q, make, ctx, c->body);
}

void cached_answer_name_text(struct buf *name, struct bytes text)
{
    buf_printf(name, "%zu:", text.n);
    buf_add_bytes(name, text);
}

void cached_answer_name_page(struct buf *name, const struct catalog_page *p)
{
    buf_printf(name, "%lld,%lld,%d,%d,%lld,%d,", (long long)p->number, (long long)p->size,
               p->descending, p->by_cursor, (long long)p->after, p->no_total);
    cached_answer_name_text(name, p->sort);
}
