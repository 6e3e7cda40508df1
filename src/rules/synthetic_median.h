#pragma once
/* rules/synthetic_median.h -- the median of (t - span, t] while t moves on: the readings in a ring,
 * their values sorted beside it. A median needs them all, so a window of more than MEDIAN_READINGS
 * has none until it holds fewer again.
 * A reading that comes or goes moves half of the sorted values in memory: 20 us at the limit.
 * Threads: owner only.   Memory: owns both arrays, 24 bytes a reading, counted in the budget. */
#include "rules/synthetic_window.h"

enum { MEDIAN_READINGS = 100000 };

struct synthetic_median;
enum err synthetic_median_new(struct synthetic_median **ret, int64_t span_ns,
                              struct synthetic_budget *budget) MUST_CHECK;
void synthetic_median_free(struct synthetic_median *m); /* NULL is fine */
/* As synthetic_window_add and _move. */
enum err synthetic_median_add(struct synthetic_median *m, struct sample s) MUST_CHECK;
void synthetic_median_move(struct synthetic_median *m, int64_t t_ns);
/* False: the window is empty, or holds more than MEDIAN_READINGS. */
bool synthetic_median_read(const struct synthetic_median *m, double *ret);
