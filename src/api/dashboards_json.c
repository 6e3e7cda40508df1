/* Dashboards and widgets to JSON, and their members from it (see dashboards_json.h). */
#include "api/dashboards_json.h"

#include "api/service_call.h"
#include "codec/json_write.h"

#include <math.h>

static void write_raw_member(struct buf *b, const char *key, struct bytes json)
{
    json_write_key(b, key);
    json_write_raw(b, json);
}

static void write_minutes(struct buf *b, const struct widget *w)
{
    if (w->minutes)
        json_write_member_i64(b, "timeRangeMinutes", w->minutes);
    else
        json_write_member_null(b, "timeRangeMinutes");
}

static void write_place(struct buf *b, const struct widget *w)
{
    json_write_member_str(b, "name", w->name);
    json_write_member_text(b, "type", dashboard_type_name(w->type));
    json_write_member_i64(b, "positionX", w->x);
    json_write_member_i64(b, "positionY", w->y);
    json_write_member_i64(b, "width", w->width);
    json_write_member_i64(b, "height", w->height);
}

static void write_show(struct buf *b, const struct widget *w)
{
    json_write_member_str(b, "variableName", w->variable);
    json_write_member_str(b, "secondVariableName", w->second_variable);
    json_write_member_str(b, "deviceLabel", w->label);
    json_write_member_str(b, "secondDeviceLabel", w->second_label);
    json_write_member_str(b, "aggregation", w->aggregation);
    write_minutes(b, w);
    write_raw_member(b, "config", w->config);
}

void dashboards_json_widget(struct buf *b, const struct widget *w)
{
    json_write_open(b, '{');
    json_write_member_i64(b, "id", w->id);
    json_write_member_i64(b, "dashboardId", w->dashboard);
    write_place(b, w);
    json_write_member_str(b, "deviceId", w->device);
    json_write_member_str(b, "secondDeviceId", w->second_device);
    write_show(b, w);
    service_call_time(b, "createdAt", w->created_ns);
    service_call_time(b, "updatedAt", w->updated_ns);
    json_write_close(b, '}');
}

void dashboards_json_write(struct buf *b, const struct dashboard *d, bool with_widgets)
{
    json_write_open(b, '{');
    json_write_member_i64(b, "id", d->id);
    json_write_member_str(b, "name", d->name);
    json_write_member_str(b, "description", d->description);
    json_write_member_bool(b, "isDefault", d->is_default);
    json_write_member_str(b, "defaultDeviceId", d->default_device);
    write_raw_member(b, "layoutConfig", d->layout);
    json_write_key(b, "widgets");
    if (with_widgets) {
        json_write_open(b, '[');
        for (size_t i = 0; i < d->widget_count; i++) dashboards_json_widget(b, &d->widgets[i]);
        json_write_close(b, ']');
    } else {
        json_write_null(b);
    }
    service_call_time(b, "createdAt", d->created_ns);
    service_call_time(b, "updatedAt", d->updated_ns);
    json_write_close(b, '}');
}

void dashboards_json_shared(struct buf *b, const struct dashboard *d, int64_t expires_ns)
{
    json_write_open(b, '{');
    json_write_member_str(b, "name", d->name);
    json_write_member_str(b, "description", d->description);
    write_raw_member(b, "layoutConfig", d->layout);
    json_write_key(b, "widgets");
    json_write_open(b, '[');
    for (size_t i = 0; i < d->widget_count; i++) {
        json_write_open(b, '{');
        json_write_member_i64(b, "id", d->widgets[i].id);
        write_place(b, &d->widgets[i]);
        write_show(b, &d->widgets[i]);
        json_write_close(b, '}');
    }
    json_write_close(b, ']');
    service_call_time(b, "expiresAt", expires_ns);
    json_write_close(b, '}');
}

struct dashboard_text dashboards_json_text(struct api_fields *f, const char *name, size_t max_chars)
{
    return (struct dashboard_text){.set = api_field_has(f, name),
                                   .value = api_field_text(f, name, max_chars)};
}

struct dashboard_number dashboards_json_number(struct api_fields *f, const char *name)
{
    double v = 0;
    struct dashboard_number n = {.set = api_field_number(f, name, &v)};
    if (n.set && (v != floor(v) || fabs(v) > 1e9)) {
        api_field_error(f, name, "must be a whole number");
        n.set = false;
    }
    if (n.set) n.value = (int64_t)v;
    return n;
}
