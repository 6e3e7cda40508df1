/* Rules on variables: list, create, read, change, delete. */
#include "api/app.h"
#include "api/handlers_rules.h"
#include "api/paging.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "service/rule_service.h"

#include <math.h>

static void write_rule(struct buf *b, const struct rule *r)
{
    char uuid[UUID_TEXT + 1];
    uuid_format(&r->uuid, uuid);
    json_write_open(b, '{');
    json_write_member_text(b, "id", uuid);
    json_write_member_str(b, "name", r->name);
    json_write_member_str(b, "description", r->description);
    json_write_member_str(b, "deviceId", r->device_external_id);
    json_write_member_str(b, "deviceName",
                          r->device_name.n ? r->device_name : r->device_external_id);
    json_write_member_str(b, "variable", r->variable);
    json_write_member_text(b, "operator", rule_operator_name(r->op));
    json_write_member_number(b, "threshold", r->threshold);
    json_write_member_bool(b, "enabled", r->enabled);
    json_write_member_number(b, "forSeconds", (double)r->for_ns / (double)NS_PER_S);
    json_write_key(b, "clearThreshold");
    json_write_number(b, r->has_clear_threshold ? r->clear_threshold : (double)NAN);
    json_write_member_number(b, "cooldownMinutes", (double)r->cooldown_ns / (double)NS_PER_MINUTE);
    service_call_time(b, "createdAt", r->created_ns);
    json_write_close(b, '}');
}

/* --- list ------------------------------------------------------------------------------------- */

/* False: answered. */
static bool read_filter(struct api_call *c, struct rule_filter *ret)
{
    bool enabled;
    if (!service_call_query_bool(c, "enabled", &enabled)) return false;
    *ret = (struct rule_filter){
        .q = api_query(c, "q"),
        .device = service_call_query_device(c, c->who.org),
        .enabled = api_query(c, "enabled").n ? enabled : -1,
    };
    return true;
}

void rules_api_list(struct api_call *c)
{
    struct rule_filter filter;
    struct paging p;
    struct rule *rules = NULL;
    struct catalog_listing listing;
    struct why why = {""};
    if (!read_filter(c, &filter) || !paging_read(c, &p)) return;
    enum err e = rule_service_list(c->app->rules, c->who.org, &filter, &p.page, c->arena, &rules,
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

/* --- what a body says ------------------------------------------------------------------------- */

static struct rule_text read_text(struct api_fields *f, const char *name, size_t max_chars)
{
    return (struct rule_text){.set = api_field_has(f, name),
                              .value = api_field_text(f, name, max_chars)};
}

static struct rule_number read_number(struct api_fields *f, const char *name)
{
    struct rule_number n = {.set = api_field_has(f, name), .value = (double)NAN};
    api_field_number(f, name, &n.value);
    return n;
}

static struct rule_change read_change(struct api_fields *f)
{
    return (struct rule_change){
        .name = read_text(f, "name", RULE_NAME_MAX),
        .description = read_text(f, "description", RULE_DESCRIPTION_MAX),
        .device = read_text(f, "deviceId", RULE_NAME_MAX),
        .variable = read_text(f, "variable", RULE_VARIABLE_MAX),
        .op = read_text(f, "operator", RULE_NAME_MAX),
        .threshold = read_number(f, "threshold"),
        .clear_threshold = read_number(f, "clearThreshold"),
        .for_s = read_number(f, "forSeconds"),
        .cooldown_minutes = read_number(f, "cooldownMinutes"),
        .enabled_set = service_call_has_value(f, "enabled"),
        .enabled = api_field_bool(f, "enabled", true),
    };
}

/* --- one -------------------------------------------------------------------------------------- */

void rules_api_create(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct rule rule;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct rule_change given = read_change(&f);
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = rule_service_create(c->app->rules, &actor, &given, c->arena, &rule, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "device");
        return;
    }
    buf_done(&f.errors);
    write_rule(c->body, &rule);
    api_ok(c, 201);
}

void rules_api_get(struct api_call *c)
{
    struct rule rule;
    const struct refusal refusal = {.fields = 0};
    enum err e = rule_service_find(c->app->rules, c->who.org, c->params[0], c->arena, &rule);
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "rule");
        return;
    }
    write_rule(c->body, &rule);
    service_call_cacheable(c);
}

void rules_api_update(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct rule rule;
    bool device = false;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct rule_change change = read_change(&f);
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = rule_service_update(c->app->rules, &actor, c->params[0], &change, c->arena, &rule,
                                     &device, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, device ? "device" : "rule");
        return;
    }
    buf_done(&f.errors);
    write_rule(c->body, &rule);
    api_ok(c, 200);
}

void rules_api_delete(struct api_call *c)
{
    struct actor actor = service_call_actor(c);
    const struct refusal refusal = {.fields = 0};
    enum err e = rule_service_delete(c->app->rules, &actor, c->params[0], c->arena);
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "rule");
        return;
    }
    api_answer(c, 204, NULL);
}
