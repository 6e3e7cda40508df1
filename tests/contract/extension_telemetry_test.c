/* The contract of store/telemetry.h on PostgreSQL with TimescaleDB, and with Citus, where the
 * server has them; where it has not, each is one case that says so. Without them it is proved that
 * the store goes on as it is. */
#include "postgres_server.h"
#include "store/migrations.h"
#include "store/postgres/postgres_extension.h"
#include "store/postgres/postgres_sql.h"
#include "store/postgres/postgres_store.h"
#include "telemetry_suite.h"

#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

typedef enum err use_fn(struct postgres_pool *, enum postgres_extension_state *, struct why *);

struct extension_maker {
    struct telemetry_maker maker;
    use_fn *use;
    const char *stays, *absent; /* names of cases */
    struct postgres_pool *pool;
    struct sql_db *db;
};
static struct postgres_server server;

static void close_all(struct extension_maker *m)
{
    if (m->db) m->db->ops->close(m->db);
    postgres_pool_free(m->pool);
    m->db = NULL;
    m->pool = NULL;
}

static enum err open_database(struct extension_maker *m, struct why *why)
{
    const struct postgres_opts opts = {
        .url = server.url, .max = 10, .connect_timeout_ns = 30 * NS_PER_S, .clock = clock_real()};
    close_all(m);
    enum err e = postgres_pool_new(&m->pool, &opts, why);
    if (!e) e = postgres_sql_new(&m->db, m->pool);
    if (!e) e = migrate_run(m->db, migrations_catalog, migrations_catalog_count, 1, why);
    return e;
}

static enum err open_store(struct telemetry_maker *maker, struct telemetry **ret, struct why *why)
{
    struct extension_maker *m = (struct extension_maker *)maker;
    enum postgres_extension_state state = EXTENSION_ABSENT;
    enum err e = open_database(m, why);
    if (!e) e = m->use(m->pool, &state, why);
    if (!e) bug_if(state != EXTENSION_USED);
    const struct postgres_store_opts store = {m->pool, m->db, clock_real(), 5};
    return e ? e : postgres_store_open(ret, &store, why);
}

static void wipe(struct telemetry_maker *maker)
{
    close_all((struct extension_maker *)maker);
    postgres_server_wipe(&server);
}

static bool server_has(const char *name)
{
    PGconn *pg = PQconnectdb(server.url);
    const char *const values[] = {name};
    PGresult *r = PQexecParams(pg, "SELECT 1 FROM pg_available_extensions WHERE name = $1", 1, NULL,
                               values, NULL, NULL, 0);
    bool has = PQntuples(r) == 1;
    PQclear(r);
    if (has) { /* both have to be there from the server's start */
        char sql[96];
        snprintf(sql, sizeof sql, "ALTER SYSTEM SET shared_preload_libraries = '%s'", name);
        PQclear(PQexec(pg, sql));
    }
    PQfinish(pg);
    if (has) postgres_server_crash(&server);
    return has;
}

/* --- without it ------------------------------------------------------------------------------- */

static struct extension_maker *current;

static void the_server_does_not_have_it(void **state)
{
    (void)state;
    skip();
}

static void without_it_the_store_stays_as_it_is(void **state)
{
    (void)state;
    struct why why = {""};
    enum postgres_extension_state is = EXTENSION_USED;
    struct telemetry *t;
    assert_int_equal(open_database(current, &why), ERR_OK);
    assert_int_equal(current->use(current->pool, &is, &why), ERR_OK);
    assert_int_equal(is, EXTENSION_ABSENT);
    const struct postgres_store_opts store = {current->pool, current->db, clock_real(), 5};
    assert_int_equal(postgres_store_open(&t, &store, &why), ERR_OK);
    assert_int_equal(t->ops->maintain(t), ERR_OK);
    t->ops->close(t);
    wipe(&current->maker);
}

static int run_on(struct extension_maker *m)
{
    const struct CMUnitTest absent[] = {
        {m->stays, without_it_the_store_stays_as_it_is, NULL, NULL, NULL},
        {m->absent, the_server_does_not_have_it, NULL, NULL, NULL}};
    const struct telemetry_random random = {2024, 20000, 10};
    if (server_has(m->maker.name))
        return telemetry_suite_run(&m->maker) + telemetry_suite_run_random(&m->maker, &random);
    current = m;
    printf("skipped: this PostgreSQL does not have %s\n", m->maker.name);
    return cmocka_run_group_tests_name(m->maker.name, absent, NULL, NULL);
}

int main(void)
{
    static struct extension_maker makers[] = {
        {.maker = {"timescaledb", open_store, wipe},
         .use = postgres_timescale_use,
         .stays = "without_timescaledb_the_store_stays_as_it_is",
         .absent = "timescaledb_is_not_there"},
        {.maker = {"citus", open_store, wipe},
         .use = postgres_citus_use,
         .stays = "without_citus_the_store_stays_as_it_is",
         .absent = "citus_is_not_there"},
    };
    if (!postgres_server_start(&server)) return postgres_server_skip("extensions");
    int failed = 0;
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        failed += run_on(&makers[i]);
        close_all(&makers[i]);
    }
    postgres_server_stop(&server);
    return failed;
}
