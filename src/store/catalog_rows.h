#pragma once
/* store/catalog_rows.h -- from rows to structs, for the files of the catalog: one row, all rows, a
 * page of rows, an id, a count. Each struct that is listed begins with its id (int64_t). Threads:
 * as the tx.   Memory: strings are copied into the arena. */
#include "base/arena.h"
#include "store/catalog_page.h"
#include "store/sql.h"

/* Takes the columns of a row one after the other; the first failure sticks in err. */
struct catalog_reader {
    const struct sql_row *row;
    size_t at;
    struct arena *arena;
    enum err err;
};
typedef void catalog_read_fn(struct catalog_reader *r, void *item);

int64_t catalog_rows_int(struct catalog_reader *r);       /* NULL is 0 */
double catalog_rows_real(struct catalog_reader *r);       /* NULL is NAN */
struct bytes catalog_rows_text(struct catalog_reader *r); /* NULL is p == NULL; text or blob */
/* A blob of exactly n bytes; NULL leaves zeros. Any other length is ERR_CORRUPT. */
void catalog_rows_blob(struct catalog_reader *r, void *p, size_t n);

/* p == NULL becomes NULL. */
static inline struct sql_value catalog_rows_opt(struct bytes s)
{
    return s.p ? SQL_T(s) : SQL_NULL;
}
/* NAN becomes NULL. */
static inline struct sql_value catalog_rows_opt_real(double v)
{
    return v == v ? SQL_R(v) : SQL_NULL; /* NOLINT: only NAN differs from itself */
}

/* The first row, ERR_NOTFOUND without one; item_bytes <= CATALOG_ROWS_ITEM. */
enum { CATALOG_ROWS_ITEM = 512 };
enum err catalog_rows_one(struct sql_tx *tx, const char *sql, struct sql_args args, struct arena *a,
                          catalog_read_fn *read, void *ret, size_t item_bytes) MUST_CHECK;
/* All rows as an array in the arena; ERR_LIMIT past max. */
enum err catalog_rows_all(struct sql_tx *tx, const char *sql, struct sql_args args, struct arena *a,
                          catalog_read_fn *read, size_t item_bytes, size_t max, void **ret,
                          size_t *ret_n) MUST_CHECK;
/* The id that INSERT … RETURNING id gives. */
enum err catalog_rows_insert(struct sql_tx *tx, const char *sql, struct sql_args args,
                             int64_t *ret_id) MUST_CHECK;
/* The one number of a query with one row and one column. */
enum err catalog_rows_number(struct sql_tx *tx, const char *sql, struct sql_args args,
                             int64_t *ret) MUST_CHECK;
/* ERR_NOTFOUND when no row was changed. */
enum err catalog_rows_change(struct sql_tx *tx, const char *sql, struct sql_args args) MUST_CHECK;

/* A WHERE that grows: fixed pieces of text, each with at most one value. */
enum { CATALOG_WHERE_TEXT = 512, CATALOG_WHERE_VALUES = 16 };
struct catalog_where {
    char text[CATALOG_WHERE_TEXT];
    size_t text_n;
    struct sql_value values[CATALOG_WHERE_VALUES];
    size_t n;
};
/* In `piece` a '?' stands for the value, as often as needed: "org = ?". Pieces are joined by AND.
 */
void catalog_rows_where(struct catalog_where *w, const char *piece, struct sql_value value);

/* %text% with what LIKE takes for a sign escaped by a backslash; p == NULL without memory. */
struct bytes catalog_rows_like(struct bytes text, struct arena *a);

struct catalog_sort {
    const char *name; /* as clients say it */
    const char *column;
};
/* A list: what to select, from where, and by what it may be sorted. */
struct catalog_list {
    const char *columns, *from;
    const struct catalog_sort *sorts;
    size_t sort_count;
    bool newest_first; /* by id, descending, unless sorted; a cursor walks down */
    catalog_read_fn *read;
    size_t item_bytes;
};
/* ERR_INVALID: no such sort (`why` lists those there are). */
enum err catalog_rows_page(struct sql_tx *tx, const struct catalog_list *list,
                           const struct catalog_where *where, const struct catalog_page *page,
                           struct arena *a, void **ret, struct catalog_listing *ret_listing,
                           struct why *why) MUST_CHECK;

/* Statements are called by the functions that ask for them (store/sql.h). */
#define catalog_rows_one(tx, ...)    catalog_rows_one(SQL_NAMED(tx), __VA_ARGS__)
#define catalog_rows_all(tx, ...)    catalog_rows_all(SQL_NAMED(tx), __VA_ARGS__)
#define catalog_rows_insert(tx, ...) catalog_rows_insert(SQL_NAMED(tx), __VA_ARGS__)
#define catalog_rows_number(tx, ...) catalog_rows_number(SQL_NAMED(tx), __VA_ARGS__)
#define catalog_rows_change(tx, ...) catalog_rows_change(SQL_NAMED(tx), __VA_ARGS__)
#define catalog_rows_page(tx, ...)   catalog_rows_page(SQL_NAMED(tx), __VA_ARGS__)
