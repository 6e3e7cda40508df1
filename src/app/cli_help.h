#pragma once
/* app/cli_help.h -- what the command table says in other forms: --help, the man page, completion
 * for bash.   Threads: any.   Memory: appends to the caller's buffer. */
#include "app/cli.h"

void cli_help_all(const struct cli *cli, struct buf *out);
void cli_help_command(const struct cli *cli, const struct cli_command *c, struct buf *out);
/* The commands whose first word is `word`; false when there are none. */
bool cli_help_family(const struct cli *cli, const char *word, struct buf *out);
void cli_help_man(const struct cli_command *table, size_t n, struct buf *out);
void cli_help_bash(const struct cli_command *table, size_t n, struct buf *out);
/* Walks the options of a command, shared ones first; NULL at the end. Start with *at = 0. */
const struct cli_option *cli_help_next(const struct cli_command *c, size_t *at);
