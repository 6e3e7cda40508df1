#pragma once
/* codec/block.h -- a device block: samples of several series of one device, column by column.
 * Guarantees: every double comes back bit for bit (NaN, -0.0, denormals); one flipped bit anywhere
 * is ERR_CORRUPT from block_open(); hostile bytes with a right checksum may decode to nonsense or
 * to ERR_CORRUPT, but nothing outside of them is read and nothing outside of the result is written.
 * Bytes: store/embedded/FORMAT.md, "Column" and "Block".
 * Threads: an encoder its owner only; an open block any (it is immutable).
 * Memory: inputs are borrowed for the call; an open block borrows its bytes until block_close(). */
#include "base/buf.h"
#include "model/record.h"

#define BLOCK_MAX_ROWS    65536u              /* samples of one series */
#define BLOCK_MAX_COLUMNS 16384u              /* series */
#define BLOCK_MAX_BYTES   (64u * 1024 * 1024) /* encoded */

/* One series to encode: count (1 … BLOCK_MAX_ROWS) samples, times strictly ascending. Series that
 * share their times do best when they also share the pointer; equal content is found as well. */
struct block_input {
    int64_t series;
    const int64_t *ts_ns;
    const double *values;
    size_t count;
};

struct block_encoder; /* reusable working memory */
enum err block_encoder_new(struct block_encoder **ret) MUST_CHECK;
void block_encoder_free(struct block_encoder *e); /* NULL is fine */

/* Appends one block to `out`. Columns stand in strictly ascending order of series, n >= 1.
 * ERR_TOOLARGE: more rows, columns or bytes than a block holds (split it); ERR_INVALID: order
 * broken or empty; on any error out->n is what it was. */
enum err block_encode(struct block_encoder *e, struct buf *out, int64_t org, int64_t device,
                      const struct block_input *cols, size_t n) MUST_CHECK;

/* Of one series in this block. NaNs are left out of min and max. Where all values are decimals the
 * sum is that of the decimals, rounded once; else it is compensated (Neumaier 1974). */
struct block_stats {
    double min, max, first, last, sum;
};

struct block_column {
    int64_t series;
    uint32_t time;  /* which of block.times it goes with */
    uint32_t count; /* samples, >= 1 */
    struct block_stats stats;
    uint32_t at, length;  /* of the encoded values in the block */
    uint8_t kind, digits; /* how they are encoded */
};

struct block_times {
    uint32_t count;
    uint32_t at, length;
    int64_t first_ns, last_ns;
};

struct block {
    struct bytes bytes; /* borrowed */
    int64_t org, device;
    int64_t min_ns, max_ns; /* over all columns */
    uint64_t points;
    struct block_column *columns; /* owned; ascending by series */
    uint32_t column_count, time_count;
    struct block_times *times; /* owned */
};

/* Checks the checksum and the directory. `bytes` is exactly one block. ERR_CORRUPT, ERR_VERSION,
 * ERR_NOMEM. */
enum err block_open(struct block *ret, struct bytes bytes) MUST_CHECK;
void block_close(struct block *b); /* closed or zeroed already is fine */

/* The column of a series, NULL when it is not in this block. */
const struct block_column *block_find(const struct block *b, int64_t series);

/* Decode a whole column into memory of the caller: column->count values, or times[i].count times
 * (proved strictly ascending), or samples. ERR_CORRUPT. */
enum err block_read_values(const struct block *b, const struct block_column *c,
                           double *ret) MUST_CHECK;
enum err block_read_times(const struct block *b, uint32_t time, int64_t *ret) MUST_CHECK;
enum err block_read_samples(const struct block *b, const struct block_column *c,
                            struct sample *ret) MUST_CHECK;
