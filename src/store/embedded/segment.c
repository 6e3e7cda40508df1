/* Names and reading of segment files (see segment.h). The index is expanded into an array once;
 * blocks are read straight into memory of the caller. */
#include "store/embedded/segment.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "codec/block.h"
#include "store/embedded/segment_parts.h"

#include <inttypes.h>
#include <stdio.h>

struct segment {
    struct file file;
    struct segment_info info;
    struct segment_block *blocks; /* owned */
    size_t count;
};

void segment_name(char *ret, uint64_t id)
{
    snprintf(ret, SEGMENT_NAME_BYTES, "s-%016" PRIx64 ".seg", id);
}

bool segment_name_parse(const char *name, uint64_t *ret_id)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t id = 0;
    if (strlen(name) != 22 || memcmp(name, "s-", 2) != 0) return false;
    if (strcmp(name + 18, ".seg") != 0 && strcmp(name + 18, ".tmp") != 0) return false;
    for (int i = 2; i < 18; i++) {
        const char *digit = memchr(digits, name[i], 16);
        if (!digit) return false;
        id = id << 4 | (uint64_t)(digit - digits);
    }
    *ret_id = id;
    return true;
}

bool segment_name_is_temporary(const char *name)
{
    uint64_t id;
    return segment_name_parse(name, &id) && strcmp(name + 18, ".tmp") == 0;
}

enum err segment_path(char *ret, const char *dir, uint64_t id, bool temporary)
{
    int n = snprintf(ret, SEGMENT_PATH_BYTES, "%s/s-%016" PRIx64 "%s", dir, id,
                     temporary ? ".tmp" : ".seg");
    return n > 0 && n < SEGMENT_PATH_BYTES ? ERR_OK : ERR_TOOLARGE;
}

static int compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int segment_block_compare(const void *left, const void *right)
{
    const struct segment_block *a = left, *b = right;
    if (a->org != b->org) return compare_i64(a->org, b->org);
    if (a->device != b->device) return compare_i64(a->device, b->device);
    if (a->min_ns != b->min_ns) return compare_i64(a->min_ns, b->min_ns);
    return (a->offset > b->offset) - (a->offset < b->offset);
}

/* What the trailer says. */
struct trailer {
    uint64_t index_offset, id;
    uint32_t index_bytes, count, index_crc;
};

/* Fills s->info from the header. */
static enum err read_head(struct segment *s, const char *path, struct why *why)
{
    uint8_t p[SEGMENT_HEAD_BYTES];
    enum err e = file_read_at(&s->file, p, sizeof p, 0);
    if (e == ERR_END) return why_say(why, ERR_CORRUPT, "%s: shorter than its header", path);
    if (e) return why_say(why, e, "%s: cannot read: %s", path, err_sentence(e));
    if (memcmp(p, SEGMENT_MAGIC, 8) != 0)
        return why_say(why, ERR_CORRUPT, "%s: offset 0: not a segment file", path);
    if (column_load32(p + 28) != crc32c(0, p, 28))
        return why_say(why, ERR_CORRUPT, "%s: offset 0: the header's checksum is wrong", path);
    if (column_load16(p + 8) != SEGMENT_VERSION)
        return why_say(why, ERR_VERSION, "%s: format %u, this program knows %u", path,
                       column_load16(p + 8), SEGMENT_VERSION);
    if (memcmp(p + 11, (char[5]){0}, 5) != 0 || column_load32(p + 24) != 0)
        return why_say(why, ERR_CORRUPT, "%s: offset 11: reserved bytes are used", path);
    if (p[10] != SEGMENT_RAW && p[10] != SEGMENT_ROLLUP)
        return why_say(why, ERR_CORRUPT, "%s: offset 10: unknown kind %u", path, p[10]);
    if (column_load64(p + 16) != s->info.id)
        return why_say(why, ERR_CORRUPT, "%s: offset 16: belongs to another file name", path);
    s->info.kind = p[10];
    return ERR_OK;
}

static enum err read_trailer(struct segment *s, const char *path, struct trailer *ret,
                             struct why *why)
{
    uint8_t p[SEGMENT_TRAILER_BYTES];
    uint64_t bytes = s->info.bytes, at = bytes - SEGMENT_TRAILER_BYTES;
    if (bytes < SEGMENT_HEAD_BYTES + SEGMENT_TRAILER_BYTES)
        return why_say(why, ERR_CORRUPT, "%s: cut at %" PRIu64 " bytes", path, bytes);
    enum err e = file_read_at(&s->file, p, sizeof p, (int64_t)at);
    if (e) return why_say(why, e, "%s: cannot read: %s", path, err_sentence(e));
    *ret = (struct trailer){column_load64(p), column_load64(p + 16), column_load32(p + 8),
                            column_load32(p + 12), column_load32(p + 24)};
    if (column_load32(p + 36) != crc32c(0, p, 36) || memcmp(p + 28, SEGMENT_END_MAGIC, 8) != 0)
        return why_say(why, ERR_CORRUPT, "%s: offset %" PRIu64 ": the trailer is damaged", path,
                       at);
    if (ret->index_offset < SEGMENT_HEAD_BYTES || ret->index_offset > at ||
        at - ret->index_offset != ret->index_bytes || ret->id != s->info.id ||
        ret->count > ret->index_bytes / SEGMENT_ENTRY_MIN_BYTES)
        return why_say(why, ERR_CORRUPT, "%s: offset %" PRIu64 ": the trailer contradicts itself",
                       path, at);
    s->info.index_crc = ret->index_crc;
    return ERR_OK;
}

/* Expands the index; false when it does not describe the bytes between header and index. */
static bool parse_index(struct segment *s, struct column_in *in, uint64_t index_offset)
{
    struct segment_block before = {.offset = SEGMENT_HEAD_BYTES};
    uint64_t total = SEGMENT_HEAD_BYTES;
    for (size_t i = 0; i < s->count; i++) {
        struct segment_block *b = &s->blocks[i];
        uint64_t org = i ? column_get_varint(in) : column_get_zigzag(in);
        b->org = (int64_t)((uint64_t)before.org + org);
        b->device = (int64_t)((uint64_t)before.device + column_get_zigzag(in));
        b->min_ns = (int64_t)((uint64_t)before.min_ns + column_get_zigzag(in));
        b->max_ns = (int64_t)((uint64_t)b->min_ns + column_get_varint(in));
        b->points = column_get_varint(in);
        b->offset = before.offset + before.length + column_get_zigzag(in);
        uint64_t length = column_get_varint(in);
        b->length = (uint32_t)length;
        if (in->bad || length > BLOCK_MAX_BYTES || b->max_ns < b->min_ns) return false;
        if (b->offset < SEGMENT_HEAD_BYTES || b->offset > index_offset ||
            length > index_offset - b->offset)
            return false;
        if (i && segment_block_compare(b - 1, b) >= 0) return false;
        total += length;
        before = *b;
    }
    return column_left(in) == 0 && total == index_offset;
}

static enum err read_index(struct segment *s, const char *path, const struct trailer *t,
                           struct why *why)
{
    s->count = t->count;
    s->blocks = mem_array(t->count, sizeof *s->blocks);
    uint8_t *p = mem_alloc(t->index_bytes);
    enum err e = p && s->blocks ? ERR_OK : ERR_NOMEM;
    if (!e) e = file_read_at(&s->file, p, t->index_bytes, (int64_t)t->index_offset);
    if (e) {
        why_say(why, e, "%s: cannot read the index: %s", path, err_sentence(e));
    } else if (crc32c(0, p, t->index_bytes) != t->index_crc) {
        e = why_say(why, ERR_CORRUPT, "%s: offset %" PRIu64 ": the index's checksum is wrong", path,
                    t->index_offset);
    } else {
        struct column_in in = column_in_of(p, t->index_bytes);
        if (!parse_index(s, &in, t->index_offset))
            e = why_say(why, ERR_CORRUPT, "%s: offset %" PRIu64 ": the index makes no sense", path,
                        t->index_offset);
    }
    mem_free(p);
    return e;
}

static enum err compare_info(const struct segment_info *is, const struct segment_info *expect,
                             const char *path, struct why *why)
{
    if (!expect || (is->kind == expect->kind && is->bytes == expect->bytes &&
                    is->index_crc == expect->index_crc))
        return ERR_OK;
    return why_say(why, ERR_CORRUPT, "%s: not the file that the manifest lists", path);
}

enum err segment_open(struct segment **ret, const struct fs *fs, const char *dir, uint64_t id,
                      const struct segment_info *expect, struct why *why)
{
    char path[SEGMENT_PATH_BYTES];
    struct trailer trailer = {0};
    int64_t bytes = 0;
    enum err e = segment_path(path, dir, id, false);
    if (e) return why_say(why, e, "%s: the path is too long", dir);
    struct segment *s = mem_zalloc(sizeof *s);
    if (!s) return why_say(why, ERR_NOMEM, "%s: out of memory", path);
    s->file = FILE_CLOSED;
    s->info.id = id;
    e = file_open(&s->file, fs, path, FILE_READ);
    if (!e) e = file_size(&s->file, &bytes);
    s->info.bytes = (uint64_t)bytes;
    if (e)
        why_say(why, e, "%s: cannot open: %s", path, err_sentence(e));
    else
        e = read_head(s, path, why);
    if (!e) e = read_trailer(s, path, &trailer, why);
    if (!e) e = compare_info(&s->info, expect, path, why);
    if (!e) e = read_index(s, path, &trailer, why);
    if (e)
        segment_close(s);
    else
        *ret = s;
    return e;
}

void segment_close(struct segment *s)
{
    if (!s) return;
    file_close(&s->file);
    mem_free(s->blocks);
    mem_free(s);
}

const struct segment_info *segment_about(const struct segment *s)
{
    return &s->info;
}

const struct segment_block *segment_blocks(const struct segment *s, size_t *ret_n)
{
    *ret_n = s->count;
    return s->blocks;
}

/* The first block at or behind (org, device), or behind all of that device. */
static size_t lower_bound(const struct segment *s, int64_t org, int64_t device, bool behind)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct segment_block *b = &s->blocks[middle];
        int order = b->org != org ? compare_i64(b->org, org) : compare_i64(b->device, device);
        if (order < 0 || (order == 0 && behind))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct segment_block *segment_find(const struct segment *s, int64_t org, int64_t device,
                                         size_t *ret_n)
{
    size_t first = lower_bound(s, org, device, false);
    *ret_n = lower_bound(s, org, device, true) - first;
    return s->blocks + first;
}

enum err segment_read(const struct segment *s, const struct segment_block *b, void *ret)
{
    enum err e = file_read_at(&s->file, ret, b->length, (int64_t)b->offset);
    return e == ERR_END ? ERR_CORRUPT : e;
}
