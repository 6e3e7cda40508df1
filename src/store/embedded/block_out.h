#pragma once
/* store/embedded/block_out.h -- writes what is known of one device into a segment file, cut into
 * blocks of a good size: at most 64 series, 65,536 rows, one window of time each.
 * Threads: owner only.   Memory: arguments are borrowed for the call; owns an encoder and a buffer
 * that it uses again. */
#include "codec/block.h"
#include "codec/block_rollup.h"
#include "store/embedded/segment.h"

struct block_out {
    struct segment_writer *writer; /* NULL until the first block: no block, no file */
    const struct fs *fs;
    const char *dir; /* borrowed */
    uint64_t id;
    enum segment_kind kind;
    struct block_encoder *encoder; /* owned */
    struct buf buf;
    uint64_t blocks;
};

enum err block_out_init(struct block_out *o, const struct fs *fs, const char *dir, uint64_t id,
                        enum segment_kind kind) MUST_CHECK;
/* Ascending by series; changes cols (counts and pointers move along). */
enum err block_out_samples(struct block_out *o, int64_t org, int64_t device,
                           struct block_input *cols, size_t n) MUST_CHECK;
/* Ascending by (series, hour). */
enum err block_out_rollups(struct block_out *o, int64_t org, int64_t device,
                           const struct block_rollup_row *rows, size_t n) MUST_CHECK;
/* A block as it is, from another file. */
enum err block_out_copy(struct block_out *o, const struct segment *from,
                        const struct segment_block *block) MUST_CHECK;
/* Ends the file; *ret_any false when nothing was written, so that there is none. */
enum err block_out_finish(struct block_out *o, struct segment_info *ret, bool *ret_any) MUST_CHECK;
void block_out_done(struct block_out *o); /* aborts a file that was not finished; zeroed is fine */
