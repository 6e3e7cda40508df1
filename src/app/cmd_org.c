/* `org create`, `org onboard`, `org list`. */
#include "app/ask.h"
#include "app/commands.h"

#include <inttypes.h>

int cmd_org_create(struct cli *cli)
{
    const struct ask_pair pairs[] = {{"name", cli->operands[0]}};
    cJSON *answer = NULL;
    int code = ask_run(cli, ASK_PEOPLE, "org.create", pairs, 1, &answer);
    if (code) return code;
    if (cli->json) {
        code = ask_print_json(cli, answer);
    } else {
        struct buf b;
        buf_init(&b, 4096);
        buf_printf(&b, "organisation %" PRId64 ": %s\n", ask_integer(answer, "id"),
                   ask_text(answer, "name"));
        code = cli_print(cli, &b);
        buf_done(&b);
    }
    cJSON_Delete(answer);
    return code;
}

static void print_steps(struct buf *b, const char *name, const cJSON *answer)
{
    const char *link = ask_text(answer, "acceptUrl");
    buf_printf(b, "organisation %" PRId64 ": %s\n\nNext:\n", ask_integer(answer, "id"), name);
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "sent")))
        buf_printf(b, "  1. an invitation is on its way to %s\n", ask_text(answer, "email"));
    else
        buf_printf(b, "  1. send %s this invitation: %s\n", ask_text(answer, "email"),
                   link[0] ? link : ask_text(answer, "invitation"));
    buf_printf(b,
               "  2. send a first reading (the token is shown this once):\n"
               "     curl -X POST %s/api/v1/ingest/%s -H 'X-API-Key: %s' \\\n"
               "       -H 'Content-Type: application/json' -d '{\"temperature\":23.5}'\n",
               ask_text(answer, "url"), ask_text(answer, "device"), ask_text(answer, "token"));
}

int cmd_org_onboard(struct cli *cli)
{
    const struct ask_pair pairs[] = {{"name", cli->operands[0]},
                                     {"email", cli_value(cli, "email", NULL)},
                                     {"device", cli_value(cli, "device", NULL)}};
    cJSON *answer = NULL;
    int code = ask_run(cli, ASK_PEOPLE, "org.onboard", pairs, 3, &answer);
    if (code) return code;
    if (cli->json) {
        code = ask_print_json(cli, answer);
    } else {
        struct buf b;
        buf_init(&b, 16 << 10);
        print_steps(&b, cli->operands[0], answer);
        code = cli_print(cli, &b);
        buf_done(&b);
    }
    cJSON_Delete(answer);
    return code;
}

int cmd_org_list(struct cli *cli)
{
    cJSON *answer = NULL;
    int code = ask_run(cli, ASK_CATALOG, "org.list", NULL, 0, &answer);
    if (code) return code;
    if (cli->json) {
        code = ask_print_json(cli, answer);
    } else {
        struct buf b;
        const cJSON *row;
        buf_init(&b, 1 << 24);
        cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(answer, "organizations"))
            buf_printf(&b, "%6" PRId64 "  %s  %s\n", ask_integer(row, "id"),
                       ask_text(row, "createdAt"), ask_text(row, "name"));
        code = cli_print(cli, &b);
        buf_done(&b);
    }
    cJSON_Delete(answer);
    return code;
}
