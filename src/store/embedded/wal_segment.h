#pragma once
/* store/embedded/wal_segment.h -- one file of the log: making it, writing a group into it, and
 * reading it back with suspicion.   Bytes: FORMAT.md, "WAL".
 * Threads: owner only.   Memory: a scan owns the file's bytes until wal_segment_scan_done(). */
#include "base/bytes.h"
#include "base/err.h"
#include "sys/file.h"

#include <limits.h>

#define WAL_SEGMENT_HEADER   32u /* bytes before the first group */
#define WAL_SEGMENT_GROUP    16u /* bytes before a group's payload */
#define WAL_SEGMENT_NAME_MAX 32

struct wal_segment {
    struct file file;
    uint64_t number, bytes; /* bytes: file size */
    uint64_t at;            /* the next group goes here */
    uint64_t last_lsn;      /* 0 = holds none */
    uint32_t salt;
};

/* "w-<16 hex digits>.wal" */
void wal_segment_name(char ret[WAL_SEGMENT_NAME_MAX], uint64_t number);
/* *ret_temporary: a leftover of wal_segment_make(). False: not a file of the log. */
bool wal_segment_name_parse(const char *name, uint64_t *ret_number, bool *ret_temporary);
enum err wal_segment_path(char ret[PATH_MAX], const char *dir, uint64_t number) MUST_CHECK;

/* Zeroed and synced before it gets its name (W3); on failure nothing of it is left behind. */
enum err wal_segment_make(struct wal_segment *ret, const struct fs *fs, const char *dir,
                          uint64_t number, uint64_t bytes, uint32_t salt) MUST_CHECK;

/* Bytes of a group with a payload of n bytes, padding included; a multiple of 8. */
size_t wal_segment_group_bytes(size_t n);
/* Fills in header, padding and checksum around the payload of n bytes at group + 16. */
void wal_segment_finish_group(char *group, size_t n, uint64_t lsn, uint32_t salt);

enum wal_tail {
    WAL_TAIL_CLEAN,   /* zeros to the end */
    WAL_TAIL_TORN,    /* remains of a group that was never acknowledged */
    WAL_TAIL_DAMAGED, /* an acknowledged group is broken */
};

/* A whole segment in memory. */
struct wal_segment_scan {
    char *bytes; /* owned */
    size_t n;
    uint32_t salt;
    size_t at; /* wal_segment_next() reads here; after ERR_END the tail begins here */
};

/* Reads the file and checks its header. ERR_CORRUPT, ERR_VERSION: *ret_what says why. */
enum err wal_segment_scan_open(struct wal_segment_scan *ret, const struct fs *fs, const char *path,
                               uint64_t number, const char **ret_what) MUST_CHECK;
void wal_segment_scan_done(struct wal_segment_scan *s);
/* The next sound group; ERR_END where there is none. */
enum err wal_segment_next(struct wal_segment_scan *s, uint64_t *ret_lsn,
                          struct bytes *ret_payload) MUST_CHECK;
/* What stands behind the last sound group (lsn `last`, 0 when unknown). */
enum wal_tail wal_segment_tail(const struct wal_segment_scan *s, uint64_t last);
