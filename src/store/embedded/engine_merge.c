/* Rewriting small neighbours into one file, and files of which most is dead into a smaller one.
 *
 * Neighbours in age order only, so that the result takes their place and "the newest wins" keeps
 * its meaning. Inside of it a device's blocks stand oldest first, which is what V2 needs. Blocks
 * that are large already are copied as bytes; runs of small ones are decoded and joined, at most
 * RUN_POINTS at a time, which bounds the memory whatever the files hold. Flushing goes on
 * meanwhile: it only adds files. */
#include "base/mem.h"
#include "store/embedded/device_columns.h"
#include "store/embedded/engine_state.h"
#include "store/embedded/merge_run.h"

#include <stdlib.h>

#define MERGE_FILES_MIN 4 /* fewer neighbours are left alone */
#define MERGE_FILES_MAX 64
#define MERGE_BYTES_MAX (UINT64_C(128) << 20) /* of the result, about */

/* Whose turn it is among the devices of all inputs. */
struct turn {
    const struct segment_block *blocks; /* of one input, from `at` on */
    size_t n, at;
};

struct merge {
    struct view *view;
    struct view_file *inputs[MERGE_FILES_MAX]; /* oldest first */
    size_t input_count;
    struct turn turns[MERGE_FILES_MAX];
    struct merge_run run;
};

static bool before(const struct segment_block *a, const struct segment_block *b)
{
    return a->org != b->org ? a->org < b->org : a->device < b->device;
}

/* The smallest device not done yet; NULL at the end. */
static const struct segment_block *next_device(struct merge *m)
{
    const struct segment_block *least = NULL;
    for (size_t i = 0; i < m->input_count; i++) {
        const struct turn *t = &m->turns[i];
        if (t->at < t->n && (!least || before(&t->blocks[t->at], least))) least = &t->blocks[t->at];
    }
    return least;
}

static enum err merge_device(struct merge *m, int64_t org, int64_t device)
{
    enum err e = ERR_OK;
    merge_run_device(&m->run, org, device);
    for (size_t i = 0; i < m->input_count && !e; i++) {
        const struct segment_block **blocks;
        size_t n;
        e = view_device_blocks(m->inputs[i], org, device, &blocks, &n);
        m->turns[i].at += e ? 0 : n;
        for (size_t k = 0; k < n && !e; k++)
            if (!view_is_dead(m->view, m->inputs[i], blocks[k]))
                e = merge_run_add(&m->run, m->inputs[i]->segment, blocks[k]);
        mem_free(blocks);
    }
    return e ? e : merge_run_flush(&m->run);
}

static enum err merge_all(struct merge *m)
{
    const struct segment_block *next;
    for (size_t i = 0; i < m->input_count; i++)
        m->turns[i].blocks = segment_blocks(m->inputs[i]->segment, &m->turns[i].n);
    while ((next = next_device(m))) {
        enum err e = merge_device(m, next->org, next->device);
        if (e) return e;
    }
    return ERR_OK;
}

/* Writes the result and puts it in the inputs' place. */
static enum err rewrite(struct engine *e, struct merge *m)
{
    struct view_change change = {.removed = m->inputs, .removed_count = m->input_count};
    struct segment_info info;
    bool any = false;
    enum err result = merge_run_init(&m->run, m->view, e->opts.fs, e->dir,
                                     view_take_file_id(&e->views), view_file_kind(m->inputs[0]));
    if (!result) result = merge_all(m);
    if (!result) result = block_out_finish(&m->run.out, &info, &any);
    if (!result && any) result = view_open_file(&e->views, &info, &change.added[0]);
    merge_run_done(&m->run);
    if (result) return result;
    gate_enter(&e->job_gate);
    result = view_commit(&e->views, &change);
    gate_leave(&e->job_gate);
    if (!result) atomic_fetch_add_explicit(&e->merges, 1, memory_order_relaxed);
    return result;
}

/* More than half of its points are dead? */
static bool is_mostly_dead(const struct view *v, const struct view_file *f)
{
    uint64_t all = 0, dead = 0;
    size_t n;
    const struct segment_block *b = segment_blocks(f->segment, &n);
    for (size_t i = 0; i < n; i++) {
        all += b[i].points;
        if (view_is_dead(v, f, &b[i])) dead += b[i].points;
    }
    return dead > all / 2;
}

static bool pick_dead(struct merge *m)
{
    for (size_t i = 0; i < m->view->manifest.file_count; i++)
        if (is_mostly_dead(m->view, m->view->files[i])) {
            m->inputs[0] = m->view->files[i];
            m->input_count = 1;
            return true;
        }
    return false;
}

/* From the newest back, as long as each file is at most twice the ones behind it together: every
 * point is rewritten a logarithmic number of times (O'Neil et al., The LSM-tree, 1996). */
static bool pick_small(struct merge *m, enum segment_kind kind)
{
    uint64_t sum = 0;
    size_t n = 0;
    for (size_t i = m->view->manifest.file_count; i-- && n < MERGE_FILES_MAX;) {
        struct view_file *f = m->view->files[i];
        uint64_t bytes = m->view->manifest.files[i].bytes;
        if (view_file_kind(f) != kind) continue;
        if (sum + bytes > MERGE_BYTES_MAX || (n && bytes > 2 * sum)) break;
        m->inputs[n++] = f;
        sum += bytes;
    }
    if (n < MERGE_FILES_MIN) return false;
    for (size_t i = 0; i < n / 2; i++) { /* oldest first */
        struct view_file *swap = m->inputs[i];
        m->inputs[i] = m->inputs[n - 1 - i];
        m->inputs[n - 1 - i] = swap;
    }
    m->input_count = n;
    return true;
}

enum err engine_merge_due(struct engine *e, bool *ret_done)
{
    struct merge *m = mem_zalloc(sizeof *m);
    if (!m) return ERR_NOMEM;
    m->view = view_now(&e->views);
    bool due = pick_dead(m) || pick_small(m, SEGMENT_RAW) || pick_small(m, SEGMENT_ROLLUP);
    enum err result = due ? rewrite(e, m) : ERR_OK;
    view_unref(&e->views, m->view);
    mem_free(m);
    if (!result) *ret_done = due;
    return result;
}

enum err engine_maintain(struct telemetry *t)
{
    struct engine *e = engine_of(t);
    bool done;
    enum err result = engine_work(e);
    if (!gate_try(&e->merge_gate)) return result; /* somebody is at it */
    enum err merged = engine_merge_due(e, &done);
    gate_leave(&e->merge_gate);
    return result ? result : merged;
}
