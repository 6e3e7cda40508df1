#pragma once
/* rules/synthetic_sums.h -- what is known of a run of readings, and of two runs together (Welford
 * 1962; Chan, Golub, LeVeque 1979).   Threads: a value. */
#include <math.h>
#include <stdint.h>

struct synthetic_sums {
    uint64_t count;
    double sum, mean, m2, min, max;
};

static inline void synthetic_sums_add(struct synthetic_sums *s, double v)
{
    double delta = v - s->mean;
    s->min = s->count && s->min < v ? s->min : v;
    s->max = s->count && s->max > v ? s->max : v;
    s->count++;
    s->sum += v;
    s->mean += delta / (double)s->count;
    s->m2 += delta * (v - s->mean);
}

static inline struct synthetic_sums synthetic_sums_join(const struct synthetic_sums *a,
                                                        const struct synthetic_sums *b)
{
    if (!a->count) return *b;
    if (!b->count) return *a;
    double n = (double)a->count, k = (double)b->count, delta = b->mean - a->mean;
    return (struct synthetic_sums){
        .count = a->count + b->count,
        .sum = a->sum + b->sum,
        .mean = a->mean + delta * (k / (n + k)),
        .m2 = a->m2 + b->m2 + delta * delta * (n * (k / (n + k))),
        .min = a->min < b->min ? a->min : b->min,
        .max = a->max > b->max ? a->max : b->max,
    };
}
