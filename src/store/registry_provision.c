/* Making devices and variables on first sight (see registry.h).
 *
 *   look in the maps ── all there ──> done
 *        │ something is missing
 *   one write transaction: look in the catalog, else insert ──> commit ──> enter into the maps
 *
 * The catalog is looked into before each insert: between a commit and the entry into the maps
 * another thread may begin, and after a failure of memory a committed row may never have been
 * entered. Entering is idempotent (registry_maps_intern), so all of them end with the same
 * pointers. */
#include "base/mem.h"
#include "store/catalog_devices.h"
#include "store/catalog_events.h"
#include "store/catalog_rows.h"
#include "store/catalog_variables.h"
#include "store/registry.h"
#include "store/registry_maps.h"

#include <math.h>

enum { BLOCK_NS_HOURS = 24 };

/* What one transaction has found or made for one item. */
struct made {
    struct device_row
        device;         /* when it was not in the maps; external_id is the item's or arena's */
    int64_t *variables; /* ids, 0 = in the maps already */
};

struct work {
    struct registry *r;
    struct sql_tx *tx;
    struct arena arena;
    struct made *made; /* one for each item */
    int64_t now_ns;
    struct why *why;
    int64_t counted_org; /* whose devices `room` and `fresh` are about; 0: none yet */
    struct limits_room room;
    int64_t fresh; /* made in this transaction */
};

/* True when the maps hold everything the item asks for. */
static bool resolve(struct registry *r, struct provision *item)
{
    if (!item->device) item->device = registry_find_device(r, item->org, item->external_id);
    if (!item->device) return false;
    bool complete = true;
    for (size_t i = 0; i < item->name_count; i++) {
        item->variables[i] = registry_maps_find_name(r, item->device, item->names[i]);
        complete = complete && item->variables[i];
    }
    return complete;
}

static void read_found(struct made *m, const struct device *d)
{
    m->device = (struct device_row){.id = d->id,
                                    .org = d->org,
                                    .uuid = d->uuid,
                                    .external_id = d->external_id,
                                    .provisioned_by = d->provisioned_by,
                                    .last_seen_ns = d->last_seen_ns,
                                    .active = d->active};
}

/* The old messages of a deleted device do not bring it back for a day. */
static enum err check_block(struct work *w, const struct provision *item)
{
    struct device old;
    if (!item->by_device) return ERR_OK;
    enum err e = catalog_devices_find_deleted(w->tx, item->org, item->external_id, &w->arena, &old);
    if (e == ERR_NOTFOUND) return ERR_OK;
    if (e) return e;
    if (old.deleted_ns <= w->now_ns - BLOCK_NS_HOURS * NS_PER_HOUR) return ERR_OK;
    return why_say(w->why, ERR_FORBIDDEN,
                   "device '%.*s' was deleted less than %d hours ago; it is not created again by a "
                   "message",
                   (int)item->external_id.n, item->external_id.p, BLOCK_NS_HOURS);
}

/* Who did it: as the caller was named, else the device whose token it was. */
static enum err name_actor(struct work *w, const struct provision *item, struct event *e)
{
    if (item->actor) {
        e->user = item->actor->user;
        e->actor = item->actor->name;
        e->address = item->actor->address;
        e->request_id = item->actor->request_id;
        return ERR_OK;
    }
    const struct reg_device *by =
        item->by_device ? registry_find_key(w->r, item->org, item->by_device) : NULL;
    if (!by) return ERR_OK;
    char *actor = arena_printf(&w->arena, "device:%.*s", (int)by->external_id.n, by->external_id.p);
    if (!actor) return ERR_NOMEM;
    e->actor = bytes_str(actor);
    return ERR_OK;
}

static enum err note_event(struct work *w, const struct provision *item, const struct device *d)
{
    char uuid[UUID_TEXT + 1];
    uuid_format(&d->uuid, uuid);
    struct event e = {.org = d->org,
                      .type = BYTES("DEVICE_CREATED"),
                      .severity = EVENT_INFO,
                      .entity_type = BYTES("DEVICE"),
                      .entity_id = bytes_str(uuid),
                      .title = BYTES("Device created by its first message"),
                      .description = d->external_id,
                      .device = d->id,
                      .created_ns = w->now_ns};
    enum err err = name_actor(w, item, &e);
    return err ? err : catalog_events_append(w->tx, &e);
}

/* Counted once in a transaction, not for each device of a large one. */
static enum err check_room(struct work *w, struct provision *item)
{
    if (w->counted_org != item->org) {
        enum err e = limits_check(w->r->limits, w->tx, item->org, LIMIT_DEVICES, &w->room);
        if (e && e != ERR_LIMIT) return e;
        w->counted_org = item->org;
        w->fresh = 0;
    }
    if (!w->room.max || w->room.used + w->fresh < w->room.max) return ERR_OK;
    item->room = w->room;
    return why_say(w->why, ERR_LIMIT, "the organisation has as many devices as it may (%s)",
                   limit_key(LIMIT_DEVICES));
}

static enum err insert_device(struct work *w, struct provision *item, struct made *m)
{
    struct device d = {.org = item->org,
                       .uuid = uuid_random(w->r->rnd),
                       .external_id = item->external_id,
                       .name = item->external_id,
                       .active = true,
                       .latitude = NAN,
                       .longitude = NAN,
                       .altitude = NAN,
                       .provisioned_by = item->by_device,
                       .created_ns = w->now_ns,
                       .updated_ns = w->now_ns};
    enum err e = check_room(w, item);
    if (!e) e = catalog_devices_insert(w->tx, &d, NULL);
    if (!e) e = note_event(w, item, &d);
    if (e) return e;
    read_found(m, &d);
    item->was_created = true;
    w->fresh++;
    return ERR_OK;
}

static enum err find_device_row(struct work *w, const struct provision *item, struct device *ret)
{
    struct uuid uuid;
    enum err e = catalog_devices_find_external(w->tx, item->org, item->external_id, &w->arena, ret);
    if (e != ERR_NOTFOUND || !uuid_parse(item->external_id, &uuid)) return e;
    return catalog_devices_find_uuid(w->tx, item->org, &uuid, &w->arena, ret);
}

static enum err make_device(struct work *w, struct provision *item, struct made *m)
{
    struct device d;
    if (item->external_id.n == 0 || item->external_id.n > REGISTRY_EXTERNAL_ID_MAX)
        return why_say(w->why, ERR_INVALID, "a device id has 1 to %d bytes",
                       REGISTRY_EXTERNAL_ID_MAX);
    enum err e = find_device_row(w, item, &d);
    if (!e) read_found(m, &d);
    if (e != ERR_NOTFOUND) return e;
    if (!item->create_device)
        return why_say(w->why, ERR_NOTFOUND, "there is no device '%.*s'", (int)item->external_id.n,
                       item->external_id.p);
    e = check_block(w, item);
    return e ? e : insert_device(w, item, m);
}

static enum err make_variable(struct work *w, int64_t org, int64_t device, struct bytes name,
                              int64_t *ret_id)
{
    struct sql_args args = SQL_ARGS(SQL_I(org), SQL_I(device), SQL_T(name), SQL_I(w->now_ns));
    enum err e = catalog_rows_number(
        w->tx,
        "INSERT INTO variables (org, device, name, data_type, data_source, created_ns, "
        "updated_ns) VALUES ($1, $2, $3, 'NUMBER', 'AUTO', $4, $4) "
        "ON CONFLICT (org, device, name) DO NOTHING RETURNING id",
        args, ret_id);
    if (e != ERR_NOTFOUND) return e;
    return catalog_rows_number(w->tx,
                               "SELECT id FROM variables WHERE org = $1 AND device = $2 "
                               "AND name = $3",
                               SQL_ARGS(SQL_I(org), SQL_I(device), SQL_T(name)), ret_id);
}

static enum err check_name(struct work *w, struct bytes name)
{
    if (name.n && name.n <= REGISTRY_NAME_MAX) return ERR_OK;
    return why_say(w->why, ERR_INVALID, "a variable's name has 1 to %d bytes", REGISTRY_NAME_MAX);
}

static enum err check_variable_limit(struct work *w, const struct provision *item, int64_t device)
{
    int64_t count;
    enum err e = catalog_variables_count(w->tx, item->org, device, &count);
    if (e || count <= REGISTRY_VARIABLES_PER_DEVICE) return e;
    struct bytes id = item->device ? item->device->external_id : item->external_id;
    return why_say(w->why, ERR_LIMIT, "device '%.*s' cannot have more than %d variables", (int)id.n,
                   id.p, REGISTRY_VARIABLES_PER_DEVICE);
}

static enum err make_item(struct work *w, struct provision *item, struct made *m)
{
    enum err e = ERR_OK;
    bool grew = false;
    if (resolve(w->r, item)) return ERR_OK; /* another thread was faster */
    if (item->device && atomic_load(&item->device->deleted_ns))
        return why_say(w->why, ERR_NOTFOUND, "the device has been deleted");
    if (!item->device) e = make_device(w, item, m);
    if (e) return e;
    int64_t device = item->device ? item->device->id : m->device.id;
    m->variables = arena_array(&w->arena, item->name_count + 1, sizeof *m->variables);
    if (!m->variables) return ERR_NOMEM;
    for (size_t i = 0; !e && i < item->name_count; i++) {
        m->variables[i] = 0;
        if (item->device && item->variables[i]) continue;
        e = check_name(w, item->names[i]);
        if (!e) e = make_variable(w, item->org, device, item->names[i], &m->variables[i]);
        grew = true;
    }
    return e || !grew ? e : check_variable_limit(w, item, device);
}

/* After the commit, under the write lock. */
static enum err enter(struct registry *r, struct provision *item, const struct made *m)
{
    if (!item->device) {
        struct reg_device *d = registry_maps_intern(r, &m->device);
        enum err e = d ? registry_maps_publish(r, registry_maps_entry(d)) : ERR_NOMEM;
        if (e) return e;
        item->device = d;
    }
    for (size_t i = 0; m->variables && i < item->name_count; i++)
        if (m->variables[i]) {
            item->variables[i] =
                registry_maps_variable(r, item->device, m->variables[i], item->names[i]);
            if (!item->variables[i]) return ERR_NOMEM;
        }
    return ERR_OK;
}

/* Leaves the transaction ended, either way. */
static enum err make_all(struct work *w, struct provision *items, size_t n, size_t *ret_at)
{
    enum err e = ERR_OK;
    w->made = arena_array(&w->arena, n, sizeof *w->made);
    if (!w->made) e = ERR_NOMEM;
    for (size_t i = 0; !e && i < n; i++) {
        w->made[i] = (struct made){0};
        if ((e = make_item(w, &items[i], &w->made[i]))) *ret_at = i;
    }
    for (size_t i = 0; e && i < n; i++) items[i].was_created = false;
    const char *said = w->tx->ops->message(w->tx);
    if (e && !w->why->text[0] && said[0]) (void)why_say(w->why, e, "the catalog: %s", said);
    return sql_end(w->tx, e);
}

static enum err enter_all(struct work *w, struct provision *items, size_t n, size_t *ret_at)
{
    enum err e = ERR_OK;
    rwlock_write(&w->r->lock);
    for (size_t i = 0; !e && i < n; i++)
        if ((e = enter(w->r, &items[i], &w->made[i]))) *ret_at = i;
    rwlock_release(&w->r->lock);
    return e;
}

enum err registry_provision(struct registry *r, struct provision *items, size_t n, size_t *ret_at,
                            struct why *why)
{
    bool complete = true;
    *ret_at = 0;
    for (size_t i = 0; i < n; i++) {
        items[i].was_created = false;
        items[i].room = (struct limits_room){0, 0};
        complete = resolve(r, &items[i]) && complete;
    }
    if (complete) return ERR_OK;
    struct why own = {""};
    struct work w = {.r = r, .now_ns = clock_wall_ns(r->clock), .why = why ? why : &own};
    w.why->text[0] = 0;
    arena_init(&w.arena, (size_t)1 << 30);
    enum err e = sql_begin(r->db, SQL_WRITE, &w.tx);
    if (!e) e = make_all(&w, items, n, ret_at);
    if (!e) e = enter_all(&w, items, n, ret_at);
    arena_done(&w.arena);
    if (e && !w.why->text[0]) (void)why_say(w.why, e, "the catalog: %s", err_sentence(e));
    return e;
}
