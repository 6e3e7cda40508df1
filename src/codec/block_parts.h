#pragma once
/* codec/block_parts.h -- what the two sorts of blocks share: the frame, the encoder's working
 * memory and the statistics of a column. For block*.c only.   Bytes: store/embedded/FORMAT.md,
 * "Block". Threads: an encoder its owner only.   Memory: an encoder owns its buffers. */
#include "codec/block.h"
#include "codec/column_in.h"
#include "codec/column_value.h"

#define BLOCK_VERSION      1u
#define BLOCK_HEAD_BYTES   10u /* length, checksum, version, kind */
#define BLOCK_RECENT_TIMES 16u /* how many time columns the next one is compared with */
#define BLOCK_PADDING      8u  /* so that columns may be read by whole words */

enum block_kind { BLOCK_SAMPLES = 1, BLOCK_ROLLUPS = 2 };

struct block_encoder {
    struct column_scratch scratch;
    struct buf time_directory, directory; /* behind the head */
    struct buf times, values;             /* the columns themselves */
    struct block_recent_times {
        const int64_t *ts_ns; /* borrowed for the call */
        size_t count;
        uint32_t index;
    } recent[BLOCK_RECENT_TIMES]; /* time columns to compare the next one with */
    uint32_t time_count;
};

/* Forgets the last block. */
void block_encoder_clear(struct block_encoder *e);
/* Appends head, directories, columns and padding, with length and checksum. On an error out->n is
 * as it was. `head` is what stands before the directories. */
enum err block_encoder_frame(struct block_encoder *e, struct buf *out, enum block_kind kind,
                             const struct buf *head) MUST_CHECK;
/* Checks length, checksum, version and kind; the rest is in *ret_in, padding left out. */
enum err block_unframe(struct bytes bytes, enum block_kind kind,
                       struct column_in *ret_in) MUST_CHECK;

/* Statistics of v[0 .. n), encoded as `shape` says. */
struct block_stats block_stats_of(const double *v, size_t n, const struct column_shape *shape);
/* In the directory: how they are written (0 … 3), the digits (when block_stats_has_digits), then
 * the statistics themselves. */
unsigned block_stats_form(const struct block_stats *s, const struct column_shape *shape);
void block_stats_put(struct buf *out, const struct block_stats *s, unsigned form,
                     const struct column_shape *shape);
bool block_stats_get(struct column_in *in, unsigned form, unsigned digits, struct block_stats *ret);
bool block_stats_has_digits(unsigned form);
