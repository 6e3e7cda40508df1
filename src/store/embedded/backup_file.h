#pragma once
/* store/embedded/backup_file.h -- the one file that a backup is.
 * B1  backup_writer_finish() == ERR_OK: the whole file and its name survive power loss. Until then
 *     it is called FILE.part; nothing that is not whole ever has the name.
 * B2  backup_reader_next() gives no byte that fails its checksum: a flipped bit anywhere, a cut, a
 *     frame too many or too few is ERR_CORRUPT with file and offset.
 * B3  an existing FILE is not touched (ERR_EXISTS).
 * Bytes: FORMAT.md, "Backup".
 * Threads: owner only.   Memory: a frame each; what the reader gives is borrowed until its next
 * call. */
#include "base/rnd.h"
#include "codec/backup_frame.h"
#include "sys/file.h"

/* B3, for who wants to know before he begins. */
enum err backup_writer_look(const struct fs *fs, const char *path, struct why *why) MUST_CHECK;
struct backup_writer;
enum err backup_writer_open(struct backup_writer **ret, const struct fs *fs, const char *path,
                            int64_t taken_ns, struct rnd *rnd, struct why *why) MUST_CHECK;
/* A file of so many bytes begins; that many follow. name: at most BACKUP_NAME_MAX. */
enum err backup_writer_begin(struct backup_writer *w, const char *name, uint64_t bytes) MUST_CHECK;
enum err backup_writer_add(struct backup_writer *w, struct bytes bytes) MUST_CHECK;
/* Both end the writer, also on error; what is not whole is removed, as far as the disk allows. */
enum err backup_writer_finish(struct backup_writer *w, struct backup_end *ret,
                              struct why *why) MUST_CHECK;
void backup_writer_abort(struct backup_writer *w); /* NULL is fine */

struct backup_reader;
enum err backup_reader_open(struct backup_reader **ret, const struct fs *fs, const char *path,
                            struct why *why) MUST_CHECK;
void backup_reader_close(struct backup_reader *r); /* NULL is fine */
int64_t backup_reader_taken_ns(const struct backup_reader *r);
int64_t backup_reader_at(const struct backup_reader *r, int64_t *ret_size); /* how far */

struct backup_item {
    bool begins; /* a file: `about`; else its next bytes */
    struct backup_file_about about;
    struct bytes bytes;
};
/* ERR_END: all files were there, whole, and nothing stands behind. `why` names file and offset. */
enum err backup_reader_next(struct backup_reader *r, struct backup_item *ret,
                            struct why *why) MUST_CHECK;
