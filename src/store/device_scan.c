/* Series of one device side by side (see device_scan.h). */
#include "store/device_scan.h"

#include "base/mem.h"

struct column {
    struct scan_cursor *cursor; /* NULL: at its end */
    const struct sample *slice;
    size_t n, at;
};

struct device_scan {
    struct telemetry *telemetry;
    const int64_t *series;
    size_t n;
    struct scan_cursor *records; /* NULL: merged from columns */
    struct column columns[DEVICE_SCAN_SERIES];
    struct point *points; /* owned */
    size_t room;
};

size_t device_scan_width(const struct telemetry *t)
{
    return t->ops->records_open ? SIZE_MAX : DEVICE_SCAN_SERIES;
}

static enum err refill(struct column *c)
{
    if (c->at < c->n) return ERR_OK;
    enum err e = telemetry_scan_next(c->cursor, &c->slice, &c->n);
    c->at = 0;
    if (e != ERR_END) return e;
    telemetry_scan_close(c->cursor);
    *c = (struct column){.cursor = NULL};
    return ERR_OK;
}

static enum err open_columns(struct device_scan *s, const struct scan_range *range)
{
    enum err e = ERR_OK;
    bug_if(s->n > DEVICE_SCAN_SERIES);
    s->room = s->n;
    s->points = mem_array(s->n, sizeof *s->points);
    if (!s->points) return ERR_NOMEM;
    for (size_t i = 0; i < s->n && !e; i++) {
        struct scan_range of = *range;
        of.series = s->series[i];
        of.descending = false;
        e = telemetry_scan_open(s->telemetry, &of, &s->columns[i].cursor);
        if (!e) e = refill(&s->columns[i]);
    }
    return e;
}

enum err device_scan_open(struct device_scan **ret, struct telemetry *t,
                          const struct scan_range *range, const int64_t *series, size_t n)
{
    struct device_scan *s = mem_zalloc(sizeof *s);
    if (!s) return ERR_NOMEM;
    s->telemetry = t;
    s->series = series;
    s->n = n;
    enum err e =
        t->ops->records_open ? t->ops->records_open(t, range, &s->records) : open_columns(s, range);
    if (e) {
        device_scan_close(s);
        return e;
    }
    *ret = s;
    return ERR_OK;
}

static bool is_wanted(const struct device_scan *s, int64_t series)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->series[middle] < series)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->n && s->series[low] == series;
}

/* The store's own record, without series that nobody asked for. */
static enum err next_record(struct device_scan *s, int64_t *ret_ts_ns, size_t *ret_n)
{
    const struct point *points;
    size_t n = 0, kept = 0;
    enum err e = s->telemetry->ops->records_next(s->records, ret_ts_ns, &points, &n);
    if (e) return e;
    if (n > s->room) {
        struct point *grown = mem_realloc(s->points, n * sizeof *grown);
        if (!grown) return ERR_NOMEM;
        s->points = grown;
        s->room = n;
    }
    for (size_t i = 0; i < n; i++)
        if (is_wanted(s, points[i].series)) s->points[kept++] = points[i];
    *ret_n = kept;
    return ERR_OK;
}

static enum err next_merged(struct device_scan *s, int64_t *ret_ts_ns, size_t *ret_n)
{
    int64_t ts = INT64_MAX;
    bool any = false;
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct column *c = &s->columns[i];
        if (!c->cursor) continue;
        any = true;
        if (c->slice[c->at].ts_ns < ts) ts = c->slice[c->at].ts_ns;
    }
    if (!any) return ERR_END;
    for (size_t i = 0; i < s->n; i++) {
        struct column *c = &s->columns[i];
        if (!c->cursor || c->slice[c->at].ts_ns != ts) continue;
        s->points[n++] = (struct point){s->series[i], c->slice[c->at++].value};
        enum err e = refill(c);
        if (e) return e;
    }
    *ret_ts_ns = ts;
    *ret_n = n;
    return ERR_OK;
}

enum err device_scan_next(struct device_scan *s, int64_t *ret_ts_ns, const struct point **ret,
                          size_t *ret_n)
{
    enum err e;
    do {
        e = s->records ? next_record(s, ret_ts_ns, ret_n) : next_merged(s, ret_ts_ns, ret_n);
    } while (!e && !*ret_n);
    *ret = s->points;
    return e;
}

void device_scan_close(struct device_scan *s)
{
    if (!s) return;
    if (s->records) s->telemetry->ops->records_close(s->records);
    for (size_t i = 0; i < DEVICE_SCAN_SERIES; i++)
        if (s->columns[i].cursor) telemetry_scan_close(s->columns[i].cursor);
    mem_free(s->points);
    mem_free(s);
}
