#pragma once
/* pilot/performance_costly.h -- the parts of the metrics document that cost a database or Redis
 * something. Three are made once in the lifetime of performance-metrics, each with its collectedAt,
 * and read again ahead of its end while somebody asks for them (performance_costly_read_ahead); the
 * names of organisations end with the next change of one. So an event loop finds them in memory.
 * Threads: any; blocks where may_block says so.   Memory: the caller's struct owns the text. */
#include "pilot/performance.h"

enum performance_part { PART_DATABASE, PART_REDIS, PART_COUNTS, PART_ORGANIZATIONS, PARTS };

struct performance_parts {
    struct buf text[PARTS];
    /* of PART_REDIS, whose text is a value: why it is null */
    const char *redis_reason;
    enum err organizations; /* why there are none */
    int64_t calls_today;
};
/* ERR_MORE: something is not in memory, and !may_block. A database that does not answer leaves
 * figures of 0 and `error`, which says why. */
enum err performance_costly_read(struct performance *p, bool may_block,
                                 struct performance_parts *ret) MUST_CHECK;
void performance_costly_done(struct performance_parts *parts);

/* Every few seconds, from a thread that may block. */
void performance_costly_read_ahead(struct performance *p);
/* About once a minute: PostgreSQL's hit ratio, so that scrapes need not wait for it. */
void performance_costly_refresh(struct performance *p);

/* Of PART_ORGANIZATIONS: by id, as performance_costly_next() walks them. */
struct performance_org {
    int64_t id;
    struct bytes name;
};
/* False: it was the last. *at begins with 0. */
bool performance_costly_next(const struct performance_parts *parts, size_t *at,
                             struct performance_org *ret);
