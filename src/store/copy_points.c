/* Copying (see copy_points.h). */
#include "store/copy_points.h"

#include "base/clock.h"
#include "base/mem.h"
#include "store/copy_hours.h"
#include "store/copy_source.h"
#include "store/copy_writer.h"
#include "store/device_scan.h"

enum { HOURS_AT_ONCE = 20000, SHOW_EVERY = 4096 };
#define SAVE_EVERY_NS (2 * NS_PER_S)

struct copy {
    struct copy_job *job;
    struct copy_writer *writer;
    struct why *why;
    int64_t saved_ns;             /* monotonic */
    struct telemetry_hour *hours; /* HOURS_AT_ONCE of them, owned */
    size_t hour_count;
    struct copy_hours scratch;
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
                           size_t n)
{
    struct scan_range range = {d->org, d->device, 0, c->job->at.ts_ns, INT64_MAX, false};
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
            e = copy_group(c, d, series + from, count);
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
