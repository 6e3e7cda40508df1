/* Alerts: list, read, acknowledge, resolve. */
#include "api/alerts_json.h"
#include "api/app.h"
#include "api/handlers_rules.h"
#include "api/paging.h"
#include "api/series.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "service/alert_service.h"

static void write_uuid(struct buf *b, const char *key, const struct uuid *uuid)
{
    char text[UUID_TEXT + 1];
    uuid_format(uuid, text);
    json_write_member_text(b, key, text);
}

void alerts_json_members(struct buf *b, const struct alert *a)
{
    write_uuid(b, "id", &a->uuid);
    write_uuid(b, "ruleId", &a->rule_uuid);
    json_write_member_str(b, "ruleName", a->rule_name);
    json_write_member_str(b, "deviceId", a->device_external_id);
    json_write_member_str(b, "deviceName",
                          a->device_name.n ? a->device_name : a->device_external_id);
    json_write_member_str(b, "message", a->message);
    json_write_member_text(b, "severity", alerts_severity_name(a->severity));
    json_write_member_number(b, "triggeredValue", a->triggered_value);
    json_write_member_bool(b, "acknowledged", a->acknowledged_ns != 0);
    service_call_time(b, "acknowledgedAt", a->acknowledged_ns);
    service_call_time(b, "resolvedAt", a->resolved_ns);
    json_write_member_time(b, "timestamp", a->raised_ns);
}

static void write_alert(struct buf *b, const struct alert *a)
{
    json_write_open(b, '{');
    alerts_json_members(b, a);
    json_write_close(b, '}');
}

/* --- which ones ------------------------------------------------------------------------------- */

/* -1 for none given; false: answered. */
static bool read_severity(struct api_call *c, int *ret)
{
    struct bytes text = api_query(c, "severity");
    enum alert_severity severity;
    *ret = -1;
    if (!text.n) return true;
    if (alerts_severity_parse(text, &severity)) {
        *ret = (int)severity;
        return true;
    }
    api_problem(c, 400, "severity may be LOW, MEDIUM, HIGH or CRITICAL.");
    return false;
}

/* Who does not exist has no alerts, so that a foreign one looks like a missing one. */
static void read_whose(struct api_call *c, struct alert_filter *f, struct uuid *rule)
{
    struct bytes id = api_query(c, "ruleId");
    f->device = service_call_query_device(c, c->who.org);
    if (!id.n) return;
    if (!uuid_parse(id, rule)) *rule = (struct uuid){{0}};
    f->rule = rule;
}

/* False: answered. */
static bool read_filter(struct api_call *c, struct alert_filter *ret, struct uuid *rule)
{
    struct alert_filter f = {.severity = -1};
    struct series_range range;
    if (!service_call_query_bool(c, "unacknowledgedOnly", &f.unacknowledged)) return false;
    if (!service_call_query_bool(c, "openOnly", &f.open)) return false;
    if (!read_severity(c, &f.severity) || !series_read_range(c, &range)) return false;
    read_whose(c, &f, rule);
    if (range.from_said) f.from_ns = range.from_ns;
    if (range.to_said) f.to_ns = range.to_ns < INT64_MAX ? range.to_ns + 1 : range.to_ns;
    *ret = f;
    return true;
}

/* --- handlers --------------------------------------------------------------------------------- */

void alerts_api_list(struct api_call *c)
{
    struct alert_filter filter;
    struct uuid rule;
    struct paging p;
    struct alert *alerts = NULL;
    struct catalog_listing listing;
    struct why why = {""};
    if (!read_filter(c, &filter, &rule) || !paging_read(c, &p)) return;
    enum err e = alert_service_list(c->app->alert_service, c->who.org, &filter, &p.page, c->arena,
                                    &alerts, &listing, &why);
    if (e) {
        api_fail(c, e, &why);
        return;
    }
    paging_open(c, &p);
    for (size_t i = 0; i < listing.count; i++) write_alert(c->body, &alerts[i]);
    paging_close(c, &p, &listing);
    service_call_cacheable(c);
}

/* False: answered. */
static bool found(struct api_call *c, enum err e)
{
    const struct refusal refusal = {.fields = 0};
    if (e) service_call_refuse(c, NULL, e, &refusal, "alert");
    return !e;
}

void alerts_api_get(struct api_call *c)
{
    struct alert alert;
    if (!found(c, alert_service_find(c->app->alert_service, c->who.org, c->params[0], c->arena,
                                     &alert)))
        return;
    write_alert(c->body, &alert);
    service_call_cacheable(c);
}

void alerts_api_acknowledge(struct api_call *c)
{
    struct alert alert;
    const struct actor actor = service_call_actor(c);
    if (!found(c, alert_service_acknowledge(c->app->alert_service, &actor, c->params[0], c->arena,
                                            &alert)))
        return;
    write_alert(c->body, &alert);
    api_ok(c, 200);
}

void alerts_api_resolve(struct api_call *c)
{
    struct alert alert;
    const struct actor actor = service_call_actor(c);
    if (!found(c, alert_service_resolve(c->app->alert_service, &actor, c->params[0], c->arena,
                                        &alert)))
        return;
    write_alert(c->body, &alert);
    api_ok(c, 200);
}
