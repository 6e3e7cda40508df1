#pragma once
/* store/embedded/sqlite_vfs.h -- the files of SQLite, through sys/file.h, with a checksum in each
 * page.
 *
 * V1  a page of the main database is written with the CRC32C of its content and its number in
 *     its last eight bytes, and no page that fails this check reaches SQLite. The pages in a
 *     rollback journal are those very pages and are checked as well when they are played back.
 * V2  the name of a new file is durable before the first sync of that file returns.
 * V3  there is no locking: whoever opens a catalog holds the lock of its directory.
 * V4  what failed last is kept in words, because SQLite only passes numbers on.
 * Threads: one connection, so one at a time.   Memory: see each call.   Bytes: FORMAT.md,
 * "Catalog". */
#include "sys/file.h"

enum { SQLITE_VFS_PAGE = 4096, SQLITE_VFS_RESERVED = 8 };

struct sqlite_vfs;

/* Registers a VFS with SQLite; fs is borrowed until free. */
enum err sqlite_vfs_new(struct sqlite_vfs **ret, const struct fs *fs) MUST_CHECK;
void sqlite_vfs_free(struct sqlite_vfs *v); /* after the connection is closed; NULL is fine */
/* The name to open a database with. */
const char *sqlite_vfs_name(const struct sqlite_vfs *v);
/* The first failure since the last clear, ERR_OK when there was none; *ret_text is borrowed. */
enum err sqlite_vfs_failure(const struct sqlite_vfs *v, const char **ret_text);
void sqlite_vfs_clear_failure(struct sqlite_vfs *v);

/* Writes checksum and number (1, 2, …) into the last bytes of a page. */
void sqlite_vfs_seal_page(uint8_t page[SQLITE_VFS_PAGE], uint32_t number);
bool sqlite_vfs_page_is_good(const uint8_t page[SQLITE_VFS_PAGE], uint32_t number);
