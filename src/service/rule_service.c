/* Rules on variables (see rule_service.h). */
#include "service/rule_service.h"

#include "model/alias.h"
#include "rules/event_time.h"
#include "rules/rule_state.h"
#include "service/event_service.h"
#include "service/event_types.h"
#include "service/rule_checks.h"
#include "store/catalog_alerts.h"
#include "store/catalog_devices.h"

#include <math.h>

static enum err note(struct rule_service *s, struct sql_tx *tx, const struct actor *actor,
                     const char *type, const char *title, const struct rule *rule)
{
    char uuid[UUID_TEXT + 1];
    uuid_format(&rule->uuid, uuid);
    const struct event_note note = {.type = type,
                                    .entity_type = "RULE",
                                    .entity_id = bytes_str(uuid),
                                    .title = title,
                                    .description = rule->name,
                                    .org = rule->org,
                                    .device = rule->device};
    return event_service_append(tx, clock_wall_ns(s->clock), actor, &note);
}

static void tell(struct rule_service *s, const struct rule *rule)
{
    if (s->changed) s->changed(s->changed_ctx, rule->org, rule->id);
}

/* By external id or uuid. */
static enum err find_device(struct sql_tx *tx, struct bytes id, struct arena *arena,
                            struct rule *rule)
{
    struct device d;
    struct uuid uuid;
    enum err e = ERR_NOTFOUND;
    if (id.n && id.n <= DEVICE_EXTERNAL_ID_MAX * 4)
        e = catalog_devices_find_external(tx, rule->org, id, arena, &d);
    if (e == ERR_NOTFOUND && uuid_parse(id, &uuid))
        e = catalog_devices_find_uuid(tx, rule->org, &uuid, arena, &d);
    if (e) return e;
    rule->device = d.id;
    rule->device_external_id = d.external_id;
    rule->device_name = d.name;
    return ERR_OK;
}

/* Behind the newest reading that there is (keeps K1). */
static enum err begin_now(struct rule_service *s, const struct rule *rule, struct rule_progress *p)
{
    struct sample newest = {.ts_ns = EVENT_TIME_NEVER};
    struct reg_device *d = registry_find_key(s->registry, rule->org, rule->device);
    struct reg_variable *v = d ? registry_find_variable(s->registry, d, rule->variable) : NULL;
    if (d && !v) {
        struct bytes alias = alias_of(rule->variable);
        if (alias.p) v = registry_find_variable(s->registry, d, alias);
    }
    if (v && s->telemetry) {
        enum err e = telemetry_latest(s->telemetry, rule->org, &v->id, 1, &newest);
        if (e) return e;
    }
    const struct event_time t = event_time_after(newest.ts_ns, clock_wall_ns(s->clock));
    p->position_ns = t.position_ns;
    p->ahead_from_ns = t.ahead_from_ns;
    p->ahead_to_ns = t.ahead_to_ns;
    return ERR_OK;
}

/* --- create ----------------------------------------------------------------------------------- */

static enum err create_in(struct rule_service *s, struct sql_tx *tx, const struct actor *actor,
                          struct bytes device, struct arena *arena, struct rule *rule,
                          struct refusal *refusal)
{
    int64_t used = 0;
    struct rule_progress p = {.since_ns = RULE_STATE_NEVER, .raised_ns = RULE_STATE_NEVER};
    enum err e = find_device(tx, device, arena, rule);
    if (!e) e = refusal_room(refusal, s->limits, tx, rule->org, LIMIT_RULES);
    if (!e) e = catalog_rules_count(tx, rule->org, &used);
    if (e) return e;
    if (used >= RULES_PER_ORG)
        return refusal_limit(refusal, "rules-per-organization", RULES_PER_ORG, used);
    e = begin_now(s, rule, &p);
    if (!e) e = catalog_rules_insert(tx, rule, &p);
    return e ? e : note(s, tx, actor, EVENT_RULE_CREATED, "Rule created", rule);
}

enum err rule_service_create(struct rule_service *s, const struct actor *actor,
                             const struct rule_change *given, struct arena *arena, struct rule *ret,
                             struct refusal *refusal)
{
    struct sql_tx *tx;
    int64_t now = clock_wall_ns(s->clock);
    struct rule rule = {.org = actor->org,
                        .uuid = uuid_random(s->rnd),
                        .threshold = NAN,
                        .enabled = true,
                        .cooldown_ns = RULE_COOLDOWN_NS,
                        .created_ns = now,
                        .updated_ns = now};
    rule_checks_apply(&rule, given, true, refusal);
    if (!given->device.value.n)
        refusal_field(refusal, "deviceId", "is missing: the device's externalId");
    enum err e = refusal_fields(refusal);
    if (!e) e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, create_in(s, tx, actor, given->device.value, arena, &rule, refusal));
    if (e) return e;
    tell(s, &rule);
    *ret = rule;
    return ERR_OK;
}

/* --- read ------------------------------------------------------------------------------------- */

static enum err find_in(struct sql_tx *tx, int64_t org, struct bytes text, struct arena *arena,
                        struct rule *ret)
{
    struct uuid uuid;
    if (!uuid_parse(text, &uuid)) return ERR_NOTFOUND;
    return catalog_rules_find_uuid(tx, org, &uuid, arena, ret);
}

enum err rule_service_find(struct rule_service *s, int64_t org, struct bytes uuid,
                           struct arena *arena, struct rule *ret)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    return e ? e : sql_end(tx, find_in(tx, org, uuid, arena, ret));
}

enum err rule_service_list(struct rule_service *s, int64_t org, const struct rule_filter *filter,
                           const struct catalog_page *page, struct arena *arena, struct rule **ret,
                           struct catalog_listing *ret_listing, struct why *why)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_rules_list(tx, org, filter, page, arena, ret, ret_listing, why);
    return sql_end(tx, e);
}

/* --- change ----------------------------------------------------------------------------------- */

/* What one change did, for after the commit. */
struct outcome {
    struct rule rule;
    struct alert alert; /* that was resolved with it */
    bool resolved;
};

static enum err resolve_open(struct rule_service *s, struct sql_tx *tx, const struct actor *actor,
                             int64_t org, int64_t alert, struct arena *arena, struct outcome *o)
{
    if (!alert) return ERR_OK;
    enum err e = catalog_alerts_find(tx, org, alert, arena, &o->alert);
    if (e) return e == ERR_NOTFOUND ? ERR_OK : e;
    return alerts_resolve(s->alerts, tx, &o->alert, clock_wall_ns(s->clock), actor, &o->resolved);
}

/* Where the changed rule goes on. */
static enum err move_on(struct rule_service *s, struct sql_tx *tx, const struct actor *actor,
                        const struct rule *before, struct arena *arena, struct outcome *o)
{
    struct rule_progress p;
    const struct rule *now = &o->rule;
    bool moved = now->device != before->device || !bytes_equal(now->variable, before->variable);
    bool ends = moved || (before->enabled && !now->enabled);
    bool begins = !before->enabled && now->enabled;
    if (!ends && !begins && rule_checks_same_condition(before, now)) return ERR_OK;
    enum err e = catalog_rules_progress(tx, now->org, now->id, &p);
    if (!e && ends) e = resolve_open(s, tx, actor, now->org, p.alert, arena, o); /* keeps K2 */
    if (!e) e = begin_now(s, now, &p);
    if (e) return e;
    if (ends || p.phase == RULE_HOLDING) p.phase = RULE_IDLE;
    p.since_ns = RULE_STATE_NEVER;
    if (moved) p.raised_ns = RULE_STATE_NEVER;
    return catalog_rules_set_progress(tx, now->org, now->id, &p);
}

static enum err update_in(struct rule_service *s, struct sql_tx *tx, const struct actor *actor,
                          struct bytes uuid, const struct rule_change *change, struct arena *arena,
                          struct outcome *o, bool *ret_device, struct refusal *refusal)
{
    struct rule before;
    enum err e = find_in(tx, actor->org, uuid, arena, &before);
    if (e) return e;
    o->rule = before;
    rule_checks_apply(&o->rule, change, false, refusal);
    if (change->device.set && !change->device.value.n)
        refusal_field(refusal, "deviceId", "must be the device's externalId");
    e = refusal_fields(refusal);
    if (!e && change->device.set) {
        e = find_device(tx, change->device.value, arena, &o->rule);
        *ret_device = e == ERR_NOTFOUND;
    }
    o->rule.updated_ns = clock_wall_ns(s->clock);
    if (!e) e = catalog_rules_update(tx, &o->rule);
    if (!e) e = move_on(s, tx, actor, &before, arena, o);
    return e ? e : note(s, tx, actor, EVENT_RULE_UPDATED, "Rule changed", &o->rule);
}

static void conclude(struct rule_service *s, const struct outcome *o)
{
    tell(s, &o->rule);
    if (o->resolved) alerts_committed(s->alerts, &o->alert, ALERT_RESOLVED);
}

enum err rule_service_update(struct rule_service *s, const struct actor *actor, struct bytes uuid,
                             const struct rule_change *change, struct arena *arena,
                             struct rule *ret, bool *ret_device, struct refusal *refusal)
{
    struct sql_tx *tx;
    struct outcome o = {.resolved = false};
    *ret_device = false;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, update_in(s, tx, actor, uuid, change, arena, &o, ret_device, refusal));
    if (e) return e;
    conclude(s, &o);
    *ret = o.rule;
    return ERR_OK;
}

static enum err delete_in(struct rule_service *s, struct sql_tx *tx, const struct actor *actor,
                          struct bytes uuid, struct arena *arena, struct outcome *o)
{
    struct rule_progress p;
    enum err e = find_in(tx, actor->org, uuid, arena, &o->rule);
    if (!e) e = catalog_rules_progress(tx, o->rule.org, o->rule.id, &p);
    if (!e) e = resolve_open(s, tx, actor, o->rule.org, p.alert, arena, o);
    if (!e) e = catalog_rules_delete(tx, o->rule.org, o->rule.id);
    return e ? e : note(s, tx, actor, EVENT_RULE_DELETED, "Rule deleted", &o->rule);
}

enum err rule_service_delete(struct rule_service *s, const struct actor *actor, struct bytes uuid,
                             struct arena *arena)
{
    struct sql_tx *tx;
    struct outcome o = {.resolved = false};
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, delete_in(s, tx, actor, uuid, arena, &o));
    if (!e) conclude(s, &o);
    return e;
}
