#pragma once
/* codec/block_rollup.h -- a rollup block: hourly rollups of several series of one device, as a
 * table whose columns use the same codecs as samples do. Guarantees: as codec/block.h: exact, and
 * one flipped bit anywhere is ERR_CORRUPT. Bytes: store/embedded/FORMAT.md, "Rollup block".
 * Threads: any; nothing is shared.   Memory: everything is borrowed for the call. */
#include "base/buf.h"
#include "codec/block.h"
#include "model/record.h"

#define BLOCK_ROLLUP_MAX_ROWS 65536u

struct block_rollup_row {
    int64_t series;
    struct rollup rollup;
};

/* Appends one block to `out`. Rows stand in strictly ascending order of (series, hour), n >= 1;
 * first_ns and last_ns may be any, but are small inside of the hour. Errors as block_encode(). */
enum err block_rollup_encode(struct block_encoder *e, struct buf *out, int64_t org, int64_t device,
                             const struct block_rollup_row *rows, size_t n) MUST_CHECK;

struct block_rollup_head {
    int64_t org, device;
    int64_t min_hour_ns, max_hour_ns;
    int64_t min_series, max_series;
    uint32_t rows;
};

/* Checks the checksum and reads the head. ERR_CORRUPT, ERR_VERSION. */
enum err block_rollup_open(struct bytes block, struct block_rollup_head *ret) MUST_CHECK;
/* All rows (head.rows of them) of a block that block_rollup_open() accepted. ERR_CORRUPT,
 * ERR_NOMEM. */
enum err block_rollup_read(struct bytes block, struct block_rollup_row *ret) MUST_CHECK;
