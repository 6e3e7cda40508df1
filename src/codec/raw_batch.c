/* Records as a body says them (see raw_batch.h). */
#include "codec/raw_batch.h"

#include "base/mem.h"

void raw_batch_init(struct raw_batch *b, size_t max_records, size_t max_values)
{
    bug_if(max_records > UINT32_MAX || max_values > UINT32_MAX);
    *b = (struct raw_batch){.record_max = max_records, .value_max = max_values};
}

void raw_batch_done(struct raw_batch *b)
{
    mem_free(b->records);
    mem_free(b->values);
    mem_free(b->properties);
    raw_batch_init(b, b->record_max, b->value_max);
}

void raw_batch_clear(struct raw_batch *b)
{
    b->record_count = b->value_count = b->property_count = 0;
    b->skipped_fields = 0;
    b->bad_count = 0;
}

/* Doubles *cap, which starts at 16, up to `max` items of `size` bytes. */
static enum err grow(void **items, size_t *cap, size_t max, size_t size)
{
    if (*cap >= max) return ERR_TOOLARGE;
    size_t want = *cap ? *cap * 2 : 16;
    if (want > max) want = max;
    void *p = mem_realloc(*items, want * size);
    if (!p) return ERR_NOMEM;
    *items = p;
    *cap = want;
    return ERR_OK;
}

enum err raw_batch_add_record(struct raw_batch *b, uint32_t line, struct raw_record **ret)
{
    if (b->record_count == b->record_cap) {
        void *items = b->records;
        enum err e = grow(&items, &b->record_cap, b->record_max, sizeof *b->records);
        b->records = items;
        if (e) return e;
    }
    struct raw_record *r = &b->records[b->record_count++];
    *r = (struct raw_record){.line = line,
                             .first = (uint32_t)b->value_count,
                             .first_property = (uint32_t)b->property_count};
    *ret = r;
    return ERR_OK;
}

enum err raw_batch_grow_values(struct raw_batch *b)
{
    void *items = b->values;
    enum err e = grow(&items, &b->value_cap, b->value_max, sizeof *b->values);
    b->values = items;
    return e;
}

enum err raw_batch_grow_properties(struct raw_batch *b)
{
    void *items = b->properties;
    enum err e = grow(&items, &b->property_cap, b->value_max, sizeof *b->properties);
    b->properties = items;
    return e;
}

void raw_batch_spoil(struct raw_batch *b, const char *error)
{
    struct raw_record *r = &b->records[b->record_count - 1];
    b->value_count = r->first;
    b->property_count = r->first_property;
    r->count = r->property_count = 0;
    if (!r->error) b->bad_count++;
    r->error = error;
}

/* Of the controls DEL is let through: JSON takes it unescaped, and here both must agree. */
static bool has_control(struct bytes s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20) return true;
    return false;
}

const char *raw_batch_name_error(struct bytes name)
{
    if (!name.n) return "a variable needs a name";
    if (name.n > RAW_NAME_MAX) return "a variable's name has at most 100 bytes";
    if (raw_batch_is_reserved(name)) return "this name is reserved and cannot be a variable";
    if (has_control(name)) return "a variable's name holds no control characters";
    if (!bytes_is_utf8(name)) return "a variable's name is UTF-8";
    return NULL;
}

const char *raw_batch_device_error(struct bytes id)
{
    if (!id.n) return "a device id is not empty";
    if (id.n > RAW_DEVICE_MAX * 4) return "a device id has at most 64 characters";
    size_t characters = 0;
    for (size_t i = 0; i < id.n; i++) characters += (id.p[i] & 0xc0) != 0x80;
    if (characters > RAW_DEVICE_MAX) return "a device id has at most 64 characters";
    if (has_control(id)) return "a device id holds no control characters";
    if (!bytes_is_utf8(id)) return "a device id is UTF-8";
    return NULL;
}

const char *raw_batch_text_error(struct bytes text)
{
    if (text.n > RAW_TEXT_MAX) return "has at most 255 bytes";
    if (has_control(text)) return "holds no control characters";
    if (!bytes_is_utf8(text)) return "is not UTF-8";
    return NULL;
}

bool raw_batch_set_metadata(struct raw_record *r, struct bytes name, struct bytes value)
{
    if (bytes_is(name, "location"))
        r->location = value;
    else if (bytes_is(name, "sensor_type") || bytes_is(name, "sensorType"))
        r->sensor_type = value;
    else if (bytes_is(name, "firmware_version") || bytes_is(name, "firmwareVersion"))
        r->firmware_version = value;
    else
        return false;
    return true;
}
