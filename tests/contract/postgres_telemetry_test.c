/* PostgreSQL keeps the contract of store/telemetry.h, and answers as the model does (R7). */
#include "postgres_server.h"
#include "store/migrations.h"
#include "store/postgres/postgres_sql.h"
#include "store/postgres/postgres_store.h"
#include "telemetry_suite.h"

struct postgres_maker {
    struct telemetry_maker maker;
    struct postgres_server server;
    struct postgres_pool *pool;
    struct sql_db *db;
};

static void close_all(struct postgres_maker *m)
{
    if (m->db) m->db->ops->close(m->db);
    postgres_pool_free(m->pool);
    m->db = NULL;
    m->pool = NULL;
}

static enum err open_store(struct telemetry_maker *maker, struct telemetry **ret, struct why *why)
{
    struct postgres_maker *m = (struct postgres_maker *)maker;
    const struct postgres_opts opts = {.url = m->server.url,
                                       .max = 10,
                                       .connect_timeout_ns = 30 * NS_PER_S,
                                       .clock = clock_real()};
    close_all(m); /* of the store before: it is closed by now */
    enum err e = postgres_pool_new(&m->pool, &opts, why);
    if (!e) e = postgres_sql_new(&m->db, m->pool);
    if (!e) e = migrate_run(m->db, migrations_catalog, migrations_catalog_count, 1, why);
    const struct postgres_store_opts store = {m->pool, m->db, clock_real(), 5};
    return e ? e : postgres_store_open(ret, &store, why);
}

static void wipe(struct telemetry_maker *maker)
{
    struct postgres_maker *m = (struct postgres_maker *)maker;
    close_all(m);
    postgres_server_wipe(&m->server);
}

int main(void)
{
    static struct postgres_maker m = {.maker = {"postgres", open_store, wipe}};
    if (!postgres_server_start(&m.server)) return postgres_server_skip(m.maker.name);
    int failed = telemetry_suite_run(&m.maker, 20000);
    failed += telemetry_suite_run_copies(&m.maker);
    close_all(&m);
    postgres_server_stop(&m.server);
    return failed;
}
