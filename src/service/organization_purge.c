/* The end of a deleted organisation (see organization_purge.h). */
#include "service/organization_purge.h"

#include "service/auth_users.h"
#include "service/event_service.h"
#include "service/event_types.h"
#include "store/catalog_devices.h"
#include "store/catalog_events.h"
#include "store/catalog_organizations.h"
#include "store/catalog_purge.h"

#include <stdio.h>

enum { ARENA_BYTES = 64 * 1024, DEVICES_AT_ONCE = 200, EVENTS_AT_ONCE = 5000 };

static enum err find_due(struct device_service *s, struct arena *a, struct organization *ret)
{
    struct sql_tx *tx;
    int64_t before = clock_wall_ns(s->clock) - AUTH_RESTORABLE_NS;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, catalog_organizations_find_due(tx, before, a, ret));
}

static enum err run_in(struct device_service *s, enum err (*step)(struct sql_tx *, int64_t, bool *),
                       int64_t org, bool *ret_more)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    return e ? e : sql_end(tx, step(tx, org, ret_more));
}

static enum err purge_events(struct sql_tx *tx, int64_t org, bool *ret_more)
{
    int64_t n = 0;
    enum err e = catalog_events_remove(tx, org, INT64_MAX, EVENTS_AT_ONCE, &n);
    *ret_more = n == EVENTS_AT_ONCE;
    return e;
}

/* Telemetry, then the rows: a crash in between repeats what is harmless to repeat. */
static enum err purge_devices(struct device_service *s, int64_t org, bool *ret_more)
{
    int64_t ids[DEVICES_AT_ONCE];
    size_t n = 0;
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = sql_end(tx, catalog_purge_list_devices(tx, org, ids, DEVICES_AT_ONCE, &n));
    for (size_t i = 0; !e && i < n && s->telemetry; i++)
        e = telemetry_purge_device(s->telemetry, org, ids[i]);
    if (!e) e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    for (size_t i = 0; !e && i < n; i++) e = catalog_devices_purge(tx, org, ids[i]);
    *ret_more = n == DEVICES_AT_ONCE;
    return sql_end(tx, e);
}

static enum err finish(struct device_service *s, int64_t org)
{
    char id[24];
    struct sql_tx *tx;
    int64_t now = clock_wall_ns(s->clock);
    int n = snprintf(id, sizeof id, "%lld", (long long)org);
    const struct actor system = {.name = BYTES("system")};
    const struct event_note note = {.type = EVENT_ORGANIZATION_PURGED,
                                    .severity = EVENT_WARNING,
                                    .entity_type = "ORGANIZATION",
                                    .entity_id = bytes_of(id, (size_t)n),
                                    .title = "Deleted organisation forgotten"};
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = catalog_purge_people(tx, org);
    if (!e) e = catalog_organizations_note_purged(tx, org, now);
    if (!e) e = event_service_append(tx, now, &system, &note);
    return sql_end(tx, e);
}

static enum err purge_piece(struct device_service *s, int64_t org)
{
    bool more = false;
    enum err e = run_in(s, catalog_purge_things, org, &more);
    if (!e) e = run_in(s, purge_events, org, &more);
    if (e || more) return e;
    e = purge_devices(s, org, &more);
    return e || more ? e : finish(s, org);
}

enum err organization_purge_run(struct device_service *s, bool *ret_more)
{
    struct organization o;
    struct arena a;
    arena_init(&a, ARENA_BYTES);
    enum err e = find_due(s, &a, &o);
    *ret_more = !e;
    if (!e) e = purge_piece(s, o.id);
    arena_done(&a);
    return e == ERR_NOTFOUND ? ERR_OK : e;
}
