#pragma once
/* codec/raw_batch.h -- what a telemetry body says, before anybody knows devices or series: records
 * of names and values, the same whatever the format was. Each decoder (json_telemetry,
 * line_protocol) appends to one; ingest reads it.
 *
 * R1  validity is per record: a bad one has error != NULL and no values, the others are complete.
 * R2  a record without error has 1 value or more, all finite, all names valid.
 * R3  the same name may stand in a record twice; the later one is meant to win.
 * Threads: owner only.   Memory: the arrays are owned and reused by raw_batch_clear(); all bytes
 * are borrowed from the body or from the arena given to the decoder, whichever ends first. */
#include "base/arena.h"
#include "base/err.h"

enum {
    RAW_NAME_MAX = 100,
    RAW_DEVICE_MAX = 64,
    RAW_TEXT_MAX = 255,
    RAW_PROPERTIES_MAX = 64 /* of one record */
};

struct raw_value {
    struct bytes name;
    double value;
};

struct raw_property {
    struct bytes name, value;
};

struct raw_record {
    struct bytes device_id; /* empty: the body names none */
    int64_t ts_ns;          /* valid when has_time */
    bool has_time;
    uint32_t line;         /* of text formats: where it starts, from 1; 0 in JSON */
    uint32_t first, count; /* values[first .. first+count) */
    uint32_t first_property, property_count; /* properties[...]: line protocol's property tags */
    struct bytes location, sensor_type, firmware_version; /* metadata; p == NULL: not said */
    const char *error; /* NULL = good; else a sentence naming the field */
};

struct raw_batch {
    struct raw_record *records; /* owned */
    size_t record_count, record_cap, record_max;
    struct raw_value *values; /* owned */
    size_t value_count, value_cap, value_max;
    struct raw_property *properties; /* owned */
    size_t property_count, property_cap;
    uint64_t skipped_fields; /* string fields of line protocol, which are not stored */
    size_t bad_count;        /* records with an error */
};

/* The ceilings (at most UINT32_MAX each) turn a body of nothing but brackets into ERR_TOOLARGE
 * instead of memory: a record takes about 150 bytes, a value 24. */
void raw_batch_init(struct raw_batch *b, size_t max_records, size_t max_values);
void raw_batch_done(struct raw_batch *b);
void raw_batch_clear(struct raw_batch *b); /* keeps the memory */

/* For decoders. Appends one empty record that begins at the current ends of the arrays; borrowed
 * until the next append. ERR_TOOLARGE at the ceiling, ERR_NOMEM. */
enum err raw_batch_add_record(struct raw_batch *b, uint32_t line,
                              struct raw_record **ret) MUST_CHECK;
enum err raw_batch_grow_values(struct raw_batch *b) MUST_CHECK;
enum err raw_batch_grow_properties(struct raw_batch *b) MUST_CHECK;
static inline enum err raw_batch_add_value(struct raw_batch *b, struct bytes name, double value)
{
    if (b->value_count == b->value_cap) {
        enum err e = raw_batch_grow_values(b);
        if (e) return e;
    }
    b->values[b->value_count++] = (struct raw_value){name, value};
    return ERR_OK;
}
static inline enum err raw_batch_add_property(struct raw_batch *b, struct bytes name,
                                              struct bytes value)
{
    if (b->property_count == b->property_cap) {
        enum err e = raw_batch_grow_properties(b);
        if (e) return e;
    }
    b->properties[b->property_count++] = (struct raw_property){name, value};
    return ERR_OK;
}
/* Marks the newest record bad: drops its values and properties, keeps device and time. */
void raw_batch_spoil(struct raw_batch *b, const char *error);

/* deviceId externalId timestamp type metadata variables: they mean something beside values. */
static inline bool raw_batch_is_reserved(struct bytes name)
{
    switch (name.n) {
    case 4:
        return memcmp(name.p, "type", 4) == 0;
    case 8:
        return memcmp(name.p, "deviceId", 8) == 0 || memcmp(name.p, "metadata", 8) == 0;
    case 9:
        return memcmp(name.p, "timestamp", 9) == 0 || memcmp(name.p, "variables", 9) == 0;
    case 10:
        return memcmp(name.p, "externalId", 10) == 0;
    default:
        return false;
    }
}
/* NULL when it may name a variable; else why not: empty, reserved, longer than RAW_NAME_MAX bytes,
 * control characters or not UTF-8. */
const char *raw_batch_name_error(struct bytes name);
/* NULL when it may be an external id: 1 to RAW_DEVICE_MAX characters of UTF-8, no control
 * characters. */
const char *raw_batch_device_error(struct bytes id);
/* NULL when it may be a property's value: at most RAW_TEXT_MAX bytes of UTF-8, no control
 * characters. */
const char *raw_batch_text_error(struct bytes text);
/* Puts a property in its place: location, sensor_type and firmware_version (or camelCase) are
 * fields of the record; false: it is none of them. */
bool raw_batch_set_metadata(struct raw_record *r, struct bytes name, struct bytes value);
