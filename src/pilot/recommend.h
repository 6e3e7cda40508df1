#pragma once
/* pilot/recommend.h -- from what was measured to what should be done: a table of rules, each of
 * which looks at the evidence and says nothing, or what is the matter, what is to be gained, and,
 * where it is a key, the change to apply. Pure: the same evidence gives the same advice.
 *
 * N1  no advice without figures: every recommendation carries those it was made of, and its gain is
 *     computed from them.
 * N2  an unknown figure (NAN) causes nothing, so an idle server is told nothing.
 * N3  an id names a rule, and where there can be several, what it is about; it stays the same while
 *     the cause does.
 * Threads: any.   Memory: recommendations live in the arena. */
#include "base/arena.h"
#include "base/err.h"
#include "pilot/evidence.h"

enum recommendation_priority { RECOMMEND_LOW, RECOMMEND_MEDIUM, RECOMMEND_HIGH };
const char *recommend_priority_name(enum recommendation_priority p); /* "low", … */

enum { RECOMMEND_FIGURES = 6 };
struct recommendation {
    struct bytes id;      /* "batch-size-small" or "unused-index:devices_deleted" */
    const char *category; /* "ingest", "cache", "database", "tenants", "devices", "storage",
                             "clients" */
    enum recommendation_priority priority;
    struct bytes title, description, impact; /* impact: the gain in words, with its figures */
    const char *effort;                      /* "none", "low", "medium", "high": for a person */
    struct recommendation_figure {
        const char *name; /* with its unit: "queuePeakRecords" */
        double value;
    } evidence[RECOMMEND_FIGURES];
    size_t evidence_count;
    double gain;           /* expected, in gain_unit */
    const char *gain_unit; /* "ms/s", "bytes", "requests/s", … */
    const char *key;       /* of the configuration; NULL: nothing to apply */
    struct bytes value;
};

enum { RECOMMEND_MAX = 100 }; /* of one report */

/* The worst first. */
enum err recommend_run(const struct evidence *e, struct arena *a, struct recommendation **ret,
                       size_t *ret_n) MUST_CHECK;
/* 100 without any; 20, 10 and 5 less for each of high, medium and low priority, never below 0. */
int recommend_score(const struct recommendation *r, size_t n);
