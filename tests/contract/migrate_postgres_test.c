/* Migrations on a real PostgreSQL: by several processes at once, refused by name when they are not
 * what they were, and taken up again where a process was killed between two statements of one that
 * is not transactional. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "postgres_server.h"
#include "store/migrations.h"
#include "store/postgres/postgres_sql.h"

#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 4, LOOKS = 6000 }; /* of 10 ms: a deadline that tells a hang from slowness */

static struct postgres_server server;
static struct postgres_pool *pool;
static struct sql_db *db;
static struct why why;

static const char two_indexes[] =
    MIGRATE_ALONE "CREATE INDEX CONCURRENTLY IF NOT EXISTS a_k ON a (k);\n"
                  "CREATE INDEX CONCURRENTLY IF NOT EXISTS b_k ON b (k);\n"
                  "CREATE INDEX CONCURRENTLY IF NOT EXISTS c_k ON c (k);\n";
static const struct migration list[] = {
    {1, "tables",
     "CREATE TABLE a (k BIGINT); CREATE TABLE b (k BIGINT); CREATE TABLE c (k BIGINT);", NULL},
    {2, "indexes that let nobody wait", "", two_indexes},
    {3, "a table behind them", "CREATE TABLE d (k BIGINT);", NULL},
};
static const struct migration edited[] = {
    {1, "tables",
     "CREATE TABLE a (k BIGINT); CREATE TABLE b (k BIGINT); CREATE TABLE c (k BIGINT);", NULL},
    {2, "indexes that let nobody wait", "", MIGRATE_ALONE "SELECT 1;\n"},
    {3, "a table behind them", "CREATE TABLE d (k BIGINT);", NULL},
};
enum { COUNT = sizeof list / sizeof list[0] };

static void open_db(void)
{
    const struct postgres_opts opts = {
        .url = server.url, .max = 5, .connect_timeout_ns = 30 * NS_PER_S, .clock = clock_real()};
    assert_int_equal(postgres_pool_new(&pool, &opts, &why), ERR_OK);
    assert_int_equal(postgres_sql_new(&db, pool), ERR_OK);
}

static void close_db(void)
{
    db->ops->close(db);
    postgres_pool_free(pool);
}

static void tell(PGconn *pg, const char *sql)
{
    PGresult *r = PQexec(pg, sql);
    ExecStatusType s = PQresultStatus(r);
    assert_true(s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK);
    PQclear(r);
}

/* A test that failed may have left a transaction open, which would hold up the next one. */
static void end_everybody(void)
{
    PGconn *pg = PQconnectdb(server.url);
    tell(pg, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
             "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()");
    PQfinish(pg);
}

static int set_up(void **state)
{
    (void)state;
    end_everybody();
    postgres_server_wipe(&server);
    why.text[0] = 0;
    open_db();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_db();
    return 0;
}

/* Another process that migrates; its exit code is the error. */
static pid_t migrate_elsewhere(const struct migration *steps, size_t n)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid) return pid;
    open_db(); /* its own: nothing of the parent's connections is touched */
    enum err e = migrate_run(db, steps, n, 1, &why);
    if (e) fprintf(stderr, "%s\n", why.text);
    _exit((int)e);
}

static int end_of(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) != pid) continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* The one value of a query; "" when there is no row. */
static void ask(PGconn *pg, const char *sql, char ret[64])
{
    PGresult *r = PQexec(pg, sql);
    assert_int_equal(PQresultStatus(r), PGRES_TUPLES_OK);
    snprintf(ret, 64, "%s", PQntuples(r) ? PQgetvalue(r, 0, 0) : "");
    PQclear(r);
}

static void wait_until(PGconn *pg, const char *sql, const char *wanted)
{
    char text[64];
    for (int i = 0; i < LOOKS; i++) {
        ask(pg, sql, text);
        if (strcmp(text, wanted) == 0) return;
        usleep(10000);
    }
    fail_msg("%s is '%s' and never '%s'", sql, text, wanted);
}

static void processes_at_once_apply_each_step_once(void **state)
{
    (void)state;
    pid_t pids[PROCESSES];
    char text[64];
    for (int i = 0; i < PROCESSES; i++)
        pids[i] = migrate_elsewhere(migrations_catalog, migrations_catalog_count);
    for (int i = 0; i < PROCESSES; i++) assert_int_equal(end_of(pids[i]), ERR_OK);
    PGconn *pg = PQconnectdb(server.url);
    ask(pg, "SELECT count(*) FROM schema_migrations", text);
    assert_int_equal(atoll(text), migrations_catalog_count);
    ask(pg, "SELECT count(*) FROM pg_index WHERE NOT indisvalid", text);
    assert_string_equal(text, "0");
    PQfinish(pg);
}

static void edited_and_missing_ones_are_refused_by_name(void **state)
{
    (void)state;
    PGconn *pg = PQconnectdb(server.url);
    assert_int_equal(migrate_run(db, list, 2, 5, &why), ERR_OK);
    assert_int_equal(migrate_run(db, edited, COUNT, 6, &why), ERR_CORRUPT);
    assert_non_null(strstr(why.text, "2 'indexes that let nobody wait'"));
    assert_int_equal(migrate_run(db, list, 1, 6, &why), ERR_VERSION);
    assert_non_null(strstr(why.text, "2 'indexes that let nobody wait'"));
    tell(pg, "DELETE FROM schema_migrations WHERE number = 1");
    assert_int_equal(migrate_run(db, list, COUNT, 6, &why), ERR_CORRUPT);
    assert_non_null(strstr(why.text, "1 'tables' is missing"));
    wait_until(pg, "SELECT count(*) FROM pg_tables WHERE tablename = 'd'", "0");
    PQfinish(pg);
}

struct seen {
    char text[256];
    size_t n;
};

static void see(void *ctx, const struct migrate_line *line)
{
    static const char *const states[] = {"applied", "pending", "edited", "unknown"};
    struct seen *s = ctx;
    s->n +=
        (size_t)snprintf(s->text + s->n, sizeof s->text - s->n, "%lld %s%s; ",
                         (long long)line->number, states[line->state], line->alone ? " alone" : "");
}

/* A writer that does not end holds up the second index; then the process is killed, and what it
 * asked of the server is ended: an index is left that is none. */
static void kill_half_way(PGconn *pg)
{
    PGconn *writer = PQconnectdb(server.url);
    tell(writer, "BEGIN; INSERT INTO b VALUES (1)");
    pid_t pid = migrate_elsewhere(list, COUNT);
    wait_until(pg,
               "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
               "WHERE c.relname = 'b_k' AND NOT i.indisvalid",
               "1");
    kill(pid, SIGKILL);
    assert_int_equal(end_of(pid), -SIGKILL);
    tell(pg, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
             "WHERE application_name = 'sensorvision migrate'");
    wait_until(pg,
               "SELECT count(*) FROM pg_stat_activity "
               "WHERE application_name = 'sensorvision migrate'",
               "0");
    tell(writer, "COMMIT");
    PQfinish(writer);
}

static void one_that_is_not_transactional_goes_on_where_it_was_killed(void **state)
{
    (void)state;
    PGconn *pg = PQconnectdb(server.url);
    struct seen seen = {"", 0};
    char before[64], after[64];
    assert_int_equal(migrate_run(db, list, 1, 5, &why), ERR_OK);
    kill_half_way(pg);
    wait_until(pg,
               "SELECT string_agg(relname || indisvalid::text, ' ' ORDER BY relname) "
               "FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relname LIKE '__k'",
               "a_ktrue b_kfalse");
    ask(pg, "SELECT 'a_k'::regclass::oid", before);
    assert_int_equal(migrate_status(db, list, COUNT, see, &seen, &why), ERR_OK);
    assert_string_equal(seen.text, "1 applied; 2 pending alone; 3 pending; ");
    assert_int_equal(migrate_run(db, list, COUNT, 6, &why), ERR_OK);
    wait_until(pg,
               "SELECT string_agg(relname || indisvalid::text, ' ' ORDER BY relname) "
               "FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relname LIKE '__k'",
               "a_ktrue b_ktrue c_ktrue");
    ask(pg, "SELECT 'a_k'::regclass::oid", after);
    assert_string_equal(before, after); /* what was whole is not made again */
    ask(pg, "SELECT string_agg(number::text, ' ' ORDER BY number) FROM schema_migrations", after);
    assert_string_equal(after, "1 2 3");
    PQfinish(pg);
}

/* Who migrates is waited for, outside any transaction: one that waited inside would hold up the
 * indexes of the one before, for ever. */
static void who_comes_second_waits_and_finds_it_done(void **state)
{
    (void)state;
    PGconn *pg = PQconnectdb(server.url), *writer = PQconnectdb(server.url);
    assert_int_equal(migrate_run(db, list, 1, 5, &why), ERR_OK);
    tell(writer, "BEGIN; INSERT INTO b VALUES (1)");
    pid_t first = migrate_elsewhere(list, COUNT);
    wait_until(pg,
               "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
               "WHERE c.relname = 'b_k' AND NOT i.indisvalid",
               "1");
    pid_t second = migrate_elsewhere(list, COUNT);
    wait_until(pg,
               "SELECT count(*) FROM pg_stat_activity "
               "WHERE application_name = 'sensorvision migrate'",
               "2");
    tell(writer, "COMMIT");
    assert_int_equal(end_of(first), ERR_OK);
    assert_int_equal(end_of(second), ERR_OK);
    PQfinish(writer);
    PQfinish(pg);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(processes_at_once_apply_each_step_once),
        TEST(edited_and_missing_ones_are_refused_by_name),
        TEST(one_that_is_not_transactional_goes_on_where_it_was_killed),
        TEST(who_comes_second_waits_and_finds_it_done),
    };
    if (!postgres_server_start(&server)) return postgres_server_skip("migrations on PostgreSQL");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    postgres_server_stop(&server);
    return failed;
}
