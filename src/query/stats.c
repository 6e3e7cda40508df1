/* Running statistics (see stats.h). */
#include "query/stats.h"

#include <math.h>

static void add_compensated(struct stats *s, double value)
{
    double t = s->sum + value;
    s->carry += fabs(s->sum) >= fabs(value) ? (s->sum - t) + value : (value - t) + s->sum;
    s->sum = t;
}

void stats_add(struct stats *s, double value)
{
    if (!s->count) s->min = s->max = s->first = value;
    if (value < s->min) s->min = value;
    if (value > s->max) s->max = value;
    s->last = value;
    s->count++;
    add_compensated(s, value);
    double delta = value - s->mean;
    s->mean += delta / (double)s->count;
    s->m2 += delta * (value - s->mean);
}

void stats_add_rollup(struct stats *s, const struct rollup *r)
{
    if (!r->count) return;
    if (!s->count) {
        s->min = r->min;
        s->max = r->max;
        s->first = r->first;
    }
    if (r->min < s->min) s->min = r->min;
    if (r->max > s->max) s->max = r->max;
    s->last = r->last;
    double n = (double)s->count, k = (double)r->count;
    double delta = r->sum / k - s->mean;
    s->mean += delta * k / (n + k);
    s->m2 += r->m2 + delta * delta * n * k / (n + k);
    s->count += r->count;
    add_compensated(s, r->sum);
}

double stats_sum(const struct stats *s)
{
    double sum = s->sum + s->carry;
    return isfinite(sum) ? sum : s->sum; /* an overflowed sum has no meaningful carry */
}

double stats_stddev(const struct stats *s)
{
    return s->count ? sqrt(s->m2 / (double)s->count) : 0;
}
