/* The connection that changes the schema (see postgres_schema.h). */
#include "store/postgres/postgres_schema.h"

#include "store/postgres/postgres_sql.h"

#include <libpq-fe.h>
#include <poll.h>

/* Any number that no other program uses for an advisory lock of this database. */
#define SCHEMA_LOCK "7310585431987123458"
enum { LOOK_MS = 50, LOOKS = 5 * 60 * 1000 / LOOK_MS };

static enum err fail(PGconn *pg, const PGresult *r, struct why *why)
{
    const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    const char *text = state ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : PQerrorMessage(pg);
    return why_say(why, postgres_sql_error(state), "PostgreSQL: %.200s", text ? text : "");
}

enum err postgres_schema_run(PGconn *pg, const char *sql, struct why *why)
{
    PGresult *r = PQexec(pg, sql);
    ExecStatusType s = PQresultStatus(r);
    enum err e = s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK ? ERR_OK : fail(pg, r, why);
    PQclear(r);
    return e;
}

static enum err try_lock(PGconn *pg, bool *ret, struct why *why)
{
    PGresult *r = PQexec(pg, "SELECT pg_try_advisory_lock(" SCHEMA_LOCK ")");
    enum err e = PQresultStatus(r) == PGRES_TUPLES_OK ? ERR_OK : fail(pg, r, why);
    if (!e) *ret = PQgetvalue(r, 0, 0)[0] == 't';
    PQclear(r);
    return e;
}

enum err postgres_schema_lock(PGconn **ret, const struct postgres_pool *pool, struct why *why)
{
    PGconn *pg = postgres_pool_connect(pool, "sensorvision migrate", why);
    if (!pg) return ERR_IO;
    /* an index over a year of readings takes as long as it takes */
    enum err e = postgres_schema_run(pg, "SET statement_timeout = 0; SET lock_timeout = 0", why);
    bool mine = false;
    for (int left = LOOKS; !e && !(e = try_lock(pg, &mine, why)) && !mine;) {
        if (left-- == 0)
            e = why_say(why, ERR_LOCKED,
                        "another process has been changing the schema of this database for five "
                        "minutes; wait for it, or end it");
        poll(NULL, 0, LOOK_MS);
    }
    if (e)
        PQfinish(pg);
    else
        *ret = pg;
    return e;
}
