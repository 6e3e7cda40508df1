/* Side-by-side rows of several series (see rows.h): a merge of one cursor per series by time. */
#include "query/rows.h"

#include "base/mem.h"

#include <math.h>

struct source {
    struct scan_cursor *cursor;
    const struct sample *at, *end; /* the rest of the current slice */
};

struct rows {
    struct rows_spec spec;
    double *values;
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

enum err rows_open(struct rows **ret, struct telemetry *t, const struct rows_spec *spec)
{
    struct rows *r = mem_zalloc(sizeof *r + spec->n * sizeof r->sources[0]);
    if (!r) return ERR_NOMEM;
    r->spec = *spec;
    enum err e = ERR_OK;
    if (!(r->values = mem_array(spec->n, sizeof *r->values))) e = ERR_NOMEM;
    for (size_t i = 0; i < spec->n && !e; i++) {
        const struct scan_range range = {
            .org = spec->org,
            .device = spec->device,
            .series = spec->series[i],
            .from_ns = spec->from_ns,
            .to_ns = spec->to_ns,
            .descending = spec->descending,
        };
        e = telemetry_scan_open(t, &range, &r->sources[i].cursor);
    }
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

enum err rows_next(struct rows *r, int64_t *ret_ts_ns, const double **ret_values)
{
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
    mem_free(r->values);
    mem_free(r);
}
