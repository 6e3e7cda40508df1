/* Synthetic variables (see synthetic_service.h). */
#include "service/synthetic_service.h"

#include "model/alias.h"
#include "service/event_service.h"
#include "service/event_types.h"
#include "service/synthetic_checks.h"
#include "store/catalog_devices.h"
#include "store/catalog_variables.h"

#include <math.h>

static enum err note(struct synthetic_service *s, struct sql_tx *tx, const struct actor *actor,
                     const char *type, const char *title, const struct synthetic *y)
{
    char uuid[UUID_TEXT + 1];
    uuid_format(&y->uuid, uuid);
    const struct event_note note = {.type = type,
                                    .entity_type = "SYNTHETIC_VARIABLE",
                                    .entity_id = bytes_str(uuid),
                                    .title = title,
                                    .description = y->name,
                                    .org = y->org,
                                    .device = y->device};
    return event_service_append(tx, clock_wall_ns(s->clock), actor, &note);
}

/* --- where it begins -------------------------------------------------------------------------- */

struct reg_variable *synthetic_service_find_input(struct registry *r, struct reg_device *d,
                                                  struct bytes name)
{
    struct bytes alias = alias_of(name);
    struct reg_variable *v = registry_find_variable(r, d, name);
    return v || !alias.p ? v : registry_find_variable(r, d, alias);
}

static enum err find_newest(struct synthetic_service *s, const struct synthetic *y,
                            const struct expression *x, int64_t *ret_ns)
{
    struct reg_device *d = registry_find_key(s->registry, y->org, y->device);
    *ret_ns = INT64_MIN;
    for (size_t i = 0; d && i < expression_name_count(x); i++) {
        struct sample newest = {.ts_ns = INT64_MIN};
        struct reg_variable *v =
            synthetic_service_find_input(s->registry, d, expression_name(x, i));
        if (!v) continue;
        enum err e = telemetry_latest(s->telemetry, y->org, &v->id, 1, &newest);
        if (e) return e;
        if (newest.ts_ns > *ret_ns) *ret_ns = newest.ts_ns;
    }
    return ERR_OK;
}

/* The first enabled one of a device: nothing before now was ever to be computed (keeps Y3). */
static enum err begin_now(struct synthetic_service *s, struct sql_tx *tx, const struct synthetic *y,
                          const struct expression *x, struct arena *arena)
{
    struct synthetic *rows;
    size_t n = 0, others = 0;
    int64_t newest_ns;
    enum err e = catalog_synthetics_list_device(tx, y->org, y->device, arena, &rows, &n);
    for (size_t i = 0; i < n && !e; i++) others += rows[i].enabled && rows[i].id != y->id;
    if (e || others) return e;
    e = find_newest(s, y, x, &newest_ns);
    return e ? e : catalog_synthetics_set_position(tx, y->org, y->device, newest_ns);
}

/* --- create ----------------------------------------------------------------------------------- */

/* By external id or uuid. */
static enum err find_device(struct sql_tx *tx, struct bytes id, struct arena *arena,
                            struct synthetic *y)
{
    struct device d;
    struct uuid uuid;
    enum err e = catalog_devices_find_external(tx, y->org, id, arena, &d);
    if (e == ERR_NOTFOUND && uuid_parse(id, &uuid))
        e = catalog_devices_find_uuid(tx, y->org, &uuid, arena, &d);
    if (e) return e;
    y->device = d.id;
    y->device_external_id = d.external_id;
    y->device_name = d.name;
    return ERR_OK;
}

static enum err check_counts(struct sql_tx *tx, const struct synthetic *y, struct arena *arena,
                             struct refusal *refusal)
{
    int64_t used = 0;
    size_t n = 0;
    struct synthetic *rows;
    enum err e = catalog_synthetics_count(tx, y->org, &used);
    if (!e) e = catalog_synthetics_list_device(tx, y->org, y->device, arena, &rows, &n);
    if (e) return e;
    if (used >= SYNTHETICS_PER_ORG)
        return refusal_limit(refusal, "synthetic-variables-per-organization", SYNTHETICS_PER_ORG,
                             used);
    if (n >= SYNTHETICS_PER_DEVICE)
        return refusal_limit(refusal, "synthetic-variables-per-device", SYNTHETICS_PER_DEVICE,
                             (int64_t)n);
    return ERR_OK;
}

static enum err make_variable(struct sql_tx *tx, struct synthetic *y, struct refusal *refusal)
{
    int64_t used = 0;
    struct variable v = {.org = y->org,
                         .device = y->device,
                         .name = y->name,
                         .description = y->description,
                         .unit = y->unit,
                         .data_type = BYTES("NUMBER"),
                         .data_source = BYTES("SYNTHETIC"),
                         .min_value = (double)NAN,
                         .max_value = (double)NAN,
                         .decimal_places = -1,
                         .created_ns = y->created_ns,
                         .updated_ns = y->created_ns};
    enum err e = catalog_variables_count(tx, y->org, y->device, &used);
    if (e) return e;
    if (used >= REGISTRY_VARIABLES_PER_DEVICE)
        return refusal_limit(refusal, "variables-per-device", REGISTRY_VARIABLES_PER_DEVICE, used);
    e = catalog_variables_insert(tx, &v);
    y->series = v.id;
    return e;
}

/* One that an earlier synthetic variable left is taken over; any other is the device's own. */
static enum err find_variable(struct sql_tx *tx, struct synthetic *y, struct arena *arena,
                              struct refusal *refusal)
{
    struct variable v;
    struct synthetic other;
    enum err e = catalog_variables_find_name(tx, y->org, y->device, y->name, arena, &v);
    if (e == ERR_NOTFOUND) return make_variable(tx, y, refusal);
    if (e) return e;
    e = catalog_synthetics_find_series(tx, y->org, y->device, v.id, arena, &other);
    if (!e)
        return why_say(&refusal->why, ERR_EXISTS,
                       "the device has a synthetic variable of this name");
    if (e != ERR_NOTFOUND) return e;
    if (!bytes_is(v.data_source, "SYNTHETIC"))
        return why_say(&refusal->why, ERR_EXISTS,
                       "the device has sent a variable of this name; choose another one");
    y->series = v.id;
    v.description = y->description;
    v.unit = y->unit;
    v.updated_ns = y->updated_ns;
    return catalog_variables_update(tx, &v);
}

static enum err create_in(struct synthetic_service *s, struct sql_tx *tx, const struct actor *actor,
                          struct bytes device, const struct expression *x, struct arena *arena,
                          struct synthetic *y, struct refusal *refusal)
{
    enum err e = find_device(tx, device, arena, y);
    if (!e) e = check_counts(tx, y, arena, refusal);
    if (!e) e = find_variable(tx, y, arena, refusal);
    if (!e) e = synthetic_checks_order(tx, y, x, arena, &refusal->why);
    if (!e) e = catalog_synthetics_insert(tx, y);
    if (!e && y->enabled) e = begin_now(s, tx, y, x, arena);
    return e ? e : note(s, tx, actor, EVENT_SYNTHETIC_CREATED, "Synthetic variable created", y);
}

/* Messages cannot carry it from the answer on, and records that come are computed. */
static enum err publish(struct synthetic_service *s, const struct synthetic *y)
{
    struct reg_variable *v;
    struct reg_device *d = registry_find_key(s->registry, y->org, y->device);
    if (!d) return ERR_OK; /* deleted meanwhile */
    enum err e = registry_publish_variable(s->registry, d, y->series, y->name, &v);
    if (e) return e;
    atomic_store(&v->computed, true);
    s->changed(s->engine, y->org, y->device);
    return ERR_OK;
}

enum err synthetic_service_create(struct synthetic_service *s, const struct actor *actor,
                                  const struct synthetic_change *given, struct arena *arena,
                                  struct synthetic *ret, struct refusal *refusal)
{
    struct sql_tx *tx;
    struct expression *x = NULL;
    int64_t now_ns = clock_wall_ns(s->clock);
    struct synthetic y = {.org = actor->org,
                          .uuid = uuid_random(s->rnd),
                          .enabled = true,
                          .created_ns = now_ns,
                          .updated_ns = now_ns};
    synthetic_checks_apply(&y, given, true, refusal);
    enum err e = y.expression.n ? synthetic_checks_expression(y.expression, &x, refusal) : ERR_OK;
    if (!e) e = refusal_fields(refusal);
    if (!e) e = sql_begin(s->db, SQL_WRITE, &tx);
    if (!e) e = sql_end(tx, create_in(s, tx, actor, given->device.value, x, arena, &y, refusal));
    expression_free(x);
    if (!e) e = publish(s, &y);
    if (!e) *ret = y;
    return e;
}

/* --- read ------------------------------------------------------------------------------------- */

static enum err find_in(struct sql_tx *tx, int64_t org, struct bytes text, struct arena *arena,
                        struct synthetic *ret)
{
    struct uuid uuid;
    if (!uuid_parse(text, &uuid)) return ERR_NOTFOUND;
    return catalog_synthetics_find(tx, org, &uuid, arena, ret);
}

enum err synthetic_service_find(struct synthetic_service *s, int64_t org, struct bytes uuid,
                                struct arena *arena, struct synthetic *ret)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    return e ? e : sql_end(tx, find_in(tx, org, uuid, arena, ret));
}

enum err synthetic_service_list(struct synthetic_service *s, int64_t org,
                                const struct synthetic_filter *filter,
                                const struct catalog_page *page, struct arena *arena,
                                struct synthetic **ret, struct catalog_listing *ret_listing,
                                struct why *why)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_synthetics_list(tx, org, filter, page, arena, ret, ret_listing, why);
    return sql_end(tx, e);
}

struct sample synthetic_service_last(struct synthetic_service *s, const struct synthetic *y)
{
    struct sample last = {.ts_ns = INT64_MIN};
    if (telemetry_latest(s->telemetry, y->org, &y->series, 1, &last)) last.ts_ns = INT64_MIN;
    return last;
}

/* --- change ----------------------------------------------------------------------------------- */

static enum err update_variable(struct sql_tx *tx, const struct synthetic *y, struct arena *arena)
{
    struct variable v;
    enum err e = catalog_variables_find(tx, y->org, y->series, arena, &v);
    if (e) return e;
    v.description = y->description;
    v.unit = y->unit;
    v.updated_ns = y->updated_ns;
    return catalog_variables_update(tx, &v);
}

static enum err update_in(struct synthetic_service *s, struct sql_tx *tx, const struct actor *actor,
                          struct bytes uuid, const struct synthetic_change *change,
                          struct arena *arena, struct synthetic *y, struct refusal *refusal)
{
    struct expression *x = NULL;
    enum err e = find_in(tx, actor->org, uuid, arena, y);
    if (e) return e;
    bool was_enabled = y->enabled;
    synthetic_checks_apply(y, change, false, refusal);
    if (y->expression.n) e = synthetic_checks_expression(y->expression, &x, refusal);
    if (!e) e = refusal_fields(refusal);
    y->updated_ns = clock_wall_ns(s->clock);
    if (!e) e = synthetic_checks_order(tx, y, x, arena, &refusal->why);
    if (!e) e = catalog_synthetics_update(tx, y);
    if (!e) e = update_variable(tx, y, arena);
    if (!e && y->enabled && !was_enabled) e = begin_now(s, tx, y, x, arena);
    expression_free(x);
    return e ? e : note(s, tx, actor, EVENT_SYNTHETIC_UPDATED, "Synthetic variable changed", y);
}

enum err synthetic_service_update(struct synthetic_service *s, const struct actor *actor,
                                  struct bytes uuid, const struct synthetic_change *change,
                                  struct arena *arena, struct synthetic *ret,
                                  struct refusal *refusal)
{
    struct sql_tx *tx;
    struct synthetic y;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, update_in(s, tx, actor, uuid, change, arena, &y, refusal));
    if (e) return e;
    s->changed(s->engine, y.org, y.device);
    *ret = y;
    return ERR_OK;
}

static enum err delete_in(struct synthetic_service *s, struct sql_tx *tx, const struct actor *actor,
                          struct bytes uuid, struct arena *arena, struct synthetic *y)
{
    enum err e = find_in(tx, actor->org, uuid, arena, y);
    if (!e) e = catalog_synthetics_delete(tx, y->org, y->id);
    return e ? e : note(s, tx, actor, EVENT_SYNTHETIC_DELETED, "Synthetic variable deleted", y);
}

enum err synthetic_service_delete(struct synthetic_service *s, const struct actor *actor,
                                  struct bytes uuid, struct arena *arena)
{
    struct sql_tx *tx;
    struct synthetic y;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, delete_in(s, tx, actor, uuid, arena, &y));
    if (e) return e;
    struct reg_variable *v = registry_find_variable_id(s->registry, y.org, y.series);
    if (v) atomic_store(&v->computed, false);
    s->changed(s->engine, y.org, y.device);
    return ERR_OK;
}

/* --- history ---------------------------------------------------------------------------------- */

static enum err backfill_in(struct synthetic_service *s, struct sql_tx *tx,
                            const struct actor *actor, struct bytes uuid, struct arena *arena,
                            struct synthetic *y, struct refusal *refusal)
{
    enum err e = find_in(tx, actor->org, uuid, arena, y);
    if (e) return e;
    if (!y->enabled)
        return why_say(&refusal->why, ERR_IMPOSSIBLE, "this synthetic variable is disabled");
    return note(s, tx, actor, EVENT_SYNTHETIC_BACKFILLED, "Synthetic variable computed again", y);
}

enum err synthetic_service_backfill(struct synthetic_service *s, const struct actor *actor,
                                    struct bytes uuid, int64_t from_ns, struct arena *arena,
                                    struct refusal *refusal)
{
    struct sql_tx *tx;
    struct synthetic y;
    int64_t now_ns = clock_wall_ns(s->clock);
    if (from_ns < now_ns - SYNTHETIC_BACKFILL_NS || from_ns > now_ns)
        refusal_field(refusal, "from", "must be a time within the last 31 days");
    enum err e = refusal_fields(refusal);
    if (!e) e = sql_begin(s->db, SQL_WRITE, &tx);
    if (!e) e = sql_end(tx, backfill_in(s, tx, actor, uuid, arena, &y, refusal));
    return e ? e : s->recompute(s->engine, y.org, y.device, from_ns);
}
