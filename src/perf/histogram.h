#pragma once
/* perf/histogram.h -- counters and latency histograms that any thread bumps without a lock.
 * Buckets are fixed at compile time, so a histogram is a plain struct and never allocates.
 * Threads: any. Reads are not a consistent cut; each number is monotonic.   Units: nanoseconds. */
#include <stdatomic.h>
#include <stdint.h>

/* Upper bounds: 50 us 100 us 250 us 500 us, then 1 2.5 5 by decades up to 10 s, then everything. */
enum { HISTOGRAM_BUCKETS = 18 };
extern const int64_t histogram_bound_ns[HISTOGRAM_BUCKETS - 1];

struct histogram {
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
    _Atomic uint64_t sum_ns;
};

void histogram_record(struct histogram *h, int64_t ns);
uint64_t histogram_count(const struct histogram *h);
/* a += b */
void histogram_add(struct histogram *a, const struct histogram *b);
/* Nanoseconds below which the share q (0 to 1) lies, linear inside a bucket; 0 of none. What is
 * past the last bound counts as twice that bound. */
double histogram_quantile_ns(const struct histogram *h, double q);

struct counter {
    _Atomic uint64_t value;
};
/* Counted without ordering: nobody draws a conclusion about other memory from a metric. */
static inline void counter_add(struct counter *c, uint64_t n)
{
    atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}
static inline uint64_t counter_read(const struct counter *c)
{
    return atomic_load_explicit(&c->value, memory_order_relaxed);
}
