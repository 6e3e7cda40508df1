#pragma once
/* sys/file.h -- the disk as a parameter. Everything that outlives the process goes through a struct
 * fs: the real one, or one that fails, tears or remembers on behalf of a test. Every call maps
 * errno to enum err and retries EINTR; short reads and writes are completed inside. Threads: any;
 * one descriptor's pread/pwrite may run at once.   Memory: paths are borrowed. */
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>

struct fs;
struct file {
    const struct fs *fs;
    int fd; /* -1 = closed */
};
#define FILE_CLOSED ((struct file){NULL, -1})

enum file_mode {
    FILE_READ,       /* must exist */
    FILE_READ_WRITE, /* must exist */
    FILE_CREATE,     /* read and write, made when missing */
    FILE_CREATE_NEW, /* read and write, ERR_EXISTS when there */
};

/* The raw operations; negative results are -errno. A test wraps fs_real() and fails some of them.
 */
struct fs {
    int (*open)(const struct fs *, const char *path, int flags, int mode);
    int (*close)(const struct fs *, int fd);
    int64_t (*pread)(const struct fs *, int fd, void *p, size_t n, int64_t at);
    int64_t (*pwrite)(const struct fs *, int fd, const void *p, size_t n, int64_t at);
    int (*sync)(const struct fs *, int fd);      /* fsync */
    int (*data_sync)(const struct fs *, int fd); /* fdatasync */
    int (*truncate)(const struct fs *, int fd, int64_t size);
    int64_t (*size)(const struct fs *, int fd);
    int (*lock)(const struct fs *, int fd); /* exclusive, at once or -EWOULDBLOCK */
    int (*rename)(const struct fs *, const char *from, const char *to);
    int (*unlink)(const struct fs *, const char *path);
    int (*mkdir)(const struct fs *, const char *path, int mode);
    /* Names in a directory, "." and ".." left out, in no order; `visit` must not change it. */
    int (*list)(const struct fs *, const char *path, void (*visit)(void *ctx, const char *name),
                void *ctx);
};

const struct fs *fs_real(void);

enum err file_open(struct file *ret, const struct fs *fs, const char *path,
                   enum file_mode mode) MUST_CHECK;
void file_close(struct file *f); /* closed already is fine */
/* Exactly n bytes, or ERR_END when the file ends before. */
enum err file_read_at(const struct file *f, void *p, size_t n, int64_t at) MUST_CHECK;
/* As many of n bytes as there are. */
enum err file_read_some(const struct file *f, void *p, size_t n, int64_t at,
                        size_t *ret_n) MUST_CHECK;
enum err file_write_at(const struct file *f, const void *p, size_t n, int64_t at) MUST_CHECK;
enum err file_sync(const struct file *f) MUST_CHECK;
enum err file_data_sync(const struct file *f) MUST_CHECK;
enum err file_truncate(const struct file *f, int64_t size) MUST_CHECK;
enum err file_size(const struct file *f, int64_t *ret) MUST_CHECK;
enum err file_lock(const struct file *f) MUST_CHECK; /* ERR_LOCKED: another process has it */
enum err fs_rename(const struct fs *fs, const char *from, const char *to) MUST_CHECK;
enum err fs_unlink(const struct fs *fs, const char *path) MUST_CHECK;
/* An existing directory is ERR_OK. Mode 0700. */
enum err fs_mkdir(const struct fs *fs, const char *path) MUST_CHECK;
enum err fs_list(const struct fs *fs, const char *path, void (*visit)(void *ctx, const char *name),
                 void *ctx) MUST_CHECK;
/* Makes names created, renamed or removed in the directory durable. */
enum err fs_sync_dir(const struct fs *fs, const char *path) MUST_CHECK;
/* Whole small file into fresh memory with a NUL behind it (mem_free it); ERR_TOOLARGE past
 * max_bytes. */
enum err fs_read_file(const struct fs *fs, const char *path, size_t max_bytes, char **ret_p,
                      size_t *ret_n) MUST_CHECK;
/* tmp, write, sync, rename, sync the directory: the file is the old or the new one, never between.
 */
enum err fs_replace_file(const struct fs *fs, const char *dir, const char *name,
                         struct bytes content) MUST_CHECK;
