#pragma once
/* store/postgres/postgres_indexes.h -- what PostgreSQL has counted of tables and indexes since its
 * statistics began: which tables are read from end to end, which indexes nobody uses.
 * Threads: as the transaction.   Memory: names go to the arena. */
#include "base/arena.h"
#include "store/sql.h"

struct postgres_index {
    struct bytes table, name; /* name empty: the table itself, read from end to end */
    int64_t scans, rows_read, bytes;
};
enum { POSTGRES_INDEXES_MAX = 2000 };

/* Tables of this schema, then indexes that are neither a key nor unique (those are there for more
 * than reading); partitions are counted to their table. *ret_days: since the statistics began. */
enum err postgres_indexes_read(struct sql_tx *tx, struct arena *a, struct postgres_index **ret,
                               size_t *ret_n, double *ret_days) MUST_CHECK;
