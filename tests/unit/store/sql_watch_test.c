/* Which changes a watched database tells, and when (store/sql_watch.h). */
#include "fault_fs.h"
#include "store/embedded/sqlite_sql.h"
#include "store/sql_watch.h"
#include "temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { THINGS = 1, ROWS = 2 };

static const struct sql_watch_rule rules[] = {
    {"things", "org", THINGS, false, {"seen", "tries"}},
    {"rows", "org", ROWS, true, {NULL}},
};

struct world {
    struct temp_dir dir;
    struct fault_fs fs;
    struct sql_db *db;
    int told;
    int64_t visible; /* rows, when it was told last */
    unsigned subjects;
    int64_t org;
};

static void hear(void *ctx, unsigned subjects, int64_t org)
{
    struct world *w = ctx;
    struct sql_tx *tx;
    struct sql_cursor *c;
    struct sql_row row;
    w->told++;
    assert_int_equal(sql_begin(w->db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(sql_query(tx, "SELECT count(*) FROM things", SQL_NO_ARGS, &c), ERR_OK);
    assert_int_equal(sql_next(c, &row), ERR_OK);
    w->visible = row.columns[0].as.i;
    sql_finish(c);
    sql_rollback(tx);
    w->subjects |= subjects;
    w->org = org;
}

static void run(struct world *w, const char *sql, struct sql_args args)
{
    struct sql_tx *tx;
    assert_int_equal(sql_begin(w->db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(sql_exec(tx, sql, args, NULL), ERR_OK);
    assert_int_equal(sql_commit(tx), ERR_OK);
}

static int set_up(void **state)
{
    static struct world w;
    struct sql_db *below;
    char path[128];
    memset(&w, 0, sizeof w);
    temp_dir_make(&w.dir);
    fault_fs_init(&w.fs, fs_real());
    w.fs.skip_sync = true;
    snprintf(path, sizeof path, "%s/watch.db", w.dir.path);
    const struct sqlite_sql_opts opts = {&w.fs.fs, path, 0};
    assert_int_equal(sqlite_sql_open(&below, &opts, NULL), ERR_OK);
    assert_int_equal(sql_watch_new(&w.db, below, rules, 2), ERR_OK);
    run(&w,
        "CREATE TABLE things (id INTEGER PRIMARY KEY, org BIGINT, name TEXT, seen BIGINT, "
        "tries BIGINT)",
        SQL_NO_ARGS);
    sql_watch_listen(w.db, hear, &w);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    w->db->ops->close(w->db);
    temp_dir_remove(&w->dir);
    return 0;
}

/* What the first rule that knows the statement says of it. */
static unsigned judge(const char *sql, struct sql_args args, int64_t *ret_org)
{
    unsigned subjects = 0;
    for (size_t i = 0; i < 2 && !subjects; i++)
        subjects = sql_watch_judge(&rules[i], sql, args, ret_org);
    return subjects;
}

static void statement_says_what_it_changes_and_whose_that_is(void **state)
{
    (void)state;
    const struct sql_args three = SQL_ARGS(SQL_I(70), SQL_I(80), SQL_I(90));
    static const struct {
        const char *sql;
        unsigned subjects;
        int64_t org;
    } cases[] = {
        {"INSERT INTO things (org, name) VALUES ($1, $2) RETURNING id", THINGS, 70},
        {"INSERT INTO things (name, org, seen) VALUES ($1, $3, $2)", THINGS, 90},
        {"INSERT INTO things (name, org) VALUES ($1, $2) ON CONFLICT (org) DO UPDATE SET name = $1",
         THINGS, 80},
        {"UPDATE things SET name = $1 WHERE org = $2 AND id = $3", THINGS, 80},
        {"UPDATE things SET name = $1 WHERE id = $2 AND org = $3", THINGS, 90},
        {"UPDATE things SET seen = $1 WHERE org = $2 AND id = $3", 0, 0},
        {"UPDATE things SET seen = $1, tries = tries + 1 WHERE org = $2", 0, 0},
        {"UPDATE things SET seen = max($1, seen), name = $2 WHERE org = $3", THINGS, 90},
        {"UPDATE things SET name = $1, seen = 0 WHERE org = $2", THINGS, 80},
        {"DELETE FROM things WHERE org = $1 AND id = $2", THINGS, 70},
        {"DELETE FROM rows WHERE org = $3", ROWS, 90},
        {"UPDATE rows SET name = $1 WHERE org = $2", 0, 0},
        {"INSERT INTO rows (org) VALUES ($2)", ROWS, 80},
        /* not understood: everybody's (W3) */
        {"UPDATE things SET name = $1", THINGS, 0},
        {"UPDATE things SET name = $1 WHERE id = $2", THINGS, 0},
        {"DELETE FROM things", THINGS, 0},
        {"INSERT INTO things SELECT * FROM others WHERE org = $1", THINGS, 0},
        {"WITH gone AS (DELETE FROM things WHERE org = $1 RETURNING id) SELECT 1", THINGS, 0},
        {"UPDATE things SET name = $1 WHERE org = 7", THINGS, 0},
        {"UPDATE things SET name = $1 WHERE org = $9", THINGS, 0},
        /* of others, or nothing */
        {"SELECT * FROM things WHERE org = $1", 0, 0},
        {"INSERT INTO things_too (org) VALUES ($1)", 0, 0},
        {"DELETE FROM others WHERE org = $1 AND id IN (SELECT id FROM things)", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t org = 0;
        unsigned subjects = judge(cases[i].sql, three, &org);
        if (subjects != cases[i].subjects || (subjects && org != cases[i].org))
            fail_msg("%s: subjects %u of %lld", cases[i].sql, subjects, (long long)org);
    }
}

static void text_for_an_organisation_is_everybodys(void **state)
{
    (void)state;
    int64_t org = 5;
    const struct sql_args text = SQL_ARGS(SQL_T(BYTES("7")));
    assert_int_equal(judge("DELETE FROM things WHERE org = $1", text, &org), THINGS);
    assert_int_equal(org, 0);
}

static void commit_tells_and_a_rollback_or_a_reader_does_not(void **state)
{
    struct world *w = *state;
    struct sql_tx *tx;
    struct sql_cursor *c;
    static const char insert[] = "INSERT INTO things (org, name) VALUES ($1, 'a')";
    assert_int_equal(sql_begin(w->db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(sql_exec(tx, insert, SQL_ARGS(SQL_I(7)), NULL), ERR_OK);
    sql_rollback(tx);
    assert_int_equal(w->told, 0);
    assert_int_equal(sql_begin(w->db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(sql_exec(tx, insert, SQL_ARGS(SQL_I(7)), NULL), ERR_OK);
    assert_int_equal(w->told, 0);
    assert_int_equal(sql_commit(tx), ERR_OK);
    assert_int_equal(w->told, 1);
    assert_int_equal(w->subjects, THINGS);
    assert_int_equal(w->org, 7);
    assert_int_equal(w->visible, 1); /* behind the commit */
    assert_int_equal(sql_begin(w->db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(sql_query(tx, "SELECT * FROM things", SQL_NO_ARGS, &c), ERR_OK);
    sql_finish(c);
    assert_int_equal(sql_commit(tx), ERR_OK);
    assert_int_equal(w->told, 1);
}

static void rows_that_come_back_from_a_change_are_told_too(void **state)
{
    struct world *w = *state;
    struct sql_tx *tx;
    struct sql_cursor *c;
    assert_int_equal(sql_begin(w->db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(
        sql_query(tx, "INSERT INTO things (org) VALUES ($1) RETURNING id", SQL_ARGS(SQL_I(9)), &c),
        ERR_OK);
    sql_finish(c);
    assert_int_equal(sql_commit(tx), ERR_OK);
    assert_int_equal(w->told, 1);
    assert_int_equal(w->org, 9);
}

static void change_of_many_organisations_is_told_for_each_and_of_too_many_for_all(void **state)
{
    struct world *w = *state;
    for (int n = 16; n <= 17; n++) {
        struct sql_tx *tx;
        w->told = 0;
        assert_int_equal(sql_begin(w->db, SQL_WRITE, &tx), ERR_OK);
        for (int round = 0; round < 2; round++)
            for (int i = 1; i <= n; i++)
                assert_int_equal(
                    sql_exec(tx, "DELETE FROM things WHERE org = $1", SQL_ARGS(SQL_I(i)), NULL),
                    ERR_OK);
        assert_int_equal(sql_commit(tx), ERR_OK);
        assert_int_equal(w->told, n == 16 ? 16 : 1);
        assert_int_equal(w->org, n == 16 ? 16 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statement_says_what_it_changes_and_whose_that_is),
        cmocka_unit_test(text_for_an_organisation_is_everybodys),
        cmocka_unit_test_setup_teardown(commit_tells_and_a_rollback_or_a_reader_does_not, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(rows_that_come_back_from_a_change_are_told_too, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            change_of_many_organisations_is_told_for_each_and_of_too_many_for_all, set_up,
            tear_down),
    };
    return cmocka_run_group_tests_name("sql_watch", tests, NULL, NULL);
}
