/* `migrate`: the steps of the schema. Looking changes nothing; without an option the steps that are
 * pending are applied, as a server does when it starts. */
#include "app/ask.h"
#include "app/commands.h"

#include <inttypes.h>

static int print_steps(struct cli *cli, const cJSON *answer, bool scripts)
{
    struct buf b;
    const cJSON *row;
    size_t pending = 0;
    buf_init(&b, 1 << 24);
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(answer, "steps"))
    {
        bool waits = strcmp(ask_text(row, "state"), "pending") == 0;
        pending += waits;
        if (scripts && !waits) continue;
        bool whole = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "transactional"));
        buf_printf(&b, "%s%4" PRId64 "  %-8s  %-24s  %s%s\n", scripts ? "-- " : "",
                   ask_integer(row, "number"), ask_text(row, "state"), ask_text(row, "appliedAt"),
                   ask_text(row, "name"), whole ? "" : " (not transactional)");
        if (scripts) buf_printf(&b, "%s\n", ask_text(row, "script"));
    }
    if (scripts && !pending) buf_add_str(&b, "nothing is pending\n");
    int code = cli_print(cli, &b);
    buf_done(&b);
    return code;
}

int cmd_migrate(struct cli *cli)
{
    bool dry = cli_has(cli, "dry-run"), looks = dry || cli_has(cli, "status");
    cJSON *answer = NULL;
    int code = ask_run(cli, looks ? ASK_RAW : ASK_CATALOG, "migrate.status", NULL, 0, &answer);
    if (code) return code;
    code = cli->json ? ask_print_json(cli, answer) : print_steps(cli, answer, dry);
    cJSON_Delete(answer);
    return code;
}
