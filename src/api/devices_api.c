/* Devices: list, create, read, change, delete. */
#include "api/app.h"
#include "api/cached_devices.h"
#include "api/devices_json.h"
#include "api/handlers.h"
#include "api/paging.h"
#include "api/service_call.h"
#include "codec/json_write.h"

#include <math.h>

void devices_json_write(struct buf *b, const struct device *d, int64_t now_ns, const char *token)
{
    devices_json_write_head(b, d);
    devices_json_write_live(b, d, now_ns);
    devices_json_write_tail(b, d, token);
}

struct device_text devices_json_text(struct api_fields *f, const char *name, size_t max_chars)
{
    return (struct device_text){.set = api_field_has(f, name),
                                .value = api_field_text(f, name, max_chars)};
}

struct device_place devices_json_place(struct api_fields *f, const char *name)
{
    struct device_place p = {.set = api_field_has(f, name), .value = (double)NAN};
    api_field_number(f, name, &p.value);
    return p;
}

void devices_json_answer(struct api_call *c, int status, const struct device *d, const char *token)
{
    devices_json_write(c->body, d, clock_wall_ns(c->app->clock), token);
    if (status == 200 && !token && http_head(c->exchange)->method <= HTTP1_HEAD) {
        service_call_cacheable(c);
    } else {
        api_ok(c, status);
    }
}

/* --- list ------------------------------------------------------------------------------------- */

/* False: answered. */
static bool read_query(struct api_call *c, struct device_query *ret)
{
    struct bytes status = api_query(c, "status");
    ret->q = api_query(c, "q");
    ret->tag = api_query(c, "tagName");
    ret->by_status = status.n > 0;
    struct bytes group = api_query(c, "groupId");
    if (group.n && !service_call_id(group, &ret->group)) {
        api_problem(c, 400, "groupId must be the id of a group.");
        return false;
    }
    if (!service_call_query_bool(c, "deleted", &ret->deleted)) return false;
    if (ret->deleted && !principal_is_org_admin(&c->who)) {
        api_problem(c, 403, "Deleted devices are shown to administrators of the organisation.");
        return false;
    }
    if (!status.n || device_status_parse(status, &ret->status)) return true;
    api_problem(c, 400, "status may be ONLINE, OFFLINE or UNKNOWN.");
    return false;
}

void devices_api_list(struct api_call *c)
{
    struct device_query query = {.by_status = false};
    struct paging p;
    struct catalog_listing listing;
    struct why why = {""};
    if (!read_query(c, &query) || !paging_read(c, &p)) return;
    if (!p.asked) p.page.no_total = true; /* nobody would see it */
    if (query.deleted && !p.page.sort.n && !p.page.by_cursor) {
        p.page.sort = BYTES("deletedAt"); /* what somebody just deleted comes first */
        p.page.descending = true;
    }
    paging_open(c, &p);
    enum err e = cached_devices_list(c, &query, &p.page, &listing, &why);
    if (e) {
        buf_clear(c->body);
        api_fail(c, e, &why);
        return;
    }
    paging_close(c, &p, &listing);
    service_call_cacheable(c);
}

/* --- one -------------------------------------------------------------------------------------- */

static struct device_change read_change(struct api_fields *f)
{
    return (struct device_change){
        .name = devices_json_text(f, "name", DEVICE_TEXT_MAX),
        .description = devices_json_text(f, "description", DEVICE_DESCRIPTION_MAX),
        .location = devices_json_text(f, "location", DEVICE_TEXT_MAX),
        .sensor_type = devices_json_text(f, "sensorType", DEVICE_TEXT_MAX),
        .firmware_version = devices_json_text(f, "firmwareVersion", DEVICE_TEXT_MAX),
        .latitude = devices_json_place(f, "latitude"),
        .longitude = devices_json_place(f, "longitude"),
        .altitude = devices_json_place(f, "altitude"),
        .active_set = service_call_has_value(f, "active"),
        .active = api_field_bool(f, "active", true),
        .tags = devices_json_labels(f, "tags", true),
        .groups = devices_json_labels(f, "groupIds", false),
    };
}

static struct bytes read_external_id(struct api_fields *f)
{
    const char *name = service_call_has_value(f, "externalId") ? "externalId" : "deviceId";
    return api_field_text(f, name, DEVICE_EXTERNAL_ID_MAX);
}

void devices_api_create(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct device d;
    char token[TOKENS_DEVICE_TEXT + 1];
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    struct bytes external_id = read_external_id(&f);
    const struct device_change said = read_change(&f);
    if (!external_id.p && f.errors.n == 0) api_field_error(&f, "externalId", "is required");
    if (!api_fields_close(&f)) return;
    const struct device given = {
        .external_id = external_id,
        .name = said.name.value,
        .description = said.description.value,
        .location = said.location.value,
        .sensor_type = said.sensor_type.value,
        .firmware_version = said.firmware_version.value,
        .latitude = said.latitude.value,
        .longitude = said.longitude.value,
        .altitude = said.altitude.value,
        .active = said.active,
        .tags = said.tags.list,
        .groups = said.groups.list,
    };
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e =
        device_service_create(c->app->devices, &actor, &given, c->arena, &d, token, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "device");
        return;
    }
    buf_done(&f.errors);
    devices_json_answer(c, 201, &d, token);
}

void devices_api_get(struct api_call *c)
{
    struct refusal refusal = {.fields = 0};
    enum err e = cached_devices_one(c, c->params[0]);
    if (e)
        service_call_refuse(c, NULL, e, &refusal, "device");
    else
        service_call_cacheable(c);
}

/* An id in the body may only repeat what the device is called: it is its address. */
static void check_same_id(struct api_call *c, struct api_fields *f)
{
    struct device d;
    struct bytes said = read_external_id(f);
    if (!said.p) return;
    enum err e = device_service_find(c->app->devices, c->who.org, c->params[0], c->arena, &d);
    if (!e && !bytes_equal(said, d.external_id)) {
        api_field_error(f, "externalId", "cannot be changed; create another device");
    }
}

void devices_api_update(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct device d;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct device_change change = read_change(&f);
    check_same_id(c, &f);
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = device_service_update(c->app->devices, &actor, c->params[0], &change, c->arena, &d,
                                       &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "device");
        return;
    }
    buf_done(&f.errors);
    devices_json_answer(c, 200, &d, NULL);
}

void devices_api_delete(struct api_call *c)
{
    struct actor actor = service_call_actor(c);
    struct refusal refusal = {.fields = 0};
    enum err e = device_service_delete(c->app->devices, &actor, c->params[0], c->arena);
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "device");
        return;
    }
    api_answer(c, 204, NULL);
}
