#pragma once
/* app/commands.h -- the table of all commands, and what runs for each row.
 * Threads: immutable; the functions run on the main thread. */
#include "app/cli.h"

extern const struct cli_command commands_table[];
extern const size_t commands_count;

int cmd_serve(struct cli *cli);
int cmd_check_config(struct cli *cli);
int cmd_config_set(struct cli *cli);
int cmd_config_unset(struct cli *cli);
int cmd_config_list(struct cli *cli);
int cmd_migrate(struct cli *cli);
int cmd_verify(struct cli *cli);
int cmd_move(struct cli *cli);
int cmd_backup(struct cli *cli);
int cmd_restore(struct cli *cli);
int cmd_cleanup(struct cli *cli);
int cmd_org_create(struct cli *cli);
int cmd_org_onboard(struct cli *cli);
int cmd_org_list(struct cli *cli);
int cmd_user_add(struct cli *cli);
int cmd_user_passwd(struct cli *cli);
int cmd_token_create(struct cli *cli);
int cmd_import(struct cli *cli);
int cmd_import_legacy(struct cli *cli);
int cmd_export(struct cli *cli);
int cmd_loadtest(struct cli *cli);
int cmd_version(struct cli *cli);
int cmd_docs(struct cli *cli);
