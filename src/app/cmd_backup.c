/* `backup`: an installation of one instant into one file. The running server holds the instant
 * still and goes on; this process copies it, so the file is written by who asked for it. */
#include "app/backup_copy.h"
#include "app/backup_snapshot.h"
#include "app/commands.h"
#include "app/conf_tables.h"
#include "app/control.h"
#include "app/store_open.h"
#include "codec/json_write.h"
#include "store/catalog.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

enum { LOCK_TRIES = 40, LOCK_PAUSE_NS = 50000000 };

struct backup {
    struct cli *cli;
    const char *data; /* --data */
    char dir[PATH_MAX];
    struct file mine; /* locked: somebody makes a backup */
    int64_t taken_ns, begun_ns;
    struct backup_end sums;
    struct why why;
    /* without a server */
    struct conf *conf;
    struct settings settings;
    struct data_dir data_dir, store_dir;
    struct store_open store;
    struct backup_snapshot *snapshot;
};

/* --- beside a server -------------------------------------------------------------------------- */

static enum err ask(struct backup *b, const char *request, bool *ret_running)
{
    struct buf answer;
    buf_init(&answer, 1 << 16);
    enum err e = control_call(b->data, bytes_str(request), &answer, ret_running, &b->why);
    cJSON *root = e ? NULL : cJSON_ParseWithLength(answer.p, answer.n);
    const char *dir = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "dir"));
    if (dir) snprintf(b->dir, sizeof b->dir, "%s", dir);
    cJSON_Delete(root);
    buf_done(&answer);
    return e;
}

/* The server looks at this lock for a moment now and then; a command holds it for long. */
static enum err claim(struct backup *b)
{
    char path[PATH_MAX];
    const struct timespec pause = {0, LOCK_PAUSE_NS};
    snprintf(path, sizeof path, "%.*s/" CATALOG_FILE, PATH_MAX - 32, b->dir);
    enum err e = file_open(&b->mine, fs_real(), path, FILE_READ);
    if (e) return why_say(&b->why, e, "%.200s: %s", path, err_sentence(e));
    for (int i = 0; i < LOCK_TRIES; i++) {
        e = file_lock(&b->mine);
        if (e != ERR_LOCKED) break;
        nanosleep(&pause, NULL);
    }
    if (e == ERR_LOCKED) return why_say(&b->why, e, "another backup of %.150s is made", b->data);
    return e ? why_say(&b->why, e, "%.200s: %s", path, err_sentence(e)) : ERR_OK;
}

static enum err copy(struct backup *b)
{
    return backup_copy_out(b->cli, b->dir, b->cli->operands[0], b->taken_ns, &b->sums, &b->why);
}

static enum err beside_server(struct backup *b)
{
    bool running;
    enum err e = claim(b);
    b->taken_ns = clock_wall_ns(clock_real());
    if (!e) e = ask(b, "{\"do\":\"backup.begin\"}", &running);
    if (!e) e = copy(b);
    struct why why = b->why;
    /* A server that has ended meanwhile holds nothing any more: its answer does not matter. */
    (void)!ask(b, "{\"do\":\"backup.end\"}", &running);
    b->why = why;
    return e;
}

/* --- without one ------------------------------------------------------------------------------ */

/* Opening a catalog that is not there would make one. */
static enum err look_for_catalog(struct backup *b)
{
    char path[PATH_MAX];
    struct file f = FILE_CLOSED;
    snprintf(path, sizeof path, "%.*s/" CATALOG_FILE, PATH_MAX - 32, b->dir);
    enum err e = file_open(&f, fs_real(), path, FILE_READ);
    file_close(&f);
    if (e == ERR_NOTFOUND) return why_say(&b->why, e, "there is no installation in %.150s", b->dir);
    return e ? why_say(&b->why, e, "%.200s: %s", path, err_sentence(e)) : ERR_OK;
}

static enum err open_store(struct backup *b)
{
    struct store_place place;
    const char *sets[CLI_VALUES_MAX];
    size_t n = cli_each(b->cli, "set", sets);
    enum err e = conf_tables_load(&b->conf, &b->settings, cli_value(b->cli, "config", NULL), sets,
                                  n, &b->why);
    if (!e)
        e = data_dir_open(&b->data_dir, fs_real(), b->data, store_open_dir_mode(&b->settings),
                          &b->why);
    if (!e) e = store_open_place(&b->settings, b->data_dir.path, &place, &b->why);
    if (!e && place.remote)
        e = why_say(&b->why, ERR_UNSUPPORTED,
                    "this store is in PostgreSQL, which has its own ways: pg_dump -Fc, or "
                    "pg_basebackup (docs/backup.md)");
    if (!e && strcmp(place.dir, b->data_dir.path) != 0)
        e = data_dir_open(&b->store_dir, fs_real(), place.dir, DATA_DIR_EXISTING, &b->why);
    snprintf(b->dir, sizeof b->dir, "%s", e ? "" : place.dir);
    if (!e) e = look_for_catalog(b);
    if (!e) /* as it is: a backup comes before a change of the schema */
        e = store_open_parts(&b->store, STORE_RAW | STORE_TELEMETRY, &place, &b->settings,
                             clock_real(), &b->why);
    return e;
}

static enum err alone(struct backup *b)
{
    enum err e = open_store(b);
    b->taken_ns = clock_wall_ns(clock_real());
    if (!e) e = backup_snapshot_new(&b->snapshot, b->store.telemetry, b->store.db, b->dir, &b->why);
    if (!e) e = copy(b);
    backup_snapshot_free(b->snapshot);
    store_open_close(&b->store);
    data_dir_close(&b->store_dir);
    data_dir_close(&b->data_dir);
    conf_free(b->conf);
    return e;
}

/* --- either ----------------------------------------------------------------------------------- */

static int print_result(const struct backup *b)
{
    struct buf out;
    double seconds = (double)(clock_mono_ns(clock_real()) - b->begun_ns) / (double)NS_PER_S;
    buf_init(&out, 1 << 16);
    if (b->cli->json) {
        json_write_open(&out, '{');
        json_write_member_text(&out, "status", "written");
        json_write_member_text(&out, "file", b->cli->operands[0]);
        json_write_member_time(&out, "takenAt", b->taken_ns);
        json_write_member_u64(&out, "files", b->sums.files);
        json_write_member_u64(&out, "bytes", b->sums.bytes);
        json_write_member_number(&out, "seconds", seconds);
        json_write_close(&out, '}');
        buf_add_char(&out, '\n');
    } else {
        buf_printf(&out, "%s: %" PRIu64 " files, %" PRIu64 " bytes in %.1f s, each checked\n",
                   b->cli->operands[0], b->sums.files, b->sums.bytes, seconds);
    }
    int code = cli_print(b->cli, &out);
    buf_done(&out);
    return code;
}

int cmd_backup(struct cli *cli)
{
    struct backup b = {.cli = cli,
                       .data = cli_value(cli, "data", "./var"),
                       .mine = FILE_CLOSED,
                       .data_dir.lock = FILE_CLOSED,
                       .store_dir.lock = FILE_CLOSED,
                       .begun_ns = clock_mono_ns(clock_real())};
    bool running = false;
    enum err e = backup_writer_look(fs_real(), cli->operands[0], &b.why);
    if (e) return cli_fail(cli, "%s", b.why.text);
    e = ask(&b, "{\"do\":\"backup.where\"}", &running);
    if (running)
        e = e ? e : beside_server(&b);
    else if (e == ERR_NOTFOUND)
        e = alone(&b);
    file_close(&b.mine);
    if (e) return cli_fail(cli, "%s", b.why.text[0] ? b.why.text : err_sentence(e));
    return print_result(&b);
}
