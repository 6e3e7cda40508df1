/* Verbs of `backup` beside a running server (see backup_snapshot.h). Whoever makes a backup holds a
 * lock on the catalog's file, which nobody else locks: when that is free, its command has ended. */
#include "app/admin_verbs.h"
#include "app/backup_snapshot.h"
#include "codec/json_write.h"
#include "store/catalog.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static void drop(struct admin *a)
{
    backup_snapshot_free(a->backup);
    a->backup = NULL;
}

enum err admin_backup_where(void *ctx, const cJSON *request, struct buf *answer, struct why *why)
{
    const struct admin *a = ctx;
    const struct admin_opts *o = &a->opts;
    char dir[PATH_MAX];
    (void)request;
    if (!o->engine || !o->store_dir)
        return why_say(why, ERR_UNSUPPORTED,
                       "this store is in PostgreSQL, which has its own ways: pg_dump -Fc, or "
                       "pg_basebackup (docs/backup.md)");
    if (!realpath(o->store_dir, dir))
        return why_say(why, ERR_IO, "%.150s: its path cannot be told", o->store_dir);
    json_write_member_text(answer, "dir", dir);
    return ERR_OK;
}

/* The caller has the lock, so an earlier one is over. */
enum err admin_backup_begin(void *ctx, const cJSON *request, struct buf *answer, struct why *why)
{
    struct admin *a = ctx;
    const struct admin_opts *o = &a->opts;
    enum err e = admin_backup_where(ctx, request, answer, why);
    if (e) return e;
    lock_take(&a->backup_lock);
    drop(a);
    e = backup_snapshot_new(&a->backup, o->engine, o->db, o->store_dir, why);
    lock_release(&a->backup_lock);
    return e;
}

enum err admin_backup_end(void *ctx, const cJSON *request, struct buf *answer, struct why *why)
{
    (void)request;
    (void)answer;
    (void)why;
    admin_backup_stop(ctx);
    return ERR_OK;
}

void admin_backup_stop(struct admin *a)
{
    lock_take(&a->backup_lock);
    drop(a);
    lock_release(&a->backup_lock);
}

static bool command_is_gone(const struct admin *a)
{
    char path[PATH_MAX];
    struct file f = FILE_CLOSED;
    snprintf(path, sizeof path, "%.*s/" CATALOG_FILE, PATH_MAX - 32, a->opts.store_dir);
    enum err e = file_open(&f, fs_real(), path, FILE_READ);
    if (!e) e = file_lock(&f);
    file_close(&f);
    return !e;
}

void admin_backup_check(struct admin *a)
{
    if (!lock_take_within(&a->backup_lock, NS_PER_MS)) return; /* one begins just now */
    if (a->backup && command_is_gone(a)) drop(a);
    lock_release(&a->backup_lock);
}
