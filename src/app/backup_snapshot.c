/* An installation of one instant (see backup_snapshot.h). */
#include "app/backup_snapshot.h"

#include "base/mem.h"
#include "store/catalog.h"
#include "store/embedded/engine.h"
#include "store/embedded/manifest.h"

#include <stdio.h>
#include <unistd.h>

enum { DIR_BYTES = 1100, PATH_BYTES = DIR_BYTES + 64, MANIFEST_MAX_BYTES = 256 << 20 };

struct backup_snapshot {
    struct engine_pin *pin;
    char dir[DIR_BYTES];
};

void backup_snapshot_sweep(const char *dir)
{
    static const char *const names[] = {"/" CATALOG_FILE, "/" MANIFEST_NAME,
                                        "/" MANIFEST_NAME ".tmp"};
    char path[PATH_BYTES];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%.*s/" BACKUP_DIR "%s", DIR_BYTES, dir, names[i]);
        (void)!fs_unlink(fs_real(), path);
    }
    snprintf(path, sizeof path, "%.*s/" BACKUP_DIR, DIR_BYTES, dir);
    (void)!rmdir(path); /* what is in it that is not ours stays */
}

/* Only inside of this transaction the catalog stands still. */
static enum err take_both(struct backup_snapshot *s, struct telemetry *engine, struct sql_db *db,
                          struct why *why)
{
    char path[PATH_BYTES];
    struct sql_tx *tx;
    snprintf(path, sizeof path, "%s/" BACKUP_DIR "/" CATALOG_FILE, s->dir);
    enum err e = sql_begin(db, SQL_READ, &tx);
    if (e) return why_say(why, e, "the catalog: %s", err_sentence(e));
    e = engine_pin_new(&s->pin, engine);
    if (e)
        (void)why_say(why, e, "sealing the readings: %s", err_sentence(e));
    else
        e = catalog_copy(fs_real(), s->dir, path, why);
    sql_rollback(tx);
    return e;
}

static enum err write_manifest(const struct backup_snapshot *s, struct why *why)
{
    char path[PATH_BYTES];
    struct buf b;
    buf_init(&b, MANIFEST_MAX_BYTES);
    manifest_encode(&b, engine_pin_manifest(s->pin));
    snprintf(path, sizeof path, "%s/" BACKUP_DIR, s->dir);
    enum err e = b.err;
    if (!e) e = fs_replace_file(fs_real(), path, MANIFEST_NAME, buf_bytes(&b));
    buf_done(&b);
    return e ? why_say(why, e, "%.150s: %s", path, err_sentence(e)) : ERR_OK;
}

static enum err take(struct backup_snapshot *s, struct telemetry *engine, struct sql_db *db,
                     struct why *why)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/" BACKUP_DIR, s->dir);
    backup_snapshot_sweep(s->dir);
    enum err e = fs_mkdir(fs_real(), path);
    if (e) return why_say(why, e, "%.150s: %s", path, err_sentence(e));
    /* Most is sealed before the catalog is stopped, so that it waits for little. */
    e = telemetry_seal(engine);
    if (e) return why_say(why, e, "sealing the readings: %s", err_sentence(e));
    e = take_both(s, engine, db, why);
    return e ? e : write_manifest(s, why);
}

enum err backup_snapshot_new(struct backup_snapshot **ret, struct telemetry *engine,
                             struct sql_db *db, const char *dir, struct why *why)
{
    if (strlen(dir) >= DIR_BYTES)
        return why_say(why, ERR_TOOLARGE, "the path of the data directory is too long");
    struct backup_snapshot *s = mem_zalloc(sizeof *s);
    if (!s) return why_say(why, ERR_NOMEM, "%s", err_sentence(ERR_NOMEM));
    memcpy(s->dir, dir, strlen(dir) + 1);
    enum err e = take(s, engine, db, why);
    if (e)
        backup_snapshot_free(s);
    else
        *ret = s;
    return e;
}

void backup_snapshot_free(struct backup_snapshot *s)
{
    if (!s) return;
    engine_pin_free(s->pin);
    backup_snapshot_sweep(s->dir);
    mem_free(s);
}
