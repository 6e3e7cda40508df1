#pragma once
/* api/cached_answer.h -- the whole body of an answer through a cache, in one call of the handler:
 *
 *     e = cached_answer(c, CACHE_QUOTAS, c->who.org, BYTES("usage"), make_usage, c);
 *
 * The key is the cache, the organisation and the name; it ends with any change of what that cache
 * holds of that organisation (query/cached_catalog.h; org 0: of any). The name must say everything
 * else that the answer depends on: page, filter, whose it is within the organisation.
 * Threads: executors; it may wait for the same answer of another thread.
 * Memory: appends to c->body, as make does, whose second argument is that. */
#include "api/api.h"
#include "cache/cache_read.h"
#include "store/catalog_page.h"

enum err cached_answer(struct api_call *c, enum cache_id cache, int64_t org, struct bytes name,
                       cache_make_fn *make, void *ctx) MUST_CHECK;

/* Parts of a name: a text with its length, so that none runs into the next; a slice of a list. */
void cached_answer_name_text(struct buf *name, struct bytes text);
void cached_answer_name_page(struct buf *name, const struct catalog_page *page);
