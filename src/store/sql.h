#pragma once
/* store/sql.h -- a relational database behind ten calls, so that the catalog's SQL is written once
 * and runs on SQLite (embedded) and on PostgreSQL. Statements use $1, $2, … numbered in order of
 * first appearance, RETURNING and ON CONFLICT, and only types both have: bigint, text, blob,
 * double. Values are always parameters.
 *
 *     struct sql_row row;                                     borrowed until the next sql_ call
 *     enum err e = sql_query(tx, "SELECT id, name FROM organizations WHERE id = $1",
 *                            SQL_ARGS(SQL_I(id)), &q);
 *     while (!(e = sql_next(q, &row))) ...                    ERR_END at the end
 *     sql_finish(q);
 *
 * Errors: ERR_EXISTS for a violated UNIQUE, ERR_CORRUPT, ERR_NOSPACE, ERR_IO, ERR_NOMEM,
 * ERR_LOCKED.
 * Threads: sql_begin may be called by any thread and waits its turn (bounded by the store); between
 * begin and end the transaction belongs to the calling thread.   Memory: see each call. */
#include "base/bytes.h"
#include "base/err.h"

enum sql_type { SQL_TYPE_NULL, SQL_TYPE_INT, SQL_TYPE_REAL, SQL_TYPE_TEXT, SQL_TYPE_BLOB };

struct sql_value {
    enum sql_type type;
    union {
        int64_t i;
        double r;
        struct bytes b;
    } as;
};
#define SQL_NULL      ((struct sql_value){SQL_TYPE_NULL, {.i = 0}})
#define SQL_I(v)      ((struct sql_value){SQL_TYPE_INT, {.i = (v)}})
#define SQL_R(v)      ((struct sql_value){SQL_TYPE_REAL, {.r = (v)}})
#define SQL_T(bytes_) ((struct sql_value){SQL_TYPE_TEXT, {.b = (bytes_)}})
#define SQL_B(bytes_) ((struct sql_value){SQL_TYPE_BLOB, {.b = (bytes_)}})

struct sql_args {
    const struct sql_value *values;
    size_t n;
};
#define SQL_ARGS(...)                                                                              \
    ((struct sql_args){(const struct sql_value[]){__VA_ARGS__},                                    \
                       sizeof((const struct sql_value[]){__VA_ARGS__}) /                           \
                           sizeof(struct sql_value)})
#define SQL_NO_ARGS ((struct sql_args){NULL, 0})

struct sql_row {
    const struct sql_value *columns; /* borrowed until sql_next or sql_finish */
    size_t n;
};

struct sql_db;
struct sql_tx;
struct sql_cursor;

enum sql_mode { SQL_READ, SQL_WRITE };

/* Where the words differ: which ones a migration and its history need. */
enum sql_dialect { SQL_SQLITE, SQL_POSTGRES };

struct sql_ops {
    enum sql_dialect dialect;
    enum err (*begin)(struct sql_db *, enum sql_mode, struct sql_tx **ret);
    /* Commit is durable on ERR_OK; on failure nothing happened. Ends the transaction either way. */
    enum err (*commit)(struct sql_tx *);
    void (*rollback)(struct sql_tx *); /* NULL is fine */
    enum err (*query)(struct sql_tx *, const char *sql, struct sql_args, struct sql_cursor **ret);
    enum err (*next)(struct sql_cursor *, struct sql_row *ret); /* ERR_END */
    void (*finish)(struct sql_cursor *);                        /* NULL is fine */
    /* A statement without rows; *ret_changes (may be NULL): rows touched. */
    enum err (*exec)(struct sql_tx *, const char *sql, struct sql_args, int64_t *ret_changes);
    /* Several statements of a migration, no parameters. */
    enum err (*script)(struct sql_tx *, const char *sql, struct why *why);
    /* Who changes the schema takes turns with every other process that does; NULL: nobody can. */
    enum err (*lock_schema)(struct sql_db *, struct why *why);
    void (*unlock_schema)(struct sql_db *);
    /* A statement outside any transaction, with the schema locked; NULL: there is no need. */
    enum err (*alone)(struct sql_db *, const char *sql, struct why *why);
    /* EXPLAIN with parameters in the store's own form (sql_statement.h); NULL: it has none. */
    enum err (*explain)(struct sql_db *, const char *sql, const void *kept, char *ret, size_t cap);
    /* The store's own sentence about the last failure of this transaction; never NULL. */
    const char *(*message)(struct sql_tx *);
    void (*close)(struct sql_db *);
};
struct sql_db {
    const struct sql_ops *ops;
};
struct sql_tx {
    const struct sql_ops *ops;
    const char *file, *func; /* of the next statement: what it is called */
};
/* A copy of the values of a statement, for who explains a slow one (store/sql_plan.h). */
enum { SQL_KEPT_ARGS = 12, SQL_KEPT_BYTES = 256 };
struct sql_kept_args {
    struct sql_value values[SQL_KEPT_ARGS];
    size_t n;   /* of the statement, also when they are not all here */
    bool whole; /* they are all here */
    char bytes[SQL_KEPT_BYTES];
};
struct sql_cursor {
    const struct sql_ops *ops;
    struct sql_statement *statement; /* this and the rest: sql_probe.c's */
    int64_t begun_ns, others_ns;
    enum err outcome;
    struct sql_kept_args args;
};

/* What store/sql_probe.h counts and times; the only way to call a store's operations
 * (tools/check_probes.sh). */
enum err sql_begin(struct sql_db *db, enum sql_mode mode, struct sql_tx **ret);
enum err sql_commit(struct sql_tx *tx);
void sql_rollback(struct sql_tx *tx); /* NULL is fine */
/* Transactions that are under way, of all databases. */
uint64_t sql_open_transactions(void);
static inline enum err sql_end(struct sql_tx *tx, enum err e)
{
    if (!e) return sql_commit(tx);
    sql_rollback(tx);
    return e;
}
/* A statement is called by the function that asks for it. */
static inline struct sql_tx *sql_named(struct sql_tx *tx, const char *file, const char *func)
{
    tx->file = file;
    tx->func = func;
    return tx;
}
#define SQL_NAMED(tx)      sql_named((tx), __FILE__, __func__)
#define sql_query(tx, ...) sql_query_named(SQL_NAMED(tx), __VA_ARGS__)
#define sql_exec(tx, ...)  sql_exec_named(SQL_NAMED(tx), __VA_ARGS__)
enum err sql_query_named(struct sql_tx *tx, const char *sql, struct sql_args args,
                         struct sql_cursor **ret);
enum err sql_next(struct sql_cursor *c, struct sql_row *ret);
void sql_finish(struct sql_cursor *c); /* NULL is fine */
enum err sql_exec_named(struct sql_tx *tx, const char *sql, struct sql_args args,
                        int64_t *ret_changes);
