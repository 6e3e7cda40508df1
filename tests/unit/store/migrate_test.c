/* Migrations: applied once and in order, refused by name when they are not what they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault_fs.h"
#include "store/catalog.h"
#include "store/migrate.h"
#include "store/migrations.h"
#include "temp_dir.h"

#include <stdio.h>

static struct temp_dir dir;
static struct fault_fs fault;
static struct sql_db *db;
static struct why why;

static const struct migration first[] = {
    {1, "a table", "CREATE TABLE a (k BIGINT);", NULL},
    {2, "another", "CREATE TABLE b (k BIGINT);", NULL},
};
static const struct migration longer[] = {
    {1, "a table", "CREATE TABLE a (k BIGINT);", NULL},
    {2, "another", "CREATE TABLE b (k BIGINT);", NULL},
    {3, "a third", "CREATE TABLE c (k BIGINT);", NULL},
};
static const struct migration edited[] = {
    {1, "a table", "CREATE TABLE a (k BIGINT);", NULL},
    {2, "another", "CREATE TABLE b (k BIGINT, more TEXT);", NULL},
    {3, "a third", "CREATE TABLE c (k BIGINT);", NULL},
};

static int set_up(void **state)
{
    (void)state;
    temp_dir_make(&dir);
    fault_fs_init(&fault, fs_real());
    fault.skip_sync = true;
    why.text[0] = 0;
    return catalog_open_raw(&db, &fault.fs, dir.path, &why) != ERR_OK;
}

static int tear_down(void **state)
{
    (void)state;
    catalog_close(db);
    temp_dir_remove(&dir);
    return 0;
}

static bool has_table(const char *name)
{
    struct sql_tx *tx;
    struct sql_cursor *c;
    struct sql_row row;
    assert_int_equal(sql_begin(db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(sql_query(tx, "SELECT 1 FROM sqlite_schema WHERE name = $1",
                               SQL_ARGS(SQL_T(bytes_str(name))), &c),
                     ERR_OK);
    bool found = sql_next(c, &row) == ERR_OK;
    sql_finish(c);
    sql_rollback(tx);
    return found;
}

struct seen {
    char text[256];
    size_t n;
};

static void see(void *ctx, const struct migrate_line *line)
{
    static const char *const states[] = {"applied", "pending", "edited", "unknown"};
    struct seen *s = ctx;
    s->n += (size_t)snprintf(s->text + s->n, sizeof s->text - s->n, "%lld %s %s; ",
                             (long long)line->number, line->name, states[line->state]);
}

static struct seen status_of(const struct migration *list, size_t n)
{
    struct seen s = {"", 0};
    assert_int_equal(migrate_status(db, list, n, see, &s, &why), ERR_OK);
    return s;
}

static void they_are_applied_once_and_later_ones_follow(void **state)
{
    (void)state;
    assert_string_equal(status_of(first, 2).text, "1 a table pending; 2 another pending; ");
    assert_false(has_table("schema_migrations")); /* to look changes nothing */
    assert_int_equal(migrate_run(db, first, 2, 5, &why), ERR_OK);
    assert_int_equal(migrate_run(db, first, 2, 6, &why), ERR_OK);
    assert_string_equal(status_of(longer, 3).text,
                        "1 a table applied; 2 another applied; 3 a third pending; ");
    assert_int_equal(migrate_run(db, longer, 3, 7, &why), ERR_OK);
    assert_true(has_table("a") && has_table("b") && has_table("c"));
}

static void a_newer_database_is_refused_untouched(void **state)
{
    (void)state;
    assert_int_equal(migrate_run(db, longer, 3, 5, &why), ERR_OK);
    assert_int_equal(migrate_run(db, first, 2, 5, &why), ERR_VERSION);
    assert_non_null(strstr(why.text, "3 'a third'"));
    assert_string_equal(status_of(first, 2).text,
                        "1 a table applied; 2 another applied; 3 a third unknown; ");
}

static void an_edited_one_is_refused_by_name_before_anything_is_applied(void **state)
{
    (void)state;
    assert_int_equal(migrate_run(db, first, 2, 5, &why), ERR_OK);
    assert_int_equal(migrate_run(db, edited, 3, 5, &why), ERR_CORRUPT);
    assert_non_null(strstr(why.text, "2 'another'"));
    assert_false(has_table("c"));
    assert_string_equal(status_of(edited, 3).text,
                        "1 a table applied; 2 another edited; 3 a third pending; ");
}

static void a_gap_is_refused_by_name(void **state)
{
    (void)state;
    struct sql_tx *tx;
    assert_int_equal(migrate_run(db, longer, 3, 5, &why), ERR_OK);
    assert_int_equal(sql_begin(db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(
        sql_exec(tx, "DELETE FROM schema_migrations WHERE number = 2", SQL_NO_ARGS, NULL), ERR_OK);
    assert_int_equal(sql_commit(tx), ERR_OK);
    assert_int_equal(migrate_run(db, longer, 3, 5, &why), ERR_CORRUPT);
    assert_non_null(strstr(why.text, "2 'another' is missing"));
}

static void one_that_fails_is_named_and_leaves_the_ones_before(void **state)
{
    (void)state;
    static const struct migration bad[] = {
        {1, "a table", "CREATE TABLE a (k BIGINT);", NULL},
        {2, "nonsense", "CREATE TABLE x (k BIGINT); CREATE Y;", NULL}};
    assert_int_not_equal(migrate_run(db, bad, 2, 5, &why), ERR_OK);
    assert_non_null(strstr(why.text, "2 'nonsense'"));
    assert_true(has_table("a"));
    assert_false(has_table("x"));
    assert_int_equal(migrate_run(db, longer, 3, 5, &why), ERR_OK);
}

static void any_failing_call_leaves_whole_migrations(void **state)
{
    (void)state;
    for (int64_t n = 1;; n++) {
        tear_down(NULL);
        set_up(NULL);
        fault_fs_arm(&fault, FAULT_ALL, n, FAULT_EIO, false);
        enum err e = migrate_run(db, longer, 3, 5, &why);
        bool fired = fault_fs_fired(&fault);
        fault_fs_arm(&fault, 0, 0, FAULT_EIO, false);
        if (!fired) assert_int_equal(e, ERR_OK);
        if (e) assert_true(why.text[0] != 0);
        assert_int_equal(migrate_run(db, longer, 3, 5, &why), ERR_OK);
        assert_true(has_table("a") && has_table("b") && has_table("c"));
        if (!fired) break;
    }
}

/* The released ones, for ever: a changed sum here means that a released migration was edited. */
static void released_migrations_are_as_they_were(void **state)
{
    (void)state;
    static const uint32_t sums[] = {0x4a60142a, 0x1c5adb87, 0x15e8d650, 0x4b91c68c};
    assert_true(migrations_catalog_count >= sizeof sums / sizeof sums[0]);
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        assert_int_equal(migrations_catalog[i].number, i + 1);
        assert_int_equal(migrate_checksum(&migrations_catalog[i], SQL_SQLITE), sums[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(they_are_applied_once_and_later_ones_follow),
        TEST(a_newer_database_is_refused_untouched),
        TEST(an_edited_one_is_refused_by_name_before_anything_is_applied),
        TEST(a_gap_is_refused_by_name),
        TEST(one_that_fails_is_named_and_leaves_the_ones_before),
        TEST(any_failing_call_leaves_whole_migrations),
        TEST(released_migrations_are_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
