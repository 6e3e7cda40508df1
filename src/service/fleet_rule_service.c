/* Rules over many devices (see fleet_rule_service.h). */
#include "service/fleet_rule_service.h"

#include "service/auth_rules.h"
#include "service/event_service.h"
#include "service/event_types.h"

#include <math.h>

/* --- what a rule may say ---------------------------------------------------------------------- */

static void check_span(int64_t ns, int64_t min_ns, int64_t max_ns, const char *name,
                       const char *why, struct refusal *refusal)
{
    if (ns < min_ns || ns > max_ns) refusal_field(refusal, name, why);
}

static void check_texts(const struct fleet_rule *r, struct refusal *refusal)
{
    if (!r->name.n || !auth_rules_is_text(r->name, RULE_NAME_MAX))
        refusal_field(refusal, "name", "must be a text of 1 to 255 printable characters");
    if (r->description.n && !auth_rules_is_text(r->description, RULE_DESCRIPTION_MAX))
        refusal_field(refusal, "description", "may have 2000 printable characters at most");
}

/* A foreign tag or group is none: ERR_NOTFOUND. */
static enum err check_selector(struct sql_tx *tx, const struct fleet_rule *r, struct arena *arena)
{
    struct label label;
    if (r->selector == FLEET_ORGANIZATION) return ERR_OK;
    return fleet_engine_find_label(tx, r, arena, &label);
}

static enum err check(struct sql_tx *tx, const struct fleet_rule *r, struct arena *arena,
                      struct refusal *refusal)
{
    check_texts(r, refusal);
    if (fleet_rule_needs_variable(r->function) && !r->variable.n)
        refusal_field(refusal, "aggregationVariable", "is required for this function");
    if (!fleet_rule_needs_variable(r->function) && r->window_ns)
        refusal_field(refusal, "aggregationParams", "a window needs a function of a variable");
    if (!isfinite(r->threshold)) refusal_field(refusal, "threshold", "must be a number");
    check_span(r->interval_ns, FLEET_INTERVAL_MIN_NS, FLEET_INTERVAL_MAX_NS, "evaluationInterval",
               "must be between 10s and 1d", refusal);
    check_span(r->window_ns, 0, FLEET_WINDOW_MAX_NS, "aggregationParams",
               "the window may be 30d at most", refusal);
    check_span(r->cooldown_ns, 0, FLEET_COOLDOWN_MAX_NS, "cooldownMinutes",
               "must be between 0 and 10080", refusal);
    enum err e = refusal_fields(refusal);
    return e ? e : check_selector(tx, r, arena);
}

static enum err append_event(struct fleet_rule_service *s, struct sql_tx *tx,
                             const struct actor *actor, const char *type, const char *title,
                             const struct fleet_rule *r)
{
    char uuid[UUID_TEXT + 1];
    uuid_format(&r->uuid, uuid);
    const struct event_note note = {.type = type,
                                    .entity_type = "FLEET_RULE",
                                    .entity_id = bytes_str(uuid),
                                    .title = title,
                                    .description = r->name};
    return event_service_append(tx, clock_wall_ns(s->engine->clock), actor, &note);
}

/* --- making, finding -------------------------------------------------------------------------- */

static enum err create_in(struct fleet_rule_service *s, struct sql_tx *tx,
                          const struct actor *actor, struct fleet_rule *r, struct arena *arena,
                          struct refusal *refusal)
{
    int64_t count = 0;
    enum err e = check(tx, r, arena, refusal);
    if (!e) e = refusal_room(refusal, s->limits, tx, r->org, LIMIT_RULES);
    if (!e) e = catalog_fleet_rules_count(tx, r->org, &count);
    if (e) return e;
    if (count >= FLEET_RULES_PER_ORG_MAX)
        return refusal_limit(refusal, "fleet-rules-per-org", FLEET_RULES_PER_ORG_MAX, count);
    e = catalog_fleet_rules_insert(tx, r);
    return e ? e : append_event(s, tx, actor, EVENT_FLEET_RULE_CREATED, "Fleet rule made", r);
}

enum err fleet_rule_service_create(struct fleet_rule_service *s, const struct actor *actor,
                                   const struct fleet_rule *given, struct arena *arena,
                                   struct fleet_rule *ret, struct refusal *refusal)
{
    struct sql_tx *tx;
    struct fleet_rule r = *given;
    r.org = actor->org;
    r.uuid = uuid_random(s->engine->rnd);
    r.created_ns = r.updated_ns = clock_wall_ns(s->engine->clock);
    r.evaluated_ns = r.triggered_ns = r.open_alert = 0;
    enum err e = sql_begin(s->engine->db, SQL_WRITE, &tx);
    if (!e) e = sql_end(tx, create_in(s, tx, actor, &r, arena, refusal));
    if (!e) *ret = r;
    return e;
}

enum err fleet_rule_service_find(struct fleet_rule_service *s, int64_t org, struct bytes id,
                                 struct arena *arena, struct fleet_rule *ret)
{
    struct sql_tx *tx;
    struct uuid uuid;
    if (!uuid_parse(id, &uuid)) return ERR_NOTFOUND;
    enum err e = sql_begin(s->engine->db, SQL_READ, &tx);
    return e ? e : sql_end(tx, catalog_fleet_rules_find(tx, org, &uuid, arena, ret));
}

enum err fleet_rule_service_list(struct fleet_rule_service *s, int64_t org,
                                 const struct catalog_page *page, struct arena *arena,
                                 struct fleet_rule **ret, struct catalog_listing *ret_listing,
                                 struct why *why)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->engine->db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, catalog_fleet_rules_list(tx, org, page, arena, ret, ret_listing, why));
}

/* --- changing --------------------------------------------------------------------------------- */

/* The rule ends or sleeps: so does its alert. *ret_changed: it was open until now. */
static enum err end_alert(struct fleet_rule_service *s, struct sql_tx *tx,
                          const struct actor *actor, const struct fleet_rule *r,
                          struct arena *arena, struct alert *ret, bool *ret_changed)
{
    if (!r->open_alert) return ERR_OK;
    enum err e = catalog_alerts_find(tx, r->org, r->open_alert, arena, ret);
    if (e == ERR_NOTFOUND) return ERR_OK;
    if (e) return e;
    return alerts_resolve(s->engine->alerts, tx, ret, clock_wall_ns(s->engine->clock), actor,
                          ret_changed);
}

struct ending {
    struct alert alert;
    bool changed;
};

static enum err update_in(struct fleet_rule_service *s, struct sql_tx *tx,
                          const struct actor *actor, struct fleet_rule *r, struct arena *arena,
                          struct ending *ending, struct refusal *refusal)
{
    struct fleet_rule now;
    enum err e = check(tx, r, arena, refusal);
    if (!e) e = catalog_fleet_rules_find(tx, r->org, &r->uuid, arena, &now);
    if (e) return e;
    r->evaluated_ns = now.evaluated_ns; /* what evaluation keeps is not the caller's */
    r->triggered_ns = now.triggered_ns;
    r->open_alert = now.open_alert;
    if (!r->enabled) {
        e = end_alert(s, tx, actor, r, arena, &ending->alert, &ending->changed);
        r->open_alert = 0;
    }
    if (!e) e = catalog_fleet_rules_set_state(tx, r);
    if (!e) e = catalog_fleet_rules_update(tx, r);
    return e ? e : append_event(s, tx, actor, EVENT_FLEET_RULE_UPDATED, "Fleet rule changed", r);
}

enum err fleet_rule_service_update(struct fleet_rule_service *s, const struct actor *actor,
                                   struct fleet_rule *rule, struct arena *arena,
                                   struct refusal *refusal)
{
    struct sql_tx *tx;
    struct ending ending = {.changed = false};
    rule->updated_ns = clock_wall_ns(s->engine->clock);
    enum err e = sql_begin(s->engine->db, SQL_WRITE, &tx);
    if (!e) e = sql_end(tx, update_in(s, tx, actor, rule, arena, &ending, refusal));
    if (!e && ending.changed) alerts_committed(s->engine->alerts, &ending.alert, ALERT_RESOLVED);
    return e;
}

static enum err delete_in(struct fleet_rule_service *s, struct sql_tx *tx,
                          const struct actor *actor, const struct uuid *uuid, struct arena *arena,
                          struct ending *ending)
{
    struct fleet_rule r;
    enum err e = catalog_fleet_rules_find(tx, actor->org, uuid, arena, &r);
    if (!e) e = end_alert(s, tx, actor, &r, arena, &ending->alert, &ending->changed);
    if (!e) e = catalog_fleet_rules_delete(tx, r.org, r.id);
    return e ? e : append_event(s, tx, actor, EVENT_FLEET_RULE_DELETED, "Fleet rule deleted", &r);
}

enum err fleet_rule_service_delete(struct fleet_rule_service *s, const struct actor *actor,
                                   struct bytes id, struct arena *arena)
{
    struct sql_tx *tx;
    struct uuid uuid;
    struct ending ending = {.changed = false};
    if (!uuid_parse(id, &uuid)) return ERR_NOTFOUND;
    enum err e = sql_begin(s->engine->db, SQL_WRITE, &tx);
    if (!e) e = sql_end(tx, delete_in(s, tx, actor, &uuid, arena, &ending));
    if (!e && ending.changed) alerts_committed(s->engine->alerts, &ending.alert, ALERT_RESOLVED);
    return e;
}

/* --- alerts ----------------------------------------------------------------------------------- */

static enum err view_of(struct sql_tx *tx, const struct alert *alert, struct arena *arena,
                        struct fleet_alert_view *ret)
{
    ret->alert = *alert;
    ret->details = (struct fleet_alert){.org = alert->org, .alert = alert->id};
    enum err e = catalog_fleet_rules_find_alert(tx, alert->org, alert->id, arena, &ret->details);
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

static enum err find_alert_in(struct sql_tx *tx, int64_t org, struct bytes id, struct arena *arena,
                              struct fleet_alert_view *ret)
{
    struct uuid uuid;
    struct alert alert;
    if (!uuid_parse(id, &uuid)) return ERR_NOTFOUND;
    enum err e = catalog_alerts_find_uuid(tx, org, &uuid, arena, &alert);
    if (!e && alert.source != ALERT_OF_FLEET_RULE) e = ERR_NOTFOUND;
    return e ? e : view_of(tx, &alert, arena, ret);
}

enum err fleet_rule_service_alert(struct fleet_rule_service *s, int64_t org, struct bytes id,
                                  struct arena *arena, struct fleet_alert_view *ret)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->engine->db, SQL_READ, &tx);
    return e ? e : sql_end(tx, find_alert_in(tx, org, id, arena, ret));
}

static enum err list_alerts_in(struct sql_tx *tx, int64_t org, const struct alert_filter *filter,
                               const struct catalog_page *page, struct arena *arena,
                               struct fleet_alert_view **ret, struct catalog_listing *listing,
                               struct why *why)
{
    struct alert *alerts = NULL;
    enum err e = catalog_alerts_list(tx, org, filter, page, arena, &alerts, listing, why);
    if (e) return e;
    size_t n = listing->count;
    struct fleet_alert_view *views = arena_array(arena, n ? n : 1, sizeof *views);
    if (!views) return ERR_NOMEM;
    for (size_t i = 0; i < n && !e; i++) e = view_of(tx, &alerts[i], arena, &views[i]);
    *ret = views;
    return e;
}

enum err fleet_rule_service_alerts(struct fleet_rule_service *s, int64_t org,
                                   const struct alert_filter *filter,
                                   const struct catalog_page *page, struct arena *arena,
                                   struct fleet_alert_view **ret,
                                   struct catalog_listing *ret_listing, struct why *why)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->engine->db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, list_alerts_in(tx, org, filter, page, arena, ret, ret_listing, why));
}

enum err fleet_rule_service_count_alerts(struct fleet_rule_service *s, int64_t org,
                                         const struct alert_filter *filter, int64_t *ret)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->engine->db, SQL_READ, &tx);
    return e ? e : sql_end(tx, catalog_alerts_count(tx, org, filter, ret));
}

static enum err change_alert_in(struct fleet_rule_service *s, struct sql_tx *tx,
                                const struct actor *actor, struct bytes id,
                                enum alert_change change, struct bytes note, struct arena *arena,
                                struct fleet_alert_view *v, bool *ret_changed)
{
    int64_t now_ns = clock_wall_ns(s->engine->clock);
    enum err e = find_alert_in(tx, actor->org, id, arena, v);
    if (e) return e;
    if (change == ALERT_ACKNOWLEDGED)
        return alerts_acknowledge(s->engine->alerts, tx, &v->alert, now_ns, actor, ret_changed);
    e = alerts_resolve(s->engine->alerts, tx, &v->alert, now_ns, actor, ret_changed);
    if (e || !*ret_changed || !note.n) return e;
    v->details.resolution_note = note;
    return catalog_fleet_rules_note_alert(tx, v->alert.org, v->alert.id, note);
}

enum err fleet_rule_service_change_alert(struct fleet_rule_service *s, const struct actor *actor,
                                         struct bytes id, enum alert_change change,
                                         struct bytes note, struct arena *arena,
                                         struct fleet_alert_view *ret)
{
    struct sql_tx *tx;
    bool changed = false;
    enum err e = sql_begin(s->engine->db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, change_alert_in(s, tx, actor, id, change, note, arena, ret, &changed));
    if (!e && changed) alerts_committed(s->engine->alerts, &ret->alert, change);
    return e;
}
