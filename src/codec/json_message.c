/* Telemetry messages of MQTT in JSON (see json_message.h). */
#include "codec/json_message.h"

#include "codec/json_record.h"

struct message {
    struct json_record d;
    struct bytes token;
    const char *flat_wrong; /* what is wrong if the members prove to be the variables */
    bool nested;            /* "variables" was there: the other members are no variables */
};

static enum err take_token(struct message *m)
{
    struct json_token t;
    enum err e = json_record_next(&m->d, &t);
    if (e || t.kind == JSON_NULL) return e;
    if (t.kind == JSON_STRING) {
        m->token = t.text;
        return ERR_OK;
    }
    e = json_record_wrong(&m->d, "apiToken: must be a string, not %s", json_text_kind_name(t.kind));
    return e ? e : json_text_skip(&m->d.json, &t, m->d.why);
}

static enum err skip_value(struct message *m)
{
    struct json_token t;
    enum err e = json_record_next(&m->d, &t);
    return e ? e : json_text_skip(&m->d.json, &t, m->d.why);
}

/* A member without a meaning of its own: a variable, unless "variables" comes yet. */
static enum err take_flat(struct message *m, struct bytes name)
{
    const char *wrong = m->d.wrong;
    if (m->nested) return skip_value(m);
    m->d.wrong = m->flat_wrong;
    enum err e = json_record_take_variable(&m->d, name);
    m->flat_wrong = m->d.wrong;
    m->d.wrong = wrong;
    return e;
}

static enum err take_nested(struct message *m)
{
    bool open;
    m->nested = true;
    m->flat_wrong = NULL;
    m->d.batch->value_count = m->d.record->first; /* of two members "variables" the later wins */
    enum err e = json_record_open_object(&m->d, "variables", &open);
    return e || !open ? e : json_record_take_variables(&m->d);
}

static enum err take_member(struct message *m, struct bytes name)
{
    if (bytes_is(name, "variables")) return take_nested(m);
    if (bytes_is(name, "timestamp")) return json_record_take_time(&m->d);
    if (bytes_is(name, "deviceId")) return json_record_take_device(&m->d, "deviceId");
    if (bytes_is(name, "externalId")) return json_record_take_device(&m->d, "externalId");
    if (bytes_is(name, "metadata")) return json_record_take_metadata(&m->d);
    if (bytes_is(name, "apiToken")) return take_token(m);
    if (bytes_is(name, "type")) return skip_value(m);
    return take_flat(m, name);
}

static enum err take_members(struct message *m)
{
    for (;;) {
        struct json_token t;
        enum err e = json_record_next(&m->d, &t);
        if (e || t.kind == JSON_OBJECT_END) return e;
        e = take_member(m, t.text);
        if (e) return e;
    }
}

static enum err not_an_object(struct json_record *d, const struct json_token *t)
{
    enum err e = json_record_wrong(d, "a message must be an object of variables, not %s",
                                   json_text_kind_name(t->kind));
    return e ? e : json_text_skip(&d->json, t, d->why);
}

enum err json_message_device(struct bytes body, struct arena *arena, struct raw_batch *batch,
                             struct bytes *ret_token, struct why *why)
{
    struct message m = {.token = {NULL, 0}};
    struct json_token t;
    json_record_start(&m.d, body, arena, batch, why);
    enum err e = json_record_next(&m.d, &t);
    if (!e) e = json_record_begin(&m.d);
    if (!e) e = t.kind == JSON_OBJECT ? take_members(&m) : not_an_object(&m.d, &t);
    if (!e && !m.d.wrong) m.d.wrong = m.flat_wrong;
    if (!e) json_record_end(&m.d, false);
    e = json_record_conclude(&m.d, e, true);
    if (!e) *ret_token = m.token;
    return e;
}

/* --- ThingsBoard -------------------------------------------------------------------------------*/

static enum err take_board_values(struct message *m)
{
    bool open;
    m->nested = true;
    m->flat_wrong = NULL;
    m->d.batch->value_count = m->d.record->first;
    enum err e = json_record_open_object(&m->d, "values", &open);
    return e || !open ? e : json_record_take_variables(&m->d);
}

/* {"ts":…,"values":{…}}, or a flat object, in which ts is the time as well. */
static enum err take_board_record(struct message *m, const struct json_token *first)
{
    enum err e = json_record_begin(&m->d);
    if (e) return e;
    m->nested = false;
    m->flat_wrong = NULL;
    if (first->kind != JSON_OBJECT) e = not_an_object(&m->d, first);
    while (!e && first->kind == JSON_OBJECT) {
        struct json_token t;
        e = json_record_next(&m->d, &t);
        if (e || t.kind == JSON_OBJECT_END) break;
        if (bytes_is(t.text, "ts"))
            e = json_record_take_time(&m->d);
        else if (bytes_is(t.text, "values"))
            e = take_board_values(m);
        else
            e = take_flat(m, t.text);
    }
    if (e) return e;
    if (!m->d.wrong) m->d.wrong = m->flat_wrong;
    json_record_end(&m->d, false);
    return m->d.wrong ? why_say(m->d.why, ERR_INVALID, "%s", m->d.wrong) : ERR_OK;
}

enum err json_message_thingsboard(struct bytes body, struct arena *arena, struct raw_batch *batch,
                                  struct why *why)
{
    struct message m = {.token = {NULL, 0}};
    struct json_token t;
    json_record_start(&m.d, body, arena, batch, why);
    enum err e = json_record_next(&m.d, &t);
    if (!e && t.kind != JSON_ARRAY) e = take_board_record(&m, &t);
    while (!e && t.kind == JSON_ARRAY) {
        struct json_token one;
        e = json_record_next(&m.d, &one);
        if (e || one.kind == JSON_ARRAY_END) break;
        e = take_board_record(&m, &one);
    }
    e = json_record_conclude(&m.d, e, true);
    if (e) return e;
    return batch->record_count ? ERR_OK : why_say(why, ERR_INVALID, "there is no value to store");
}
