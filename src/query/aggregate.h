#pragma once
/* query/aggregate.h -- one number per bucket of time, of one series or of many taken together.
 * Buckets are [from + k * interval, …), the last cut at `to`, empty ones left out. Whole hours come
 * from the store's rollups, ragged edges and percentiles from raw samples, so the cost follows the
 * answer. Percentiles interpolate linearly between closest ranks (Hyndman and Fan 1996, type 7).
 * Threads: any.   Memory: results in the caller's arena. */
#include "base/arena.h"
#include "query/query_limit.h"
#include "store/telemetry.h"

enum aggregation {
    AGGREGATION_MIN,
    AGGREGATION_MAX,
    AGGREGATION_AVG,
    AGGREGATION_SUM,
    AGGREGATION_COUNT,
    AGGREGATION_FIRST,
    AGGREGATION_LAST,
    AGGREGATION_STDDEV,
    AGGREGATION_P50,
    AGGREGATION_P95,
    AGGREGATION_P99,
};
enum { AGGREGATE_PERCENTILE_SAMPLES_MAX = 4000000 }; /* of one answer: 64 MB while it is computed */

bool aggregation_parse(struct bytes name, enum aggregation *ret); /* any case */
const char *aggregation_name(enum aggregation a);

struct aggregate_series {
    int64_t device, series;
};
struct aggregate_spec {
    int64_t org;
    const struct aggregate_series *series; /* borrowed */
    size_t series_count;
    enum aggregation aggregation;
    int64_t from_ns, to_ns; /* [from, to), from < to */
    int64_t interval_ns;    /* 0: one bucket */
    size_t max_buckets;
    const struct query_limit *limit; /* NULL: none */
};
struct aggregate_bucket {
    int64_t ts_ns; /* start of the bucket */
    double value;
    uint64_t count;
};
/* ERR_IMPOSSIBLE: more buckets than max_buckets would be needed, why names the smallest interval
 * that fits; or too many samples for a percentile. ERR_TIMEOUT, ERR_CLOSED: the limit. */
enum err aggregate_run(struct telemetry *t, const struct aggregate_spec *spec, struct arena *arena,
                       struct aggregate_bucket **ret, size_t *ret_n, struct why *why) MUST_CHECK;
bool aggregation_is_percentile(enum aggregation a);
/* Adds to each total what its series has in [from, to); each series once. Many of them cost a store
 * that is remote one round trip. */
enum err aggregate_totals(struct telemetry *t, int64_t org, int64_t from_ns, int64_t to_ns,
                          const struct query_limit *limit, struct series_total *totals,
                          size_t n) MUST_CHECK;
/* Of what is not empty; no percentile. */
double aggregate_value(enum aggregation a, const struct stats *s);
/* "15m", "3600s", "1h", "7d" or "" / "NONE" (0). False on anything else. */
bool aggregate_parse_interval(struct bytes text, int64_t *ret_ns);
