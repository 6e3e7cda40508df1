#pragma once
/* store/postgres/postgres_figures.h -- what PostgreSQL says of itself: version, sizes, its cache,
 * connections, and the statements of pg_stat_statements when it is loaded.
 * Threads: as the transaction.   Memory: the caller's; texts are cut. */
#include "store/sql.h"

enum { POSTGRES_TABLES_MAX = 64, POSTGRES_STATEMENTS_LISTED = 5, POSTGRES_QUERY_MAX = 400 };

struct postgres_figures {
    char version[32];
    int64_t database_bytes;
    int64_t blocks_hit, blocks_read; /* of this database, since its statistics began */
    int64_t connections, active;     /* to this database, of everybody */
    struct {
        char name[64];
        int64_t bytes; /* with indexes; partitions count to their table */
    } tables[POSTGRES_TABLES_MAX];
    size_t table_count;  /* largest first */
    bool has_statements; /* pg_stat_statements is loaded and may be read */
    struct {
        char query[POSTGRES_QUERY_MAX];
        int64_t calls;
        double total_ms, mean_ms;
    } statements[POSTGRES_STATEMENTS_LISTED]; /* slowest mean first */
    size_t statement_count;
};
enum err postgres_figures_read(struct sql_tx *tx, struct postgres_figures *ret) MUST_CHECK;
