/* `move`: an installation from one store into another.
 *
 *   readings (positions saved in the target) ──> both compared ──> catalog, and the mark goes,
 *                                                                  in one transaction: moved
 *
 * Until that last commit the target holds no organisation, and nobody serves it
 * (store/takeover.h). */
#include "app/commands.h"
#include "app/conf_tables.h"
#include "app/store_side.h"
#include "codec/json_write.h"
#include "store/copy_points.h"
#include "store/copy_tables.h"
#include "store/takeover.h"

#include <inttypes.h>

struct move {
    struct cli *cli;
    struct store_side from, to;
    struct takeover mark;
    struct copy_job job;
    struct copy_tables_result tables;
    struct cli_progress progress;
    uint64_t devices; /* in all */
    bool resumed;
    double copy_seconds, verify_seconds;
    uint64_t copied; /* points, by this command */
    struct why why;
};

static double seconds_since(int64_t start_ns)
{
    return (double)(clock_mono_ns(clock_real()) - start_ns) / (double)NS_PER_S;
}

/* --- the target's state ----------------------------------------------------------------------- */

/* New and empty, or where this very move has stopped. */
static enum err begin_mark(struct move *m, const char *source)
{
    struct sql_tx *tx;
    enum err e = sql_begin(m->to.store.db, SQL_WRITE, &tx);
    if (e) return e;
    e = takeover_read(tx, &m->mark);
    if (!e && !m->mark.kind[0]) {
        e = copy_tables_check_empty(tx, &m->why);
        m->mark = (struct takeover){.kind = "move", .ts_ns = INT64_MIN};
        snprintf(m->mark.source, sizeof m->mark.source, "%s", source);
        if (!e) e = takeover_write(tx, &m->mark, clock_wall_ns(clock_real()));
    } else if (!e && (strcmp(m->mark.kind, "move") != 0 || strcmp(m->mark.source, source) != 0)) {
        e = why_say(&m->why, ERR_CONFLICT,
                    "the target is being filled from another source; name a new one, or run that "
                    "command to its end");
    } else if (!e) {
        m->resumed = true;
    }
    return sql_end(tx, e);
}

static enum err save_mark(void *ctx, const struct copy_job *j)
{
    struct move *m = ctx;
    m->mark.org = j->at.org;
    m->mark.device = j->at.device;
    m->mark.group = j->at.group;
    m->mark.ts_ns = j->at.ts_ns;
    m->mark.points = j->points;
    return takeover_save(m->to.store.db, &m->mark, clock_wall_ns(clock_real()));
}

static bool show(void *ctx, const struct copy_job *j)
{
    struct move *m = ctx;
    cli_progress_show(&m->progress, j->devices);
    return true;
}

/* --- the steps -------------------------------------------------------------------------------- */

static struct copy_job job_of(struct move *m)
{
    return (struct copy_job){.from = m->from.store.telemetry,
                             .to = m->to.store.telemetry,
                             .catalog = m->from.store.db,
                             .shown = show,
                             .ctx = m};
}

static enum err copy(struct move *m)
{
    int64_t start_ns = clock_mono_ns(clock_real());
    uint64_t before = m->mark.points;
    m->job = job_of(m);
    m->job.saved = save_mark;
    m->job.points = before;
    m->job.at = (struct copy_position){m->mark.org, m->mark.device, m->mark.group, m->mark.ts_ns};
    cli_progress_start(&m->progress, m->cli, "devices copied", m->devices);
    enum err e = copy_points_run(&m->job, &m->why);
    cli_progress_end(&m->progress);
    m->copied = m->job.points - before;
    m->copy_seconds = seconds_since(start_ns);
    return e;
}

static enum err stop_at_difference(void *ctx, struct copy_job *j, int64_t org, int64_t device,
                                   const struct why *how)
{
    struct move *m = ctx;
    (void)j;
    return why_say(&m->why, ERR_CORRUPT,
                   "organisation %" PRId64 ", device %" PRId64 ": %.180s; the target stays closed",
                   org, device, how->text);
}

static enum err verify(struct move *m)
{
    int64_t start_ns = clock_mono_ns(clock_real());
    m->job = job_of(m);
    cli_progress_start(&m->progress, m->cli, "devices compared", m->devices);
    enum err e = copy_points_verify(&m->job, stop_at_difference, m, &m->why);
    cli_progress_end(&m->progress);
    m->verify_seconds = seconds_since(start_ns);
    return e;
}

static enum err copy_catalog(struct move *m, struct sql_tx *from, struct sql_tx *to)
{
    enum err e = copy_tables_check_empty(to, &m->why);
    if (!e) e = takeover_remove(to);
    if (!e) e = copy_tables_run(m->from.store.db, from, m->to.store.db, to, &m->tables, &m->why);
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

static enum err run(struct move *m)
{
    char source[TAKEOVER_SOURCE_MAX + 1];
    enum err e = store_side_open(&m->from, false, &m->why);
    if (!e) e = store_side_identity(&m->from, source, sizeof source, &m->why);
    if (!e && !source[0])
        e = why_say(&m->why, ERR_NOTFOUND, "the source has no organisation: nothing to move");
    if (!e) e = copy_points_count_devices(m->from.store.db, &m->devices);
    if (!e) e = store_side_open(&m->to, true, &m->why);
    if (!e) e = begin_mark(m, source);
    if (!e && m->resumed) cli_say(m->cli, "goes on with a move that was not finished");
    if (!e) e = copy(m);
    if (!e) e = store_side_settle(&m->to, &m->why);
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
        json_write_member_bool(&b, "resumed", m->resumed);
        json_write_member_u64(&b, "devices", m->devices);
        json_write_member_u64(&b, "series", m->job.series);
        json_write_member_u64(&b, "points", m->job.points);
        json_write_member_u64(&b, "hours", m->job.hours);
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
                   m->devices, m->job.series, m->job.points, m->job.hours, m->tables.rows,
                   m->tables.tables, m->copied, m->copy_seconds, rate, m->verify_seconds);
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
    if (conf_tables_load(&conf, &settings, cli_value(cli, "config", NULL), sets, n, &m.why))
        return cli_usage(cli, "%s", m.why.text);
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
            code = cli_fail(cli, "%s", m.why.text[0] ? m.why.text : err_sentence(e));
        else
            code = print_result(&m);
    }
    conf_free(conf);
    return code;
}
