#pragma once
/* perf/mann_whitney.h -- are the figures of one run larger than those of another, or do they only
 * scatter? The Mann-Whitney test (H. B. Mann and D. R. Whitney, Annals of Mathematical Statistics
 * 18, 1947) by its normal approximation with correction for ties and continuity, and the shift
 * between the two as Hodges and Lehmann estimate it (Annals of Mathematical Statistics 34, 1963):
 * the median of all differences. No distribution is assumed and single outliers move neither.
 * Pure; O(n m log nm).   Threads: any.   Memory: the caller's. */
#include <stdbool.h>
#include <stddef.h>

enum { MANN_WHITNEY_MIN = 5 }; /* of each; fewer say nothing */

struct mann_whitney {
    double p;     /* how likely `b` is as large as it is when both are of one distribution */
    double shift; /* b - a */
};
/* False: too few, or all equal. scratch: room for MANN_WHITNEY_SCRATCH(n, m) doubles. */
#define MANN_WHITNEY_SCRATCH(n, m) ((n) * (m) + (n) + (m))
bool mann_whitney_run(const double *a, size_t n, const double *b, size_t m, double *scratch,
                      struct mann_whitney *ret);
/* The middle of `n` values, and the middle of their distances from it, times 1.4826: the standard
 * deviation, were they normal. scratch: n doubles. */
double mann_whitney_median(const double *values, size_t n, double *scratch);
double mann_whitney_scatter(const double *values, size_t n, double *scratch);
