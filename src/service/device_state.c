/* What the files of the device family share: the steps of a change inside its transaction, and what
 * the registry is told after the commit (see device_state.h). */
#include "service/device_state.h"

#include "service/device_labels.h"
#include "service/device_rules.h"
#include "service/event_types.h"
#include "store/registry_properties.h"

#include <math.h>

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

/* --- in the transaction ----------------------------------------------------------------------- */

static int64_t located_at(const struct device *d, int64_t now_ns)
{
    return isnan(d->latitude) || isnan(d->longitude) ? 0 : now_ns;
}

static bool is_same(double a, double b)
{
    return isnan(a) ? isnan(b) : fabs(a - b) <= 0;
}

static bool is_same_place(const struct device *a, const struct device *b)
{
    return is_same(a->latitude, b->latitude) && is_same(a->longitude, b->longitude) &&
           is_same(a->altitude, b->altitude);
}

struct device device_state_from(struct device_service *s, const struct actor *actor,
                                const struct device *given)
{
    struct device d = *given;
    d.org = actor->org;
    d.uuid = uuid_random(s->rnd);
    if (!d.name.n) d.name = d.external_id;
    d.last_seen_ns = d.provisioned_by = d.deleted_ns = 0;
    d.created_ns = d.updated_ns = clock_wall_ns(s->clock);
    d.has_token = false;
    d.token_created_ns = d.token_used_ns = 0;
    d.located_ns = located_at(&d, d.created_ns);
    return d;
}

enum err device_state_check_room(struct device_service *s, struct sql_tx *tx, int64_t org,
                                 struct refusal *refusal)
{
    return refusal_room(refusal, s->limits, tx, org, LIMIT_DEVICES);
}

enum err device_state_insert(struct device_service *s, struct sql_tx *tx, const struct actor *actor,
                             struct device *d, const uint8_t *hash, struct arena *arena,
                             struct refusal *refusal)
{
    const struct label_list tags = d->tags, groups = d->groups;
    enum err e = device_state_check_room(s, tx, d->org, refusal);
    if (!e) e = catalog_devices_insert(tx, d, hash);
    if (e == ERR_EXISTS) {
        return why_say(&refusal->why, e, "There is a device %.*s already; change that one",
                       (int)d->external_id.n, d->external_id.p);
    }
    if (!e && tags.n) e = device_labels_replace(s, tx, actor, d, LABEL_TAG, &tags, arena, refusal);
    if (!e && groups.n)
        e = device_labels_replace(s, tx, actor, d, LABEL_GROUP, &groups, arena, refusal);
    if (!e) e = catalog_labels_fill(tx, d->org, d, 1, arena);
    if (e) return e;
    return device_state_event(s, tx, actor, EVENT_DEVICE_CREATED, "Device created", d);
}

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

enum err device_state_change(struct device_service *s, struct sql_tx *tx, const struct actor *actor,
                             struct device *d, const struct device_change *change,
                             struct arena *arena, struct refusal *refusal)
{
    const struct device before = *d;
    apply(d, change);
    device_rules_check(d, refusal);
    enum err e = refusal_fields(refusal);
    if (e) return e;
    d->updated_ns = clock_wall_ns(s->clock);
    if (!is_same_place(&before, d)) d->located_ns = located_at(d, d->updated_ns);
    e = catalog_devices_update(tx, d);
    if (!e && change->tags.set)
        e = device_labels_replace(s, tx, actor, d, LABEL_TAG, &change->tags.list, arena, refusal);
    if (!e && change->groups.set)
        e = device_labels_replace(s, tx, actor, d, LABEL_GROUP, &change->groups.list, arena,
                                  refusal);
    if (!e) e = catalog_labels_fill(tx, d->org, d, 1, arena);
    if (e) return e;
    return device_state_event(s, tx, actor, EVENT_DEVICE_UPDATED, "Device changed", d);
}

enum err device_state_remove(struct device_service *s, struct sql_tx *tx, const struct actor *actor,
                             struct device *d)
{
    d->deleted_ns = clock_wall_ns(s->clock);
    const struct device_watcher *w = &s->watcher;
    enum err e = w->removing ? w->removing(w->ctx, tx, actor, d) : ERR_OK;
    if (!e) e = catalog_devices_delete(tx, d->org, d->id, d->deleted_ns);
    return e ? e : device_state_event(s, tx, actor, EVENT_DEVICE_DELETED, "Device deleted", d);
}

/* --- after the commit ------------------------------------------------------------------------- */

enum err device_state_born(struct device_service *s, uint64_t ticket, const struct device *d,
                           const uint8_t *hash)
{
    struct reg_device *r =
        registry_new_device(s->registry, d->id, d->org, &d->uuid, d->external_id, 0, d->active);
    enum err e = r ? registry_publish_device(s->registry, r, hash) : ERR_NOMEM;
    registry_properties_put(s->registry, ticket, d);
    return e;
}

void device_state_changed(struct device_service *s, uint64_t ticket, const struct device *d)
{
    registry_properties_put(s->registry, ticket, d);
    struct reg_device *r = registry_find_key(s->registry, d->org, d->id);
    if (r) atomic_store_explicit(&r->active, d->active, memory_order_relaxed);
}

enum err device_state_back(struct device_service *s, uint64_t ticket, const struct device *d)
{
    /* Found again when this process deleted it, made when an earlier one did. */
    struct reg_device *r =
        registry_new_device(s->registry, d->id, d->org, &d->uuid, d->external_id, 0, d->active);
    enum err e = r ? registry_restore_device(s->registry, r) : ERR_NOMEM;
    if (e) return e;
    int64_t never = 0;
    atomic_compare_exchange_strong(&r->last_seen_ns, &never, d->last_seen_ns);
    device_state_changed(s, ticket, d);
    if (s->watcher.changed) s->watcher.changed(s->watcher.ctx, d);
    return ERR_OK;
}

void device_state_gone(struct device_service *s, const struct device *d)
{
    struct reg_device *r = registry_find_key(s->registry, d->org, d->id);
    if (r) {
        atomic_store_explicit(&r->deleted_ns, d->deleted_ns, memory_order_relaxed);
        registry_retire_device(s->registry, r); /* keeps D1 */
    }
    if (s->watcher.changed) s->watcher.changed(s->watcher.ctx, d);
}
