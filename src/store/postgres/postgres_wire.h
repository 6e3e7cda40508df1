#pragma once
/* store/postgres/postgres_wire.h -- between our values and PostgreSQL's binary formats, our SQL and
 * its dialect, texts of statements and the names they were prepared under.
 * Threads: owner of the connection.   Memory: see each call. */
#include "store/postgres/postgres_pool.h"
#include "store/sql.h"

#include <libpq-fe.h>

/* Parameters as libpq takes them. Values of text and bytes are borrowed from the caller's. */
enum { POSTGRES_ARGS_MAX = 80 };
struct postgres_args {
    size_t n;
    Oid types[POSTGRES_ARGS_MAX]; /* 0: as the statement has it */
    const char *values[POSTGRES_ARGS_MAX];
    int lengths[POSTGRES_ARGS_MAX], formats[POSTGRES_ARGS_MAX];
    uint64_t numbers[POSTGRES_ARGS_MAX]; /* most significant byte first */
};
/* False: more than POSTGRES_ARGS_MAX of them. */
bool postgres_wire_bind(struct postgres_args *args, struct sql_args given);

/* Appends parameters to args; the caller knows that there are few. */
void postgres_wire_add_int(struct postgres_args *args, int64_t v);
void postgres_wire_add_ints(struct postgres_args *args, struct bytes array); /* postgres_array.h */
void postgres_wire_add_reals(struct postgres_args *args, struct bytes array);

/* A column of a row in binary form; text and bytes are borrowed from r. False: a type that our
 * schema does not have. */
bool postgres_wire_read(const PGresult *r, int row, int column, struct sql_value *ret);

/* The number under which this text with these parameter types is prepared on the connection;
 * *ret_known false: it has to be, now. When there are too many, all are forgotten first. False: no
 * memory. */
bool postgres_wire_statement(struct postgres_conn *c, const char *sql,
                             const struct postgres_args *args, unsigned *ret_number,
                             bool *ret_known);
/* Preparing it failed. */
void postgres_wire_forget(struct postgres_conn *c, unsigned number);

/* A migration written for both, in PostgreSQL's words: INTEGER PRIMARY KEY AUTOINCREMENT becomes an
 * identity column, BLOB becomes BYTEA. Owned by the caller; NULL without memory. */
char *postgres_wire_translate(const char *sql);
