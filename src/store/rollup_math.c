/* Hourly aggregates (see rollup_math.h). */
#include "store/rollup_math.h"

#include "base/clock.h"

#include <math.h>

int64_t rollup_hour(int64_t ts_ns)
{
    int64_t rest = ts_ns % NS_PER_HOUR;
    if (rest < 0) rest += NS_PER_HOUR;
    /* The first hour of int64 is not whole; what lies in it counts as the whole hour behind it. */
    return ts_ns < INT64_MIN + rest ? ts_ns + (NS_PER_HOUR - rest) : ts_ns - rest;
}

struct rollup rollup_of(const struct sample *samples, size_t n)
{
    struct rollup r = {
        .hour_ns = rollup_hour(samples[0].ts_ns),
        .count = n,
        .min = samples[0].value,
        .max = samples[0].value,
        .first = samples[0].value,
        .last = samples[n - 1].value,
        .first_ns = samples[0].ts_ns,
        .last_ns = samples[n - 1].ts_ns,
    };
    double sum = 0, lost = 0;
    for (size_t i = 0; i < n; i++) {
        double v = samples[i].value, next = sum + v;
        lost += fabs(sum) >= fabs(v) ? (sum - next) + v : (v - next) + sum;
        sum = next;
        if (v < r.min) r.min = v;
        if (v > r.max) r.max = v;
    }
    r.sum = isfinite(sum) ? sum + lost : sum;
    double mean = r.sum / (double)n;
    for (size_t i = 0; i < n; i++) r.m2 += (samples[i].value - mean) * (samples[i].value - mean);
    return r;
}

void rollup_join(struct rollup *r, const struct rollup *later)
{
    double a = (double)r->count, b = (double)later->count;
    double distance = later->sum / b - r->sum / a;
    r->m2 += later->m2 + distance * distance * (a * b / (a + b));
    r->sum += later->sum;
    r->count += later->count;
    if (later->min < r->min) r->min = later->min;
    if (later->max > r->max) r->max = later->max;
    r->last = later->last;
    r->last_ns = later->last_ns;
}
