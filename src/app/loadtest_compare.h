#pragma once
/* app/loadtest_compare.h -- this run against a saved one, figure by figure. A figure is the p50 or
 * p99 of a kind of request, of which each run has one value an interval.
 *
 * A figure is worse when all three hold:
 *   1  the Mann-Whitney test (perf/mann_whitney.h) gives its rise a chance of less than 1 % over
 *      the number of figures (Bonferroni: of all of them together, one run in a hundred is called
 *      worse for nothing),
 *   2  the shift is more than the saved run's own scatter from interval to interval,
 *   3  the shift is more than 5 % and 0.1 ms: less is nobody's business.
 * Runs of different loads are not compared.
 * Threads: main.   Memory: the caller's; what was read goes by cJSON_Delete(). */
#include "app/loadtest.h"

struct cJSON;

enum { LOADTEST_FIGURES_MAX = LOADTEST_KINDS * 2 };

struct loadtest_change {
    enum loadtest_kind kind;
    const char *what; /* "p50" or "p99" */
    double before_ms, now_ms, shift_ms, scatter_ms, p;
    bool worse, better;
};
struct loadtest_comparison {
    struct loadtest_change changes[LOADTEST_FIGURES_MAX];
    size_t count, worse;
    char saved_at[40];
};
/* Reads a file that --save wrote. ERR_INVALID: it is none, or of another load; why says. */
enum err loadtest_compare_read(const struct loadtest *t, const char *path, struct cJSON **ret,
                               struct why *why) MUST_CHECK;
enum err loadtest_compare_run(const struct loadtest *t, const struct cJSON *saved,
                              struct loadtest_comparison *ret) MUST_CHECK;
void loadtest_compare_text(const struct loadtest_comparison *c, struct buf *out);
void loadtest_compare_json(const struct loadtest_comparison *c, struct buf *out);
