/* The program: everything it can do is a row of commands.c. */
#include "app/commands.h"

#include <signal.h>

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error of the write, not our end */
    return cli_main(commands_table, commands_count, argc, argv);
}
