/* Hourly rollups of a series: the stored row where all points of the hour are sealed, made from the
 * raw points where the heads hold some of it. */
#include "base/mem.h"
#include "store/embedded/engine_state.h"
#include "store/embedded/rollup_rows.h"
#include "store/rollup_math.h"

/* What one call works with: one moment of heads and files. */
struct request {
    struct scan_range range; /* whole hours */
    struct view *view;
    struct sample *head; /* owned */
    size_t head_count;
    int64_t raw_cutoff_ns;
    struct rollup_list rows;
};

static int64_t hour_at_or_after(int64_t ns)
{
    int64_t hour = rollup_hour(ns);
    if (hour >= ns) return hour;
    return hour > INT64_MAX - NS_PER_HOUR ? INT64_MAX : hour + NS_PER_HOUR;
}

static enum err load_rows(struct request *r)
{
    struct rollup_rows rows;
    enum err e = rollup_rows_load(&rows, r->view, r->range.org, r->range.device, r->range.series,
                                  r->range.from_ns, r->range.to_ns);
    if (e) return e;
    r->rows = (struct rollup_list){rows.rows, rows.count, rows.count};
    return ERR_OK;
}

/* The hour of head[at .. end) from its raw points. */
static enum err remake(struct request *r, size_t at, size_t end)
{
    struct scan_range range = r->range;
    struct cursor *cursor = NULL;
    struct sample *all = NULL, *fresh = mem_alloc((end - at) * sizeof *fresh);
    size_t n = 0;
    if (!fresh) return ERR_NOMEM;
    memcpy(fresh, r->head + at, (end - at) * sizeof *fresh);
    range.from_ns = rollup_hour(fresh[0].ts_ns);
    range.to_ns = range.from_ns + NS_PER_HOUR;
    enum err e = cursor_open(&cursor, r->view, &range, fresh, end - at);
    if (!e) e = cursor_read_all(cursor, &all, &n);
    if (!e && n) {
        struct block_rollup_row row = {range.series, rollup_of(all, n)};
        e = rollup_list_add(&r->rows, &row, 1);
    }
    cursor_close(cursor);
    mem_free(all);
    return e;
}

static enum err remake_marked(struct request *r)
{
    enum err e = ERR_OK;
    for (size_t at = 0, end; at < r->head_count && !e; at = end) {
        int64_t hour = rollup_hour(r->head[at].ts_ns);
        for (end = at + 1; end < r->head_count && r->head[end].ts_ns - hour < NS_PER_HOUR;) end++;
        /* Older points are hidden, also where they are not dropped yet. */
        if (hour >= r->raw_cutoff_ns) e = remake(r, at, end);
    }
    return e;
}

static enum err collect(struct request *r)
{
    enum err e = load_rows(r);
    if (!e) e = remake_marked(r);
    return e ? e : rollup_list_order(&r->rows); /* the remade row was added last: it stays */
}

enum err engine_rollups(struct telemetry *t, const struct scan_range *range, struct rollup *ret,
                        size_t cap, size_t *ret_n)
{
    struct engine *e = engine_of(t);
    struct request r = {.range = *range};
    r.range.descending = false;
    r.range.from_ns = hour_at_or_after(range->from_ns);
    r.range.to_ns = rollup_hour(range->to_ns);
    if (r.range.from_ns >= r.range.to_ns) {
        *ret_n = 0;
        return ERR_OK;
    }
    r.view = view_now(&e->views);
    struct manifest_cutoff cutoff = view_cutoff(r.view, range->org);
    if (r.range.from_ns < cutoff.rollup_cutoff_ns) r.range.from_ns = cutoff.rollup_cutoff_ns;
    view_unref(&e->views, r.view);
    r.raw_cutoff_ns = cutoff.raw_cutoff_ns;
    /* Heads before files, as in a scan. */
    enum err result = head_copy(e->head, range->org, range->device, range->series, r.range.from_ns,
                                r.range.to_ns, &r.head, &r.head_count);
    r.view = view_now(&e->views);
    if (!result) result = collect(&r);
    if (!result && r.rows.count > cap) result = ERR_TOOLARGE;
    if (!result) {
        for (size_t i = 0; i < r.rows.count; i++) ret[i] = r.rows.rows[i].rollup;
        *ret_n = r.rows.count;
    }
    view_unref(&e->views, r.view);
    mem_free(r.head);
    rollup_list_done(&r.rows);
    return result;
}
