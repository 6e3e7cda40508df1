#pragma once
/* store/embedded/cursor.h -- the samples of one series in time order, from the blocks of a view and
 * a copy of what the heads held. Blocks that do not overlap stream one after the other; where they
 * do, sources are merged and of equal times the newest wins (V2; the heads are newest).
 * A block is read, checked and decoded when the cursor gets to its time, and only the one column;
 * memory is one decoded column per source that is open at the same time.
 * Threads: owner only.   Memory: owns its samples; slices are borrowed until the next call. */
#include "store/embedded/view.h"
#include "store/telemetry.h"

struct cursor;

/* `head` (sorted, unique, owned; taken over, also on failure) may be NULL. The view is borrowed and
 * must outlive the cursor. Raw cutoff and purges of the view apply. */
enum err cursor_open(struct cursor **ret, const struct view *v, const struct scan_range *range,
                     struct sample *head, size_t head_count) MUST_CHECK;
/* ERR_END when there is no more; ERR_CORRUPT when a block is damaged. */
enum err cursor_next(struct cursor *c, const struct sample **ret, size_t *ret_n) MUST_CHECK;
void cursor_close(struct cursor *c); /* NULL is fine */

/* All that is left, into fresh memory (mem_free it; NULL when there is none). */
enum err cursor_read_all(struct cursor *c, struct sample **ret, size_t *ret_n) MUST_CHECK;
