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

uint64_t histogram_count(const struct histogram *h)
{
    uint64_t n = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
        n += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
    return n;
}

void histogram_add(struct histogram *a, const struct histogram *b)
{
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
        atomic_fetch_add_explicit(&a->buckets[i],
                                  atomic_load_explicit(&b->buckets[i], memory_order_relaxed),
                                  memory_order_relaxed);
    atomic_fetch_add_explicit(&a->sum_ns, atomic_load_explicit(&b->sum_ns, memory_order_relaxed),
                              memory_order_relaxed);
}

double histogram_quantile_ns(const struct histogram *h, double q)
{
    double wanted = q * (double)histogram_count(h), below = 0, low = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        double n = (double)atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        double high = i < HISTOGRAM_BUCKETS - 1 ? (double)histogram_bound_ns[i] : 2 * low;
        if (n > 0 && below + n >= wanted) return low + (high - low) * (wanted - below) / n;
        below += n;
        low = high;
    }
    return 0;
}
