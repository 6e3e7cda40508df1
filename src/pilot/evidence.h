#pragma once
/* pilot/evidence.h -- what was measured over a while, in one struct: the only thing that
 * recommendations look at. app/ gathers it from every part of the server; a figure that could not
 * be measured is NAN, a list that could not be read is empty, and neither ever causes advice.
 * Threads: a value.   Memory: texts and lists are borrowed from the arena it was gathered into. */
#include "base/bytes.h"
#include "cache/cache_key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evidence_cache {
    const char *name, *ttl_key;     /* "telemetry-query", "cache.ttl.telemetry-query" */
    double hits, misses, evictions; /* in the window */
    double entries, bytes;          /* now */
    double expired; /* misses of keys that were there before and had ended; NAN: not known */
    double life_s;
    double source_ms; /* mean time to make a value */
};

struct evidence_organization {
    int64_t id;
    struct bytes name;
    double requests, points; /* in the window */
    double p95_ms;
    double retention_days; /* 0: for ever */
    double bytes;          /* on disk, by its share of the points; NAN: not known */
};

struct evidence_index {
    struct bytes table, name; /* name empty: a table that is read from end to end */
    double scans;             /* since its statistics begin */
    double rows_read;         /* by reading from end to end */
    double bytes;
};

struct evidence_device {
    struct bytes external_id, organization;
    double refused;                  /* records of the window refused for their time */
    double variables, new_variables; /* now; in the window */
};

struct evidence {
    double window_s;
    int64_t at_ns;
    /* batches, in the window */
    double batches, records, full_batches; /* full: closed because the size was reached */
    double batch_write_ms;                 /* mean of one group's write */
    double queue_ms;                       /* mean wait before it */
    double batch_size;
    bool batches_grow; /* the size may still be raised */
    double queue_peak, queue_capacity, queue_refused;
    /* caches */
    double cache_bytes, cache_max_bytes;
    const struct evidence_cache *caches;
    size_t cache_count;
    /* the database */
    bool postgres;
    double pool_waits, pool_wait_ms, pool_max, pool_peak;
    double statistics_days; /* how long indexes have been counted */
    const struct evidence_index *indexes;
    size_t index_count;
    /* tenants and devices */
    const struct evidence_organization *organizations;
    size_t organization_count;
    const struct evidence_device *devices; /* those that stand out */
    size_t device_count;
    double variables_per_device_max;
    /* the disk */
    double disk_free_bytes, disk_total_bytes, store_bytes;
    double retention_cost_bytes; /* keeping less for ever costs nothing worth a word */
    double store_growth_per_day; /* bytes; NAN: too little history */
    /* who asks how */
    double single_aggregates, batched_aggregates; /* requests in the window */
    double single_aggregate_ms, batched_aggregate_ms;
};

/* All figures unknown. */
void evidence_init(struct evidence *e);
