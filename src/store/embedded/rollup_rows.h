#pragma once
/* store/embedded/rollup_rows.h -- the newest rollup rows of a device, gathered from the rollup
 * files of a view.   Threads: owner only.   Memory: owns its rows. */
#include "codec/block_rollup.h"
#include "store/embedded/view.h"

struct rollup_rows {
    struct block_rollup_row *rows; /* owned; ascending by (series, hour), each once */
    size_t count;
};

/* Rows of one series, or of all (series 0), with an hour in [from, to). What is below the
 * floor or purged is left out. ERR_CORRUPT when a block is damaged. */
enum err rollup_rows_load(struct rollup_rows *ret, const struct view *v, int64_t org,
                          int64_t device, int64_t series, int64_t from_ns,
                          int64_t to_ns) MUST_CHECK;
void rollup_rows_done(struct rollup_rows *r);
/* NULL when there is none. */
const struct rollup *rollup_rows_find(const struct rollup_rows *r, int64_t series, int64_t hour_ns);

/* A growing list of rows, oldest first, that is then put into order. */
struct rollup_list {
    struct block_rollup_row *rows; /* owned */
    size_t count, room;
};
enum err rollup_list_add(struct rollup_list *l, const struct block_rollup_row *rows,
                         size_t n) MUST_CHECK;
/* Adds the rows of a stored block. */
enum err rollup_list_add_block(struct rollup_list *l, const struct segment *s,
                               const struct segment_block *b) MUST_CHECK;
/* Ascending by (series, hour); of equal ones the one added last stays. */
enum err rollup_list_order(struct rollup_list *l) MUST_CHECK;
void rollup_list_done(struct rollup_list *l);
