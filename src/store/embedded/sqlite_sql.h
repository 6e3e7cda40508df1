#pragma once
/* store/embedded/sqlite_sql.h -- store/sql.h on one SQLite connection.
 *
 * Q1  a commit that returns ERR_OK is on the disk: rollback journal, synchronous=EXTRA.
 * Q2  one transaction at a time, readers too: begin takes a lock of LOCK_RANK_SQL, commit and
 *     rollback release it. Who waited wait_ns for it is told ERR_TIMEOUT. A dashboard of readers
 *     is served by the registry and the telemetry, not from here.
 * Q3  every page carries a checksum (sqlite_vfs.h); a damaged one is ERR_CORRUPT, and message()
 *     names file and offset.
 * Q4  a bounded cache of prepared statements, keyed by their text, and of 2 MiB of pages.
 * Threads: as sql.h.   Memory: SQLite allocates through base/mem.h.   Bytes: FORMAT.md,
 * "Catalog". */
#include "store/sql.h"
#include "sys/file.h"

struct sqlite_sql_opts {
    const struct fs *fs; /* borrowed until close */
    const char *path;    /* copied */
    int64_t wait_ns;     /* a begin waits so long for the transaction under way; 0 = 10 s */
};
/* A missing or empty file is made. */
enum err sqlite_sql_open(struct sql_db **ret, const struct sqlite_sql_opts *opts,
                         struct why *why) MUST_CHECK;
/* Runs SQLite's own check of trees and indexes; calls visit for each sentence it has. */
enum err sqlite_sql_check(struct sql_db *db, void (*visit)(void *ctx, const char *what),
                          void *ctx) MUST_CHECK;
