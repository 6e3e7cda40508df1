#pragma once
/* store/embedded/segment.h -- an immutable file of blocks with an index.
 * S1  segment_writer_finish() == ERR_OK: the whole file and its name survive power loss.
 * S2  a file under its final name is whole: until finish it has a temporary name, which
 *     segment_name_is_temporary() knows; such files are leftovers and may be removed at start.
 * S3  a flipped bit is seen when its byte is used: header, index and trailer at segment_open(), a
 * block by block_open() or block_rollup_open(), everything by segment_verify(). Bytes: FORMAT.md,
 * "Segment file". Threads: a writer its owner only; an open segment any.   Memory: paths and blocks
 * are borrowed. */
#include "base/err.h"
#include "sys/file.h"

enum segment_kind { SEGMENT_RAW = 1, SEGMENT_ROLLUP = 2 };

/* What the manifest says about a file. */
struct segment_info {
    uint64_t id;
    enum segment_kind kind;
    uint64_t bytes;
    uint32_t index_crc;
};

/* What the index says about a block. For rollups min_ns and max_ns are hours, points are rows. */
struct segment_block {
    int64_t org, device;
    int64_t min_ns, max_ns; /* both included */
    uint64_t points;
    uint64_t offset;
    uint32_t length;
};

#define SEGMENT_NAME_BYTES 32
void segment_name(char *ret, uint64_t id); /* SEGMENT_NAME_BYTES of room */
bool segment_name_is_temporary(const char *name);
/* The id of a final or temporary name; false when it is neither. */
bool segment_name_parse(const char *name, uint64_t *ret_id);

struct segment_writer;
enum err segment_writer_open(struct segment_writer **ret, const struct fs *fs, const char *dir,
                             uint64_t id, enum segment_kind kind) MUST_CHECK;
/* Blocks may come in any order; about->offset and ->length are ignored. Buffered: few large writes.
 */
enum err segment_writer_add(struct segment_writer *w, const struct segment_block *about,
                            struct bytes block) MUST_CHECK;
uint64_t segment_writer_bytes(const struct segment_writer *w); /* so far, without the index */
/* Writes index and trailer, syncs, renames, syncs the directory. Frees the writer, also on error
 * (then the temporary file is removed as far as the disk allows). */
enum err segment_writer_finish(struct segment_writer *w, struct segment_info *ret) MUST_CHECK;
void segment_writer_abort(struct segment_writer *w); /* removes the temporary file; NULL is fine */

struct segment;
/* Reads header, index and trailer. `expect` (may be NULL) is what the manifest says: another size,
 * kind or index is ERR_CORRUPT, a missing file ERR_NOTFOUND. `why` names the file. */
enum err segment_open(struct segment **ret, const struct fs *fs, const char *dir, uint64_t id,
                      const struct segment_info *expect, struct why *why) MUST_CHECK;
void segment_close(struct segment *s); /* NULL is fine */
const struct segment_info *segment_about(const struct segment *s);
/* Ascending by (org, device, min_ns). Lives as long as the segment. */
const struct segment_block *segment_blocks(const struct segment *s, size_t *ret_n);
/* The blocks of one device: *ret_n of them, 0 when there are none. */
const struct segment_block *segment_find(const struct segment *s, int64_t org, int64_t device,
                                         size_t *ret_n);
/* b->length bytes into `ret`; not checked yet, opening the block does that. */
enum err segment_read(const struct segment *s, const struct segment_block *b, void *ret) MUST_CHECK;

/* Reads everything, decodes every column, compares it with index and statistics. ERR_CORRUPT: `why`
 * names the file and the offset. */
enum err segment_verify(const struct fs *fs, const char *dir, uint64_t id,
                        const struct segment_info *expect, struct why *why) MUST_CHECK;
