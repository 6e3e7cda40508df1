/* The files of SQLite over sys/file.h (see sqlite_vfs.h).
 *
 * SQLite reads and writes pages of the main database whole and aligned. The exceptions are looks at
 * the header before a hot journal has been played back; those are let through unchecked, because
 * the page may be half written then, and whatever is read first afterwards is page 1 as a whole.
 *
 * A rollback journal is headers, each at a multiple of the sector size, and records behind them:
 *
 *     magic 8 | records 4 | nonce 4 | pages 4 | sector 4 | page size 4 |  ours: mark 4 | crc 4
 *     number 4 | page 4096 | sum 4        sum: nonce + some bytes of the page
 *
 * SQLite takes a record whose sum is wrong for the end of the journal, and a header whose magic is
 * wrong for no journal at all. That is right only for what was never synced, and what was never
 * synced has no magic yet: so the magic gets a checksum of its header beside it, in the same write,
 * and behind a good header a record that is not whole is damage. */
#include "store/embedded/sqlite_vfs.h"

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "base/rnd.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>

enum { CHECKED = SQLITE_VFS_PAGE - SQLITE_VFS_RESERVED };
enum { MAGIC = 8, COUNT_END = 12, MARK_AT = 28, MARK_END = 32, HEADER = 36 };
static const uint8_t no_magic[COUNT_END];
#define HEADER_MARK 0x484a5653u /* "SVJH" */

/* What is known of the journal from the writes and reads so far. */
struct journal {
    uint8_t header[HEADER]; /* the newest, as SQLite wrote it */
    int64_t header_at;
    uint32_t nonce;     /* of the header that was written or read last */
    uint32_t number;    /* the last four bytes read: the number of the page ... */
    int64_t number_end; /* ... that follows at this offset */
    uint32_t sum;       /* of the page read last ... */
    int64_t page_end;   /* ... whose stored sum follows at this offset */
};

struct sqlite_vfs {
    sqlite3_vfs vfs; /* pAppData points back here */
    const struct fs *fs;
    char name[32];
    enum err failure;
    char failure_text[256];
};

struct vfs_file {
    sqlite3_file base;
    struct sqlite_vfs *vfs;
    struct file file;
    const char *path; /* SQLite keeps it alive until close */
    bool is_main;
    bool name_is_new; /* V2: the directory has to be synced with the first sync */
    struct journal journal;
};

static void put_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get_u32_le(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t get_u32_be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

/* [0, CHECKED) content, then the CRC32C of content and number, then the number. */
static uint32_t page_crc(const uint8_t *page, uint32_t number)
{
    uint8_t text[4];
    put_u32(text, number);
    return crc32c(crc32c(0, page, CHECKED), text, sizeof text);
}

void sqlite_vfs_seal_page(uint8_t page[SQLITE_VFS_PAGE], uint32_t number)
{
    put_u32(page + CHECKED, page_crc(page, number));
    put_u32(page + CHECKED + 4, number);
}

bool sqlite_vfs_page_is_good(const uint8_t page[SQLITE_VFS_PAGE], uint32_t number)
{
    return get_u32_le(page + CHECKED + 4) == number &&
           get_u32_le(page + CHECKED) == page_crc(page, number);
}

enum err sqlite_vfs_failure(const struct sqlite_vfs *v, const char **ret_text)
{
    *ret_text = v->failure_text;
    return v->failure;
}

void sqlite_vfs_clear_failure(struct sqlite_vfs *v)
{
    v->failure = ERR_OK;
    v->failure_text[0] = 0;
}

/* Keeps in words what failed first and gives SQLite its number for it (V4). */
static int failed(struct sqlite_vfs *v, enum err e, const char *path, const char *doing, int code)
{
    if (!v->failure) {
        v->failure = e;
        snprintf(v->failure_text, sizeof v->failure_text, "%.180s: %s: %s", path, doing,
                 err_sentence(e));
    }
    if (e == ERR_NOSPACE) return SQLITE_FULL;
    return e == ERR_NOMEM ? SQLITE_IOERR_NOMEM : code;
}

static int damaged(const struct vfs_file *f, const char *what, uint32_t number, int64_t at)
{
    struct sqlite_vfs *v = f->vfs;
    if (!v->failure) {
        v->failure = ERR_CORRUPT;
        snprintf(v->failure_text, sizeof v->failure_text,
                 "%.160s: %s %u at byte %lld fails its checksum", f->path, what, number,
                 (long long)at);
    }
    return SQLITE_IOERR_DATA;
}

static struct vfs_file *file_of(sqlite3_file *f)
{
    return (struct vfs_file *)f;
}

static int close_file(sqlite3_file *sf)
{
    file_close(&file_of(sf)->file);
    return SQLITE_OK;
}

static uint32_t header_crc(const uint8_t *magic_and_count, const uint8_t *header)
{
    return crc32c(crc32c(0, magic_and_count, COUNT_END), header + COUNT_END, MARK_END - COUNT_END);
}

/* SQLite looks for the next header by its magic, also where there is none. It is one when the magic
 * or our mark says so: no single flipped bit hides both. The checksum of a header without magic is
 * as good: then the write of the magic was torn, and nothing of this journal is in the database
 * yet. */
static int check_header(struct vfs_file *f, int64_t at)
{
    static const uint8_t magic[MAGIC] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
    uint8_t h[HEADER];
    size_t got;
    enum err e = file_read_some(&f->file, h, HEADER, at, &got);
    if (e) return failed(f->vfs, e, f->path, "cannot be read", SQLITE_IOERR_READ);
    if (got < HEADER) return SQLITE_OK;
    bool is_marked = get_u32_le(h + MARK_AT) == HEADER_MARK;
    if (!is_marked && memcmp(h, magic, MAGIC) != 0) return SQLITE_OK;
    uint32_t crc = get_u32_le(h + MARK_END);
    if (!is_marked || (crc != header_crc(h, h) && crc != header_crc(no_magic, h)))
        return damaged(f, "header", (uint32_t)(at / SQLITE_VFS_PAGE), at);
    f->journal.nonce = get_u32_be(h + COUNT_END);
    return SQLITE_OK;
}

/* SQLite's sum of a page: every 200th byte, from the end. */
static uint32_t sum_of(const uint8_t *page)
{
    uint32_t sum = 0;
    for (int i = SQLITE_VFS_PAGE - 200; i > 0; i -= 200) sum += page[i];
    return sum;
}

static int check_journal_read(struct vfs_file *f, const void *p, int n, int64_t at)
{
    struct journal *j = &f->journal;
    if (n == MAGIC && at % SQLITE_VFS_PAGE == 0) return check_header(f, at);
    if (n == SQLITE_VFS_PAGE && at == j->number_end) {
        if (!sqlite_vfs_page_is_good(p, j->number)) return damaged(f, "page", j->number, at);
        j->sum = sum_of(p);
        j->page_end = at + n;
    } else if (n == 4) {
        if (at == j->page_end && get_u32_be(p) != j->nonce + j->sum)
            return damaged(f, "sum of page", j->number, at);
        j->number = get_u32_be(p);
        j->number_end = at + 4;
        j->page_end = -1;
    }
    return SQLITE_OK;
}

static int read_file(sqlite3_file *sf, void *p, int n, sqlite3_int64 at)
{
    struct vfs_file *f = file_of(sf);
    size_t got;
    enum err e = file_read_some(&f->file, p, (size_t)n, at, &got);
    if (e) return failed(f->vfs, e, f->path, "cannot be read", SQLITE_IOERR_READ);
    if (got < (size_t)n) {
        memset((char *)p + got, 0, (size_t)n - got); /* what SQLite asks for */
        return SQLITE_IOERR_SHORT_READ;
    }
    if (!f->is_main) return check_journal_read(f, p, n, at);
    uint32_t number = (uint32_t)(at / SQLITE_VFS_PAGE) + 1;
    if (n != SQLITE_VFS_PAGE || sqlite_vfs_page_is_good(p, number)) return SQLITE_OK;
    return damaged(f, "page", number, at);
}

/* A header comes in a whole sector but without its magic, and gets its mark in the zeros behind it.
 * The magic and the count of records come when these are synced: then all 36 bytes are written once
 * more. */
static const void *seal_header(struct vfs_file *f, const void *p, int *n, int64_t at)
{
    struct journal *j = &f->journal;
    if (at % SQLITE_VFS_PAGE) return p;
    if (*n == SQLITE_VFS_PAGE) {
        uint8_t *h = (uint8_t *)p;
        put_u32(h + MARK_AT, HEADER_MARK);
        put_u32(h + MARK_END, header_crc(h, h));
        memcpy(j->header, h, HEADER);
        j->header_at = at;
        j->nonce = get_u32_be(h + COUNT_END);
    } else if (*n == COUNT_END && at == j->header_at) {
        memcpy(j->header, p, COUNT_END);
        put_u32(j->header + MARK_END, header_crc(p, j->header));
        *n = HEADER;
        return j->header;
    }
    return p;
}

static int write_file(sqlite3_file *sf, const void *p, int n, sqlite3_int64 at)
{
    struct vfs_file *f = file_of(sf);
    /* Sealed in SQLite's own buffer: the same bytes go into the journal when the page changes next,
     * and are checked there too (V1). The last bytes are reserved for us in each page. */
    if (!f->is_main)
        p = seal_header(f, p, &n, at);
    else if (n == SQLITE_VFS_PAGE)
        sqlite_vfs_seal_page((uint8_t *)p, (uint32_t)(at / SQLITE_VFS_PAGE) + 1);
    enum err e = file_write_at(&f->file, p, (size_t)n, at);
    return e ? failed(f->vfs, e, f->path, "cannot be written", SQLITE_IOERR_WRITE) : SQLITE_OK;
}

static int truncate_file(sqlite3_file *sf, sqlite3_int64 size)
{
    struct vfs_file *f = file_of(sf);
    enum err e = file_truncate(&f->file, size);
    return e ? failed(f->vfs, e, f->path, "cannot be cut", SQLITE_IOERR_TRUNCATE) : SQLITE_OK;
}

static int sync_dir_of(struct sqlite_vfs *v, const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int n = slash ? snprintf(dir, sizeof dir, "%.*s", slash == path ? 1 : (int)(slash - path), path)
                  : snprintf(dir, sizeof dir, ".");
    if (n < 0 || (size_t)n >= sizeof dir) return SQLITE_CANTOPEN;
    enum err e = fs_sync_dir(v->fs, dir);
    return e ? failed(v, e, dir, "cannot be synced", SQLITE_IOERR_DIR_FSYNC) : SQLITE_OK;
}

static int sync_file(sqlite3_file *sf, int flags)
{
    struct vfs_file *f = file_of(sf);
    enum err e = flags & SQLITE_SYNC_DATAONLY ? file_data_sync(&f->file) : file_sync(&f->file);
    if (e) return failed(f->vfs, e, f->path, "cannot be synced", SQLITE_IOERR_FSYNC);
    if (!f->name_is_new) return SQLITE_OK;
    int result = sync_dir_of(f->vfs, f->path);
    if (!result) f->name_is_new = false;
    return result;
}

static int size_of_file(sqlite3_file *sf, sqlite3_int64 *ret)
{
    struct vfs_file *f = file_of(sf);
    int64_t size;
    enum err e = file_size(&f->file, &size);
    if (e) return failed(f->vfs, e, f->path, "has no size", SQLITE_IOERR_FSTAT);
    *ret = size;
    return SQLITE_OK;
}

static int lock_file(sqlite3_file *sf, int level)
{
    (void)sf;
    (void)level;
    return SQLITE_OK; /* V3 */
}

static int check_reserved_lock(sqlite3_file *sf, int *ret)
{
    (void)sf;
    *ret = 0;
    return SQLITE_OK;
}

static int control_file(sqlite3_file *sf, int op, void *arg)
{
    (void)sf;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *sf)
{
    (void)sf;
    return SQLITE_VFS_PAGE;
}

/* Nothing is promised: a write may tear anywhere in its sector. */
static int characteristics(sqlite3_file *sf)
{
    (void)sf;
    return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = size_of_file,
    .xLock = lock_file,
    .xUnlock = lock_file,
    .xCheckReservedLock = check_reserved_lock,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
};

static struct sqlite_vfs *vfs_of(sqlite3_vfs *sv)
{
    return sv->pAppData;
}

static int open_file(sqlite3_vfs *sv, const char *path, sqlite3_file *sf, int flags, int *ret_flags)
{
    struct sqlite_vfs *v = vfs_of(sv);
    struct vfs_file *f = file_of(sf);
    *f = (struct vfs_file){.vfs = v,
                           .file = FILE_CLOSED,
                           .path = path,
                           .journal = {.header_at = -1, .number_end = -1, .page_end = -1}};
    if (!path) return SQLITE_CANTOPEN; /* temporary tables live in memory */
    f->is_main = flags & SQLITE_OPEN_MAIN_DB;
    enum err e = file_open(&f->file, v->fs, path, FILE_READ_WRITE);
    if (e == ERR_NOTFOUND && (flags & SQLITE_OPEN_CREATE)) {
        e = file_open(&f->file, v->fs, path, FILE_CREATE_NEW);
        f->name_is_new = !e;
    }
    if (e) return failed(v, e, path, "cannot be opened", SQLITE_CANTOPEN);
    f->base.pMethods = &methods;
    if (ret_flags) *ret_flags = flags;
    return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *sv, const char *path, int sync_dir)
{
    struct sqlite_vfs *v = vfs_of(sv);
    enum err e = fs_unlink(v->fs, path);
    if (e == ERR_NOTFOUND) return SQLITE_IOERR_DELETE_NOENT;
    if (e) return failed(v, e, path, "cannot be removed", SQLITE_IOERR_DELETE);
    return sync_dir ? sync_dir_of(v, path) : SQLITE_OK;
}

/* An empty file counts as absent, as in SQLite's own VFS: an empty journal is no journal. */
static int access_file(sqlite3_vfs *sv, const char *path, int flags, int *ret)
{
    (void)flags;
    struct sqlite_vfs *v = vfs_of(sv);
    struct file f;
    int64_t size = 0;
    enum err e = file_open(&f, v->fs, path, FILE_READ);
    if (e == ERR_NOTFOUND) {
        *ret = 0;
        return SQLITE_OK;
    }
    if (!e) {
        e = file_size(&f, &size);
        file_close(&f);
    }
    if (e) return failed(v, e, path, "cannot be looked at", SQLITE_IOERR_ACCESS);
    *ret = size > 0;
    return SQLITE_OK;
}

static int full_path(sqlite3_vfs *sv, const char *path, int n, char *ret)
{
    (void)sv;
    int used = snprintf(ret, (size_t)n, "%s", path);
    return used < 0 || used >= n ? SQLITE_CANTOPEN : SQLITE_OK;
}

static int random_bytes(sqlite3_vfs *sv, int n, char *ret)
{
    (void)sv;
    rnd_fill(rnd_system(), ret, (size_t)n);
    return n;
}

static int sleep_not(sqlite3_vfs *sv, int microseconds)
{
    (void)sv;
    return microseconds;
}

/* Milliseconds since noon of 24 November 4714 BC; 1970 began at 2440587.5 days of it. */
static int current_time(sqlite3_vfs *sv, sqlite3_int64 *ret)
{
    (void)sv;
    *ret = INT64_C(24405875) * 8640000 + clock_wall_ns(clock_real()) / NS_PER_MS;
    return SQLITE_OK;
}

static int last_error(sqlite3_vfs *sv, int n, char *ret)
{
    (void)sv;
    if (n > 0) ret[0] = 0;
    return 0;
}

enum err sqlite_vfs_new(struct sqlite_vfs **ret, const struct fs *fs)
{
    static _Atomic unsigned counter; /* only makes names differ */
    struct sqlite_vfs *v = mem_zalloc(sizeof *v);
    if (!v) return ERR_NOMEM;
    v->fs = fs;
    snprintf(v->name, sizeof v->name, "sv%u", atomic_fetch_add(&counter, 1));
    v->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(struct vfs_file),
        .mxPathname = PATH_MAX,
        .zName = v->name,
        .pAppData = v,
        .xOpen = open_file,
        .xDelete = delete_file,
        .xAccess = access_file,
        .xFullPathname = full_path,
        .xRandomness = random_bytes,
        .xSleep = sleep_not,
        .xGetLastError = last_error,
        .xCurrentTimeInt64 = current_time,
    };
    if (sqlite3_vfs_register(&v->vfs, 0)) {
        mem_free(v);
        return ERR_NOMEM;
    }
    *ret = v;
    return ERR_OK;
}

void sqlite_vfs_free(struct sqlite_vfs *v)
{
    if (!v) return;
    sqlite3_vfs_unregister(&v->vfs);
    mem_free(v);
}

const char *sqlite_vfs_name(const struct sqlite_vfs *v)
{
    return v->name;
}
