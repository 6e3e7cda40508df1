/* Dashboards made, found, listed, changed, deleted (see dashboard_service.h). */
#include "service/dashboard_service.h"

#include "service/auth_rules.h"
#include "service/dashboard_state.h"
#include "service/event_types.h"
#include "store/catalog_dashboards.h"
#include "store/catalog_widgets.h"

#include <stdio.h>

/* --- what the family shares ------------------------------------------------------------------- */

struct bytes dashboard_state_id(int64_t id, char text[24])
{
    return bytes_of(text, (size_t)snprintf(text, 24, "%lld", (long long)id));
}

static enum err add_widgets(struct sql_tx *tx, struct arena *arena, struct dashboard *d)
{
    return catalog_widgets_list(tx, d->org, d->id, arena, &d->widgets, &d->widget_count);
}

enum err dashboard_state_find(struct sql_tx *tx, int64_t org, int64_t id, struct arena *arena,
                              struct dashboard *ret)
{
    enum err e = catalog_dashboards_find(tx, org, id, arena, ret);
    return e ? e : add_widgets(tx, arena, ret);
}

enum err dashboard_state_event(struct dashboard_service *s, struct sql_tx *tx,
                               const struct actor *actor, const struct event_note *note)
{
    return event_service_append(tx, clock_wall_ns(s->clock), actor, note);
}

enum err dashboard_state_device(struct dashboard_service *s, int64_t org,
                                const struct dashboard_text *said, struct bytes *text,
                                struct refusal *refusal)
{
    if (!said->set || (text->p && bytes_equal(*text, said->value))) return ERR_OK;
    *text = bytes_of(NULL, 0);
    if (!said->value.n) return ERR_OK;
    const struct reg_device *d = registry_find_device(s->registry, org, said->value);
    if (!d) {
        refusal->missing = "device";
        return ERR_NOTFOUND;
    }
    *text = d->external_id; /* lives as long as the registry */
    return ERR_OK;
}

void dashboard_state_text(struct bytes text, size_t max, const char *field, struct refusal *refusal)
{
    char why[64];
    if (auth_rules_is_text(text, max)) return;
    snprintf(why, sizeof why, "may have %zu printable characters at most", max);
    refusal_field(refusal, field, why);
}

/* --- one change ------------------------------------------------------------------------------- */

static enum err note(struct dashboard_service *s, struct sql_tx *tx, const struct actor *actor,
                     const struct dashboard *d, const char *type, const char *title)
{
    char id[24];
    const struct event_note n = {.type = type,
                                 .entity_type = "DASHBOARD",
                                 .entity_id = dashboard_state_id(d->id, id),
                                 .title = title,
                                 .description = d->name,
                                 .org = d->org};
    return dashboard_state_event(s, tx, actor, &n);
}

static void check(const struct dashboard *d, struct refusal *refusal)
{
    if (!bytes_trim(d->name).n) refusal_field(refusal, "name", "is required");
    dashboard_state_text(d->name, DASHBOARD_NAME_MAX, "name", refusal);
    /* lines are welcome here; characters were counted where it was read */
    if (d->description.n > 4 * DASHBOARD_DESCRIPTION_MAX || !bytes_is_utf8(d->description))
        refusal_field(refusal, "description", "may have 2000 characters at most");
}

static enum err apply(struct dashboard_service *s, struct dashboard *d,
                      const struct dashboard_change *c, struct refusal *refusal)
{
    if (c->name.set) d->name = c->name.value;
    dashboard_state_apply(&d->description, &c->description);
    if (c->default_set) d->is_default = c->is_default;
    if (c->layout.p) d->layout = c->layout;
    check(d, refusal);
    enum err e = refusal_fields(refusal);
    return e ? e
             : dashboard_state_device(s, d->org, &c->default_device, &d->default_device, refusal);
}

static enum err insert(struct dashboard_service *s, struct sql_tx *tx, const struct actor *actor,
                       struct dashboard *d, struct refusal *refusal)
{
    int64_t used = 0;
    enum err e = refusal_room(refusal, s->limits, tx, d->org, LIMIT_DASHBOARDS);
    if (!e) e = catalog_dashboards_count(tx, d->org, &used);
    if (e) return e;
    if (used >= DASHBOARDS_PER_ORG)
        return refusal_limit(refusal, "dashboards-per-organization", DASHBOARDS_PER_ORG, used);
    d->created_ns = d->updated_ns = clock_wall_ns(s->clock);
    if (d->is_default) e = catalog_dashboards_clear_default(tx, d->org, 0, d->created_ns);
    if (!e) e = catalog_dashboards_insert(tx, d);
    return e ? e : note(s, tx, actor, d, EVENT_DASHBOARD_CREATED, "Dashboard created");
}

enum err dashboard_service_create(struct dashboard_service *s, const struct actor *actor,
                                  const struct dashboard_change *given, struct dashboard *ret,
                                  struct refusal *refusal)
{
    struct dashboard d = {.org = actor->org, .layout = BYTES("{}")};
    struct sql_tx *tx;
    enum err e = apply(s, &d, given, refusal);
    if (!e) e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, insert(s, tx, actor, &d, refusal));
    if (!e) *ret = d;
    return e;
}

/* --- read ------------------------------------------------------------------------------------- */

enum err dashboard_service_find(struct dashboard_service *s, int64_t org, int64_t id,
                                struct arena *arena, struct dashboard *ret)
{
    struct sql_tx *tx;
    struct dashboard d;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = sql_end(tx, dashboard_state_find(tx, org, id, arena, &d));
    if (!e) *ret = d;
    return e;
}

static enum err read_default(struct dashboard_service *s, int64_t org, struct arena *arena,
                             struct dashboard *d)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_dashboards_find_default(tx, org, arena, d);
    if (!e) e = add_widgets(tx, arena, d);
    return sql_end(tx, e);
}

enum err dashboard_service_insert_default(struct dashboard_service *s, struct sql_tx *tx,
                                          const struct actor *actor, struct dashboard *ret,
                                          struct refusal *refusal)
{
    *ret = (struct dashboard){
        .org = actor->org, .name = BYTES("Dashboard"), .is_default = true, .layout = BYTES("{}")};
    return insert(s, tx, actor, ret, refusal);
}

/* Looks once more: somebody may have been quicker. Where transactions run side by side the index
 * lets one of two inserts through, and the other one is ERR_EXISTS. */
static enum err make_default(struct dashboard_service *s, const struct actor *actor,
                             struct arena *arena, struct dashboard *d, struct refusal *refusal)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = catalog_dashboards_find_default(tx, actor->org, arena, d);
    if (!e) e = add_widgets(tx, arena, d);
    if (e == ERR_NOTFOUND) e = dashboard_service_insert_default(s, tx, actor, d, refusal);
    return sql_end(tx, e);
}

enum err dashboard_service_find_default(struct dashboard_service *s, const struct actor *actor,
                                        struct arena *arena, struct dashboard *ret,
                                        struct refusal *refusal)
{
    struct dashboard d;
    enum err e = read_default(s, actor->org, arena, &d);
    if (e == ERR_NOTFOUND) e = make_default(s, actor, arena, &d, refusal);
    if (e == ERR_EXISTS) e = read_default(s, actor->org, arena, &d);
    if (!e) *ret = d;
    return e;
}

enum err dashboard_service_list(struct dashboard_service *s, int64_t org,
                                const struct catalog_page *page, struct arena *arena,
                                struct dashboard **ret, struct catalog_listing *ret_listing,
                                struct why *why)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, catalog_dashboards_list(tx, org, page, arena, ret, ret_listing, why));
}

/* --- change ----------------------------------------------------------------------------------- */

static enum err update_in(struct dashboard_service *s, struct sql_tx *tx, const struct actor *actor,
                          struct dashboard *d, const struct dashboard_change *change,
                          struct refusal *refusal)
{
    enum err e = apply(s, d, change, refusal);
    if (e) return e;
    d->updated_ns = clock_wall_ns(s->clock);
    if (d->is_default) e = catalog_dashboards_clear_default(tx, d->org, d->id, d->updated_ns);
    if (!e) e = catalog_dashboards_update(tx, d);
    return e ? e : note(s, tx, actor, d, EVENT_DASHBOARD_UPDATED, "Dashboard changed");
}

enum err dashboard_service_update(struct dashboard_service *s, const struct actor *actor,
                                  int64_t id, const struct if_match *match,
                                  const struct dashboard_change *change, struct arena *arena,
                                  struct dashboard *ret, struct refusal *refusal)
{
    struct sql_tx *tx;
    struct dashboard d;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = dashboard_state_find(tx, actor->org, id, arena, &d);
    if (!e) e = if_match_check(match, d.version); /* keeps B1 */
    if (!e) e = update_in(s, tx, actor, &d, change, refusal);
    e = sql_end(tx, e);
    if (!e) *ret = d;
    return e;
}

enum err dashboard_service_delete(struct dashboard_service *s, const struct actor *actor,
                                  int64_t id, const struct if_match *match, struct arena *arena)
{
    struct sql_tx *tx;
    struct dashboard d;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = catalog_dashboards_find(tx, actor->org, id, arena, &d);
    if (!e) e = if_match_check(match, d.version);
    if (!e) e = catalog_dashboards_delete(tx, d.org, d.id);
    if (!e) e = note(s, tx, actor, &d, EVENT_DASHBOARD_DELETED, "Dashboard deleted");
    return sql_end(tx, e);
}
