#pragma once
/* store/embedded/manifest.h -- which files are alive: the one small file that is replaced whole.
 * M1  manifest_store() == ERR_OK: the new list survives power loss; else the old one or the new
 *     one does.
 * M2  one flipped bit anywhere is ERR_CORRUPT; a newer format is ERR_VERSION and `why` says so.
 * Bytes: FORMAT.md, "Manifest".
 * Threads: none of its own; the caller's lock.   Memory: a manifest owns its arrays. */
#include "base/buf.h"
#include "store/embedded/segment.h"

#define MANIFEST_NAME "MANIFEST"

/* Per organisation: what is older is not shown and may be given back. INT64_MIN keeps all. */
struct manifest_cutoff {
    int64_t org, raw_cutoff_ns, rollup_cutoff_ns;
};

/* A forgotten device: blocks of it in files with id < before_file, and its records in the log below
 * before_lsn, are dead. */
struct manifest_purge {
    int64_t org, device;
    uint64_t before_file, before_lsn;
};

struct manifest {
    uint64_t next_file_id;           /* 1 in a new store */
    uint64_t replay_lsn;             /* the log is replayed from here */
    struct segment_info *files;      /* owned; in age order, oldest first */
    struct manifest_cutoff *cutoffs; /* owned */
    struct manifest_purge *purges;   /* owned */
    size_t file_count, cutoff_count, purge_count;
};

/* ERR_NOTFOUND: there is none yet (`ret` is untouched). */
enum err manifest_load(struct manifest *ret, const struct fs *fs, const char *dir,
                       struct why *why) MUST_CHECK;
enum err manifest_store(const struct manifest *m, const struct fs *fs, const char *dir) MUST_CHECK;
void manifest_done(struct manifest *m); /* frees the arrays; zeroed is fine */
enum err manifest_copy(struct manifest *ret, const struct manifest *m) MUST_CHECK;

/* The same without a disk. Arrays are allocated with room for what they hold, not more. */
void manifest_encode(struct buf *out, const struct manifest *m);
enum err manifest_decode(struct manifest *ret, struct bytes bytes, struct why *why) MUST_CHECK;
