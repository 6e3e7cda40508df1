#pragma once
/* tests/helpers/fault_fs.h -- a struct fs that passes everything on until the N-th call of chosen
 * operations, which fails, once or from then on.
 *
 *     struct fault_fs f;
 *     fault_fs_init(&f, fs_real());
 *     for (int64_t n = 1;; n++) {
 *         fault_fs_arm(&f, FAULT_ALL, n, FAULT_EIO, false);
 *         ... work on &f.fs ...
 *         if (!fault_fs_fired(&f)) break;      every call site has failed once
 *     }
 * Threads: any.   Memory: the caller owns the struct; `below` is borrowed. */
#include "sys/file.h"

#include <stdatomic.h>

enum fault_op {
    FAULT_OPEN = 1 << 0,
    FAULT_READ = 1 << 1,
    FAULT_WRITE = 1 << 2,
    FAULT_SYNC = 1 << 3, /* both kinds */
    FAULT_TRUNCATE = 1 << 4,
    FAULT_SIZE = 1 << 5,
    FAULT_LOCK = 1 << 6,
    FAULT_RENAME = 1 << 7,
    FAULT_UNLINK = 1 << 8,
    FAULT_MKDIR = 1 << 9,
    FAULT_LIST = 1 << 10,
    FAULT_ALL = (1 << 11) - 1,
};

enum fault_kind {
    FAULT_EIO,
    FAULT_ENOSPC,
    FAULT_EINTR, /* once only, even when armed for good */
    FAULT_SHORT, /* a read or write does half of its bytes and says so; other operations: no fault
                  */
    FAULT_TORN,  /* a write does half of its bytes, then says EIO; other operations: EIO */
    FAULT_KINDS
};

struct fault_fs {
    struct fs fs; /* hand out &f.fs */
    const struct fs *below;
    _Atomic unsigned ops;
    _Atomic int64_t countdown; /* 1: the next chosen call is the one */
    _Atomic int kind;
    _Atomic bool for_good, fired;
    _Atomic int64_t calls; /* of chosen operations, since armed */
    /* Told of each sync that was made to fail, so that the disk below can lose what a kernel would;
     * may be NULL. */
    void (*sync_failed)(const struct fs *below, int fd);
    /* A sync counts and may fail, but does not reach the disk: a test without power loss looks at
     * the page cache only, and is far quicker without. */
    _Atomic bool skip_sync;
};

void fault_fs_init(struct fault_fs *f, const struct fs *below);
/* n: 1 = the next call of one of ops; 0 disarms. */
void fault_fs_arm(struct fault_fs *f, unsigned ops, int64_t n, enum fault_kind kind, bool for_good);
bool fault_fs_fired(struct fault_fs *f);
