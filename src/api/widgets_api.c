/* Widgets of a dashboard: list, create, read, change, delete. */
#include "api/app.h"
#include "api/dashboards_json.h"
#include "api/etag.h"
#include "api/handlers_dashboards.h"
#include "api/raw_field.h"
#include "api/service_call.h"
#include "codec/json_write.h"

enum { ID_TEXT_MAX = 256, AGGREGATION_TEXT_MAX = 16 };

/* /dashboards/{id}/widgets/{wid}; false: answered with the 404 of whichever is no id. */
static bool read_ids(struct api_call *c, int64_t *ret_dashboard, int64_t *ret_widget)
{
    if (!service_call_id(c->params[0], ret_dashboard)) {
        api_not_found(c, "dashboard");
        return false;
    }
    /* what is no id is asked for as 0, which no widget has: the dashboard comes first */
    if (!service_call_id(c->params[1], ret_widget)) *ret_widget = 0;
    return true;
}

static void answer_widget(struct api_call *c, int status, const struct widget *w)
{
    dashboards_json_widget(c->body, w);
    etag_answer(c, status, w->version);
}

void widgets_api_list(struct api_call *c)
{
    int64_t id;
    struct widget *widgets = NULL;
    size_t n = 0;
    struct refusal refusal = {.fields = 0};
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id))
        e = dashboard_widgets_list(c->app->dashboards, c->who.org, id, c->arena, &widgets, &n);
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "dashboard");
        return;
    }
    json_write_open(c->body, '[');
    for (size_t i = 0; i < n; i++) dashboards_json_widget(c->body, &widgets[i]);
    json_write_close(c->body, ']');
    service_call_cacheable(c);
}

void widgets_api_get(struct api_call *c)
{
    int64_t dashboard, id;
    struct widget w;
    struct refusal refusal = {.fields = 0};
    if (!read_ids(c, &dashboard, &id)) return;
    enum err e = dashboard_widgets_find(c->app->dashboards, c->who.org, dashboard, id, c->arena, &w,
                                        &refusal);
    if (e)
        service_call_refuse(c, NULL, e, &refusal, "widget");
    else
        answer_widget(c, 200, &w);
}

/* --- change ----------------------------------------------------------------------------------- */

static void read_type(struct api_fields *f, struct widget_change *change)
{
    struct bytes type = api_field_text(f, "type", DASHBOARD_NAME_MAX);
    change->type_set = type.p && dashboard_parse_type(type, &change->type);
    if (type.p && !change->type_set)
        api_field_error(f, "type",
                        "may be LINE_CHART, BAR_CHART, GAUGE, INDICATOR, TABLE, MAP, "
                        "CONTROL_BUTTON, METRIC_CARD, PIE_CHART, AREA_CHART or SCATTER_CHART");
}

/* null clears it; 0 is no range. */
static struct dashboard_number read_minutes(struct api_fields *f)
{
    const char *name = "timeRangeMinutes";
    struct dashboard_number n = dashboards_json_number(f, name);
    if (n.set && n.value == 0) api_field_error(f, name, "must be 1 or more");
    if (!n.set && api_field_has(f, name)) n.set = true;
    return n;
}

static struct widget_change read_change(struct api_fields *f)
{
    struct widget_change change = {
        .name = dashboards_json_text(f, "name", DASHBOARD_NAME_MAX),
        .device = dashboards_json_text(f, "deviceId", ID_TEXT_MAX),
        .second_device = dashboards_json_text(f, "secondDeviceId", ID_TEXT_MAX),
        .variable = dashboards_json_text(f, "variableName", DASHBOARD_VARIABLE_MAX),
        .second_variable = dashboards_json_text(f, "secondVariableName", DASHBOARD_VARIABLE_MAX),
        .label = dashboards_json_text(f, "deviceLabel", DASHBOARD_NAME_MAX),
        .second_label = dashboards_json_text(f, "secondDeviceLabel", DASHBOARD_NAME_MAX),
        .x = dashboards_json_number(f, "positionX"),
        .y = dashboards_json_number(f, "positionY"),
        .width = dashboards_json_number(f, "width"),
        .height = dashboards_json_number(f, "height"),
        .minutes = read_minutes(f),
        .aggregation = api_field_text(f, "aggregation", AGGREGATION_TEXT_MAX),
        .config = raw_field_object(f, "config", DASHBOARD_CONFIG_BYTES, DASHBOARD_JSON_DEPTH),
    };
    if (!change.name.value.p) change.name.set = false;
    read_type(f, &change);
    return change;
}

void widgets_api_create(struct api_call *c)
{
    int64_t id;
    struct cJSON *json;
    struct api_fields f;
    struct widget w;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct widget_change given = read_change(&f);
    if (!given.name.set && !f.errors.n) api_field_error(&f, "name", "is required");
    if (!given.type_set && !f.errors.n) api_field_error(&f, "type", "is required");
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id))
        e = dashboard_widgets_create(c->app->dashboards, &actor, id, &given, c->arena, &w,
                                     &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "dashboard");
        return;
    }
    buf_done(&f.errors);
    answer_widget(c, 201, &w);
}

void widgets_api_update(struct api_call *c)
{
    int64_t dashboard, id;
    struct cJSON *json;
    struct api_fields f;
    struct widget w;
    if (!read_ids(c, &dashboard, &id) || !api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct widget_change change = read_change(&f);
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    const struct if_match match = etag_if_match(c);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = dashboard_widgets_update(c->app->dashboards, &actor, dashboard, id, &match,
                                          &change, c->arena, &w, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "widget");
        return;
    }
    buf_done(&f.errors);
    answer_widget(c, 200, &w);
}

void widgets_api_delete(struct api_call *c)
{
    int64_t dashboard, id;
    const struct if_match match = etag_if_match(c);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = {.fields = 0};
    if (!read_ids(c, &dashboard, &id)) return;
    enum err e = dashboard_widgets_delete(c->app->dashboards, &actor, dashboard, id, &match,
                                          c->arena, &refusal);
    if (e)
        service_call_refuse(c, NULL, e, &refusal, "widget");
    else
        api_answer(c, 204, NULL);
}
