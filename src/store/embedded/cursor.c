/* Merging blocks and heads (see cursor.h).
 *
 *   pending   blocks that may hold something, in the order their time comes
 *   sources   decoded columns that the cursor is inside of
 *
 * A step opens every pending block that could hold the next sample, then either hands out a run of
 * the only source, or merges several into `out`. Going backwards is the same with columns reversed
 * as they are decoded and comparisons turned round. */
#include "store/embedded/cursor.h"

#include "base/mem.h"
#include "codec/block.h"

#include <stdlib.h>
#include <string.h>

#define OUT_SAMPLES 4096

struct pending {
    const struct segment *segment;
    const struct segment_block *block;
    uint64_t age;
    int64_t start_ns; /* its first time in the cursor's direction */
};

struct source {
    struct sample *samples; /* owned */
    size_t at, n;
    uint64_t age;
};

struct cursor {
    struct scan_range range;
    struct pending *pending; /* owned */
    size_t pending_at, pending_count;
    struct source *sources; /* owned; room for every pending block and the heads */
    size_t source_count;
    struct sample *out; /* owned; made when first needed */
};

/* Comes time a before time b in this direction? */
static bool before(const struct cursor *c, int64_t a, int64_t b)
{
    return c->range.descending ? a > b : a < b;
}

static int by_start(const void *a, const void *b)
{
    const struct pending *x = a, *y = b;
    return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

static int by_start_descending(const void *a, const void *b)
{
    return by_start(b, a);
}

/* The blocks of the device that overlap the range; counts only when c->pending is NULL. */
static size_t gather(struct cursor *c, const struct view *v)
{
    size_t found = 0;
    for (size_t i = 0; i < v->manifest.file_count; i++) {
        const struct view_file *f = v->files[i];
        size_t n = 0;
        if (view_file_kind(f) != SEGMENT_RAW) continue;
        const struct segment_block *b = segment_find(f->segment, c->range.org, c->range.device, &n);
        if (n && view_is_purged(v, c->range.org, c->range.device, f->id)) continue;
        for (; n; n--, b++) {
            if (b->max_ns < c->range.from_ns || b->min_ns >= c->range.to_ns) continue;
            if (c->pending)
                c->pending[found] = (struct pending){f->segment, b, (uint64_t)i << 40 | b->offset,
                                                     c->range.descending ? b->max_ns : b->min_ns};
            found++;
        }
    }
    return found;
}

static void reverse(struct sample *a, size_t n)
{
    for (size_t i = 0, k = n; i + 1 < k; i++) {
        struct sample swap = a[i];
        a[i] = a[--k];
        a[k] = swap;
    }
}

static void add_source(struct cursor *c, struct sample *samples, size_t at, size_t n, uint64_t age)
{
    if (c->range.descending) reverse(samples + at, n - at);
    c->sources[c->source_count++] = (struct source){samples, at, n, age};
}

enum err cursor_open(struct cursor **ret, const struct view *v, const struct scan_range *range,
                     struct sample *head, size_t head_count)
{
    enum err e = ERR_NOMEM;
    struct cursor *c = mem_zalloc(sizeof *c);
    if (!c) goto fail;
    c->range = *range;
    int64_t cutoff = view_cutoff(v, range->org).raw_cutoff_ns;
    if (c->range.from_ns < cutoff) c->range.from_ns = cutoff;
    size_t n = gather(c, v);
    c->pending = mem_array(n, sizeof *c->pending);
    c->sources = mem_array(n + 1, sizeof *c->sources);
    if (!c->pending || !c->sources) goto fail;
    c->pending_count = gather(c, v);
    qsort(c->pending, n, sizeof *c->pending, range->descending ? by_start_descending : by_start);
    size_t at = 0;
    while (at < head_count && head[at].ts_ns < c->range.from_ns) at++;
    if (at < head_count)
        add_source(c, head, at, head_count, UINT64_MAX);
    else
        mem_free(head);
    *ret = c;
    return ERR_OK;
fail:
    mem_free(head);
    cursor_close(c);
    return e;
}

void cursor_close(struct cursor *c)
{
    if (!c) return;
    for (size_t i = 0; i < c->source_count; i++) mem_free(c->sources[i].samples);
    mem_free(c->pending);
    mem_free(c->sources);
    mem_free(c->out);
    mem_free(c);
}

/* The first of n ascending samples at or past t. */
static size_t lower_bound(const struct sample *a, size_t n, int64_t t)
{
    size_t low = 0;
    while (n) {
        size_t half = n / 2;
        if (a[low + half].ts_ns < t) {
            low += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return low;
}

/* Decodes the series' column of an open block, if it has one in the range. */
static enum err take_column(struct cursor *c, const struct block *b, const struct pending *p)
{
    const struct block_column *column = block_find(b, c->range.series);
    if (!column) return ERR_OK;
    const struct block_times *times = &b->times[column->time];
    if (times->last_ns < c->range.from_ns || times->first_ns >= c->range.to_ns) return ERR_OK;
    struct sample *samples = mem_alloc(column->count * sizeof *samples);
    if (!samples) return ERR_NOMEM;
    enum err e = block_read_samples(b, column, samples);
    if (e) {
        mem_free(samples);
        return e;
    }
    size_t from = lower_bound(samples, column->count, c->range.from_ns);
    size_t to = lower_bound(samples, column->count, c->range.to_ns);
    if (from < to)
        add_source(c, samples, from, to, p->age);
    else
        mem_free(samples);
    return ERR_OK;
}

static enum err open_pending(struct cursor *c, const struct pending *p)
{
    struct block b = {0};
    char *bytes = mem_alloc(p->block->length);
    if (!bytes) return ERR_NOMEM;
    enum err e = segment_read(p->segment, p->block, bytes);
    if (e == ERR_END) e = ERR_CORRUPT; /* the file is shorter than its index says */
    if (!e) e = block_open(&b, bytes_of(bytes, p->block->length));
    /* The index and the block are under checksums of their own: they must agree. */
    if (!e && (b.org != p->block->org || b.device != p->block->device)) e = ERR_CORRUPT;
    if (!e) e = take_column(c, &b, p);
    block_close(&b);
    mem_free(bytes);
    return e;
}

static void drop_exhausted(struct cursor *c)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->source_count; i++) {
        if (c->sources[i].at < c->sources[i].n)
            c->sources[kept++] = c->sources[i];
        else
            mem_free(c->sources[i].samples);
    }
    c->source_count = kept;
}

/* The next time of all sources; there is one at least. */
static int64_t next_time(const struct cursor *c)
{
    int64_t t = c->sources[0].samples[c->sources[0].at].ts_ns;
    for (size_t i = 1; i < c->source_count; i++) {
        int64_t u = c->sources[i].samples[c->sources[i].at].ts_ns;
        if (before(c, u, t)) t = u;
    }
    return t;
}

/* Opens every pending block that could hold the next sample. */
static enum err open_due(struct cursor *c)
{
    while (c->pending_at < c->pending_count) {
        const struct pending *p = &c->pending[c->pending_at];
        if (c->source_count && before(c, next_time(c), p->start_ns)) break;
        enum err e = open_pending(c, p);
        if (e) return e;
        c->pending_at++;
    }
    return ERR_OK;
}

/* May this time be handed out before the next pending block is opened? */
static bool is_safe(const struct cursor *c, int64_t t)
{
    return c->pending_at == c->pending_count || before(c, t, c->pending[c->pending_at].start_ns);
}

/* How many samples of the only source may go out. */
static size_t run_length(const struct cursor *c, const struct source *s)
{
    if (is_safe(c, s->samples[s->n - 1].ts_ns)) return s->n - s->at;
    size_t low = s->at, high = s->n; /* low is safe, high is not */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (is_safe(c, s->samples[middle].ts_ns))
            low = middle;
        else
            high = middle;
    }
    return high - s->at;
}

/* Takes the samples of time t from every source; the newest source's value. */
static struct sample take(struct cursor *c, int64_t t)
{
    struct sample newest = {t, 0};
    uint64_t age = 0;
    for (size_t i = 0; i < c->source_count; i++) {
        struct source *s = &c->sources[i];
        if (s->at == s->n || s->samples[s->at].ts_ns != t) continue;
        if (s->age >= age) newest = s->samples[s->at];
        if (s->age >= age) age = s->age;
        s->at++;
    }
    return newest;
}

static enum err merge(struct cursor *c, const struct sample **ret, size_t *ret_n)
{
    size_t n = 0;
    if (!c->out && !(c->out = mem_alloc(OUT_SAMPLES * sizeof *c->out))) return ERR_NOMEM;
    /* While there are several; a source that ends ends the slice, its memory can go. */
    for (bool ended = false; n < OUT_SAMPLES && !ended;) {
        int64_t t = next_time(c);
        if (!is_safe(c, t)) break;
        c->out[n++] = take(c, t);
        for (size_t i = 0; i < c->source_count; i++)
            if (c->sources[i].at == c->sources[i].n) ended = true;
    }
    *ret = c->out;
    *ret_n = n;
    return ERR_OK;
}

enum err cursor_next(struct cursor *c, const struct sample **ret, size_t *ret_n)
{
    drop_exhausted(c);
    enum err e = open_due(c);
    if (e) return e;
    if (!c->source_count) return ERR_END;
    if (c->source_count > 1) return merge(c, ret, ret_n);
    struct source *s = &c->sources[0];
    size_t n = run_length(c, s);
    *ret = s->samples + s->at;
    *ret_n = n;
    s->at += n;
    return ERR_OK;
}

enum err cursor_read_all(struct cursor *c, struct sample **ret, size_t *ret_n)
{
    struct sample *all = NULL;
    size_t n = 0, room = 0, got;
    const struct sample *slice;
    enum err e;
    while (!(e = cursor_next(c, &slice, &got))) {
        if (n + got > room) {
            room = (n + got) * 2;
            struct sample *grown = mem_realloc(all, room * sizeof *grown);
            if (!grown) {
                e = ERR_NOMEM;
                break;
            }
            all = grown;
        }
        memcpy(all + n, slice, got * sizeof *all);
        n += got;
    }
    if (e != ERR_END) {
        mem_free(all);
        return e;
    }
    *ret = all;
    *ret_n = n;
    return ERR_OK;
}
