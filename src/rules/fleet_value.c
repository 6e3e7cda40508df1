/* One number of many devices (see fleet_value.h). */
#include "rules/fleet_value.h"

#include "model/device_status.h"
#include "model/stats.h"
#include "query/aggregate.h"

#include <math.h>
#include <stdlib.h>

/* --- plain numbers ---------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double rank(double *values, size_t n, double p)
{
    qsort(values, n, sizeof *values, compare);
    double at = p * (double)(n - 1), whole = floor(at);
    size_t low = (size_t)whole, high = low + 1 < n ? low + 1 : low;
    return values[low] + (values[high] - values[low]) * (at - whole);
}

double fleet_value_of(enum fleet_function f, double *values, size_t n)
{
    struct stats s = {0};
    for (size_t i = 0; i < n; i++) stats_add(&s, (struct sample){0, values[i]});
    switch (f) {
    case FLEET_SUM:
        return stats_sum(&s);
    case FLEET_AVG:
        return stats_sum(&s) / (double)n;
    case FLEET_MIN:
        return s.min;
    case FLEET_MAX:
        return s.max;
    case FLEET_MEDIAN:
        return rank(values, n, 0.5);
    case FLEET_STDDEV:
        return stats_stddev(&s);
    case FLEET_PERCENTILE_95:
        return rank(values, n, 0.95);
    case FLEET_PERCENTILE_99:
        return rank(values, n, 0.99);
    default:
        return s.max - s.min;
    }
}

/* --- devices ---------------------------------------------------------------------------------- */

static void count_devices(const struct fleet_rule *r, const struct fleet_scope *scope,
                          struct fleet_value *v)
{
    for (size_t i = 0; i < scope->n; i++) {
        struct reg_device *d = scope->devices[i];
        enum device_status s = device_status_at(atomic_load(&d->last_seen_ns), scope->now_ns);
        bool counts = r->function == FLEET_COUNT_DEVICES ||
                      (s == DEVICE_ONLINE) == (r->function != FLEET_COUNT_OFFLINE);
        if (counts) v->affected[v->affected_count++] = d;
    }
    v->known = true;
    v->value = (double)v->affected_count;
    if (r->function != FLEET_PERCENT_ONLINE) return;
    v->known = scope->n > 0;
    v->value = v->known ? 100 * v->value / (double)scope->n : 0;
}

/* --- values of a variable --------------------------------------------------------------------- */

/* The series of those devices that have the variable; v->affected says whose. */
static struct aggregate_series *find_series(const struct fleet_rule *r,
                                            const struct fleet_scope *scope, struct arena *arena,
                                            struct fleet_value *v)
{
    struct aggregate_series *series = arena_array(arena, scope->n ? scope->n : 1, sizeof *series);
    if (!series) return NULL;
    for (size_t i = 0; i < scope->n; i++) {
        struct reg_device *d = scope->devices[i];
        const struct reg_variable *var = registry_find_variable(scope->registry, d, r->variable);
        if (!var) continue;
        series[v->affected_count] = (struct aggregate_series){d->id, var->id};
        v->affected[v->affected_count++] = d;
    }
    return series;
}

static enum err of_newest(const struct fleet_rule *r, const struct fleet_scope *scope,
                          const struct aggregate_series *series, struct arena *arena,
                          struct fleet_value *v)
{
    size_t n = v->affected_count, found = 0;
    int64_t *ids = arena_array(arena, n, sizeof *ids);
    struct sample *newest = arena_array(arena, n, sizeof *newest);
    double *values = arena_array(arena, n, sizeof *values);
    if (!ids || !newest || !values) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) ids[i] = series[i].series;
    enum err e = telemetry_latest(scope->telemetry, r->org, ids, n, newest);
    if (e) return e;
    for (size_t i = 0; i < n; i++) {
        if (newest[i].ts_ns == INT64_MIN) continue;
        v->affected[found] = v->affected[i];
        values[found++] = newest[i].value;
    }
    v->affected_count = found;
    v->known = found > 0;
    if (found) v->value = fleet_value_of(r->function, values, found);
    return ERR_OK;
}

static enum err aggregate(const struct fleet_rule *r, const struct fleet_scope *scope,
                          const struct aggregate_series *series, size_t n, enum aggregation a,
                          struct arena *arena, struct fleet_value *v, struct why *why)
{
    const struct aggregate_spec spec = {
        .org = r->org,
        .series = series,
        .series_count = n,
        .aggregation = a,
        .from_ns = scope->now_ns - r->window_ns + 1,
        .to_ns = scope->now_ns + 1,
        .max_buckets = 1,
    };
    struct aggregate_bucket *bucket = NULL;
    size_t buckets = 0;
    enum err e = aggregate_run(scope->telemetry, &spec, arena, &bucket, &buckets, why);
    if (e) return e;
    v->known = buckets > 0;
    v->value = buckets ? bucket->value : 0;
    return ERR_OK;
}

static enum err of_window(const struct fleet_rule *r, const struct fleet_scope *scope,
                          const struct aggregate_series *series, struct arena *arena,
                          struct fleet_value *v, struct why *why)
{
    static const enum aggregation kinds[FLEET_FUNCTIONS] = {
        [FLEET_SUM] = AGGREGATION_SUM,           [FLEET_AVG] = AGGREGATION_AVG,
        [FLEET_MIN] = AGGREGATION_MIN,           [FLEET_MAX] = AGGREGATION_MAX,
        [FLEET_MEDIAN] = AGGREGATION_P50,        [FLEET_STDDEV] = AGGREGATION_STDDEV,
        [FLEET_PERCENTILE_95] = AGGREGATION_P95, [FLEET_PERCENTILE_99] = AGGREGATION_P99,
        [FLEET_RANGE] = AGGREGATION_MAX,
    };
    size_t n = v->affected_count;
    enum err e = aggregate(r, scope, series, n, kinds[r->function], arena, v, why);
    if (e || !v->known || r->function != FLEET_RANGE) return e;
    double max = v->value;
    e = aggregate(r, scope, series, n, AGGREGATION_MIN, arena, v, why);
    v->value = max - v->value;
    return e;
}

enum err fleet_value_compute(const struct fleet_rule *r, const struct fleet_scope *scope,
                             struct arena *arena, struct fleet_value *ret, struct why *why)
{
    struct fleet_value v = {.affected =
                                arena_array(arena, scope->n ? scope->n : 1, sizeof *v.affected)};
    if (!v.affected) return ERR_NOMEM;
    enum err e = ERR_OK;
    if (!fleet_rule_needs_variable(r->function)) {
        count_devices(r, scope, &v);
    } else {
        const struct aggregate_series *series = find_series(r, scope, arena, &v);
        if (!series) return ERR_NOMEM;
        if (!v.affected_count)
            v.known = false;
        else if (r->window_ns)
            e = of_window(r, scope, series, arena, &v, why);
        else
            e = of_newest(r, scope, series, arena, &v);
    }
    if (!e) *ret = v;
    return e;
}
