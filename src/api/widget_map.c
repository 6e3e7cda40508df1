/* Positions (see widget_map.h). */
#include "api/widget_map.h"

#include "api/service_call.h"
#include "api/widget_data.h"
#include "codec/json_write.h"
#include "model/device_status.h"

#include <math.h>

/* The newest value of the variable of that name; NAN without one. */
static enum err newest(struct app *app, struct reg_device *d, struct bytes name, double *ret)
{
    const struct reg_variable *v = registry_find_variable(app->registry, d, name);
    struct sample sample = {.ts_ns = INT64_MIN};
    *ret = (double)NAN;
    if (!v) return ERR_OK;
    enum err e = telemetry_latest(app->telemetry, d->org, &v->id, 1, &sample);
    if (!e && sample.ts_ns != INT64_MIN) *ret = sample.value;
    return e;
}

/* What the device says of its place is newer than what was written down. */
static enum err place(struct app *app, struct device *d)
{
    struct reg_device *r = registry_find_key(app->registry, d->org, d->id);
    double latitude, longitude, altitude;
    if (!r) return ERR_OK;
    enum err e = newest(app, r, BYTES("latitude"), &latitude);
    if (!e) e = newest(app, r, BYTES("longitude"), &longitude);
    if (!e) e = newest(app, r, BYTES("altitude"), &altitude);
    if (e || isnan(latitude) || isnan(longitude)) return e;
    d->latitude = latitude;
    d->longitude = longitude;
    if (!isnan(altitude)) d->altitude = altitude;
    return ERR_OK;
}

static bool has_place(const struct device *d)
{
    return !isnan(d->latitude) && !isnan(d->longitude);
}

static enum err read_page(struct api_call *c, struct widget_map *map, int64_t org,
                          struct catalog_page *page, bool *ret_more)
{
    const struct device_query all = {.by_status = false};
    struct catalog_listing listing;
    struct device *found = NULL;
    enum err e =
        device_service_list(c->app->devices, org, &all, page, c->arena, &found, &listing, NULL);
    for (size_t i = 0; !e && i < listing.count && map->n < WIDGET_DATA_POSITIONS; i++) {
        e = place(c->app, &found[i]);
        if (!e && has_place(&found[i])) map->devices[map->n++] = found[i];
    }
    *ret_more = !e && listing.more && map->n < WIDGET_DATA_POSITIONS;
    if (!e) page->after = listing.last;
    return e;
}

static enum err read_all(struct api_call *c, struct widget_map *map, int64_t org)
{
    struct catalog_page page = {.size = CATALOG_PAGE_MAX, .by_cursor = true, .no_total = true};
    enum err e = ERR_OK;
    if (map->read) return ERR_OK;
    map->devices = arena_array(c->arena, WIDGET_DATA_POSITIONS, sizeof *map->devices);
    if (!map->devices) return ERR_NOMEM;
    for (bool more = true; more && !e;) e = read_page(c, map, org, &page, &more);
    map->read = !e;
    return e;
}

static void write_device(struct buf *b, const struct device *d, int64_t now_ns, bool with_ids)
{
    json_write_open(b, '{');
    if (with_ids) json_write_member_str(b, "deviceId", d->external_id);
    json_write_member_str(b, "name", d->name.n ? d->name : d->external_id);
    json_write_member_number(b, "latitude", d->latitude);
    json_write_member_number(b, "longitude", d->longitude);
    json_write_member_number(b, "altitude", d->altitude);
    json_write_member_text(b, "status",
                           device_status_name(device_status_at(d->last_seen_ns, now_ns)));
    service_call_time(b, "lastSeenAt", d->last_seen_ns);
    json_write_close(b, '}');
}

enum err widget_map_write(struct api_call *c, struct widget_map *map, int64_t org,
                          struct bytes device, bool with_ids)
{
    struct device one;
    struct widget_map just = {.devices = &one, .n = 1};
    enum err e = ERR_OK;
    if (device.n) {
        e = device_service_find(c->app->devices, org, device, c->arena, &one);
        if (!e) e = place(c->app, &one);
        if (!e && !has_place(&one)) just.n = 0;
        map = &just;
    } else {
        e = read_all(c, map, org);
    }
    if (e) return e;
    int64_t now = clock_wall_ns(c->app->clock);
    json_write_key(c->body, "positions");
    json_write_open(c->body, '[');
    for (size_t i = 0; i < map->n; i++) write_device(c->body, &map->devices[i], now, with_ids);
    json_write_close(c->body, ']');
    return ERR_OK;
}
