/* Running statistics (see stats.h). */
#include "model/stats.h"

#include <math.h>

static void add_compensated(struct stats *s, double value)
{
    double t = s->sum + value;
    s->carry += fabs(s->sum) >= fabs(value) ? (s->sum - t) + value : (value - t) + s->sum;
    s->sum = t;
}

/* Widens the range by what lies between (first_ns, first) and (last_ns, last). */
static void widen(struct stats *s, double min, double max, struct sample first, struct sample last)
{
    if (!s->count || min < s->min) s->min = min;
    if (!s->count || max > s->max) s->max = max;
    if (!s->count || first.ts_ns < s->first_ns) {
        s->first = first.value;
        s->first_ns = first.ts_ns;
    }
    if (!s->count || last.ts_ns >= s->last_ns) {
        s->last = last.value;
        s->last_ns = last.ts_ns;
    }
}

void stats_add(struct stats *s, struct sample sample)
{
    widen(s, sample.value, sample.value, sample, sample);
    s->count++;
    add_compensated(s, sample.value);
    double delta = sample.value - s->mean;
    s->mean += delta / (double)s->count;
    s->m2 += delta * (sample.value - s->mean);
}

void stats_add_rollup(struct stats *s, const struct rollup *r)
{
    if (!r->count) return;
    widen(s, r->min, r->max, (struct sample){r->first_ns, r->first},
          (struct sample){r->last_ns, r->last});
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
