/* store/sql_statement.h and sql_plan.h: statements by their text, and how slow ones are run. */
#include "perf/probe.h"
#include "store/embedded/sqlite_sql.h"
#include "store/sql_plan.h"
#include "temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct temp_dir dir;
static struct sql_db *db;

static struct sql_statement *find(const char *text)
{
    for (size_t i = 0; sql_statement_at(i); i++)
        if (strcmp(sql_statement_at(i)->text, text) == 0) return sql_statement_at(i);
    return NULL;
}

static enum err ask(struct sql_tx *tx, const char *sql, struct sql_args args)
{
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sql_query(tx, sql, args, &c);
    if (e) return e;
    while (!(e = sql_next(c, &row))) continue;
    sql_finish(c);
    return e;
}

static void run_once(const char *sql, struct sql_args args)
{
    struct sql_tx *tx;
    assert_int_equal(sql_begin(db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(ask(tx, sql, args), ERR_END);
    sql_rollback(tx);
}

static void open_db(const char *name)
{
    char path[160];
    struct sql_tx *tx;
    snprintf(path, sizeof path, "%s/%s", dir.path, name);
    const struct sqlite_sql_opts opts = {.fs = fs_real(), .path = path};
    assert_int_equal(sqlite_sql_open(&db, &opts, NULL), ERR_OK);
    assert_int_equal(sql_begin(db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(sql_exec(tx, "CREATE TABLE t (a BIGINT, b TEXT)", SQL_NO_ARGS, NULL), ERR_OK);
    assert_int_equal(sql_end(tx, ERR_OK), ERR_OK);
}

static int set_up(void **state)
{
    (void)state;
    temp_dir_make(&dir);
    open_db("plan.db");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    probe_set_threshold(PROBE_SQL, INT64_C(1000000000));
    db->ops->close(db);
    temp_dir_remove(&dir);
    return 0;
}

static void a_statement_is_called_by_the_function_that_asks(void **state)
{
    (void)state;
    static const char sql[] = "SELECT a FROM t WHERE a = $1 -- named";
    run_once(sql, SQL_ARGS(SQL_I(1)));
    run_once(sql, SQL_ARGS(SQL_I(2)));
    const struct sql_statement *s = find(sql);
    assert_non_null(s);
    assert_string_equal(s->name, "sql_plan_test.ask");
    assert_int_equal(probe_count(&s->probe), 2);
    assert_int_equal(sql_statement_sum(s, 1).count, 2);
}

static void a_slow_one_is_explained_behind_its_caller(void **state)
{
    (void)state;
    static const char sql[] = "SELECT b FROM t WHERE b = $1 ORDER BY a";
    char plan[SQL_PLAN_MAX];
    size_t n = 0;
    probe_set_threshold(PROBE_SQL, 1);
    run_once(sql, SQL_ARGS(SQL_T(BYTES("x"))));
    struct sql_statement *s = find(sql);
    assert_int_equal(sql_statement_sum(s, 1).slow, 1);
    assert_int_equal(sql_statement_plan(s, plan), 0); /* not yet */
    assert_int_equal(sql_plan_turn(db, 42, 100, &n), ERR_OK);
    assert_true(n >= 1);
    assert_int_equal(sql_statement_plan(s, plan), 42);
    assert_non_null(strstr(plan, "SCAN t"));
    assert_non_null(strstr(plan, "USE TEMP B-TREE FOR ORDER BY"));
}

static void once_a_minute_at_most(void **state)
{
    (void)state;
    static const char sql[] = "SELECT b FROM t WHERE a = $1 -- again";
    size_t n = 0;
    probe_set_threshold(PROBE_SQL, 1);
    run_once(sql, SQL_ARGS(SQL_I(1)));
    assert_int_equal(sql_plan_turn(db, 1, 100, &n), ERR_OK);
    run_once(sql, SQL_ARGS(SQL_I(1)));
    assert_int_equal(atomic_load(&find(sql)->plan.state), SQL_PLAN_IDLE);
}

static void values_that_are_too_large_are_not_kept(void **state)
{
    (void)state;
    static char large[SQL_KEPT_BYTES + 1];
    struct sql_kept_args kept;
    sql_statement_keep_args(&kept, SQL_ARGS(SQL_I(1), SQL_B(bytes_of(large, SQL_KEPT_BYTES))));
    assert_true(kept.whole);
    assert_ptr_equal(kept.values[1].as.b.p, kept.bytes);
    sql_statement_keep_args(&kept, SQL_ARGS(SQL_I(1), SQL_B(bytes_of(large, sizeof large))));
    assert_false(kept.whole);
    struct sql_value many[SQL_KEPT_ARGS + 1] = {{SQL_TYPE_NULL, {0}}};
    sql_statement_keep_args(&kept, (struct sql_args){many, SQL_KEPT_ARGS});
    assert_true(kept.whole);
    sql_statement_keep_args(&kept, (struct sql_args){many, SQL_KEPT_ARGS + 1});
    assert_false(kept.whole);
}

static void a_failure_counts_with_its_kind(void **state)
{
    (void)state;
    static const char sql[] = "SELECT a FROM missing";
    struct sql_tx *tx;
    assert_int_equal(sql_begin(db, SQL_READ, &tx), ERR_OK);
    enum err e = ask(tx, sql, SQL_NO_ARGS);
    assert_int_not_equal(e, ERR_OK);
    sql_rollback(tx);
    assert_int_equal(atomic_load(&find(sql)->probe.outcomes[e]), 1);
    assert_int_equal(sql_open_transactions(), 0);
}

/* Last: it fills the table for the rest of the process. */
static void past_the_bound_statements_share_one_line(void **state)
{
    (void)state;
    struct sql_statement *s = NULL;
    char text[64];
    for (int i = 0; i < SQL_STATEMENTS_MAX + 10; i++) {
        snprintf(text, sizeof text, "SELECT %d", i);
        s = sql_statement_find("x.c", "x", text);
    }
    assert_string_equal(s->name, "other statements");
    size_t n = 0;
    while (sql_statement_at(n)) n++;
    assert_int_equal(n, SQL_STATEMENTS_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_is_called_by_the_function_that_asks),
        cmocka_unit_test(a_slow_one_is_explained_behind_its_caller),
        cmocka_unit_test(once_a_minute_at_most),
        cmocka_unit_test(values_that_are_too_large_are_not_kept),
        cmocka_unit_test(a_failure_counts_with_its_kind),
        cmocka_unit_test(past_the_bound_statements_share_one_line),
    };
    return cmocka_run_group_tests_name("sql plan", tests, set_up, tear_down);
}
