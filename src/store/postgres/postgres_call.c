/* Statements on a connection (see postgres_call.h). */
#include "store/postgres/postgres_call.h"

#include "store/postgres/postgres_plan.h"
#include "store/postgres/postgres_sql.h"
#include "store/sql_statement.h"

#include <stdio.h>

/* Words without parameters, and the end of a pipeline, which is its commit. */
static struct probe plain = PROBE_INIT(PROBE_SQL, "postgres_plain");
static struct probe commits = PROBE_INIT(PROBE_SQL, "postgres_commit");

enum err postgres_call_status(struct postgres_conn *c, const PGresult *r, struct why *why)
{
    switch (PQresultStatus(r)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
    case PGRES_PIPELINE_SYNC:
        return ERR_OK;
    default:
        break;
    }
    const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    const char *text =
        state ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : PQerrorMessage(c->pg);
    return why_say(why, postgres_sql_error(state), "PostgreSQL: %.200s", text ? text : "");
}

static enum err finish(struct postgres_conn *c, PGresult *r, struct why *why)
{
    enum err e = postgres_call_status(c, r, why);
    PQclear(r);
    return e;
}

static enum err prepare(struct postgres_conn *c, const struct postgres_call *call, char name[16],
                        struct why *why)
{
    unsigned number;
    bool known;
    if (!postgres_wire_statement(c, call->sql, &call->args, &number, &known))
        return why_say(why, ERR_NOMEM, "%s", err_sentence(ERR_NOMEM));
    snprintf(name, 16, "s%u", number);
    if (known) return ERR_OK;
    enum err e =
        finish(c, PQprepare(c->pg, name, call->sql, (int)call->args.n, call->args.types), why);
    if (e) postgres_wire_forget(c, number);
    return e;
}

static bool send(struct postgres_conn *c, const struct postgres_call *call, const char *name)
{
    const struct postgres_args *a = &call->args;
    return PQsendQueryPrepared(c->pg, name, (int)a->n, a->values, a->lengths, a->formats, 1);
}

enum err postgres_call_plain(struct postgres_conn *c, const char *sql, struct why *why)
{
    int64_t begun_ns = probe_now();
    enum err e = finish(c, PQexec(c->pg, sql), why);
    probe_note(&plain, begun_ns, e);
    return e;
}

static struct sql_statement *statement_of(const struct postgres_call *call)
{
    return sql_statement_find(call->file, call->func, call->sql);
}

void postgres_call_end(struct postgres_call *call, enum err outcome)
{
    if (!call->statement) return;
    postgres_plan_note(call->statement, probe_now() - call->begun_ns, outcome, &call->args);
    call->statement = NULL;
}

enum err postgres_call_one(struct postgres_conn *c, struct postgres_call *call, PGresult **ret,
                           struct why *why)
{
    char name[16];
    const struct postgres_args *a = &call->args;
    int64_t begun_ns = probe_now();
    enum err e = prepare(c, call, name, why);
    if (e) return e;
    PGresult *r = PQexecPrepared(c->pg, name, (int)a->n, a->values, a->lengths, a->formats, 1);
    e = postgres_call_status(c, r, why);
    postgres_plan_note(statement_of(call), probe_now() - begun_ns, e, a);
    if (e || !ret)
        PQclear(r);
    else
        *ret = r;
    return e;
}

enum err postgres_call_stream(struct postgres_conn *c, struct postgres_call *call, struct why *why)
{
    char name[16];
    int64_t begun_ns = probe_now();
    enum err e = prepare(c, call, name, why);
    if (e) return e;
    if (!send(c, call, name)) return finish(c, NULL, why);
    PQsetSingleRowMode(c->pg);
    call->begun_ns = begun_ns;
    call->statement = statement_of(call);
    return ERR_OK;
}

/* Reads the results of a pipeline up to its end; the first failure is the answer. A statement took
 * from the answer before it to its own. */
static enum err receive_all(struct postgres_conn *c, struct postgres_call *calls, size_t n,
                            int64_t begun_ns, struct why *why)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i <= n; i++) { /* a result for each, one for the sync */
        PGresult *r = PQgetResult(c->pg);
        int64_t now_ns = probe_now();
        if (!e) e = postgres_call_status(c, r, why);
        PQclear(r);
        if (i < n) {
            postgres_plan_note(statement_of(&calls[i]), now_ns - begun_ns, e, &calls[i].args);
            PQclear(PQgetResult(c->pg)); /* the NULL behind each */
        } else {
            probe_note_took(&commits, now_ns - begun_ns, e);
        }
        begun_ns = now_ns;
    }
    return e;
}

enum err postgres_call_all(struct postgres_conn *c, struct postgres_call *calls, size_t n,
                           struct why *why)
{
    char names[8][16];
    bug_if(n > sizeof names / sizeof *names);
    enum err e = ERR_OK;
    for (size_t i = 0; i < n && !e; i++) e = prepare(c, &calls[i], names[i], why);
    if (e) return e;
    int64_t begun_ns = probe_now();
    bool sent = PQenterPipelineMode(c->pg) == 1;
    for (size_t i = 0; i < n && sent; i++) sent = send(c, &calls[i], names[i]);
    if (!sent || !PQpipelineSync(c->pg)) {
        c->broken = true; /* nothing was committed: the sync was not sent */
        return why_say(why, ERR_IO, "PostgreSQL: %.200s", PQerrorMessage(c->pg));
    }
    e = receive_all(c, calls, n, begun_ns, why);
    if (!PQexitPipelineMode(c->pg) && !e) e = finish(c, NULL, why);
    return e;
}
