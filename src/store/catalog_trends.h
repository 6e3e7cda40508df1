#pragma once
/* store/catalog_trends.h -- how the server did in each minute and each hour, kept over restarts; of
 * the installation, not of an organisation. Each call works inside the caller's transaction.
 * Errors: those of store/sql.h.   Threads: as the tx.   Memory: rows go to the arena. */
#include "base/arena.h"
#include "store/sql.h"

enum trend_figure {
    TREND_DATABASE_MS,     /* mean of a statement */
    TREND_RESPONSE_MS,     /* 95th percentile of answers */
    TREND_CACHE_HIT_RATIO, /* 0 to 1 */
    TREND_MEMORY_RATIO,    /* 0 to 1 */
    TREND_POINTS_PER_S,
    TREND_DISK_BYTES, /* what the store takes */
    TREND_FIGURES
};

struct trend_row {
    int64_t step_s, at_ns, samples;
    double figures[TREND_FIGURES]; /* means; NAN: nothing was measured */
};
enum { CATALOG_TRENDS_MAX = 4000 };

/* Inserts, or adds to what another process said of the same step: means by their samples. */
enum err catalog_trends_add(struct sql_tx *tx, const struct trend_row *row) MUST_CHECK;
/* Of [from, to), oldest first; ERR_LIMIT past CATALOG_TRENDS_MAX. */
enum err catalog_trends_list(struct sql_tx *tx, int64_t step_s, int64_t from_ns, int64_t to_ns,
                             struct arena *a, struct trend_row **ret, size_t *ret_n) MUST_CHECK;
/* The newest row's at_ns, INT64_MIN without one. */
enum err catalog_trends_newest(struct sql_tx *tx, int64_t step_s, int64_t *ret_ns) MUST_CHECK;
enum err catalog_trends_prune(struct sql_tx *tx, int64_t step_s, int64_t before_ns) MUST_CHECK;
