/* One number per bucket (see aggregate.h). A bucket of two hours or more is made of three pieces:
 * raw samples up to the first full hour, rollups of the full hours, raw samples behind them.
 * Shorter buckets share one pass over the raw samples. */
#include "query/aggregate.h"

#include "base/clock.h"
#include "base/mem.h"
#include "query/stats.h"

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

/* What one run carries from piece to piece. */
struct run {
    struct telemetry *store;
    const struct aggregate_spec *spec;
    struct arena *arena;
    struct aggregate_bucket *out;
    size_t n, cap;
    int64_t interval_ns; /* never 0 */
    int64_t bucket_ns;   /* start of the bucket being filled */
    struct stats stats;
    double *values; /* percentiles: the bucket's samples */
    size_t values_n, values_cap;
};

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(double *values, size_t n, double rank)
{
    qsort(values, n, sizeof *values, compare_doubles);
    double at = rank * (double)(n - 1);
    size_t low = (size_t)at;
    double part = at - (double)low;
    if (low + 1 >= n) return values[n - 1];
    return values[low] + part * (values[low + 1] - values[low]);
}

static double value_of(struct run *r)
{
    const struct stats *s = &r->stats;
    switch (r->spec->aggregation) {
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
    case AGGREGATION_STDDEV:
        return stats_stddev(s);
    default:
        return percentile(r->values, r->values_n, kinds[r->spec->aggregation].rank);
    }
}

/* Ends the current bucket: an element when anything fell into it. */
static enum err close_bucket(struct run *r)
{
    if (!r->stats.count) return ERR_OK;
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16;
        struct aggregate_bucket *bigger = arena_alloc(r->arena, cap * sizeof *bigger);
        if (!bigger) return ERR_NOMEM;
        if (r->n) memcpy(bigger, r->out, r->n * sizeof *bigger);
        r->out = bigger;
        r->cap = cap;
    }
    r->out[r->n++] = (struct aggregate_bucket){r->bucket_ns, value_of(r), r->stats.count};
    r->stats = (struct stats){0};
    r->values_n = 0;
    return ERR_OK;
}

static enum err keep_value(struct run *r, double value)
{
    if (r->values_n == r->values_cap) {
        size_t cap = r->values_cap ? r->values_cap * 2 : 1024;
        if (r->values_n >= AGGREGATE_PERCENTILE_SAMPLES_MAX) return ERR_IMPOSSIBLE;
        double *bigger = mem_realloc(r->values, cap * sizeof *bigger);
        if (!bigger) return ERR_NOMEM;
        r->values = bigger;
        r->values_cap = cap;
    }
    r->values[r->values_n++] = value;
    return ERR_OK;
}

static bool is_percentile(const struct run *r)
{
    return kinds[r->spec->aggregation].rank > 0;
}

/* Moves on to the bucket that holds ts. */
static enum err enter_bucket(struct run *r, int64_t ts)
{
    if (ts - r->bucket_ns < r->interval_ns) return ERR_OK;
    enum err e = close_bucket(r);
    r->bucket_ns += (ts - r->bucket_ns) / r->interval_ns * r->interval_ns;
    return e;
}

static enum err add_samples(struct run *r, const struct sample *samples, size_t n)
{
    bool keep = is_percentile(r);
    for (size_t i = 0; i < n; i++) {
        enum err e = enter_bucket(r, samples[i].ts_ns);
        if (!e && keep) e = keep_value(r, samples[i].value);
        if (e) return e;
        stats_add(&r->stats, samples[i].value);
    }
    return ERR_OK;
}

static struct scan_range range_of(const struct run *r, int64_t from_ns, int64_t to_ns)
{
    return (struct scan_range){
        .org = r->spec->org,
        .device = r->spec->device,
        .series = r->spec->series,
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
    while (!(e = telemetry_scan_next(cursor, &slice, &n)) && !(e = add_samples(r, slice, n)))
        continue;
    telemetry_scan_close(cursor);
    return e == ERR_END ? ERR_OK : e;
}

static enum err add_hours(struct run *r, int64_t from_ns, int64_t to_ns)
{
    struct rollup *hours = mem_array(ROLLUPS_AT_ONCE, sizeof *hours);
    if (!hours) return ERR_NOMEM;
    enum err e = ERR_OK;
    for (int64_t at = from_ns; at < to_ns && !e;) {
        int64_t end =
            to_ns - at > ROLLUPS_AT_ONCE * NS_PER_HOUR ? at + ROLLUPS_AT_ONCE * NS_PER_HOUR : to_ns;
        const struct scan_range range = range_of(r, at, end);
        size_t n = 0;
        e = telemetry_rollups(r->store, &range, hours, ROLLUPS_AT_ONCE, &n);
        for (size_t i = 0; i < n && !e; i++) {
            e = enter_bucket(r, hours[i].hour_ns);
            if (!e) stats_add_rollup(&r->stats, &hours[i]);
        }
        at = end;
    }
    mem_free(hours);
    return e;
}

static int64_t floor_hour(int64_t ts)
{
    int64_t rest = ts % NS_PER_HOUR;
    return ts - (rest < 0 ? rest + NS_PER_HOUR : rest);
}

/* [from, to) by rollups where they serve, raw at the ragged edges. */
static enum err add_span(struct run *r, int64_t from_ns, int64_t to_ns)
{
    int64_t first = floor_hour(from_ns), last = floor_hour(to_ns);
    if (first < from_ns) first += NS_PER_HOUR;
    if (last <= first) return add_raw(r, from_ns, to_ns);
    enum err e = add_raw(r, from_ns, first);
    if (!e) e = add_hours(r, first, last);
    if (!e) e = add_raw(r, last, to_ns);
    return e;
}

static enum err run_pieces(struct run *r)
{
    const struct aggregate_spec *s = r->spec;
    bool aligned = s->from_ns == floor_hour(s->from_ns) && r->interval_ns % NS_PER_HOUR == 0;
    if (is_percentile(r) || (!aligned && r->interval_ns < 2 * NS_PER_HOUR))
        return add_raw(r, s->from_ns, s->to_ns);
    if (aligned || !s->interval_ns) return add_span(r, s->from_ns, s->to_ns);
    enum err e = ERR_OK;
    for (int64_t at = s->from_ns; at < s->to_ns && !e;) {
        int64_t end = s->to_ns - at > r->interval_ns ? at + r->interval_ns : s->to_ns;
        e = add_span(r, at, end);
        at = end;
    }
    return e;
}

static enum err check_size(const struct aggregate_spec *s, struct why *why)
{
    if (!s->interval_ns) return ERR_OK;
    uint64_t span = (uint64_t)s->to_ns - (uint64_t)s->from_ns;
    uint64_t buckets = (span - 1) / (uint64_t)s->interval_ns + 1;
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
    enum err e = check_size(spec, why);
    if (e) return e;
    struct run r = {
        .store = t,
        .spec = spec,
        .arena = arena,
        .interval_ns = spec->interval_ns ? spec->interval_ns : INT64_MAX,
        .bucket_ns = spec->from_ns,
    };
    e = run_pieces(&r);
    if (!e) e = close_bucket(&r);
    mem_free(r.values);
    if (e == ERR_IMPOSSIBLE)
        why_say(why, e, "a percentile takes at most %d samples a bucket; choose a shorter interval",
                AGGREGATE_PERCENTILE_SAMPLES_MAX);
    if (e) return e;
    *ret = r.out;
    *ret_n = r.n;
    return ERR_OK;
}
