#pragma once
/* cache/cache_key.h -- the seven caches, and what a value is found by. Every key names the
 * organisation, so nobody reads another tenant's entry, and the generation of what it was made of
 * (cache/generations.h), so nobody reads an entry older than a write that was acknowledged before.
 * Threads: values.   Memory: names are borrowed; a cache_value is shared by references. */
#include "base/bytes.h"

#include <stdatomic.h>

enum cache_id {
    CACHE_DEVICES,   /* pilot-devices: device metadata */
    CACHE_QUERIES,   /* telemetry-query: recent-data queries */
    CACHE_ANALYTICS, /* pilot-analytics: per series and UTC hour */
    CACHE_QUOTAS,    /* pilot-quotas: usage and limits */
    CACHE_METRICS,   /* performance-metrics: the costly parts of the metrics document */
    CACHE_ORGANIZATIONS,
    CACHE_USERS,
    CACHE_IDS
};
enum { CACHE_NAME_MAX = 480 }; /* bytes of a key behind its cache and organisation */

struct cache_key {
    enum cache_id cache;
    int64_t org;
    struct bytes name;   /* at most CACHE_NAME_MAX; any bytes */
    uint64_t generation; /* of before the value is read from its source; it only grows */
};

/* Immutable once it is in a cache. */
struct cache_value {
    _Atomic unsigned refs;
    size_t n;
    char p[]; /* 16-byte aligned */
};
static inline struct bytes cache_value_bytes(const struct cache_value *v)
{
    return bytes_of(v->p, v->n);
}
/* With one reference, the caller's; NULL without memory. */
struct cache_value *cache_value_new(struct bytes content) __attribute__((warn_unused_result));
void cache_value_ref(struct cache_value *v);
void cache_value_unref(struct cache_value *v); /* NULL is fine */

/* What a look for a key found. */
enum cache_found {
    CACHE_HIT,    /* here is the value */
    CACHE_RENEW,  /* here is the value, and the caller was chosen to make a new one in time */
    CACHE_LEAD,   /* nothing: the caller makes it, and others wait for that */
    CACHE_FLYING, /* nothing yet: somebody makes it now */
};

/* Of one cache in one tier, since start; entries and bytes: now. */
struct cache_stats {
    uint64_t hits, misses, evictions;
    uint64_t expired; /* misses of an entry that had only come to its end */
    uint64_t entries, bytes;
};
