#pragma once
/* tests/helpers/postgres_server.h -- a real PostgreSQL of one test program: its own data directory
 * under a temporary one, reached through a socket in it, stopped by its pid. It does not run as
 * root: then it becomes `nobody`.   Threads: one.   Memory: the test owns the struct. */
#include "temp_dir.h"

#include <stdbool.h>
#include <sys/types.h>

struct postgres_server {
    struct temp_dir dir;
    const char *const *settings; /* set before the start: "name=value", NULL ends; NULL: none */
    char url[160];               /* of its database */
    char log[128];               /* what it says, when there are settings; empty: nowhere */
    pid_t pid;
};
/* False: there is no PostgreSQL 15 on this machine (it says so). Aborts when one does not start. */
bool postgres_server_start(struct postgres_server *s);
/* For a program that cannot run: one case that says skipped. */
int postgres_server_skip(const char *suite);
/* Forgets everything in the database. */
void postgres_server_wipe(struct postgres_server *s);
/* Like a crash: no shutdown checkpoint; and up again on the same directory. */
void postgres_server_crash(struct postgres_server *s);
void postgres_server_stop(struct postgres_server *s);
