/* `token create`: a device's token, shown once. */
#include "app/ask.h"
#include "app/commands.h"

int cmd_token_create(struct cli *cli)
{
    const char *device = cli_value(cli, "device", NULL);
    if (!device || !*device) return cli_usage(cli, "token create needs --device");
    const struct ask_pair pairs[] = {{"device", device},
                                     {"org", cli_value(cli, "org", NULL)},
                                     {"value", cli_value(cli, "value", NULL)}};
    cJSON *answer = NULL;
    int code = ask_run(cli, ASK_PEOPLE, "token.create", pairs, 3, &answer);
    if (code) return code;
    if (cli->json) {
        code = ask_print_json(cli, answer);
    } else {
        struct buf b;
        buf_init(&b, 4096);
        buf_printf(&b, "%s\n", ask_text(answer, "token")); /* alone on its line, for $(…) */
        bool made = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "deviceCreated"));
        cli_say(cli, "the token of %s%s; it is not shown again", ask_text(answer, "deviceId"),
                made ? ", a new device" : "");
        code = cli_print(cli, &b);
        buf_done(&b);
    }
    cJSON_Delete(answer);
    return code;
}
