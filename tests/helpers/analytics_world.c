/* Two stores with the same things in them (see analytics_world.h). */
#include "analytics_world.h"

#include "base/rnd.h"
#include "store/catalog.h"
#include "store/embedded/engine.h"
#include "store/migrations.h"
#include "store/postgres/postgres_analytics.h"
#include "store/postgres/postgres_sql.h"
#include "store/postgres/postgres_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct reg_device *analytics_world_device(struct analytics_side *side, int64_t org, int number)
{
    char name[24];
    int n = snprintf(name, sizeof name, "d%d", number);
    return registry_find_external(side->registry, org, bytes_of(name, (size_t)n));
}

/* --- two worlds ------------------------------------------------------------------------------- */

static void make_orgs(struct analytics_side *side)
{
    struct sql_tx *tx;
    assert_int_equal(sql_begin(side->db, SQL_WRITE, &tx), ERR_OK);
    for (int i = 1; i <= ANALYTICS_ORGS; i++)
        assert_int_equal(sql_exec(tx,
                                  "INSERT INTO organizations (id, name, created_ns) "
                                  "VALUES ($1, $2, 0)",
                                  SQL_ARGS(SQL_I(i), SQL_T(bytes_of(&"org-1234"[i], 4))), NULL),
                         ERR_OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(
            sql_exec(tx,
                     "INSERT INTO users (org, username, email, password_hash, roles, enabled, "
                     "last_login_ns, password_changed_ns, created_ns, updated_ns) "
                     "VALUES (1, $1, $1, 'x', 1, 1, $2, 0, 0, 0)",
                     SQL_ARGS(SQL_T(bytes_of(&"abcdefgh"[i], 3)),
                              SQL_I(ANALYTICS_NOW_NS - i * 5 * NS_PER_DAY)),
                     NULL),
            ERR_OK);
    assert_int_equal(sql_commit(tx), ERR_OK);
}

static void make_things(struct analytics_side *side, const struct clock *clock)
{
    struct why why = {""};
    const struct bytes names[ANALYTICS_VARIABLES] = {BYTES("a"), BYTES("b"), BYTES("c")};
    assert_int_equal(registry_open(&side->registry, side->db, clock, rnd_system(), &why), ERR_OK);
    for (int org = 1; org <= ANALYTICS_ORGS; org++)
        for (int i = 0; i < ANALYTICS_DEVICES; i++) {
            char name[24];
            int n = snprintf(name, sizeof name, "d%d", i);
            struct reg_variable *variables[ANALYTICS_VARIABLES];
            size_t at;
            struct provision p = {.org = org,
                                  .external_id = bytes_of(name, (size_t)n),
                                  .create_device = true,
                                  .name_count = ANALYTICS_VARIABLES,
                                  .names = names,
                                  .variables = variables};
            assert_int_equal(registry_provision(side->registry, &p, 1, &at, &why), ERR_OK);
        }
}

static void open_rollups(struct analytics_side *side, const struct clock *clock)
{
    const struct analytics_rollups_opts opts = {side->telemetry, side->registry, side->db, clock};
    assert_int_equal(analytics_rollups_new(&side->rollups, &opts), ERR_OK);
}

static void open_embedded(struct analytics_world *w)
{
    struct why why = {""};
    char path[256];
    temp_dir_make(&w->dir);
    fault_fs_init(&w->fault, fs_real());
    w->fault.skip_sync = true;
    snprintf(path, sizeof path, "%s/telemetry", w->dir.path);
    const struct engine_opts opts = {path, &w->fault.fs, &w->fake.clock, UINT64_C(4) << 20, 0};
    assert_int_equal(catalog_open(&w->embedded.db, &w->fault.fs, w->dir.path, &w->fake.clock, &why),
                     ERR_OK);
    assert_int_equal(engine_open(&w->embedded.telemetry, &opts, &why), ERR_OK);
    make_orgs(&w->embedded);
    make_things(&w->embedded, &w->fake.clock);
    open_rollups(&w->embedded, &w->fake.clock);
}

static void open_postgres(struct analytics_world *w)
{
    struct why why = {""};
    const struct postgres_opts opts = {.url = w->server.url,
                                       .max = 10,
                                       .connect_timeout_ns = 30 * NS_PER_S,
                                       .clock = clock_real()};
    assert_int_equal(postgres_pool_new(&w->pool, &opts, &why), ERR_OK);
    assert_int_equal(postgres_sql_new(&w->postgres.db, w->pool), ERR_OK);
    assert_int_equal(
        migrate_run(w->postgres.db, migrations_catalog, migrations_catalog_count, 1, &why), ERR_OK);
    const struct postgres_store_opts store = {w->pool, w->postgres.db, &w->fake.clock, 5};
    assert_int_equal(postgres_store_open(&w->postgres.telemetry, &store, &why), ERR_OK);
    const struct postgres_analytics_opts views = {w->pool, &w->fake.clock, 30 * NS_PER_S, false};
    assert_int_equal(postgres_analytics_new(&w->postgres.views, &views), ERR_OK);
    make_orgs(&w->postgres);
    make_things(&w->postgres, &w->fake.clock);
    open_rollups(&w->postgres, &w->fake.clock);
}

void analytics_world_open(struct analytics_world *w)
{
    clock_fake_init(&w->fake, ANALYTICS_NOW_NS);
    open_embedded(w);
    open_postgres(w);
}

static void close_side(struct analytics_side *side)
{
    analytics_close(side->views);
    analytics_close(side->rollups);
    if (side->telemetry) side->telemetry->ops->close(side->telemetry);
    registry_free(side->registry);
    *side = (struct analytics_side){.db = NULL};
}

void analytics_world_close(struct analytics_world *w)
{
    struct sql_db *catalog = w->embedded.db, *db = w->postgres.db;
    close_side(&w->embedded);
    close_side(&w->postgres);
    catalog_close(catalog);
    db->ops->close(db);
    postgres_pool_free(w->pool);
    postgres_server_wipe(&w->server);
    temp_dir_remove(&w->dir);
}
