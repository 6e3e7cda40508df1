/* One device's columns into blocks (see block_out.h). */
#include "store/embedded/block_out.h"

#include "base/mem.h"

#include <string.h>

#define COLUMNS_MAX 64u

enum err block_out_init(struct block_out *o, const struct fs *fs, const char *dir, uint64_t id,
                        enum segment_kind kind)
{
    *o = (struct block_out){.fs = fs, .dir = dir, .id = id, .kind = kind};
    buf_init(&o->buf, BLOCK_MAX_BYTES);
    return block_encoder_new(&o->encoder);
}

static enum err add(struct block_out *o, const struct segment_block *about, struct bytes block)
{
    enum err e = ERR_OK;
    if (!o->writer) e = segment_writer_open(&o->writer, o->fs, o->dir, o->id, o->kind);
    if (!e) e = segment_writer_add(o->writer, about, block);
    if (!e) o->blocks++;
    return e;
}

/* One block of at most COLUMNS_MAX columns, each of which fits. */
static enum err add_samples(struct block_out *o, int64_t org, int64_t device,
                            const struct block_input *cols, size_t n)
{
    struct segment_block about = {
        .org = org, .device = device, .min_ns = INT64_MAX, .max_ns = INT64_MIN};
    for (size_t i = 0; i < n; i++) {
        int64_t first = cols[i].ts_ns[0], last = cols[i].ts_ns[cols[i].count - 1];
        if (first < about.min_ns) about.min_ns = first;
        if (last > about.max_ns) about.max_ns = last;
        about.points += cols[i].count;
    }
    buf_clear(&o->buf);
    enum err e = block_encode(o->encoder, &o->buf, org, device, cols, n);
    return e ? e : add(o, &about, buf_bytes(&o->buf));
}

/* Where the window that begins with every column's first sample must end so that no column has more
 * rows than a block takes; INT64_MAX and true: everything fits. */
static int64_t window_end(const struct block_input *cols, size_t n, bool *ret_last)
{
    int64_t end = INT64_MAX;
    *ret_last = true;
    for (size_t i = 0; i < n; i++)
        if (cols[i].count > BLOCK_MAX_ROWS) {
            *ret_last = false;
            if (cols[i].ts_ns[BLOCK_MAX_ROWS] < end) end = cols[i].ts_ns[BLOCK_MAX_ROWS];
        }
    return end;
}

static size_t rows_before(const struct block_input *col, int64_t end)
{
    size_t low = 0, n = col->count;
    while (n) {
        size_t half = n / 2;
        if (col->ts_ns[low + half] < end) {
            low += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return low;
}

/* All windows of at most COLUMNS_MAX columns. */
static enum err add_windows(struct block_out *o, int64_t org, int64_t device,
                            struct block_input *cols, size_t n)
{
    struct block_input window[COLUMNS_MAX];
    for (bool last = false; !last;) {
        int64_t end = window_end(cols, n, &last);
        size_t used = 0;
        for (size_t i = 0; i < n; i++) {
            size_t rows = last ? cols[i].count : rows_before(&cols[i], end);
            if (!rows) continue;
            window[used] = cols[i];
            window[used++].count = rows;
            cols[i].ts_ns += rows;
            cols[i].values += rows;
            cols[i].count -= rows;
        }
        enum err e = used ? add_samples(o, org, device, window, used) : ERR_OK;
        if (e) return e;
    }
    return ERR_OK;
}

enum err block_out_samples(struct block_out *o, int64_t org, int64_t device,
                           struct block_input *cols, size_t n)
{
    enum err e = ERR_OK;
    for (size_t at = 0; at < n && !e; at += COLUMNS_MAX)
        e = add_windows(o, org, device, cols + at, n - at < COLUMNS_MAX ? n - at : COLUMNS_MAX);
    return e;
}

enum err block_out_rollups(struct block_out *o, int64_t org, int64_t device,
                           const struct block_rollup_row *rows, size_t n)
{
    enum err e = ERR_OK;
    for (size_t at = 0; at < n && !e; at += BLOCK_ROLLUP_MAX_ROWS) {
        size_t count = n - at < BLOCK_ROLLUP_MAX_ROWS ? n - at : BLOCK_ROLLUP_MAX_ROWS;
        struct segment_block about = {.org = org,
                                      .device = device,
                                      .min_ns = INT64_MAX,
                                      .max_ns = INT64_MIN,
                                      .points = count};
        for (size_t i = at; i < at + count; i++) {
            int64_t hour = rows[i].rollup.hour_ns;
            if (hour < about.min_ns) about.min_ns = hour;
            if (hour > about.max_ns) about.max_ns = hour;
        }
        buf_clear(&o->buf);
        e = block_rollup_encode(o->encoder, &o->buf, org, device, rows + at, count);
        if (!e) e = add(o, &about, buf_bytes(&o->buf));
    }
    return e;
}

enum err block_out_copy(struct block_out *o, const struct segment *from,
                        const struct segment_block *block)
{
    buf_clear(&o->buf);
    char *room = buf_reserve(&o->buf, block->length);
    if (!room) return o->buf.err;
    enum err e = segment_read(from, block, room);
    if (e == ERR_END) e = ERR_CORRUPT; /* the file is shorter than its index says */
    if (e) return e;
    buf_advance(&o->buf, block->length);
    /* Copying must not turn damage into something that passes as a fresh file's content. */
    if (o->kind == SEGMENT_RAW) {
        struct block b;
        e = block_open(&b, buf_bytes(&o->buf));
        if (!e) block_close(&b);
    } else {
        struct block_rollup_head head;
        e = block_rollup_open(buf_bytes(&o->buf), &head);
    }
    return e ? e : add(o, block, buf_bytes(&o->buf));
}

enum err block_out_finish(struct block_out *o, struct segment_info *ret, bool *ret_any)
{
    *ret_any = o->writer != NULL;
    if (!o->writer) return ERR_OK;
    struct segment_writer *writer = o->writer;
    o->writer = NULL;
    return segment_writer_finish(writer, ret);
}

void block_out_done(struct block_out *o)
{
    segment_writer_abort(o->writer);
    block_encoder_free(o->encoder);
    buf_done(&o->buf);
    *o = (struct block_out){0};
}
