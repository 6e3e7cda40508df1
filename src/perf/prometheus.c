/* The Prometheus text format (see prometheus.h). */
#include "perf/prometheus.h"

void prometheus_family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_labels(struct buf *out, const char *labels)
{
    if (!labels || !*labels) return;
    buf_add_char(out, '{');
    buf_add_str(out, labels);
    buf_add_char(out, '}');
}

/* The name with what follows it, and the labels with one more: a line up to its value. */
static void add_head(struct buf *out, const char *name, const char *suffix, const char *labels)
{
    buf_add_str(out, name);
    buf_add_str(out, suffix);
    add_labels(out, labels);
    buf_add_char(out, ' ');
}

void prometheus_sample(struct buf *out, const char *name, const char *labels, double value)
{
    add_head(out, name, "", labels);
    if (value >= 0 && value < 1e15 && value == (double)(uint64_t)value)
        buf_add_u64(out, (uint64_t)value);
    else
        buf_printf(out, "%.17g", value);
    buf_add_char(out, '\n');
}

void prometheus_count(struct buf *out, const char *name, const char *labels, uint64_t value)
{
    add_head(out, name, "", labels);
    buf_add_u64(out, value);
    buf_add_char(out, '\n');
}

/* The bounds of histogram_bound_ns in seconds, as "%g" writes them. */
static const char *const bounds[HISTOGRAM_BUCKETS] = {
    "5e-05", "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025",
    "0.05",  "0.1",    "0.25",    "0.5",    "1",     "2.5",    "5",     "10",   "+Inf",
};

/* A scrape has hundreds of these: the text before the bound is put together once, and numbers are
 * not formatted by printf. */
void prometheus_histogram(struct buf *out, const char *name, const char *labels,
                          const struct histogram *h)
{
    uint64_t below = 0;
    size_t at = out->n;
    buf_add_str(out, name);
    buf_add_str(out, "_bucket{");
    if (labels && *labels) {
        buf_add_str(out, labels);
        buf_add_char(out, ',');
    }
    buf_add_str(out, "le=\"");
    size_t n = out->n - at;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (i && buf_reserve(out, n)) buf_add(out, out->p + at, n);
        below += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        buf_add_str(out, bounds[i]);
        buf_add_str(out, "\"} ");
        buf_add_u64(out, below);
        buf_add_char(out, '\n');
    }
    uint64_t sum = atomic_load_explicit(&h->sum_ns, memory_order_relaxed);
    add_head(out, name, "_sum", labels);
    buf_printf(out, "%.9g\n", (double)sum / 1e9);
    add_head(out, name, "_count", labels);
    buf_add_u64(out, below);
    buf_add_char(out, '\n');
}
