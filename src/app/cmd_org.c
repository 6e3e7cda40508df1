/* `org create`, `org list`. */
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
