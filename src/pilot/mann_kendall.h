#pragma once
/* pilot/mann_kendall.h -- has a series of figures risen or fallen, or does it only wander? The
 * Mann-Kendall test (H. B. Mann, Econometrica 13, 1945; M. G. Kendall, Rank Correlation Methods,
 * 1975) on Sen's slope (P. K. Sen, J. Am. Stat. Assoc. 63, 1968), with Kendall's correction for
 * ties. No distribution is assumed and single outliers move neither. Pure; O(n^2), which is 41,000
 * comparisons at the 288 points asked of it.   Threads: any.   Memory: the caller's. */
#include <stddef.h>

enum { MANN_KENDALL_MIN = 10, MANN_KENDALL_MAX = 1000 };
/* Beyond it a series counts as moving: 1 % of those that do not would. */
#define MANN_KENDALL_Z 2.576

enum trend_direction { TREND_FLAT, TREND_UP, TREND_DOWN };

struct trend_result {
    enum trend_direction direction;
    size_t n;      /* values that counted */
    double z;      /* of the Mann-Kendall test; positive: rising */
    double slope;  /* Sen's: per step of the series */
    double median; /* of the values */
    double change; /* slope * steps between first and last, relative to the median; 0 without one */
};

/* values: at equal steps in time order, NAN where there is none; at most MANN_KENDALL_MAX count.
 * FLAT below MANN_KENDALL_MIN values, or when the whole change is less than least_change of the
 * median: what is certain may still be too small to speak of. scratch: room for
 * MANN_KENDALL_SCRATCH(n) doubles. */
#define MANN_KENDALL_SCRATCH(n) ((n) * ((n)-1) / 2 + 2 * (n) + 1)
struct trend_result mann_kendall_run(const double *values, size_t n, double least_change,
                                     double *scratch);
