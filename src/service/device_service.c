/* Devices made, found, listed, changed, deleted (see device_service.h). */
#include "service/device_service.h"

#include "base/mem.h"
#include "service/device_rules.h"
#include "service/device_state.h"
#include "service/event_types.h"
#include "store/catalog_page.h"
#include "store/registry_properties.h"

#include <math.h>

/* --- what the family shares ------------------------------------------------------------------- */

enum err device_state_find(struct sql_tx *tx, int64_t org, struct bytes id, struct arena *arena,
                           struct device *ret)
{
    struct uuid uuid;
    enum err e = ERR_NOTFOUND;
    if (id.n && id.n <= DEVICE_EXTERNAL_ID_MAX * 4) {
        e = catalog_devices_find_external(tx, org, id, arena, ret);
    }
    if (e != ERR_NOTFOUND || !uuid_parse(id, &uuid)) return e;
    return catalog_devices_find_uuid(tx, org, &uuid, arena, ret);
}

void device_state_live(struct device_service *s, struct device *d)
{
    struct reg_device *r = registry_find_key(s->registry, d->org, d->id);
    if (!r) return;
    int64_t seen = atomic_load_explicit(&r->last_seen_ns, memory_order_relaxed);
    int64_t used = atomic_load_explicit(&r->token_used_ns, memory_order_relaxed);
    if (seen > d->last_seen_ns) d->last_seen_ns = seen; /* keeps D2 */
    d->health_checked_ns = atomic_load_explicit(&r->health_checked_ns, memory_order_relaxed);
    d->health = atomic_load_explicit(&r->health, memory_order_relaxed);
    if (d->has_token && used > d->token_used_ns && used >= d->token_created_ns) {
        d->token_used_ns = used;
    }
}

enum err device_state_event(struct device_service *s, struct sql_tx *tx, const struct actor *actor,
                            const char *type, const char *title, const struct device *d)
{
    char uuid[UUID_TEXT + 1];
    uuid_format(&d->uuid, uuid);
    const struct event_note note = {.type = type,
                                    .entity_type = "DEVICE",
                                    .entity_id = bytes_str(uuid),
                                    .title = title,
                                    .description = d->external_id,
                                    .org = d->org,
                                    .device = d->id};
    return event_service_append(tx, clock_wall_ns(s->clock), actor, &note);
}

/* --- create ----------------------------------------------------------------------------------- */

static enum err insert(struct device_service *s, struct sql_tx *tx, const struct actor *actor,
                       struct device *d, const uint8_t *hash, struct refusal *refusal)
{
    int64_t max = atomic_load_explicit(&s->max_devices_per_org, memory_order_relaxed), used = 0;
    enum err e = catalog_devices_count(tx, d->org, &used);
    if (e) return e;
    if (max && used >= max) return refusal_limit(refusal, "pilot.max-devices-per-org", max, used);
    e = catalog_devices_insert(tx, d, hash);
    if (e == ERR_EXISTS) {
        return why_say(&refusal->why, e, "There is a device %.*s already; change that one",
                       (int)d->external_id.n, d->external_id.p);
    }
    if (e) return e;
    return device_state_event(s, tx, actor, EVENT_DEVICE_CREATED, "Device created", d);
}

static struct device device_from(struct device_service *s, const struct actor *actor,
                                 const struct device *given)
{
    struct device d = *given;
    d.org = actor->org;
    d.uuid = uuid_random(s->rnd);
    if (!d.name.n) d.name = d.external_id;
    d.last_seen_ns = d.provisioned_by = d.deleted_ns = 0;
    d.created_ns = d.updated_ns = clock_wall_ns(s->clock);
    d.has_token = true;
    d.token_created_ns = d.created_ns;
    d.token_used_ns = 0;
    return d;
}

enum err device_service_create(struct device_service *s, const struct actor *actor,
                               const struct device *given, struct arena *arena, struct device *ret,
                               char ret_token[TOKENS_DEVICE_TEXT + 1], struct refusal *refusal)
{
    uint8_t hash[TOKENS_HASH];
    char display[TOKENS_DISPLAY_TEXT + 1];
    struct sql_tx *tx;
    device_rules_check(given, refusal);
    enum err e = refusal_fields(refusal);
    if (e) return e;
    struct device d = device_from(s, actor, given);
    tokens_make_device(s->rnd, ret_token);
    tokens_hash(bytes_str(ret_token), hash);
    tokens_display(bytes_str(ret_token), display);
    d.token_display = arena_copy(arena, bytes_str(display));
    if (!d.token_display.p) return ERR_NOMEM;
    e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = insert(s, tx, actor, &d, hash, refusal);
    uint64_t ticket = registry_properties_ticket(s->registry);
    e = sql_end(tx, e);
    if (e) return e;
    struct reg_device *r =
        registry_new_device(s->registry, d.id, d.org, &d.uuid, d.external_id, 0, d.active);
    e = r ? registry_publish_device(s->registry, r, hash) : ERR_NOMEM;
    registry_properties_put(s->registry, ticket, &d);
    if (!e) *ret = d;
    return e;
}

/* --- read ------------------------------------------------------------------------------------- */

enum err device_service_find(struct device_service *s, int64_t org, struct bytes id,
                             struct arena *arena, struct device *ret)
{
    struct sql_tx *tx;
    struct device d;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = sql_end(tx, device_state_find(tx, org, id, arena, &d));
    if (e) return e;
    device_state_live(s, &d);
    *ret = d;
    return ERR_OK;
}

/* A status is a span of last_seen_ns: never is 0, silence is what is older than an hour. */
static struct device_filter filter_of(const struct device_query *q, int64_t now_ns)
{
    struct device_filter f = {.q = q->q, .seen_set = q->by_status};
    int64_t edge = now_ns - DEVICE_SILENCE_NS + 1; /* seen at or after it: ONLINE */
    switch (q->status) {
    case DEVICE_UNKNOWN:
        f.seen_to_ns = 1;
        break;
    case DEVICE_ONLINE:
        f.seen_from_ns = edge;
        f.seen_to_ns = INT64_MAX;
        break;
    case DEVICE_OFFLINE:
        f.seen_from_ns = 1;
        f.seen_to_ns = edge;
        break;
    }
    return f;
}

enum err device_service_list(struct device_service *s, int64_t org,
                             const struct device_query *query, const struct catalog_page *page,
                             struct arena *arena, struct device **ret,
                             struct catalog_listing *ret_listing, struct why *why)
{
    struct sql_tx *tx;
    enum err e = ERR_OK;
    if (query->nothing) {
        *ret = NULL;
        *ret_listing = (struct catalog_listing){.total = 0};
        return ERR_OK;
    }
    /* the catalog's last_seen_ns trails the registry's by some seconds */
    if (query->by_status || bytes_is(page->sort, "lastSeenAt")) e = registry_save_seen(s->registry);
    if (!e) e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    struct device_filter filter = filter_of(query, clock_wall_ns(s->clock));
    e = catalog_devices_list(tx, org, &filter, page, arena, ret, ret_listing, why);
    e = sql_end(tx, e);
    for (size_t i = 0; !e && i < ret_listing->count; i++) device_state_live(s, &(*ret)[i]);
    return e;
}

/* --- change ----------------------------------------------------------------------------------- */

static void apply_text(struct bytes *to, const struct device_text *t)
{
    if (t->set) *to = t->value;
}

static void apply_place(double *to, const struct device_place *p)
{
    if (p->set) *to = p->value;
}

static void apply(struct device *d, const struct device_change *c)
{
    if (c->name.set && c->name.value.n) d->name = c->name.value; /* a name cannot be cleared */
    apply_text(&d->description, &c->description);
    apply_text(&d->location, &c->location);
    apply_text(&d->sensor_type, &c->sensor_type);
    apply_text(&d->firmware_version, &c->firmware_version);
    apply_place(&d->latitude, &c->latitude);
    apply_place(&d->longitude, &c->longitude);
    apply_place(&d->altitude, &c->altitude);
    if (c->active_set) d->active = c->active;
}

static enum err update_in(struct device_service *s, struct sql_tx *tx, const struct actor *actor,
                          struct bytes id, const struct device_change *change, struct arena *arena,
                          struct device *ret, struct refusal *refusal)
{
    enum err e = device_state_find(tx, actor->org, id, arena, ret);
    if (e) return e;
    apply(ret, change);
    device_rules_check(ret, refusal);
    e = refusal_fields(refusal);
    if (e) return e;
    ret->updated_ns = clock_wall_ns(s->clock);
    e = catalog_devices_update(tx, ret);
    if (e) return e;
    return device_state_event(s, tx, actor, EVENT_DEVICE_UPDATED, "Device changed", ret);
}

enum err device_service_update(struct device_service *s, const struct actor *actor, struct bytes id,
                               const struct device_change *change, struct arena *arena,
                               struct device *ret, struct refusal *refusal)
{
    struct sql_tx *tx;
    struct device d;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = update_in(s, tx, actor, id, change, arena, &d, refusal);
    uint64_t ticket = registry_properties_ticket(s->registry);
    e = sql_end(tx, e);
    if (e) return e;
    registry_properties_put(s->registry, ticket, &d);
    struct reg_device *r = registry_find_key(s->registry, d.org, d.id);
    if (r) atomic_store_explicit(&r->active, d.active, memory_order_relaxed);
    device_state_live(s, &d);
    *ret = d;
    return ERR_OK;
}

enum err device_service_delete(struct device_service *s, const struct actor *actor, struct bytes id,
                               struct arena *arena)
{
    struct sql_tx *tx;
    struct device d;
    int64_t now = clock_wall_ns(s->clock);
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = device_state_find(tx, actor->org, id, arena, &d);
    if (!e) e = catalog_devices_delete(tx, d.org, d.id, now);
    if (!e) e = device_state_event(s, tx, actor, EVENT_DEVICE_DELETED, "Device deleted", &d);
    e = sql_end(tx, e);
    if (e) return e;
    struct reg_device *r = registry_find_key(s->registry, d.org, d.id);
    if (!r) return ERR_OK;
    atomic_store_explicit(&r->deleted_ns, now, memory_order_relaxed);
    registry_retire_device(s->registry, r); /* keeps D1 */
    return ERR_OK;
}
