/* Alerts of fleet rules: list, read, acknowledge, resolve. */
#include "api/app.h"
#include "api/handlers_fleet.h"
#include "api/paging.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "service/fleet_rule_service.h"

enum { NOTE_MAX = 2000 };

static void write_who(struct buf *b, const char *key, int64_t user)
{
    if (user)
        json_write_member_i64(b, key, user);
    else
        json_write_member_null(b, key);
}

static void write_alert(struct buf *b, const struct fleet_alert_view *v)
{
    const struct alert *a = &v->alert;
    char uuid[UUID_TEXT + 1], rule[UUID_TEXT + 1];
    uuid_format(&a->uuid, uuid);
    uuid_format(&a->rule_uuid, rule);
    json_write_open(b, '{');
    json_write_member_text(b, "id", uuid);
    json_write_member_text(b, "globalRuleId", rule);
    json_write_member_str(b, "globalRuleName", a->rule_name);
    json_write_member_i64(b, "organizationId", a->org);
    json_write_member_str(b, "message", a->message);
    json_write_member_text(b, "severity", alerts_severity_name(a->severity));
    json_write_member_number(b, "triggeredValue", a->triggered_value);
    json_write_member_i64(b, "deviceCount", v->details.device_count);
    json_write_key(b, "affectedDevices");
    json_write_raw(b, v->details.affected.n ? v->details.affected : BYTES("[]"));
    service_call_time(b, "triggeredAt", a->raised_ns);
    json_write_member_bool(b, "acknowledged", a->acknowledged_ns != 0);
    service_call_time(b, "acknowledgedAt", a->acknowledged_ns);
    write_who(b, "acknowledgedBy", a->acknowledged_by);
    json_write_member_bool(b, "resolved", a->resolved_ns != 0);
    service_call_time(b, "resolvedAt", a->resolved_ns);
    write_who(b, "resolvedBy", a->resolved_by);
    json_write_member_str(b, "resolutionNote", v->details.resolution_note);
    service_call_time(b, "createdAt", a->raised_ns);
    json_write_close(b, '}');
}

void fleet_alerts_api_list(struct api_call *c)
{
    struct paging p;
    struct fleet_alert_view *alerts = NULL;
    struct catalog_listing listing;
    struct why why = {""};
    struct alert_filter filter = {.severity = -1, .source = ALERT_OF_FLEET_RULE};
    if (!service_call_query_bool(c, "unacknowledgedOnly", &filter.unacknowledged)) return;
    if (!paging_read(c, &p)) return;
    if (!p.asked) p.page.size = PAGING_SIZE;
    p.asked = true; /* old clients know this list in pages only */
    enum err e = fleet_rule_service_alerts(c->app->fleet_rules, c->who.org, &filter, &p.page,
                                           c->arena, &alerts, &listing, &why);
    if (e) {
        api_fail(c, e, &why);
        return;
    }
    paging_open(c, &p);
    for (size_t i = 0; i < listing.count; i++) write_alert(c->body, &alerts[i]);
    paging_close(c, &p, &listing);
    service_call_cacheable(c);
}

static void answer(struct api_call *c, enum err e, const struct fleet_alert_view *v)
{
    struct refusal refusal = {.fields = 0};
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "alert");
        return;
    }
    write_alert(c->body, v);
    api_ok(c, 200);
}

void fleet_alerts_api_get(struct api_call *c)
{
    struct fleet_alert_view v;
    enum err e =
        fleet_rule_service_alert(c->app->fleet_rules, c->who.org, c->params[0], c->arena, &v);
    answer(c, e, &v);
}

static void change(struct api_call *c, enum alert_change change, struct bytes note)
{
    struct fleet_alert_view v;
    struct actor actor = service_call_actor(c);
    enum err e = fleet_rule_service_change_alert(c->app->fleet_rules, &actor, c->params[0], change,
                                                 note, c->arena, &v);
    answer(c, e, &v);
}

void fleet_alerts_api_acknowledge(struct api_call *c)
{
    change(c, ALERT_ACKNOWLEDGED, bytes_of(NULL, 0));
}

/* The body may be missing. */
void fleet_alerts_api_resolve(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct bytes note = {NULL, 0};
    if (c->request_body.n) {
        if (!api_json(c, &json)) return;
        api_fields_open(&f, c, json);
        note = api_field_text(&f, "resolutionNote", NOTE_MAX);
        if (!api_fields_close(&f)) return;
    }
    change(c, ALERT_RESOLVED, note);
}

void fleet_alerts_api_stats(struct api_call *c)
{
    struct alert_filter filter = {
        .unacknowledged = true, .severity = -1, .source = ALERT_OF_FLEET_RULE};
    int64_t unacknowledged = 0, unresolved = 0;
    enum err e =
        fleet_rule_service_count_alerts(c->app->fleet_rules, c->who.org, &filter, &unacknowledged);
    filter.unacknowledged = false;
    filter.open = true;
    if (!e)
        e = fleet_rule_service_count_alerts(c->app->fleet_rules, c->who.org, &filter, &unresolved);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    json_write_open(c->body, '{');
    json_write_member_i64(c->body, "unacknowledged", unacknowledged);
    json_write_member_i64(c->body, "unresolved", unresolved);
    json_write_close(c->body, '}');
    api_ok(c, 200);
}
