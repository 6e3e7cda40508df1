/* Devices from a table (see device_import.h). Whatever a row can have wrong is found before its
 * first statement that writes, so the other rows of its transaction stand. */
#include "service/device_import.h"

#include "service/device_bulk.h"
#include "service/device_rules.h"
#include "service/device_state.h"
#include "store/registry_properties.h"

#include <math.h>

/* The first wrong field becomes the row's sentence. */
struct import_run {
    struct device_service *s;
    struct sql_tx *tx;
    const struct actor *actor;
    struct arena *arena;
    const char *why;
};

static void note_field(void *ctx, const char *name, const char *why)
{
    struct import_run *r = ctx;
    if (r->why) return;
    r->why = arena_printf(r->arena, "%s %s", name, why);
    if (!r->why) r->why = "a field is not valid";
}

static enum err create(struct import_run *r, const struct device_import_row *row, struct device *d,
                       struct refusal *refusal)
{
    const struct device_change *c = &row->change;
    const struct device given = {
        .external_id = row->external_id,
        .name = c->name.value,
        .description = c->description.value,
        .location = c->location.value,
        .sensor_type = c->sensor_type.value,
        .firmware_version = c->firmware_version.value,
        .latitude = c->latitude.set ? c->latitude.value : (double)NAN,
        .longitude = c->longitude.set ? c->longitude.value : (double)NAN,
        .altitude = c->altitude.set ? c->altitude.value : (double)NAN,
        .active = !c->active_set || c->active,
    };
    device_rules_check(&given, refusal);
    enum err e = refusal_fields(refusal);
    if (e) return e;
    *d = device_state_from(r->s, r->actor, &given);
    return device_state_insert(r->s, r->tx, r->actor, d, NULL, r->arena, refusal);
}

static enum err run_row(struct import_run *r, struct device_import_row *row, struct device *d)
{
    struct refusal refusal = {.field = note_field, .field_ctx = r};
    *d = (struct device){.id = 0};
    if (row->why) return ERR_OK;
    r->why = NULL;
    enum err e = catalog_devices_find_external(r->tx, r->actor->org, row->external_id, r->arena, d);
    row->created = e == ERR_NOTFOUND;
    if (!e)
        e = device_state_change(r->s, r->tx, r->actor, d, &row->change, r->arena, &refusal);
    else if (e == ERR_NOTFOUND)
        e = create(r, row, d, &refusal);
    if (!e) return ERR_OK;
    d->id = 0; /* nothing to tell the registry */
    row->limited = e == ERR_LIMIT;
    row->why = e == ERR_LIMIT     ? "The organisation has as many devices as it may."
               : e == ERR_INVALID ? r->why
                                  : NULL;
    return row->why ? ERR_OK : e;
}

static enum err run_piece(struct import_run *r, struct device_import_row *rows, size_t n)
{
    struct device devices[BULK_PIECE];
    enum err e = sql_begin(r->s->db, SQL_WRITE, &r->tx);
    if (e) return e;
    for (size_t i = 0; !e && i < n; i++) e = run_row(r, &rows[i], &devices[i]);
    uint64_t ticket = registry_properties_ticket(r->s->registry);
    e = sql_end(r->tx, e);
    for (size_t i = 0; !e && i < n; i++) {
        if (!devices[i].id) continue;
        if (rows[i].created)
            e = device_state_born(r->s, ticket, &devices[i], NULL);
        else
            device_state_changed(r->s, ticket, &devices[i]);
    }
    return e;
}

enum err device_import_run(struct device_service *s, const struct actor *actor,
                           struct device_import_row *rows, size_t n, struct arena *arena)
{
    struct import_run r = {.s = s, .actor = actor, .arena = arena};
    enum err e = ERR_OK;
    for (size_t at = 0; !e && at < n; at += BULK_PIECE)
        e = run_piece(&r, rows + at, n - at < BULK_PIECE ? n - at : BULK_PIECE);
    return e;
}
