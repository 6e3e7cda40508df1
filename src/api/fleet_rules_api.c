/* Rules over many devices: list, create, read, change, delete, evaluate. */
#include "api/app.h"
#include "api/handlers_fleet.h"
#include "api/paging.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "query/aggregate.h"
#include "service/fleet_rule_service.h"

#include <cjson/cJSON.h>
#include <stdio.h>

enum { SPAN_TEXT = 24 };
#define INTERVAL_UNSAID_NS (5 * NS_PER_MINUTE)
#define COOLDOWN_UNSAID_NS (5 * NS_PER_MINUTE)

/* "5m": the largest unit that divides it. */
static void write_span(struct buf *b, const char *key, int64_t ns)
{
    static const struct {
        int64_t ns;
        char unit;
    } units[] = {{NS_PER_DAY, 'd'}, {NS_PER_HOUR, 'h'}, {NS_PER_MINUTE, 'm'}, {NS_PER_S, 's'}};
    char text[SPAN_TEXT];
    size_t i = 0;
    while (i < 3 && ns % units[i].ns) i++;
    snprintf(text, sizeof text, "%lld%c", (long long)(ns / units[i].ns), units[i].unit);
    json_write_member_text(b, key, text);
}

static void write_rule(struct buf *b, const struct fleet_rule *r)
{
    char uuid[UUID_TEXT + 1];
    uuid_format(&r->uuid, uuid);
    json_write_open(b, '{');
    json_write_member_text(b, "id", uuid);
    json_write_member_str(b, "name", r->name);
    json_write_member_str(b, "description", r->description);
    json_write_member_i64(b, "organizationId", r->org);
    json_write_member_text(b, "selectorType", fleet_rule_selector_name(r->selector));
    json_write_member_str(b, "selectorValue", r->selector_value);
    json_write_member_text(b, "aggregationFunction", fleet_rule_function_name(r->function));
    json_write_member_str(b, "aggregationVariable", r->variable);
    json_write_key(b, "aggregationParams");
    json_write_open(b, '{');
    if (r->window_ns) write_span(b, "window", r->window_ns);
    json_write_close(b, '}');
    json_write_member_text(b, "operator", rule_operator_name(r->op));
    json_write_member_number(b, "threshold", r->threshold);
    json_write_member_bool(b, "enabled", r->enabled);
    write_span(b, "evaluationInterval", r->interval_ns);
    json_write_member_number(b, "cooldownMinutes", (double)r->cooldown_ns / (double)NS_PER_MINUTE);
    service_call_time(b, "lastEvaluatedAt", r->evaluated_ns);
    service_call_time(b, "lastTriggeredAt", r->triggered_ns);
    json_write_member_bool(b, "sendSms", false);
    json_write_key(b, "smsRecipients");
    json_write_raw(b, BYTES("[]"));
    service_call_time(b, "createdAt", r->created_ns);
    service_call_time(b, "updatedAt", r->updated_ns);
    json_write_close(b, '}');
}

/* --- reading ---------------------------------------------------------------------------------- */

static void read_text(struct api_fields *f, const char *name, size_t max, struct bytes *to)
{
    if (api_field_has(f, name)) *to = api_field_text(f, name, max);
}

static void read_span(struct api_fields *f, const char *name, int64_t *to)
{
    struct bytes text = api_field_text(f, name, SPAN_TEXT);
    if (text.p && (!aggregate_parse_interval(text, to) || !*to))
        api_field_error(f, name, "must be a span like 30s, 5m, 1h or 1d");
}

static void read_selector(struct api_fields *f, struct fleet_rule *r)
{
    struct bytes text = api_field_text(f, "selectorType", SPAN_TEXT);
    if (text.p && !fleet_rule_parse_selector(text, &r->selector))
        api_field_error(f, "selectorType", "may be ORGANIZATION, TAG or GROUP");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(f->object, "selectorValue");
    if (!cJSON_IsNumber(value)) { /* the id of a group may come as a number */
        read_text(f, "selectorValue", FLEET_SELECTOR_VALUE_MAX, &r->selector_value);
        return;
    }
    char *digits = arena_printf(f->call->arena, "%.0f", value->valuedouble);
    if (digits) r->selector_value = bytes_str(digits);
}

static void read_function(struct api_fields *f, struct fleet_rule *r)
{
    struct bytes text = api_field_text(f, "aggregationFunction", SPAN_TEXT);
    if (text.p && !fleet_rule_parse_function(text, &r->function))
        api_field_error(f, "aggregationFunction",
                        "may be countDevices, countOnline, countOffline, percentOnline, sum, avg, "
                        "min, max, median, stddev, percentile95, percentile99 or range");
    read_text(f, "aggregationVariable", REGISTRY_NAME_MAX, &r->variable);
    if (!api_field_has(f, "aggregationParams")) return;
    struct api_fields params = *f;
    params.object = cJSON_GetObjectItemCaseSensitive(f->object, "aggregationParams");
    r->window_ns = 0;
    if (cJSON_IsNull(params.object)) return;
    if (!cJSON_IsObject(params.object)) {
        api_field_error(f, "aggregationParams", "must be an object, like {\"window\":\"1h\"}");
        return;
    }
    read_span(&params, "window", &r->window_ns);
    f->errors = params.errors;
}

static void read_condition(struct api_fields *f, struct fleet_rule *r)
{
    double minutes;
    struct bytes op = api_field_text(f, "operator", SPAN_TEXT);
    if (op.p && !rule_operator_parse(op, &r->op))
        api_field_error(f, "operator", "may be GT, GTE, LT, LTE or EQ");
    api_field_number(f, "threshold", &r->threshold);
    r->enabled = api_field_bool(f, "enabled", r->enabled);
    read_span(f, "evaluationInterval", &r->interval_ns);
    if (api_field_number(f, "cooldownMinutes", &minutes)) {
        bool fits = minutes >= 0 && minutes * (double)NS_PER_MINUTE <= FLEET_COOLDOWN_MAX_NS;
        if (fits) r->cooldown_ns = (int64_t)(minutes * (double)NS_PER_MINUTE);
        if (!fits) api_field_error(f, "cooldownMinutes", "must be between 0 and 10080");
    }
    if (api_field_bool(f, "sendSms", false))
        api_field_error(f, "sendSms", "there are no text messages; use a webhook or mail");
}

static void require(struct api_fields *f, const char *name)
{
    if (!service_call_has_value(f, name)) api_field_error(f, name, "is required");
}

static void read_rule(struct api_fields *f, struct fleet_rule *r)
{
    read_text(f, "name", RULE_NAME_MAX, &r->name);
    read_text(f, "description", RULE_DESCRIPTION_MAX, &r->description);
    read_selector(f, r);
    read_function(f, r);
    read_condition(f, r);
}

/* --- routes ----------------------------------------------------------------------------------- */

void fleet_rules_api_list(struct api_call *c)
{
    struct paging p;
    struct fleet_rule *rules = NULL;
    struct catalog_listing listing;
    struct why why = {""};
    if (!paging_read(c, &p)) return;
    enum err e = fleet_rule_service_list(c->app->fleet_rules, c->who.org, &p.page, c->arena, &rules,
                                         &listing, &why);
    if (e) {
        api_fail(c, e, &why);
        return;
    }
    paging_open(c, &p);
    for (size_t i = 0; i < listing.count; i++) write_rule(c->body, &rules[i]);
    paging_close(c, &p, &listing);
    service_call_cacheable(c);
}

void fleet_rules_api_create(struct api_call *c)
{
    static const char *const required[] = {"name", "selectorType", "aggregationFunction",
                                           "operator", "threshold"};
    struct cJSON *json;
    struct api_fields f;
    struct fleet_rule given = {.enabled = true,
                               .interval_ns = INTERVAL_UNSAID_NS,
                               .cooldown_ns = COOLDOWN_UNSAID_NS},
                      made;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    for (size_t i = 0; i < sizeof required / sizeof *required; i++) require(&f, required[i]);
    read_rule(&f, &given);
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e =
        fleet_rule_service_create(c->app->fleet_rules, &actor, &given, c->arena, &made, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "tag or group");
        return;
    }
    buf_done(&f.errors);
    write_rule(c->body, &made);
    api_ok(c, 201);
}

/* False: answered. */
static bool find_rule(struct api_call *c, struct fleet_rule *ret)
{
    struct refusal refusal = {.fields = 0};
    enum err e =
        fleet_rule_service_find(c->app->fleet_rules, c->who.org, c->params[0], c->arena, ret);
    if (e) service_call_refuse(c, NULL, e, &refusal, "fleet rule");
    return !e;
}

void fleet_rules_api_get(struct api_call *c)
{
    struct fleet_rule r;
    if (!find_rule(c, &r)) return;
    write_rule(c->body, &r);
    service_call_cacheable(c);
}

static void save_rule(struct api_call *c, struct fleet_rule *r, const struct cJSON *json)
{
    struct api_fields f;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = fleet_rule_service_update(c->app->fleet_rules, &actor, r, c->arena, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "tag or group");
        return;
    }
    buf_done(&f.errors);
    write_rule(c->body, r);
    api_ok(c, 200);
}

void fleet_rules_api_update(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct fleet_rule r;
    if (!api_json(c, &json) || !find_rule(c, &r)) return;
    api_fields_open(&f, c, json);
    read_rule(&f, &r);
    if (api_fields_close(&f)) save_rule(c, &r, json);
}

void fleet_rules_api_toggle(struct api_call *c)
{
    struct fleet_rule r;
    if (!find_rule(c, &r)) return;
    r.enabled = !r.enabled;
    save_rule(c, &r, NULL);
}

void fleet_rules_api_delete(struct api_call *c)
{
    struct actor actor = service_call_actor(c);
    struct refusal refusal = {.fields = 0};
    enum err e = fleet_rule_service_delete(c->app->fleet_rules, &actor, c->params[0], c->arena);
    if (e)
        service_call_refuse(c, NULL, e, &refusal, "fleet rule");
    else
        api_answer(c, 204, NULL);
}

void fleet_rules_api_evaluate(struct api_call *c)
{
    struct fleet_rule r;
    struct fleet_value value;
    struct why why = {""};
    if (!find_rule(c, &r)) return;
    enum err e = fleet_engine_evaluate(c->app->fleet_rules->engine, &r, &value, c->arena, &why);
    if (e) {
        api_fail(c, e, &why);
        return;
    }
    json_write_open(c->body, '{');
    json_write_key(c->body, "value");
    if (value.known)
        json_write_number(c->body, value.value);
    else
        json_write_null(c->body);
    json_write_member_u64(c->body, "deviceCount", value.affected_count);
    json_write_member_bool(c->body, "holds",
                           value.known && rule_operator_holds(r.op, value.value, r.threshold));
    json_write_close(c->body, '}');
    api_ok(c, 200);
}
