#pragma once
/* store/embedded/wal_state.h -- what wal.c and wal_recover.c share; nobody else includes it.
 * `lock` guards the spare, the old segments and the numbers; what only the appender touches stands
 * apart.   Threads and memory: wal.h. */
#include "base/buf.h"
#include "store/embedded/wal.h"
#include "store/embedded/wal_segment.h"
#include "sys/lock.h"

/* A segment that is no longer written. */
struct wal_old {
    struct wal_old *next; /* the next younger */
    uint64_t number, last_lsn, bytes;
};

struct wal {
    struct wal_opts opts;
    /* The appender's. */
    struct wal_segment current;
    char *buffer; /* owned; one group */
    size_t buffer_bytes;
    /* Under `lock`. */
    struct lock lock;
    uint64_t next_lsn, next_number;
    struct wal_segment spare; /* number 0: none */
    bool preparing;
    uint64_t current_bytes, current_at;
    enum err broken;
    struct why broken_why;
    struct wal_old *oldest, *youngest; /* owned */
};

/* Takes ownership; the caller holds the lock, or is alone. */
void wal_add_old(struct wal *w, struct wal_old *old);
void wal_remove(struct wal *w, uint64_t number);
enum err wal_recover(struct wal *w, uint64_t replay_lsn, wal_apply apply, void *ctx,
                     struct why *why) MUST_CHECK;
