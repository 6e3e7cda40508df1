#pragma once
/* rules/synthetic_window.h -- count, sum, deviation, smallest, largest, first and last reading of
 * (t - span, t] while t moves on, in bounded memory whatever the window holds.
 *
 *    oldest                                                             newest
 *    tail ──────────> front blocks ──────> back blocks ──────> head
 *    readings, each   sums of runs of      the same, since     readings (at most WINDOW_RUN),
 *    with the sums    readings, each with  the last turn       and their sums
 *    from it on       the sums from it on
 *
 * Readings come in at the head and leave at the tail. A full head becomes a block; when the tail is
 * used up the oldest block is read from the store again and becomes the tail, in pieces when it is
 * long. Sums are only ever added up, never subtracted, so there is no drift.  (The two stacks of
 * sums: Tangwongsan, Hirzel, Schneider, "Low-Latency Sliding-Window Aggregation", 2017; merging
 * deviations: Chan, Golub, LeVeque 1979.)
 *
 * W1  at most 500 blocks and 2 * WINDOW_RUN readings are held, 90 KiB, for any rate and span.
 * W2  a window of up to WINDOW_RUN readings asks the store for nothing; a longer one once for about
 *     WINDOW_RUN readings that leave.
 * W3  what the store says when a block is read again is what counts from then on.
 * Threads: owner only.   Memory: owns its arrays and counts them in the budget. */
#include "base/err.h"
#include "model/record.h"
#include "rules/expression.h"

enum { WINDOW_RUN = 128 };

/* Memory of all windows together. */
struct synthetic_budget {
    size_t used_bytes, max_bytes;
};

/* The readings of the window's series in [from, to], ascending, through give(). */
struct synthetic_source {
    void *ctx;
    enum err (*read)(void *ctx, int64_t from_ns, int64_t to_ns,
                     void (*give)(void *to, struct sample s), void *to);
};

struct synthetic_window;
enum err synthetic_window_new(struct synthetic_window **ret, int64_t span_ns,
                              const struct synthetic_source *source,
                              struct synthetic_budget *budget) MUST_CHECK;
void synthetic_window_free(struct synthetic_window *w); /* NULL is fine */
/* A reading not older than the newest one; at the same time it takes its place. ERR_LIMIT: the
 * budget is used up, ERR_NOMEM, or the source's error: the window is of no use any more. */
enum err synthetic_window_add(struct synthetic_window *w, struct sample s) MUST_CHECK;
/* Forgets what is not in (t - span, t]. */
enum err synthetic_window_move(struct synthetic_window *w, int64_t t_ns) MUST_CHECK;
/* False: too few readings for it. Not for the median. */
bool synthetic_window_read(const struct synthetic_window *w, enum expression_statistic what,
                           double *ret);
