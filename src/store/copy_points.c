/* Copying (see copy_points.h). */
#include "store/copy_points.h"

#include "base/clock.h"
#include "base/mem.h"
#include "store/copy_hours.h"
#include "store/copy_source.h"
#include "store/copy_writer.h"
#include "store/device_scan.h"

#include <stdlib.h>

enum { HOURS_AT_ONCE = 20000, SHOW_EVERY = 4096 };
#define SAVE_EVERY_NS (2 * NS_PER_S)

struct copy {
    struct copy_job *job;
    struct copy_writer *writer;
    struct why *why;
    int64_t saved_ns;             /* monotonic */
    struct telemetry_hour *hours; /* HOURS_AT_ONCE of them, owned */
    size_t hour_count;
    struct copy_hours scratch, there;
    int64_t org; /* whose edges these are */
    int64_t raw_ns, rollup_ns;
};

static enum err failed(struct copy *c, enum err e, const char *what)
{
    if (c->why->text[0]) return e;
    return why_say(c->why, e, "%s: %s", what, err_sentence(e));
}

/* --- raw points ------------------------------------------------------------------------------- */

/* What was added is made durable, and the position with it. */
static enum err save(struct copy *c)
{
    struct copy_job *j = c->job;
    enum err e = copy_writer_drain(c->writer, c->why);
    if (!e && j->saved) e = j->saved(j->ctx, j);
    c->saved_ns = clock_mono_ns(clock_real());
    return e ? failed(c, e, "the target") : ERR_OK;
}

static enum err save_now_and_then(struct copy *c)
{
    bool due = clock_mono_ns(clock_real()) - c->saved_ns >= SAVE_EVERY_NS;
    return due ? save(c) : ERR_OK;
}

static enum err copy_record(struct copy *c, const struct record *key, const struct point *points,
                            size_t n, uint64_t number)
{
    struct copy_job *j = c->job;
    enum err e = copy_writer_add(c->writer, key, points, n, c->why);
    if (e) return failed(c, e, "the target");
    j->points += n;
    j->at.ts_ns = key->ts_ns;
    if (number % SHOW_EVERY) return ERR_OK;
    if (j->shown && !j->shown(j->ctx, j)) return why_say(c->why, ERR_CLOSED, "interrupted");
    return save_now_and_then(c);
}

static enum err copy_group(struct copy *c, const struct copy_device *d, const int64_t *series,
                           size_t n, int64_t from_ns, int64_t to_ns)
{
    const struct scan_range range = {d->org, d->device, 0, from_ns, to_ns, false};
    struct device_scan *scan = NULL;
    struct record key = {.org = d->org, .device = d->device};
    const struct point *points;
    size_t count = 0;
    uint64_t number = 0;
    enum err e = device_scan_open(&scan, c->job->from, &range, series, n);
    while (!e && !(e = device_scan_next(scan, &key.ts_ns, &points, &count)))
        e = copy_record(c, &key, points, count, ++number);
    device_scan_close(scan);
    return e == ERR_END ? ERR_OK : e ? failed(c, e, "the source") : ERR_OK;
}

/* --- hours ------------------------------------------------------------------------------------ */

static enum err adopt(struct copy *c)
{
    enum err e = c->job->to->ops->adopt(c->job->to, c->hours, c->hour_count);
    c->job->hours += c->hour_count;
    c->hour_count = 0;
    return e ? failed(c, e, "the target") : ERR_OK;
}

static enum err copy_hours_of(struct copy *c, const struct copy_device *d, int64_t series)
{
    const struct scan_range range = {d->org,    d->device, series, COPY_HOURS_FROM_NS,
                                     c->raw_ns, false};
    enum err e = copy_hours_read(&c->scratch, c->job->from, &range);
    if (e) return failed(c, e, "the source");
    for (size_t i = 0; i < c->scratch.n && !e; i++) {
        c->hours[c->hour_count++] =
            (struct telemetry_hour){d->org, d->device, series, c->scratch.rows[i]};
        if (c->hour_count == HOURS_AT_ONCE) e = adopt(c);
    }
    return e;
}

/* --- devices ---------------------------------------------------------------------------------- */

/* What retention has forgotten is forgotten there too, before anything is written. */
static enum err take_edges(struct copy *c, int64_t org)
{
    uint64_t dropped = 0;
    struct copy_job *j = c->job;
    if (c->org == org) return ERR_OK;
    enum err e = j->from->ops->edges(j->from, org, &c->raw_ns, &c->rollup_ns);
    if (e) return failed(c, e, "the source");
    if (c->raw_ns != INT64_MIN || c->rollup_ns != INT64_MIN)
        e = telemetry_retain(j->to, org, c->raw_ns, c->rollup_ns, &dropped);
    if (e) return failed(c, e, "the target");
    c->org = org;
    return ERR_OK;
}

static enum err copy_series(struct copy *c, const struct copy_device *d, const int64_t *series,
                            size_t n)
{
    struct copy_job *j = c->job;
    size_t width = device_scan_width(j->from), from = 0;
    enum err e = ERR_OK;
    for (int64_t group = 0; from < n && !e; group++) {
        size_t count = n - from < width ? n - from : width;
        if (group >= j->at.group) {
            j->at.group = group;
            e = copy_group(c, d, series + from, count, j->at.ts_ns, INT64_MAX);
            if (!e) j->at.ts_ns = INT64_MIN;
        }
        from += count;
    }
    for (size_t i = 0; i < n && !e && c->raw_ns != INT64_MIN; i++)
        e = copy_hours_of(c, d, series[i]);
    return e;
}

static enum err copy_device(struct copy *c, const struct copy_device *d)
{
    struct copy_job *j = c->job;
    int64_t *series = NULL;
    size_t n = 0;
    if (j->at.org != d->org || j->at.device != d->device)
        j->at = (struct copy_position){d->org, d->device, 0, INT64_MIN};
    enum err e = take_edges(c, d->org);
    if (e) return e;
    e = copy_source_series(j->catalog, d, &series, &n);
    if (e) return failed(c, e, "the source's catalog");
    e = copy_series(c, d, series, n);
    mem_free(series);
    if (!e) e = adopt(c);
    if (e) return e;
    j->devices++;
    j->at.group = INT64_MAX; /* of this one nothing is left */
    return save_now_and_then(c);
}

static enum err begin(struct copy *c, struct copy_job *j, struct why *why)
{
    *c = (struct copy){.job = j, .why = why, .saved_ns = clock_mono_ns(clock_real())};
    c->hours = mem_array(HOURS_AT_ONCE, sizeof *c->hours);
    enum err e = c->hours ? copy_writer_new(&c->writer, j->to) : ERR_NOMEM;
    return e ? failed(c, e, "the copy") : ERR_OK;
}

static enum err end(struct copy *c, enum err e)
{
    if (!e) e = save(c);
    copy_writer_free(c->writer);
    copy_hours_done(&c->scratch);
    copy_hours_done(&c->there);
    mem_free(c->hours);
    return e;
}

enum err copy_points_run(struct copy_job *j, struct why *why)
{
    struct copy c;
    struct copy_source source = {.db = j->catalog};
    /* the device that was under way is taken again, from its own position */
    struct copy_device last = {j->at.org, j->at.device - 1}, d;
    enum err e = begin(&c, j, why);
    while (!e && !(e = copy_source_next(&source, last, &d))) {
        e = copy_device(&c, &d);
        if (!e && j->shown && !j->shown(j->ctx, j)) e = why_say(why, ERR_CLOSED, "interrupted");
    }
    if (e && e != ERR_END) e = failed(&c, e, "the source's catalog");
    return end(&c, e == ERR_END ? ERR_OK : e);
}

/* --- catching up ------------------------------------------------------------------------------ */

struct odd_hours {  /* of which the stores say different things, of any series of a device */
    int64_t *hours; /* owned */
    size_t n, room;
};

static enum err add_odd(struct odd_hours *o, int64_t hour_ns)
{
    if (o->n && o->hours[o->n - 1] == hour_ns) return ERR_OK;
    if (o->n == o->room) {
        size_t room = o->room ? o->room * 2 : 64;
        int64_t *grown = mem_realloc(o->hours, room * sizeof *grown);
        if (!grown) return ERR_NOMEM;
        o->hours = grown;
        o->room = room;
    }
    o->hours[o->n++] = hour_ns;
    return ERR_OK;
}

/* Both lists ascend. */
static enum err compare_hours(const struct copy_hours *a, const struct copy_hours *b,
                              struct odd_hours *odd)
{
    size_t i = 0, k = 0;
    enum err e = ERR_OK;
    while (!e && (i < a->n || k < b->n)) {
        int64_t left = i < a->n ? a->rows[i].hour_ns : INT64_MAX;
        int64_t right = k < b->n ? b->rows[k].hour_ns : INT64_MAX;
        bool same = left == right && copy_hours_same(&a->rows[i], &b->rows[k]);
        if (!same) e = add_odd(odd, left < right ? left : right);
        i += left <= right;
        k += right <= left;
    }
    return e;
}

static int compare_ints(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static enum err find_odd(struct copy *c, const struct copy_device *d, const int64_t *series,
                         size_t n, struct odd_hours *odd)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < n && !e; i++) {
        int64_t from = c->raw_ns == INT64_MIN ? COPY_HOURS_FROM_NS : c->raw_ns;
        const struct scan_range range = {d->org, d->device,        series[i],
                                         from,   COPY_HOURS_TO_NS, false};
        e = copy_hours_read(&c->scratch, c->job->from, &range);
        if (e) return failed(c, e, "the source");
        e = copy_hours_read(&c->there, c->job->to, &range);
        if (e) return failed(c, e, "the target");
        e = compare_hours(&c->scratch, &c->there, odd);
    }
    if (odd->n) qsort(odd->hours, odd->n, sizeof *odd->hours, compare_ints);
    return e;
}

/* Each run of hours that follow one another is one scan. */
static enum err copy_odd(struct copy *c, const struct copy_device *d, const int64_t *series,
                         size_t n, const struct odd_hours *odd)
{
    size_t width = device_scan_width(c->job->from);
    enum err e = ERR_OK;
    for (size_t at = 0, end; at < odd->n && !e; at = end) {
        for (end = at + 1; end < odd->n && odd->hours[end] - odd->hours[end - 1] <= NS_PER_HOUR;)
            end++;
        for (size_t from = 0; from < n && !e; from += n - from < width ? n - from : width)
            e = copy_group(c, d, series + from, n - from < width ? n - from : width, odd->hours[at],
                           odd->hours[end - 1] + NS_PER_HOUR);
    }
    return e;
}

static enum err catch_up_device(struct copy *c, const struct copy_device *d)
{
    struct copy_job *j = c->job;
    struct odd_hours odd = {NULL, 0, 0};
    int64_t *series = NULL;
    size_t n = 0;
    enum err e = take_edges(c, d->org);
    if (!e) e = copy_source_series(j->catalog, d, &series, &n);
    if (!e) e = find_odd(c, d, series, n, &odd);
    if (!e) e = copy_odd(c, d, series, n, &odd);
    for (size_t i = 0; i < n && !e && c->raw_ns != INT64_MIN; i++)
        e = copy_hours_of(c, d, series[i]);
    if (!e) e = adopt(c);
    mem_free(series);
    mem_free(odd.hours);
    j->devices += !e;
    return e;
}

enum err copy_points_catch_up(struct copy_job *j, struct why *why)
{
    struct copy c;
    struct copy_source source = {.db = j->catalog};
    const struct copy_device first = {INT64_MIN, 0};
    const struct copy_position at = j->at;
    enum err (*saved)(void *, const struct copy_job *) = j->saved;
    struct copy_device d;
    j->saved = NULL; /* positions mean nothing here */
    enum err e = begin(&c, j, why);
    while (!e && !(e = copy_source_next(&source, first, &d))) {
        e = catch_up_device(&c, &d);
        if (!e && j->shown && !j->shown(j->ctx, j)) e = why_say(why, ERR_CLOSED, "interrupted");
    }
    if (e && e != ERR_END) e = failed(&c, e, "catching up");
    e = end(&c, e == ERR_END ? ERR_OK : e);
    j->saved = saved;
    j->at = at;
    return e;
}

enum err copy_points_device(struct copy_job *j, int64_t org, int64_t device, struct why *why)
{
    struct copy c;
    const struct copy_device d = {org, device};
    j->at = (struct copy_position){org, device, 0, INT64_MIN};
    enum err e = begin(&c, j, why);
    if (!e) e = copy_device(&c, &d);
    return end(&c, e);
}

enum err copy_points_count_devices(struct sql_db *catalog, uint64_t *ret)
{
    struct sql_tx *tx;
    struct sql_cursor *c;
    struct sql_row row;
    int64_t n = 0;
    enum err e = sql_begin(catalog, SQL_READ, &tx);
    if (e) return e;
    e = sql_query(tx, "SELECT count(*) FROM devices", SQL_NO_ARGS, &c);
    if (!e) {
        e = sql_next(c, &row);
        if (!e) n = row.columns[0].as.i;
        sql_finish(c);
    }
    e = sql_end(tx, e);
    if (!e) *ret = (uint64_t)n;
    return e;
}
