#pragma once
/* pilot/recommend_internal.h -- what the rules of recommend*.c share. Inside pilot/ only.
 * Threads: the caller's.   Memory: see recommend.h. */
#include "pilot/recommend.h"

struct report {
    struct arena *arena;
    struct recommendation *list; /* RECOMMEND_MAX of them */
    size_t n;
    enum err err; /* of memory; sticks */
};

/* A formatted text in the arena. */
struct bytes recommend_text(struct report *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The next one, or NULL when there is no room. */
struct recommendation *recommend_add(struct report *r, struct bytes id);
void recommend_figure(struct recommendation *rec, const char *name, double value);
/* "1.5 GB" */
struct bytes recommend_bytes(struct report *r, double bytes);

typedef void recommend_rule(struct report *r, const struct evidence *e);
/* recommend_ingest.c */
recommend_rule recommend_ingest_batch_small, recommend_ingest_batch_large, recommend_ingest_queue;
/* recommend_cache.c */
recommend_rule recommend_cache_small, recommend_cache_short, recommend_cache_long;
/* recommend_database.c */
recommend_rule recommend_database_missing_index, recommend_database_unused_index,
    recommend_database_pool;
/* recommend_tenants.c */
recommend_rule recommend_tenants_noisy, recommend_tenants_clock, recommend_tenants_explosion,
    recommend_tenants_one_by_one;
/* recommend_storage.c */
recommend_rule recommend_storage_full, recommend_storage_retention;
