#pragma once
/* app/data_dir.h -- the data directory: made, locked against a second process, and refused in words
 * that say what to do.
 *
 *   DIR/lock          flock()ed for as long as somebody works on DIR; holds their pid as text
 *   DIR/control.sock  the running server's (app/control.h)
 *
 * Threads: owner only.   Memory: the caller's struct. */
#include "sys/file.h"

struct data_dir {
    char path[1024];
    struct file lock; /* FILE_CLOSED: not ours */
};

enum data_dir_mode {
    DATA_DIR_CREATE,   /* with its parents, mode 0700 */
    DATA_DIR_EXISTING, /* ERR_NOTFOUND when there is no store in it */
};

/* ERR_LOCKED names the pid; ERR_READONLY, ERR_NOSPACE, ERR_TOOLARGE (a path longer than 900
 * bytes). */
enum err data_dir_open(struct data_dir *ret, const struct fs *fs, const char *path,
                       enum data_dir_mode mode, struct why *why) MUST_CHECK;
void data_dir_close(struct data_dir *d); /* closed already is fine */
