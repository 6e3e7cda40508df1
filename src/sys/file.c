/* The disk as a parameter (see file.h). */
#include "sys/file.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int negative_errno(int result)
{
    return result < 0 ? -errno : result;
}

static int real_open(const struct fs *fs, const char *path, int flags, int mode)
{
    (void)fs;
    return negative_errno(open(path, flags | O_CLOEXEC, mode));
}

static int real_close(const struct fs *fs, int fd)
{
    (void)fs;
    return negative_errno(close(fd));
}

static int64_t real_pread(const struct fs *fs, int fd, void *p, size_t n, int64_t at)
{
    (void)fs;
    ssize_t got = pread(fd, p, n, at);
    return got < 0 ? -errno : got;
}

static int64_t real_pwrite(const struct fs *fs, int fd, const void *p, size_t n, int64_t at)
{
    (void)fs;
    ssize_t put = pwrite(fd, p, n, at);
    return put < 0 ? -errno : put;
}

static int real_sync(const struct fs *fs, int fd)
{
    (void)fs;
    return negative_errno(fsync(fd));
}

static int real_data_sync(const struct fs *fs, int fd)
{
    (void)fs;
    return negative_errno(fdatasync(fd));
}

static int real_truncate(const struct fs *fs, int fd, int64_t size)
{
    (void)fs;
    return negative_errno(ftruncate(fd, size));
}

static int64_t real_size(const struct fs *fs, int fd)
{
    (void)fs;
    struct stat st;
    return fstat(fd, &st) < 0 ? -errno : (int64_t)st.st_size;
}

static int real_lock(const struct fs *fs, int fd)
{
    (void)fs;
    return negative_errno(flock(fd, LOCK_EX | LOCK_NB));
}

static int real_rename(const struct fs *fs, const char *from, const char *to)
{
    (void)fs;
    return negative_errno(rename(from, to));
}

static int real_unlink(const struct fs *fs, const char *path)
{
    (void)fs;
    return negative_errno(unlink(path));
}

static int real_mkdir(const struct fs *fs, const char *path, int mode)
{
    (void)fs;
    return negative_errno(mkdir(path, (mode_t)mode));
}

static int real_list(const struct fs *fs, const char *path,
                     void (*visit)(void *ctx, const char *name), void *ctx)
{
    (void)fs;
    DIR *dir = opendir(path);
    if (!dir) return -errno;
    struct dirent *entry;
    errno = 0;
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            visit(ctx, entry->d_name);
    int failed = errno;
    closedir(dir);
    return -failed;
}

const struct fs *fs_real(void)
{
    static const struct fs real = {
        .open = real_open,
        .close = real_close,
        .pread = real_pread,
        .pwrite = real_pwrite,
        .sync = real_sync,
        .data_sync = real_data_sync,
        .truncate = real_truncate,
        .size = real_size,
        .lock = real_lock,
        .rename = real_rename,
        .unlink = real_unlink,
        .mkdir = real_mkdir,
        .list = real_list,
    };
    return &real;
}

static enum err to_err(int64_t result)
{
    return result < 0 ? err_from_errno((int)-result) : ERR_OK;
}

enum err file_open(struct file *ret, const struct fs *fs, const char *path, enum file_mode mode)
{
    static const int flags[] = {
        [FILE_READ] = O_RDONLY,
        [FILE_READ_WRITE] = O_RDWR,
        [FILE_CREATE] = O_RDWR | O_CREAT,
        [FILE_CREATE_NEW] = O_RDWR | O_CREAT | O_EXCL,
    };
    int fd;
    do fd = fs->open(fs, path, flags[mode], 0600);
    while (fd == -EINTR);
    if (fd < 0) return to_err(fd);
    *ret = (struct file){fs, fd};
    return ERR_OK;
}

void file_close(struct file *f)
{
    if (f->fs && f->fd >= 0) f->fs->close(f->fs, f->fd);
    *f = FILE_CLOSED;
}

enum err file_read_some(const struct file *f, void *p, size_t n, int64_t at, size_t *ret_n)
{
    size_t done = 0;
    while (done < n) {
        int64_t got = f->fs->pread(f->fs, f->fd, (char *)p + done, n - done, at + (int64_t)done);
        if (got == -EINTR) continue;
        if (got < 0) return to_err(got);
        if (got == 0) break;
        done += (size_t)got;
    }
    *ret_n = done;
    return ERR_OK;
}

enum err file_read_at(const struct file *f, void *p, size_t n, int64_t at)
{
    size_t got;
    enum err e = file_read_some(f, p, n, at, &got);
    if (e) return e;
    return got == n ? ERR_OK : ERR_END;
}

enum err file_write_at(const struct file *f, const void *p, size_t n, int64_t at)
{
    while (n) {
        int64_t put = f->fs->pwrite(f->fs, f->fd, p, n, at);
        if (put == -EINTR) continue;
        if (put < 0) return to_err(put);
        if (put == 0) return ERR_IO;
        p = (const char *)p + put;
        n -= (size_t)put;
        at += put;
    }
    return ERR_OK;
}

enum err file_sync(const struct file *f)
{
    return to_err(f->fs->sync(f->fs, f->fd));
}

enum err file_data_sync(const struct file *f)
{
    return to_err(f->fs->data_sync(f->fs, f->fd));
}

enum err file_truncate(const struct file *f, int64_t size)
{
    int result;
    do result = f->fs->truncate(f->fs, f->fd, size);
    while (result == -EINTR);
    return to_err(result);
}

enum err file_size(const struct file *f, int64_t *ret)
{
    int64_t size = f->fs->size(f->fs, f->fd);
    if (size < 0) return to_err(size);
    *ret = size;
    return ERR_OK;
}

enum err file_lock(const struct file *f)
{
    return to_err(f->fs->lock(f->fs, f->fd));
}

enum err fs_rename(const struct fs *fs, const char *from, const char *to)
{
    return to_err(fs->rename(fs, from, to));
}

enum err fs_unlink(const struct fs *fs, const char *path)
{
    return to_err(fs->unlink(fs, path));
}

enum err fs_mkdir(const struct fs *fs, const char *path)
{
    int result = fs->mkdir(fs, path, 0700);
    return result == -EEXIST ? ERR_OK : to_err(result);
}

enum err fs_list(const struct fs *fs, const char *path, void (*visit)(void *ctx, const char *name),
                 void *ctx)
{
    return to_err(fs->list(fs, path, visit, ctx));
}

enum err fs_sync_dir(const struct fs *fs, const char *path)
{
    int fd = fs->open(fs, path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) return to_err(fd);
    int result = fs->sync(fs, fd);
    fs->close(fs, fd);
    return to_err(result);
}

enum err fs_read_file(const struct fs *fs, const char *path, size_t max_bytes, char **ret_p,
                      size_t *ret_n)
{
    struct file f = FILE_CLOSED;
    char *p = NULL;
    int64_t size = 0;
    enum err e = file_open(&f, fs, path, FILE_READ);
    if (!e) e = file_size(&f, &size);
    if (!e && (uint64_t)size > max_bytes) e = ERR_TOOLARGE;
    if (!e && !(p = mem_alloc((size_t)size + 1))) e = ERR_NOMEM;
    if (!e) e = file_read_at(&f, p, (size_t)size, 0);
    file_close(&f);
    if (e) {
        mem_free(p);
        return e;
    }
    p[size] = 0;
    *ret_p = p;
    *ret_n = (size_t)size;
    return ERR_OK;
}

enum err fs_replace_file(const struct fs *fs, const char *dir, const char *name,
                         struct bytes content)
{
    char tmp[PATH_MAX], path[PATH_MAX];
    int n = snprintf(tmp, sizeof tmp, "%s/%s.tmp", dir, name);
    if (n < 0 || (size_t)n >= sizeof tmp) return ERR_TOOLARGE;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    struct file f = FILE_CLOSED;
    enum err e = file_open(&f, fs, tmp, FILE_CREATE);
    if (!e) e = file_truncate(&f, 0);
    if (!e) e = file_write_at(&f, content.p, content.n, 0);
    if (!e) e = file_sync(&f);
    file_close(&f);
    if (!e) e = fs_rename(fs, tmp, path);
    if (!e) e = fs_sync_dir(fs, dir);
    return e;
}
