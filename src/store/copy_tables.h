#pragma once
/* store/copy_tables.h -- the relational half of an installation from one database into another, as
 * one transaction: every table that the migrations make, in their order (so that what is referred
 * to comes first), row by row with its ids, and how far the numbers of each had come. It knows no
 * table by name.
 * Threads: one.   Memory: constant, a few rows. */
#include "store/sql.h"

struct copy_tables_result {
    uint64_t tables, rows;
};
/* A statement has at least one row, and no more values than that. */
enum { COPY_TABLES_VALUES_MAX = 80 };
/* Inside the caller's transaction on the target, whose tables are empty; batch_rows in one
 * statement at most. What was written is read again and compared by its checksum: ERR_CORRUPT names
 * the table. */
enum err copy_tables_run(struct sql_db *from_db, struct sql_tx *from, struct sql_db *to_db,
                         struct sql_tx *to, size_t batch_rows, struct copy_tables_result *ret,
                         struct why *why) MUST_CHECK;
/* The next id of the table is above `last`: rows were inserted with ids of their own. */
enum err copy_tables_set_last(struct sql_db *db, struct sql_tx *tx, const char *table,
                              int64_t last) MUST_CHECK;
/* ERR_EXISTS names the first table that has rows; those of settings that a takeover put there do
 * not count. */
enum err copy_tables_check_empty(struct sql_tx *tx, struct why *why) MUST_CHECK;
