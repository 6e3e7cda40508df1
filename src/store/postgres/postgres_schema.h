#pragma once
/* store/postgres/postgres_schema.h -- the one connection on which the schema is changed: it holds
 * an advisory lock of the database for as long as it lives, so one process at a time migrates, and
 * it runs what PostgreSQL refuses inside a transaction.
 * Threads: owner only.   Memory: PQfinish() gives the lock back. */
#include "store/postgres/postgres_pool.h"

/* Waits for others, five minutes at most: then ERR_LOCKED. It asks again and again instead of
 * standing in line inside the server: CREATE INDEX CONCURRENTLY waits for everybody who does. */
enum err postgres_schema_lock(PGconn **ret, const struct postgres_pool *pool,
                              struct why *why) MUST_CHECK;
enum err postgres_schema_run(PGconn *pg, const char *sql, struct why *why) MUST_CHECK;
