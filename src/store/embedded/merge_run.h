#pragma once
/* store/embedded/merge_run.h -- joins runs of small blocks of one device, in age order, into larger
 * ones; large ones pass as bytes.   Threads: owner only.
 * Memory: one run's decoded samples (RUN_POINTS) or rows; the view and segments are borrowed. */
#include "store/embedded/block_out.h"
#include "store/embedded/device_columns.h"
#include "store/embedded/rollup_rows.h"
#include "store/embedded/view.h"

/* A scan of one series reads and checks whole blocks: at about 1.1 bytes a point this many are 140
 * KiB, under 0.1 ms. */
#define MERGE_RUN_POINTS UINT64_C(131072)
#define MERGE_RUN_BLOCKS 256

struct merge_run {
    struct block_out out;
    const struct view *view;
    int64_t org, device;
    struct manifest_cutoff cutoff;
    struct {
        const struct segment *segment;
        const struct segment_block *block;
    } inputs[MERGE_RUN_BLOCKS];
    size_t count;
    uint64_t points;
    struct device_columns columns;
};

enum err merge_run_init(struct merge_run *r, const struct view *v, const struct fs *fs,
                        const char *dir, uint64_t id, enum segment_kind kind) MUST_CHECK;
void merge_run_done(struct merge_run *r); /* aborts what was not finished */
void merge_run_device(struct merge_run *r, int64_t org, int64_t device);
/* The device's next block, oldest first. */
enum err merge_run_add(struct merge_run *r, const struct segment *segment,
                       const struct segment_block *block) MUST_CHECK;
enum err merge_run_flush(struct merge_run *r) MUST_CHECK;
