/* `verify`: reads every byte of a stopped installation and names what is damaged; writes
 * nothing. */
#include "app/commands.h"
#include "app/conf_tables.h"
#include "app/data_dir.h"
#include "app/store_open.h"
#include "codec/json_write.h"
#include "store/catalog.h"
#include "store/embedded/engine.h"

#include <inttypes.h>
#include <stdio.h>

struct findings {
    struct cli *cli;
    struct buf out;
    size_t count;
};

static void note_damage(void *ctx, const char *file, int64_t offset, const char *what)
{
    struct findings *f = ctx;
    f->count++;
    if (!f->cli->json) {
        buf_printf(&f->out, "%s: offset %" PRId64 ": %s\n", file, offset, what);
        return;
    }
    json_write_open(&f->out, '{');
    json_write_member_text(&f->out, "file", file);
    json_write_member_i64(&f->out, "offset", offset);
    json_write_member_text(&f->out, "what", what);
    json_write_close(&f->out, '}');
}

/* Both halves are looked at, also when the first is damaged. */
static enum err look(struct findings *f, const char *place)
{
    char telemetry[1200];
    snprintf(telemetry, sizeof telemetry, "%s/telemetry", place);
    enum err e = catalog_verify(fs_real(), place, note_damage, f);
    if (e && e != ERR_CORRUPT) return e;
    e = engine_verify(telemetry, fs_real(), note_damage, f);
    return e == ERR_CORRUPT ? ERR_OK : e;
}

static int print_findings(struct cli *cli, struct findings *f)
{
    if (cli->json) {
        json_write_close(&f->out, ']');
        json_write_member_bool(&f->out, "sound", f->count == 0);
        json_write_close(&f->out, '}');
        buf_add_char(&f->out, '\n');
    } else if (f->count) {
        buf_printf(&f->out, "%zu damaged place%s\n", f->count, f->count == 1 ? "" : "s");
    } else {
        buf_add_str(&f->out, "sound\n");
    }
    int code = cli_print(cli, &f->out);
    return code ? code : f->count ? CLI_FAILED : CLI_DONE;
}

int cmd_verify(struct cli *cli)
{
    struct why why = {""};
    struct conf *conf = NULL;
    struct settings settings;
    struct data_dir dir = {.lock = FILE_CLOSED};
    struct findings f = {.cli = cli};
    struct store_place place;
    buf_init(&f.out, 16 << 20);
    if (cli->json) {
        json_write_open(&f.out, '{');
        json_write_key(&f.out, "damage");
        json_write_open(&f.out, '[');
    }
    enum err e = conf_tables_load(&conf, &settings, NULL, NULL, 0, &why);
    if (!e)
        e = data_dir_open(&dir, fs_real(), cli_value(cli, "data", "./var"),
                          store_open_dir_mode(&settings), &why);
    if (!e) e = store_open_place(&settings, dir.path, &place, &why);
    if (!e && place.remote)
        e = why_say(&why, ERR_UNSUPPORTED,
                    "this store is in PostgreSQL, which checks its own bytes: use its data "
                    "checksums and pg_amcheck");
    if (!e) e = look(&f, place.dir);
    data_dir_close(&dir);
    conf_free(conf);
    int code =
        e ? cli_fail(cli, "%s", why.text[0] ? why.text : err_sentence(e)) : print_findings(cli, &f);
    buf_done(&f.out);
    return code;
}
