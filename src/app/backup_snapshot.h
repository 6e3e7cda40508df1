#pragma once
/* app/backup_snapshot.h -- an installation of one instant, held still for who copies it:
 *
 *   DIR/telemetry/s-*.seg   those that DIR/backup/MANIFEST lists; none is removed meanwhile
 *   DIR/backup/MANIFEST     of the instant
 *   DIR/backup/catalog.db   of the same instant: nothing was changed in the catalog while readings
 *                           were sealed, so each reading has its device, and each alert its reading
 *
 * The directory is a leftover when nobody holds a snapshot; the next one replaces it.
 * Threads: one at a time.   Memory: owned by the caller; the store is borrowed until free. */
#include "store/sql.h"
#include "store/telemetry.h"

#define BACKUP_DIR "backup"

struct backup_snapshot;
/* engine: of engine_open(); dir: of the store, copied. */
enum err backup_snapshot_new(struct backup_snapshot **ret, struct telemetry *engine,
                             struct sql_db *db, const char *dir, struct why *why) MUST_CHECK;
void backup_snapshot_free(struct backup_snapshot *s); /* removes DIR/backup; NULL is fine */
/* Removes what a process that died has left. */
void backup_snapshot_sweep(const char *dir);
