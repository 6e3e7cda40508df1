#pragma once
/* store/postgres/postgres_call.h -- statements on a lent connection: one, or several as one
 * transaction and one round trip.   Threads: owner of the connection.   Memory: see each call. */
#include "store/postgres/postgres_wire.h"

struct sql_statement; /* store/sql_statement.h */

/* Each is timed by its name, which is that of the function that made it; what was slow is explained
 * later, with a copy of its parameters (postgres_plan.h). */
struct postgres_call {
    const char *sql, *file, *func;
    struct postgres_args args;
    struct sql_statement *statement; /* of a stream under way */
    int64_t begun_ns;
};
#define POSTGRES_CALL(sql_)                                                                        \
    {                                                                                              \
        .sql = (sql_), .file = __FILE__, .func = __func__                                          \
    }

/* All or nothing; durable on ERR_OK (PostgreSQL's implicit transaction of a pipeline). */
enum err postgres_call_all(struct postgres_conn *c, struct postgres_call *calls, size_t n,
                           struct why *why) MUST_CHECK;
/* One statement; *ret is to be freed with PQclear(); NULL: no rows are wanted. */
enum err postgres_call_one(struct postgres_conn *c, struct postgres_call *call, PGresult **ret,
                           struct why *why) MUST_CHECK;
/* Sends it; rows come one by one from PQgetResult(). The call lives until postgres_call_end(). */
enum err postgres_call_stream(struct postgres_conn *c, struct postgres_call *call,
                              struct why *why) MUST_CHECK;
/* Nobody reads rows of it any more; one that was not sent is fine. */
void postgres_call_end(struct postgres_call *call, enum err outcome);
/* Words without parameters: BEGIN, COMMIT, DDL. */
enum err postgres_call_plain(struct postgres_conn *c, const char *sql, struct why *why) MUST_CHECK;
/* What a result says; ERR_OK for rows and commands. */
enum err postgres_call_status(struct postgres_conn *c, const PGresult *r, struct why *why);
