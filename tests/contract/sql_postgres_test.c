/* The promises of store/sql.h, on PostgreSQL. */
#include "postgres_server.h"
#include "sql_suite.h"
#include "store/postgres/postgres_sql.h"

static struct postgres_server server;
static struct postgres_pool *pool;

static enum err open_postgres(void *ctx, struct sql_db **ret)
{
    (void)ctx;
    const struct postgres_opts opts = {
        .url = server.url, .max = 20, .connect_timeout_ns = 30 * NS_PER_S, .clock = clock_real()};
    struct why why = {""};
    enum err e = postgres_pool_new(&pool, &opts, &why);
    return e ? e : postgres_sql_new(ret, pool);
}

static void close_postgres(void *ctx, struct sql_db *db)
{
    (void)ctx;
    db->ops->close(db);
    postgres_pool_free(pool);
}

static void wipe_postgres(void *ctx)
{
    (void)ctx;
    postgres_server_wipe(&server);
}

int main(void)
{
    static const struct sql_suite_driver postgres = {
        "sql on PostgreSQL", "BYTEA", open_postgres, close_postgres, wipe_postgres, NULL};
    if (!postgres_server_start(&server)) return postgres_server_skip(postgres.name);
    int failed = sql_suite_run(&postgres);
    postgres_server_stop(&server);
    return failed;
}
