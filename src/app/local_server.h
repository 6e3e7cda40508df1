#pragma once
/* app/local_server.h -- the server of a data directory for the time of one command: when none runs,
 * import and export start one in this process, on a loopback port nobody knows, and take it down
 * again, so that what they do and refuse is the same either way.
 *
 * S1  it holds the directory's lock like any server; a directory without an installation is
 *     refused, not made; the first administrator is left for serve to make.
 * S2  SIGINT and SIGTERM end the command, not the process: local_server_interrupted() tells, and
 *     the stop seals what came in.
 * Threads: main; the server brings its own.   Memory: owned until stop. */
#include "app/cli.h"

struct local_server;
/* Is there an installation in --data at all? */
bool local_server_possible(const struct cli *cli);
/* The exit code; what failed has been said. --config and --set count as for serve. */
int local_server_start(struct cli *cli, struct local_server **ret);
void local_server_stop(struct local_server *s); /* NULL is fine */
/* Its administration, for verbs; borrowed. */
struct admin *local_server_admin(const struct local_server *s);
/* "http://127.0.0.1:PORT", borrowed. */
const char *local_server_url(const struct local_server *s);
bool local_server_interrupted(void);
