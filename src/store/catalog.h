#pragma once
/* store/catalog.h -- opens the relational half of the embedded store: the file catalog.db in the
 * data directory, its schema brought up to date. What is in it is read and written through
 * catalog_*.h.
 *
 *   service, registry ── catalog_devices.h, … ── sql.h ── sqlite_sql ── sqlite_vfs ── sys/file
 *
 * Whoever opens it must hold the data directory's lock: the file itself is not locked.
 * Threads: the struct sql_db is for any thread.   Memory: catalog_close() frees it.
 * Bytes: embedded/FORMAT.md, "Catalog". */
#include "base/clock.h"
#include "store/sql.h"
#include "sys/file.h"

#define CATALOG_FILE "catalog.db"

/* ERR_VERSION: written by a newer program. ERR_CORRUPT: a migration that was applied reads
 * differently in this program, or a page is damaged; `why` names it. */
enum err catalog_open(struct sql_db **ret, const struct fs *fs, const char *dir,
                      const struct clock *clock, struct why *why) MUST_CHECK;
/* The same without touching the schema: for `migrate --status`, `--dry-run` and `verify`. A missing
 * file is made. */
enum err catalog_open_raw(struct sql_db **ret, const struct fs *fs, const char *dir,
                          struct why *why) MUST_CHECK;
void catalog_close(struct sql_db *db); /* NULL is fine */

/* Reads every page and every index. Calls fault for each damage found (file, byte offset or -1,
 * what); ERR_CORRUPT when there was one. */
typedef void catalog_fault_fn(void *ctx, const char *file, int64_t offset, const char *what);
enum err catalog_verify(const struct fs *fs, const char *dir, catalog_fault_fn *fault,
                        void *ctx) MUST_CHECK;

/* Writes a copy of the file to `path`, every page checked. The caller has a transaction open
 * on it in which nothing was changed: so long the file keeps still. ERR_CORRUPT names the page. */
enum err catalog_copy(const struct fs *fs, const char *dir, const char *path,
                      struct why *why) MUST_CHECK;
