/* pg_stat_user_tables and pg_stat_user_indexes (see postgres_indexes.h). */
#include "store/postgres/postgres_indexes.h"

#include "store/catalog_rows.h"

/* The table that a partition belongs to, or the table itself. */
#define ROOT "coalesce((SELECT inhparent FROM pg_inherits WHERE inhrelid = s.relid), s.relid)"
/* Likewise for an index of a partition. */
#define ROOT_INDEX                                                                                 \
    "coalesce((SELECT inhparent FROM pg_inherits WHERE inhrelid = s.indexrelid), s.indexrelid)"

static const char indexes_sql[] =
    "SELECT t::regclass::text, NULL, sum(seq_scan)::bigint, sum(seq_tup_read)::bigint, "
    "sum(bytes)::bigint FROM (SELECT " ROOT " AS t, s.seq_scan, s.seq_tup_read, "
    "pg_total_relation_size(s.relid) AS bytes FROM pg_stat_user_tables s "
    "WHERE s.schemaname = current_schema()) AS tables GROUP BY t "
    "UNION ALL "
    "SELECT t::regclass::text, i::regclass::text, sum(idx_scan)::bigint, 0, sum(bytes)::bigint "
    "FROM (SELECT " ROOT " AS t, " ROOT_INDEX " AS i, s.idx_scan, "
    "pg_relation_size(s.indexrelid) AS bytes FROM pg_stat_user_indexes s "
    "JOIN pg_index x ON x.indexrelid = s.indexrelid "
    "WHERE s.schemaname = current_schema() AND NOT x.indisunique) AS indexes GROUP BY t, i "
    "ORDER BY 1, 2 NULLS FIRST LIMIT $1";

static void read_index(struct catalog_reader *r, void *item)
{
    struct postgres_index *x = item;
    x->table = catalog_rows_text(r);
    x->name = catalog_rows_text(r);
    x->scans = catalog_rows_int(r);
    x->rows_read = catalog_rows_int(r);
    x->bytes = catalog_rows_int(r);
}

enum err postgres_indexes_read(struct sql_tx *tx, struct arena *a, struct postgres_index **ret,
                               size_t *ret_n, double *ret_days)
{
    void *items;
    int64_t seconds = 0;
    enum err e =
        catalog_rows_all(tx, indexes_sql, SQL_ARGS(SQL_I(POSTGRES_INDEXES_MAX)), a, read_index,
                         sizeof(struct postgres_index), POSTGRES_INDEXES_MAX, &items, ret_n);
    if (e) return e;
    *ret = items;
    e = catalog_rows_number(tx,
                            "SELECT extract(epoch FROM now() - coalesce(d.stats_reset, "
                            "pg_postmaster_start_time()))::bigint FROM pg_stat_database d "
                            "WHERE d.datname = current_database()",
                            SQL_NO_ARGS, &seconds);
    *ret_days = (double)seconds / 86400;
    return e;
}
