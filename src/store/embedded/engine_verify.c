/* Looking at everything without changing anything: checksums of manifest, segments and log, then
 * whether the hourly rollups say what the raw points say. */
#include "base/mem.h"
#include "store/embedded/cursor.h"
#include "store/embedded/engine.h"
#include "store/embedded/rollup_rows.h"
#include "store/embedded/view.h"
#include "store/embedded/wal.h"
#include "store/rollup_math.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct verify {
    const char *dir;
    const struct fs *fs;
    engine_report report;
    void *ctx;
    bool damaged;
};

/* The number behind "offset " in a sentence that names one, else 0. */
static int64_t offset_in(const char *text)
{
    const char *at = strstr(text, "offset ");
    return at ? strtoll(at + 7, NULL, 10) : 0;
}

/* What such a sentence says after its file and offset, which are reported beside it. */
static const char *after_offset(const char *text)
{
    const char *at = strstr(text, "offset ");
    const char *end = at ? strstr(at, ": ") : NULL;
    return end ? end + 2 : text;
}

/* Damage is reported and passed over; anything else ends the look. */
static enum err note(struct verify *v, enum err e, const char *file, const struct why *why)
{
    if (e != ERR_CORRUPT && e != ERR_VERSION && e != ERR_NOTFOUND) return e;
    v->damaged = true;
    v->report(v->ctx, file, offset_in(why->text),
              why->text[0] ? after_offset(why->text) : err_sentence(e));
    return ERR_OK;
}

static enum err verify_segments(struct verify *v, const struct manifest *m)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < m->file_count && !e; i++) {
        char name[SEGMENT_NAME_BYTES];
        struct why why = {""};
        segment_name(name, m->files[i].id);
        e = note(v, segment_verify(v->fs, v->dir, m->files[i].id, &m->files[i], &why), name, &why);
    }
    return e;
}

static bool is_near(double a, double b, double scale)
{
    /* 1e-9 of what was added up: far above rounding, far below any lost point. */
    return a == b || fabs(a - b) <= 1e-9 * scale || (isnan(a) && isnan(b));
}

static bool is_same(const struct rollup *a, const struct rollup *b)
{
    double reach = fmax(fabs(b->min), fabs(b->max)), n = (double)b->count;
    return a->count == b->count && a->min == b->min && a->max == b->max && a->first == b->first &&
           a->last == b->last && a->first_ns == b->first_ns && a->last_ns == b->last_ns &&
           is_near(a->sum, b->sum, reach * n) && is_near(a->m2, b->m2, reach * reach * n);
}

/* Compares the rows of one series, rows[0 .. n), with its raw points. */
static enum err compare_series(struct verify *v, const struct view *view,
                               const struct scan_range *range, const struct block_rollup_row *rows,
                               size_t n)
{
    struct cursor *cursor = NULL;
    struct sample *all = NULL;
    size_t count = 0, row = 0;
    enum err e = cursor_open(&cursor, view, range, NULL, 0);
    if (!e) e = cursor_read_all(cursor, &all, &count);
    bool same = true;
    for (size_t at = 0, end; at < count && !e && same; at = end, row++) {
        int64_t hour = rollup_hour(all[at].ts_ns);
        for (end = at + 1; end < count && all[end].ts_ns - hour < NS_PER_HOUR;) end++;
        struct rollup is = rollup_of(all + at, end - at);
        same = row < n && rows[row].rollup.hour_ns == hour && is_same(&rows[row].rollup, &is);
    }
    same = same && row == n;
    cursor_close(cursor);
    mem_free(all);
    if (e || same) return e;
    struct why why;
    why_say(&why, ERR_CORRUPT, "the rollups of series %lld differ from its points",
            (long long)range->series);
    return note(v, ERR_CORRUPT, MANIFEST_NAME, &why);
}

static enum err compare_device(struct verify *v, const struct view *view, int64_t org,
                               int64_t device)
{
    struct rollup_rows rows = {0};
    int64_t from = view_cutoff(view, org).raw_cutoff_ns;
    enum err e = rollup_rows_load(&rows, view, org, device, 0, from, INT64_MAX);
    for (size_t at = 0, end; at < rows.count && !e; at = end) {
        int64_t series = rows.rows[at].series;
        struct scan_range range = {org, device, series, from, INT64_MAX, false};
        for (end = at + 1; end < rows.count && rows.rows[end].series == series;) end++;
        e = compare_series(v, view, &range, rows.rows + at, end - at);
    }
    rollup_rows_done(&rows);
    return e;
}

/* Each device at the last file that has it. */
static bool has_later(const struct view *view, size_t file, const struct segment_block *b)
{
    for (size_t i = file + 1; i < view->manifest.file_count; i++) {
        size_t n = 0;
        if (view_file_kind(view->files[i]) == SEGMENT_ROLLUP)
            segment_find(view->files[i]->segment, b->org, b->device, &n);
        if (n) return true;
    }
    return false;
}

static enum err compare_rollups(struct verify *v, const struct view *view)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < view->manifest.file_count && !e; i++) {
        size_t n = 0;
        const struct segment_block *b = segment_blocks(view->files[i]->segment, &n);
        if (view_file_kind(view->files[i]) != SEGMENT_ROLLUP) n = 0;
        for (size_t k = 0; k < n && !e; k++) {
            bool again = k && b[k].org == b[k - 1].org && b[k].device == b[k - 1].device;
            if (!again && !has_later(view, i, &b[k]))
                e = compare_device(v, view, b[k].org, b[k].device);
        }
    }
    return e;
}

static enum err verify_log(struct verify *v, uint64_t replay_lsn)
{
    struct why why = {""};
    int64_t at = 0;
    enum err e = wal_verify(v->dir, v->fs, replay_lsn, &why, &at);
    if (e != ERR_CORRUPT && e != ERR_VERSION) return e;
    v->damaged = true;
    v->report(v->ctx, "the log", at, why.text);
    return ERR_OK;
}

enum err engine_verify(const char *dir, const struct fs *fs, engine_report report, void *ctx)
{
    struct verify v = {dir, fs, report, ctx, false};
    struct manifest m = {0};
    struct view_set views = {0};
    struct why why = {""};
    enum err e = manifest_load(&m, fs, dir, &why);
    if (e == ERR_NOTFOUND) return e;
    if (e) {
        e = note(&v, e, MANIFEST_NAME, &why);
        return e ? e : ERR_CORRUPT;
    }
    e = verify_segments(&v, &m);
    if (!e) e = verify_log(&v, m.replay_lsn);
    /* Damaged files can not be compared. */
    if (!e && !v.damaged) e = view_set_open(&views, fs, dir, true, &why);
    if (!e && !v.damaged) e = compare_rollups(&v, views.now);
    view_set_close(&views);
    manifest_done(&m);
    if (e) return e;
    return v.damaged ? ERR_CORRUPT : ERR_OK;
}
