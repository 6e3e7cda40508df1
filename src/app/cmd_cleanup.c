/* `cleanup`: retention, now. A running server is asked step by step, so that one sees how far it is
 * and other commands get their turn. */
#include "app/ask.h"
#include "app/commands.h"
#include "codec/json_write.h"
#include "store/catalog_cleanup.h"

#include <inttypes.h>

enum { ANSWER_BYTES = 4096 };

/* Sums of all steps. */
struct cleaned {
    int64_t organizations, points, partitions, events, removed[CLEANUP_SUBJECTS];
};

static void add(struct cleaned *sum, const cJSON *answer)
{
    const cJSON *removed = cJSON_GetObjectItemCaseSensitive(answer, "removed");
    sum->organizations += ask_integer(answer, "organizations");
    sum->points += ask_integer(answer, "pointsDropped");
    sum->partitions += ask_integer(answer, "partitionsDropped");
    sum->events += ask_integer(answer, "eventsRemoved");
    for (int i = 0; i < CLEANUP_SUBJECTS; i++)
        sum->removed[i] += ask_integer(removed, catalog_cleanup_name((enum cleanup_subject)i));
}

/* Asks for one step; *ret_more and *ret_last as the answer says. */
static int ask_step(struct cli *cli, const char *step, int64_t after, struct cleaned *sum,
                    struct cli_progress *progress, bool *ret_more, int64_t *ret_last)
{
    char behind[24];
    cJSON *answer = NULL;
    snprintf(behind, sizeof behind, "%" PRId64, after);
    const struct ask_pair pairs[] = {{"step", step}, {"after", behind}};
    int code = ask_run(cli, ASK_TELEMETRY, "cleanup", pairs, 2, &answer);
    if (code) return code;
    add(sum, answer);
    *ret_more = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "more"));
    *ret_last = ask_integer(answer, "last");
    if (ask_integer(answer, "of")) progress->total = (uint64_t)ask_integer(answer, "of");
    cJSON_Delete(answer);
    return CLI_DONE;
}

static int clean_in_steps(struct cli *cli, struct cleaned *sum)
{
    struct cli_progress progress;
    bool more = true;
    int64_t last = 0, none;
    int code = CLI_DONE;
    cli_progress_start(&progress, cli, "organisations", 0);
    while (!code && more) {
        code = ask_step(cli, "readings", last, sum, &progress, &more, &last);
        cli_progress_show(&progress, (uint64_t)sum->organizations);
    }
    for (more = true; !code && more;) code = ask_step(cli, "rest", 0, sum, &progress, &more, &none);
    cli_progress_end(&progress);
    return code;
}

/* No server runs: the store is opened once, for all of it. */
static int clean_at_once(struct cli *cli, struct cleaned *sum)
{
    cJSON *answer = NULL;
    int code = ask_run(cli, ASK_TELEMETRY, "cleanup", NULL, 0, &answer);
    if (code) return code;
    add(sum, answer);
    cJSON_Delete(answer);
    return CLI_DONE;
}

static void write_json(struct buf *b, const struct cleaned *sum)
{
    json_write_open(b, '{');
    json_write_member_i64(b, "organizations", sum->organizations);
    json_write_member_i64(b, "pointsDropped", sum->points);
    json_write_member_i64(b, "partitionsDropped", sum->partitions);
    json_write_member_i64(b, "eventsRemoved", sum->events);
    json_write_key(b, "removed");
    json_write_open(b, '{');
    for (int i = 0; i < CLEANUP_SUBJECTS; i++)
        json_write_member_i64(b, catalog_cleanup_name((enum cleanup_subject)i), sum->removed[i]);
    json_write_close(b, '}');
    json_write_close(b, '}');
    buf_printf(b, "\n");
}

static void write_lines(struct buf *b, const struct cleaned *sum)
{
    buf_printf(b,
               "%" PRId64 " points dropped in %" PRId64 " organisations, %" PRId64
               " old events removed\n",
               sum->points, sum->organizations, sum->events);
    if (sum->partitions)
        buf_printf(b, "%" PRId64 " months of readings dropped whole\n", sum->partitions);
    for (int i = 0; i < CLEANUP_SUBJECTS; i++)
        if (sum->removed[i])
            buf_printf(b, "%" PRId64 " old %s removed\n", sum->removed[i],
                       catalog_cleanup_name((enum cleanup_subject)i));
}

int cmd_cleanup(struct cli *cli)
{
    struct cleaned sum = {.points = 0};
    char url[256];
    struct buf b;
    int code =
        ask_server_url(cli, url, sizeof url) ? clean_in_steps(cli, &sum) : clean_at_once(cli, &sum);
    if (code) return code;
    buf_init(&b, ANSWER_BYTES);
    if (cli->json)
        write_json(&b, &sum);
    else
        write_lines(&b, &sum);
    code = cli_print(cli, &b);
    buf_done(&b);
    return code;
}
