/* `export`: a device's telemetry as the server streams it, to a file or standard output. A file
 * gets its name when it is whole: until then it is NAME.part. */
#include "app/client_session.h"
#include "app/commands.h"
#include "codec/timestamp.h"

#include <errno.h>

struct output {
    FILE *file;
    struct cli_progress progress;
    uint64_t bytes;
    bool failed;
};

static bool take_part(void *ctx, struct bytes part)
{
    struct output *o = ctx;
    o->bytes += part.n;
    cli_progress_show(&o->progress, o->bytes);
    o->failed = fwrite(part.p, 1, part.n, o->file) != part.n;
    return !o->failed && !local_server_interrupted();
}

static void add_query(struct buf *path, const char *name, const char *value, const char **mark)
{
    if (!value) return;
    buf_printf(path, "%s%s=", *mark, name);
    http_client_escape(path, bytes_str(value));
    *mark = "&";
}

/* "/api/v1/export/csv/{device}?from=…&to=…". Without --from it is everything. */
static void write_path(struct cli *cli, const char *format, struct buf *path)
{
    const char *mark = "?";
    buf_printf(path, "/api/v1/export/%s/", format);
    http_client_escape(path, bytes_str(cli_value(cli, "device", "")));
    add_query(path, "from", cli_value(cli, "from", "1970-01-01T00:00:00Z"), &mark);
    add_query(path, "to", cli_value(cli, "to", NULL), &mark);
    add_query(path, "names", "exact", &mark);
}

static int fetch(struct cli *cli, struct http_client *client, const char *path, struct output *o)
{
    struct why why = {""};
    struct http_answer answer;
    struct http_request request = {.method = "GET", .path = path, .sink = take_part, .sink_ctx = o};
    cli_progress_start(&o->progress, cli, "bytes", 0);
    enum err e = http_client_send(client, &request, &answer, &why);
    cli_progress_end(&o->progress);
    if (fflush(o->file)) o->failed = true;
    if (local_server_interrupted()) return cli_fail(cli, "interrupted");
    if (o->failed) return cli_fail(cli, "the output cannot be written: %s", strerror(errno));
    if (e) return cli_fail(cli, "%s", why.text[0] ? why.text : err_sentence(e));
    if (answer.status < 200 || answer.status > 299) {
        http_client_explain(&answer, &why);
        return cli_fail(cli, "%s", why.text);
    }
    return CLI_DONE;
}

/* Into NAME.part, then NAME. */
static int fetch_to_file(struct cli *cli, struct http_client *client, const char *path,
                         const char *name)
{
    char part[1100];
    struct output o = {.file = NULL};
    if (snprintf(part, sizeof part, "%s.part", name) >= (int)sizeof part)
        return cli_usage(cli, "--output: the path is too long");
    o.file = fopen(part, "wb");
    if (!o.file) return cli_fail(cli, "%s: %s", part, strerror(errno));
    int code = fetch(cli, client, path, &o);
    bool closed = fclose(o.file) == 0;
    if (!code && (!closed || rename(part, name)))
        code = cli_fail(cli, "%s: %s", name, strerror(errno));
    if (code) (void)remove(part);
    if (!code) cli_say(cli, "%s: %llu bytes", name, (unsigned long long)o.bytes);
    return code;
}

static int check_time(struct cli *cli, const char *name)
{
    struct why why = {""};
    int64_t ns;
    const char *text = cli_value(cli, name, NULL);
    if (text && timestamp_parse(bytes_str(text), &ns, &why))
        return cli_usage(cli, "--%s %s: %s", name, text, why.text);
    return CLI_DONE;
}

int cmd_export(struct cli *cli)
{
    const char *format = cli_value(cli, "format", "csv"), *name = cli_value(cli, "output", NULL);
    if (!cli_has(cli, "device")) return cli_usage(cli, "export needs --device");
    if (strcmp(format, "lp") == 0 || strcmp(format, "parquet") == 0)
        return cli_usage(cli, "--format %s is planned and not built yet", format);
    if (strcmp(format, "csv") != 0 && strcmp(format, "json") != 0)
        return cli_usage(cli, "--format takes csv or json");
    int code = check_time(cli, "from");
    if (!code) code = check_time(cli, "to");
    struct client_session session;
    if (!code) code = client_session_open(cli, &session);
    if (code) return code;
    struct buf path;
    buf_init(&path, 1 << 14);
    write_path(cli, format, &path);
    struct output standard = {.file = cli->out};
    code = name ? fetch_to_file(cli, session.client, buf_cstr(&path), name)
                : fetch(cli, session.client, buf_cstr(&path), &standard);
    buf_done(&path);
    client_session_close(cli, &session);
    return code;
}
