/* The proof (see copy_points.h): both stores are read, and what they say is compared. */
#include "base/crc32c.h"
#include "base/mem.h"
#include "store/copy_hours.h"
#include "store/copy_points.h"
#include "store/copy_source.h"
#include "store/device_scan.h"

#include <inttypes.h>

struct digest { /* of the raw points of a series, in the order of their times */
    uint64_t points;
    uint32_t crc;
};

struct verify {
    struct copy_job *job;
    const struct copy_device *device;
    int64_t *series; /* owned */
    size_t n;
    struct digest *from, *to;        /* owned, n each */
    struct copy_hours before, after; /* scratch */
};

static void digest_add(struct digest *d, int64_t ts_ns, double value)
{
    uint8_t bytes[16];
    memcpy(bytes, &ts_ns, 8);
    memcpy(bytes + 8, &value, 8);
    d->crc = crc32c(d->crc, bytes, sizeof bytes);
    d->points++;
}

/* Points of a record ascend by series, mostly: the next one stands behind the last. */
static size_t place_of(const int64_t *series, size_t n, int64_t id, size_t guess)
{
    if (guess < n && series[guess] == id) return guess;
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (series[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum err digest_group(struct verify *v, struct telemetry *t, size_t from, size_t n,
                             struct digest *ret)
{
    const struct scan_range range = {v->device->org, v->device->device, 0,
                                     INT64_MIN,      INT64_MAX,         false};
    struct device_scan *scan = NULL;
    const struct point *points;
    const int64_t *series = v->series + from;
    size_t count = 0;
    int64_t ts = 0;
    enum err e = device_scan_open(&scan, t, &range, series, n);
    while (!e && !(e = device_scan_next(scan, &ts, &points, &count))) {
        size_t at = 0;
        for (size_t i = 0; i < count; i++) {
            at = place_of(series, n, points[i].series, at);
            digest_add(&ret[from + at++], ts, points[i].value);
        }
    }
    device_scan_close(scan);
    return e == ERR_END ? ERR_OK : e;
}

static enum err digest_store(struct verify *v, struct telemetry *t, struct digest *ret)
{
    size_t width = device_scan_width(t);
    enum err e = ERR_OK;
    for (size_t from = 0; from < v->n && !e;) {
        size_t n = v->n - from < width ? v->n - from : width;
        e = digest_group(v, t, from, n, ret);
        from += n;
    }
    return e;
}

static enum err compare_hours(struct verify *v, int64_t series, struct why *how)
{
    const struct scan_range range = {v->device->org,     v->device->device, series,
                                     COPY_HOURS_FROM_NS, COPY_HOURS_TO_NS,  false};
    enum err e = copy_hours_read(&v->before, v->job->from, &range);
    if (!e) e = copy_hours_read(&v->after, v->job->to, &range);
    if (e) return e;
    v->job->hours += v->before.n;
    if (copy_hours_equal(&v->before, &v->after)) return ERR_OK;
    return why_say(how, ERR_CORRUPT, "series %" PRId64 ": its hours differ", series);
}

/* ERR_CORRUPT: `how` says what differs. */
static enum err compare(struct verify *v, struct why *how)
{
    enum err e = digest_store(v, v->job->from, v->from);
    if (!e) e = digest_store(v, v->job->to, v->to);
    for (size_t i = 0; i < v->n && !e; i++) {
        const struct digest *a = &v->from[i], *b = &v->to[i];
        v->job->points += a->points;
        v->job->series++;
        if (a->points != b->points || a->crc != b->crc)
            e = why_say(how, ERR_CORRUPT,
                        "series %" PRId64 ": %" PRIu64 " points with checksum %08" PRIx32
                        " in the source, %" PRIu64 " with %08" PRIx32 " in the target",
                        v->series[i], a->points, a->crc, b->points, b->crc);
        if (!e) e = compare_hours(v, v->series[i], how);
    }
    return e;
}

static enum err compare_device(struct copy_job *j, const struct copy_device *d, struct why *how)
{
    struct verify v = {.job = j, .device = d};
    enum err e = copy_source_series(j->catalog, d, &v.series, &v.n);
    if (!e) {
        v.from = mem_array(v.n + 1, sizeof *v.from);
        v.to = mem_array(v.n + 1, sizeof *v.to);
        e = v.from && v.to ? compare(&v, how) : ERR_NOMEM;
    }
    copy_hours_done(&v.before);
    copy_hours_done(&v.after);
    mem_free(v.series);
    mem_free(v.from);
    mem_free(v.to);
    return e;
}

enum err copy_points_verify(struct copy_job *j, copy_differs_fn *differs, void *ctx,
                            struct why *why)
{
    struct copy_source source = {.db = j->catalog};
    struct copy_device start = {INT64_MIN, 0}, d;
    enum err e = ERR_OK;
    while (!e && !(e = copy_source_next(&source, start, &d))) {
        struct why how = {""};
        e = compare_device(j, &d, &how);
        if (e == ERR_CORRUPT && how.text[0]) {
            e = differs(ctx, j, d.org, d.device, &how);
            if (!e) e = compare_device(j, &d, &how);
        }
        if (e && !why->text[0]) (void)why_say(why, e, "%.200s", how.text);
        j->devices++;
        if (!e && j->shown && !j->shown(j->ctx, j)) e = why_say(why, ERR_CLOSED, "interrupted");
    }
    if (e && e != ERR_END && !why->text[0]) (void)why_say(why, e, "%s", err_sentence(e));
    return e == ERR_END ? ERR_OK : e;
}
