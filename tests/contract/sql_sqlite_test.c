/* The promises of store/sql.h, on SQLite, alone and watched for changes. */
#include "fault_fs.h"
#include "sql_suite.h"
#include "store/embedded/sqlite_sql.h"
#include "store/sql_watch.h"
#include "temp_dir.h"

#include <stdio.h>

static struct temp_dir dir;
static struct fault_fs quick; /* the real disk without its syncs */

static enum err open_sqlite(void *ctx, struct sql_db **ret)
{
    (void)ctx;
    char path[128];
    snprintf(path, sizeof path, "%s/suite.db", dir.path);
    return sqlite_sql_open(ret, &(struct sqlite_sql_opts){&quick.fs, path, 0}, NULL);
}

static enum err open_watched(void *ctx, struct sql_db **ret)
{
    struct sql_db *below;
    enum err e = open_sqlite(ctx, &below);
    return e ? e : sql_watch_new(ret, below, NULL, 0);
}

static void close_sqlite(void *ctx, struct sql_db *db)
{
    (void)ctx;
    db->ops->close(db);
}

static void wipe_sqlite(void *ctx)
{
    (void)ctx;
    temp_dir_remove(&dir);
    temp_dir_make(&dir);
}

int main(void)
{
    static const struct sql_suite_driver sqlite = {"sql on SQLite", "BLOB",      open_sqlite,
                                                   close_sqlite,    wipe_sqlite, NULL};
    static const struct sql_suite_driver watched = {
        "sql on watched SQLite", "BLOB", open_watched, close_sqlite, wipe_sqlite, NULL};
    fault_fs_init(&quick, fs_real());
    quick.skip_sync = true;
    temp_dir_make(&dir);
    int failed = sql_suite_run(&sqlite) + sql_suite_run(&watched);
    temp_dir_remove(&dir);
    return failed;
}
