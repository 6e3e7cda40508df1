/* Mann-Kendall and Sen (see mann_kendall.h). */
#include "pilot/mann_kendall.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(double *v, size_t n)
{
    if (!n) return 0;
    qsort(v, n, sizeof *v, compare);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* The variance of S when nothing moves, less what ties take from it; sorted values. */
static double variance_of(const double *sorted, size_t n)
{
    double k = (double)n, v = k * (k - 1) * (2 * k + 5);
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && !(sorted[j] > sorted[i]); j++) {
        }
        double t = (double)(j - i);
        v -= t * (t - 1) * (2 * t + 5);
    }
    return v / 18;
}

/* Every pair: its sign into S, its slope into slopes. */
static double count_pairs(const double *v, const double *at, size_t n, double *slopes)
{
    double s = 0;
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) {
            s += (v[j] > v[i]) - (v[j] < v[i]);
            slopes[k++] = (v[j] - v[i]) / (at[j] - at[i]);
        }
    return s;
}

struct trend_result mann_kendall_run(const double *values, size_t n, double least_change,
                                     double *scratch)
{
    struct trend_result r = {.direction = TREND_FLAT};
    double *v = scratch, *at = scratch + n, *slopes = scratch + 2 * n;
    size_t from = n > MANN_KENDALL_MAX ? n - MANN_KENDALL_MAX : 0;
    for (size_t i = from; i < n; i++)
        if (isfinite(values[i])) {
            v[r.n] = values[i];
            at[r.n++] = (double)i;
        }
    if (r.n < 2) {
        r.median = r.n ? v[0] : 0;
        return r;
    }
    double s = count_pairs(v, at, r.n, slopes);
    double steps = at[r.n - 1] - at[0];
    r.slope = median_of(slopes, r.n * (r.n - 1) / 2);
    r.median = median_of(v, r.n); /* sorts v, as variance_of() wants it */
    double variance = variance_of(v, r.n);
    r.z = variance > 0 ? (s - (s > 0) + (s < 0)) / sqrt(variance) : 0;
    r.change = fabs(r.median) > 0 ? r.slope * steps / fabs(r.median) : 0;
    if (r.n < MANN_KENDALL_MIN || fabs(r.z) < MANN_KENDALL_Z) return r;
    if (fabs(r.change) < least_change) return r;
    r.direction = r.slope > 0 ? TREND_UP : TREND_DOWN;
    return r;
}
