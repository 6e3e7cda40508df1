/* Opening and proving the relational half of the embedded store (see catalog.h). */
#include "store/catalog.h"

#include "base/mem.h"
#include "store/embedded/sqlite_sql.h"
#include "store/embedded/sqlite_vfs.h"
#include "store/migrations.h"

#include <limits.h>
#include <stdio.h>

static enum err path_of(const char *dir, char path[PATH_MAX], struct why *why)
{
    int n = snprintf(path, PATH_MAX, "%s/" CATALOG_FILE, dir);
    if (n < 0 || n >= PATH_MAX)
        return why_say(why, ERR_TOOLARGE, "the path of the data directory is too long");
    return ERR_OK;
}

enum err catalog_open_raw(struct sql_db **ret, const struct fs *fs, const char *dir,
                          struct why *why)
{
    char path[PATH_MAX];
    enum err e = path_of(dir, path, why);
    return e ? e : sqlite_sql_open(ret, &(struct sqlite_sql_opts){fs, path, 0}, why);
}

enum err catalog_open(struct sql_db **ret, const struct fs *fs, const char *dir,
                      const struct clock *clock, struct why *why)
{
    struct sql_db *db;
    enum err e = catalog_open_raw(&db, fs, dir, why);
    if (e) return e;
    e = migrate_run(db, migrations_catalog, migrations_catalog_count, clock_wall_ns(clock), why);
    if (e) {
        catalog_close(db);
        return e;
    }
    *ret = db;
    return ERR_OK;
}

void catalog_close(struct sql_db *db)
{
    if (db) db->ops->close(db);
}

struct verify {
    const char *path;
    catalog_fault_fn *fault;
    void *ctx;
};

/* A page that no transaction has needed yet may be a hole in the file; whoever uses one that should
 * not be is found by the second pass, which reads through the checks. */
static bool is_zero(const uint8_t *page)
{
    return page[0] == 0 && memcmp(page, page + 1, SQLITE_VFS_PAGE - 1) == 0;
}

static enum err verify_pages(const struct verify *v, const struct file *f)
{
    int64_t size;
    enum err e = file_size(f, &size), found = ERR_OK;
    uint8_t *page = mem_alloc(SQLITE_VFS_PAGE);
    if (!page) return ERR_NOMEM;
    for (int64_t at = 0; !e && at < size; at += SQLITE_VFS_PAGE) {
        uint32_t number = (uint32_t)(at / SQLITE_VFS_PAGE) + 1;
        e = file_read_at(f, page, SQLITE_VFS_PAGE, at);
        if (!e && (is_zero(page) || sqlite_vfs_page_is_good(page, number))) continue;
        v->fault(v->ctx, v->path, at, e == ERR_END ? "a page is cut off" : "a page is damaged");
        found = ERR_CORRUPT;
        if (e == ERR_END) e = ERR_OK;
    }
    mem_free(page);
    return e ? e : found;
}

/* --- a copy ----------------------------------------------------------------------------------- */

enum { COPY_BYTES = 256 * SQLITE_VFS_PAGE };

/* Whole pages of [at, at + n). */
static enum err check_pages(const char *path, const uint8_t *bytes, size_t n, int64_t at,
                            struct why *why)
{
    if (n % SQLITE_VFS_PAGE)
        return why_say(why, ERR_CORRUPT, "%.150s: its last page is cut off", path);
    for (size_t i = 0; i < n; i += SQLITE_VFS_PAGE) {
        int64_t page_at = at + (int64_t)i;
        if (is_zero(bytes + i) ||
            sqlite_vfs_page_is_good(bytes + i, (uint32_t)(page_at / SQLITE_VFS_PAGE) + 1))
            continue;
        return why_say(why, ERR_CORRUPT, "%.150s, offset %lld: a page is damaged", path,
                       (long long)page_at);
    }
    return ERR_OK;
}

static enum err copy_pages(const struct file *from, const struct file *to, const char *path,
                           struct why *why)
{
    uint8_t *bytes = mem_alloc(COPY_BYTES);
    enum err e = bytes ? ERR_OK : ERR_NOMEM;
    size_t n = COPY_BYTES;
    for (int64_t at = 0; !e && n == COPY_BYTES; at += (int64_t)n) {
        e = file_read_some(from, bytes, COPY_BYTES, at, &n);
        if (!e) e = check_pages(path, bytes, n, at, why);
        if (!e && n) e = file_write_at(to, bytes, n, at);
    }
    mem_free(bytes);
    return e;
}

enum err catalog_copy(const struct fs *fs, const char *dir, const char *path, struct why *why)
{
    char source[PATH_MAX];
    struct file from = FILE_CLOSED, to = FILE_CLOSED;
    why->text[0] = 0;
    enum err e = path_of(dir, source, why);
    if (!e) e = file_open(&from, fs, source, FILE_READ);
    if (!e) e = file_open(&to, fs, path, FILE_CREATE);
    if (!e) e = file_truncate(&to, 0);
    if (!e) e = copy_pages(&from, &to, source, why);
    file_close(&to);
    file_close(&from);
    if (e && !why->text[0])
        (void)why_say(why, e, "copying the catalog to %.150s: %s", path, err_sentence(e));
    return e;
}

/* --- looking at the whole of it --------------------------------------------------------------- */

static void tell(void *ctx, const char *what)
{
    const struct verify *v = ctx;
    v->fault(v->ctx, v->path, -1, what);
}

enum err catalog_verify(const struct fs *fs, const char *dir, catalog_fault_fn *fault, void *ctx)
{
    char path[PATH_MAX];
    struct file f;
    struct why why = {""};
    struct sql_db *db;
    enum err e = path_of(dir, path, NULL);
    if (!e) e = file_open(&f, fs, path, FILE_READ);
    if (e) return e;
    struct verify v = {path, fault, ctx};
    /* Opened first: a hot journal is played back before the pages are judged. */
    enum err opened = sqlite_sql_open(&db, &(struct sqlite_sql_opts){fs, path, 0}, &why);
    e = verify_pages(&v, &f);
    file_close(&f);
    if (opened) {
        if (!e) tell(&v, why.text);
        return opened;
    }
    if (!e) e = sqlite_sql_check(db, tell, &v);
    catalog_close(db);
    return e;
}
