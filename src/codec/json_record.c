/* One telemetry record in JSON (see json_record.h): the tokenizer walks, this file knows the names.
 */
#include "codec/json_record.h"

#include "codec/number.h"
#include "codec/timestamp.h"

#include <stdarg.h>
#include <stdio.h>

void json_record_start(struct json_record *d, struct bytes body, struct arena *arena,
                       struct raw_batch *batch, struct why *why)
{
    *d = (struct json_record){.arena = arena, .batch = batch, .why = why};
    json_text_init(&d->json, body, arena, JSON_DEPTH_MAX);
}

/* Whatever the body is behind its value must be white space. */
enum err json_record_finish(struct json_record *d)
{
    struct json_token t;
    return json_record_next(d, &t);
}

/* Notes the first thing that is wrong with the record; reading goes on, the JSON may be malformed.
 */
__attribute__((format(printf, 2, 3))) enum err json_record_wrong(struct json_record *d,
                                                                 const char *format, ...)
{
    if (d->wrong) return ERR_OK;
    char text[240];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    d->wrong = arena_copy_str(d->arena, text);
    return d->wrong ? ERR_OK : ERR_NOMEM;
}

/* For "%.*s": a name of any length, at most the 100 bytes a good one has. */
static int shown(struct bytes name)
{
    return name.n > RAW_NAME_MAX ? RAW_NAME_MAX : (int)name.n;
}

/* --- values -------------------------------------------------------------------------------------
 */

/* The value of token t, whose object or array is passed over. *ret_taken false: null, or wrong. */
enum err json_record_read_value(struct json_record *d, struct bytes name,
                                const struct json_token *t, bool *ret_taken, double *ret)
{
    *ret_taken = t->kind != JSON_NULL;
    switch (t->kind) {
    case JSON_NUMBER:
        *ret = t->number;
        return ERR_OK;
    case JSON_TRUE:
        *ret = 1;
        return ERR_OK;
    case JSON_FALSE:
        *ret = 0;
        return ERR_OK;
    case JSON_NULL:
        return ERR_OK;
    case JSON_STRING:
        if (!number_parse(t->text, ret)) return ERR_OK;
        *ret_taken = false;
        return json_record_wrong(d, "%.*s: '%.*s' is not a number", shown(name), name.p,
                                 shown(t->text), t->text.p);
    default:
        break;
    }
    *ret_taken = false;
    enum err e =
        json_record_wrong(d, "%.*s: must be a number, a numeric string or a boolean, not %s",
                          shown(name), name.p, json_text_kind_name(t->kind));
    return e ? e : json_text_skip(&d->json, t, d->why);
}

/* A name that stands in the body as it is was checked by the tokenizer but for length and meaning.
 */
static inline bool is_plain_name(const struct json_record *d, struct bytes name)
{
    return name.n - 1 < RAW_NAME_MAX &&
           (uintptr_t)name.p - (uintptr_t)d->json.start <
               (uintptr_t)(d->json.end - d->json.start) &&
           !raw_batch_is_reserved(name);
}

/* One variable of the record: its name was just read, its value comes next. */
enum err json_record_take_variable(struct json_record *d, struct bytes name)
{
    struct json_token t;
    enum err e = json_record_next(d, &t);
    if (e) return e;
    if (!is_plain_name(d, name)) {
        const char *error = raw_batch_name_error(name);
        if (error &&
            (e = json_record_wrong(d, "%.*s: %s", shown(name), name.n ? name.p : "", error)))
            return e;
    }
    if (t.kind == JSON_NUMBER) return raw_batch_add_value(d->batch, name, t.number);
    bool taken;
    double v = 0;
    e = json_record_read_value(d, name, &t, &taken, &v);
    return e || !taken ? e : raw_batch_add_value(d->batch, name, v);
}

/* The members of an object that was just opened, all of them variables. */
enum err json_record_take_variables(struct json_record *d)
{
    struct json_token t;
    for (;;) {
        enum err e = json_record_next(d, &t);
        if (e || t.kind == JSON_OBJECT_END) return e;
        e = json_record_take_variable(d, t.text);
        if (e) return e;
    }
}

/* --- the members beside the values --------------------------------------------------------------
 */

/* Text, or a number as it is written; p == NULL for null and for what is wrong. */
static enum err read_text(struct json_record *d, const char *name, const struct json_token *t,
                          struct bytes *ret)
{
    *ret = bytes_of(NULL, 0);
    if (t->kind == JSON_NULL) return ERR_OK;
    if (t->kind == JSON_STRING || t->kind == JSON_NUMBER) {
        *ret = t->text;
        return ERR_OK;
    }
    enum err e =
        json_record_wrong(d, "%s: must be a string, not %s", name, json_text_kind_name(t->kind));
    return e ? e : json_text_skip(&d->json, t, d->why);
}

enum err json_record_take_device(struct json_record *d, const char *name)
{
    struct json_token t;
    struct bytes id;
    enum err e = json_record_next(d, &t);
    if (!e) e = read_text(d, name, &t, &id);
    if (e || !id.p) return e;
    const char *error = raw_batch_device_error(id);
    if (error) return json_record_wrong(d, "%s: %s", name, error);
    d->record->device_id = id;
    return ERR_OK;
}

enum err json_record_take_time(struct json_record *d)
{
    struct json_token t;
    struct why why = {""};
    enum err e = json_record_next(d, &t);
    if (e) return e;
    d->record->has_time = t.kind == JSON_STRING || t.kind == JSON_NUMBER;
    if (t.kind == JSON_STRING)
        e = timestamp_parse(t.text, &d->record->ts_ns, &why);
    else if (t.kind == JSON_NUMBER)
        e = timestamp_from_number(t.text, &d->record->ts_ns, &why);
    else if (t.kind != JSON_NULL) {
        e = json_record_wrong(d, "timestamp: must be a string or a number, not %s",
                              json_text_kind_name(t.kind));
        return e ? e : json_text_skip(&d->json, &t, d->why);
    }
    if (!e) return ERR_OK;
    d->record->has_time = false;
    return json_record_wrong(d, "timestamp: %.200s", why.text);
}

static enum err take_metadata_member(struct json_record *d, struct bytes name)
{
    static const char *const known[] = {"location", "sensor_type", "sensorType", "firmware_version",
                                        "firmwareVersion"};
    struct json_token t;
    enum err e = json_record_next(d, &t);
    if (e) return e;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!bytes_is(name, known[i])) continue;
        struct bytes value;
        e = read_text(d, known[i], &t, &value);
        if (e || !value.p) return e;
        const char *error = raw_batch_text_error(value);
        if (error) return json_record_wrong(d, "%s: %s", known[i], error);
        raw_batch_set_metadata(d->record, name, value);
        return ERR_OK;
    }
    return json_text_skip(&d->json, &t, d->why);
}

/* Opens the object that must be the value of member `name`; false: it is something else, and
 * passed. */
enum err json_record_open_object(struct json_record *d, const char *name, bool *ret_open)
{
    struct json_token t;
    enum err e = json_record_next(d, &t);
    if (e) return e;
    *ret_open = t.kind == JSON_OBJECT;
    if (*ret_open || t.kind == JSON_NULL) return ERR_OK;
    e = json_record_wrong(d, "%s: must be an object, not %s", name, json_text_kind_name(t.kind));
    return e ? e : json_text_skip(&d->json, &t, d->why);
}

enum err json_record_take_metadata(struct json_record *d)
{
    bool open;
    enum err e = json_record_open_object(d, "metadata", &open);
    while (!e && open) {
        struct json_token t;
        e = json_record_next(d, &t);
        if (e || t.kind == JSON_OBJECT_END) break;
        e = take_metadata_member(d, t.text);
    }
    return e;
}

/* --- records ------------------------------------------------------------------------------------
 */

static enum err take_member(struct json_record *d, struct bytes name)
{
    if (bytes_is(name, "deviceId")) return json_record_take_device(d, "deviceId");
    if (bytes_is(name, "timestamp")) return json_record_take_time(d);
    if (bytes_is(name, "variables")) {
        bool open;
        d->batch->value_count = d->record->first; /* of two members "variables" the later wins */
        enum err e = json_record_open_object(d, "variables", &open);
        return e || !open ? e : json_record_take_variables(d);
    }
    if (bytes_is(name, "metadata")) return json_record_take_metadata(d);
    if (bytes_is(name, "externalId")) return json_record_take_device(d, "externalId");
    struct json_token t;
    enum err e = json_record_next(d, &t);
    return e ? e : json_text_skip(&d->json, &t, d->why);
}

enum err json_record_begin(struct json_record *d)
{
    d->wrong = NULL;
    return raw_batch_add_record(d->batch, 0, &d->record);
}

void json_record_end(struct json_record *d, bool needs_device)
{
    d->record->count = (uint32_t)(d->batch->value_count - d->record->first);
    if (!d->wrong && needs_device && !d->record->device_id.n) d->wrong = "deviceId: is missing";
    if (!d->wrong && !d->record->count) d->wrong = "variables: there is no value to store";
    if (d->wrong) raw_batch_spoil(d->batch, d->wrong);
}

/* Form B, whose first token is t. */
enum err json_record_take(struct json_record *d, const struct json_token *t, bool needs_device)
{
    enum err e = json_record_begin(d);
    if (e) return e;
    if (t->kind != JSON_OBJECT) {
        e = json_record_wrong(d, "a record must be an object, not %s",
                              json_text_kind_name(t->kind));
        if (!e) e = json_text_skip(&d->json, t, d->why);
    }
    while (!e && t->kind == JSON_OBJECT) {
        struct json_token member;
        e = json_record_next(d, &member);
        if (e || member.kind == JSON_OBJECT_END) break;
        e = take_member(d, member.text);
    }
    if (!e) json_record_end(d, needs_device);
    return e;
}

/* Gives a ceiling or memory error its sentence and, for single records, makes their error the
 * body's. */
enum err json_record_conclude(struct json_record *d, enum err e, bool single)
{
    if (!e) e = json_record_finish(d);
    if (e == ERR_TOOLARGE)
        return why_say(d->why, e, "the body holds more than %zu records or %zu values",
                       d->batch->record_max, d->batch->value_max);
    if (e == ERR_NOMEM) return why_say(d->why, e, "not enough memory to read the body");
    if (!e && single && d->wrong) return why_say(d->why, ERR_INVALID, "%s", d->wrong);
    return e;
}
