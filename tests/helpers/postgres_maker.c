/* The PostgreSQL store for the suites (see postgres_maker.h). */
#include "postgres_maker.h"

#include "store/migrations.h"
#include "store/postgres/postgres_sql.h"
#include "store/postgres/postgres_store.h"

#include <libpq-fe.h>

/* A run of a minute is to meet what a server meets that has run for a day, as quickly as it can:
 *
 *   autovacuum_*       a table is cleaned and its rows are counted a second after 500 of them
 *                      changed, not after a minute: else the planner takes every table of the run
 *                      for an empty one, and reads walk through all that was ever overwritten
 *   synchronous_commit, full_page_writes, wal_*   what is durable is not what R7 looks at: R9 does,
 *                      in tests/crash, with all of it on */
static const char *const of_the_suites[] = {
    "autovacuum_naptime=1s",
    "autovacuum_vacuum_threshold=500",
    "autovacuum_analyze_threshold=500",
    "autovacuum_vacuum_cost_delay=0",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    NULL,
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

/* All readings and what was made of them. The schema stays: making it takes a second. */
static void wipe(struct telemetry_maker *maker)
{
    struct postgres_maker *m = (struct postgres_maker *)maker;
    close_all(m);
    PGconn *pg = PQconnectdb(m->server.url);
    PGresult *r = PQexec(pg, "TRUNCATE telemetry_records, telemetry_latest, telemetry_hours, "
                             "telemetry_stale, telemetry_cutoffs");
    bug_if(PQresultStatus(r) != PGRES_COMMAND_OK);
    PQclear(r);
    PQfinish(pg);
}

bool postgres_maker_start(struct postgres_maker *m, const char *const *settings)
{
    *m = (struct postgres_maker){.maker = {"postgres", open_store, wipe},
                                 .server = {.settings = settings ? settings : of_the_suites}};
    return postgres_server_start(&m->server);
}

void postgres_maker_stop(struct postgres_maker *m)
{
    close_all(m);
    postgres_server_stop(&m->server);
}
