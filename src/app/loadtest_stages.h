#pragma once
/* app/loadtest_stages.h -- what a run says beyond its totals: how each stage of its scenario went,
 * and whether anything grew with time.
 * Threads: main.   Memory: the caller's. */
#include "app/loadtest.h"

struct loadtest_stage {
    double factor, seconds;
    uint64_t requests, errors;
    enum loadtest_kind worst; /* kind of request with the largest p99 (median of intervals) */
    double worst_p99_ms;
};
/* The number of stages. */
size_t loadtest_stages_read(const struct loadtest *t,
                            struct loadtest_stage ret[LOADTEST_STAGES_MAX]);

/* A kind of request whose p99 rose over the run: Mann-Kendall (pilot/mann_kendall.h), by 20 % of
 * its median or more. */
struct loadtest_growth {
    enum loadtest_kind kind;
    double median_ms, change; /* change: relative, from begin to end */
};
/* The number of them; of scenario endurance only. */
size_t loadtest_stages_growth(const struct loadtest *t, struct loadtest_growth ret[LOADTEST_KINDS]);

void loadtest_stages_text(const struct loadtest *t, struct buf *out);
void loadtest_stages_json(const struct loadtest *t, struct buf *out); /* members of an object */
