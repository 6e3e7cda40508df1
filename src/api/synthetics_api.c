/* Synthetic variables: list, create, read, change, delete, compute again. */
#include "api/app.h"
#include "api/handlers_synthetics.h"
#include "api/paging.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "model/variable.h"
#include "service/synthetic_service.h"

#include <math.h>

static void write_synthetic(struct api_call *c, const struct synthetic *y)
{
    struct buf *b = c->body;
    char uuid[UUID_TEXT + 1];
    const struct sample last = synthetic_service_last(c->app->synthetics, y);
    bool has_value = last.ts_ns != INT64_MIN;
    uuid_format(&y->uuid, uuid);
    json_write_open(b, '{');
    json_write_member_text(b, "id", uuid);
    json_write_member_str(b, "name", y->name);
    json_write_member_str(b, "description", y->description);
    json_write_member_str(b, "deviceId", y->device_external_id);
    json_write_member_str(b, "deviceName",
                          y->device_name.n ? y->device_name : y->device_external_id);
    json_write_member_str(b, "expression", y->expression);
    json_write_member_str(b, "unit", y->unit);
    json_write_member_bool(b, "enabled", y->enabled);
    json_write_member_i64(b, "variableId", y->series);
    json_write_member_number(b, "lastValue", has_value ? last.value : (double)NAN);
    json_write_member_time(b, "lastValueAt", last.ts_ns);
    service_call_time(b, "createdAt", y->created_ns);
    service_call_time(b, "updatedAt", y->updated_ns);
    json_write_close(b, '}');
}

/* --- list ------------------------------------------------------------------------------------- */

/* False: answered. */
static bool read_filter(struct api_call *c, struct synthetic_filter *ret)
{
    bool enabled;
    if (!service_call_query_bool(c, "enabled", &enabled)) return false;
    *ret = (struct synthetic_filter){
        .q = api_query(c, "q"),
        .device = service_call_query_device(c, c->who.org),
        .enabled = api_query(c, "enabled").n ? enabled : -1,
    };
    return true;
}

void synthetics_api_list(struct api_call *c)
{
    struct synthetic_filter filter;
    struct paging p;
    struct synthetic *items = NULL;
    struct catalog_listing listing;
    struct why why = {""};
    if (!read_filter(c, &filter) || !paging_read(c, &p)) return;
    enum err e = synthetic_service_list(c->app->synthetics, c->who.org, &filter, &p.page, c->arena,
                                        &items, &listing, &why);
    if (e) {
        api_fail(c, e, &why);
        return;
    }
    paging_open(c, &p);
    for (size_t i = 0; i < listing.count; i++) write_synthetic(c, &items[i]);
    paging_close(c, &p, &listing);
    service_call_cacheable(c);
}

/* --- one -------------------------------------------------------------------------------------- */

static struct synthetic_text read_text(struct api_fields *f, const char *name, size_t max_chars)
{
    return (struct synthetic_text){.set = api_field_has(f, name),
                                   .value = api_field_text(f, name, max_chars)};
}

static struct synthetic_change read_change(struct api_fields *f)
{
    return (struct synthetic_change){
        .name = read_text(f, "name", VARIABLE_NAME_MAX),
        .device = read_text(f, "deviceId", VARIABLE_TEXT_MAX),
        .expression = read_text(f, "expression", EXPRESSION_TEXT_MAX),
        .description = read_text(f, "description", VARIABLE_DESCRIPTION_MAX),
        .unit = read_text(f, "unit", VARIABLE_TEXT_MAX),
        .enabled_set = service_call_has_value(f, "enabled"),
        .enabled = api_field_bool(f, "enabled", true),
    };
}

static void answer(struct api_call *c, struct api_fields *f, enum err e,
                   const struct refusal *refusal, const struct synthetic *y, int status)
{
    if (e) {
        service_call_refuse(c, f, e, refusal, status == 201 ? "device" : "synthetic variable");
        return;
    }
    if (f) buf_done(&f->errors);
    write_synthetic(c, y);
    api_ok(c, status);
}

void synthetics_api_create(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct synthetic y;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct synthetic_change given = read_change(&f);
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e =
        synthetic_service_create(c->app->synthetics, &actor, &given, c->arena, &y, &refusal);
    answer(c, &f, e, &refusal, &y, 201);
}

void synthetics_api_get(struct api_call *c)
{
    struct synthetic y;
    const struct refusal refusal = {.fields = 0};
    enum err e = synthetic_service_find(c->app->synthetics, c->who.org, c->params[0], c->arena, &y);
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "synthetic variable");
        return;
    }
    write_synthetic(c, &y);
    service_call_cacheable(c);
}

void synthetics_api_update(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct synthetic y;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct synthetic_change change = read_change(&f);
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = synthetic_service_update(c->app->synthetics, &actor, c->params[0], &change,
                                          c->arena, &y, &refusal);
    answer(c, &f, e, &refusal, &y, 200);
}

static void set_enabled(struct api_call *c, bool enabled)
{
    struct synthetic y;
    const struct synthetic_change change = {.enabled_set = true, .enabled = enabled};
    struct actor actor = service_call_actor(c);
    struct refusal refusal = {.fields = 0};
    enum err e = synthetic_service_update(c->app->synthetics, &actor, c->params[0], &change,
                                          c->arena, &y, &refusal);
    answer(c, NULL, e, &refusal, &y, 200);
}

void synthetics_api_enable(struct api_call *c)
{
    set_enabled(c, true);
}

void synthetics_api_disable(struct api_call *c)
{
    set_enabled(c, false);
}

void synthetics_api_delete(struct api_call *c)
{
    struct actor actor = service_call_actor(c);
    const struct refusal refusal = {.fields = 0};
    enum err e = synthetic_service_delete(c->app->synthetics, &actor, c->params[0], c->arena);
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "synthetic variable");
        return;
    }
    api_answer(c, 204, NULL);
}

void synthetics_api_backfill(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    int64_t from_ns = 0;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    if (!service_call_field_time(&f, "from", &from_ns) && !f.errors.n)
        api_field_error(&f, "from", "is missing: a time within the last 31 days");
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = synthetic_service_backfill(c->app->synthetics, &actor, c->params[0], from_ns,
                                            c->arena, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "synthetic variable");
        return;
    }
    buf_done(&f.errors);
    json_write_open(c->body, '{');
    json_write_member_bool(c->body, "accepted", true);
    json_write_member_time(c->body, "from", from_ns);
    json_write_close(c->body, '}');
    api_ok(c, 202);
}
