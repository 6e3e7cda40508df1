#pragma once
/* tests/helpers/postgres_maker.h -- the PostgreSQL store for the suites of telemetry_suite.h, on a
 * server of the program's own.   Threads: one.   Memory: the test owns the struct. */
#include "postgres_server.h"
#include "store/sql.h"
#include "telemetry_suite.h"

struct postgres_maker {
    struct telemetry_maker maker; /* first */
    struct postgres_server server;
    struct postgres_pool *pool;
    struct sql_db *db;
};
/* Settings of the server as in postgres_server.h; NULL: those of the suites. False: there is no
 * PostgreSQL 15 on this machine. */
bool postgres_maker_start(struct postgres_maker *m, const char *const *settings);
void postgres_maker_stop(struct postgres_maker *m);
