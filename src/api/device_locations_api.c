/* Where the devices are. */
#include "api/app.h"
#include "api/devices_json.h"
#include "api/handlers_device_fleet.h"
#include "api/paging.h"
#include "api/service_call.h"
#include "codec/json_write.h"

#include <math.h>

static void write_location(struct buf *b, const struct device *d, int64_t now_ns)
{
    char uuid[UUID_TEXT + 1];
    uuid_format(&d->uuid, uuid);
    json_write_open(b, '{');
    json_write_member_text(b, "deviceId", uuid);
    json_write_member_str(b, "externalId", d->external_id);
    json_write_member_str(b, "deviceName", d->name.n ? d->name : d->external_id);
    json_write_member_number(b, "latitude", d->latitude);
    json_write_member_number(b, "longitude", d->longitude);
    json_write_member_number(b, "altitude", d->altitude);
    service_call_time(b, "locationUpdatedAt", d->located_ns);
    json_write_member_text(b, "status",
                           device_status_name(device_status_at(d->last_seen_ns, now_ns)));
    json_write_close(b, '}');
}

void device_locations_api_list(struct api_call *c)
{
    const struct device_query query = {.located = true};
    struct paging p;
    struct device *devices = NULL;
    struct catalog_listing listing;
    struct why why = {""};
    if (!paging_read(c, &p)) return;
    if (!p.asked) p.page.no_total = true;
    enum err e = device_service_list(c->app->devices, c->who.org, &query, &p.page, c->arena,
                                     &devices, &listing, &why);
    if (e) {
        api_fail(c, e, &why);
        return;
    }
    int64_t now = clock_wall_ns(c->app->clock);
    paging_open(c, &p);
    for (size_t i = 0; i < listing.count; i++) write_location(c->body, &devices[i], now);
    paging_close(c, &p, &listing);
    service_call_cacheable(c);
}

static void answer(struct api_call *c, struct api_fields *f, enum err e, const struct device *d,
                   const struct refusal *refusal)
{
    if (e) {
        service_call_refuse(c, f, e, refusal, "device");
        return;
    }
    if (f) buf_done(&f->errors);
    write_location(c->body, d, clock_wall_ns(c->app->clock));
    api_ok(c, 200);
}

void device_locations_api_get(struct api_call *c)
{
    struct device d;
    const struct refusal refusal = {.fields = 0};
    enum err e = device_service_find(c->app->devices, c->who.org, c->params[0], c->arena, &d);
    answer(c, NULL, e, &d, &refusal);
}

void device_locations_api_put(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct device d;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct device_change change = {
        .latitude = devices_json_place(&f, "latitude"),
        .longitude = devices_json_place(&f, "longitude"),
        .altitude = devices_json_place(&f, "altitude"),
    };
    if (!f.errors.n && isnan(change.latitude.value)) api_field_error(&f, "latitude", "is required");
    if (!f.errors.n && isnan(change.longitude.value))
        api_field_error(&f, "longitude", "is required");
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = device_service_update(c->app->devices, &actor, c->params[0], &change, c->arena, &d,
                                       &refusal);
    answer(c, &f, e, &d, &refusal);
}

void device_locations_api_delete(struct api_call *c)
{
    struct device d;
    static const struct device_place unknown = {true, (double)NAN};
    const struct device_change change = {
        .latitude = unknown, .longitude = unknown, .altitude = unknown};
    struct actor actor = service_call_actor(c);
    struct refusal refusal = {.fields = 0};
    enum err e = device_service_update(c->app->devices, &actor, c->params[0], &change, c->arena, &d,
                                       &refusal);
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "device");
        return;
    }
    api_answer(c, 204, NULL);
}
