#pragma once
/* perf/org_figures.h -- what each organisation asks of the server, kept apart from the others':
 * requests, points, errors, how long its answers took.
 *
 * Figures stand from the start of the process; the 95th percentile is of the last five to ten
 * minutes, so that it follows what happens. The first ORG_FIGURES_MAX organisations that send
 * anything have figures of their own; later ones share those of organisation 0.
 * Threads: any, without locks.   Memory: static; an organisation that never came costs nothing. */
#include "perf/histogram.h"

#include <stdbool.h>
#include <stddef.h>

enum { ORG_FIGURES_MAX = 1024, ORG_FIGURES_ENOUGH = 20 };
#define ORG_FIGURES_WINDOW_NS (INT64_C(300) * 1000000000)

/* now_ns: monotonic. took_ns: -1 when it says nothing (a long poll). failed: the answer was the
 * server's fault. */
void org_figures_request(int64_t org, int64_t now_ns, int64_t took_ns, bool failed);
void org_figures_points(int64_t org, uint64_t n);

struct org_figures_line {
    int64_t org; /* 0: all that have none of their own, and strangers */
    uint64_t requests, points, errors;
    double p95_ms;
};
/* Of all organisations together; 0 of fewer than ORG_FIGURES_ENOUGH answers. */
double org_figures_p95_ms(int64_t now_ns);
/* Those with any figure, in no order; *ret_n of them, at most ORG_FIGURES_MAX + 1. */
void org_figures_read(int64_t now_ns, struct org_figures_line ret[ORG_FIGURES_MAX + 1],
                      size_t *ret_n);
