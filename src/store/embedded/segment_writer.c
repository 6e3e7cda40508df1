/* Writing a segment file (see segment.h). Blocks gather in a buffer and leave it in large
 * writes; the index is kept in memory until the end. An error sticks: finish reports it. */
#include "base/crc32c.h"
#include "base/mem.h"
#include "codec/block.h"
#include "store/embedded/segment_parts.h"

#include <stdlib.h>

#define FLUSH_BYTES (512u * 1024)

struct segment_writer {
    const struct fs *fs; /* borrowed */
    char *dir;           /* copied */
    uint64_t id;
    enum segment_kind kind;
    struct file file;
    uint64_t written;             /* bytes of the file on their way to the disk */
    struct buf pending;           /* the bytes behind them */
    struct segment_block *blocks; /* owned */
    size_t count, cap;
    enum err err; /* the first one; nothing is written after it */
};

static void put_head(struct buf *out, uint64_t id, enum segment_kind kind)
{
    uint8_t head[SEGMENT_HEAD_BYTES] = SEGMENT_MAGIC;
    column_store16(head + 8, SEGMENT_VERSION);
    head[10] = (uint8_t)kind;
    column_store64(head + 16, id);
    column_store32(head + 28, crc32c(0, head, 28));
    buf_add(out, head, sizeof head);
}

enum err segment_writer_open(struct segment_writer **ret, const struct fs *fs, const char *dir,
                             uint64_t id, enum segment_kind kind)
{
    char path[SEGMENT_PATH_BYTES];
    enum err e = segment_path(path, dir, id, true);
    if (e) return e;
    struct segment_writer *w = mem_zalloc(sizeof *w);
    if (!w) return ERR_NOMEM;
    *w = (struct segment_writer){.fs = fs, .id = id, .kind = kind, .file = FILE_CLOSED};
    buf_init(&w->pending, FLUSH_BYTES + BLOCK_MAX_BYTES + SEGMENT_HEAD_BYTES);
    w->dir = mem_copy_str(dir);
    put_head(&w->pending, id, kind);
    e = w->dir ? w->pending.err : ERR_NOMEM;
    if (!e) e = file_open(&w->file, fs, path, FILE_CREATE);
    if (!e) e = file_truncate(&w->file, 0); /* a leftover of the same name */
    if (e)
        segment_writer_abort(w);
    else
        *ret = w;
    return e;
}

static enum err flush(struct segment_writer *w)
{
    if (w->err || !w->pending.n) return w->err;
    w->err = file_write_at(&w->file, w->pending.p, w->pending.n, (int64_t)w->written);
    w->written += w->pending.n;
    buf_clear(&w->pending);
    return w->err;
}

static enum err remember(struct segment_writer *w, const struct segment_block *about, size_t length)
{
    if (w->count == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 64;
        struct segment_block *blocks = mem_realloc(w->blocks, cap * sizeof *blocks);
        if (!blocks) return ERR_NOMEM;
        w->blocks = blocks;
        w->cap = cap;
    }
    w->blocks[w->count] = *about;
    w->blocks[w->count].offset = segment_writer_bytes(w);
    w->blocks[w->count++].length = (uint32_t)length;
    return ERR_OK;
}

enum err segment_writer_add(struct segment_writer *w, const struct segment_block *about,
                            struct bytes block)
{
    if (w->err) return w->err;
    if (block.n > BLOCK_MAX_BYTES) return ERR_TOOLARGE;
    w->err = remember(w, about, block.n);
    if (w->err) return w->err;
    buf_add_bytes(&w->pending, block);
    w->err = w->pending.err;
    return w->pending.n >= FLUSH_BYTES ? flush(w) : w->err;
}

uint64_t segment_writer_bytes(const struct segment_writer *w)
{
    return w->written + w->pending.n;
}

/* The index as FORMAT.md has it: everything relative to the entry before. */
static void put_index(struct buf *out, const struct segment_block *blocks, size_t n)
{
    struct segment_block before = {.offset = SEGMENT_HEAD_BYTES};
    for (size_t i = 0; i < n; i++) {
        const struct segment_block *b = &blocks[i];
        uint64_t org = (uint64_t)b->org - (uint64_t)before.org;
        column_put_varint(out, i ? org : column_zigzag(org));
        column_put_zigzag(out, (uint64_t)b->device - (uint64_t)before.device);
        column_put_zigzag(out, (uint64_t)b->min_ns - (uint64_t)before.min_ns);
        column_put_varint(out, (uint64_t)b->max_ns - (uint64_t)b->min_ns);
        column_put_varint(out, b->points);
        column_put_zigzag(out, b->offset - (before.offset + before.length));
        column_put_varint(out, b->length);
        before = *b;
    }
}

static enum err write_end(struct segment_writer *w, struct segment_info *ret)
{
    uint64_t offset = segment_writer_bytes(w);
    struct buf index;
    buf_init(&index, UINT32_MAX);
    if (w->count > 1) qsort(w->blocks, w->count, sizeof *w->blocks, segment_block_compare);
    put_index(&index, w->blocks, w->count);
    enum err e = index.err;
    uint8_t trailer[SEGMENT_TRAILER_BYTES];
    uint32_t crc = crc32c(0, index.p, index.n);
    column_store64(trailer, offset);
    column_store32(trailer + 8, (uint32_t)index.n);
    column_store32(trailer + 12, (uint32_t)w->count);
    column_store64(trailer + 16, w->id);
    column_store32(trailer + 24, crc);
    memcpy(trailer + 28, SEGMENT_END_MAGIC, 8);
    column_store32(trailer + 36, crc32c(0, trailer, 36));
    buf_add(&index, trailer, sizeof trailer);
    if (!e) e = index.err;
    if (!e) e = flush(w);
    if (!e) e = file_write_at(&w->file, index.p, index.n, (int64_t)w->written);
    if (!e) *ret = (struct segment_info){w->id, w->kind, w->written + index.n, crc};
    buf_done(&index);
    return e;
}

/* What stays is a leftover, not in the manifest, that the next start removes (S2). */
static void try_unlink(const struct fs *fs, const char *path)
{
    enum err e = fs_unlink(fs, path);
    (void)e;
}

/* Under its final name only once every byte is durable (S1, S2). */
static enum err publish(struct segment_writer *w)
{
    char from[SEGMENT_PATH_BYTES], to[SEGMENT_PATH_BYTES];
    enum err e = segment_path(from, w->dir, w->id, true);
    if (!e) e = segment_path(to, w->dir, w->id, false);
    if (!e) e = file_sync(&w->file);
    if (!e) e = fs_rename(w->fs, from, to);
    if (e) return e;
    e = fs_sync_dir(w->fs, w->dir);
    if (e) try_unlink(w->fs, to); /* not published after all */
    return e;
}

static void release(struct segment_writer *w)
{
    file_close(&w->file);
    buf_done(&w->pending);
    mem_free(w->blocks);
    mem_free(w->dir);
    mem_free(w);
}

enum err segment_writer_finish(struct segment_writer *w, struct segment_info *ret)
{
    struct segment_info info;
    enum err e = w->err ? w->err : write_end(w, &info);
    if (!e) e = publish(w);
    if (e) {
        segment_writer_abort(w);
        return e;
    }
    *ret = info;
    release(w);
    return ERR_OK;
}

void segment_writer_abort(struct segment_writer *w)
{
    if (!w) return;
    char path[SEGMENT_PATH_BYTES];
    if (w->file.fd >= 0 && w->dir && !segment_path(path, w->dir, w->id, true))
        try_unlink(w->fs, path);
    release(w);
}
