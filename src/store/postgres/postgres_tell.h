#pragma once
/* store/postgres/postgres_tell.h -- what this node tells the others, by NOTIFY, off the way of
 * whoever tells: pieces are put together into pages, a thread sends what there is, on a connection
 * that does not wait for the disk.
 *
 *   tell ──> page (open) ──full, or the thread takes it──> number ──> NOTIFY m<id>:<number>:…
 *
 * Y1  pages are numbered in the order of telling, without a hole but where something was dropped:
 *     who hears them sees by the numbers what is missing, and what came twice.
 * Y2  dropped is what comes while POSTGRES_TELL_BYTES wait: PostgreSQL is away, or too slow.
 * Threads: any; new and free by one.   Memory: owns its pages. */
#include "store/nodes.h"
#include "store/postgres/postgres_pool.h"

enum {
    POSTGRES_TELL_BYTES = 16 << 20,
    POSTGRES_PAGE_BYTES = 5700 /* as base64 with what stands before it less than 8,000 */
};
#define POSTGRES_TELL_CHANNEL "sensorvision"

struct postgres_tell;
/* id: of this node, at most 16 letters; copied. */
enum err postgres_tell_new(struct postgres_tell **ret, struct postgres_pool *pool,
                           const char *id) MUST_CHECK;
void postgres_tell_add(struct postgres_tell *t, enum nodes_topic topic, struct bytes text);
void postgres_tell_records(struct postgres_tell *t, const struct record_set *set);
/* The number of the last page so far; what is told from here on is in later ones. */
uint64_t postgres_tell_mark(struct postgres_tell *t);
/* Sends what waits, for 2 s at most; NULL is fine. */
void postgres_tell_free(struct postgres_tell *t);

/* What is in a page, one after the other; false at its end. `at` begins at 0. */
bool postgres_tell_next(struct bytes page, size_t *at, enum nodes_topic *ret_topic,
                        struct bytes *ret_text);
