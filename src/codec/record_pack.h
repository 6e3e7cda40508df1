#pragma once
/* codec/record_pack.h -- records as few bytes as one server tells another (store/nodes.h): never
 * kept, so its form may change with the program.
 *
 *   record  org, device: varint; time: zigzag varint, less the one before; count: varint
 *   point   series: zigzag varint, less the one before; value: 8 bytes, least significant first
 *
 * A piece stands alone: what is "before" begins at 0 in each. A record that does not fit is told in
 * several, of the same device and time.
 * Threads: any.   Memory: the caller's. */
#include "base/bytes.h"
#include "base/err.h"
#include "model/record.h"

#include <stdbool.h>

enum {
    RECORD_PACK_HEAD_MIN = 4, /* bytes of a record, without its points */
    RECORD_PACK_POINT_MIN = 9,
    RECORD_PACK_LEAST = 64 /* room in which something always fits */
};

/* Where a set has been told up to; zeroed to begin. */
struct record_pack_place {
    size_t record;
    uint32_t point; /* of that record */
};
/* As much as fits into `cap` (RECORD_PACK_LEAST at least); the bytes written. All of it is told
 * when at->record has reached the set's count. */
size_t record_pack_write(const struct record_set *set, struct record_pack_place *at, void *out,
                         size_t cap);
/* ret's arrays have room for in.n / RECORD_PACK_HEAD_MIN + 1 records and in.n /
 * RECORD_PACK_POINT_MIN points. ERR_INVALID: it is none. */
enum err record_pack_read(struct bytes in, struct record_set *ret) MUST_CHECK;
