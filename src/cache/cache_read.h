#pragma once
/* cache/cache_read.h -- reading through a cache in one call, for whoever can say in one function
 * how the content is made:
 *
 *     const struct cache_question q = {CACHE_QUOTAS, org, BYTES("usage"), slot};
 *     e = cache_read(cache, &q, make_usage, &ctx, out);
 *
 * Of many that ask the same at the same time one makes it, the others wait for that; what failed is
 * kept by nobody.   Threads: any; it blocks as make does.   Memory: appends to the caller's buffer.
 */
#include "base/buf.h"
#include "cache/cache.h"

struct cache_question {
    enum cache_id cache;
    int64_t org;       /* whose it is; 0: of the whole installation */
    struct bytes name; /* what it is, and everything that the answer depends on */
    uint32_t slot;     /* of the generation that changes advance */
};
/* Appends the content, read from its source. */
typedef enum err cache_make_fn(void *ctx, struct buf *out);

/* Errors: those of make; `out` is as make left it then. */
enum err cache_read(struct cache *c, const struct cache_question *q, cache_make_fn *make, void *ctx,
                    struct buf *out) MUST_CHECK;
/* For who must not block: what is kept in this process is appended; false: it has to be read. */
bool cache_read_here(struct cache *c, const struct cache_question *q, struct buf *out);
/* What is asked for again and again is read ahead of its end, so that who asks finds it always. */
enum err cache_read_ahead(struct cache *c, const struct cache_question *q, cache_make_fn *make,
                          void *ctx) MUST_CHECK;
