/* Joining blocks (see merge_run.h). */
#include "store/embedded/merge_run.h"

#include "base/mem.h"
#include "store/embedded/sample_sort.h"

#include <stdlib.h>
#include <string.h>

/* The blocks of a run, open together. */
struct opened {
    struct block *blocks; /* owned */
    char *bytes;          /* owned; all of them */
    int64_t *series;      /* owned; of all blocks, ascending, each once */
    size_t series_count, count;
    uint64_t samples;
};

enum err merge_run_init(struct merge_run *r, const struct view *v, const struct fs *fs,
                        const char *dir, uint64_t id, enum segment_kind kind)
{
    r->view = v;
    r->count = 0;
    r->points = 0;
    device_columns_init(&r->columns);
    return block_out_init(&r->out, fs, dir, id, kind);
}

void merge_run_done(struct merge_run *r)
{
    block_out_done(&r->out);
    device_columns_done(&r->columns);
}

void merge_run_device(struct merge_run *r, int64_t org, int64_t device)
{
    r->org = org;
    r->device = device;
    r->cutoff = view_cutoff(r->view, org);
}

static void opened_done(struct opened *o)
{
    for (size_t i = 0; i < o->count; i++) block_close(&o->blocks[i]);
    mem_free(o->blocks);
    mem_free(o->bytes);
    mem_free(o->series);
}

static int by_series(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static enum err list_series(struct opened *o)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < o->count; i++) n += o->blocks[i].column_count;
    o->series = mem_array(n, sizeof *o->series);
    if (!o->series) return ERR_NOMEM;
    n = 0;
    for (size_t i = 0; i < o->count; i++)
        for (uint32_t k = 0; k < o->blocks[i].column_count; k++)
            o->series[n++] = o->blocks[i].columns[k].series;
    qsort(o->series, n, sizeof *o->series, by_series);
    for (size_t i = 0; i < n; i++)
        if (!kept || o->series[kept - 1] != o->series[i]) o->series[kept++] = o->series[i];
    o->series_count = kept;
    return ERR_OK;
}

static enum err open_run(const struct merge_run *r, struct opened *o)
{
    size_t bytes = 0;
    for (size_t i = 0; i < r->count; i++) bytes += r->inputs[i].block->length;
    o->bytes = mem_alloc(bytes);
    o->blocks = mem_array(r->count, sizeof *o->blocks);
    if (!o->bytes || !o->blocks) return ERR_NOMEM;
    char *at = o->bytes;
    for (size_t i = 0; i < r->count; i++) {
        const struct segment_block *b = r->inputs[i].block;
        enum err e = segment_read(r->inputs[i].segment, b, at);
        if (!e) e = block_open(&o->blocks[i], bytes_of(at, b->length));
        if (e) return e;
        o->count++;
        if (o->blocks[i].org != r->org || o->blocks[i].device != r->device) return ERR_CORRUPT;
        o->samples += o->blocks[i].points;
        at += b->length;
    }
    return list_series(o);
}

/* All samples of one series in the run, the later block winning. */
static enum err add_series(struct merge_run *r, const struct opened *o, int64_t series)
{
    size_t n = 0, at = 0;
    for (size_t i = 0; i < o->count; i++) {
        const struct block_column *c = block_find(&o->blocks[i], series);
        if (c) n += c->count;
    }
    struct sample *samples = device_columns_scratch(&r->columns, n);
    if (!samples) return ERR_NOMEM;
    for (size_t i = 0; i < o->count; i++) {
        const struct block_column *c = block_find(&o->blocks[i], series);
        if (!c) continue;
        enum err e = block_read_samples(&o->blocks[i], c, samples + at);
        if (e) return e;
        at += c->count;
    }
    size_t kept = sample_sort_unique(samples, n, samples + n), hidden = 0;
    while (hidden < kept && samples[hidden].ts_ns < r->cutoff.raw_cutoff_ns) hidden++;
    device_columns_add(&r->columns, series, samples + hidden, kept - hidden);
    return ERR_OK;
}

static enum err join_samples(struct merge_run *r)
{
    struct opened o = {0};
    enum err e = open_run(r, &o);
    if (!e) e = device_columns_reset(&r->columns, o.series_count, o.samples);
    for (size_t i = 0; i < o.series_count && !e; i++) e = add_series(r, &o, o.series[i]);
    opened_done(&o);
    if (e) return e;
    return block_out_samples(&r->out, r->org, r->device, r->columns.inputs, r->columns.count);
}

static enum err join_rollups(struct merge_run *r)
{
    struct rollup_list l = {0};
    enum err e = ERR_OK;
    for (size_t i = 0; i < r->count && !e; i++)
        e = rollup_list_add_block(&l, r->inputs[i].segment, r->inputs[i].block);
    if (!e) e = rollup_list_order(&l);
    size_t kept = 0;
    for (size_t i = 0; i < l.count; i++)
        if (l.rows[i].rollup.hour_ns >= view_rollup_floor(&r->cutoff)) l.rows[kept++] = l.rows[i];
    if (!e && kept) e = block_out_rollups(&r->out, r->org, r->device, l.rows, kept);
    rollup_list_done(&l);
    return e;
}

enum err merge_run_flush(struct merge_run *r)
{
    size_t n = r->count;
    enum err e;
    if (n == 0) return ERR_OK;
    if (n == 1)
        e = block_out_copy(&r->out, r->inputs[0].segment, r->inputs[0].block);
    else
        e = r->out.kind == SEGMENT_RAW ? join_samples(r) : join_rollups(r);
    r->count = 0;
    r->points = 0;
    return e;
}

enum err merge_run_add(struct merge_run *r, const struct segment *segment,
                       const struct segment_block *block)
{
    uint64_t most = r->out.kind == SEGMENT_RAW ? MERGE_RUN_POINTS : BLOCK_ROLLUP_MAX_ROWS;
    if (r->count == MERGE_RUN_BLOCKS || (r->count && r->points + block->points > most)) {
        enum err e = merge_run_flush(r);
        if (e) return e;
    }
    r->inputs[r->count].segment = segment;
    r->inputs[r->count++].block = block;
    r->points += block->points;
    return ERR_OK;
}
