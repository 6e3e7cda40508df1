/* Transactions, statements and rows (see postgres_sql.h). Parameters and columns travel in binary
 * form: integers and doubles as eight bytes, most significant first. */
#include "store/postgres/postgres_sql.h"

#include "base/mem.h"
#include "store/postgres/postgres_plan.h"
#include "store/postgres/postgres_schema.h"
#include "store/postgres/postgres_wire.h"
#include "sys/lock.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

/* Any number that no other program uses for an advisory lock of this database. */
#define WRITERS_LOCK "7310585431987123456"
#define WRITERS_WAIT "30s"

#define TURN_WAIT_NS (30 * NS_PER_S)
enum { MESSAGE_BYTES = 320 };

/* Writers of this process stand in line here, without a connection; those of other processes meet
 * at the advisory lock. */
struct postgres_db {
    struct sql_db base;
    struct postgres_pool *pool;
    struct lock lock; /* guards writing */
    struct cond free;
    bool writing;
    PGconn *schema; /* of who changes it; NULL: nobody does */
};

struct postgres_cursor;

struct postgres_tx {
    struct sql_tx base;
    struct postgres_db *db;
    struct postgres_conn *conn;
    bool writes;
    enum err failed;                   /* the first failure */
    struct postgres_cursor *streaming; /* whose rows are still on the way */
    unsigned cursors;
    char message[MESSAGE_BYTES];
};

struct kept_row {
    struct kept_row *next;
    PGresult *result;
};

struct postgres_cursor {
    struct sql_cursor base;
    struct postgres_tx *tx;
    PGresult *current;              /* whose row was given last */
    struct kept_row *first, **last; /* read ahead of their time (S2) */
    enum err end;                   /* ERR_END or what stopped it, once known */
    struct sql_value columns[];
};
enum { COLUMNS_MAX = 64 };

/* --- failures --------------------------------------------------------------------------------- */

enum err postgres_sql_error(const char *state)
{
    static const struct {
        const char *prefix;
        enum err e;
    } known[] = {
        {"23505", ERR_EXISTS}, {"23", ERR_INVALID},    {"25006", ERR_READONLY}, {"40", ERR_LOCKED},
        {"55P03", ERR_LOCKED}, {"53100", ERR_NOSPACE}, {"53200", ERR_NOMEM},    {"53", ERR_FULL},
        {"54", ERR_TOOLARGE},  {"57014", ERR_TIMEOUT}, {"57", ERR_IO},          {"58", ERR_IO},
        {"08", ERR_IO},        {"XX", ERR_CORRUPT},    {"22", ERR_INVALID},
    };
    if (!state) return ERR_IO;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(state, known[i].prefix, strlen(known[i].prefix)) == 0) return known[i].e;
    return ERR_INTERNAL;
}

static enum err fail_with(struct postgres_tx *tx, enum err e, const char *text)
{
    if (!tx->failed) {
        tx->failed = e;
        snprintf(tx->message, sizeof tx->message, "PostgreSQL: %s", text);
    }
    return e;
}

static enum err fail(struct postgres_tx *tx, const PGresult *r)
{
    const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    const char *text =
        state ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : PQerrorMessage(tx->conn->pg);
    return fail_with(tx, postgres_sql_error(state), text ? text : "");
}

static enum err fail_nomem(struct postgres_tx *tx)
{
    return fail_with(tx, ERR_NOMEM, err_sentence(ERR_NOMEM));
}

/* --- rows ------------------------------------------------------------------------------------- */

/* The next row, the end, or the failure of the statement under way. */
static enum err receive(struct postgres_cursor *c, PGresult **ret)
{
    struct postgres_tx *tx = c->tx;
    PGresult *r = PQgetResult(tx->conn->pg);
    if (PQresultStatus(r) == PGRES_SINGLE_TUPLE) {
        *ret = r;
        return ERR_OK;
    }
    enum err e = PQresultStatus(r) == PGRES_TUPLES_OK || PQresultStatus(r) == PGRES_COMMAND_OK
                     ? ERR_END
                     : fail(tx, r);
    for (; r; r = PQgetResult(tx->conn->pg)) PQclear(r);
    tx->streaming = NULL;
    return c->end = e;
}

/* Makes the connection free for another statement: what is still on the way is kept. */
static enum err read_ahead(struct postgres_tx *tx)
{
    struct postgres_cursor *c = tx->streaming;
    PGresult *r;
    while (c && !receive(c, &r)) {
        struct kept_row *row = mem_alloc(sizeof *row);
        if (!row) {
            PQclear(r);
            return fail_nomem(tx);
        }
        *row = (struct kept_row){NULL, r};
        *c->last = row;
        c->last = &row->next;
    }
    return tx->failed;
}

static enum err take_row(struct postgres_cursor *c)
{
    struct kept_row *row = c->first;
    PQclear(c->current);
    c->current = NULL;
    if (row) {
        c->first = row->next;
        if (!c->first) c->last = &c->first;
        c->current = row->result;
        mem_free(row);
        return ERR_OK;
    }
    return c->end ? c->end : receive(c, &c->current);
}

static enum err postgres_next(struct sql_cursor *base, struct sql_row *ret)
{
    struct postgres_cursor *c = (struct postgres_cursor *)base;
    enum err e = take_row(c);
    if (e) return e;
    int n = PQnfields(c->current);
    for (int i = 0; i < n; i++)
        if (!postgres_wire_read(c->current, 0, i, &c->columns[i]))
            return fail_with(c->tx, ERR_INTERNAL, "a column of a type that is not spoken here");
    *ret = (struct sql_row){c->columns, (size_t)n};
    return ERR_OK;
}

static void postgres_finish(struct sql_cursor *base)
{
    struct postgres_cursor *c = (struct postgres_cursor *)base;
    PGresult *r;
    if (!c) return;
    while (c->tx->streaming == c && !receive(c, &r)) PQclear(r); /* small lists; ended soon */
    c->end = ERR_END;
    while (c->first) {
        struct kept_row *row = c->first;
        c->first = row->next;
        PQclear(row->result);
        mem_free(row);
    }
    PQclear(c->current);
    c->tx->cursors--;
    mem_free(c);
}

/* --- statements ------------------------------------------------------------------------------- */

/* Prepared under a name of the connection; the name goes to ret. */
static enum err prepare(struct postgres_tx *tx, const char *sql, const struct postgres_args *args,
                        char ret[16])
{
    bool known;
    unsigned number;
    if (!postgres_wire_statement(tx->conn, sql, args, &number, &known)) return fail_nomem(tx);
    snprintf(ret, 16, "s%u", number);
    if (known) return ERR_OK;
    PGresult *r = PQprepare(tx->conn->pg, ret, sql, (int)args->n, args->types);
    enum err e = PQresultStatus(r) == PGRES_COMMAND_OK ? ERR_OK : fail(tx, r);
    PQclear(r);
    if (e) postgres_wire_forget(tx->conn, number);
    return e;
}

/* What every statement begins with. */
static enum err ready(struct postgres_tx *tx, const char *sql, struct sql_args given,
                      struct postgres_args *args, char name[16])
{
    if (tx->failed) return tx->failed;
    enum err e = read_ahead(tx);
    if (e) return e;
    bug_if(!postgres_wire_bind(args, given)); /* our own statements have fewer */
    return prepare(tx, sql, args, name);
}

static enum err postgres_query(struct sql_tx *base, const char *sql, struct sql_args given,
                               struct sql_cursor **ret)
{
    struct postgres_tx *tx = (struct postgres_tx *)base;
    struct postgres_args args;
    char name[16];
    enum err e = ready(tx, sql, given, &args, name);
    if (e) return e;
    struct postgres_cursor *c = mem_zalloc(sizeof *c + COLUMNS_MAX * sizeof *c->columns);
    bool sent = c && PQsendQueryPrepared(tx->conn->pg, name, (int)args.n, args.values, args.lengths,
                                         args.formats, 1);
    if (!sent) {
        mem_free(c);
        return c ? fail(tx, NULL) : fail_nomem(tx);
    }
    PQsetSingleRowMode(tx->conn->pg);
    c->base.ops = tx->db->base.ops;
    c->tx = tx;
    c->last = &c->first;
    tx->streaming = c;
    tx->cursors++;
    *ret = &c->base;
    return ERR_OK;
}

static int64_t changes_of(PGresult *r)
{
    int64_t n = 0;
    return bytes_to_i64(bytes_str(PQcmdTuples(r)), &n) ? n : 0;
}

static enum err postgres_exec(struct sql_tx *base, const char *sql, struct sql_args given,
                              int64_t *ret_changes)
{
    struct postgres_tx *tx = (struct postgres_tx *)base;
    struct postgres_args args;
    char name[16];
    enum err e = ready(tx, sql, given, &args, name);
    if (e) return e;
    PGresult *r =
        PQexecPrepared(tx->conn->pg, name, (int)args.n, args.values, args.lengths, args.formats, 1);
    ExecStatusType s = PQresultStatus(r);
    e = s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK ? ERR_OK : fail(tx, r);
    if (!e && ret_changes) *ret_changes = changes_of(r);
    PQclear(r);
    return e;
}

static enum err run(struct postgres_tx *tx, const char *sql)
{
    PGresult *r = PQexec(tx->conn->pg, sql);
    ExecStatusType s = PQresultStatus(r);
    enum err e = s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK ? ERR_OK : fail(tx, r);
    PQclear(r);
    return e;
}

static enum err postgres_script(struct sql_tx *base, const char *sql, struct why *why)
{
    struct postgres_tx *tx = (struct postgres_tx *)base;
    enum err e = tx->failed ? tx->failed : read_ahead(tx);
    char *translated = e ? NULL : postgres_wire_translate(sql);
    if (!e) e = translated ? run(tx, translated) : fail_nomem(tx);
    mem_free(translated);
    return e ? why_say(why, e, "%s", tx->message) : ERR_OK;
}

static const char *postgres_message(struct sql_tx *base)
{
    return ((struct postgres_tx *)base)->message;
}

/* --- transactions ----------------------------------------------------------------------------- */

static enum err take_turn(struct postgres_db *db)
{
    enum err e = ERR_OK;
    lock_take(&db->lock);
    for (int64_t until_ns = clock_mono_ns(clock_real()) + TURN_WAIT_NS; db->writing && !e;) {
        int64_t left_ns = until_ns - clock_mono_ns(clock_real());
        if (left_ns <= 0)
            e = ERR_LOCKED;
        else
            cond_wait_for(&db->free, &db->lock, left_ns);
    }
    if (!e) db->writing = true;
    lock_release(&db->lock);
    return e;
}

static void free_tx(struct postgres_tx *tx)
{
    struct postgres_db *db = tx->db;
    if (tx->writes) {
        lock_take(&db->lock);
        db->writing = false;
        cond_signal(&db->free);
        lock_release(&db->lock);
    }
    mem_free(tx);
}

static void end(struct postgres_tx *tx)
{
    bug_if(tx->cursors); /* a cursor must be finished before its transaction ends */
    postgres_pool_give(tx->db->pool, tx->conn);
    free_tx(tx);
}

static const char *first_words(enum sql_mode mode)
{
    return mode == SQL_READ ? "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
                            : "BEGIN; SET LOCAL lock_timeout = '" WRITERS_WAIT "'; "
                              "SELECT pg_advisory_xact_lock(" WRITERS_LOCK ")";
}

/* An idle connection may have died with its server; then another one is tried, once for each. */
static enum err begin_on_some(struct postgres_tx *tx, enum sql_mode mode)
{
    for (;;) {
        struct why why = {""};
        enum err e = postgres_pool_take(tx->db->pool, &tx->conn, &why);
        if (e) return e;
        bool fresh = tx->conn->opened_ns == tx->conn->given_ns;
        tx->failed = ERR_OK;
        e = run(tx, first_words(mode));
        if (!e) return ERR_OK;
        bool died = PQstatus(tx->conn->pg) != CONNECTION_OK;
        if (!died) PQclear(PQexec(tx->conn->pg, "ROLLBACK"));
        postgres_pool_give(tx->db->pool, tx->conn);
        if (!died || fresh) return e;
    }
}

static enum err postgres_begin(struct sql_db *base, enum sql_mode mode, struct sql_tx **ret)
{
    struct postgres_db *db = (struct postgres_db *)base;
    struct postgres_tx *tx = mem_zalloc(sizeof *tx);
    if (!tx) return ERR_NOMEM;
    tx->base.ops = base->ops;
    tx->db = db;
    enum err e = mode == SQL_WRITE ? take_turn(db) : ERR_OK;
    tx->writes = mode == SQL_WRITE && !e;
    if (!e) e = begin_on_some(tx, mode);
    if (e)
        free_tx(tx);
    else
        *ret = &tx->base;
    return e;
}

static void postgres_rollback(struct sql_tx *base)
{
    struct postgres_tx *tx = (struct postgres_tx *)base;
    if (!tx) return;
    if (PQstatus(tx->conn->pg) == CONNECTION_OK) PQclear(PQexec(tx->conn->pg, "ROLLBACK"));
    end(tx);
}

static enum err postgres_commit(struct sql_tx *base)
{
    struct postgres_tx *tx = (struct postgres_tx *)base;
    enum err e = tx->failed ? tx->failed : run(tx, "COMMIT");
    if (e && PQstatus(tx->conn->pg) == CONNECTION_OK) PQclear(PQexec(tx->conn->pg, "ROLLBACK"));
    end(tx);
    return e;
}

static enum err postgres_lock_schema(struct sql_db *base, struct why *why)
{
    struct postgres_db *db = (struct postgres_db *)base;
    bug_if(db->schema);
    return postgres_schema_lock(&db->schema, db->pool, why);
}

static void postgres_unlock_schema(struct sql_db *base)
{
    struct postgres_db *db = (struct postgres_db *)base;
    PQfinish(db->schema);
    db->schema = NULL;
}

static enum err postgres_alone(struct sql_db *base, const char *sql, struct why *why)
{
    return postgres_schema_run(((struct postgres_db *)base)->schema, sql, why);
}

static enum err postgres_explain(struct sql_db *base, const char *sql, const void *kept, char *ret,
                                 size_t cap)
{
    return postgres_plan_explain(((struct postgres_db *)base)->pool, sql, kept, ret, cap);
}

static void postgres_close(struct sql_db *base)
{
    struct postgres_db *db = (struct postgres_db *)base;
    if (!db) return;
    cond_done(&db->free);
    lock_done(&db->lock);
    mem_free(db);
}

enum err postgres_sql_new(struct sql_db **ret, struct postgres_pool *pool)
{
    static const struct sql_ops ops = {
        .dialect = SQL_POSTGRES,
        .begin = postgres_begin,
        .commit = postgres_commit,
        .rollback = postgres_rollback,
        .query = postgres_query,
        .next = postgres_next,
        .finish = postgres_finish,
        .exec = postgres_exec,
        .script = postgres_script,
        .lock_schema = postgres_lock_schema,
        .unlock_schema = postgres_unlock_schema,
        .alone = postgres_alone,
        .explain = postgres_explain,
        .message = postgres_message,
        .close = postgres_close,
    };
    struct postgres_db *db = mem_zalloc(sizeof *db);
    if (!db) return ERR_NOMEM;
    db->base.ops = &ops;
    db->pool = pool;
    lock_init(&db->lock, LOCK_RANK_SQL);
    cond_init(&db->free);
    *ret = &db->base;
    return ERR_OK;
}
