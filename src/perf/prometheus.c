/* The Prometheus text format (see prometheus.h). */
#include "perf/prometheus.h"

void prometheus_family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_labels(struct buf *out, const char *labels)
{
    if (labels && *labels) buf_printf(out, "{%s}", labels);
}

void prometheus_sample(struct buf *out, const char *name, const char *labels, double value)
{
    buf_add_str(out, name);
    add_labels(out, labels);
    buf_printf(out, " %.17g\n", value);
}

void prometheus_count(struct buf *out, const char *name, const char *labels, uint64_t value)
{
    buf_add_str(out, name);
    add_labels(out, labels);
    buf_printf(out, " %llu\n", (unsigned long long)value);
}

void prometheus_histogram(struct buf *out, const char *name, const char *labels,
                          const struct histogram *h)
{
    const char *comma = labels && *labels ? "," : "";
    if (!labels) labels = "";
    uint64_t below = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        below += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        buf_printf(out, "%s_bucket{%s%sle=\"", name, labels, comma);
        if (i < HISTOGRAM_BUCKETS - 1)
            buf_printf(out, "%g", (double)histogram_bound_ns[i] / 1e9);
        else
            buf_add_str(out, "+Inf");
        buf_printf(out, "\"} %llu\n", (unsigned long long)below);
    }
    uint64_t sum = atomic_load_explicit(&h->sum_ns, memory_order_relaxed);
    buf_printf(out, "%s_sum", name);
    add_labels(out, labels);
    buf_printf(out, " %.9g\n%s_count", (double)sum / 1e9, name);
    add_labels(out, labels);
    buf_printf(out, " %llu\n", (unsigned long long)below);
}
