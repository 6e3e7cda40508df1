#pragma once
/* app/backup_copy.h -- from a snapshot (backup_snapshot.h) into a backup file, and from the file
 * into a directory.
 * Every byte is checked on the way: out of the store block by block and page by page, into it by
 * the checksums of the backup.
 * Threads: main.   Memory: nothing is kept. */
#include "app/cli.h"
#include "store/embedded/backup_file.h"

/* dir: of the store. On failure the file is not there. */
enum err backup_copy_out(struct cli *cli, const char *dir, const char *file, int64_t taken_ns,
                         struct backup_end *ret, struct why *why) MUST_CHECK;
/* dir NULL: only looks. Else the files are made there and are on the disk on ERR_OK. */
enum err backup_copy_in(struct cli *cli, const char *file, const char *dir, struct backup_end *ret,
                        int64_t *ret_taken_ns, struct why *why) MUST_CHECK;
