/* The list of live files (see manifest.h). */
#include "store/embedded/manifest.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "codec/column_in.h"

#include <stdio.h>

#define VERSION      1u
#define MAGIC        "SVMANIF\n"
#define HEAD_BYTES   48u
#define FILE_BYTES   24u
#define CUTOFF_BYTES 24u
#define PURGE_BYTES  32u
#define MAX_BYTES    (256u * 1024 * 1024)

void manifest_encode(struct buf *out, const struct manifest *m)
{
    size_t start = out->n;
    uint8_t head[HEAD_BYTES] = MAGIC;
    column_store16(head + 8, VERSION);
    column_store64(head + 16, m->next_file_id);
    column_store64(head + 24, m->replay_lsn);
    column_store32(head + 32, (uint32_t)m->file_count);
    column_store32(head + 36, (uint32_t)m->cutoff_count);
    column_store32(head + 40, (uint32_t)m->purge_count);
    buf_add(out, head, sizeof head);
    for (size_t i = 0; i < m->file_count; i++) {
        column_put_u64(out, m->files[i].id);
        column_put_u64(out, m->files[i].bytes);
        column_put_u32(out, m->files[i].index_crc);
        column_put_u32(out, (uint32_t)m->files[i].kind);
    }
    for (size_t i = 0; i < m->cutoff_count; i++) {
        column_put_u64(out, (uint64_t)m->cutoffs[i].org);
        column_put_u64(out, (uint64_t)m->cutoffs[i].raw_cutoff_ns);
        column_put_u64(out, (uint64_t)m->cutoffs[i].rollup_cutoff_ns);
    }
    for (size_t i = 0; i < m->purge_count; i++) {
        column_put_u64(out, (uint64_t)m->purges[i].org);
        column_put_u64(out, (uint64_t)m->purges[i].device);
        column_put_u64(out, m->purges[i].before_file);
        column_put_u64(out, m->purges[i].before_lsn);
    }
    if (!out->err) column_put_u32(out, crc32c(0, out->p + start, out->n - start));
}

static enum err allocate(struct manifest *m)
{
    m->files = mem_array(m->file_count, sizeof *m->files);
    m->cutoffs = mem_array(m->cutoff_count, sizeof *m->cutoffs);
    m->purges = mem_array(m->purge_count, sizeof *m->purges);
    return m->files && m->cutoffs && m->purges ? ERR_OK : ERR_NOMEM;
}

/* Distinct ids below the next one. Files may be thousands, so each is looked for behind it only
 * when the list is not ascending, which it is unless merges put younger ids among older data. */
static bool files_make_sense(const struct manifest *m)
{
    bool sorted = true;
    for (size_t i = 0; i < m->file_count; i++) {
        if (m->files[i].id >= m->next_file_id) return false;
        if (m->files[i].kind != SEGMENT_RAW && m->files[i].kind != SEGMENT_ROLLUP) return false;
        if (i && m->files[i].id <= m->files[i - 1].id) sorted = false;
    }
    for (size_t i = 0; !sorted && i < m->file_count; i++)
        for (size_t j = i + 1; j < m->file_count; j++)
            if (m->files[i].id == m->files[j].id) return false;
    return true;
}

static bool read_entries(struct manifest *m, struct column_in *in)
{
    for (size_t i = 0; i < m->file_count; i++) {
        struct segment_info *f = &m->files[i];
        f->id = column_get_u64(in);
        f->bytes = column_get_u64(in);
        f->index_crc = column_get_u32(in);
        f->kind = column_get_u32(in);
    }
    for (size_t i = 0; i < m->cutoff_count; i++) {
        struct manifest_cutoff *c = &m->cutoffs[i];
        c->org = (int64_t)column_get_u64(in);
        c->raw_cutoff_ns = (int64_t)column_get_u64(in);
        c->rollup_cutoff_ns = (int64_t)column_get_u64(in);
        if (i && c->org <= (c - 1)->org) return false;
    }
    for (size_t i = 0; i < m->purge_count; i++) {
        struct manifest_purge *p = &m->purges[i];
        p->org = (int64_t)column_get_u64(in);
        p->device = (int64_t)column_get_u64(in);
        p->before_file = column_get_u64(in);
        p->before_lsn = column_get_u64(in);
    }
    return !in->bad && column_left(in) == 0 && files_make_sense(m);
}

enum err manifest_decode(struct manifest *ret, struct bytes bytes, struct why *why)
{
    const uint8_t *p = (const uint8_t *)bytes.p;
    if (bytes.n < HEAD_BYTES + 4 || memcmp(p, MAGIC, 8) != 0)
        return why_say(why, ERR_CORRUPT, "%s: offset 0: not a manifest", MANIFEST_NAME);
    if (column_load32(p + bytes.n - 4) != crc32c(0, p, bytes.n - 4))
        return why_say(why, ERR_CORRUPT, "%s: the checksum of its %zu bytes is wrong",
                       MANIFEST_NAME, bytes.n);
    if (column_load16(p + 8) != VERSION)
        return why_say(why, ERR_VERSION,
                       "%s: format %u, this program knows %u: start the newer program",
                       MANIFEST_NAME, column_load16(p + 8), VERSION);
    if (memcmp(p + 10, (char[6]){0}, 6) != 0 || column_load32(p + 44) != 0)
        return why_say(why, ERR_CORRUPT, "%s: offset 10: reserved bytes are used", MANIFEST_NAME);
    struct manifest m = {.next_file_id = column_load64(p + 16),
                         .replay_lsn = column_load64(p + 24),
                         .file_count = column_load32(p + 32),
                         .cutoff_count = column_load32(p + 36),
                         .purge_count = column_load32(p + 40)};
    uint64_t entries = (uint64_t)m.file_count * FILE_BYTES +
                       (uint64_t)m.cutoff_count * CUTOFF_BYTES +
                       (uint64_t)m.purge_count * PURGE_BYTES;
    if (entries != bytes.n - HEAD_BYTES - 4)
        return why_say(why, ERR_CORRUPT, "%s: offset 32: the counts contradict the size",
                       MANIFEST_NAME);
    struct column_in in = column_in_of(p + HEAD_BYTES, entries);
    enum err e = allocate(&m);
    if (!e && !read_entries(&m, &in)) e = ERR_CORRUPT;
    if (e) {
        manifest_done(&m);
        return why_say(why, e, "%s: the lists: %s", MANIFEST_NAME, err_sentence(e));
    }
    *ret = m;
    return ERR_OK;
}

enum err manifest_load(struct manifest *ret, const struct fs *fs, const char *dir, struct why *why)
{
    char path[4096], *p;
    size_t n;
    int length = snprintf(path, sizeof path, "%s/" MANIFEST_NAME, dir);
    if (length < 0 || (size_t)length >= sizeof path)
        return why_say(why, ERR_TOOLARGE, "%s: the path is too long", dir);
    enum err e = fs_read_file(fs, path, MAX_BYTES, &p, &n);
    if (e) return why_say(why, e, "%s: cannot read: %s", path, err_sentence(e));
    e = manifest_decode(ret, bytes_of(p, n), why);
    mem_free(p);
    return e;
}

enum err manifest_store(const struct manifest *m, const struct fs *fs, const char *dir)
{
    struct buf out;
    buf_init(&out, MAX_BYTES);
    manifest_encode(&out, m);
    enum err e = out.err;
    if (!e) e = fs_replace_file(fs, dir, MANIFEST_NAME, buf_bytes(&out));
    buf_done(&out);
    return e;
}

void manifest_done(struct manifest *m)
{
    mem_free(m->files);
    mem_free(m->cutoffs);
    mem_free(m->purges);
    *m = (struct manifest){0};
}

enum err manifest_copy(struct manifest *ret, const struct manifest *m)
{
    struct manifest copy = *m;
    if (allocate(&copy)) {
        manifest_done(&copy);
        return ERR_NOMEM;
    }
    if (m->file_count) memcpy(copy.files, m->files, m->file_count * sizeof *m->files);
    if (m->cutoff_count) memcpy(copy.cutoffs, m->cutoffs, m->cutoff_count * sizeof *m->cutoffs);
    if (m->purge_count) memcpy(copy.purges, m->purges, m->purge_count * sizeof *m->purges);
    *ret = copy;
    return ERR_OK;
}
