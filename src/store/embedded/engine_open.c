/* Start: last values from the rollup rows (far fewer than points), then the log over them. */
#include "base/mem.h"
#include "store/embedded/engine_state.h"
#include "store/embedded/rollup_rows.h"

static enum err damaged(struct engine *e, const struct view_file *f, const struct segment_block *b,
                        enum err why_e, struct why *why)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, f->id);
    return why_say(why, why_e == ERR_INVALID ? ERR_CORRUPT : why_e, "%s/%s, offset %llu: %s",
                   e->dir, name, (unsigned long long)b->offset, err_sentence(why_e));
}

static enum err latest_of_block(struct engine *e, const struct view_file *f,
                                const struct segment_block *b, struct rollup_list *scratch)
{
    scratch->count = 0;
    enum err result = rollup_list_add_block(scratch, f->segment, b);
    for (size_t i = 0; i < scratch->count && !result; i++) {
        const struct block_rollup_row *row = &scratch->rows[i];
        result = head_set_latest(e->head, b->org, b->device, row->series,
                                 (struct sample){row->rollup.last_ns, row->rollup.last});
    }
    return result;
}

/* Oldest file first, so that of equal times the newest stays. */
static enum err load_latest(struct engine *e, struct why *why)
{
    struct rollup_list scratch = {0};
    struct view *v = view_now(&e->views);
    enum err result = ERR_OK;
    for (size_t i = 0; i < v->manifest.file_count && !result; i++) {
        const struct view_file *f = v->files[i];
        size_t n = 0;
        if (view_file_kind(f) != SEGMENT_ROLLUP) continue;
        const struct segment_block *b = segment_blocks(f->segment, &n);
        for (; n && !result; n--, b++) {
            if (view_is_purged(v, b->org, b->device, f->id)) continue;
            result = latest_of_block(e, f, b, &scratch);
            if (result) damaged(e, f, b, result, why);
        }
    }
    view_unref(&e->views, v);
    rollup_list_done(&scratch);
    return result == ERR_INVALID ? ERR_CORRUPT : result;
}

struct replay {
    struct engine *engine;
    struct point *points; /* owned */
    size_t room;
    struct why *why;
};

static enum err read_points(struct replay *r, struct wal_reader *reader, size_t n)
{
    if (n > r->room) {
        mem_free(r->points);
        r->room = 0;
        r->points = mem_array(n, sizeof *r->points);
        if (!r->points) return ERR_NOMEM;
        r->room = n;
    }
    for (size_t i = 0; i < n; i++) {
        enum err e = wal_record_point(reader, &r->points[i]);
        if (e) return e;
    }
    return ERR_OK;
}

/* Was the device forgotten after this group was logged? */
static bool is_purged(const struct engine *e, const struct record *record, uint64_t lsn)
{
    const struct manifest *m = &e->views.now->manifest;
    for (size_t i = 0; i < m->purge_count; i++)
        if (m->purges[i].org == record->org && m->purges[i].device == record->device &&
            lsn < m->purges[i].before_lsn)
            return true;
    return false;
}

/* A log that is larger than the heads may be: seals on the way. Groups below lsn are applied. */
static enum err make_room(struct engine *e, uint64_t lsn)
{
    struct head_figures figures = head_figures(e->head);
    if (figures.active_bytes < engine_head_limit(e)) return ERR_OK;
    e->frozen_lsn = lsn;
    engine_freeze(e);
    return engine_flush_frozen(e);
}

static enum err apply(void *ctx, uint64_t lsn, struct wal_reader *reader)
{
    struct replay *r = ctx;
    struct record record;
    enum err e = make_room(r->engine, lsn);
    while (!e && !(e = wal_record_next(reader, &record))) {
        e = read_points(r, reader, record.count);
        if (e || is_purged(r->engine, &record, lsn)) continue;
        struct record_set set = {&record, 1, r->points, record.count};
        const struct record_set *sets[] = {&set};
        e = engine_apply(r->engine, sets, 1, NULL);
        if (e == ERR_INVALID) e = ERR_CORRUPT; /* such a record is not logged */
    }
    return e == ERR_END ? ERR_OK : e;
}

enum err engine_load(struct engine *e, struct why *why)
{
    enum err result = load_latest(e, why);
    if (result) return result;
    struct replay r = {.engine = e, .why = why};
    const struct wal_opts opts = {e->dir, e->opts.fs, e->opts.clock, e->opts.wal_segment_bytes};
    result = wal_open(&e->wal, &opts, e->views.now->manifest.replay_lsn, apply, &r, why);
    mem_free(r.points);
    return result;
}
