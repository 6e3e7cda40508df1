/* Opening the store (see store_open.h). */
#include "app/store_open.h"

#include "app/store_url.h"
#include "base/log.h"
#include "base/rnd.h"
#include "store/catalog.h"
#include "store/embedded/engine.h"
#include "store/migrations.h"
#include "store/postgres/postgres_extension.h"
#include "store/postgres/postgres_node.h"
#include "store/postgres/postgres_sql.h"
#include "store/postgres/postgres_store.h"
#include "store/registry.h"
#include "store/takeover.h"

#include <stdio.h>

#define NODE_PATIENCE_NS (30 * NS_PER_S) /* another one may change the schema just then */

enum err store_open_place(const struct settings *s, const char *path, struct store_place *ret,
                          struct why *why)
{
    struct store_url url;
    enum err e = store_url_parse(&url, bytes_str(s->store_url), why);
    if (e) return e;
    bool elsewhere = url.kind == STORE_URL_EMBEDDED && url.text[0];
    const char *dir = elsewhere ? url.text : path;
    if (strlen(dir) >= sizeof ret->dir)
        return why_say(why, ERR_INVALID, "store.url: the path is too long");
    memcpy(ret->dir, dir, strlen(dir) + 1);
    ret->remote = url.kind == STORE_URL_POSTGRES;
    return ERR_OK;
}

enum data_dir_mode store_open_dir_mode(const struct settings *s)
{
    struct store_place place;
    bool remote = !store_open_place(s, ".", &place, NULL) && place.remote;
    return remote ? DATA_DIR_CREATE : DATA_DIR_EXISTING;
}

/* --- embedded --------------------------------------------------------------------------------- */

static enum err refuse_unfinished(const char *dir, struct why *why)
{
    char path[1200];
    struct file f = FILE_CLOSED;
    snprintf(path, sizeof path, "%s/" STORE_RESTORE_MARK, dir);
    enum err e = file_open(&f, fs_real(), path, FILE_READ);
    file_close(&f);
    if (e == ERR_NOTFOUND) return ERR_OK;
    return why_say(why, ERR_CONFLICT,
                   "a restore into %.150s has not ended; run `sensorvision restore` again", dir);
}

static enum err open_embedded(struct store_open *store, unsigned parts, const char *dir,
                              const struct settings *s, const struct clock *clock, struct why *why)
{
    char path[1200];
    snprintf(path, sizeof path, "%s/telemetry", dir);
    const struct engine_opts opts = {.dir = path,
                                     .fs = fs_real(),
                                     .clock = clock,
                                     .memory_bytes = (uint64_t)s->store_memory_bytes};
    enum err e = fs_mkdir(fs_real(), dir);
    if (e) return why_say(why, e, "the store's directory %.150s: %s", dir, err_sentence(e));
    e = refuse_unfinished(dir, why);
    if (e) return e;
    if (!store->db && (parts & STORE_CATALOG))
        e = catalog_open(&store->db, fs_real(), dir, clock, why);
    if (!store->db && (parts & STORE_RAW)) e = catalog_open_raw(&store->db, fs_real(), dir, why);
    if (!e && (parts & STORE_CATALOG) && !store->filling) e = takeover_refuse(store->db, why);
    if (!e && (parts & STORE_TELEMETRY)) e = engine_open(&store->telemetry, &opts, why);
    return e;
}

/* --- PostgreSQL ------------------------------------------------------------------------------- */

/* By its name PostgreSQL's administrator, and the other servers, know whose a connection is. */
static enum err open_pool(struct store_open *store, const struct settings *s, const char *id,
                          const struct clock *clock, struct why *why)
{
    struct store_url url;
    char name[40];
    snprintf(name, sizeof name, "sensorvision %.16s", id);
    enum err e = store_url_parse(&url, bytes_str(s->store_url), why);
    if (e) return e;
    const struct postgres_opts opts = {
        .url = url.text,
        .user = s->postgres_username,
        .password = s->postgres_password,
        .name = name,
        .max = (unsigned)s->postgres_max,
        .min_idle = (unsigned)s->postgres_min_idle,
        .connect_timeout_ns = s->postgres_connect_timeout_ns,
        .idle_timeout_ns = s->postgres_idle_timeout_ns,
        .max_lifetime_ns = s->postgres_max_lifetime_ns,
        .leak_threshold_ns = s->postgres_leak_threshold_ns,
        .clock = clock,
    };
    e = postgres_pool_new(&store->pool, &opts, why);
    return e ? e : postgres_sql_new(&store->db, store->pool);
}

/* Tables of another program (the Java platform's have the same names) are not built upon. */
static enum err refuse_foreign_tables(struct sql_db *db, struct why *why)
{
    struct sql_tx *tx;
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sql_begin(db, SQL_READ, &tx);
    if (e) return why_say(why, e, "PostgreSQL: %s", err_sentence(e));
    e = sql_query(tx,
                  "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() AND "
                  "NOT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND "
                  "tablename = 'schema_migrations') ORDER BY tablename LIMIT 1",
                  SQL_NO_ARGS, &c);
    if (!e) {
        e = sql_next(c, &row);
        struct bytes name = e ? BYTES("") : row.columns[0].as.b;
        if (!e)
            e = why_say(why, ERR_EXISTS,
                        "the database of store.url holds tables of another program (%.*s); give "
                        "this server a database of its own",
                        (int)(name.n < 63 ? name.n : 63), name.p);
        sql_finish(c);
    }
    sql_rollback(tx);
    return e == ERR_END ? ERR_OK : e;
}

static void count_pending(void *ctx, const struct migrate_line *line)
{
    size_t *n = ctx;
    *n += line->state == MIGRATE_PENDING;
}

/* Servers that run know the schema as it is: it is changed while there is none. */
static enum err bring_up_to_date(struct store_open *store, const struct clock *clock,
                                 struct why *why)
{
    size_t pending = 0;
    unsigned others = 0;
    enum err e = migrate_status(store->db, migrations_catalog, migrations_catalog_count,
                                count_pending, &pending, why);
    if (!e && pending) e = postgres_node_count(store->nodes, &others, why);
    if (!e && others)
        return why_say(why, ERR_LOCKED,
                       "%u servers of an earlier version work on this database, whose schema this "
                       "one has to change first; stop them",
                       others);
    return e ? e
             : migrate_run(store->db, migrations_catalog, migrations_catalog_count,
                           clock_wall_ns(clock), why);
}

static enum err use_extension(const char *key, bool wanted, struct postgres_pool *pool,
                              enum err (*use)(struct postgres_pool *,
                                              enum postgres_extension_state *, struct why *),
                              struct why *why)
{
    enum postgres_extension_state state = EXTENSION_USED;
    enum err e = wanted ? use(pool, &state, why) : ERR_OK;
    if (!e && state == EXTENSION_ABSENT)
        LOG(LOG_WARN, "extension_not_used", LOG_S("key", key),
            LOG_S("why", "this PostgreSQL server does not have it; the store works without"));
    if (!e && state == EXTENSION_TOO_LATE)
        LOG(LOG_WARN, "extension_not_used", LOG_S("key", key),
            LOG_S("why", "the database has readings already; move them into a new one"));
    return e;
}

/* Who has taken and does not stand aside keeps every other process from joining. */
static enum err refuse_others(struct store_open *store, struct why *why)
{
    unsigned others = 0;
    enum err e = postgres_node_count(store->nodes, &others, why);
    if (e || !others) return e;
    return why_say(why, ERR_LOCKED, "%u server%s on this database; stop %s", others,
                   others == 1 ? " works" : "s work", others == 1 ? "it" : "them");
}

static enum err open_catalog(struct store_open *store, const char *id, const struct settings *s,
                             const struct clock *clock, struct why *why)
{
    const struct postgres_node_opts node = {.pool = store->pool,
                                            .id = id,
                                            .patience_ns = NODE_PATIENCE_NS,
                                            .yields = store->role == STORE_COMMAND};
    enum err e = postgres_node_take(&store->nodes, &node, why);
    if (!e) e = refuse_foreign_tables(store->db, why);
    if (!e) e = bring_up_to_date(store, clock, why);
    if (!e)
        e = use_extension("store.postgres.timescaledb", s->postgres_timescaledb, store->pool,
                          postgres_timescale_use, why);
    if (!e)
        e = use_extension("store.postgres.citus", s->postgres_citus, store->pool,
                          postgres_citus_use, why);
    if (e) return e;
    if (store->role == STORE_ALONE) return refuse_others(store, why);
    if (store->role != STORE_GUEST) return postgres_node_join(store->nodes, why);
    postgres_node_stand_aside(store->nodes);
    return ERR_OK;
}

static enum err open_postgres(struct store_open *store, unsigned parts, const struct settings *s,
                              const struct clock *clock, struct why *why)
{
    char id[20];
    snprintf(id, sizeof id, "%016llx", (unsigned long long)rnd_u64(rnd_system()));
    enum err e = store->db || !parts ? ERR_OK : open_pool(store, s, id, clock, why);
    if (!e && !store->nodes && (parts & STORE_CATALOG)) e = open_catalog(store, id, s, clock, why);
    if (!e && (parts & STORE_CATALOG) && !store->filling) e = takeover_refuse(store->db, why);
    const struct postgres_store_opts opts = {store->pool, store->db, clock,
                                             (unsigned)s->batches_at_once};
    if (!e && (parts & STORE_TELEMETRY)) e = postgres_store_open(&store->telemetry, &opts, why);
    if (!e && (parts & STORE_TELEMETRY)) postgres_store_share(store->telemetry, store->nodes);
    return e;
}

/* --- either ----------------------------------------------------------------------------------- */

enum err store_open_parts(struct store_open *store, unsigned parts, const struct store_place *place,
                          const struct settings *s, const struct clock *clock, struct why *why)
{
    enum err e = place->remote ? open_postgres(store, parts, s, clock, why)
                               : open_embedded(store, parts, place->dir, s, clock, why);
    if (!e && (parts & STORE_REGISTRY))
        e = registry_open(&store->registry, store->db, clock, rnd_system(), why);
    return e;
}

void store_open_close(struct store_open *s)
{
    telemetry_close(s->telemetry);
    registry_free(s->registry);
    catalog_close(s->db);
    postgres_node_free(s->nodes);
    postgres_pool_free(s->pool);
    *s = (struct store_open){.db = NULL};
}
