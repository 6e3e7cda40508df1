/* The variables of a device: what they are, what they hold. */
#include "api/app.h"
#include "api/deadline.h"
#include "api/devices_json.h"
#include "api/handlers.h"
#include "api/paging.h"
#include "api/series.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "service/variable_service.h"

#include <math.h>

enum { NEWEST_DEFAULT = 100, NEWEST_MAX = 1000 };

static void write_variable(struct buf *b, const struct variable_view *view)
{
    const struct variable *v = &view->variable;
    char uuid[UUID_TEXT + 1];
    uuid_format(&view->device.uuid, uuid);
    bool has_value = view->last.ts_ns != INT64_MIN;
    json_write_open(b, '{');
    json_write_member_i64(b, "id", v->id);
    json_write_member_text(b, "deviceId", uuid);
    json_write_member_str(b, "deviceExternalId", view->device.external_id);
    json_write_member_str(b, "name", v->name);
    json_write_member_str(b, "displayName", v->display_name);
    json_write_member_str(b, "description", v->description);
    json_write_member_str(b, "unit", v->unit);
    json_write_member_str(b, "dataType", v->data_type);
    json_write_member_str(b, "dataSource", v->data_source);
    json_write_member_str(b, "icon", v->icon);
    json_write_member_str(b, "color", v->color);
    json_write_member_number(b, "minValue", v->min_value);
    json_write_member_number(b, "maxValue", v->max_value);
    if (v->decimal_places >= 0) {
        json_write_member_i64(b, "decimalPlaces", v->decimal_places);
    } else {
        json_write_member_null(b, "decimalPlaces");
    }
    json_write_member_number(b, "lastValue", has_value ? view->last.value : (double)NAN);
    json_write_member_time(b, "lastValueAt", view->last.ts_ns);
    service_call_time(b, "createdAt", v->created_ns);
    service_call_time(b, "updatedAt", v->updated_ns);
    json_write_close(b, '}');
}

/* --- all of a device -------------------------------------------------------------------------- */

/* False: answered. */
static bool list(struct api_call *c, struct variable_view **ret, size_t *ret_n)
{
    struct refusal refusal = {.fields = 0};
    enum err e =
        variable_service_list(c->app->devices, c->who.org, c->params[0], c->arena, ret, ret_n);
    if (e) service_call_refuse(c, NULL, e, &refusal, "device");
    return !e;
}

void variables_api_list(struct api_call *c)
{
    struct variable_view *views = NULL;
    size_t n = 0;
    if (!list(c, &views, &n)) return;
    json_write_open(c->body, '[');
    for (size_t i = 0; i < n; i++) write_variable(c->body, &views[i]);
    json_write_close(c->body, ']');
    service_call_cacheable(c);
}

void variables_api_latest(struct api_call *c)
{
    struct variable_view *views = NULL;
    size_t n = 0;
    if (!list(c, &views, &n)) return;
    json_write_open(c->body, '{');
    for (size_t i = 0; i < n; i++) {
        if (views[i].last.ts_ns == INT64_MIN) continue;
        json_write_key_bytes(c->body, views[i].variable.name);
        json_write_number(c->body, views[i].last.value);
    }
    json_write_close(c->body, '}');
    service_call_cacheable(c);
}

/* Of every device of the organisation. */
void variables_api_page(struct api_call *c)
{
    struct paging p;
    struct variable_view *views = NULL;
    struct catalog_listing listing;
    struct why why = {""};
    if (!paging_read(c, &p)) return;
    if (!p.asked) p.page.no_total = true;
    enum err e = variable_service_page(c->app->devices, c->who.org, &p.page, c->arena, &views,
                                       &listing, &why);
    if (e) {
        api_fail(c, e, &why);
        return;
    }
    paging_open(c, &p);
    for (size_t i = 0; i < listing.count; i++) write_variable(c->body, &views[i]);
    paging_close(c, &p, &listing);
    service_call_cacheable(c);
}

/* --- one: /variables/{vid} or /devices/{id}/variables/{vid} ----------------------------------- */

static bool device_is(const struct device *d, struct bytes id)
{
    struct uuid uuid;
    if (bytes_equal(id, d->external_id)) return true;
    return uuid_parse(id, &uuid) && uuid_equal(&uuid, &d->uuid);
}

/* ERR_NOTFOUND also for a variable of another device than the path names. */
static enum err find_in_path(struct api_call *c, struct variable_view *ret)
{
    bool nested = c->params[1].p != NULL;
    int64_t id = 0;
    if (!service_call_id(c->params[nested ? 1 : 0], &id)) return ERR_NOTFOUND;
    enum err e = variable_service_find(c->app->devices, c->who.org, id, c->arena, ret);
    if (!e && nested && !device_is(&ret->device, c->params[0])) return ERR_NOTFOUND;
    return e;
}

/* False: answered. */
static bool find(struct api_call *c, struct variable_view *ret)
{
    struct refusal refusal = {.fields = 0};
    enum err e = find_in_path(c, ret);
    if (e) service_call_refuse(c, NULL, e, &refusal, "variable");
    return !e;
}

void variables_api_get(struct api_call *c)
{
    struct variable_view v;
    if (!find(c, &v)) return;
    write_variable(c->body, &v);
    service_call_cacheable(c);
}

static void write_values(struct buf *b, int64_t variable, const struct sample *samples, size_t n)
{
    json_write_open(b, '[');
    for (size_t i = 0; i < n; i++) {
        json_write_open(b, '{');
        json_write_member_i64(b, "variableId", variable);
        json_write_member_time(b, "timestamp", samples[i].ts_ns);
        json_write_member_number(b, "value", samples[i].value);
        json_write_close(b, '}');
    }
    json_write_close(b, ']');
}

void variables_api_newest(struct api_call *c)
{
    struct variable_view v;
    struct sample *samples = NULL;
    struct refusal refusal = {.fields = 0};
    size_t n = 0;
    uint64_t count = NEWEST_DEFAULT;
    if (!find(c, &v) || !series_read_count(c, "count", count, 1, NEWEST_MAX, &count)) return;
    enum err e = variable_service_newest(c->app->devices, c->who.org, v.variable.id, (size_t)count,
                                         c->arena, &samples, &n);
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "variable");
        return;
    }
    write_values(c->body, v.variable.id, samples, n);
    service_call_cacheable(c);
}

void variables_api_values(struct api_call *c)
{
    struct variable_view v;
    struct series_range range;
    struct sample *samples = NULL;
    size_t n = 0;
    bool more = false;
    uint64_t limit = VARIABLE_VALUES_MAX;
    if (!find(c, &v) || !series_read_range(c, &range)) return;
    if (!series_read_count(c, "limit", limit, 1, VARIABLE_VALUES_MAX, &limit)) return;
    enum err e = variable_service_values(c->app->devices, c->who.org, v.variable.id, range.from_ns,
                                         range.to_ns, (size_t)limit, c->arena, &samples, &n, &more);
    if (e) {
        struct refusal refusal = {.fields = 0};
        service_call_refuse(c, NULL, e, &refusal, "variable");
        return;
    }
    write_values(c->body, v.variable.id, samples, n);
    if (more) {
        const struct http1_head *head = http_head(c->exchange);
        const char *link =
            arena_printf(c->arena, "<%.*s?startTime=%lld&endTime=%lld&limit=%llu>; rel=\"next\"",
                         (int)head->path.n, head->path.p, (long long)samples[n - 1].ts_ns + 1,
                         (long long)range.to_ns, (unsigned long long)limit);
        if (link) http_add_header(c->exchange, "Link", bytes_str(link));
    }
    service_call_cacheable(c);
}

void variables_api_statistics(struct api_call *c)
{
    struct variable_view v;
    struct series_range range;
    struct variable_statistics s;
    struct buf *b = c->body;
    if (!find(c, &v) || !series_read_range(c, &range)) return;
    enum err e =
        variable_service_statistics(c->app->devices, c->who.org, v.variable.id, range.from_ns,
                                    range.to_ns, deadline_of(c, DEADLINE_ROWS), &s);
    if (e == ERR_TIMEOUT) {
        deadline_fail(c, e, NULL);
        return;
    }
    if (e) {
        struct refusal refusal = {.fields = 0};
        service_call_refuse(c, NULL, e, &refusal, "variable");
        return;
    }
    json_write_open(b, '{');
    json_write_member_i64(b, "variableId", v.variable.id);
    json_write_member_str(b, "variableName", v.variable.name);
    json_write_member_time(b, "startTime", range.from_ns);
    json_write_member_time(b, "endTime", range.to_ns);
    json_write_member_number(b, "average", s.count ? s.sum / (double)s.count : (double)NAN);
    json_write_member_number(b, "min", s.min);
    json_write_member_number(b, "max", s.max);
    json_write_member_number(b, "sum", s.sum);
    json_write_member_u64(b, "count", s.count);
    json_write_close(b, '}');
    service_call_cacheable(c);
}

static struct variable_change read_change(struct api_fields *f)
{
    double places = -1;
    struct variable_change change = {
        .name = devices_json_text(f, "name", VARIABLE_TEXT_MAX),
        .display_name = devices_json_text(f, "displayName", VARIABLE_TEXT_MAX),
        .description = devices_json_text(f, "description", VARIABLE_DESCRIPTION_MAX),
        .unit = devices_json_text(f, "unit", VARIABLE_TEXT_MAX),
        .data_type = devices_json_text(f, "dataType", VARIABLE_TEXT_MAX),
        .icon = devices_json_text(f, "icon", VARIABLE_TEXT_MAX),
        .color = devices_json_text(f, "color", VARIABLE_TEXT_MAX),
        .min_value = devices_json_place(f, "minValue"),
        .max_value = devices_json_place(f, "maxValue"),
        .decimal_places_set = api_field_has(f, "decimalPlaces"),
        .decimal_places = -1,
    };
    if (!api_field_number(f, "decimalPlaces", &places)) return change;
    if (places < 0 || places > 15 || places != floor(places)) {
        api_field_error(f, "decimalPlaces", "must be a whole number between 0 and 15");
    } else {
        change.decimal_places = (int64_t)places;
    }
    return change;
}

void variables_api_update(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct variable_view v;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct variable_change change = read_change(&f);
    if (!api_fields_close(&f) || !find(c, &v)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = variable_service_update(c->app->devices, &actor, v.variable.id, &change, c->arena,
                                         &v, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "variable");
        return;
    }
    buf_done(&f.errors);
    write_variable(c->body, &v);
    api_ok(c, 200);
}

/* Of the device in the path, or of the one that the body names (deviceId). */
void variables_api_create(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct variable_view v;
    struct bytes device = c->params[0];
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct variable_change given = read_change(&f);
    if (!device.p) {
        device = devices_json_text(&f, "deviceId", DEVICE_EXTERNAL_ID_MAX).value;
        if (!device.n)
            api_field_error(&f, "deviceId",
                            "is missing: the device (a variable belongs to one device)");
    }
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    if (f.errors.n) {
        (void)api_fields_close(&f);
        return;
    }
    enum err e =
        variable_service_create(c->app->devices, &actor, device, &given, c->arena, &v, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "device");
        return;
    }
    buf_done(&f.errors);
    write_variable(c->body, &v);
    api_ok(c, 201);
}
