/* Telemetry bodies in JSON (see json_telemetry.h), made of records (json_record.h). */
#include "codec/json_telemetry.h"

#include "codec/json_record.h"

/* --- bodies -------------------------------------------------------------------------------------
 */

enum err json_telemetry_flat(struct bytes body, struct arena *arena, struct raw_batch *batch,
                             struct why *why)
{
    struct json_record d;
    struct json_token t;
    json_record_start(&d, body, arena, batch, why);
    enum err e = json_record_next(&d, &t);
    if (!e) e = json_record_begin(&d);
    if (!e && t.kind != JSON_OBJECT) {
        e = json_record_wrong(&d, "the body must be an object of variables, not %s",
                              json_text_kind_name(t.kind));
        if (!e) e = json_text_skip(&d.json, &t, why);
    } else if (!e) {
        e = json_record_take_variables(&d);
    }
    if (!e) json_record_end(&d, false);
    return json_record_conclude(&d, e, true);
}

static enum err read_single(struct bytes body, bool needs_device, struct arena *arena,
                            struct raw_batch *batch, struct why *why)
{
    struct json_record d;
    struct json_token t;
    json_record_start(&d, body, arena, batch, why);
    enum err e = json_record_next(&d, &t);
    if (!e) e = json_record_take(&d, &t, needs_device);
    return json_record_conclude(&d, e, true);
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
static enum err take_value_member(struct json_record *d, bool *ret_taken, double *ret)
{
    for (;;) {
        struct json_token name, t;
        enum err e = json_record_next(d, &name);
        if (e || name.kind == JSON_OBJECT_END) return e;
        e = json_record_next(d, &t);
        if (!e && bytes_is(name.text, "value"))
            e = json_record_read_value(d, name.text, &t, ret_taken, ret);
        else if (!e)
            e = json_text_skip(&d->json, &t, d->why);
        if (e) return e;
    }
}

enum err json_telemetry_value(struct bytes body, struct arena *arena, double *ret, struct why *why)
{
    struct json_record d;
    struct json_token t;
    bool taken = false;
    double v = 0;
    json_record_start(&d, body, arena, NULL, why);
    enum err e = json_record_next(&d, &t);
    if (!e && t.kind == JSON_OBJECT)
        e = take_value_member(&d, &taken, &v);
    else if (!e)
        e = json_record_read_value(&d, BYTES("value"), &t, &taken, &v);
    if (!e && !taken)
        e = json_record_wrong(&d,
                              "value: is missing or null; send a number or {\"value\": number}");
    e = json_record_conclude(&d, e, true);
    if (!e) *ret = v;
    return e;
}

/* An array of B that was just opened. */
static enum err take_records(struct json_record *d)
{
    struct json_token t;
    for (;;) {
        enum err e = json_record_next(d, &t);
        if (e || t.kind == JSON_ARRAY_END) return e;
        e = json_record_take(d, &t, true);
        if (e) return e;
    }
}

enum err json_telemetry_array(struct bytes body, struct arena *arena, struct raw_batch *batch,
                              struct why *why)
{
    struct json_record d;
    struct json_token t;
    json_record_start(&d, body, arena, batch, why);
    enum err e = json_record_next(&d, &t);
    if (!e && t.kind != JSON_ARRAY) {
        e = json_text_skip(&d.json, &t, why);
        if (!e) e = json_record_finish(&d);
        return e ? e
                 : why_say(why, ERR_INVALID, "the body must be an array of records, not %s",
                           json_text_kind_name(t.kind));
    }
    if (!e) e = take_records(&d);
    return json_record_conclude(&d, e, false);
}

/* The object of form F that was just opened. */
static enum err take_wrapped(struct json_record *d)
{
    bool seen = false;
    for (;;) {
        struct json_token name, t;
        enum err e = json_record_next(d, &name);
        if (e) return e;
        if (name.kind == JSON_OBJECT_END) break;
        bool ours = bytes_is(name.text, "telemetry");
        e = json_record_next(d, &t);
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
    struct json_record d;
    struct json_token t;
    json_record_start(&d, body, arena, batch, why);
    enum err e = json_record_next(&d, &t);
    if (!e && t.kind != JSON_OBJECT)
        return why_say(why, ERR_INVALID, "the body must be an object with \"telemetry\", not %s",
                       json_text_kind_name(t.kind));
    if (!e) e = take_wrapped(&d);
    return json_record_conclude(&d, e, false);
}
