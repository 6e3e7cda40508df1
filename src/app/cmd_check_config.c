/* `check-config`: what serve would run with, where each value comes from, and what it would
 * ignore. */
#include "app/commands.h"
#include "app/conf_report.h"
#include "app/conf_tables.h"
#include "app/control.h"
#include "app/data_dir.h"
#include "app/overrides.h"
#include "app/store_open.h"
#include "base/mem.h"
#include "store/catalog.h"

#include <cjson/cJSON.h>
#include <unistd.h>

/* The running server knows its overrides; secrets come back hidden and are passed over. */
static enum err overrides_of_server(struct conf *conf, const struct buf *answer)
{
    cJSON *root = cJSON_ParseWithLength(answer->p, answer->n);
    const cJSON *row;
    enum err e = ERR_OK;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(root, "overrides"))
    {
        const char *key = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "key"));
        const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "value"));
        const char *who = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "who"));
        if (!key || !value || !who || conf_is_secret(conf, key)) continue;
        enum err one = conf_override(conf, key, value, who, NULL);
        if (one == ERR_NOMEM) e = one;
    }
    cJSON_Delete(root);
    return e;
}

/* A stopped installation is opened just to look; where there is none, there are no overrides. */
static enum err overrides_of_store(struct conf *conf, const struct settings *s, const char *path,
                                   struct why *why)
{
    char file[1200];
    struct store_place place;
    struct data_dir dir;
    struct store_open store = {.db = NULL};
    enum err e = store_open_place(s, path, &place, NULL);
    if (e) return ERR_OK; /* the report says what is wrong with it */
    snprintf(file, sizeof file, "%s/" CATALOG_FILE, place.dir);
    if (!place.remote && access(file, R_OK) != 0) return ERR_OK;
    e = data_dir_open(&dir, fs_real(), path, store_open_dir_mode(s), why);
    if (e) return e;
    e = store_open_parts(&store, STORE_RAW, &place, s, clock_real(), why);
    if (!e) e = overrides_load(conf, store.db, NULL, NULL, why);
    store_open_close(&store);
    data_dir_close(&dir);
    return e;
}

static enum err take_overrides(struct cli *cli, struct conf *conf, const struct settings *s,
                               struct why *why)
{
    const char *path = cli_value(cli, "data", "./var");
    struct buf answer;
    bool running;
    buf_init(&answer, 1 << 24);
    enum err e = control_call(path, BYTES("{\"do\":\"config.list\"}"), &answer, &running, why);
    if (running && !e) e = overrides_of_server(conf, &answer);
    if (!running) e = overrides_of_store(conf, s, path, why);
    buf_done(&answer);
    return e;
}

int cmd_check_config(struct cli *cli)
{
    const char *sets[CLI_VALUES_MAX];
    struct conf_opts opts = {.fs = fs_real(),
                             .file = cli_value(cli, "config", NULL),
                             .sets = sets,
                             .set_count = cli_each(cli, "set", sets),
                             .keep_going = true};
    opts.table = conf_tables_all(&opts.entries);
    struct why why = {""};
    struct conf *conf = NULL;
    struct settings settings;
    enum err e = conf_load(&conf, &opts, &why);
    if (e) {
        (void)cli_fail(cli, "%s", why.text[0] ? why.text : err_sentence(e));
        return e == ERR_NOMEM ? CLI_FAILED : CLI_USAGE;
    }
    e = conf_fill(conf, &settings);
    struct why unread = {""}, place = {""};
    struct store_place unused;
    enum err store = e ? e : store_open_place(&settings, ".", &unused, &place);
    if (store) cli_say(cli, "%s", place.text);
    if (!e && take_overrides(cli, conf, &settings, &unread))
        cli_say(cli, "the overrides kept in the store are not shown: %s", unread.text);
    struct buf b;
    buf_init(&b, 1 << 22);
    size_t bad = cli->json ? conf_report_json(conf, &b) : conf_report_text(conf, &b);
    int code = e ? cli_fail(cli, "%s", err_sentence(e)) : cli_print(cli, &b);
    buf_done(&b);
    conf_free(conf);
    return code ? code : bad || store ? CLI_USAGE : CLI_DONE;
}
