/* store/copy_tables.h, from SQLite into PostgreSQL: every row arrives, and one statement has as
 * many rows as it is told, while its values fit. */
#include "postgres_maker.h"
#include "store/copy_tables.h"
#include "store/embedded/sqlite_sql.h"
#include "store/migrate.h"
#include "store/migrations.h"
#include "store/sql_statement.h"
#include "temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 45, COLUMNS = 4 }; /* of the table of settings */
static struct postgres_maker m;
static struct telemetry *store;
static struct temp_dir dir;
static struct sql_db *from_db;

static struct sql_db *open_db(const char *name)
{
    struct sql_db *db;
    struct why why = {""};
    char path[160];
    snprintf(path, sizeof path, "%s/%s", dir.path, name);
    const struct sqlite_sql_opts opts = {.fs = fs_real(), .path = path};
    assert_int_equal(sqlite_sql_open(&db, &opts, NULL), ERR_OK);
    assert_int_equal(migrate_run(db, migrations_catalog, migrations_catalog_count, 1, &why),
                     ERR_OK);
    return db;
}

static int set_up(void **state)
{
    (void)state;
    struct sql_tx *tx;
    char key[32];
    struct why why = {""};
    assert_int_equal(m.maker.open(&m.maker, &store, &why), ERR_OK);
    temp_dir_make(&dir);
    from_db = open_db("from.db");
    assert_int_equal(sql_begin(from_db, SQL_WRITE, &tx), ERR_OK);
    for (int i = 0; i < ROWS; i++) {
        snprintf(key, sizeof key, "key %d", i);
        assert_int_equal(
            sql_exec(tx, "INSERT INTO settings (key, value, who, when_ns) VALUES ($1, $2, $3, $4)",
                     SQL_ARGS(SQL_T(bytes_str(key)), SQL_B(bytes_str("v")), SQL_NULL, SQL_I(i)),
                     NULL),
            ERR_OK);
    }
    assert_int_equal(sql_end(tx, ERR_OK), ERR_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    from_db->ops->close(from_db);
    store->ops->close(store);
    temp_dir_remove(&dir);
    return 0;
}

/* How often the copy's statement with so many rows of settings ran so far. */
static uint64_t runs_with(size_t rows)
{
    struct sql_statement *s;
    for (size_t i = 0; (s = sql_statement_at(i)); i++) {
        size_t n = 0;
        if (strncmp(s->name, "copy_tables", 11) || strncmp(s->text, "INSERT INTO settings ", 21))
            continue;
        for (const char *p = s->text; (p = strchr(p, '(')); p++) n++;
        if (n == rows + 1) return sql_statement_sum(s, 1).count;
    }
    return 0;
}

/* Copies with batch_rows: all statements but the last have `rows` rows, and none has more. */
static void expect_copy(size_t batch_rows, size_t rows)
{
    struct sql_tx *from, *to;
    struct copy_tables_result result = {0};
    struct why why = {""};
    uint64_t whole = runs_with(rows), longer = runs_with(rows + 1), rest = runs_with(ROWS % rows);
    /* SQLite's transaction holds its lock: begun last, ended first */
    assert_int_equal(sql_begin(m.db, SQL_WRITE, &to), ERR_OK);
    assert_int_equal(sql_begin(from_db, SQL_READ, &from), ERR_OK);
    enum err e = copy_tables_run(from_db, from, m.db, to, batch_rows, &result, &why);
    sql_rollback(from);
    sql_rollback(to); /* it is empty again for the next one */
    assert_int_equal(e, ERR_OK);
    assert_true(result.rows >= ROWS);
    assert_int_equal(runs_with(rows) - whole, ROWS / rows);
    assert_int_equal(runs_with(rows + 1), longer);
    if (ROWS % rows) assert_int_equal(runs_with(ROWS % rows) - rest, 1);
}

static void a_statement_has_as_many_rows_as_it_is_told(void **state)
{
    (void)state;
    expect_copy(1, 1);
    expect_copy(2, 2);
    expect_copy(19, 19);
}

static void and_no_more_values_than_a_statement_takes(void **state)
{
    (void)state;
    const size_t most = COPY_TABLES_VALUES_MAX / COLUMNS;
    expect_copy(most, most);
    expect_copy(most + 1, most);
    expect_copy(10000, most);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_has_as_many_rows_as_it_is_told),
        cmocka_unit_test(and_no_more_values_than_a_statement_takes),
    };
    if (!postgres_maker_start(&m, NULL)) return postgres_server_skip("copy tables");
    int failed = cmocka_run_group_tests_name("copy tables", tests, set_up, tear_down);
    postgres_maker_stop(&m);
    return failed;
}
