/* `config set`, `config unset`, `config list`: overrides kept in the store. */
#include "app/ask.h"
#include "app/commands.h"

static int change(struct cli *cli, const char *verb, const char *value)
{
    const char *key = cli->operands[0];
    const struct ask_pair pairs[] = {{"key", key}, {"value", value}};
    cJSON *answer = NULL;
    int code = ask_run(cli, ASK_CATALOG, verb, pairs, 2, &answer);
    if (code) return code;
    if (cli->json) {
        code = ask_print_json(cli, answer);
    } else {
        bool live = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "live"));
        bool serving = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "serving"));
        bool planned = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "planned"));
        const char *effect = planned    ? "its part is planned and not built yet"
                             : !serving ? "it counts from the next start"
                             : live     ? "it counts from now on"
                                        : "it counts after a restart of the server";
        struct buf b;
        buf_init(&b, 4096);
        buf_printf(&b, value ? "%s is set; %s\n" : "%s has no override any more; %s\n", key,
                   effect);
        code = cli_print(cli, &b);
        buf_done(&b);
    }
    cJSON_Delete(answer);
    return code;
}

int cmd_config_set(struct cli *cli)
{
    return change(cli, "config.set", cli->operands[1]);
}

int cmd_config_unset(struct cli *cli)
{
    return change(cli, "config.unset", NULL);
}

int cmd_config_list(struct cli *cli)
{
    cJSON *answer = NULL;
    int code = ask_run(cli, ASK_CATALOG, "config.list", NULL, 0, &answer);
    if (code) return code;
    if (cli->json) {
        code = ask_print_json(cli, answer);
    } else {
        struct buf b;
        const cJSON *row;
        buf_init(&b, 1 << 20);
        cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(answer, "overrides"))
            buf_printf(&b, "%s = %s   (%s, %s)\n", ask_text(row, "key"), ask_text(row, "value"),
                       ask_text(row, "who"), ask_text(row, "at"));
        if (!b.n) buf_add_str(&b, "no overrides\n");
        code = cli_print(cli, &b);
        buf_done(&b);
    }
    cJSON_Delete(answer);
    return code;
}
