#pragma once
/* app/legacy_source.h -- the Java platform's database, read and never written: one read-only
 * snapshot for the whole command. Its schema grew over 74 migrations, so columns and tables that an
 * older installation does not have read as NULL and as empty.
 * Threads: main.   Memory: rows come one at a time. */
#include "base/arena.h"
#include "base/map.h"
#include "store/catalog_rows.h"

struct postgres_pool;

struct legacy_source {
    struct postgres_pool *pool;
    struct sql_db *db;
    struct sql_tx *tx;  /* REPEATABLE READ, READ ONLY, until close */
    struct map columns; /* "table.column" */
    struct arena arena; /* of the names above */
};

/* ERR_INVALID: no address of PostgreSQL. ERR_NOTFOUND: not the platform's database. */
enum err legacy_source_open(struct legacy_source *s, const char *url, struct why *why) MUST_CHECK;
void legacy_source_close(struct legacy_source *s); /* zeroed is fine */
bool legacy_source_has(const struct legacy_source *s, const char *table, const char *column);
/* "first organisation's id:when it was made". */
enum err legacy_source_identity(struct legacy_source *s, char *ret, size_t n) MUST_CHECK;

struct legacy_field {
    const char *column; /* "" : of other tables */
    const char *sql;    /* how it is read; absent: NULL */
};
/* A time with or without a zone as nanoseconds; NULL for infinity and what is out of range. */
#define LEGACY_TIME(column)                                                                        \
    "CASE WHEN " column " BETWEEN '1700-01-01' AND '2250-01-01' THEN "                             \
    "(extract(epoch from " column ") * 1000000)::bigint * 1000 END"

/* Calls visit for each row of the table, in that order; an error of visit ends it. */
typedef enum err legacy_row_fn(void *ctx, struct catalog_reader *r);
enum err legacy_source_each(struct legacy_source *s, const char *table,
                            const struct legacy_field *fields, size_t n, const char *order,
                            legacy_row_fn *visit, void *ctx) MUST_CHECK;
/* The same of a whole statement, with one parameter of text and one number ($1, $2), or none. */
enum err legacy_source_select(struct legacy_source *s, const char *sql, struct sql_args args,
                              legacy_row_fn *visit, void *ctx) MUST_CHECK;
/* What PostgreSQL said of the last failure. */
const char *legacy_source_message(const struct legacy_source *s);
