/* Which devices, tokens and variables exist (see registry.h). Tables: registry_maps.h.
 * Provisioning: registry_provision.c. */
#include "store/registry.h"

#include "base/mem.h"
#include "store/catalog_devices.h"
#include "store/registry_maps.h"
#include "store/registry_properties.h"

enum { SAVE_AT_ONCE = 512 }; /* devices in one transaction of registry_save_seen */

static struct device_row device_row_of(const struct sql_value *c)
{
    struct device_row row = {.id = c[0].as.i,
                             .org = c[1].as.i,
                             .external_id = c[3].as.b,
                             .active = c[4].as.i != 0,
                             .provisioned_by = c[5].as.i,
                             .last_seen_ns = c[6].as.i,
                             .presence = (int)c[8].as.i};
    if (c[2].as.b.n == sizeof row.uuid.b) memcpy(row.uuid.b, c[2].as.b.p, sizeof row.uuid.b);
    return row;
}

static enum err load_device(struct registry *r, const struct sql_value *c)
{
    struct device_row row = device_row_of(c);
    struct reg_device *d = registry_maps_intern(r, &row);
    enum err e = d ? registry_maps_publish(r, registry_maps_entry(d)) : ERR_NOMEM;
    if (!e && c[7].type == SQL_TYPE_BLOB && c[7].as.b.n == sizeof registry_maps_entry(d)->token)
        e = registry_maps_set_token(r, registry_maps_entry(d), (const uint8_t *)c[7].as.b.p);
    return e;
}

/* Variables of deleted devices stay out: nobody can ask for them. */
static enum err load_variable(struct registry *r, const struct sql_value *c)
{
    struct device_entry *e = registry_maps_device_at(r, c[1].as.i);
    if (!e || e->device.org != c[2].as.i) return ERR_OK;
    return registry_maps_variable(r, &e->device, c[0].as.i, c[3].as.b) ? ERR_OK : ERR_NOMEM;
}

static enum err load_rows(struct registry *r, struct sql_tx *tx, const char *sql,
                          struct sql_args args,
                          enum err (*load)(struct registry *, const struct sql_value *))
{
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sql_query(tx, sql, args, &c);
    if (e) return e;
    while (!(e = sql_next(c, &row))) {
        rwlock_write(&r->lock);
        e = load(r, row.columns);
        rwlock_release(&r->lock);
        if (e) break;
    }
    sql_finish(c);
    return e == ERR_END ? ERR_OK : e;
}

/* One that this process has known before: what it is told now is the truth. */
static enum err load_restored(struct registry *r, const struct sql_value *c)
{
    enum err e = load_device(r, c);
    if (e) return e;
    struct device_entry *entry = registry_maps_device_at(r, c[0].as.i);
    atomic_store(&entry->device.active, c[4].as.i != 0);
    atomic_store(&entry->device.deleted_ns, 0);
    return ERR_OK;
}

enum err registry_load_organization(struct registry *r, int64_t org)
{
    struct sql_tx *tx;
    enum err e = sql_begin(r->db, SQL_READ, &tx);
    if (e) return e;
    e = load_rows(r, tx,
                  "SELECT id, org, uuid, external_id, active, provisioned_by, last_seen_ns, "
                  "token_hash, presence FROM devices WHERE org = $1 AND deleted_ns = 0 ORDER BY id",
                  SQL_ARGS(SQL_I(org)), load_restored);
    if (!e)
        e = load_rows(r, tx,
                      "SELECT id, device, org, name FROM variables WHERE org = $1 ORDER BY id",
                      SQL_ARGS(SQL_I(org)), load_variable);
    return sql_end(tx, e);
}

static enum err load(struct registry *r, struct why *why)
{
    struct sql_tx *tx;
    enum err e = sql_begin(r->db, SQL_READ, &tx);
    if (e) return why_say(why, e, "the catalog cannot be read: %s", err_sentence(e));
    e = load_rows(r, tx,
                  "SELECT id, org, uuid, external_id, active, provisioned_by, last_seen_ns, "
                  "token_hash, presence FROM devices WHERE deleted_ns = 0 ORDER BY id",
                  SQL_NO_ARGS, load_device);
    if (!e)
        e = load_rows(r, tx, "SELECT id, device, org, name FROM variables ORDER BY id", SQL_NO_ARGS,
                      load_variable);
    if (!e) e = registry_properties_load(r, tx);
    if (e) {
        const char *said = tx->ops->message(tx);
        (void)why_say(why, e, "devices cannot be read: %s", said[0] ? said : err_sentence(e));
    }
    sql_rollback(tx);
    return e;
}

enum err registry_open(struct registry **ret, struct sql_db *db, const struct clock *clock,
                       struct rnd *rnd, struct why *why)
{
    struct registry *r = mem_zalloc(sizeof *r);
    if (!r) return ERR_NOMEM;
    r->db = db;
    r->clock = clock;
    r->rnd = rnd;
    registry_maps_init(r);
    registry_properties_init(r);
    enum err e = load(r, why);
    if (e) {
        registry_free(r);
        return e;
    }
    *ret = r;
    return ERR_OK;
}

void registry_set_limits(struct registry *r, const struct limits *limits)
{
    r->limits = limits;
}

void registry_free(struct registry *r)
{
    if (!r) return;
    registry_properties_done(r);
    registry_maps_done(r);
    mem_free(r);
}

struct reg_device *registry_find_external(struct registry *r, int64_t org, struct bytes external_id)
{
    char text[REGISTRY_KEY_MAX];
    struct bytes key = registry_maps_key(text, org, external_id);
    if (!key.p) return NULL;
    rwlock_read(&r->lock);
    struct device_entry *e = map_get(&r->external, key);
    rwlock_release(&r->lock);
    return e ? &e->device : NULL;
}

struct reg_device *registry_find_uuid(struct registry *r, int64_t org, const struct uuid *uuid)
{
    char text[REGISTRY_KEY_MAX];
    struct bytes key = registry_maps_key(text, org, bytes_of(uuid->b, sizeof uuid->b));
    rwlock_read(&r->lock);
    struct device_entry *e = map_get(&r->uuid, key);
    rwlock_release(&r->lock);
    return e ? &e->device : NULL;
}

struct reg_device *registry_find_device(struct registry *r, int64_t org, struct bytes id)
{
    struct uuid uuid;
    struct reg_device *d = registry_find_external(r, org, id);
    return d || !uuid_parse(id, &uuid) ? d : registry_find_uuid(r, org, &uuid);
}

struct reg_device *registry_find_key(struct registry *r, int64_t org, int64_t device)
{
    rwlock_read(&r->lock);
    struct device_entry *e = registry_maps_device_at(r, device);
    bool is_there = e && e->published && e->device.org == org;
    rwlock_release(&r->lock);
    return is_there ? &e->device : NULL;
}

struct reg_device *registry_use_token(struct registry *r, const uint8_t hash[32],
                                      uint32_t *ret_epoch)
{
    rwlock_read(&r->lock);
    struct device_entry *e = map_get(&r->token, bytes_of(hash, 32));
    if (e) *ret_epoch = atomic_load_explicit(&e->device.token_epoch, memory_order_relaxed);
    rwlock_release(&r->lock);
    return e ? &e->device : NULL;
}

struct reg_device *registry_find_token(struct registry *r, const uint8_t hash[32])
{
    uint32_t epoch;
    return registry_use_token(r, hash, &epoch);
}

struct reg_variable *registry_find_variable(struct registry *r, struct reg_device *d,
                                            struct bytes name)
{
    return registry_maps_find_name(r, d, name);
}

struct reg_variable *registry_find_variable_id(struct registry *r, int64_t org, int64_t id)
{
    rwlock_read(&r->lock);
    struct reg_variable *v = registry_maps_variable_at(r, id);
    bool is_there = v && v->device->org == org && registry_maps_entry(v->device)->published;
    rwlock_release(&r->lock);
    return is_there ? v : NULL;
}

struct reg_device *registry_new_device(struct registry *r, int64_t id, int64_t org,
                                       const struct uuid *uuid, struct bytes external_id,
                                       int64_t by_device, bool active)
{
    struct device_row row = {.id = id,
                             .org = org,
                             .uuid = *uuid,
                             .external_id = external_id,
                             .provisioned_by = by_device,
                             .active = active};
    rwlock_write(&r->lock);
    struct reg_device *d = registry_maps_intern(r, &row);
    rwlock_release(&r->lock);
    return d;
}

enum err registry_publish_device(struct registry *r, struct reg_device *d,
                                 const uint8_t *token_hash)
{
    struct device_entry *entry = registry_maps_entry(d);
    rwlock_write(&r->lock);
    enum err e = registry_maps_publish(r, entry);
    if (!e && token_hash) e = registry_maps_set_token(r, entry, token_hash);
    rwlock_release(&r->lock);
    return e;
}

enum err registry_publish_variable(struct registry *r, struct reg_device *d, int64_t id,
                                   struct bytes name, struct reg_variable **ret)
{
    rwlock_write(&r->lock);
    struct reg_variable *v = registry_maps_variable(r, d, id, name);
    rwlock_release(&r->lock);
    if (!v) return ERR_NOMEM;
    *ret = v;
    return ERR_OK;
}

enum err registry_set_token(struct registry *r, struct reg_device *d, const uint8_t *token_hash)
{
    rwlock_write(&r->lock);
    enum err e = registry_maps_set_token(r, registry_maps_entry(d), token_hash);
    rwlock_release(&r->lock);
    return e;
}

void registry_retire_device(struct registry *r, struct reg_device *d)
{
    rwlock_write(&r->lock);
    if (!atomic_load(&d->deleted_ns)) atomic_store(&d->deleted_ns, clock_wall_ns(r->clock));
    registry_maps_retire(r, registry_maps_entry(d));
    rwlock_release(&r->lock);
}

enum err registry_restore_device(struct registry *r, struct reg_device *d)
{
    struct sql_tx *tx;
    enum err e = sql_begin(r->db, SQL_READ, &tx);
    if (e) return e;
    /* Variables of a device that was deleted before this process began have not been read. */
    e = load_rows(r, tx,
                  "SELECT id, device, org, name FROM variables WHERE org = $1 AND device = $2 "
                  "ORDER BY id",
                  SQL_ARGS(SQL_I(d->org), SQL_I(d->id)), load_variable);
    sql_rollback(tx);
    if (e) return e;
    rwlock_write(&r->lock);
    e = registry_maps_publish(r, registry_maps_entry(d));
    if (!e) atomic_store(&d->deleted_ns, 0);
    rwlock_release(&r->lock);
    return e;
}

static const struct org_devices *org_of(const struct registry *r, int64_t org)
{
    uint64_t key = (uint64_t)org;
    return map_get(&r->orgs, map_u64(&key));
}

size_t registry_list_devices(struct registry *r, int64_t org, int64_t after,
                             struct reg_device **ret, size_t cap)
{
    rwlock_read(&r->lock);
    const struct org_devices *o = org_of(r, org);
    size_t low = 0, high = o ? o->n : 0, n = 0;
    while (low < high) { /* the first with an id above `after` */
        size_t middle = low + (high - low) / 2;
        if (o->devices[middle]->id > after)
            high = middle;
        else
            low = middle + 1;
    }
    while (n < cap && o && low < o->n) ret[n++] = o->devices[low++];
    rwlock_release(&r->lock);
    return n;
}

size_t registry_count_seen(struct registry *r, int64_t since_ns, size_t *ret_orgs)
{
    size_t devices = 0, orgs = 0, at = 0;
    rwlock_read(&r->lock);
    for (struct map_slot *slot; (slot = map_next(&r->orgs, &at));) {
        const struct org_devices *o = slot->value;
        size_t before = devices;
        for (size_t i = 0; i < o->n; i++)
            devices +=
                atomic_load_explicit(&o->devices[i]->last_seen_ns, memory_order_relaxed) > since_ns;
        orgs += devices > before;
    }
    rwlock_release(&r->lock);
    *ret_orgs = orgs;
    return devices;
}

size_t registry_count_devices(struct registry *r, int64_t org)
{
    rwlock_read(&r->lock);
    const struct org_devices *o = org_of(r, org);
    size_t n = o ? o->n : 0;
    rwlock_release(&r->lock);
    return n;
}

struct reg_device *registry_walk(struct registry *r, struct reg_device *after)
{
    /* Entries are only ever added in front; pairs with the release in registry_maps_intern(). */
    struct device_entry *e = after ? registry_maps_entry(after)->older
                                   : atomic_load_explicit(&r->newest, memory_order_acquire);
    return e ? &e->device : NULL;
}

/* What a transaction of save_some() has written of one device. */
struct saved {
    int64_t seen_ns, used_ns;
};

static enum err save_one(struct sql_tx *tx, const struct reg_device *d, const struct saved *s)
{
    enum err e = catalog_devices_set_seen(tx, d->org, d->id, s->seen_ns);
    if (e || !s->used_ns) return e;
    e = catalog_devices_touch_token(tx, d->org, d->id, s->used_ns);
    return e == ERR_NOTFOUND ? ERR_OK : e; /* deleted meanwhile */
}

static enum err save_some(struct registry *r, struct reg_device **devices, size_t n)
{
    struct saved saved[SAVE_AT_ONCE];
    struct sql_tx *tx;
    enum err e = sql_begin(r->db, SQL_WRITE, &tx);
    if (!e) {
        for (size_t i = 0; !e && i < n; i++) {
            saved[i] = (struct saved){atomic_load(&devices[i]->last_seen_ns),
                                      atomic_load(&devices[i]->token_used_ns)};
            e = save_one(tx, devices[i], &saved[i]);
        }
        e = sql_end(tx, e);
    }
    for (size_t i = 0; i < n; i++) {
        if (e) {
            atomic_store(&devices[i]->seen_dirty, true);
            continue;
        }
        atomic_store_explicit(&registry_maps_entry(devices[i])->saved_seen_ns, saved[i].seen_ns,
                              memory_order_relaxed);
        /* a newer use stays, and has made the device dirty again */
        atomic_compare_exchange_strong(&devices[i]->token_used_ns, &saved[i].used_ns, 0);
    }
    return e;
}

static bool is_crossed(struct reg_device *d, int64_t edge_ns)
{
    if (!atomic_load_explicit(&d->seen_dirty, memory_order_relaxed)) return false;
    int64_t seen = atomic_load_explicit(&d->last_seen_ns, memory_order_relaxed);
    int64_t saved =
        atomic_load_explicit(&registry_maps_entry(d)->saved_seen_ns, memory_order_relaxed);
    return (saved < edge_ns && seen >= edge_ns) || (!saved && seen);
}

enum err registry_save_crossed(struct registry *r, int64_t org, int64_t edge_ns)
{
    struct reg_device *page[SAVE_AT_ONCE], *crossed[SAVE_AT_ONCE];
    int64_t after = 0;
    size_t got;
    enum err e = ERR_OK;
    while (!e && (got = registry_list_devices(r, org, after, page, SAVE_AT_ONCE))) {
        size_t n = 0;
        for (size_t i = 0; i < got; i++)
            if (is_crossed(page[i], edge_ns)) crossed[n++] = page[i];
        if (n) e = save_some(r, crossed, n); /* they stay dirty: written once more is no harm */
        after = page[got - 1]->id;
    }
    return e;
}

enum err registry_save_seen(struct registry *r)
{
    struct reg_device *dirty[SAVE_AT_ONCE];
    size_t n = 0;
    enum err e = ERR_OK;
    for (struct reg_device *d = NULL; !e && (d = registry_walk(r, d));) {
        /* Looked at before it is exchanged, so that clean devices stay shared between the cores. A
         * time that is set after the exchange makes it dirty again. */
        if (!atomic_load_explicit(&d->seen_dirty, memory_order_relaxed)) continue;
        if (!atomic_exchange(&d->seen_dirty, false)) continue;
        dirty[n++] = d;
        if (n < SAVE_AT_ONCE) continue;
        e = save_some(r, dirty, n);
        n = 0;
    }
    return e || !n ? e : save_some(r, dirty, n);
}
