/* M4 thinning (see thin.h). */
#include "query/thin.h"

struct column {
    struct sample first, last, min, max;
    bool used;
};

static void column_add(struct column *c, struct sample s)
{
    if (!c->used) *c = (struct column){s, s, s, s, true};
    if (s.value < c->min.value) c->min = s;
    if (s.value > c->max.value) c->max = s;
    c->last = s;
}

/* Appends a sample unless it is the one appended last. */
static size_t append(struct sample *out, size_t n, struct sample s)
{
    if (n && out[n - 1].ts_ns == s.ts_ns) return n;
    out[n] = s;
    return n + 1;
}

static size_t column_emit(const struct column *c, struct sample *out, size_t n)
{
    if (!c->used) return n;
    bool min_first = c->min.ts_ns <= c->max.ts_ns;
    n = append(out, n, c->first);
    n = append(out, n, min_first ? c->min : c->max);
    n = append(out, n, min_first ? c->max : c->min);
    return append(out, n, c->last);
}

enum err thin_series(struct telemetry *t, const struct scan_range *range, size_t max_samples,
                     const struct query_limit *limit, struct arena *arena, struct sample **ret,
                     size_t *ret_n)
{
    size_t columns = max_samples / 4;
    if (!columns) columns = 1;
    struct sample *out = arena_alloc(arena, columns * 4 * sizeof *out);
    if (!out) return ERR_NOMEM;
    uint64_t span = (uint64_t)range->to_ns - (uint64_t)range->from_ns;
    uint64_t width = span / columns;
    if (width < UINT64_MAX) width++; /* all of time in one column must not wrap to no width */
    struct scan_cursor *cursor;
    enum err e = telemetry_scan_open(t, range, &cursor);
    if (e) return e;
    struct column current = {0};
    uint64_t current_index = 0;
    size_t n = 0, slice_n;
    const struct sample *slice;
    while (!(e = query_limit_check(limit)) && !(e = telemetry_scan_next(cursor, &slice, &slice_n)))
        for (size_t i = 0; i < slice_n; i++) {
            uint64_t index = ((uint64_t)slice[i].ts_ns - (uint64_t)range->from_ns) / width;
            if (index != current_index) {
                n = column_emit(&current, out, n);
                current = (struct column){0};
                current_index = index;
            }
            column_add(&current, slice[i]);
        }
    telemetry_scan_close(cursor);
    if (e != ERR_END) return e;
    *ret_n = column_emit(&current, out, n);
    *ret = out;
    return ERR_OK;
}
