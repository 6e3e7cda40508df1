/* Reading every byte of a segment file (see segment.h, S3): the blocks must tile the file,
 * agree with the index, decode, and agree with their own statistics. */
#include "base/mem.h"
#include "codec/block.h"
#include "codec/block_rollup.h"
#include "store/embedded/segment_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* One file being verified; the memory grows to its largest block and column. */
struct check {
    const struct segment *segment;
    const char *wrong;      /* what, once something is */
    void *bytes;            /* owned */
    struct sample *samples; /* owned, BLOCK_MAX_ROWS */
};

static bool equal(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static enum err check_column(struct check *c, const struct block *b, const struct block_column *col)
{
    enum err e = block_read_samples(b, col, c->samples);
    if (e) return e;
    struct block_stats s = {NAN, NAN, c->samples[0].value, c->samples[col->count - 1].value, 0};
    double size = 0;
    for (uint32_t i = 0; i < col->count; i++) {
        double v = c->samples[i].value;
        if (!(v >= s.min)) s.min = isnan(v) ? s.min : v;
        if (!(v <= s.max)) s.max = isnan(v) ? s.max : v;
        s.sum += v;
        size += fabs(v);
    }
    const struct block_stats *t = &col->stats;
    bool sum_good = !isfinite(size) || fabs(s.sum - t->sum) <= size * 1e-9;
    if (equal(s.min, t->min) && equal(s.max, t->max) && equal(s.first, t->first) &&
        equal(s.last, t->last) && sum_good)
        return ERR_OK;
    c->wrong = "the statistics are not those of the data";
    return ERR_CORRUPT;
}

static enum err check_samples(struct check *c, const struct segment_block *about)
{
    struct block b;
    enum err e = block_open(&b, bytes_of(c->bytes, about->length));
    if (e) return e;
    if (b.org != about->org || b.device != about->device || b.min_ns != about->min_ns ||
        b.max_ns != about->max_ns || b.points != about->points) {
        c->wrong = "the index describes another block";
        e = ERR_CORRUPT;
    }
    for (uint32_t i = 0; !e && i < b.column_count; i++) e = check_column(c, &b, &b.columns[i]);
    block_close(&b);
    return e;
}

static bool rows_agree(const struct block_rollup_head *h, const struct block_rollup_row *rows)
{
    int64_t least = INT64_MAX, most = INT64_MIN;
    for (uint32_t i = 0; i < h->rows; i++) {
        if (rows[i].rollup.hour_ns < least) least = rows[i].rollup.hour_ns;
        if (rows[i].rollup.hour_ns > most) most = rows[i].rollup.hour_ns;
    }
    return least == h->min_hour_ns && most == h->max_hour_ns && rows[0].series == h->min_series &&
           rows[h->rows - 1].series == h->max_series;
}

static enum err check_rollups(struct check *c, const struct segment_block *about)
{
    struct block_rollup_head h;
    struct bytes bytes = bytes_of(c->bytes, about->length);
    enum err e = block_rollup_open(bytes, &h);
    if (e) return e;
    if (h.org != about->org || h.device != about->device || h.min_hour_ns != about->min_ns ||
        h.max_hour_ns != about->max_ns || h.rows != about->points) {
        c->wrong = "the index describes another block";
        return ERR_CORRUPT;
    }
    struct block_rollup_row *rows = mem_array(h.rows, sizeof *rows);
    if (!rows) return ERR_NOMEM;
    e = block_rollup_read(bytes, rows);
    if (!e && !rows_agree(&h, rows)) {
        c->wrong = "the head is not that of the rows";
        e = ERR_CORRUPT;
    }
    mem_free(rows);
    return e;
}

static int by_offset(const void *left, const void *right)
{
    const struct segment_block *a = left, *b = right;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

static enum err check_block(struct check *c, const struct segment_block *about, uint64_t expected)
{
    c->wrong = NULL;
    if (about->offset != expected) {
        c->wrong = "the blocks leave a gap or overlap";
        return ERR_CORRUPT;
    }
    enum err e = segment_read(c->segment, about, c->bytes);
    if (e) return e;
    return segment_about(c->segment)->kind == SEGMENT_RAW ? check_samples(c, about)
                                                          : check_rollups(c, about);
}

/* `blocks` is a copy that may be sorted. */
static enum err check_blocks(struct check *c, struct segment_block *blocks, size_t n,
                             const char *path, struct why *why)
{
    uint64_t expected = SEGMENT_HEAD_BYTES;
    if (n > 1) qsort(blocks, n, sizeof *blocks, by_offset);
    for (size_t i = 0; i < n; i++) {
        enum err e = check_block(c, &blocks[i], expected);
        if (e)
            return why_say(why, e, "%s: offset %" PRIu64 ": %s", path, blocks[i].offset,
                           c->wrong ? c->wrong : err_sentence(e));
        expected += blocks[i].length;
    }
    return ERR_OK;
}

enum err segment_verify(const struct fs *fs, const char *dir, uint64_t id,
                        const struct segment_info *expect, struct why *why)
{
    char path[SEGMENT_PATH_BYTES];
    struct segment *s;
    enum err e = segment_path(path, dir, id, false);
    if (e) return why_say(why, e, "%s: the path is too long", dir);
    e = segment_open(&s, fs, dir, id, expect, why);
    if (e) return e;
    size_t n, longest = 1;
    const struct segment_block *blocks = segment_blocks(s, &n);
    for (size_t i = 0; i < n; i++)
        if (blocks[i].length > longest) longest = blocks[i].length;
    struct check c = {.segment = s};
    c.bytes = mem_alloc(longest);
    c.samples = mem_array(BLOCK_MAX_ROWS, sizeof *c.samples);
    struct segment_block *copy = mem_array(n, sizeof *copy);
    if (c.bytes && c.samples && copy) {
        if (n) memcpy(copy, blocks, n * sizeof *copy);
        e = check_blocks(&c, copy, n, path, why);
    } else {
        e = why_say(why, ERR_NOMEM, "%s: out of memory", path);
    }
    mem_free(copy);
    mem_free(c.samples);
    mem_free(c.bytes);
    segment_close(s);
    return e;
}
