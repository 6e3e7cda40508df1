/* A disk that fails when told to (see fault_fs.h). */
#include "fault_fs.h"

#include <errno.h>

static struct fault_fs *of(const struct fs *fs)
{
    return (struct fault_fs *)fs;
}

/* Counts the call; true when it is to fail. */
static bool strikes(struct fault_fs *f, unsigned op)
{
    if (!(atomic_load(&f->ops) & op)) return false;
    atomic_fetch_add(&f->calls, 1);
    int64_t left = atomic_load(&f->countdown);
    if (left <= 0) return false;
    if (left > 1) {
        atomic_fetch_sub(&f->countdown, 1);
        return false;
    }
    if (!atomic_load(&f->for_good) || atomic_load(&f->kind) == FAULT_EINTR)
        atomic_store(&f->countdown, 0);
    atomic_store(&f->fired, true);
    return true;
}

/* The answer of an operation that has no half: 0 goes on as if nothing had struck. */
static int answer(struct fault_fs *f)
{
    static const int answers[FAULT_KINDS] = {-EIO, -ENOSPC, -EINTR, 0, -EIO};
    return answers[atomic_load(&f->kind)];
}

#define STRIKE(fs_, op)                                                                            \
    do {                                                                                           \
        int struck = strikes(of(fs_), op) ? answer(of(fs_)) : 0;                                   \
        if (struck) return struck;                                                                 \
    } while (0)

static int fault_open(const struct fs *fs, const char *path, int flags, int mode)
{
    STRIKE(fs, FAULT_OPEN);
    return of(fs)->below->open(of(fs)->below, path, flags, mode);
}

static int fault_close(const struct fs *fs, int fd)
{
    return of(fs)->below->close(of(fs)->below, fd);
}

static int64_t fault_pread(const struct fs *fs, int fd, void *p, size_t n, int64_t at)
{
    struct fault_fs *f = of(fs);
    if (strikes(f, FAULT_READ)) {
        if (answer(f)) return answer(f);
        n = n / 2 ? n / 2 : n;
    }
    return f->below->pread(f->below, fd, p, n, at);
}

static int64_t fault_pwrite(const struct fs *fs, int fd, const void *p, size_t n, int64_t at)
{
    struct fault_fs *f = of(fs);
    if (!strikes(f, FAULT_WRITE)) return f->below->pwrite(f->below, fd, p, n, at);
    int kind = atomic_load(&f->kind);
    if (kind != FAULT_SHORT && kind != FAULT_TORN) return answer(f);
    size_t half = n / 2 ? n / 2 : n;
    int64_t put = f->below->pwrite(f->below, fd, p, half, at);
    return kind == FAULT_SHORT ? put : -EIO;
}

static int fail_sync(struct fault_fs *f, int fd)
{
    int struck = strikes(f, FAULT_SYNC) ? answer(f) : 0;
    if (struck && f->sync_failed) f->sync_failed(f->below, fd);
    return struck;
}

static int fault_sync(const struct fs *fs, int fd)
{
    int struck = fail_sync(of(fs), fd);
    return struck ? struck : of(fs)->below->sync(of(fs)->below, fd);
}

static int fault_data_sync(const struct fs *fs, int fd)
{
    int struck = fail_sync(of(fs), fd);
    return struck ? struck : of(fs)->below->data_sync(of(fs)->below, fd);
}

static int fault_truncate(const struct fs *fs, int fd, int64_t size)
{
    STRIKE(fs, FAULT_TRUNCATE);
    return of(fs)->below->truncate(of(fs)->below, fd, size);
}

static int64_t fault_size(const struct fs *fs, int fd)
{
    STRIKE(fs, FAULT_SIZE);
    return of(fs)->below->size(of(fs)->below, fd);
}

static int fault_lock(const struct fs *fs, int fd)
{
    STRIKE(fs, FAULT_LOCK);
    return of(fs)->below->lock(of(fs)->below, fd);
}

static int fault_rename(const struct fs *fs, const char *from, const char *to)
{
    STRIKE(fs, FAULT_RENAME);
    return of(fs)->below->rename(of(fs)->below, from, to);
}

static int fault_unlink(const struct fs *fs, const char *path)
{
    STRIKE(fs, FAULT_UNLINK);
    return of(fs)->below->unlink(of(fs)->below, path);
}

static int fault_mkdir(const struct fs *fs, const char *path, int mode)
{
    STRIKE(fs, FAULT_MKDIR);
    return of(fs)->below->mkdir(of(fs)->below, path, mode);
}

static int fault_list(const struct fs *fs, const char *path,
                      void (*visit)(void *ctx, const char *name), void *ctx)
{
    STRIKE(fs, FAULT_LIST);
    return of(fs)->below->list(of(fs)->below, path, visit, ctx);
}

void fault_fs_init(struct fault_fs *f, const struct fs *below)
{
    *f = (struct fault_fs){
        .fs = {.open = fault_open,
               .close = fault_close,
               .pread = fault_pread,
               .pwrite = fault_pwrite,
               .sync = fault_sync,
               .data_sync = fault_data_sync,
               .truncate = fault_truncate,
               .size = fault_size,
               .lock = fault_lock,
               .rename = fault_rename,
               .unlink = fault_unlink,
               .mkdir = fault_mkdir,
               .list = fault_list},
        .below = below,
    };
}

void fault_fs_arm(struct fault_fs *f, unsigned ops, int64_t n, enum fault_kind kind, bool for_good)
{
    atomic_store(&f->countdown, 0);
    atomic_store(&f->ops, ops);
    atomic_store(&f->kind, kind);
    atomic_store(&f->for_good, for_good);
    atomic_store(&f->fired, false);
    atomic_store(&f->calls, 0);
    atomic_store(&f->countdown, n);
}

bool fault_fs_fired(struct fault_fs *f)
{
    return atomic_load(&f->fired);
}
