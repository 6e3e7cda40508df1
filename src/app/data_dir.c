/* Making and locking the data directory (see data_dir.h). */
#include "app/data_dir.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { PATH_MAX_BYTES = 900, PID_MAX_BYTES = 32 };

/* Every missing directory of the path, outermost first. */
static enum err make_all(const struct fs *fs, const char *path)
{
    char part[PATH_MAX_BYTES + 1];
    size_t n = strlen(path);
    enum err e = ERR_OK;
    bool readonly = false;
    for (size_t i = 1; !e && i <= n; i++) {
        if (path[i] != '/' && path[i] != 0) continue;
        memcpy(part, path, i);
        part[i] = 0;
        e = fs_mkdir(fs, part);
        /* a parent on a read-only system that exists already is answered EROFS: look further in */
        if (e == ERR_READONLY && i < n) {
            readonly = true;
            e = ERR_OK;
        }
    }
    return e == ERR_NOTFOUND && readonly ? ERR_READONLY : e;
}

static enum err refuse(const struct data_dir *d, enum err e, struct why *why)
{
    if (e == ERR_READONLY)
        return why_say(
            why, e,
            "the data directory %.100s is not writable for user id %u; change its owner, or "
            "choose another with --data",
            d->path, (unsigned)geteuid());
    if (e == ERR_NOTFOUND)
        return why_say(why, e, "there is no installation in %.100s; --data names another directory",
                       d->path);
    if (e == ERR_INVALID)
        return why_say(why, e, "%.100s is not a directory; name another with --data", d->path);
    return why_say(why, e, "the data directory %.100s: %s", d->path, err_sentence(e));
}

static enum err refuse_locked(const struct data_dir *d, const struct file *lock, struct why *why)
{
    char pid[PID_MAX_BYTES + 1] = "";
    size_t n = 0;
    if (file_read_some(lock, pid, PID_MAX_BYTES, 0, &n)) n = 0;
    pid[n] = 0;
    pid[strcspn(pid, "\n")] = 0;
    return why_say(
        why, ERR_LOCKED,
        "the data directory %.100s is in use by process %s; stop it, or choose another with "
        "--data",
        d->path, pid[0] ? pid : "(unknown)");
}

static enum err write_pid(const struct file *lock)
{
    char pid[PID_MAX_BYTES];
    int n = snprintf(pid, sizeof pid, "%" PRId64 "\n", (int64_t)getpid());
    enum err e = file_truncate(lock, 0);
    return e ? e : file_write_at(lock, pid, (size_t)n, 0);
}

enum err data_dir_open(struct data_dir *ret, const struct fs *fs, const char *path,
                       enum data_dir_mode mode, struct why *why)
{
    struct data_dir d = {.lock = FILE_CLOSED};
    if (strlen(path) > PATH_MAX_BYTES || !*path)
        return why_say(why, ERR_TOOLARGE, "--data: the path is empty or longer than %d bytes",
                       PATH_MAX_BYTES);
    memcpy(d.path, path, strlen(path) + 1);
    enum err e = mode == DATA_DIR_CREATE ? make_all(fs, path) : ERR_OK;
    char lock_path[PATH_MAX_BYTES + 8];
    snprintf(lock_path, sizeof lock_path, "%s/lock", path);
    struct file lock = FILE_CLOSED;
    if (!e)
        e = file_open(&lock, fs, lock_path,
                      mode == DATA_DIR_CREATE ? FILE_CREATE : FILE_READ_WRITE);
    if (e) return refuse(&d, e, why);
    e = file_lock(&lock);
    if (e == ERR_LOCKED)
        e = refuse_locked(&d, &lock, why);
    else if (!e)
        e = write_pid(&lock);
    if (e) {
        file_close(&lock);
        return e == ERR_LOCKED ? e : refuse(&d, e, why);
    }
    d.lock = lock;
    *ret = d;
    return ERR_OK;
}

void data_dir_close(struct data_dir *d)
{
    if (!d || d->lock.fd < 0) return;
    (void)!file_truncate(&d->lock, 0); /* a stale pid would only mislead */
    file_close(&d->lock);
}
