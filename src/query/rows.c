/* Side-by-side rows of several series (see rows.h): a merge of one cursor per series by time; where
 * the store keeps them side by side already, its own records. That is one cursor, and with
 * PostgreSQL one connection: a cursor for each series would take the pool away from everybody, and
 * two such queries would wait for each other. */
#include "query/rows.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

enum { LOOK_EVERY = 256 }; /* records between two looks at the limit */

struct column { /* where the values of a series go */
    int64_t series;
    size_t at;
};

struct source {
    struct scan_cursor *cursor;
    const struct sample *at, *end; /* the rest of the current slice */
};

struct rows {
    struct rows_spec spec;
    double *values;
    struct telemetry *telemetry;
    struct scan_cursor *records; /* NULL: merged from sources */
    struct column *columns;      /* of records, ascending by series; owned */
    unsigned seen;
    struct source sources[];
};

/* Makes source.at valid, or leaves at == end when the series is finished. */
static enum err refill(struct source *s, const struct query_limit *limit)
{
    if (s->at != s->end || !s->cursor) return ERR_OK;
    const struct sample *slice;
    size_t n = 0;
    enum err e;
    do
        if (!(e = query_limit_check(limit))) e = telemetry_scan_next(s->cursor, &slice, &n);
    while (!e && !n);
    if (e == ERR_END) {
        telemetry_scan_close(s->cursor);
        s->cursor = NULL;
        return ERR_OK;
    }
    if (e) return e;
    s->at = slice;
    s->end = slice + n;
    return ERR_OK;
}

static int compare_columns(const void *a, const void *b)
{
    const struct column *x = a, *y = b;
    return (x->series > y->series) - (x->series < y->series);
}

static enum err open_records(struct rows *r)
{
    const struct rows_spec *s = &r->spec;
    const struct scan_range range = {s->org, s->device, 0, s->from_ns, s->to_ns, s->descending};
    r->columns = mem_array(s->n, sizeof *r->columns);
    if (!r->columns) return ERR_NOMEM;
    for (size_t i = 0; i < s->n; i++) r->columns[i] = (struct column){s->series[i], i};
    qsort(r->columns, s->n, sizeof *r->columns, compare_columns);
    return r->telemetry->ops->records_open(r->telemetry, &range, &r->records);
}

static enum err open_sources(struct rows *r)
{
    const struct rows_spec *spec = &r->spec;
    enum err e = ERR_OK;
    for (size_t i = 0; i < spec->n && !e; i++) {
        const struct scan_range range = {
            .org = spec->org,
            .device = spec->device,
            .series = spec->series[i],
            .from_ns = spec->from_ns,
            .to_ns = spec->to_ns,
            .descending = spec->descending,
        };
        e = telemetry_scan_open(r->telemetry, &range, &r->sources[i].cursor);
    }
    return e;
}

enum err rows_open(struct rows **ret, struct telemetry *t, const struct rows_spec *spec)
{
    struct rows *r = mem_zalloc(sizeof *r + spec->n * sizeof r->sources[0]);
    if (!r) return ERR_NOMEM;
    r->spec = *spec;
    r->telemetry = t;
    enum err e = ERR_OK;
    if (!(r->values = mem_array(spec->n, sizeof *r->values))) e = ERR_NOMEM;
    if (!e) e = spec->n > 1 && t->ops->records_open ? open_records(r) : open_sources(r);
    if (e) {
        rows_close(r);
        return e;
    }
    *ret = r;
    return ERR_OK;
}

/* The nearest time of all sources; false when all are finished. */
static bool next_time(const struct rows *r, int64_t *ret)
{
    bool found = false;
    for (size_t i = 0; i < r->spec.n; i++) {
        const struct source *s = &r->sources[i];
        if (s->at == s->end) continue;
        int64_t ts = s->at->ts_ns;
        if (!found || (r->spec.descending ? ts > *ret : ts < *ret)) *ret = ts;
        found = true;
    }
    return found;
}

/* Sets what is asked for of a record; false: none of it is. */
static bool take_record(struct rows *r, const struct point *points, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < r->spec.n; i++) r->values[i] = (double)NAN;
    for (size_t i = 0; i < n; i++) {
        const struct column key = {points[i].series, 0};
        const struct column *c =
            bsearch(&key, r->columns, r->spec.n, sizeof *r->columns, compare_columns);
        if (c) r->values[c->at] = points[i].value;
        any = any || c;
    }
    return any;
}

static enum err next_record(struct rows *r, int64_t *ret_ts_ns)
{
    const struct point *points;
    size_t n = 0;
    enum err e = ERR_OK;
    do {
        if (r->seen++ % LOOK_EVERY == 0) e = query_limit_check(r->spec.limit);
        if (!e) e = r->telemetry->ops->records_next(r->records, ret_ts_ns, &points, &n);
    } while (!e && !take_record(r, points, n));
    return e;
}

enum err rows_next(struct rows *r, int64_t *ret_ts_ns, const double **ret_values)
{
    if (r->records) {
        enum err e = next_record(r, ret_ts_ns);
        if (!e) *ret_values = r->values;
        return e;
    }
    for (size_t i = 0; i < r->spec.n; i++) {
        enum err e = refill(&r->sources[i], r->spec.limit);
        if (e) return e;
    }
    int64_t ts = 0;
    if (!next_time(r, &ts)) return ERR_END;
    for (size_t i = 0; i < r->spec.n; i++) {
        struct source *s = &r->sources[i];
        bool here = s->at != s->end && s->at->ts_ns == ts;
        r->values[i] = here ? s->at->value : (double)NAN;
        s->at += here;
    }
    *ret_ts_ns = ts;
    *ret_values = r->values;
    return ERR_OK;
}

void rows_close(struct rows *r)
{
    if (!r) return;
    for (size_t i = 0; i < r->spec.n; i++) telemetry_scan_close(r->sources[i].cursor);
    if (r->records) r->telemetry->ops->records_close(r->records);
    mem_free(r->columns);
    mem_free(r->values);
    mem_free(r);
}
