/* `cleanup`: retention, now. */
#include "app/ask.h"
#include "app/commands.h"

#include <inttypes.h>

int cmd_cleanup(struct cli *cli)
{
    cJSON *answer = NULL;
    int code = ask_run(cli, ASK_TELEMETRY, "cleanup", NULL, 0, &answer);
    if (code) return code;
    if (cli->json) {
        code = ask_print_json(cli, answer);
    } else {
        struct buf b;
        buf_init(&b, 4096);
        buf_printf(&b,
                   "%" PRId64 " points dropped in %" PRId64 " organisations, %" PRId64
                   " old events removed\n",
                   ask_integer(answer, "pointsDropped"), ask_integer(answer, "organizations"),
                   ask_integer(answer, "eventsRemoved"));
        code = cli_print(cli, &b);
        buf_done(&b);
    }
    cJSON_Delete(answer);
    return code;
}
