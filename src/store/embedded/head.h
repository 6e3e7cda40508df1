#pragma once
/* store/embedded/head.h -- the newest points, in memory: what is in the log and not yet in blocks,
 * and the last value of every series.
 * There are two generations. The active one takes points; head_freeze() makes it the frozen one,
 * which nobody changes any more while it is turned into blocks, and head_drop_frozen() forgets it.
 * H1  head_reserve() == ERR_OK: the head_apply() that follows can not fail. So what is durable in
 *     the log is always shown, and never in part.
 * H2  equal times: the point applied last wins, across both generations.
 * Threads: reserve, cancel, apply, freeze, forget and set_latest by one thread at a time (the write
 * gate); drop_frozen and the frozen walk by one (the job gate); everything else any thread.
 * Memory: generations in pages of 256 KiB, given back whole; results are owned by the caller. */
#include "base/err.h"
#include "model/record.h"

#include <stdbool.h>

struct head;

#define HEAD_MAX_SERIES (INT64_C(1) << 26)

enum err head_new(struct head **ret) MUST_CHECK;
void head_free(struct head *h); /* NULL is fine */

/* ERR_INVALID: a series that belongs to another device or organisation (T4), or no series id;
 * ERR_LIMIT: past HEAD_MAX_SERIES; ERR_NOMEM. On failure nothing stays reserved. */
enum err head_reserve(struct head *h, const struct record_set *const *sets, size_t n,
                      struct why *why) MUST_CHECK;
void head_cancel(struct head *h, const struct record_set *const *sets, size_t n);
void head_apply(struct head *h, const struct record_set *const *sets, size_t n);

/* The frozen generation must be empty. */
void head_freeze(struct head *h);
void head_drop_frozen(struct head *h);
void head_forget_device(struct head *h, int64_t org, int64_t device);

struct head_figures {
    uint64_t active_bytes, frozen_bytes, slot_bytes;
    uint64_t active_points, frozen_points;
};
struct head_figures head_figures(struct head *h);

/* Samples of a series in [from, to), of both generations, in time order, each time once. NULL and 0
 * when there are none; else mem_free() it. */
enum err head_copy(struct head *h, int64_t org, int64_t device, int64_t series, int64_t from_ns,
                   int64_t to_ns, struct sample **ret, size_t *ret_n) MUST_CHECK;

/* ts_ns = INT64_MIN when there is none. */
struct sample head_latest(struct head *h, int64_t org, int64_t series);
/* At start: a sample that is on disk. The newer of it and what is known is kept. */
enum err head_set_latest(struct head *h, int64_t org, int64_t device, int64_t series,
                         struct sample latest) MUST_CHECK;

/* What the frozen generation holds. */
struct head_series {
    int64_t org, device, series;
    size_t count;
};
/* Ascending by (org, device, series); mem_free() it. */
enum err head_list_frozen(struct head *h, struct head_series **ret, size_t *ret_n) MUST_CHECK;
/* All `count` samples as they came. */
void head_read_frozen(struct head *h, int64_t series, struct sample *ret);
