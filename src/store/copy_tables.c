/* Rows of whatever tables there are (see copy_tables.h). Both databases have the schema of this
 * program: they were opened with it. */
#include "store/copy_tables.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/crc32c.h"
#include "store/catalog_rows.h"
#include "store/migrations.h"

#include <stdio.h>

enum { COLUMNS_MAX = 60, NAME_MAX_BYTES = 64, SQL_MAX = 8192 };
enum { ARENA_BYTES = 256 << 20 };

struct table {
    char name[NAME_MAX_BYTES];
    char columns[COLUMNS_MAX][NAME_MAX_BYTES];
    size_t column_count;
};

/* --- which tables there are ------------------------------------------------------------------- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* The next table made in the script from *at on; false at its end. */
static bool next_table(const char **at, char ret[NAME_MAX_BYTES])
{
    static const char words[] = "CREATE TABLE ";
    const char *found = strstr(*at, words);
    if (!found) return false;
    const char *name = found + sizeof words - 1;
    size_t n = 0;
    while (is_word(name[n]) && n < NAME_MAX_BYTES - 1) n++;
    memcpy(ret, name, n);
    ret[n] = 0;
    *at = name + n;
    return true;
}

typedef enum err visit_fn(void *ctx, const char *name);

static enum err visit_tables(visit_fn *visit, void *ctx)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < migrations_catalog_count && !e; i++) {
        const char *at = migrations_catalog[i].script;
        char name[NAME_MAX_BYTES];
        while (!e && next_table(&at, name)) e = visit(ctx, name);
    }
    return e;
}

static enum err read_columns(struct sql_db *db, struct sql_tx *tx, struct table *t)
{
    static const char *const sql[] = {
        [SQL_SQLITE] = "SELECT name FROM pragma_table_info($1) ORDER BY cid",
        [SQL_POSTGRES] = "SELECT column_name::text FROM information_schema.columns WHERE "
                         "table_schema = current_schema() AND table_name = $1 "
                         "ORDER BY ordinal_position",
    };
    struct sql_cursor *c;
    struct sql_row row;
    t->column_count = 0;
    enum err e = sql_query(tx, sql[db->ops->dialect], SQL_ARGS(SQL_T(bytes_str(t->name))), &c);
    if (e) return e;
    while (!(e = sql_next(c, &row))) {
        struct bytes name = row.columns[0].as.b;
        bug_if(t->column_count == COLUMNS_MAX || name.n >= NAME_MAX_BYTES); /* our own schema */
        memcpy(t->columns[t->column_count], name.p, name.n);
        t->columns[t->column_count++][name.n] = 0;
    }
    sql_finish(c);
    return e == ERR_END ? ERR_OK : e;
}

/* --- statements ------------------------------------------------------------------------------- */

static void add_columns(struct buf *sql, const struct table *t)
{
    for (size_t i = 0; i < t->column_count; i++)
        buf_printf(sql, "%s%s", i ? ", " : "", t->columns[i]);
}

static const char *select_rows(struct buf *sql, const struct table *t)
{
    buf_clear(sql);
    buf_add_str(sql, "SELECT ");
    add_columns(sql, t);
    buf_printf(sql, " FROM %s", t->name);
    return buf_cstr(sql);
}

static const char *insert_rows(struct buf *sql, const struct table *t, size_t rows)
{
    size_t n = 0;
    buf_clear(sql);
    buf_printf(sql, "INSERT INTO %s (", t->name);
    add_columns(sql, t);
    buf_add_str(sql, ") VALUES ");
    for (size_t i = 0; i < rows; i++) {
        buf_add_str(sql, i ? ", (" : "(");
        for (size_t k = 0; k < t->column_count; k++) buf_printf(sql, "%s$%zu", k ? ", " : "", ++n);
        buf_add_char(sql, ')');
    }
    return buf_cstr(sql);
}

/* --- checksums -------------------------------------------------------------------------------- */

/* Of all rows, in whatever order they come. */
struct checksum {
    uint64_t rows, sum;
};

static void checksum_add(struct checksum *c, const struct sql_value *v, size_t n)
{
    uint32_t low = 0, high = 0x9e3779b9;
    for (size_t i = 0; i < n; i++) {
        uint8_t type = (uint8_t)v[i].type;
        const void *p = &v[i].as.i;
        size_t bytes = sizeof v[i].as.i;
        if (v[i].type == SQL_TYPE_TEXT || v[i].type == SQL_TYPE_BLOB) {
            p = v[i].as.b.p;
            bytes = v[i].as.b.n;
        }
        if (v[i].type == SQL_TYPE_NULL) bytes = 0;
        low = crc32c(crc32c(low, &type, 1), p, bytes);
        high = crc32c(crc32c(high, &low, sizeof low), p, bytes);
    }
    c->rows++;
    c->sum += (uint64_t)high << 32 | low;
}

static enum err checksum_table(struct sql_tx *tx, const struct table *t, struct buf *sql,
                               struct checksum *ret)
{
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sql_query(tx, select_rows(sql, t), SQL_NO_ARGS, &c);
    if (e) return e;
    while (!(e = sql_next(c, &row))) checksum_add(ret, row.columns, row.n);
    sql_finish(c);
    return e == ERR_END ? ERR_OK : e;
}

/* --- copying ---------------------------------------------------------------------------------- */

struct copy {
    struct sql_db *from_db, *to_db;
    struct sql_tx *from, *to;
    struct copy_tables_result *result;
    struct why *why;
    struct table table;
    struct arena arena; /* of the rows at hand */
    struct sql_value values[COPY_TABLES_VALUES_MAX];
    size_t n, rows;    /* values and rows at hand */
    size_t batch_rows; /* in one statement at most */
    struct buf sql;    /* statement */
};

static enum err flush(struct copy *c)
{
    if (!c->n) return ERR_OK;
    const char *sql = insert_rows(&c->sql, &c->table, c->n / c->table.column_count);
    enum err e = sql_exec(c->to, sql, (struct sql_args){c->values, c->n}, NULL);
    if (e) (void)why_say(c->why, e, "%s: %.150s", c->table.name, c->to->ops->message(c->to));
    c->n = c->rows = 0;
    arena_reset(&c->arena);
    return e;
}

static enum err add_row(struct copy *c, const struct sql_row *row)
{
    for (size_t i = 0; i < row->n; i++) {
        struct sql_value v = row->columns[i];
        if (v.type == SQL_TYPE_TEXT || v.type == SQL_TYPE_BLOB) {
            v.as.b = arena_copy(&c->arena, v.as.b);
            if (!v.as.b.p) return ERR_NOMEM;
        }
        c->values[c->n++] = v;
    }
    bool full = ++c->rows >= c->batch_rows || c->n + row->n > COPY_TABLES_VALUES_MAX;
    return full ? flush(c) : ERR_OK;
}

static enum err copy_rows(struct copy *c, struct checksum *ret)
{
    struct sql_cursor *cursor;
    struct sql_row row;
    char sql[SQL_MAX];
    snprintf(sql, sizeof sql, "%s", select_rows(&c->sql, &c->table));
    enum err e = sql_query(c->from, sql, SQL_NO_ARGS, &cursor);
    if (e) return e;
    while (!e && !(e = sql_next(cursor, &row))) {
        checksum_add(ret, row.columns, row.n);
        e = add_row(c, &row);
    }
    sql_finish(cursor);
    return e == ERR_END ? flush(c) : e;
}

/* How far the ids had come: one that was given is not given again, also when its row is gone. */
static enum err read_sequence(struct copy *c, int64_t *ret)
{
    static const char *const sql[] = {
        [SQL_SQLITE] = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = $1",
        [SQL_POSTGRES] = "SELECT coalesce(pg_sequence_last_value("
                         "pg_get_serial_sequence($1, 'id')::regclass), 0)",
    };
    return catalog_rows_number(c->from, sql[c->from_db->ops->dialect],
                               SQL_ARGS(SQL_T(bytes_str(c->table.name))), ret);
}

enum err copy_tables_set_last(struct sql_db *db, struct sql_tx *tx, const char *table, int64_t last)
{
    struct bytes name = bytes_str(table);
    int64_t changed = 0;
    if (db->ops->dialect == SQL_POSTGRES)
        return sql_exec(tx, "SELECT setval(pg_get_serial_sequence($1, 'id'), $2)",
                        SQL_ARGS(SQL_T(name), SQL_I(last)), NULL);
    enum err e = sql_exec(tx, "UPDATE sqlite_sequence SET seq = $1 WHERE name = $2",
                          SQL_ARGS(SQL_I(last), SQL_T(name)), &changed);
    if (e || changed) return e;
    return sql_exec(tx, "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)",
                    SQL_ARGS(SQL_T(name), SQL_I(last)), NULL);
}

static enum err copy_sequence(struct copy *c)
{
    int64_t last = 0;
    bool has_id = false;
    for (size_t i = 0; i < c->table.column_count; i++)
        has_id = has_id || strcmp(c->table.columns[i], "id") == 0;
    enum err e = has_id ? read_sequence(c, &last) : ERR_OK;
    return e || !last ? e : copy_tables_set_last(c->to_db, c->to, c->table.name, last);
}

static enum err copy_table(void *ctx, const char *name)
{
    struct copy *c = ctx;
    struct checksum is = {0, 0}, was = {0, 0};
    memcpy(c->table.name, name, strlen(name) + 1);
    enum err e = read_columns(c->from_db, c->from, &c->table);
    if (e || !c->table.column_count) return e; /* a later migration took it away */
    e = copy_rows(c, &was);
    if (!e) e = copy_sequence(c);
    if (!e) e = checksum_table(c->to, &c->table, &c->sql, &is);
    if (!e && (is.rows != was.rows || is.sum != was.sum))
        e = why_say(c->why, ERR_CORRUPT, "the table %s reads differently in the target", name);
    c->result->tables++;
    c->result->rows += was.rows;
    if (e && !c->why->text[0]) (void)why_say(c->why, e, "%s: %s", name, err_sentence(e));
    return e;
}

enum err copy_tables_run(struct sql_db *from_db, struct sql_tx *from, struct sql_db *to_db,
                         struct sql_tx *to, size_t batch_rows, struct copy_tables_result *ret,
                         struct why *why)
{
    struct copy_tables_result result = {0, 0};
    struct copy c = {.from_db = from_db,
                     .from = from,
                     .to_db = to_db,
                     .to = to,
                     .result = &result,
                     .why = why,
                     .batch_rows = batch_rows};
    arena_init(&c.arena, ARENA_BYTES);
    buf_init(&c.sql, SQL_MAX);
    enum err e = visit_tables(copy_table, &c);
    buf_done(&c.sql);
    arena_done(&c.arena);
    if (!e) *ret = result;
    return e;
}

/* --- is there anything ------------------------------------------------------------------------ */

struct look {
    struct sql_tx *tx;
    struct why *why;
};

static enum err look_table(void *ctx, const char *name)
{
    struct look *l = ctx;
    char sql[SQL_MAX];
    int64_t rows = 0;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s%s", name,
             strcmp(name, "settings") == 0 ? " WHERE key <> 'takeover'" : "");
    enum err e = catalog_rows_number(l->tx, sql, SQL_NO_ARGS, &rows);
    if (e) return why_say(l->why, e, "%s: %s", name, err_sentence(e));
    if (!rows) return ERR_OK;
    return why_say(l->why, ERR_EXISTS,
                   "the target is not empty: its table %s has rows; name a new database or a new "
                   "directory",
                   name);
}

enum err copy_tables_check_empty(struct sql_tx *tx, struct why *why)
{
    struct look l = {tx, why};
    return visit_tables(look_table, &l);
}
