/* The pool of connections on a real PostgreSQL: its maximum, what is lent too long, and connections
 * that died in their sleep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "postgres_server.h"
#include "store/postgres/postgres_pool.h"

#include <libpq-fe.h>

static struct postgres_server server;
static struct postgres_pool *pool;
static struct why why;

static int set_up(void **state)
{
    (void)state;
    const struct postgres_opts opts = {.url = server.url,
                                       .max = 1,
                                       .connect_timeout_ns = 200 * NS_PER_MS,
                                       .leak_threshold_ns = 1,
                                       .clock = clock_real()};
    return postgres_pool_new(&pool, &opts, &why) != ERR_OK;
}

static int tear_down(void **state)
{
    (void)state;
    postgres_pool_free(pool);
    return 0;
}

static void more_than_the_maximum_waits_its_time_and_is_counted(void **state)
{
    (void)state;
    struct postgres_conn *c, *other;
    assert_int_equal(postgres_pool_take(pool, &c, &why), ERR_OK);
    assert_int_equal(postgres_pool_take(pool, &other, &why), ERR_TIMEOUT);
    assert_int_equal(postgres_pool_read_stats(pool).timeouts, 1);
    postgres_pool_give(pool, c);
    assert_int_equal(postgres_pool_take(pool, &other, &why), ERR_OK);
    assert_int_equal(postgres_pool_read_stats(pool).opened, 1);
    postgres_pool_give(pool, other);
}

static void what_is_lent_too_long_is_counted_once(void **state)
{
    (void)state;
    struct postgres_conn *c;
    assert_int_equal(postgres_pool_take(pool, &c, &why), ERR_OK);
    postgres_pool_maintain(pool);
    postgres_pool_maintain(pool);
    assert_int_equal(postgres_pool_read_stats(pool).leaks, 1);
    postgres_pool_give(pool, c);
    postgres_pool_maintain(pool);
    assert_int_equal(postgres_pool_read_stats(pool).leaks, 1);
}

static void one_that_died_in_its_sleep_is_replaced(void **state)
{
    (void)state;
    struct postgres_conn *c;
    assert_int_equal(postgres_pool_take(pool, &c, &why), ERR_OK);
    postgres_pool_give(pool, c);
    PGconn *pg = PQconnectdb(server.url);
    PQclear(PQexec(pg, "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity "
                       "WHERE application_name = 'sensorvision'"));
    PQfinish(pg);
    assert_int_equal(postgres_pool_take(pool, &c, &why), ERR_OK);
    PGresult *r = PQexec(c->pg, "SELECT 1");
    assert_int_equal(PQresultStatus(r), PGRES_TUPLES_OK);
    PQclear(r);
    postgres_pool_give(pool, c);
    assert_int_equal(postgres_pool_read_stats(pool).opened, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(more_than_the_maximum_waits_its_time_and_is_counted),
        TEST(what_is_lent_too_long_is_counted_once),
        TEST(one_that_died_in_its_sleep_is_replaced),
    };
    if (!postgres_server_start(&server)) return postgres_server_skip("the pool");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    postgres_server_stop(&server);
    return failed;
}
