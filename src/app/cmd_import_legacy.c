/* `import legacy`: takes over an installation of the Java platform (see legacy.h).
 *
 *   one snapshot of the source ── catalog and the mark in one transaction ── readings, position in
 *   the mark ── the mark goes: now it may be served */
#include "app/commands.h"
#include "app/conf_tables.h"
#include "app/legacy.h"
#include "codec/json_write.h"
#include "store/copy_tables.h"
#include "store/telemetry.h"

#define ARENA_BYTES ((size_t)4 << 30)

struct job {
    struct cli *cli;
    struct legacy l;
    struct cli_progress progress;
    bool dry, resumed;
    char source[TAKEOVER_SOURCE_MAX + 1];
};

static void show(void *ctx, uint64_t values)
{
    struct job *j = ctx;
    cli_progress_show(&j->progress, values);
}

/* New and empty, or where this very command has stopped: then *ret_done, the catalog is there. */
static enum err look_at_target(struct job *j, bool *ret_done)
{
    struct legacy *l = &j->l;
    struct takeover mark;
    struct sql_tx *tx;
    enum err e = sql_begin(l->target.store.db, SQL_READ, &tx);
    if (e) return e;
    e = takeover_read(tx, &mark);
    if (!e && !mark.kind[0]) e = copy_tables_check_empty(tx, &l->why);
    e = sql_end(tx, e);
    if (e) return e;
    *ret_done = mark.kind[0] != 0;
    if (*ret_done && (strcmp(mark.kind, "legacy") != 0 || strcmp(mark.source, j->source) != 0))
        return why_say(&l->why, ERR_CONFLICT,
                       "the target is being filled from another source; name a new one, or run "
                       "that command to its end");
    l->mark = (struct takeover){.kind = "legacy", .ts_ns = INT64_MIN};
    memcpy(l->mark.source, j->source, sizeof j->source);
    if (*ret_done) l->mark = mark;
    l->values_before = l->mark.points;
    return ERR_OK;
}

static enum err take_catalog(struct legacy *l)
{
    enum err e = legacy_people_take(l);
    if (!e) e = legacy_things_take(l);
    if (!e) e = legacy_boards_take(l);
    if (!e) e = legacy_formulas_take(l);
    if (!e) e = legacy_history_take(l);
    if (e && !l->why.text[0])
        (void)why_say(&l->why, e, "%s: source: %.90s; target: %.90s", err_sentence(e),
                      legacy_source_message(&l->source),
                      l->tx ? l->tx->ops->message(l->tx) : "not written to");
    return e;
}

static enum err write_catalog(struct legacy *l)
{
    enum err e = sql_begin(l->target.store.db, SQL_WRITE, &l->tx);
    if (e) return e;
    e = take_catalog(l);
    if (!e) e = takeover_write(l->tx, &l->mark, l->now_ns);
    e = sql_end(l->tx, e);
    l->tx = NULL;
    return e;
}

static enum err take_values(struct job *j)
{
    struct legacy *l = &j->l;
    cli_progress_start(&j->progress, j->cli, "values", l->report.found[LEGACY_VALUES]);
    enum err e = legacy_values_take(l, show, j);
    cli_progress_end(&j->progress);
    return e;
}

static enum err finish(struct legacy *l)
{
    struct sql_tx *tx;
    enum err e = telemetry_seal(l->target.store.telemetry);
    if (!e) e = store_side_settle(&l->target, &l->why);
    if (!e) e = sql_begin(l->target.store.db, SQL_WRITE, &tx);
    return e ? e : sql_end(tx, takeover_remove(tx));
}

static enum err run(struct job *j, const struct settings *settings, const char *data_dir)
{
    struct legacy *l = &j->l;
    enum err e = legacy_source_open(&l->source, cli_value(j->cli, "from", ""), &l->why);
    if (!e) e = legacy_source_identity(&l->source, j->source, sizeof j->source);
    if (!e && !j->source[0])
        e = why_say(&l->why, ERR_NOTFOUND, "the source has no organisation: nothing to take over");
    if (!e) e = legacy_values_count(l);
    if (e || j->dry) return e ? e : take_catalog(l);
    e = store_side_open_data(&l->target, settings, data_dir, &l->why);
    if (!e) e = look_at_target(j, &j->resumed);
    if (!e && j->resumed) cli_say(j->cli, "goes on with an import that was not finished");
    if (!e) e = j->resumed ? take_catalog(l) : write_catalog(l);
    if (!e) e = take_values(j);
    return e ? e : finish(l);
}

static int print_report(struct job *j)
{
    struct buf b;
    const char *status = j->dry ? "checked" : "imported";
    buf_init(&b, 1 << 20);
    if (j->cli->json) {
        json_write_open(&b, '{');
        json_write_member_text(&b, "status", status);
        json_write_member_bool(&b, "resumed", j->resumed);
        legacy_report_json(&j->l.report, &b);
        json_write_close(&b, '}');
        buf_add_char(&b, '\n');
    } else {
        legacy_report_text(&j->l.report, &b);
        buf_printf(&b, "%s\n", j->dry ? "nothing was written" : "taken over");
    }
    int code = cli_print(j->cli, &b);
    buf_done(&b);
    return code;
}

static void begin(struct legacy *l)
{
    struct map *maps[] = {&l->orgs,      &l->users,  &l->devices,      &l->org_names,
                          &l->usernames, &l->emails, &l->external_ids, &l->dashboards,
                          &l->labels,    &l->rules,  &l->raised};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) map_init(maps[i], 0);
    arena_init(&l->arena, ARENA_BYTES);
    l->now_ns = clock_wall_ns(clock_real());
    l->target.dir.lock = l->target.store_dir.lock = FILE_CLOSED;
}

static void end(struct legacy *l)
{
    struct map *maps[] = {&l->orgs,      &l->users,  &l->devices,      &l->org_names,
                          &l->usernames, &l->emails, &l->external_ids, &l->dashboards,
                          &l->labels,    &l->rules,  &l->raised};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) map_done(maps[i]);
    store_side_close(&l->target);
    legacy_source_close(&l->source);
    arena_done(&l->arena);
}

int cmd_import_legacy(struct cli *cli)
{
    const char *sets[CLI_VALUES_MAX];
    size_t n = cli_each(cli, "set", sets);
    struct conf *conf = NULL;
    struct settings settings;
    struct job j = {.cli = cli, .dry = cli_has(cli, "dry-run")};
    if (!cli_has(cli, "from")) return cli_usage(cli, "import legacy needs --from");
    if (conf_tables_load(&conf, &settings, cli_value(cli, "config", NULL), sets, n, &j.l.why))
        return cli_usage(cli, "%s", j.l.why.text);
    begin(&j.l);
    enum err e = run(&j, &settings, cli_value(cli, "data", "./var"));
    end(&j.l);
    int code = e ? cli_fail(cli, "%s", j.l.why.text[0] ? j.l.why.text : err_sentence(e))
                 : print_report(&j);
    conf_free(conf);
    return code;
}
