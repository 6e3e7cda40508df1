#pragma once
/* cache/redis_value.h -- one entry as Redis keeps it: what it is an entry of stands in it, under a
 * checksum, so an answer to another question, a damaged one or one of before a change is none.
 *
 *   u32 magic | u32 crc32c of all behind it | u64 epoch | u64 token | i64 made, wall time in ns |
 *   u32 key bytes | u32 0 | key | content
 *
 * in the byte order of the machine (nodes of one installation are of one kind; another order fails
 * the magic and is a miss).   Threads: any.   Memory: appends to the caller's buffer. */
#include "base/buf.h"

struct redis_stamp {
    uint64_t epoch, token; /* of the cache and of the slot; never 0 once they are known */
};
void redis_value_write(struct buf *out, struct redis_stamp stamp, int64_t made_ns, struct bytes key,
                       struct bytes content);

enum redis_verdict { REDIS_GOOD, REDIS_OLD, REDIS_WRONG };
/* OLD: of another stamp. *ret_content is borrowed from `value`. */
enum redis_verdict redis_value_read(struct bytes value, struct redis_stamp stamp, struct bytes key,
                                    int64_t *ret_made_ns, struct bytes *ret_content);
