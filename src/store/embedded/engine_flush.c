/* Turning the frozen heads into blocks and hourly rollups, one device at a time.
 *
 * The invariant that rollups live by: the newest row of (series, hour) over all rollup files equals
 * the aggregate of all points of that hour in all raw files. So a flush that adds points to an hour
 * also adds a row: joined to the row there is, when all its points are later; made again from the
 * raw points otherwise. Raw file, rollup file and manifest become visible together. */
#include "base/mem.h"
#include "store/embedded/device_columns.h"
#include "store/embedded/engine_state.h"
#include "store/embedded/rollup_rows.h"
#include "store/embedded/sample_sort.h"
#include "store/rollup_math.h"

struct flush {
    struct engine *engine;
    struct view *view;
    struct block_out raw, rollup;
    struct device_columns columns;
    struct rollup_list rows; /* of the device at hand */
    struct rollup_rows prior;
    struct manifest_cutoff cutoff;
};

/* The row of an hour from scratch: what is sealed, with the new samples on top. */
static enum err remake(struct flush *f, const struct head_series *s, const struct sample *samples,
                       size_t n, struct rollup *ret)
{
    int64_t hour = rollup_hour(samples[0].ts_ns);
    struct scan_range range = {s->org, s->device, s->series, hour, hour + NS_PER_HOUR, false};
    struct sample *fresh = mem_alloc(n * sizeof *fresh), *all = NULL;
    struct cursor *cursor = NULL;
    size_t count = 0;
    if (!fresh) return ERR_NOMEM;
    memcpy(fresh, samples, n * sizeof *fresh);
    enum err e = cursor_open(&cursor, f->view, &range, fresh, n);
    if (!e) e = cursor_read_all(cursor, &all, &count);
    if (!e) *ret = rollup_of(all, count);
    cursor_close(cursor);
    mem_free(all);
    return e;
}

/* Adds the rows of one series' samples, hour by hour. */
static enum err add_rows(struct flush *f, const struct head_series *s, const struct sample *samples,
                         size_t n)
{
    for (size_t at = 0, end; at < n; at = end) {
        int64_t hour = rollup_hour(samples[at].ts_ns);
        for (end = at + 1; end < n && samples[end].ts_ns - hour < NS_PER_HOUR;) end++;
        if (hour < view_rollup_floor(&f->cutoff)) continue;
        struct block_rollup_row row = {.series = s->series};
        const struct rollup *before = rollup_rows_find(&f->prior, s->series, hour);
        enum err e = ERR_OK;
        if (before && samples[at].ts_ns <= before->last_ns) {
            e = remake(f, s, samples + at, end - at, &row.rollup);
        } else {
            row.rollup = rollup_of(samples + at, end - at);
            if (before) {
                struct rollup joined = *before;
                rollup_join(&joined, &row.rollup);
                row.rollup = joined;
            }
        }
        if (!e) e = rollup_list_add(&f->rows, &row, 1);
        if (e) return e;
    }
    return ERR_OK;
}

/* The series' frozen samples, sorted and unique, without what retention hides. */
static enum err read_series(struct flush *f, const struct head_series *s, const struct sample **ret,
                            size_t *ret_n)
{
    struct sample *samples = device_columns_scratch(&f->columns, s->count);
    if (!samples) return ERR_NOMEM;
    head_read_frozen(f->engine->head, s->series, samples);
    size_t n = sample_sort_unique(samples, s->count, samples + s->count), hidden = 0;
    while (hidden < n && samples[hidden].ts_ns < f->cutoff.raw_cutoff_ns) hidden++;
    *ret = samples + hidden;
    *ret_n = n - hidden;
    return ERR_OK;
}

/* Loads the rows that the device's new samples may have to be joined to. */
static enum err load_prior(struct flush *f, const struct head_series *first)
{
    int64_t min_ns = INT64_MAX, max_ns = INT64_MIN;
    for (size_t i = 0; i < f->columns.count; i++) {
        const struct block_input *c = &f->columns.inputs[i];
        if (c->ts_ns[0] < min_ns) min_ns = c->ts_ns[0];
        if (c->ts_ns[c->count - 1] > max_ns) max_ns = c->ts_ns[c->count - 1];
    }
    rollup_rows_done(&f->prior);
    if (min_ns > max_ns) return ERR_OK;
    int64_t to = max_ns < INT64_MAX - NS_PER_HOUR ? rollup_hour(max_ns) + NS_PER_HOUR : INT64_MAX;
    return rollup_rows_load(&f->prior, f->view, first->org, first->device, 0, rollup_hour(min_ns),
                            to);
}

static enum err flush_rollups(struct flush *f, const struct head_series *series, size_t n)
{
    enum err e = load_prior(f, series);
    f->rows.count = 0;
    for (size_t i = 0; i < n && !e; i++) {
        const struct sample *samples;
        size_t count;
        e = read_series(f, &series[i], &samples, &count);
        if (!e) e = add_rows(f, &series[i], samples, count);
    }
    if (!e && f->rows.count)
        e = block_out_rollups(&f->rollup, series->org, series->device, f->rows.rows, f->rows.count);
    return e;
}

static enum err flush_device(struct flush *f, const struct head_series *series, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) total += series[i].count;
    f->cutoff = view_cutoff(f->view, series->org);
    enum err e = device_columns_reset(&f->columns, n, total);
    for (size_t i = 0; i < n && !e; i++) {
        const struct sample *samples;
        size_t count;
        e = read_series(f, &series[i], &samples, &count);
        if (!e) device_columns_add(&f->columns, series[i].series, samples, count);
    }
    if (!e) e = flush_rollups(f, series, n);
    /* Last, because it moves the columns along. */
    if (!e)
        e = block_out_samples(&f->raw, series->org, series->device, f->columns.inputs,
                              f->columns.count);
    return e;
}

static enum err flush_all(struct flush *f)
{
    struct head_series *series = NULL;
    size_t n = 0;
    enum err e = head_list_frozen(f->engine->head, &series, &n);
    for (size_t at = 0, end; at < n && !e; at = end) {
        for (end = at + 1; end < n && series[end].org == series[at].org &&
                           series[end].device == series[at].device;)
            end++;
        e = flush_device(f, series + at, end - at);
    }
    mem_free(series);
    return e;
}

/* Ends a file and opens it for reading; *ret stays NULL when nothing was written. */
static enum err finish(struct flush *f, struct block_out *out, struct view_file **ret)
{
    struct segment_info info;
    bool any;
    enum err e = block_out_finish(out, &info, &any);
    if (e || !any) return e;
    return view_open_file(&f->engine->views, &info, ret);
}

static enum err flush_to_files(struct flush *f, struct view_change *change)
{
    struct engine *engine = f->engine;
    enum err e = block_out_init(&f->raw, engine->opts.fs, engine->dir,
                                view_take_file_id(&engine->views), SEGMENT_RAW);
    if (!e)
        e = block_out_init(&f->rollup, engine->opts.fs, engine->dir,
                           view_take_file_id(&engine->views), SEGMENT_ROLLUP);
    if (!e) e = flush_all(f);
    if (!e) e = finish(f, &f->raw, &change->added[0]);
    if (!e) e = finish(f, &f->rollup, &change->added[1]);
    if (e) view_drop_added(&engine->views, change);
    block_out_done(&f->raw);
    block_out_done(&f->rollup);
    device_columns_done(&f->columns);
    rollup_list_done(&f->rows);
    rollup_rows_done(&f->prior);
    return e;
}

static void settle(struct engine *e, enum err result)
{
    lock_take(&e->lock);
    e->flush_err = result;
    if (!result) e->frozen = false;
    cond_broadcast(&e->changed);
    lock_release(&e->lock);
}

enum err engine_flush_frozen(struct engine *e)
{
    lock_take(&e->lock);
    bool due = e->frozen;
    uint64_t lsn = e->frozen_lsn;
    lock_release(&e->lock);
    if (!due) return ERR_OK;
    struct flush f = {.engine = e, .view = view_now(&e->views)};
    struct view_change change = {.replay_lsn = lsn};
    enum err result = flush_to_files(&f, &change);
    view_unref(&e->views, f.view);
    if (!result) result = view_commit(&e->views, &change);
    if (!result) {
        /* The blocks are shown from the commit on, so no reader misses what is dropped here. */
        head_drop_frozen(e->head);
        if (e->wal) wal_trim(e->wal, lsn);
        atomic_fetch_add_explicit(&e->flushes, 1, memory_order_relaxed);
    }
    settle(e, result);
    return result;
}
