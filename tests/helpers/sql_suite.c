/* What store/sql.h promises (see sql_suite.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sql_suite.h"

#include "sys/thread.h"

#include <float.h>
#include <stdio.h>

static const struct sql_suite_driver *driver;
static struct sql_db *db;

static int set_up(void **state)
{
    (void)state;
    char sql[256];
    struct sql_tx *tx;
    driver->wipe(driver->ctx);
    if (driver->open(driver->ctx, &db)) return 1;
    snprintf(
        sql, sizeof sql,
        "CREATE TABLE t (k BIGINT NOT NULL PRIMARY KEY, s TEXT UNIQUE, r DOUBLE PRECISION, b %s);"
        "CREATE TABLE child (k BIGINT NOT NULL REFERENCES t (k));",
        driver->blob_type);
    if (sql_begin(db, SQL_WRITE, &tx)) return 1;
    return sql_end(tx, tx->ops->script(tx, sql, NULL)) != ERR_OK;
}

static int tear_down(void **state)
{
    (void)state;
    driver->close(driver->ctx, db);
    return 0;
}

static struct sql_tx *begin(enum sql_mode mode)
{
    struct sql_tx *tx = NULL;
    assert_int_equal(sql_begin(db, mode, &tx), ERR_OK);
    return tx;
}

static enum err insert(struct sql_tx *tx, int64_t k, const char *s)
{
    return sql_exec(tx, "INSERT INTO t (k, s) VALUES ($1, $2)",
                    SQL_ARGS(SQL_I(k), s ? SQL_T(bytes_str(s)) : SQL_NULL), NULL);
}

static int64_t count_rows(void)
{
    struct sql_cursor *c;
    struct sql_row row;
    struct sql_tx *tx = begin(SQL_READ);
    assert_int_equal(sql_query(tx, "SELECT count(*) FROM t", SQL_NO_ARGS, &c), ERR_OK);
    assert_int_equal(sql_next(c, &row), ERR_OK);
    int64_t n = row.columns[0].as.i;
    assert_int_equal(sql_next(c, &row), ERR_END);
    sql_finish(c);
    sql_rollback(tx);
    return n;
}

static void values_come_back_as_they_went(void **state)
{
    (void)state;
    static const int64_t integers[] = {0, -1, INT64_MAX, INT64_MIN, INT64_C(1) << 53};
    static const double reals[] = {0.1, -1.5, DBL_MAX, DBL_MIN, 1e-300};
    struct sql_cursor *c;
    struct sql_row row;
    char text[300];
    memset(text, 'x', sizeof text);
    struct bytes strings[] = {BYTES(""), BYTES("a"), BYTES("z\xc3\xbc\xe2\x82\xac"),
                              BYTES("'\"$1\\"), bytes_of(text, sizeof text)};
    struct sql_tx *tx = begin(SQL_WRITE);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(sql_exec(tx, "INSERT INTO t (k, s, r, b) VALUES ($1, $2, $3, $4)",
                                  SQL_ARGS(SQL_I(integers[i]), SQL_T(strings[i]), SQL_R(reals[i]),
                                           SQL_B(BYTES("\0\xff\0"))),
                                  NULL),
                         ERR_OK);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(sql_query(tx, "SELECT k, s, r, b, NULL FROM t WHERE k = $1",
                                   SQL_ARGS(SQL_I(integers[i])), &c),
                         ERR_OK);
        assert_int_equal(sql_next(c, &row), ERR_OK);
        assert_int_equal(row.n, 5);
        assert_true(row.columns[0].type == SQL_TYPE_INT && row.columns[0].as.i == integers[i]);
        assert_true(row.columns[1].type == SQL_TYPE_TEXT);
        assert_true(bytes_equal(row.columns[1].as.b, strings[i]));
        assert_true(row.columns[2].type == SQL_TYPE_REAL);
        assert_memory_equal(&row.columns[2].as.r, &reals[i], sizeof(double));
        assert_true(row.columns[3].type == SQL_TYPE_BLOB);
        assert_true(bytes_equal(row.columns[3].as.b, BYTES("\0\xff\0")));
        assert_true(row.columns[4].type == SQL_TYPE_NULL);
        sql_finish(c);
    }
    assert_int_equal(sql_commit(tx), ERR_OK);
}

static void a_commit_stays_and_a_rollback_leaves_nothing(void **state)
{
    (void)state;
    struct sql_tx *tx = begin(SQL_WRITE);
    assert_int_equal(insert(tx, 1, "kept"), ERR_OK);
    assert_int_equal(sql_commit(tx), ERR_OK);
    tx = begin(SQL_WRITE);
    assert_int_equal(insert(tx, 2, "gone"), ERR_OK);
    sql_rollback(tx);
    assert_int_equal(count_rows(), 1);
    driver->close(driver->ctx, db);
    assert_int_equal(driver->open(driver->ctx, &db), ERR_OK);
    assert_int_equal(count_rows(), 1);
}

static void a_duplicate_is_exists_and_fails_the_transaction(void **state)
{
    (void)state;
    struct sql_tx *tx = begin(SQL_WRITE);
    assert_int_equal(insert(tx, 1, "a"), ERR_OK);
    assert_int_equal(insert(tx, 2, "a"), ERR_EXISTS);
    assert_true(tx->ops->message(tx)[0] != 0);
    assert_int_equal(insert(tx, 3, "b"), ERR_EXISTS); /* nothing goes on after a failure */
    assert_int_equal(sql_commit(tx), ERR_EXISTS);
    assert_int_equal(count_rows(), 0);
    tx = begin(SQL_WRITE);
    assert_int_equal(insert(tx, 1, "a"), ERR_OK);
    assert_int_equal(insert(tx, 1, "b"), ERR_EXISTS);
    sql_rollback(tx);
    tx = begin(SQL_WRITE);
    assert_int_equal(insert(tx, 3, NULL), ERR_OK); /* two absent values are not equal */
    assert_int_equal(insert(tx, 4, NULL), ERR_OK);
    assert_int_equal(sql_commit(tx), ERR_OK);
}

static void on_conflict_and_returning_tell_what_happened(void **state)
{
    (void)state;
    static const char sql[] = "INSERT INTO t (k, s) VALUES ($1, $2) ON CONFLICT (k) DO NOTHING "
                              "RETURNING k";
    struct sql_cursor *c;
    struct sql_row row;
    struct sql_tx *tx = begin(SQL_WRITE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sql_query(tx, sql, SQL_ARGS(SQL_I(7), SQL_T(BYTES("x"))), &c), ERR_OK);
        assert_int_equal(sql_next(c, &row), i ? ERR_END : ERR_OK);
        if (!i) assert_int_equal(row.columns[0].as.i, 7);
        sql_finish(c);
    }
    int64_t changes = -1;
    assert_int_equal(
        sql_exec(tx, "UPDATE t SET r = $1 WHERE k = $2", SQL_ARGS(SQL_R(1), SQL_I(7)), &changes),
        ERR_OK);
    assert_int_equal(changes, 1);
    assert_int_equal(sql_exec(tx, "DELETE FROM t WHERE k = $1", SQL_ARGS(SQL_I(8)), &changes),
                     ERR_OK);
    assert_int_equal(changes, 0);
    assert_int_equal(sql_commit(tx), ERR_OK);
    assert_int_equal(count_rows(), 1);
}

static void a_parameter_may_stand_twice(void **state)
{
    (void)state;
    struct sql_cursor *c;
    struct sql_row row;
    struct sql_tx *tx = begin(SQL_WRITE);
    assert_int_equal(sql_exec(tx, "INSERT INTO t (k, r, s) VALUES ($1, $1, $2)",
                              SQL_ARGS(SQL_I(3), SQL_T(BYTES("x"))), NULL),
                     ERR_OK);
    assert_int_equal(
        sql_query(tx, "SELECT r FROM t WHERE k = $1 AND r = $1", SQL_ARGS(SQL_I(3)), &c), ERR_OK);
    assert_int_equal(sql_next(c, &row), ERR_OK);
    assert_true(row.columns[0].as.r == 3);
    sql_finish(c);
    sql_rollback(tx);
}

static void arguments_are_free_after_the_call(void **state)
{
    (void)state;
    char text[] = "asked";
    struct sql_cursor *c;
    struct sql_row row;
    struct sql_tx *tx = begin(SQL_READ);
    assert_int_equal(sql_query(tx, "SELECT $1", SQL_ARGS(SQL_T(bytes_str(text))), &c), ERR_OK);
    memset(text, 'x', 5);
    assert_int_equal(sql_next(c, &row), ERR_OK);
    assert_true(bytes_is(row.columns[0].as.b, "asked"));
    sql_finish(c);
    sql_rollback(tx);
}

static void a_foreign_key_is_kept(void **state)
{
    (void)state;
    struct sql_tx *tx = begin(SQL_WRITE);
    assert_int_equal(sql_exec(tx, "INSERT INTO child (k) VALUES ($1)", SQL_ARGS(SQL_I(99)), NULL),
                     ERR_INVALID);
    sql_rollback(tx);
}

static void a_reading_transaction_changes_nothing(void **state)
{
    (void)state;
    struct sql_tx *tx = begin(SQL_READ);
    assert_int_equal(insert(tx, 1, "a"), ERR_READONLY);
    assert_int_equal(sql_commit(tx), ERR_READONLY);
    assert_int_equal(count_rows(), 0);
}

static void cursors_of_one_text_are_independent(void **state)
{
    (void)state;
    static const char sql[] = "SELECT k FROM t WHERE k >= $1 ORDER BY k";
    struct sql_cursor *a, *b;
    struct sql_row row;
    struct sql_tx *tx = begin(SQL_WRITE);
    for (int64_t i = 0; i < 4; i++) assert_int_equal(insert(tx, i, NULL), ERR_OK);
    assert_int_equal(sql_query(tx, sql, SQL_ARGS(SQL_I(0)), &a), ERR_OK);
    assert_int_equal(sql_next(a, &row), ERR_OK);
    assert_int_equal(sql_query(tx, sql, SQL_ARGS(SQL_I(2)), &b), ERR_OK);
    assert_int_equal(sql_next(b, &row), ERR_OK);
    assert_int_equal(row.columns[0].as.i, 2);
    assert_int_equal(sql_next(a, &row), ERR_OK);
    assert_int_equal(row.columns[0].as.i, 1);
    sql_finish(b);
    sql_finish(a);
    assert_int_equal(sql_commit(tx), ERR_OK);
}

static void more_texts_than_are_kept_all_work(void **state)
{
    (void)state;
    struct sql_cursor *open[200];
    struct sql_row row;
    char sql[64];
    struct sql_tx *tx = begin(SQL_READ);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 200; i++) {
            snprintf(sql, sizeof sql, "SELECT %d + $1", i);
            assert_int_equal(sql_query(tx, sql, SQL_ARGS(SQL_I(1)), &open[i]), ERR_OK);
            assert_int_equal(sql_next(open[i], &row), ERR_OK);
            assert_int_equal(row.columns[0].as.i, i + 1);
            if (round) sql_finish(open[i]);
        }
        for (int i = 0; !round && i < 200; i++) sql_finish(open[i]);
    }
    sql_rollback(tx);
}

static void a_script_that_fails_says_why_and_leaves_nothing(void **state)
{
    (void)state;
    struct why why = {""};
    struct sql_tx *tx = begin(SQL_WRITE);
    assert_int_not_equal(tx->ops->script(tx, "CREATE TABLE x (k BIGINT); CREATE NONSENSE;", &why),
                         ERR_OK);
    assert_true(why.text[0] != 0);
    sql_rollback(tx);
    tx = begin(SQL_WRITE);
    assert_int_equal(tx->ops->script(tx, "CREATE TABLE x (k BIGINT);", &why), ERR_OK);
    assert_int_equal(sql_commit(tx), ERR_OK);
}

enum { THREADS = 4, EACH = 50 };
struct writer {
    pthread_t thread;
    int64_t first;
    int failures;
};

static void *write_some(void *arg)
{
    struct writer *w = arg;
    for (int64_t i = 0; i < EACH; i++) {
        struct sql_tx *tx;
        enum err e = sql_begin(db, SQL_WRITE, &tx);
        if (!e) e = sql_end(tx, insert(tx, w->first + i, NULL));
        w->failures += e != ERR_OK;
    }
    return NULL;
}

static void threads_wait_their_turn(void **state)
{
    (void)state;
    struct writer writers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){.first = i * EACH};
        assert_int_equal(thread_start(&writers[i].thread, write_some, &writers[i], "writer", 0),
                         ERR_OK);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(writers[i].thread, NULL);
        assert_int_equal(writers[i].failures, 0);
    }
    assert_int_equal(count_rows(), THREADS * EACH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int sql_suite_run(const struct sql_suite_driver *on)
{
    const struct CMUnitTest sql_suite[] = {
        TEST(values_come_back_as_they_went),
        TEST(a_commit_stays_and_a_rollback_leaves_nothing),
        TEST(a_duplicate_is_exists_and_fails_the_transaction),
        TEST(on_conflict_and_returning_tell_what_happened),
        TEST(a_parameter_may_stand_twice),
        TEST(arguments_are_free_after_the_call),
        TEST(a_foreign_key_is_kept),
        TEST(a_reading_transaction_changes_nothing),
        TEST(cursors_of_one_text_are_independent),
        TEST(more_texts_than_are_kept_all_work),
        TEST(a_script_that_fails_says_why_and_leaves_nothing),
        TEST(threads_wait_their_turn),
    };
    driver = on;
    return cmocka_run_group_tests_name(on->name, sql_suite, NULL, NULL);
}
