/* Who fell silent and who is back (see device_presence.h). */
#include "service/device_presence.h"

#include "service/event_service.h"
#include "service/event_types.h"

enum { AT_ONCE = 512 }; /* devices in one transaction */

struct change {
    struct reg_device *device;
    enum device_status from, to;
    bool told; /* by us: another server may have, before it died */
};

/* What should be told of it now; the same as what was told when there is nothing to tell. */
static enum device_status status_to_tell(const struct device_presence *p,
                                         const struct reg_device *d, int64_t now_ns)
{
    enum device_status told = (enum device_status)atomic_load(&d->presence);
    if (atomic_load_explicit(&d->deleted_ns, memory_order_relaxed)) return told;
    int64_t seen_ns = atomic_load_explicit(&d->last_seen_ns, memory_order_relaxed);
    enum device_status now = device_status_at(seen_ns, now_ns);
    if (now == DEVICE_OFFLINE && now_ns - p->started_ns < PRESENCE_GRACE_NS) return told;
    return now == DEVICE_UNKNOWN ? told : now;
}

static enum err append_event(struct sql_tx *tx, const struct change *c, int64_t now_ns)
{
    bool gone = c->to == DEVICE_OFFLINE;
    if (!gone && c->from != DEVICE_OFFLINE) return ERR_OK; /* the first reading: made it known */
    const struct actor system = {.name = BYTES("system"), .org = c->device->org};
    const struct event_note note = {
        .type = gone ? EVENT_DEVICE_OFFLINE : EVENT_DEVICE_CONNECTED,
        .severity = gone ? EVENT_WARNING : EVENT_INFO,
        .entity_type = "DEVICE",
        .entity_id = c->device->external_id,
        .title = gone ? "The device has been silent for 60 minutes" : "The device sends again",
        .device = c->device->id,
    };
    return event_service_append(tx, now_ns, &system, &note);
}

static enum err tell_one(struct sql_tx *tx, struct change *c, int64_t now_ns)
{
    enum err e = catalog_devices_set_presence(tx, c->device->org, c->device->id, (int)c->to);
    if (e == ERR_NOTFOUND) return ERR_OK; /* deleted meanwhile, or told */
    c->told = true;
    return e ? e : append_event(tx, c, now_ns);
}

static enum err tell_some(struct device_presence *p, struct change *changes, size_t n,
                          int64_t now_ns)
{
    struct sql_tx *tx;
    enum err e = sql_begin(p->db, SQL_WRITE, &tx);
    if (e) return e;
    for (size_t i = 0; i < n && !e; i++) e = tell_one(tx, &changes[i], now_ns);
    if ((e = sql_end(tx, e))) return e;
    for (size_t i = 0; i < n; i++) {
        atomic_store(&changes[i].device->presence, (int)changes[i].to);
        if (p->changed && changes[i].told)
            p->changed(p->ctx, changes[i].device, changes[i].to, now_ns);
    }
    return ERR_OK;
}

enum err device_presence_run(struct device_presence *p, size_t *ret_n)
{
    struct change changes[AT_ONCE];
    size_t n = 0, told = 0;
    int64_t now_ns = clock_wall_ns(p->clock);
    enum err e = ERR_OK;
    for (struct reg_device *d = NULL; !e && (d = registry_walk(p->registry, d));) {
        enum device_status from = (enum device_status)atomic_load(&d->presence);
        enum device_status to = status_to_tell(p, d, now_ns);
        if (from == to) continue;
        changes[n++] = (struct change){d, from, to, false};
        if (n < AT_ONCE) continue;
        e = tell_some(p, changes, n, now_ns);
        told += e ? 0 : n;
        n = 0;
    }
    if (!e && n) e = tell_some(p, changes, n, now_ns);
    *ret_n = told + (e ? 0 : n);
    return e;
}
