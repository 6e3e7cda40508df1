/* See mann_whitney.h. */
#include "perf/mann_whitney.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double mann_whitney_median(const double *values, size_t n, double *scratch)
{
    if (!n) return 0;
    if (values != scratch) memcpy(scratch, values, n * sizeof *values);
    qsort(scratch, n, sizeof *scratch, compare);
    return n % 2 ? scratch[n / 2] : (scratch[n / 2 - 1] + scratch[n / 2]) / 2;
}

double mann_whitney_scatter(const double *values, size_t n, double *scratch)
{
    double middle = mann_whitney_median(values, n, scratch);
    for (size_t i = 0; i < n; i++) scratch[i] = fabs(values[i] - middle);
    return 1.4826 * mann_whitney_median(scratch, n, scratch);
}

/* The sum of t^3 - t over groups of equal values of both samples together. */
static double tie_sum(const double *a, size_t n, const double *b, size_t m, double *scratch)
{
    double sum = 0;
    memcpy(scratch, a, n * sizeof *a);
    memcpy(scratch + n, b, m * sizeof *b);
    qsort(scratch, n + m, sizeof *scratch, compare);
    for (size_t i = 0, j; i < n + m; i = j) {
        for (j = i + 1; j < n + m && !(scratch[j] > scratch[i]); j++) continue;
        double t = (double)(j - i);
        sum += t * t * t - t;
    }
    return sum;
}

bool mann_whitney_run(const double *a, size_t n, const double *b, size_t m, double *scratch,
                      struct mann_whitney *ret)
{
    double u = 0, pairs = (double)n * (double)m, all = (double)(n + m);
    if (n < MANN_WHITNEY_MIN || m < MANN_WHITNEY_MIN) return false;
    double ties = tie_sum(a, n, b, m, scratch);
    double variance = pairs / 12 * (all + 1 - ties / (all * (all - 1)));
    if (!(variance > 0)) return false;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++) {
            double difference = b[j] - a[i];
            scratch[i * m + j] = difference;
            u += difference > 0 ? 1 : difference < 0 ? 0 : 0.5;
        }
    ret->shift = mann_whitney_median(scratch, n * m, scratch);
    double z = (u - pairs / 2 - 0.5) / sqrt(variance);
    ret->p = erfc(z / sqrt(2)) / 2;
    return true;
}
