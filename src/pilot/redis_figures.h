#pragma once
/* pilot/redis_figures.h -- what Redis says of itself (INFO), asked on a connection of its own so
 * that no request waits behind it.   Threads: any; blocks for the timeout at most.   Memory: the
 * caller's. */
#include "cache/redis_link.h"

struct redis_figures {
    char used_memory[32], max_memory[32]; /* as Redis words them: "1.02M", "0B" */
    char keyspace[128];                   /* "keys=12,expires=12,avg_ttl=…"; "" when empty */
    int64_t clients, operations_per_s, hits, misses;
};
/* ERR_IO and the like: it does not answer. */
enum err redis_figures_read(const struct redis_place *place, int64_t timeout_ns,
                            struct redis_figures *ret) MUST_CHECK;
/* From the text of INFO. */
void redis_figures_parse(struct bytes info, int database, struct redis_figures *ret);
