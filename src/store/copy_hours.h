#pragma once
/* store/copy_hours.h -- hours of one series, all of them, for copying and comparing.
 * Threads: owner only.   Memory: grows to the hours of the series that has most. */
#include "store/telemetry.h"

#include <stdbool.h>

struct copy_hours {
    struct rollup *rows; /* owned */
    size_t n, room;
};
/* Hours of range->series in [from, to). */
enum err copy_hours_read(struct copy_hours *h, struct telemetry *t,
                         const struct scan_range *range) MUST_CHECK;
void copy_hours_done(struct copy_hours *h); /* zeroed is fine */
/* The same, but for the rounding of sums (T5). */
bool copy_hours_same(const struct rollup *a, const struct rollup *b);
bool copy_hours_equal(const struct copy_hours *a, const struct copy_hours *b);

/* Further than any reading. */
#define COPY_HOURS_FROM_NS (-(INT64_C(1) << 62))
#define COPY_HOURS_TO_NS   (INT64_C(1) << 62)
