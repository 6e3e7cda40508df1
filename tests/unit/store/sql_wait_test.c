/* Who waits for a transaction of the one SQLite connection waits a stated time, not for ever. */
#include "base/clock.h"
#include "store/embedded/sqlite_sql.h"
#include "sys/thread.h"
#include "temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct temp_dir dir;
static struct sql_db *db;
static enum err begun;

static void *begin_and_end(void *arg)
{
    (void)arg;
    struct sql_tx *tx;
    begun = sql_begin(db, SQL_READ, &tx);
    if (!begun) sql_rollback(tx);
    return NULL;
}

static enum err begin_elsewhere(void)
{
    pthread_t thread;
    assert_int_equal(thread_start(&thread, begin_and_end, NULL, "waits", 0), ERR_OK);
    pthread_join(thread, NULL);
    return begun;
}

static void a_transaction_that_does_not_end_is_not_waited_for_for_ever(void **state)
{
    (void)state;
    char path[128];
    struct sql_tx *tx;
    temp_dir_make(&dir);
    snprintf(path, sizeof path, "%s/wait.db", dir.path);
    const struct sqlite_sql_opts opts = {fs_real(), path, 50 * NS_PER_MS};
    assert_int_equal(sqlite_sql_open(&db, &opts, NULL), ERR_OK);
    assert_int_equal(begin_elsewhere(), ERR_OK);
    assert_int_equal(sql_begin(db, SQL_WRITE, &tx), ERR_OK);
    int64_t started_ns = clock_mono_ns(clock_real());
    assert_int_equal(begin_elsewhere(), ERR_TIMEOUT);
    assert_true(clock_mono_ns(clock_real()) - started_ns >= 50 * NS_PER_MS);
    assert_int_equal(sql_commit(tx), ERR_OK); /* the one under way is not disturbed */
    assert_int_equal(begin_elsewhere(), ERR_OK);
    db->ops->close(db);
    temp_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transaction_that_does_not_end_is_not_waited_for_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
