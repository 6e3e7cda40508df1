/* Tags and groups of a device in bodies and answers (see devices_json.h). */
#include "api/devices_json.h"

#include "api/service_call.h"
#include "codec/json_write.h"

#include <cjson/cJSON.h>
#include <math.h>

enum { NAMED_MAX = 1000 }; /* far past what a device may have, which the service says */

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
