/* A device in answers, its tags and groups in bodies (see devices_json.h). */
#include "api/devices_json.h"

#include "api/service_call.h"
#include "codec/json_write.h"
#include "service/device_health.h"

#include <cjson/cJSON.h>
#include <math.h>

enum { NAMED_MAX = 1000 }; /* far past what a device may have, which the service says */

/* Null until the first look after a start, seconds later. */
static void write_health(struct buf *b, const struct device *d)
{
    bool known = d->health_checked_ns != 0;
    json_write_key(b, "healthScore");
    if (known)
        json_write_i64(b, d->health);
    else
        json_write_null(b);
    json_write_member_text(b, "healthStatus", known ? device_health_name(d->health) : NULL);
    service_call_time(b, "lastHealthCheckAt", d->health_checked_ns);
}

void devices_json_write_head(struct buf *b, const struct device *d)
{
    char uuid[UUID_TEXT + 1];
    uuid_format(&d->uuid, uuid);
    json_write_open(b, '{');
    json_write_member_text(b, "id", uuid);
    json_write_member_str(b, "externalId", d->external_id);
    json_write_member_str(b, "name", d->name.n ? d->name : d->external_id);
    json_write_member_str(b, "description", d->description);
    json_write_member_bool(b, "active", d->active);
    json_write_member_str(b, "location", d->location);
    json_write_member_str(b, "sensorType", d->sensor_type);
    json_write_member_str(b, "firmwareVersion", d->firmware_version);
    json_write_key(b, "properties"); /* what else its messages said of it */
    json_write_raw(b, d->properties.n ? d->properties : BYTES("{}"));
}

void devices_json_write_live(struct buf *b, const struct device *d, int64_t now_ns)
{
    enum device_status status = device_status_at(d->last_seen_ns, now_ns);
    json_write_member_text(b, "status", device_status_name(status));
    service_call_time(b, "lastSeenAt", d->last_seen_ns);
    write_health(b, d);
}

void devices_json_write_tail(struct buf *b, const struct device *d, const char *token)
{
    json_write_member_number(b, "latitude", d->latitude);
    json_write_member_number(b, "longitude", d->longitude);
    json_write_member_number(b, "altitude", d->altitude);
    json_write_key(b, "tags");
    devices_json_write_tags(b, &d->tags);
    json_write_key(b, "groups");
    devices_json_write_groups(b, &d->groups);
    if (token) json_write_member_text(b, "apiToken", token);
    if (d->deleted_ns) {
        json_write_member_time(b, "deletedAt", d->deleted_ns);
        json_write_member_time(b, "restorableUntil", d->deleted_ns + DEVICE_RESTORABLE_NS);
    }
    json_write_close(b, '}');
}

void devices_json_write_tags(struct buf *b, const struct label_list *tags)
{
    json_write_open(b, '[');
    for (size_t i = 0; i < tags->n; i++) {
        json_write_open(b, '{');
        json_write_member_i64(b, "id", tags->items[i].id);
        json_write_member_str(b, "name", tags->items[i].name);
        json_write_member_str(b, "color", tags->items[i].color);
        json_write_close(b, '}');
    }
    json_write_close(b, ']');
}

void devices_json_write_groups(struct buf *b, const struct label_list *groups)
{
    json_write_open(b, '[');
    for (size_t i = 0; i < groups->n; i++) {
        json_write_open(b, '{');
        json_write_member_i64(b, "id", groups->items[i].id);
        json_write_member_str(b, "name", groups->items[i].name);
        json_write_member_str(b, "description", groups->items[i].description);
        json_write_close(b, '}');
    }
    json_write_close(b, ']');
}

bool devices_json_id(const struct cJSON *item, int64_t *ret)
{
    if (!cJSON_IsNumber(item)) return false;
    double v = item->valuedouble;
    if (v < 1 || v > 9007199254740991.0 || v != floor(v)) return false;
    *ret = (int64_t)v;
    return true;
}

/* An id; of a tag also its name, or the object that an answer holds: old pages send it back. */
static bool read_one(const cJSON *item, bool by_name, struct label *ret)
{
    *ret = (struct label){.id = 0};
    if (cJSON_IsObject(item) && by_name) {
        const cJSON *id = cJSON_GetObjectItemCaseSensitive(item, "id");
        if (id) return devices_json_id(id, &ret->id);
        item = cJSON_GetObjectItemCaseSensitive(item, "name");
    }
    if (cJSON_IsString(item) && by_name) {
        ret->name = bytes_trim(bytes_str(item->valuestring));
        return true;
    }
    return devices_json_id(item, &ret->id);
}

struct device_labels devices_json_labels(struct api_fields *f, const char *name, bool by_name)
{
    struct device_labels labels = {.set = api_field_has(f, name)};
    if (!service_call_has_value(f, name)) return labels;
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(f->object, name), *item;
    int n = cJSON_IsArray(array) ? cJSON_GetArraySize(array) : -1;
    struct label *items =
        n < 0 || n > NAMED_MAX ? NULL : arena_array(f->call->arena, (size_t)n + 1, sizeof *items);
    if (!items) {
        api_field_error(f, name, n < 0 ? "must be an array" : "names too many");
        return labels;
    }
    cJSON_ArrayForEach(item, array)
    {
        if (read_one(item, by_name, &items[labels.list.n])) {
            labels.list.n++;
            continue;
        }
        api_field_error(f, name, by_name ? "may hold names or ids" : "may hold ids only");
        break;
    }
    labels.list.items = items;
    return labels;
}
