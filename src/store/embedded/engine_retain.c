/* What is no longer to be seen: cutoffs and purges are stored in the manifest first, so that they
 * hold at once and for ever; files go when nothing in them is alive, and are rewritten by a merge
 * when more than half is dead. */
#include "base/mem.h"
#include "store/embedded/engine_state.h"
#include "store/rollup_math.h"

static int64_t whole_hour(int64_t cutoff_ns)
{
    return cutoff_ns == INT64_MIN ? INT64_MIN : rollup_hour(cutoff_ns);
}

/* Cutoffs only rise: what was hidden may be gone already. */
static void raise(int64_t *cutoff_ns, int64_t to_ns)
{
    if (to_ns > *cutoff_ns) *cutoff_ns = to_ns;
}

static enum err edit_cutoff(struct manifest *m, void *ctx)
{
    const struct manifest_cutoff *cutoff = ctx;
    size_t at = 0;
    while (at < m->cutoff_count && m->cutoffs[at].org < cutoff->org) at++;
    if (at == m->cutoff_count || m->cutoffs[at].org != cutoff->org) {
        struct manifest_cutoff *grown =
            mem_realloc(m->cutoffs, (m->cutoff_count + 1) * sizeof *grown);
        if (!grown) return ERR_NOMEM;
        m->cutoffs = grown;
        memmove(grown + at + 1, grown + at, (m->cutoff_count++ - at) * sizeof *grown);
        grown[at] = (struct manifest_cutoff){cutoff->org, INT64_MIN, INT64_MIN};
    }
    raise(&m->cutoffs[at].raw_cutoff_ns, cutoff->raw_cutoff_ns);
    raise(&m->cutoffs[at].rollup_cutoff_ns, cutoff->rollup_cutoff_ns);
    return ERR_OK;
}

/* Points of one series in a block with a time in [from, to). */
static enum err count_column(const struct block *b, const struct block_column *c, int64_t from_ns,
                             int64_t to_ns, int64_t *times, uint64_t *count)
{
    enum err e = block_read_times(b, c->time, times);
    for (uint32_t i = 0; i < c->count && !e; i++)
        if (times[i] >= from_ns && times[i] < to_ns) ++*count;
    return e;
}

static enum err count_block(const struct view_file *f, const struct segment_block *about,
                            int64_t from_ns, int64_t to_ns, uint64_t *count)
{
    struct block b = {0};
    char *bytes = mem_alloc(about->length);
    int64_t *times = mem_alloc(BLOCK_MAX_ROWS * sizeof *times);
    enum err e = bytes && times ? segment_read(f->segment, about, bytes) : ERR_NOMEM;
    if (!e) e = block_open(&b, bytes_of(bytes, about->length));
    for (uint32_t i = 0; i < b.column_count && !e; i++)
        e = count_column(&b, &b.columns[i], from_ns, to_ns, times, count);
    block_close(&b);
    mem_free(times);
    mem_free(bytes);
    return e;
}

/* Raw points of an organisation in [from, to): whole blocks by the index, the edges by their times.
 */
static enum err count_points(const struct view *v, int64_t org, int64_t from_ns, int64_t to_ns,
                             uint64_t *count)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < v->manifest.file_count && !e; i++) {
        const struct view_file *f = v->files[i];
        size_t n = 0;
        const struct segment_block *b = segment_blocks(f->segment, &n);
        if (view_file_kind(f) != SEGMENT_RAW) n = 0;
        for (; n && !e; n--, b++) {
            if (b->org != org || b->max_ns < from_ns || b->min_ns >= to_ns) continue;
            if (view_is_purged(v, org, b->device, f->id)) continue;
            if (b->min_ns >= from_ns && b->max_ns < to_ns)
                *count += b->points;
            else
                e = count_block(f, b, from_ns, to_ns, count);
        }
    }
    return e;
}

static bool is_all_dead(const struct view *v, const struct view_file *f)
{
    size_t n;
    const struct segment_block *b = segment_blocks(f->segment, &n);
    for (size_t i = 0; i < n; i++)
        if (!view_is_dead(v, f, &b[i])) return false;
    return true;
}

/* Files in which nothing is alive; the caller is inside merge and job gate. */
static enum err drop_dead_files(struct engine *e)
{
    struct view *v = view_now(&e->views);
    struct view_change change = {0};
    struct view_file **dead = mem_array(v->manifest.file_count, sizeof *dead);
    enum err result = dead ? ERR_OK : ERR_NOMEM;
    for (size_t i = 0; i < v->manifest.file_count && dead; i++)
        if (is_all_dead(v, v->files[i])) dead[change.removed_count++] = v->files[i];
    change.removed = dead;
    if (change.removed_count) result = view_commit(&e->views, &change);
    mem_free(dead);
    view_unref(&e->views, v);
    return result;
}

static enum err apply_cutoff(struct engine *e, struct manifest_cutoff *cutoff, uint64_t *ret_points)
{
    struct view_change change = {.edit = edit_cutoff, .ctx = cutoff};
    struct view *before = view_now(&e->views);
    int64_t old_ns = view_cutoff(before, cutoff->org).raw_cutoff_ns;
    uint64_t points = 0;
    enum err result = ERR_OK;
    if (cutoff->raw_cutoff_ns > old_ns)
        result = count_points(before, cutoff->org, old_ns, cutoff->raw_cutoff_ns, &points);
    view_unref(&e->views, before);
    if (!result) result = view_commit(&e->views, &change);
    if (result) return result;
    atomic_fetch_add_explicit(&e->points_dropped, points, memory_order_relaxed);
    *ret_points = points;
    return drop_dead_files(e);
}

enum err engine_retain(struct telemetry *t, int64_t org, int64_t raw_cutoff_ns,
                       int64_t rollup_cutoff_ns, uint64_t *ret_points)
{
    struct engine *e = engine_of(t);
    struct manifest_cutoff cutoff = {org, whole_hour(raw_cutoff_ns), whole_hour(rollup_cutoff_ns)};
    struct view *v = view_now(&e->views);
    struct manifest_cutoff now = view_cutoff(v, org);
    view_unref(&e->views, v);
    if (cutoff.raw_cutoff_ns <= now.raw_cutoff_ns &&
        cutoff.rollup_cutoff_ns <= now.rollup_cutoff_ns) {
        *ret_points = 0;
        return ERR_OK;
    }
    /* Sealed first, so that what is counted, and hidden, is all in blocks. */
    enum err result = engine_seal(t);
    if (result) return result;
    gate_enter(&e->merge_gate);
    gate_enter(&e->job_gate);
    result = apply_cutoff(e, &cutoff, ret_points);
    gate_leave(&e->job_gate);
    for (bool done = true; !result && done;) result = engine_merge_due(e, &done);
    gate_leave(&e->merge_gate);
    return result;
}

static enum err edit_purge(struct manifest *m, void *ctx)
{
    const struct manifest_purge *purge = ctx;
    struct manifest_purge *grown = mem_realloc(m->purges, (m->purge_count + 1) * sizeof *grown);
    if (!grown) return ERR_NOMEM;
    m->purges = grown;
    m->purges[m->purge_count++] = *purge;
    return ERR_OK;
}

/* Inside the write gate no group is half way between log and heads. */
static enum err purge_inside_gates(struct engine *e, int64_t org, int64_t device)
{
    struct manifest_purge purge = {org, device, view_take_file_id(&e->views), wal_next_lsn(e->wal)};
    struct view_change change = {.edit = edit_purge, .ctx = &purge};
    gate_enter(&e->write_gate);
    purge.before_lsn = wal_next_lsn(e->wal);
    enum err result = view_commit(&e->views, &change);
    if (!result) head_forget_device(e->head, org, device);
    gate_leave(&e->write_gate);
    return result;
}

enum err engine_purge_device(struct telemetry *t, int64_t org, int64_t device)
{
    struct engine *e = engine_of(t);
    gate_enter(&e->merge_gate);
    gate_enter(&e->job_gate);
    enum err result = purge_inside_gates(e, org, device);
    if (!result) result = drop_dead_files(e);
    gate_leave(&e->job_gate);
    gate_leave(&e->merge_gate);
    return result;
}
