/* Fleet rules at work (see fleet_engine.h). */
#include "rules/fleet_engine.h"

#include "base/buf.h"
#include "codec/json_write.h"
#include "store/catalog_alerts.h"
#include "store/catalog_fleet_rules.h"

#include <stdio.h>

enum { ARENA_BYTES = 64 << 20, AFFECTED_BYTES = 8 << 10, MESSAGE_BYTES = 512 };

/* A tag is known by its name, a group by its id; what is no number is no group. */
enum err fleet_engine_find_label(struct sql_tx *tx, const struct fleet_rule *r, struct arena *arena,
                                 struct label *ret)
{
    int64_t id = 0;
    if (r->selector == FLEET_TAG)
        return catalog_labels_find_name(tx, r->org, LABEL_TAG, r->selector_value, arena, ret);
    if (!bytes_to_i64(r->selector_value, &id)) return ERR_NOTFOUND;
    return catalog_labels_find(tx, r->org, LABEL_GROUP, id, arena, ret);
}

/* --- which devices ---------------------------------------------------------------------------- */

static void keep(struct fleet_scope *s, struct reg_device *d)
{
    if (d && atomic_load(&d->active) && s->n < FLEET_DEVICES_MAX) s->devices[s->n++] = d;
}

static enum err select_all(struct fleet_engine *f, const struct fleet_rule *r, struct arena *arena,
                           struct fleet_scope *s)
{
    size_t n = registry_count_devices(f->registry, r->org);
    if (n > FLEET_DEVICES_MAX) n = FLEET_DEVICES_MAX;
    struct reg_device **all = arena_array(arena, n ? n : 1, sizeof *all);
    s->devices = arena_array(arena, n ? n : 1, sizeof *s->devices);
    if (!all || !s->devices) return ERR_NOMEM;
    n = registry_list_devices(f->registry, r->org, 0, all, n);
    for (size_t i = 0; i < n; i++) keep(s, all[i]);
    return ERR_OK;
}

static enum err list_members(struct sql_tx *tx, const struct fleet_rule *r, struct arena *arena,
                             struct label_member **ret, size_t *ret_n)
{
    struct label label;
    *ret_n = 0;
    enum err e = fleet_engine_find_label(tx, r, arena, &label);
    if (e == ERR_NOTFOUND) return ERR_OK; /* deleted since: nobody has it */
    if (e) return e;
    return catalog_labels_members(tx, r->org, label.kind, label.id, FLEET_DEVICES_MAX, arena, ret,
                                  ret_n);
}

static enum err select_some(struct fleet_engine *f, const struct fleet_rule *r, struct arena *arena,
                            struct fleet_scope *s)
{
    struct sql_tx *tx;
    struct label_member *members = NULL;
    size_t n = 0;
    enum err e = sql_begin(f->db, SQL_READ, &tx);
    if (e) return e;
    if ((e = sql_end(tx, list_members(tx, r, arena, &members, &n)))) return e;
    s->devices = arena_array(arena, n ? n : 1, sizeof *s->devices);
    if (!s->devices) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        keep(s, registry_find_key(f->registry, r->org, members[i].device));
    return ERR_OK;
}

/* --- what follows ----------------------------------------------------------------------------- */

struct outcome {
    struct fleet_engine *f;
    const struct fleet_scope *scope;
    const struct fleet_value *value;
    struct arena *arena;
    struct alert alert; /* what was raised or ended */
    bool changed;
    enum alert_change change;
};

static struct bytes message_of(const struct outcome *o, const struct fleet_rule *r)
{
    static const char *const words[RULE_OPERATORS] = {[RULE_GT] = "above",
                                                      [RULE_GTE] = "at or above",
                                                      [RULE_LT] = "below",
                                                      [RULE_LTE] = "at or below",
                                                      [RULE_EQ] = "equal to"};
    char *text = arena_alloc(o->arena, MESSAGE_BYTES);
    if (!text) return bytes_str("");
    bool variable = fleet_rule_needs_variable(r->function);
    int n = snprintf(text, MESSAGE_BYTES, "%s%s%.*s%s of %zu devices is %.10g, %s %.10g",
                     fleet_rule_function_name(r->function), variable ? "(" : "",
                     variable ? (int)r->variable.n : 0, variable ? r->variable.p : "",
                     variable ? ")" : "", o->scope->n, o->value->value, words[r->op], r->threshold);
    return bytes_of(text, n < MESSAGE_BYTES ? (size_t)n : MESSAGE_BYTES - 1);
}

static enum err add_details(struct sql_tx *tx, const struct outcome *o)
{
    struct buf b;
    char uuid[UUID_TEXT + 1];
    buf_init(&b, AFFECTED_BYTES);
    json_write_open(&b, '[');
    for (size_t i = 0; i < o->value->affected_count && i < FLEET_AFFECTED_MAX; i++) {
        uuid_format(&o->value->affected[i]->uuid, uuid);
        json_write_string(&b, bytes_str(uuid));
    }
    json_write_close(&b, ']');
    const struct fleet_alert details = {.org = o->alert.org,
                                        .alert = o->alert.id,
                                        .device_count = (int64_t)o->scope->n,
                                        .affected = buf_bytes(&b)};
    enum err e = b.err ? b.err : catalog_fleet_rules_add_alert(tx, &details);
    buf_done(&b);
    return e;
}

static enum err raise(struct sql_tx *tx, struct outcome *o, struct fleet_rule *r)
{
    int64_t now_ns = o->scope->now_ns;
    bool fresh = false;
    o->alert = (struct alert){
        .org = r->org,
        .uuid = uuid_random(o->f->rnd),
        .source = ALERT_OF_FLEET_RULE,
        .rule = r->id,
        .rule_uuid = r->uuid,
        .rule_name = r->name,
        .variable = r->variable,
        .message = message_of(o, r),
        .severity = alerts_severity(o->value->value, r->threshold),
        .triggered_value = o->value->value,
        .raised_ns = now_ns,
    };
    enum err e = alerts_raise(o->f->alerts, tx, &o->alert, &fresh);
    if (!e && fresh) e = add_details(tx, o);
    r->open_alert = o->alert.id;
    r->triggered_ns = now_ns;
    o->changed = fresh;
    o->change = ALERT_RAISED;
    return e;
}

/* Looks at the alert that is said to be open; a person may have ended it. */
static enum err settle_open(struct sql_tx *tx, struct outcome *o, struct fleet_rule *r, bool holds)
{
    enum err e = catalog_alerts_find(tx, r->org, r->open_alert, o->arena, &o->alert);
    if (e && e != ERR_NOTFOUND) return e;
    bool ended = e || o->alert.resolved_ns;
    if (!ended && holds) return ERR_OK;
    r->open_alert = 0;
    if (ended) return ERR_OK;
    o->change = ALERT_RESOLVED;
    return alerts_resolve(o->f->alerts, tx, &o->alert, o->scope->now_ns, 0, &o->changed);
}

static enum err apply(struct sql_tx *tx, struct outcome *o, const struct fleet_rule *seen)
{
    struct fleet_rule r;
    enum err e = catalog_fleet_rules_find(tx, seen->org, &seen->uuid, o->arena, &r);
    if (e == ERR_NOTFOUND || (!e && r.updated_ns != seen->updated_ns)) return ERR_STALE; /* F1 */
    if (e) return e;
    const struct fleet_value *v = o->value;
    bool holds = v->known && rule_operator_holds(r.op, v->value, r.threshold);
    if (v->known && r.open_alert) e = settle_open(tx, o, &r, holds);
    bool cool = !r.triggered_ns || o->scope->now_ns - r.triggered_ns >= r.cooldown_ns;
    if (!e && holds && !r.open_alert && cool) e = raise(tx, o, &r);
    r.evaluated_ns = o->scope->now_ns;
    return e ? e : catalog_fleet_rules_set_state(tx, &r);
}

static enum err follow(struct fleet_engine *f, const struct fleet_rule *rule, struct outcome *o)
{
    struct sql_tx *tx;
    enum err e = sql_begin(f->db, SQL_WRITE, &tx);
    if (!e) e = sql_end(tx, apply(tx, o, rule));
    if (!e && o->changed) alerts_committed(f->alerts, &o->alert, o->change);
    return e;
}

enum err fleet_engine_evaluate(struct fleet_engine *f, const struct fleet_rule *rule,
                               struct fleet_value *ret_value, struct arena *arena, struct why *why)
{
    struct fleet_scope scope = {
        .telemetry = f->telemetry, .registry = f->registry, .now_ns = clock_wall_ns(f->clock)};
    struct fleet_value value = {.known = false};
    struct outcome o = {.f = f, .scope = &scope, .value = &value, .arena = arena};
    enum err e = rule->selector == FLEET_ORGANIZATION ? select_all(f, rule, arena, &scope)
                                                      : select_some(f, rule, arena, &scope);
    if (!e) e = fleet_value_compute(rule, &scope, arena, &value, why);
    if (!e && rule->enabled) e = follow(f, rule, &o);
    if (!e && ret_value) *ret_value = value;
    return e;
}

/* --- turns ------------------------------------------------------------------------------------ */

static enum err list_due(struct fleet_engine *f, struct arena *arena, struct fleet_rule **ret,
                         size_t *ret_n)
{
    struct sql_tx *tx;
    enum err e = sql_begin(f->db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, catalog_fleet_rules_list_due(tx, clock_wall_ns(f->clock), FLEET_DUE_AT_ONCE,
                                                    arena, ret, ret_n));
}

/* A rule whose number could not be computed waits for its next turn like the others. */
static enum err skip_turn(struct fleet_engine *f, const struct fleet_rule *r)
{
    struct sql_tx *tx;
    enum err e = sql_begin(f->db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, catalog_fleet_rules_skip(tx, r, clock_wall_ns(f->clock)));
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

static enum err take_turn(struct fleet_engine *f, const struct fleet_rule *r, struct why *why)
{
    struct arena arena;
    arena_init(&arena, ARENA_BYTES);
    enum err e = fleet_engine_evaluate(f, r, NULL, &arena, why);
    arena_done(&arena);
    if (e == ERR_STALE) return ERR_OK; /* due again at once, with what it says now */
    if (e == ERR_IMPOSSIBLE || e == ERR_NOMEM) return skip_turn(f, r);
    return e;
}

enum err fleet_engine_run(struct fleet_engine *f, size_t *ret_n, struct why *why)
{
    struct arena arena;
    struct fleet_rule *due = NULL;
    size_t n = 0, done = 0;
    arena_init(&arena, ARENA_BYTES);
    enum err e = list_due(f, &arena, &due, &n);
    for (; done < n && !e; done += !e) e = take_turn(f, &due[done], why);
    arena_done(&arena);
    *ret_n = done;
    return e;
}
