/* Telemetry bodies in JSON (see json_telemetry.h): the tokenizer walks, this file knows the names.
 */
#include "codec/json_telemetry.h"

#include "codec/json_text.h"
#include "codec/number.h"
#include "codec/timestamp.h"

#include <stdarg.h>
#include <stdio.h>

struct decoder {
    struct json_reader json;
    struct arena *arena;
    struct raw_batch *batch;
    struct raw_record *record; /* the one being read */
    const char *wrong;         /* first thing wrong with it, NULL = good so far */
    struct why *why;
};

static void start(struct decoder *d, struct bytes body, struct arena *arena,
                  struct raw_batch *batch, struct why *why)
{
    *d = (struct decoder){.arena = arena, .batch = batch, .why = why};
    json_text_init(&d->json, body, arena, JSON_DEPTH_MAX);
}

static inline enum err next(struct decoder *d, struct json_token *t)
{
    return json_text_next(&d->json, t, d->why);
}

/* Whatever the body is behind its value must be white space. */
static enum err finish(struct decoder *d)
{
    struct json_token t;
    return next(d, &t);
}

/* Notes the first thing that is wrong with the record; reading goes on, the JSON may be malformed.
 */
__attribute__((format(printf, 2, 3))) static enum err wrong(struct decoder *d, const char *format,
                                                            ...)
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
static enum err read_value(struct decoder *d, struct bytes name, const struct json_token *t,
                           bool *ret_taken, double *ret)
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
        return wrong(d, "%.*s: '%.*s' is not a number", shown(name), name.p, shown(t->text),
                     t->text.p);
    default:
        break;
    }
    *ret_taken = false;
    enum err e = wrong(d, "%.*s: must be a number, a numeric string or a boolean, not %s",
                       shown(name), name.p, json_text_kind_name(t->kind));
    return e ? e : json_text_skip(&d->json, t, d->why);
}

/* A name that stands in the body as it is was checked by the tokenizer but for length and meaning.
 */
static inline bool is_plain_name(const struct decoder *d, struct bytes name)
{
    return name.n - 1 < RAW_NAME_MAX &&
           (uintptr_t)name.p - (uintptr_t)d->json.start <
               (uintptr_t)(d->json.end - d->json.start) &&
           !raw_batch_is_reserved(name);
}

/* One variable of the record: its name was just read, its value comes next. */
static inline enum err take_variable(struct decoder *d, struct bytes name)
{
    struct json_token t;
    enum err e = next(d, &t);
    if (e) return e;
    if (!is_plain_name(d, name)) {
        const char *error = raw_batch_name_error(name);
        if (error && (e = wrong(d, "%.*s: %s", shown(name), name.n ? name.p : "", error))) return e;
    }
    if (t.kind == JSON_NUMBER) return raw_batch_add_value(d->batch, name, t.number);
    bool taken;
    double v = 0;
    e = read_value(d, name, &t, &taken, &v);
    return e || !taken ? e : raw_batch_add_value(d->batch, name, v);
}

/* The members of an object that was just opened, all of them variables. */
static enum err take_variables(struct decoder *d)
{
    struct json_token t;
    for (;;) {
        enum err e = next(d, &t);
        if (e || t.kind == JSON_OBJECT_END) return e;
        e = take_variable(d, t.text);
        if (e) return e;
    }
}

/* --- the members beside the values --------------------------------------------------------------
 */

/* Text, or a number as it is written; p == NULL for null and for what is wrong. */
static enum err read_text(struct decoder *d, const char *name, const struct json_token *t,
                          struct bytes *ret)
{
    *ret = bytes_of(NULL, 0);
    if (t->kind == JSON_NULL) return ERR_OK;
    if (t->kind == JSON_STRING || t->kind == JSON_NUMBER) {
        *ret = t->text;
        return ERR_OK;
    }
    enum err e = wrong(d, "%s: must be a string, not %s", name, json_text_kind_name(t->kind));
    return e ? e : json_text_skip(&d->json, t, d->why);
}

static enum err take_device(struct decoder *d, const char *name)
{
    struct json_token t;
    struct bytes id;
    enum err e = next(d, &t);
    if (!e) e = read_text(d, name, &t, &id);
    if (e || !id.p) return e;
    const char *error = raw_batch_device_error(id);
    if (error) return wrong(d, "%s: %s", name, error);
    d->record->device_id = id;
    return ERR_OK;
}

static enum err take_timestamp(struct decoder *d)
{
    struct json_token t;
    struct why why = {""};
    enum err e = next(d, &t);
    if (e) return e;
    d->record->has_time = t.kind == JSON_STRING || t.kind == JSON_NUMBER;
    if (t.kind == JSON_STRING)
        e = timestamp_parse(t.text, &d->record->ts_ns, &why);
    else if (t.kind == JSON_NUMBER)
        e = timestamp_from_number(t.text, &d->record->ts_ns, &why);
    else if (t.kind != JSON_NULL) {
        e = wrong(d, "timestamp: must be a string or a number, not %s",
                  json_text_kind_name(t.kind));
        return e ? e : json_text_skip(&d->json, &t, d->why);
    }
    if (!e) return ERR_OK;
    d->record->has_time = false;
    return wrong(d, "timestamp: %.200s", why.text);
}

static enum err take_metadata_member(struct decoder *d, struct bytes name)
{
    static const char *const known[] = {"location", "sensor_type", "sensorType", "firmware_version",
                                        "firmwareVersion"};
    struct json_token t;
    enum err e = next(d, &t);
    if (e) return e;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!bytes_is(name, known[i])) continue;
        struct bytes value;
        e = read_text(d, known[i], &t, &value);
        if (e || !value.p) return e;
        const char *error = raw_batch_text_error(value);
        if (error) return wrong(d, "%s: %s", known[i], error);
        raw_batch_set_metadata(d->record, name, value);
        return ERR_OK;
    }
    return json_text_skip(&d->json, &t, d->why);
}

/* Opens the object that must be the value of member `name`; false: it is something else, and
 * passed. */
static enum err open_object(struct decoder *d, const char *name, bool *ret_open)
{
    struct json_token t;
    enum err e = next(d, &t);
    if (e) return e;
    *ret_open = t.kind == JSON_OBJECT;
    if (*ret_open || t.kind == JSON_NULL) return ERR_OK;
    e = wrong(d, "%s: must be an object, not %s", name, json_text_kind_name(t.kind));
    return e ? e : json_text_skip(&d->json, &t, d->why);
}

static enum err take_metadata(struct decoder *d)
{
    bool open;
    enum err e = open_object(d, "metadata", &open);
    while (!e && open) {
        struct json_token t;
        e = next(d, &t);
        if (e || t.kind == JSON_OBJECT_END) break;
        e = take_metadata_member(d, t.text);
    }
    return e;
}

/* --- records ------------------------------------------------------------------------------------
 */

static enum err take_member(struct decoder *d, struct bytes name)
{
    if (bytes_is(name, "deviceId")) return take_device(d, "deviceId");
    if (bytes_is(name, "timestamp")) return take_timestamp(d);
    if (bytes_is(name, "variables")) {
        bool open;
        d->batch->value_count = d->record->first; /* of two members "variables" the later wins */
        enum err e = open_object(d, "variables", &open);
        return e || !open ? e : take_variables(d);
    }
    if (bytes_is(name, "metadata")) return take_metadata(d);
    if (bytes_is(name, "externalId")) return take_device(d, "externalId");
    struct json_token t;
    enum err e = next(d, &t);
    return e ? e : json_text_skip(&d->json, &t, d->why);
}

static enum err begin_record(struct decoder *d)
{
    d->wrong = NULL;
    return raw_batch_add_record(d->batch, 0, &d->record);
}

static void end_record(struct decoder *d, bool needs_device)
{
    d->record->count = (uint32_t)(d->batch->value_count - d->record->first);
    if (!d->wrong && needs_device && !d->record->device_id.n) d->wrong = "deviceId: is missing";
    if (!d->wrong && !d->record->count) d->wrong = "variables: there is no value to store";
    if (d->wrong) raw_batch_spoil(d->batch, d->wrong);
}

/* Form B, whose first token is t. */
static enum err take_record(struct decoder *d, const struct json_token *t, bool needs_device)
{
    enum err e = begin_record(d);
    if (e) return e;
    if (t->kind != JSON_OBJECT) {
        e = wrong(d, "a record must be an object, not %s", json_text_kind_name(t->kind));
        if (!e) e = json_text_skip(&d->json, t, d->why);
    }
    while (!e && t->kind == JSON_OBJECT) {
        struct json_token member;
        e = next(d, &member);
        if (e || member.kind == JSON_OBJECT_END) break;
        e = take_member(d, member.text);
    }
    if (!e) end_record(d, needs_device);
    return e;
}

/* An array of B that was just opened. */
static enum err take_records(struct decoder *d)
{
    struct json_token t;
    for (;;) {
        enum err e = next(d, &t);
        if (e || t.kind == JSON_ARRAY_END) return e;
        e = take_record(d, &t, true);
        if (e) return e;
    }
}

/* --- bodies -------------------------------------------------------------------------------------
 */

/* Gives a ceiling or memory error its sentence and, for single records, makes their error the
 * body's. */
static enum err conclude(struct decoder *d, enum err e, bool single)
{
    if (!e) e = finish(d);
    if (e == ERR_TOOLARGE)
        return why_say(d->why, e, "the body holds more than %zu records or %zu values",
                       d->batch->record_max, d->batch->value_max);
    if (e == ERR_NOMEM) return why_say(d->why, e, "not enough memory to read the body");
    if (!e && single && d->wrong) return why_say(d->why, ERR_INVALID, "%s", d->wrong);
    return e;
}

enum err json_telemetry_flat(struct bytes body, struct arena *arena, struct raw_batch *batch,
                             struct why *why)
{
    struct decoder d;
    struct json_token t;
    start(&d, body, arena, batch, why);
    enum err e = next(&d, &t);
    if (!e) e = begin_record(&d);
    if (!e && t.kind != JSON_OBJECT) {
        e = wrong(&d, "the body must be an object of variables, not %s",
                  json_text_kind_name(t.kind));
        if (!e) e = json_text_skip(&d.json, &t, why);
    } else if (!e) {
        e = take_variables(&d);
    }
    if (!e) end_record(&d, false);
    return conclude(&d, e, true);
}

static enum err read_single(struct bytes body, bool needs_device, struct arena *arena,
                            struct raw_batch *batch, struct why *why)
{
    struct decoder d;
    struct json_token t;
    start(&d, body, arena, batch, why);
    enum err e = next(&d, &t);
    if (!e) e = take_record(&d, &t, needs_device);
    return conclude(&d, e, true);
}

enum err json_telemetry_one(struct bytes body, struct arena *arena, struct raw_batch *batch,
                            struct why *why)
{
    return read_single(body, true, arena, batch, why);
}

enum err json_telemetry_for_device(struct bytes body, struct arena *arena, struct raw_batch *batch,
                                   struct why *why)
{
    return read_single(body, false, arena, batch, why);
}

/* The object of form C that was just opened: the last member "value" counts. */
static enum err take_value_member(struct decoder *d, bool *ret_taken, double *ret)
{
    for (;;) {
        struct json_token name, t;
        enum err e = next(d, &name);
        if (e || name.kind == JSON_OBJECT_END) return e;
        e = next(d, &t);
        if (!e && bytes_is(name.text, "value"))
            e = read_value(d, name.text, &t, ret_taken, ret);
        else if (!e)
            e = json_text_skip(&d->json, &t, d->why);
        if (e) return e;
    }
}

enum err json_telemetry_value(struct bytes body, struct arena *arena, double *ret, struct why *why)
{
    struct decoder d;
    struct json_token t;
    bool taken = false;
    double v = 0;
    start(&d, body, arena, NULL, why);
    enum err e = next(&d, &t);
    if (!e && t.kind == JSON_OBJECT)
        e = take_value_member(&d, &taken, &v);
    else if (!e)
        e = read_value(&d, BYTES("value"), &t, &taken, &v);
    if (!e && !taken)
        e = wrong(&d, "value: is missing or null; send a number or {\"value\": number}");
    e = conclude(&d, e, true);
    if (!e) *ret = v;
    return e;
}

enum err json_telemetry_array(struct bytes body, struct arena *arena, struct raw_batch *batch,
                              struct why *why)
{
    struct decoder d;
    struct json_token t;
    start(&d, body, arena, batch, why);
    enum err e = next(&d, &t);
    if (!e && t.kind != JSON_ARRAY) {
        e = json_text_skip(&d.json, &t, why);
        if (!e) e = finish(&d);
        return e ? e
                 : why_say(why, ERR_INVALID, "the body must be an array of records, not %s",
                           json_text_kind_name(t.kind));
    }
    if (!e) e = take_records(&d);
    return conclude(&d, e, false);
}

/* The object of form F that was just opened. */
static enum err take_wrapped(struct decoder *d)
{
    bool seen = false;
    for (;;) {
        struct json_token name, t;
        enum err e = next(d, &name);
        if (e) return e;
        if (name.kind == JSON_OBJECT_END) break;
        bool ours = bytes_is(name.text, "telemetry");
        e = next(d, &t);
        if (e) return e;
        if (ours && seen)
            return why_say(d->why, ERR_INVALID, "telemetry: stands twice in the body");
        if (ours && t.kind != JSON_ARRAY)
            return why_say(d->why, ERR_INVALID, "telemetry: must be an array of records, not %s",
                           json_text_kind_name(t.kind));
        seen |= ours;
        e = ours ? take_records(d) : json_text_skip(&d->json, &t, d->why);
        if (e) return e;
    }
    return seen ? ERR_OK : why_say(d->why, ERR_INVALID, "telemetry: is missing");
}

enum err json_telemetry_wrapped(struct bytes body, struct arena *arena, struct raw_batch *batch,
                                struct why *why)
{
    struct decoder d;
    struct json_token t;
    start(&d, body, arena, batch, why);
    enum err e = next(&d, &t);
    if (!e && t.kind != JSON_OBJECT)
        return why_say(why, ERR_INVALID, "the body must be an object with \"telemetry\", not %s",
                       json_text_kind_name(t.kind));
    if (!e) e = take_wrapped(&d);
    return conclude(&d, e, false);
}
