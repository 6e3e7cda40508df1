/* Dashboards: list, create, read, change, delete. */
#include "api/app.h"
#include "api/dashboards_json.h"
#include "api/etag.h"
#include "api/handlers_dashboards.h"
#include "api/paging.h"
#include "api/raw_field.h"
#include "api/service_call.h"
#include "codec/json_write.h"

enum { ID_TEXT_MAX = 256 }; /* of a device: a longer one is none, which the service says */

static void answer_dashboard(struct api_call *c, int status, const struct dashboard *d)
{
    dashboards_json_write(c->body, d, true);
    etag_answer(c, status, d->version);
}

void dashboards_api_list(struct api_call *c)
{
    struct paging p;
    struct dashboard *list = NULL;
    struct catalog_listing listing;
    struct why why = {""};
    if (!paging_read(c, &p)) return;
    enum err e = dashboard_service_list(c->app->dashboards, c->who.org, &p.page, c->arena, &list,
                                        &listing, &why);
    if (e) {
        api_fail(c, e, &why);
        return;
    }
    paging_open(c, &p);
    for (size_t i = 0; i < listing.count; i++) dashboards_json_write(c->body, &list[i], false);
    paging_close(c, &p, &listing);
    service_call_cacheable(c);
}

void dashboards_api_get(struct api_call *c)
{
    int64_t id;
    struct dashboard d;
    struct refusal refusal = {.fields = 0};
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id))
        e = dashboard_service_find(c->app->dashboards, c->who.org, id, c->arena, &d);
    if (e)
        service_call_refuse(c, NULL, e, &refusal, "dashboard");
    else
        answer_dashboard(c, 200, &d);
}

void dashboards_api_default(struct api_call *c)
{
    struct dashboard d;
    struct actor actor = service_call_actor(c);
    struct refusal refusal = {.fields = 0};
    enum err e = dashboard_service_find_default(c->app->dashboards, &actor, c->arena, &d, &refusal);
    if (e)
        service_call_refuse(c, NULL, e, &refusal, "dashboard");
    else
        answer_dashboard(c, 200, &d);
}

/* --- change ----------------------------------------------------------------------------------- */

static struct dashboard_change read_change(struct api_fields *f)
{
    struct dashboard_change change = {
        .name = dashboards_json_text(f, "name", DASHBOARD_NAME_MAX),
        .description = dashboards_json_text(f, "description", DASHBOARD_DESCRIPTION_MAX),
        .default_device = dashboards_json_text(f, "defaultDeviceId", ID_TEXT_MAX),
        .default_set = service_call_has_value(f, "isDefault"),
        .is_default = api_field_bool(f, "isDefault", false),
        .layout = raw_field_object(f, "layoutConfig", DASHBOARD_LAYOUT_BYTES, DASHBOARD_JSON_DEPTH),
    };
    if (!change.name.value.p) change.name.set = false; /* a name cannot be cleared */
    return change;
}

void dashboards_api_create(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct dashboard d;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct dashboard_change given = read_change(&f);
    if (!given.name.set && !f.errors.n) api_field_error(&f, "name", "is required");
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = dashboard_service_create(c->app->dashboards, &actor, &given, &d, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "dashboard");
        return;
    }
    buf_done(&f.errors);
    answer_dashboard(c, 201, &d);
}

void dashboards_api_update(struct api_call *c)
{
    int64_t id;
    struct cJSON *json;
    struct api_fields f;
    struct dashboard d;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct dashboard_change change = read_change(&f);
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    const struct if_match match = etag_if_match(c);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id))
        e = dashboard_service_update(c->app->dashboards, &actor, id, &match, &change, c->arena, &d,
                                     &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "dashboard");
        return;
    }
    buf_done(&f.errors);
    answer_dashboard(c, 200, &d);
}

void dashboards_api_delete(struct api_call *c)
{
    int64_t id;
    const struct if_match match = etag_if_match(c);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = {.fields = 0};
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id))
        e = dashboard_service_delete(c->app->dashboards, &actor, id, &match, c->arena);
    if (e)
        service_call_refuse(c, NULL, e, &refusal, "dashboard");
    else
        api_answer(c, 204, NULL);
}
