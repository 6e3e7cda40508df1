/* `user add`, `user passwd`. */
#include "app/ask.h"
#include "app/commands.h"

enum { PASSWORD_BYTES = 256 };

/* Asks, then prints JSON or "user NAME: what". */
static int run(struct cli *cli, const char *verb, const struct ask_pair *pairs, size_t n,
               const char *what)
{
    cJSON *answer = NULL;
    int code = ask_run(cli, ASK_PEOPLE, verb, pairs, n, &answer);
    if (code) return code;
    if (cli->json) {
        code = ask_print_json(cli, answer);
    } else {
        struct buf b;
        buf_init(&b, 4096);
        buf_printf(&b, "user %s: %s\n", ask_text(answer, "username"), what);
        code = cli_print(cli, &b);
        buf_done(&b);
    }
    cJSON_Delete(answer);
    return code;
}

int cmd_user_add(struct cli *cli)
{
    char buffer[PASSWORD_BYTES];
    const char *email = cli_value(cli, "email", NULL);
    if (!email) return cli_usage(cli, "user add needs --email");
    const char *password = ask_password(cli, buffer, sizeof buffer);
    if (!password) return CLI_USAGE;
    const struct ask_pair pairs[] = {{"username", cli->operands[0]},
                                     {"email", email},
                                     {"org", cli_value(cli, "org", NULL)},
                                     {"role", cli_value(cli, "role", NULL)},
                                     {"password", password}};
    return run(cli, "user.add", pairs, 5, "added");
}

int cmd_user_passwd(struct cli *cli)
{
    char buffer[PASSWORD_BYTES];
    const char *password = ask_password(cli, buffer, sizeof buffer);
    if (!password) return CLI_USAGE;
    const struct ask_pair pairs[] = {{"username", cli->operands[0]}, {"password", password}};
    return run(cli, "user.passwd", pairs, 2, "new password; every session of theirs has ended");
}
