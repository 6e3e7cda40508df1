#pragma once
/* codec/column_group.h -- up to 128 unsigned integers in few bits: packed, Rice or patched,
 * whichever is smallest.   Bytes: store/embedded/FORMAT.md, "Integer column", groups. Threads: any.
 * Memory: everything is borrowed for the call. */
#include <stddef.h>
#include <stdint.h>

#define COLUMN_GROUP 128u
/* Bytes that column_group_encode() may touch, the slack of its last word included. */
#define COLUMN_GROUP_MAX_BYTES (1u + COLUMN_GROUP * 8u + 16u)

/* Writes the smallest form of z[0 .. count), 1 <= count <= 128, into COLUMN_GROUP_MAX_BYTES of
 * room; how many bytes it took. */
size_t column_group_encode(uint8_t *out, const uint64_t *z, unsigned count);

/* Reads one group of `count` into z; where it ends, or NULL when it is corrupt or does not end at
 * or before `end`. Up to 8 bytes behind `end` are loaded (never interpreted). */
const uint8_t *column_group_decode(const uint8_t *p, const uint8_t *end, uint64_t *z,
                                   unsigned count);
