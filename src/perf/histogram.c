/* Latency histograms (see histogram.h). */
#include "perf/histogram.h"

#define US INT64_C(1000)
#define MS INT64_C(1000000)

const int64_t histogram_bound_ns[HISTOGRAM_BUCKETS - 1] = {
    50 * US, 100 * US, 250 * US, 500 * US, 1 * MS,    5 * MS / 2, 5 * MS,    10 * MS,    25 * MS,
    50 * MS, 100 * MS, 250 * MS, 500 * MS, 1000 * MS, 2500 * MS,  5000 * MS, 10000 * MS,
};

void histogram_record(struct histogram *h, int64_t ns)
{
    int i = 0;
    while (i < HISTOGRAM_BUCKETS - 1 && ns > histogram_bound_ns[i]) i++;
    atomic_fetch_add_explicit(&h->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum_ns, ns > 0 ? (uint64_t)ns : 0, memory_order_relaxed);
}
