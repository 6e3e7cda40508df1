#pragma once
/* tests/helpers/memory_fs.h -- a disk in memory that knows what would survive if the power went
 * now. A file's bytes survive its sync; a name made, renamed or removed survives the sync of its
 * directory; of everything else any part may survive:
 *     names    the operations since the directory's last sync, up to a random one
 *     bytes    each write since the file's last sync whole, not at all, or any of its 512-byte
 *              sectors; truncations as well
 * So a sync that was forgotten, of a file or of a directory, shows as loss in some image.
 * Threads: any.   Memory: owned by the maker. */
#include "base/rnd.h"
#include "sys/file.h"

struct memory_fs;
struct memory_fs *memory_fs_new(void); /* with a directory "/" */
void memory_fs_free(struct memory_fs *m);
const struct fs *memory_fs_ops(struct memory_fs *m);

/* A sync of this file failed: as with a kernel, its pages count as clean from now on, and no later
 * sync brings what was written before to the disk; some of it may have got there. */
void memory_fs_sync_failed(const struct fs *fs, int fd);

/* Called before each operation that changes something, with the disk at rest. */
void memory_fs_hook(struct memory_fs *m, void (*hook)(void *ctx, struct memory_fs *m), void *ctx);

/* What a machine finds after the power went (also from the hook). */
struct memory_fs *memory_fs_after_power_loss(struct memory_fs *m, struct rnd *rnd);
/* What a process finds after kill -9: everything, and what was not synced still is not. */
struct memory_fs *memory_fs_after_kill(struct memory_fs *m);

/* The n-th file, in no particular order; NULL past the last. The bytes may be changed in place. */
unsigned char *memory_fs_file(struct memory_fs *m, size_t n, size_t *ret_bytes,
                              const char **ret_path);
