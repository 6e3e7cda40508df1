/* PostgreSQL's own statistics (see postgres_figures.h). */
#include "store/postgres/postgres_figures.h"

#include <stdbool.h>
#include <stdio.h>

typedef void row_fn(struct postgres_figures *f, const struct sql_row *row);

static void copy_text(char *ret, size_t n, struct bytes text)
{
    snprintf(ret, n, "%.*s", (int)(text.n < n ? text.n : n), text.p);
}

static void take_database(struct postgres_figures *f, const struct sql_row *row)
{
    copy_text(f->version, sizeof f->version, row->columns[0].as.b);
    f->database_bytes = row->columns[1].as.i;
    f->blocks_hit = row->columns[2].as.i;
    f->blocks_read = row->columns[3].as.i;
    f->connections = row->columns[4].as.i;
    f->active = row->columns[5].as.i;
    f->has_statements = row->columns[6].as.i != 0;
}

static void take_table(struct postgres_figures *f, const struct sql_row *row)
{
    if (f->table_count == POSTGRES_TABLES_MAX) return;
    size_t i = f->table_count++;
    copy_text(f->tables[i].name, sizeof f->tables[i].name, row->columns[0].as.b);
    f->tables[i].bytes = row->columns[1].as.i;
}

static void take_statement(struct postgres_figures *f, const struct sql_row *row)
{
    if (f->statement_count == POSTGRES_STATEMENTS_LISTED) return;
    size_t i = f->statement_count++;
    copy_text(f->statements[i].query, sizeof f->statements[i].query, row->columns[0].as.b);
    f->statements[i].calls = row->columns[1].as.i;
    f->statements[i].total_ms = row->columns[2].as.r;
    f->statements[i].mean_ms = row->columns[3].as.r;
}

static enum err each_row(struct sql_cursor *c, row_fn *take, struct postgres_figures *f)
{
    struct sql_row row;
    enum err e;
    while (!(e = sql_next(c, &row))) take(f, &row);
    sql_finish(c);
    return e == ERR_END ? ERR_OK : e;
}

static enum err read_database(struct sql_tx *tx, struct postgres_figures *f)
{
    struct sql_cursor *c;
    enum err e =
        sql_query(tx,
                  "SELECT current_setting('server_version'), pg_database_size(current_database()), "
                  "s.blks_hit, s.blks_read, "
                  "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()), "
                  "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                  "AND state = 'active'), "
                  "(SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements' AND "
                  "current_setting('shared_preload_libraries') LIKE '%pg_stat_statements%') "
                  "FROM pg_stat_database s WHERE s.datname = current_database()",
                  SQL_NO_ARGS, &c);
    return e ? e : each_row(c, take_database, f);
}

static enum err read_tables(struct sql_tx *tx, struct postgres_figures *f)
{
    struct sql_cursor *c;
    enum err e = sql_query(
        tx,
        "SELECT COALESCE(p.relname, t.relname)::text, "
        "sum(pg_total_relation_size(t.oid))::bigint FROM pg_class t "
        "LEFT JOIN pg_inherits i ON i.inhrelid = t.oid LEFT JOIN pg_class p ON p.oid = i.inhparent "
        "WHERE t.relkind IN ('r', 'm') AND t.relnamespace = current_schema()::regnamespace "
        "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 64",
        SQL_NO_ARGS, &c);
    return e ? e : each_row(c, take_table, f);
}

static enum err read_statements(struct sql_tx *tx, struct postgres_figures *f)
{
    struct sql_cursor *c;
    if (!f->has_statements) return ERR_OK;
    enum err e =
        sql_query(tx,
                  "SELECT query, calls, total_exec_time, mean_exec_time FROM pg_stat_statements "
                  "WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) "
                  "ORDER BY mean_exec_time DESC LIMIT 5",
                  SQL_NO_ARGS, &c);
    return e ? e : each_row(c, take_statement, f);
}

enum err postgres_figures_read(struct sql_tx *tx, struct postgres_figures *ret)
{
    struct postgres_figures f = {.version = ""};
    enum err e = read_database(tx, &f);
    if (!e) e = read_tables(tx, &f);
    if (!e) e = read_statements(tx, &f);
    if (!e) *ret = f;
    return e;
}
