#pragma once
/* perf/prometheus.h -- writes the Prometheus text format (version 0.0.4), which promtool checks.
 * One family() before its samples; label text comes ready made and bounded:
 * `route="/x",status="200"`. Threads: owner of the buffer.   Memory: appends to the caller's
 * buffer, whose error sticks. */
#include "base/buf.h"
#include "perf/histogram.h"

/* type: "counter", "gauge" or "histogram". */
void prometheus_family(struct buf *out, const char *name, const char *type, const char *help);
/* labels: NULL or "" for none. */
void prometheus_sample(struct buf *out, const char *name, const char *labels, double value);
void prometheus_count(struct buf *out, const char *name, const char *labels, uint64_t value);
/* _bucket, _sum and _count, in seconds. */
void prometheus_histogram(struct buf *out, const char *name, const char *labels,
                          const struct histogram *h);
