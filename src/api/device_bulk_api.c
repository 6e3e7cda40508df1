/* One operation on many devices, and the way back of a deleted one. */
#include "api/app.h"
#include "api/devices_json.h"
#include "api/handlers_device_fleet.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "service/device_bulk.h"

#include <cjson/cJSON.h>
#include <stdio.h>

enum { TEXT_MAX = 1024 };

static bool is_new(const struct device_outcome *items, size_t n, struct bytes id)
{
    for (size_t i = 0; i < n; i++)
        if (bytes_equal(items[i].id, id)) return false;
    return true;
}

/* deviceIds, each once. NULL: an error was added. */
static struct device_outcome *read_ids(struct api_fields *f, size_t *ret_n)
{
    const cJSON *array =
        cJSON_IsObject(f->object) ? cJSON_GetObjectItemCaseSensitive(f->object, "deviceIds") : NULL;
    int size = cJSON_IsArray(array) ? cJSON_GetArraySize(array) : 0;
    size_t n = 0;
    if (size < 1 || size > BULK_MAX) {
        api_field_error(f, "deviceIds", "must be an array of 1 to 1000 ids");
        return NULL;
    }
    struct device_outcome *items = arena_array(f->call->arena, (size_t)size, sizeof *items);
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        if (!items || !cJSON_IsString(item)) {
            api_field_error(f, "deviceIds", "may hold texts only");
            return NULL;
        }
        struct bytes id = bytes_str(item->valuestring);
        if (is_new(items, n, id)) items[n++] = (struct device_outcome){.id = id};
    }
    *ret_n = n;
    return items;
}

/* ACTIVE and INACTIVE, or what the Java platform called them; whether a device can be heard is not
 * for anybody to set. */
static void read_status(struct api_fields *f, struct device_bulk *bulk)
{
    struct bytes status = api_field_text(f, "status", TEXT_MAX);
    bulk->active = bytes_is(status, "ACTIVE") || bytes_is(status, "ONLINE");
    if (!bulk->active && !bytes_is(status, "INACTIVE") && !bytes_is(status, "OFFLINE"))
        api_field_error(f, "status", "must be ACTIVE or INACTIVE");
}

static void read_group(struct api_fields *f, struct device_bulk *bulk)
{
    struct label *group = arena_zalloc(f->call->arena, sizeof *group);
    const cJSON *item =
        cJSON_IsObject(f->object) ? cJSON_GetObjectItemCaseSensitive(f->object, "groupId") : NULL;
    if (!group || !devices_json_id(item, &group->id))
        api_field_error(f, "groupId", "must be the id of a group");
    bulk->labels = (struct label_list){group, 1};
}

/* What the operation needs beside the devices; errors are named by the member of parameters. */
static bool read_parameters(struct api_call *c, const cJSON *json, struct device_bulk *bulk)
{
    struct api_fields f;
    const cJSON *parameters = cJSON_GetObjectItemCaseSensitive(json, "parameters");
    enum device_operation o = bulk->operation;
    if (o == DEVICE_DELETE || o == DEVICE_ENABLE || o == DEVICE_DISABLE) return true;
    api_fields_open(&f, c, parameters);
    if (o == DEVICE_UPDATE_STATUS) {
        read_status(&f, bulk);
    } else if (o == DEVICE_ASSIGN_GROUP || o == DEVICE_REMOVE_FROM_GROUP) {
        read_group(&f, bulk);
    } else {
        bulk->labels = devices_json_labels(&f, "tags", true).list;
        if (!bulk->labels.n && !f.errors.n) api_field_error(&f, "tags", "must name some tags");
    }
    return api_fields_close(&f);
}

static void write_report(struct buf *b, const struct device_outcome *items, size_t n)
{
    size_t failed = 0;
    char message[80];
    for (size_t i = 0; i < n; i++) failed += items[i].why != NULL;
    snprintf(message, sizeof message, "%zu of %zu devices done", n - failed, n);
    json_write_open(b, '{');
    json_write_member_u64(b, "totalRequested", n);
    json_write_member_u64(b, "successCount", n - failed);
    json_write_member_u64(b, "failureCount", failed);
    json_write_key(b, "successfulDeviceIds");
    json_write_open(b, '[');
    for (size_t i = 0; i < n; i++)
        if (!items[i].why) json_write_string(b, items[i].id);
    json_write_close(b, ']');
    json_write_key(b, "failedDevices");
    json_write_open(b, '{');
    for (size_t i = 0; i < n; i++) {
        if (!items[i].why) continue;
        json_write_key_bytes(b, items[i].id);
        json_write_string(b, bytes_str(items[i].why));
    }
    json_write_close(b, '}');
    json_write_member_text(b, "message", message);
    json_write_close(b, '}');
}

void device_bulk_api_run(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct device_bulk bulk = {.active = false};
    size_t n = 0;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    struct bytes operation = api_field_text(&f, "operation", TEXT_MAX);
    if (!device_bulk_parse(operation, &bulk.operation))
        api_field_error(&f, "operation",
                        "must be DELETE, ENABLE, DISABLE, ASSIGN_TAGS, REMOVE_TAGS, ASSIGN_GROUP, "
                        "REMOVE_FROM_GROUP or UPDATE_STATUS");
    struct device_outcome *items = read_ids(&f, &n);
    if (!api_fields_close(&f) || !read_parameters(c, json, &bulk)) return;
    if (bulk.operation == DEVICE_DELETE && !principal_is_org_admin(&c->who)) {
        api_problem(c, 403,
                    "Your role may not do this. Ask an administrator of your "
                    "organisation.");
        return;
    }
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = device_bulk_run(c->app->devices, &actor, &bulk, items, n, c->arena, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "device");
        return;
    }
    buf_done(&f.errors);
    write_report(c->body, items, n);
    api_ok(c, 200);
}

void device_bulk_api_restore(struct api_call *c)
{
    struct device d;
    struct actor actor = service_call_actor(c);
    struct refusal refusal = {.fields = 0};
    enum err e =
        device_service_restore(c->app->devices, &actor, c->params[0], c->arena, &d, &refusal);
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "device");
        return;
    }
    devices_json_answer(c, 200, &d, NULL);
}
