/* `restore`: an installation out of a backup, into a directory that has none.
 *
 *   mark ──> files, each on the disk ──> all of it read again and checked ──> mark away
 *
 * While the mark is there nobody opens the directory, and another restore may begin anew: all that
 * is in it came from the one before. */
#include "app/backup_copy.h"
#include "app/commands.h"
#include "app/conf_tables.h"
#include "app/store_open.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "store/catalog.h"
#include "store/embedded/engine.h"
#include "store/embedded/manifest.h"
#include "store/embedded/segment.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

struct restore {
    struct cli *cli;
    struct conf *conf;
    struct settings settings;
    struct data_dir data_dir, store_dir;
    struct store_place place;
    struct backup_end sums;
    int64_t taken_ns;
    struct why why;
};

static const char *below(const struct restore *r, const char *name, char ret[PATH_MAX])
{
    snprintf(ret, PATH_MAX, "%.*s/%s", PATH_MAX - 128, r->place.dir, name);
    return ret;
}

static bool is_there(const struct restore *r, const char *name)
{
    char path[PATH_MAX];
    struct file f = FILE_CLOSED;
    enum err e = file_open(&f, fs_real(), below(r, name, path), FILE_READ);
    file_close(&f);
    return e != ERR_NOTFOUND;
}

/* --- where ------------------------------------------------------------------------------------ */

static enum err find_place(struct restore *r)
{
    const char *sets[CLI_VALUES_MAX];
    size_t n = cli_each(r->cli, "set", sets);
    enum err e = conf_tables_load(&r->conf, &r->settings, cli_value(r->cli, "config", NULL), sets,
                                  n, &r->why);
    if (!e)
        e = store_open_place(&r->settings, cli_value(r->cli, "data", "./var"), &r->place, &r->why);
    if (!e && r->place.remote)
        e = why_say(&r->why, ERR_UNSUPPORTED,
                    "store.url names PostgreSQL; restore into a directory (--set store.url=) and "
                    "`move` it there");
    return e;
}

static enum err take_place(struct restore *r)
{
    const char *data = cli_value(r->cli, "data", "./var");
    enum err e = data_dir_open(&r->data_dir, fs_real(), data, DATA_DIR_CREATE, &r->why);
    if (!e && strcmp(r->place.dir, data) != 0)
        e = data_dir_open(&r->store_dir, fs_real(), r->place.dir, DATA_DIR_CREATE, &r->why);
    if (e || is_there(r, STORE_RESTORE_MARK)) return e;
    if (is_there(r, CATALOG_FILE) || is_there(r, "telemetry"))
        e = why_say(&r->why, ERR_EXISTS,
                    "there is an installation in %.150s, and it is not overwritten; choose another "
                    "directory with --data",
                    r->place.dir);
    return e;
}

/* --- the mark, and what an earlier one left --------------------------------------------------- */

struct leftovers {
    const char *dir;
    char (*names)[SEGMENT_NAME_BYTES]; /* owned */
    size_t count;
    enum err err;
};

static void note_leftover(void *ctx, const char *name)
{
    struct leftovers *l = ctx;
    if (l->err || strlen(name) >= SEGMENT_NAME_BYTES) return;
    char(*grown)[SEGMENT_NAME_BYTES] = mem_realloc(l->names, (l->count + 1) * sizeof *grown);
    if (!grown) {
        l->err = ERR_NOMEM;
        return;
    }
    l->names = grown;
    memcpy(l->names[l->count++], name, strlen(name) + 1);
}

static void remove_file(const struct restore *r, const char *name)
{
    char path[PATH_MAX];
    (void)!fs_unlink(fs_real(), below(r, name, path)); /* one that stays is in the way, and named */
}

static enum err remove_leftovers(const struct restore *r)
{
    static const char *const names[] = {CATALOG_FILE, CATALOG_FILE "-journal"};
    char telemetry[PATH_MAX], name[SEGMENT_NAME_BYTES + 16];
    struct leftovers l = {.dir = below(r, "telemetry", telemetry)};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) remove_file(r, names[i]);
    enum err e = fs_list(fs_real(), telemetry, note_leftover, &l);
    if (!e) e = l.err;
    for (size_t i = 0; i < l.count; i++) {
        snprintf(name, sizeof name, "telemetry/%s", l.names[i]);
        remove_file(r, name);
    }
    mem_free(l.names);
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

static enum err set_mark(struct restore *r)
{
    char path[PATH_MAX];
    enum err e = fs_replace_file(fs_real(), r->place.dir, STORE_RESTORE_MARK,
                                 BYTES("A restore into this directory has not ended.\n"));
    if (!e) e = remove_leftovers(r);
    if (!e) e = fs_mkdir(fs_real(), below(r, "telemetry", path));
    return e ? why_say(&r->why, e, "%.150s: %s", r->place.dir, err_sentence(e)) : ERR_OK;
}

static enum err take_mark_away(struct restore *r)
{
    char path[PATH_MAX];
    enum err e = fs_unlink(fs_real(), below(r, STORE_RESTORE_MARK, path));
    if (!e) e = fs_sync_dir(fs_real(), r->place.dir);
    return e ? why_say(&r->why, e, "%.150s: %s", path, err_sentence(e)) : ERR_OK;
}

/* After a failure nothing is left but an empty directory; the mark goes last. */
static void undo(struct restore *r)
{
    char path[PATH_MAX];
    if (!remove_leftovers(r) && !rmdir(below(r, "telemetry", path)))
        remove_file(r, STORE_RESTORE_MARK);
}

/* --- the work --------------------------------------------------------------------------------- */

static void note_damage(void *ctx, const char *file, int64_t offset, const char *what)
{
    struct restore *r = ctx;
    if (r->why.text[0]) return;
    (void)why_say(&r->why, ERR_CORRUPT,
                  "what the backup holds is damaged: %.100s, offset %" PRId64 ": %.80s", file,
                  offset, what);
}

static enum err check(struct restore *r)
{
    char telemetry[PATH_MAX];
    enum err e = catalog_verify(fs_real(), r->place.dir, note_damage, r);
    if (!e) e = engine_verify(below(r, "telemetry", telemetry), fs_real(), note_damage, r);
    return e;
}

static enum err fill(struct restore *r)
{
    const char *file = r->cli->operands[0];
    if (cli_has(r->cli, "check"))
        return backup_copy_in(r->cli, file, NULL, &r->sums, &r->taken_ns, &r->why);
    enum err e = find_place(r);
    if (!e) e = take_place(r);
    if (!e) e = set_mark(r);
    if (e) return e;
    e = backup_copy_in(r->cli, file, r->place.dir, &r->sums, &r->taken_ns, &r->why);
    if (!e) e = check(r);
    if (e) {
        undo(r);
        return e;
    }
    return take_mark_away(r);
}

static int print_result(const struct restore *r)
{
    bool only = cli_has(r->cli, "check");
    char taken[48];
    struct buf out;
    buf_init(&out, 1 << 16);
    json_write_time(&out, r->taken_ns);
    snprintf(taken, sizeof taken, "%.*s", (int)(out.n > 2 ? out.n - 2 : 0), buf_cstr(&out) + 1);
    buf_clear(&out);
    if (r->cli->json) {
        json_write_open(&out, '{');
        json_write_member_text(&out, "status", only ? "sound" : "restored");
        json_write_member_time(&out, "takenAt", r->taken_ns);
        json_write_member_u64(&out, "files", r->sums.files);
        json_write_member_u64(&out, "bytes", r->sums.bytes);
        json_write_close(&out, '}');
        buf_add_char(&out, '\n');
    } else {
        buf_printf(&out, "%s: %" PRIu64 " files, %" PRIu64 " bytes, as of %s\n",
                   only ? "sound" : "restored and checked", r->sums.files, r->sums.bytes, taken);
    }
    int code = cli_print(r->cli, &out);
    buf_done(&out);
    return code;
}

int cmd_restore(struct cli *cli)
{
    struct restore r = {.cli = cli, .data_dir.lock = FILE_CLOSED, .store_dir.lock = FILE_CLOSED};
    enum err e = fill(&r);
    data_dir_close(&r.store_dir);
    data_dir_close(&r.data_dir);
    conf_free(r.conf);
    if (e) return cli_fail(cli, "%s", r.why.text[0] ? r.why.text : err_sentence(e));
    return print_result(&r);
}
