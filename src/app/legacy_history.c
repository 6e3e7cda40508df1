/* What happened: alerts of rules and of fleet rules, and the trail of events (see legacy.h). It is
 * history: alerts keep their uuid and who saw them, and have ended, for their rules begin anew. */
#include "app/legacy.h"
#include "model/alert.h"
#include "service/event_service.h"
#include "service/event_types.h"
#include "store/catalog_alerts.h"
#include "store/catalog_fleet_rules.h"

#include <math.h>

enum { TYPE_MAX = 50, SHORT_MAX = 255, TEXT_MAX = 2000, METADATA_BYTES = 16 << 10 };

/* --- alerts ----------------------------------------------------------------------------------- */

static const struct legacy_field alert_fields[] = {
    {"rule_id", "rule_id::text"},
    {"id", "id::text"},
    {"message", "message::text"},
    {"severity", "upper(severity)::text"},
    {"triggered_value", "triggered_value::float8"},
    {"triggered_at", LEGACY_TIME("triggered_at")},
    {"created_at", LEGACY_TIME("created_at")},
    {"acknowledged", "acknowledged"},
    {"acknowledged_at", LEGACY_TIME("acknowledged_at")},
    {"acknowledged_by", "acknowledged_by::bigint"},
    {"resolved_at", LEGACY_TIME("resolved_at")},
    {"resolved_by", "resolved_by::bigint"},
    {"device_count", "device_count::bigint"},
    {"affected_devices",
     "CASE jsonb_typeof(affected_devices) WHEN 'array' THEN affected_devices::text END"},
    {"resolution_note", "resolution_note::text"},
};
/* The same of fleet rules, which stand in a table of their own. */
static const struct legacy_field fleet_alert_first = {"global_rule_id", "global_rule_id::text"};

struct alert_row {
    struct alert alert;
    struct fleet_alert fleet;
    struct bytes uuid, severity;
    bool acknowledged;
};

static void read_alert(struct catalog_reader *r, struct alert_row *row)
{
    struct alert *a = &row->alert;
    row->uuid = catalog_rows_text(r);
    a->message = bytes_trim(catalog_rows_text(r));
    row->severity = catalog_rows_text(r);
    a->triggered_value = catalog_rows_real(r);
    a->raised_ns = catalog_rows_int(r);
    int64_t created_ns = catalog_rows_int(r);
    if (!a->raised_ns) a->raised_ns = created_ns;
    row->acknowledged = catalog_rows_int(r) != 0;
    a->acknowledged_ns = catalog_rows_int(r);
    a->acknowledged_by = catalog_rows_int(r);
    a->resolved_ns = catalog_rows_int(r);
    a->resolved_by = catalog_rows_int(r);
    row->fleet.device_count = catalog_rows_int(r);
    row->fleet.affected = catalog_rows_text(r);
    row->fleet.resolution_note = catalog_rows_text(r);
}

/* Who acknowledged or resolved, as far as they came along. */
static int64_t user_of(struct legacy *l, int64_t id, int64_t org)
{
    const struct legacy_user *u = legacy_find_user(l, id);
    return u && u->org == org ? id : 0;
}

/* Seen when it says so; ended when it says so, else with the take-over. */
static void settle_alert(struct legacy *l, struct alert_row *row, const struct legacy_rule *rule)
{
    struct alert *a = &row->alert;
    const struct legacy_device *d = rule->device;
    a->org = rule->org;
    a->source = d ? ALERT_OF_RULE : ALERT_OF_FLEET_RULE;
    a->rule = rule->id;
    a->rule_uuid = rule->uuid;
    a->rule_name = rule->name;
    a->variable = rule->variable;
    if (d) {
        a->device = d->id;
        a->device_external_id = d->external_id;
        a->device_name = d->name;
    }
    if (!alert_severity_parse(row->severity, &a->severity)) a->severity = ALERT_MEDIUM;
    if (!isfinite(a->triggered_value)) a->triggered_value = 0;
    if (!a->message.n) a->message = rule->name;
    a->message = legacy_text(l, a->message, TEXT_MAX, LEGACY_ALERTS, "the message was shortened");
    if (!row->acknowledged) a->acknowledged_ns = 0;
    if (row->acknowledged && !a->acknowledged_ns) a->acknowledged_ns = a->raised_ns;
    a->acknowledged_by = row->acknowledged ? user_of(l, a->acknowledged_by, a->org) : 0;
    a->resolved_by = a->resolved_ns ? user_of(l, a->resolved_by, a->org) : 0;
    if (!a->resolved_ns) a->resolved_ns = l->now_ns;
}

static enum err write_alert(struct legacy *l, struct alert_row *row)
{
    struct alert *a = &row->alert;
    const struct alert said = *a;
    bool is_new = false;
    if (!l->tx) return ERR_OK;
    enum err e = catalog_alerts_insert(l->tx, a, &is_new);
    if (e) return e;
    bug_if(!is_new); /* the time was claimed */
    a->acknowledged_ns = said.acknowledged_ns;
    a->resolved_ns = said.resolved_ns;
    e = catalog_alerts_update(l->tx, a);
    if (e || a->source != ALERT_OF_FLEET_RULE) return e;
    row->fleet.org = a->org;
    row->fleet.alert = a->id;
    if (!row->fleet.affected.n) row->fleet.affected = BYTES("[]");
    e = catalog_fleet_rules_add_alert(l->tx, &row->fleet);
    if (e || !row->fleet.resolution_note.n) return e;
    return catalog_fleet_rules_note_alert(l->tx, a->org, a->id, row->fleet.resolution_note);
}

/* One rule raises one alert at one time. */
static bool claim_time(struct legacy *l, const struct legacy_rule *rule, int64_t at_ns, enum err *e)
{
    char key[sizeof rule->uuid + sizeof at_ns];
    memcpy(key, &rule->uuid, sizeof rule->uuid);
    memcpy(key + sizeof rule->uuid, &at_ns, sizeof at_ns);
    return legacy_claim(l, &l->raised, bytes_of(key, sizeof key), e);
}

static enum err take_alert(void *ctx, struct catalog_reader *r)
{
    struct legacy *l = ctx;
    const struct legacy_rule *rule = legacy_find_rule(l, catalog_rows_text(r));
    struct alert_row row = {.acknowledged = false};
    enum err e = ERR_OK;
    const char *no = NULL;
    read_alert(r, &row);
    l->report.found[LEGACY_ALERTS]++;
    if (!rule)
        no = "of a rule that was left out";
    else if (!uuid_parse(row.uuid, &row.alert.uuid))
        no = "its id is no UUID";
    else if (!row.alert.raised_ns)
        no = "without a time";
    else if (!claim_time(l, rule, row.alert.raised_ns, &e))
        no = "its rule has another one of that time";
    if (e) return e;
    if (no) {
        legacy_report_left(&l->report, LEGACY_ALERTS, no, row.alert.message);
        return ERR_OK;
    }
    settle_alert(l, &row, rule);
    e = write_alert(l, &row);
    l->report.taken[LEGACY_ALERTS] += !e;
    return e;
}

/* --- events ----------------------------------------------------------------------------------- */

static const struct legacy_field event_fields[] = {
    {"id", "id::bigint"},
    {"organization_id", "organization_id::bigint"},
    {"event_type", "event_type::text"},
    {"severity", "upper(severity)::text"},
    {"entity_type", "entity_type::text"},
    {"entity_id", "entity_id::text"},
    {"title", "title::text"},
    {"description", "description::text"},
    {"metadata", "CASE jsonb_typeof(metadata) WHEN 'object' THEN metadata::text END"},
    {"user_id", "user_id::bigint"},
    {"device_id", "device_id::text"},
    {"created_at", LEGACY_TIME("created_at")},
};

static enum event_severity severity_of(struct bytes name)
{
    for (unsigned s = 0; s < EVENT_SEVERITIES; s++)
        if (bytes_is(name, event_severity_name((enum event_severity)s)))
            return (enum event_severity)s;
    return EVENT_INFO;
}

static void read_event(struct legacy *l, struct catalog_reader *r, struct event *v)
{
    static const char shortened[] = "a text was shortened";
    v->severity = severity_of(catalog_rows_text(r));
    v->entity_type = legacy_text(l, catalog_rows_text(r), TYPE_MAX, LEGACY_EVENTS, shortened);
    v->entity_id = legacy_text(l, catalog_rows_text(r), SHORT_MAX, LEGACY_EVENTS, shortened);
    v->title = legacy_text(l, catalog_rows_text(r), SHORT_MAX, LEGACY_EVENTS, shortened);
    v->description = legacy_text(l, catalog_rows_text(r), TEXT_MAX, LEGACY_EVENTS, shortened);
    v->metadata = catalog_rows_text(r);
    if (v->metadata.n > METADATA_BYTES) v->metadata = bytes_of(NULL, 0);
    v->user = user_of(l, catalog_rows_int(r), v->org);
    const struct legacy_device *d = legacy_find_device(l, catalog_rows_text(r));
    if (d && d->org == v->org) v->device = d->id;
    v->created_ns = catalog_rows_int(r);
}

/* There is one for every message there; the readings themselves come along. */
static bool is_of_a_reading(struct bytes type)
{
    return bytes_is(type, "TELEMETRY_RECEIVED") || bytes_is(type, "SYNTHETIC_VARIABLE_CALCULATED");
}

/* In words, as the trail says it here: "user:ann". */
static enum err name_actor(struct legacy *l, struct event *v, struct arena *a)
{
    const struct legacy_user *u = v->user ? legacy_find_user(l, v->user) : NULL;
    const char *text = u ? arena_printf(a, "user:%.*s", (int)u->name.n, u->name.p) : "system";
    v->actor = bytes_str(text);
    return text ? ERR_OK : ERR_NOMEM;
}

static enum err take_event(void *ctx, struct catalog_reader *r)
{
    struct legacy *l = ctx;
    (void)catalog_rows_int(r);
    struct event v = {.org = catalog_rows_int(r), .type = catalog_rows_text(r)};
    const char *no = NULL;
    l->report.found[LEGACY_EVENTS]++;
    if (!legacy_find_org(l, v.org)) no = "of an organisation that was left out";
    if (!no && (!v.type.n || v.type.n > TYPE_MAX)) no = "a type that is none";
    if (!no && is_of_a_reading(v.type)) no = "it only tells that a reading came";
    if (!no) read_event(l, r, &v);
    if (!no && !v.created_ns) no = "without a time";
    if (no) {
        legacy_report_left(&l->report, LEGACY_EVENTS, no, v.type);
        return ERR_OK;
    }
    enum err e = name_actor(l, &v, r->arena);
    if (!e && l->tx) e = catalog_events_append(l->tx, &v);
    l->report.taken[LEGACY_EVENTS] += !e;
    return e;
}

/* --- the newest one --------------------------------------------------------------------------- */

static enum err tell_one(struct legacy *l, int64_t org)
{
    const struct actor actor = {.name = BYTES("cli:import legacy"), .org = org};
    const struct event_note note = {.type = EVENT_LEGACY_IMPORTED,
                                    .entity_type = "ORGANIZATION",
                                    .title = "Taken over from the Java platform"};
    return event_service_append(l->tx, l->now_ns, &actor, &note);
}

static enum err take_told(void *ctx, struct catalog_reader *r)
{
    struct legacy *l = ctx;
    int64_t org = catalog_rows_int(r);
    return l->tx && legacy_find_org(l, org) ? tell_one(l, org) : ERR_OK;
}

enum err legacy_history_take(struct legacy *l)
{
    static const struct legacy_field org_field = {"id", "id::bigint"};
    enum { FIELDS = sizeof alert_fields / sizeof *alert_fields };
    struct legacy_field of_fleet[FIELDS];
    struct legacy_source *s = &l->source;
    memcpy(of_fleet, alert_fields, sizeof of_fleet);
    of_fleet[0] = fleet_alert_first;
    enum err e = legacy_source_each(s, "alerts", alert_fields, FIELDS, "ORDER BY created_at, id",
                                    take_alert, l);
    if (!e)
        e = legacy_source_each(s, "global_alerts", of_fleet, FIELDS, "ORDER BY triggered_at, id",
                               take_alert, l);
    if (!e)
        e = legacy_source_each(s, "events", event_fields,
                               sizeof event_fields / sizeof *event_fields,
                               "ORDER BY created_at, id", take_event, l);
    if (!e) e = legacy_source_each(s, "organizations", &org_field, 1, "ORDER BY id", take_told, l);
    return e;
}
