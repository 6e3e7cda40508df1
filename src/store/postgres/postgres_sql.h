#pragma once
/* store/postgres/postgres_sql.h -- store/sql.h on PostgreSQL, over a pool.
 *
 * S1  writing transactions take turns (one advisory lock of the database), as they do on SQLite:
 *     who counts and then inserts under a limit may rely on it, on every node. Reading ones see one
 *     snapshot and wait for nobody.
 * S2  a statement is prepared once per connection and parameter types; rows come one by one, and
 *     are kept when another statement is sent before the last one was read.
 * S3  a statement that fails, fails its transaction; a commit whose connection broke has an unknown
 *     outcome and is an error.
 * Threads: as store/sql.h says.   Memory: a transaction and its cursors are owned by it. */
#include "store/postgres/postgres_pool.h"
#include "store/sql.h"

/* pool: borrowed until close. ret->ops->close() frees only what is here. */
enum err postgres_sql_new(struct sql_db **ret, struct postgres_pool *pool) MUST_CHECK;
/* What PostgreSQL's SQLSTATE means here; NULL: the connection is gone. */
enum err postgres_sql_error(const char *sqlstate);
