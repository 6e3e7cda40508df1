/* Rows that another server wrote (see registry_news.h). */
#include "store/registry_news.h"

#include "store/catalog_rows.h"
#include "store/registry_maps.h"
#include "store/registry_properties.h"

enum { ARENA_MAX = 1 << 28 };
#define LIVE_NS NS_PER_HOUR /* as ingest/admit.c: an older reading does not say that it is there */

#define DEVICES                                                                                    \
    "SELECT id, org, uuid, external_id, active, provisioned_by, last_seen_ns, presence, "          \
    "deleted_ns, token_hash, location, sensor_type, firmware_version, properties FROM devices "
#define VARIABLES                                                                                  \
    "SELECT v.id, v.device, v.org, v.name, coalesce(s.id, 0) FROM variables v LEFT JOIN "          \
    "synthetics s ON s.org = v.org AND s.device = v.device AND s.series = v.id "

struct news_row {
    struct device_row row;
    struct device said; /* its properties */
    int64_t deleted_ns;
    const uint8_t *token; /* NULL: none */
    uint64_t ticket;      /* of the properties: drawn before they were read */
};

/* Called under the registry's lock. */
typedef enum err news_fn(struct registry *r, struct catalog_reader *c, uint64_t ticket);

static enum err each(struct registry *r, struct sql_tx *tx, const char *sql, struct sql_args args,
                     news_fn *take)
{
    struct sql_cursor *c;
    struct sql_row row;
    struct arena a;
    uint64_t ticket = registry_properties_ticket(r);
    enum err e = sql_query(tx, sql, args, &c);
    if (e) return e;
    arena_init(&a, ARENA_MAX);
    while (!e && !(e = sql_next(c, &row))) {
        struct catalog_reader reader = {.row = &row, .arena = &a};
        e = take(r, &reader, ticket);
        arena_reset(&a);
    }
    arena_done(&a);
    sql_finish(c);
    return e == ERR_END ? ERR_OK : e;
}

/* --- a device --------------------------------------------------------------------------------- */

static struct news_row read_device(struct catalog_reader *c)
{
    struct news_row n = {.row.id = catalog_rows_int(c)};
    n.row.org = catalog_rows_int(c);
    catalog_rows_blob(c, n.row.uuid.b, sizeof n.row.uuid.b);
    n.row.external_id = catalog_rows_text(c);
    n.row.active = catalog_rows_int(c) != 0;
    n.row.provisioned_by = catalog_rows_int(c);
    n.row.last_seen_ns = catalog_rows_int(c);
    n.row.presence = (int)catalog_rows_int(c);
    n.deleted_ns = catalog_rows_int(c);
    struct bytes token = catalog_rows_text(c);
    n.token = token.n == 32 ? (const uint8_t *)token.p : NULL;
    n.said.id = n.row.id;
    n.said.location = catalog_rows_text(c);
    n.said.sensor_type = catalog_rows_text(c);
    n.said.firmware_version = catalog_rows_text(c);
    n.said.properties = catalog_rows_text(c);
    return n;
}

static void move_seen(struct reg_device *d, int64_t seen_ns)
{
    int64_t seen = atomic_load_explicit(&d->last_seen_ns, memory_order_relaxed);
    while (seen < seen_ns &&
           !atomic_compare_exchange_weak_explicit(&d->last_seen_ns, &seen, seen_ns,
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
}

static void forget(struct registry *r, struct device_entry *e, int64_t deleted_ns)
{
    if (!atomic_load(&e->device.deleted_ns)) atomic_store(&e->device.deleted_ns, deleted_ns);
    if (e->published || e->has_token) registry_maps_retire(r, e);
}

/* A token that is the same one leaves open what came in by it. */
static enum err follow_token(struct registry *r, struct device_entry *e, const uint8_t *token)
{
    bool same =
        token ? e->has_token && memcmp(e->token, token, sizeof e->token) == 0 : !e->has_token;
    return same ? ERR_OK : registry_maps_set_token(r, e, token);
}

/* Another device stood under this name in memory: the catalog says that it does no more. */
static enum err publish(struct registry *r, struct device_entry *e)
{
    enum err err = registry_maps_publish(r, e);
    if (err != ERR_EXISTS) return err;
    struct device_entry *old = map_get(&r->external, e->external_key);
    if (old) forget(r, old, clock_wall_ns(r->clock));
    return registry_maps_publish(r, e);
}

static enum err follow_device(struct registry *r, const struct news_row *n)
{
    struct device_entry *e = registry_maps_device_at(r, n->row.id);
    if (n->deleted_ns) {
        if (e && uuid_equal(&e->device.uuid, &n->row.uuid)) forget(r, e, n->deleted_ns);
        return ERR_OK;
    }
    struct reg_device *d = registry_maps_intern(r, &n->row);
    if (!d) return ERR_NOMEM;
    e = registry_maps_entry(d);
    e->generation = r->generation;
    atomic_store(&d->active, n->row.active);
    atomic_store(&d->presence, n->row.presence);
    move_seen(d, n->row.last_seen_ns);
    enum err err = publish(r, e);
    if (!err) atomic_store(&d->deleted_ns, 0);
    return err ? err : follow_token(r, e, n->token);
}

static enum err take_device(struct registry *r, struct catalog_reader *c, uint64_t ticket)
{
    struct news_row n = read_device(c);
    if (c->err) return c->err;
    rwlock_write(&r->lock);
    enum err e = follow_device(r, &n);
    rwlock_release(&r->lock);
    if (!e) registry_properties_put(r, ticket, &n.said);
    return e;
}

/* The row is gone: it was purged. */
static void forget_missing(struct registry *r, int64_t device)
{
    rwlock_write(&r->lock);
    struct device_entry *e = registry_maps_device_at(r, device);
    if (e && e->generation != r->generation) forget(r, e, clock_wall_ns(r->clock));
    rwlock_release(&r->lock);
}

/* --- variables -------------------------------------------------------------------------------- */

static enum err take_variable(struct registry *r, struct catalog_reader *c, uint64_t ticket)
{
    (void)ticket;
    int64_t id = catalog_rows_int(c), device = catalog_rows_int(c), org = catalog_rows_int(c);
    struct bytes name = catalog_rows_text(c);
    bool computed = catalog_rows_int(c) != 0;
    if (c->err) return c->err;
    rwlock_write(&r->lock);
    struct device_entry *e = registry_maps_device_at(r, device);
    bool known = e && e->device.org == org;
    struct reg_variable *v = known ? registry_maps_variable(r, &e->device, id, name) : NULL;
    rwlock_release(&r->lock);
    if (v) atomic_store(&v->computed, computed);
    return known && !v ? ERR_NOMEM : ERR_OK;
}

static enum err variables_in(struct registry *r, struct sql_tx *tx, int64_t org, int64_t device)
{
    return each(r, tx, VARIABLES "WHERE v.org = $1 AND v.device = $2 ORDER BY v.id",
                SQL_ARGS(SQL_I(org), SQL_I(device)), take_variable);
}

/* --- all together ----------------------------------------------------------------------------- */

enum err registry_news_device(struct registry *r, int64_t org, int64_t device,
                              struct reg_device **ret)
{
    struct sql_tx *tx;
    struct reg_device *before = registry_find_key(r, org, device);
    int presence = before ? atomic_load(&before->presence) : 0;
    enum err e = sql_begin(r->db, SQL_READ, &tx);
    if (e) return e;
    r->generation++;
    e = each(r, tx, DEVICES "WHERE org = $1 AND id = $2", SQL_ARGS(SQL_I(org), SQL_I(device)),
             take_device);
    if (!e && !before) e = variables_in(r, tx, org, device);
    sql_rollback(tx);
    if (e) return e;
    forget_missing(r, device);
    struct reg_device *d = registry_find_key(r, org, device);
    *ret = d && before == d && atomic_load(&d->presence) != presence ? d : NULL;
    return ERR_OK;
}

enum err registry_news_variables(struct registry *r, int64_t org, int64_t device)
{
    struct sql_tx *tx;
    enum err e = sql_begin(r->db, SQL_READ, &tx);
    if (e) return e;
    e = variables_in(r, tx, org, device);
    sql_rollback(tx);
    return e;
}

enum err registry_news_computed(struct registry *r)
{
    struct sql_tx *tx;
    enum err e = sql_begin(r->db, SQL_READ, &tx);
    if (e) return e;
    e = each(r, tx, VARIABLES "WHERE s.id IS NOT NULL", SQL_NO_ARGS, take_variable);
    sql_rollback(tx);
    return e;
}

enum err registry_news_all(struct registry *r)
{
    struct sql_tx *tx;
    enum err e = sql_begin(r->db, SQL_READ, &tx);
    if (e) return e;
    r->generation++;
    e = each(r, tx, DEVICES "ORDER BY id", SQL_NO_ARGS, take_device);
    if (!e) e = each(r, tx, VARIABLES "ORDER BY v.id", SQL_NO_ARGS, take_variable);
    sql_rollback(tx);
    for (struct reg_device *d = NULL; !e && (d = registry_walk(r, d));)
        if (!atomic_load(&d->deleted_ns)) forget_missing(r, d->id);
    return e;
}

void registry_news_seen(struct registry *r, int64_t org, int64_t device, int64_t ts_ns,
                        int64_t now_ns)
{
    struct reg_device *d = registry_find_key(r, org, device);
    if (!d) return;
    if (ts_ns >= now_ns - LIVE_NS) move_seen(d, now_ns);
    int64_t last = atomic_load_explicit(&d->last_assigned_ns, memory_order_relaxed);
    while (ts_ns > last && ts_ns <= now_ns && /* as a time that the device has named */
           !atomic_compare_exchange_weak_explicit(&d->last_assigned_ns, &last, ts_ns,
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
}
