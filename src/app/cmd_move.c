/* `move`: an installation from one store into another.
 *
 *   readings (positions saved in the target) ──> both compared ──> catalog, and the mark goes,
 *                                                                  in one transaction: moved
 *
 * Until that last commit the target holds no organisation, and nobody serves it
 * (store/takeover.h). */
#include "app/commands.h"
#include "app/conf_tables.h"
#include "app/move_job.h"
#include "app/move_online.h"
#include "codec/json_write.h"
#include "store/copy_tables.h"

#include <inttypes.h>

struct move {
    struct cli *cli;
    struct store_side from, to;
    struct move_job job;
    struct copy_job compared;
    struct copy_tables_result tables;
    struct cli_progress progress;
    uint64_t devices; /* in all */
    double copy_seconds, verify_seconds;
    uint64_t copied; /* points, by this command */
};

static double seconds_since(int64_t start_ns)
{
    return (double)(clock_mono_ns(clock_real()) - start_ns) / (double)NS_PER_S;
}

/* --- the steps -------------------------------------------------------------------------------- */

static void show(void *ctx, uint64_t devices)
{
    struct move *m = ctx;
    cli_progress_show(&m->progress, devices);
}

/* Everything that is not there yet. What was written since the copy that was killed, behind its
 * position, is found by its hours. */
static enum err copy(struct move *m)
{
    struct move_job *j = &m->job;
    int64_t start_ns = clock_mono_ns(clock_real());
    cli_progress_start(&m->progress, m->cli, "devices copied", m->devices);
    enum err e = move_job_copy(j);
    m->copied = atomic_load(&j->points);
    if (!e && j->resumed) e = move_job_catch_up(j);
    if (!e && j->resumed) m->copied += atomic_load(&j->points);
    cli_progress_end(&m->progress);
    m->copy_seconds = seconds_since(start_ns);
    return e;
}

/* A value that was written over without changing its hour's sums, or what was taken out of the
 * source: the device is forgotten there and copied anew. */
static enum err copy_anew(void *ctx, struct copy_job *j, int64_t org, int64_t device,
                          const struct why *how)
{
    struct move *m = ctx;
    struct copy_job again = move_job_make(&m->job);
    (void)j;
    if (!m->job.resumed)
        return why_say(&m->job.why, ERR_CORRUPT,
                       "organisation %" PRId64 ", device %" PRId64
                       ": %.180s; the target stays closed",
                       org, device, how->text);
    enum err e = telemetry_purge_device(again.to, org, device);
    return e ? e : copy_points_device(&again, org, device, &m->job.why);
}

static enum err verify(struct move *m)
{
    int64_t start_ns = clock_mono_ns(clock_real());
    m->compared = move_job_make(&m->job);
    cli_progress_start(&m->progress, m->cli, "devices compared", m->devices);
    /* the job's context is the move_job's; the repair needs the command's */
    enum err e = copy_points_verify(&m->compared, copy_anew, m, &m->job.why);
    cli_progress_end(&m->progress);
    m->verify_seconds = seconds_since(start_ns);
    return e;
}

static enum err copy_catalog(struct move *m, struct sql_tx *from, struct sql_tx *to)
{
    enum err e = copy_tables_check_empty(to, &m->job.why);
    if (!e) e = takeover_remove(to);
    if (!e)
        e = copy_tables_run(m->from.store.db, from, m->to.store.db, to,
                            (size_t)m->to.settings.postgres_batch_rows, &m->tables, &m->job.why);
    return e;
}

/* The commit that makes the target an installation. SQLite's transaction holds its lock, so it is
 * the inner one: begun last and ended first. */
static enum err finish(struct move *m)
{
    struct sql_tx *from = NULL, *to = NULL;
    bool into_sqlite = !m->to.place.remote;
    enum err e = into_sqlite ? sql_begin(m->from.store.db, SQL_READ, &from)
                             : sql_begin(m->to.store.db, SQL_WRITE, &to);
    if (!e)
        e = into_sqlite ? sql_begin(m->to.store.db, SQL_WRITE, &to)
                        : sql_begin(m->from.store.db, SQL_READ, &from);
    if (!e) e = copy_catalog(m, from, to);
    if (!into_sqlite) sql_rollback(from);
    if (to) e = sql_end(to, e);
    if (into_sqlite) sql_rollback(from);
    return e ? e : telemetry_seal(m->to.store.telemetry);
}

static enum err open_source(struct move *m, char source[TAKEOVER_SOURCE_MAX + 1])
{
    struct why *why = &m->job.why;
    enum err e = store_side_open(&m->from, false, why);
    if (!e) e = store_side_identity(&m->from, source, TAKEOVER_SOURCE_MAX + 1, why);
    if (!e && !source[0])
        e = why_say(why, ERR_NOTFOUND, "the source has no organisation: nothing to move");
    return e ? e : copy_points_count_devices(m->from.store.db, &m->devices);
}

static enum err run(struct move *m)
{
    char source[TAKEOVER_SOURCE_MAX + 1];
    struct move_job *j = &m->job;
    enum err e = ERR_OK;
    if (cli_has(m->cli, "online")) e = move_online_run(m->cli, &m->from, &m->to, &j->why);
    if (!e) e = open_source(m, source);
    if (!e) e = store_side_open(&m->to, true, &j->why);
    j->from = m->from.store.telemetry;
    j->catalog = m->from.store.db;
    j->to = &m->to;
    j->shown = show;
    j->ctx = m;
    if (!e) e = move_job_begin(j, source);
    if (!e && j->resumed) cli_say(m->cli, "goes on with what is there");
    if (!e) e = copy(m);
    if (!e) e = store_side_settle(&m->to, &j->why);
    if (!e) e = verify(m);
    if (!e) e = finish(m);
    return e;
}

/* --- the result ------------------------------------------------------------------------------- */

static int print_result(struct move *m)
{
    struct buf b;
    buf_init(&b, 4096);
    double rate = m->copy_seconds > 0 ? (double)m->copied / m->copy_seconds : 0;
    if (m->cli->json) {
        json_write_open(&b, '{');
        json_write_member_text(&b, "status", "moved");
        json_write_member_bool(&b, "resumed", m->job.resumed);
        json_write_member_u64(&b, "devices", m->devices);
        json_write_member_u64(&b, "series", m->compared.series);
        json_write_member_u64(&b, "points", m->compared.points);
        json_write_member_u64(&b, "hours", m->compared.hours);
        json_write_member_u64(&b, "tables", m->tables.tables);
        json_write_member_u64(&b, "rows", m->tables.rows);
        json_write_member_u64(&b, "copiedPoints", m->copied);
        json_write_member_number(&b, "copySeconds", m->copy_seconds);
        json_write_member_number(&b, "verifySeconds", m->verify_seconds);
        json_write_member_u64(&b, "pointsPerSecond", (uint64_t)rate);
        json_write_close(&b, '}');
        buf_add_char(&b, '\n');
    } else {
        buf_printf(&b,
                   "moved %" PRIu64 " devices, %" PRIu64 " series, %" PRIu64 " points, %" PRIu64
                   " hours, %" PRIu64 " rows of %" PRIu64 " tables\n"
                   "copied %" PRIu64 " points in %.1f s (%.0f points/s), every series compared in "
                   "%.1f s\n",
                   m->devices, m->compared.series, m->compared.points, m->compared.hours,
                   m->tables.rows, m->tables.tables, m->copied, m->copy_seconds, rate,
                   m->verify_seconds);
    }
    int code = cli_print(m->cli, &b);
    buf_done(&b);
    return code;
}

static int take_address(struct cli *cli, struct store_side *side, const struct settings *settings,
                        const char *option)
{
    struct why why = {""};
    const char *url = cli_value(cli, option, NULL);
    if (!url) return cli_usage(cli, "move needs --%s", option);
    if (store_side_parse(side, settings, url, &why))
        return cli_usage(cli, "--%s: %s", option, why.text);
    return CLI_DONE;
}

int cmd_move(struct cli *cli)
{
    const char *sets[CLI_VALUES_MAX];
    size_t n = cli_each(cli, "set", sets);
    struct conf *conf = NULL;
    struct settings settings;
    struct move m = {.cli = cli, .from.dir.lock = FILE_CLOSED, .to.dir.lock = FILE_CLOSED};
    if (conf_tables_load(&conf, &settings, cli_value(cli, "config", NULL), sets, n, &m.job.why))
        return cli_usage(cli, "%s", m.job.why.text);
    int code = take_address(cli, &m.from, &settings, "from");
    if (!code) code = take_address(cli, &m.to, &settings, "to");
    if (!code && strcmp(m.from.settings.store_url, m.to.settings.store_url) == 0)
        code = cli_usage(cli, "--from and --to name the same store");
    if (!code && !m.from.place.remote && !m.to.place.remote)
        code = cli_usage(cli, "between two directories nothing has to be converted: copy the "
                              "directory of the stopped server");
    if (!code) {
        enum err e = run(&m);
        store_side_close(&m.to);
        store_side_close(&m.from);
        if (e)
            code = cli_fail(cli, "%s", m.job.why.text[0] ? m.job.why.text : err_sentence(e));
        else
            code = print_result(&m);
    }
    conf_free(conf);
    return code;
}
