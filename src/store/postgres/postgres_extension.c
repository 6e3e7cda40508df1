/* Whether an extension is used (see postgres_extension.h). */
#include "store/postgres/postgres_extension.h"

#include "store/postgres/postgres_call.h"

/* A question with one boolean, and a text as its parameter when there is one. */
static enum err ask(struct postgres_conn *c, const char *sql, const char *text, bool *ret,
                    struct why *why)
{
    struct postgres_call call = POSTGRES_CALL(sql);
    struct sql_value v = SQL_T(bytes_str(text));
    PGresult *r = NULL;
    if (text) bug_if(!postgres_wire_bind(&call.args, (struct sql_args){&v, 1}));
    enum err e = postgres_call_one(c, &call, &r, why);
    if (e) return e;
    if (PQntuples(r) != 1 || !postgres_wire_read(r, 0, 0, &v)) e = ERR_INTERNAL;
    PQclear(r);
    if (!e) *ret = v.as.i != 0;
    return e;
}

/* What is to be done, from what there is. */
static enum err look(struct postgres_conn *c, const struct postgres_extension *x,
                     enum postgres_extension_state *ret, bool *ret_due, struct why *why)
{
    bool there = false, installed = false, used = false, readings = false;
    enum err e = ask(c, "SELECT count(*) > 0 FROM pg_available_extensions WHERE name = $1", x->name,
                     &there, why);
    if (!e)
        e = ask(c, "SELECT count(*) > 0 FROM pg_extension WHERE extname = $1", x->name, &installed,
                why);
    if (!e && installed) e = ask(c, x->in_use, NULL, &used, why);
    if (!e && there && !used)
        e = ask(c, "SELECT EXISTS (SELECT 1 FROM telemetry_records)", NULL, &readings, why);
    if (e) return e;
    *ret = used ? EXTENSION_USED : !there ? EXTENSION_ABSENT : EXTENSION_TOO_LATE;
    *ret_due = there && !used && !readings;
    return ERR_OK;
}

static enum err run(struct postgres_conn *c, const struct postgres_extension *x, struct why *why)
{
    enum err e = postgres_call_plain(c, "BEGIN", why);
    for (size_t i = 0; i < x->n && !e; i++) e = postgres_call_plain(c, x->statements[i], why);
    enum err ended = postgres_call_plain(c, e ? "ROLLBACK" : "COMMIT", e ? NULL : why);
    return e ? e : ended;
}

enum err postgres_extension_use(struct postgres_pool *pool, const struct postgres_extension *x,
                                enum postgres_extension_state *ret, struct why *why)
{
    struct postgres_conn *c;
    bool due = false;
    enum err e = postgres_pool_take(pool, &c, why);
    if (e) return e;
    e = look(c, x, ret, &due, why);
    if (!e && due && !(e = run(c, x, why))) *ret = EXTENSION_USED;
    postgres_pool_give(pool, c);
    return e;
}
