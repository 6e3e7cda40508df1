/* `import`: a file of telemetry through the public API of a server. The file is read twice:
 * first to check all of it, so that nothing of a broken file is sent, then to send it. */
#include "app/client_session.h"
#include "app/commands.h"
#include "app/import_send.h"
#include "base/clock.h"
#include "codec/json_write.h"
#include "codec/timestamp.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

enum { WINDOW_MAX = 4 << 20 };
enum form { FORM_CSV, FORM_JSON, FORM_LP, FORM_UNKNOWN };

struct job {
    struct cli *cli;
    const char *path;
    enum form form;
    struct import_opts opts;
    struct import_seen seen;
    struct import_sender *sender; /* NULL: only checking */
    struct cli_progress progress;
    struct why *why;
    uint64_t records, points;
    int64_t first_ns, last_ns; /* of what has a time */
};

static enum form find_form(const char *name, const char *path)
{
    static const struct {
        const char *name;
        enum form form;
    } forms[] = {{"csv", FORM_CSV},    {"json", FORM_JSON}, {"ndjson", FORM_JSON},
                 {"jsonl", FORM_JSON}, {"lp", FORM_LP},     {"line", FORM_LP},
                 {"txt", FORM_LP}};
    const char *dot = strrchr(path, '.');
    if (!name) name = dot ? dot + 1 : "";
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (strcmp(forms[i].name, name) == 0) return forms[i].form;
    return FORM_UNKNOWN;
}

static enum err visit_record(void *ctx, const struct import_record *r)
{
    struct job *j = ctx;
    if (r->timed && (!j->points || r->ts_ns < j->first_ns)) j->first_ns = r->ts_ns;
    if (r->timed && (!j->points || r->ts_ns > j->last_ns)) j->last_ns = r->ts_ns;
    j->records++;
    j->points += r->n;
    if (!j->sender) return ERR_OK;
    if (local_server_interrupted()) return import_send_stop(j->sender, r->line, j->why);
    cli_progress_show(&j->progress, j->records);
    return import_send_record(j->sender, r, j->why);
}

/* Lines of line protocol go as they are; the server checks each. */
static enum err take_line(struct job *j, uint64_t number, struct bytes line)
{
    struct bytes text = bytes_trim(line);
    if (number < j->opts.from_line || !text.n || text.p[0] == '#') return ERR_OK;
    j->records++;
    if (!j->sender) return ERR_OK;
    if (local_server_interrupted()) return import_send_stop(j->sender, number, j->why);
    cli_progress_show(&j->progress, j->records);
    return import_send_line(j->sender, number, text, j->why);
}

/* Every whole line of the window, at the end of the file also the last one without its end. */
static enum err take_window(struct job *j, struct buf *window, bool final, uint64_t *number)
{
    struct bytes line, rest = buf_bytes(window);
    enum err e = ERR_OK;
    while (!e && rest.n) {
        struct bytes behind = bytes_cut(rest, '\n', &line);
        if (!behind.p && !final) break;
        e = take_line(j, ++*number, line);
        rest = behind;
    }
    buf_shift(window, window->n - rest.n);
    return e;
}

static enum err read_lines(struct job *j)
{
    FILE *f = fopen(j->path, "rb");
    if (!f) return why_say(j->why, err_from_errno(errno), "%.150s: %s", j->path, strerror(errno));
    struct buf window;
    uint64_t number = 0;
    enum err e = ERR_OK;
    buf_init(&window, WINDOW_MAX);
    while (!e && !feof(f) && !ferror(f)) {
        char *room = buf_reserve(&window, WINDOW_MAX / 4);
        if (!room) break;
        buf_advance(&window, fread(room, 1, WINDOW_MAX / 4, f));
        e = take_window(j, &window, feof(f), &number);
    }
    if (!e && ferror(f)) e = why_say(j->why, ERR_IO, "%.150s cannot be read", j->path);
    if (!e && window.err)
        e = why_say(j->why, window.err, "line %" PRIu64 " is too long", number + 1);
    buf_done(&window);
    fclose(f);
    return e;
}

static enum err read_file(struct job *j)
{
    j->records = j->points = 0;
    j->seen = (struct import_seen){0, 0, 0};
    if (j->form == FORM_LP) return read_lines(j);
    if (j->form == FORM_JSON)
        return import_json_read(j->path, &j->opts, visit_record, j, &j->seen, j->why);
    return import_csv_read(j->path, &j->opts, visit_record, j, &j->seen, j->why);
}

/* --- the result ------------------------------------------------------------------------------ */

static void write_summary_json(struct buf *b, const struct job *j, const char *done)
{
    json_write_open(b, '{');
    json_write_member_text(b, "status", done);
    json_write_member_u64(b, "records", j->records);
    if (j->form != FORM_LP) {
        json_write_member_u64(b, "points", j->points);
        json_write_member_u64(b, "missingValues", j->seen.missing);
        json_write_member_u64(b, "emptyRecords", j->seen.empty_records);
        json_write_member_time(b, "from", j->points ? j->first_ns : INT64_MIN);
        json_write_member_time(b, "to", j->points ? j->last_ns : INT64_MIN);
    }
    json_write_close(b, '}');
    buf_add_char(b, '\n');
}

static void write_summary_text(struct buf *b, const struct job *j, const char *done, double seconds)
{
    char from[TIMESTAMP_TEXT_MAX], to[TIMESTAMP_TEXT_MAX];
    if (j->form == FORM_LP) {
        buf_printf(b, "%s %" PRIu64 " lines in %.1f s\n", done, j->records, seconds);
        return;
    }
    buf_printf(b, "%s %" PRIu64 " records, %" PRIu64 " points in %.1f s", done, j->records,
               j->points, seconds);
    if (j->points) {
        size_t n = timestamp_format(j->first_ns, from), m = timestamp_format(j->last_ns, to);
        buf_printf(b, ", %.*s to %.*s", (int)n, from, (int)m, to);
    }
    if (j->seen.missing) buf_printf(b, "; %" PRIu64 " values missing", j->seen.missing);
    if (j->seen.empty_records)
        buf_printf(b, "; %" PRIu64 " records without any value", j->seen.empty_records);
    buf_add_char(b, '\n');
}

static int print_summary(struct job *j, const char *done, int64_t started_ns)
{
    struct buf b;
    buf_init(&b, 4096);
    double seconds = (double)(clock_mono_ns(clock_real()) - started_ns) / (double)NS_PER_S;
    if (j->cli->json)
        write_summary_json(&b, j, done);
    else
        write_summary_text(&b, j, done, seconds);
    int code = cli_print(j->cli, &b);
    buf_done(&b);
    return code;
}

static int say_stopped(struct job *j, enum err e)
{
    struct import_sent sent = import_send_result(j->sender);
    const char *text = j->why->text[0] ? j->why->text : err_sentence(e);
    if (!sent.from_line) return cli_fail(j->cli, "%s", text);
    return cli_fail(j->cli, "%s; %" PRIu64 " records are stored; go on with --from-line %" PRIu64,
                    text, sent.records, sent.from_line);
}

/* --- the command ----------------------------------------------------------------------------- */

static int parse_number(struct cli *cli, const char *name, uint64_t absent, uint64_t max,
                        uint64_t *ret)
{
    const char *text = cli_value(cli, name, NULL);
    *ret = absent;
    if (text && (!bytes_to_u64(bytes_str(text), ret) || !*ret || *ret > max))
        return cli_usage(cli, "--%s %s: it takes a number from 1 to %" PRIu64, name, text, max);
    return CLI_DONE;
}

static int take_options(struct job *j, size_t *ret_batch)
{
    struct cli *cli = j->cli;
    uint64_t batch = 0;
    j->form = find_form(cli_value(cli, "format", NULL), j->path);
    if (j->form == FORM_UNKNOWN) return cli_usage(cli, "--format takes csv, json or lp");
    j->opts = (struct import_opts){.device = cli_value(cli, "device", NULL),
                                   .time_column = cli_value(cli, "time-column", NULL),
                                   .time_format = cli_value(cli, "time-format", NULL),
                                   .zone = cli_value(cli, "zone", NULL),
                                   .columns = cli_value(cli, "columns", NULL),
                                   .skip = cli_value(cli, "skip", NULL)};
    const struct import_opts *o = &j->opts;
    bool of_csv = o->columns || o->skip;
    bool of_records =
        o->device || o->time_column || o->time_format || o->zone || cli_has(cli, "shift-to-now");
    if (j->form == FORM_LP && (of_csv || of_records))
        return cli_usage(cli, "line protocol is sent as it is: only --batch and --from-line apply");
    if (j->form == FORM_JSON && of_csv) return cli_usage(cli, "--columns and --skip are for CSV");
    int code = parse_number(cli, "batch", 1000, IMPORT_BATCH_MAX, &batch);
    *ret_batch = batch;
    return code ? code : parse_number(cli, "from-line", 1, UINT64_MAX, &j->opts.from_line);
}

static int send_all(struct job *j, size_t batch, int64_t started_ns)
{
    struct client_session session;
    int code = client_session_open(j->cli, &session);
    if (code) return code;
    int64_t shift = 0;
    if (cli_has(j->cli, "shift-to-now")) shift = clock_wall_ns(clock_real()) - j->last_ns;
    enum err e = import_send_open(&j->sender, session.client, batch, shift);
    if (e) {
        client_session_close(j->cli, &session);
        return cli_fail(j->cli, "%s", err_sentence(e));
    }
    cli_progress_start(&j->progress, j->cli, j->form == FORM_LP ? "lines" : "records", j->records);
    e = read_file(j);
    if (!e) e = import_send_flush(j->sender, j->why);
    cli_progress_end(&j->progress);
    j->first_ns += shift;
    j->last_ns += shift;
    code = e ? say_stopped(j, e) : print_summary(j, "imported", started_ns);
    import_send_close(j->sender);
    client_session_close(j->cli, &session);
    return code;
}

int cmd_import(struct cli *cli)
{
    struct why why = {""};
    struct job j = {.cli = cli, .path = cli->operands[0], .why = &why};
    size_t batch = 0;
    int64_t started_ns = clock_mono_ns(clock_real());
    int code = take_options(&j, &batch);
    if (code) return code;
    enum err e = read_file(&j);
    if (e) return cli_fail(cli, "%s; nothing was sent", why.text[0] ? why.text : err_sentence(e));
    if (cli_has(cli, "dry-run")) return print_summary(&j, "checked", started_ns);
    if (cli_has(cli, "shift-to-now") && !j.points)
        return cli_fail(cli, "--shift-to-now: no record has a time");
    return send_all(&j, batch, started_ns);
}
