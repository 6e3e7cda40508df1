/* One number per bucket (see aggregate.h). Every series is read once, into the bucket each piece
 * falls into: whole hours as rollups, what is ragged as raw samples. A bucket of two hours or more
 * that does not start on the hour is raw samples, rollups, raw samples; shorter ones are raw. */
#include "query/aggregate.h"

#include "base/clock.h"
#include "base/mem.h"
#include "model/stats.h"

#include <math.h>
#include <stdlib.h>

enum { ROLLUPS_AT_ONCE = 512 };

static const struct {
    const char *name;
    double rank; /* of a percentile, else 0 */
} kinds[] = {
    [AGGREGATION_MIN] = {"MIN", 0},     [AGGREGATION_MAX] = {"MAX", 0},
    [AGGREGATION_AVG] = {"AVG", 0},     [AGGREGATION_SUM] = {"SUM", 0},
    [AGGREGATION_COUNT] = {"COUNT", 0}, [AGGREGATION_FIRST] = {"FIRST", 0},
    [AGGREGATION_LAST] = {"LAST", 0},   [AGGREGATION_STDDEV] = {"STDDEV", 0},
    [AGGREGATION_P50] = {"P50", 0.50},  [AGGREGATION_P95] = {"P95", 0.95},
    [AGGREGATION_P99] = {"P99", 0.99},
};

bool aggregation_parse(struct bytes name, enum aggregation *ret)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (bytes_equal_nocase(name, bytes_str(kinds[i].name))) {
            *ret = (enum aggregation)i;
            return true;
        }
    return false;
}

const char *aggregation_name(enum aggregation a)
{
    return kinds[a].name;
}

bool aggregate_parse_interval(struct bytes text, int64_t *ret_ns)
{
    if (!text.n || bytes_equal_nocase(text, BYTES("NONE"))) {
        *ret_ns = 0;
        return true;
    }
    uint64_t n;
    if (!bytes_to_u64(bytes_of(text.p, text.n - 1), &n) || !n || n > 1000000000u) return false;
    int64_t unit = 0;
    switch (text.p[text.n - 1]) {
    case 's':
        unit = NS_PER_S;
        break;
    case 'm':
        unit = NS_PER_MINUTE;
        break;
    case 'h':
        unit = NS_PER_HOUR;
        break;
    case 'd':
        unit = NS_PER_DAY;
        break;
    default:
        return false;
    }
    return !__builtin_mul_overflow((int64_t)n, unit, ret_ns);
}

/* A sample kept for a percentile. */
struct kept {
    uint64_t bucket;
    double value;
};

/* What one run carries from piece to piece. */
struct run {
    struct telemetry *store;
    const struct aggregate_spec *spec;
    struct stats *buckets; /* every bucket there can be */
    size_t bucket_count;
    uint64_t interval_ns;           /* never 0 */
    struct aggregate_series series; /* being read */
    struct kept *kept;              /* percentiles: all samples */
    size_t kept_n, kept_cap;
};

bool aggregation_is_percentile(enum aggregation a)
{
    return kinds[a].rank > 0;
}

static bool is_percentile(const struct run *r)
{
    return aggregation_is_percentile(r->spec->aggregation);
}

static uint64_t bucket_of(const struct run *r, int64_t ts_ns)
{
    return ((uint64_t)ts_ns - (uint64_t)r->spec->from_ns) / r->interval_ns;
}

static enum err keep_sample(struct run *r, uint64_t bucket, double value)
{
    if (r->kept_n == r->kept_cap) {
        size_t cap = r->kept_cap ? r->kept_cap * 2 : 1024;
        if (r->kept_n >= AGGREGATE_PERCENTILE_SAMPLES_MAX) return ERR_IMPOSSIBLE;
        struct kept *bigger = mem_realloc(r->kept, cap * sizeof *bigger);
        if (!bigger) return ERR_NOMEM;
        r->kept = bigger;
        r->kept_cap = cap;
    }
    r->kept[r->kept_n++] = (struct kept){bucket, value};
    return ERR_OK;
}

static enum err add_samples(struct run *r, const struct sample *samples, size_t n)
{
    bool keep = is_percentile(r);
    uint64_t bucket = 0, until = 0; /* the bucket ends at this offset from `from` */
    for (size_t i = 0; i < n; i++) {
        uint64_t offset = (uint64_t)samples[i].ts_ns - (uint64_t)r->spec->from_ns;
        if (offset >= until) { /* a division per bucket, not per sample */
            bucket = offset / r->interval_ns;
            until = (bucket + 1) * r->interval_ns;
            if (until < offset) until = UINT64_MAX;
        }
        stats_add(&r->buckets[bucket], samples[i]);
        enum err e = keep ? keep_sample(r, bucket, samples[i].value) : ERR_OK;
        if (e) return e;
    }
    return ERR_OK;
}

static struct scan_range range_of(const struct run *r, int64_t from_ns, int64_t to_ns)
{
    return (struct scan_range){
        .org = r->spec->org,
        .device = r->series.device,
        .series = r->series.series,
        .from_ns = from_ns,
        .to_ns = to_ns,
    };
}

static enum err add_raw(struct run *r, int64_t from_ns, int64_t to_ns)
{
    if (from_ns >= to_ns) return ERR_OK;
    const struct scan_range range = range_of(r, from_ns, to_ns);
    struct scan_cursor *cursor;
    enum err e = telemetry_scan_open(r->store, &range, &cursor);
    if (e) return e;
    const struct sample *slice;
    size_t n;
    while (!(e = query_limit_check(r->spec->limit)) &&
           !(e = telemetry_scan_next(cursor, &slice, &n)) && !(e = add_samples(r, slice, n)))
        continue;
    telemetry_scan_close(cursor);
    return e == ERR_END ? ERR_OK : e;
}

/* at + length, at most `to`. */
static int64_t end_of(int64_t at, int64_t length, int64_t to)
{
    int64_t end = clock_add(at, length);
    return end < to ? end : to;
}

static enum err add_hours(struct run *r, int64_t from_ns, int64_t to_ns)
{
    struct rollup *hours = mem_array(ROLLUPS_AT_ONCE, sizeof *hours);
    if (!hours) return ERR_NOMEM;
    enum err e = ERR_OK;
    for (int64_t at = from_ns; at < to_ns && !e;) {
        int64_t end = end_of(at, ROLLUPS_AT_ONCE * NS_PER_HOUR, to_ns);
        const struct scan_range range = range_of(r, at, end);
        size_t n = 0;
        e = query_limit_check(r->spec->limit);
        if (!e) e = telemetry_rollups(r->store, &range, hours, ROLLUPS_AT_ONCE, &n);
        for (size_t i = 0; i < n && !e; i++)
            stats_add_rollup(&r->buckets[bucket_of(r, hours[i].hour_ns)], &hours[i]);
        at = end;
    }
    mem_free(hours);
    return e;
}

/* The hour that ts lies in; before the first whole hour there is, that one. */
static int64_t floor_hour(int64_t ts)
{
    int64_t rest = ts % NS_PER_HOUR;
    if (rest < 0) rest += NS_PER_HOUR;
    return ts < INT64_MIN + rest ? ts + (NS_PER_HOUR - rest) : ts - rest;
}

/* [from, to) by rollups where they serve, raw at the ragged edges. */
static enum err add_span(struct run *r, int64_t from_ns, int64_t to_ns)
{
    int64_t first = floor_hour(from_ns), last = floor_hour(to_ns);
    if (first < from_ns) first = clock_add(first, NS_PER_HOUR);
    if (last <= first) return add_raw(r, from_ns, to_ns);
    enum err e = add_raw(r, from_ns, first);
    if (!e) e = add_hours(r, first, last);
    if (!e) e = add_raw(r, last, to_ns);
    return e;
}

static enum err run_series(struct run *r)
{
    const struct aggregate_spec *s = r->spec;
    bool whole_hours = s->interval_ns % NS_PER_HOUR == 0 && s->from_ns == floor_hour(s->from_ns);
    if (is_percentile(r)) return add_raw(r, s->from_ns, s->to_ns);
    if (whole_hours || !s->interval_ns) return add_span(r, s->from_ns, s->to_ns);
    if (s->interval_ns < 2 * NS_PER_HOUR) return add_raw(r, s->from_ns, s->to_ns);
    enum err e = ERR_OK;
    for (int64_t at = s->from_ns; at < s->to_ns && !e;) {
        int64_t end = end_of(at, s->interval_ns, s->to_ns);
        e = add_span(r, at, end);
        at = end;
    }
    return e;
}

static int compare_kept(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    if (x->bucket != y->bucket) return x->bucket < y->bucket ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

/* n samples of one bucket, sorted. */
static double percentile(const struct kept *kept, size_t n, double rank)
{
    double at = rank * (double)(n - 1);
    size_t low = (size_t)at;
    double part = at - (double)low;
    if (low + 1 >= n) return kept[n - 1].value;
    return kept[low].value + part * (kept[low + 1].value - kept[low].value);
}

double aggregate_value(enum aggregation a, const struct stats *s)
{
    switch (a) {
    case AGGREGATION_MIN:
        return s->min;
    case AGGREGATION_MAX:
        return s->max;
    case AGGREGATION_AVG:
        return stats_sum(s) / (double)s->count;
    case AGGREGATION_SUM:
        return stats_sum(s);
    case AGGREGATION_COUNT:
        return (double)s->count;
    case AGGREGATION_FIRST:
        return s->first;
    case AGGREGATION_LAST:
        return s->last;
    default:
        return stats_stddev(s);
    }
}

static double value_of(const struct run *r, const struct stats *s, const struct kept *kept)
{
    enum aggregation a = r->spec->aggregation;
    return is_percentile(r) ? percentile(kept, s->count, kinds[a].rank) : aggregate_value(a, s);
}

static enum err emit(struct run *r, struct arena *arena, struct aggregate_bucket **ret,
                     size_t *ret_n)
{
    size_t used = 0, n = 0;
    for (size_t i = 0; i < r->bucket_count; i++) used += r->buckets[i].count > 0;
    struct aggregate_bucket *out = arena_alloc(arena, used * sizeof *out);
    if (!out) return ERR_NOMEM;
    if (r->kept_n) qsort(r->kept, r->kept_n, sizeof *r->kept, compare_kept);
    const struct kept *kept = r->kept;
    for (size_t i = 0; i < r->bucket_count; i++) {
        const struct stats *s = &r->buckets[i];
        if (!s->count) continue;
        int64_t ts = (int64_t)((uint64_t)r->spec->from_ns + i * r->interval_ns);
        out[n++] = (struct aggregate_bucket){ts, value_of(r, s, kept), s->count};
        if (r->kept_n) kept += s->count;
    }
    *ret = out;
    *ret_n = n;
    return ERR_OK;
}

static enum err check_size(const struct aggregate_spec *s, size_t *ret_buckets, struct why *why)
{
    *ret_buckets = 1;
    if (!s->interval_ns) return ERR_OK;
    uint64_t span = (uint64_t)s->to_ns - (uint64_t)s->from_ns;
    uint64_t buckets = (span - 1) / (uint64_t)s->interval_ns + 1;
    *ret_buckets = (size_t)buckets;
    if (buckets <= s->max_buckets) return ERR_OK;
    uint64_t seconds = (span - 1) / s->max_buckets / NS_PER_S + 1;
    return why_say(
        why, ERR_IMPOSSIBLE,
        "%llu buckets would be needed, at most %zu are given; the smallest interval that "
        "fits is %llus",
        (unsigned long long)buckets, s->max_buckets, (unsigned long long)seconds);
}

enum err aggregate_run(struct telemetry *t, const struct aggregate_spec *spec, struct arena *arena,
                       struct aggregate_bucket **ret, size_t *ret_n, struct why *why)
{
    size_t buckets;
    enum err e = check_size(spec, &buckets, why);
    if (e) return e;
    struct run r = {
        .store = t,
        .spec = spec,
        .buckets = mem_array(buckets, sizeof *r.buckets),
        .bucket_count = buckets,
        .interval_ns = spec->interval_ns ? (uint64_t)spec->interval_ns : UINT64_MAX,
    };
    if (!r.buckets) return ERR_NOMEM;
    for (size_t i = 0; i < spec->series_count && !e; i++) {
        r.series = spec->series[i];
        e = run_series(&r);
    }
    if (!e) e = emit(&r, arena, ret, ret_n);
    mem_free(r.kept);
    mem_free(r.buckets);
    if (e == ERR_IMPOSSIBLE)
        why_say(why, e, "a percentile takes at most %d samples; ask for a shorter range",
                AGGREGATE_PERCENTILE_SAMPLES_MAX);
    return e;
}

enum err aggregate_totals(struct telemetry *t, int64_t org, int64_t from_ns, int64_t to_ns,
                          const struct query_limit *limit, struct series_total *totals, size_t n)
{
    enum err e = query_limit_check(limit);
    if (!e) e = telemetry_totals(t, org, from_ns, to_ns, totals, n);
    if (e != ERR_NOTFOUND) return e;
    const struct aggregate_spec spec = {.org = org,
                                        .aggregation = AGGREGATION_AVG,
                                        .from_ns = from_ns,
                                        .to_ns = to_ns,
                                        .limit = limit};
    struct run r = {.store = t, .spec = &spec, .bucket_count = 1, .interval_ns = UINT64_MAX};
    e = ERR_OK;
    for (size_t i = 0; i < n && !e; i++) {
        r.series = (struct aggregate_series){totals[i].device, totals[i].series};
        r.buckets = &totals[i].stats;
        e = run_series(&r);
    }
    return e;
}
