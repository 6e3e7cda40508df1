/* Reading a request: query parameters, JSON bodies and their members (see api.h). */
#include "api/answer.h"
#include "codec/json_text.h"
#include "codec/json_write.h"
#include "codec/url.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>

struct bytes api_query(struct api_call *c, const char *name)
{
    struct bytes value;
    if (url_query_find(c->arena, http_head(c->exchange)->query, name, &value))
        return bytes_of(NULL, 0);
    return value;
}

static bool says_json(struct api_call *c)
{
    struct bytes type = http_header(c->exchange, "Content-Type"), kind;
    if (!type.p) return true; /* old sketches send none */
    bytes_cut(type, ';', &kind);
    kind = bytes_trim(kind);
    return bytes_equal_nocase(kind, BYTES("application/json")) ||
           (kind.n > 5 && bytes_equal_nocase(bytes_of(kind.p + kind.n - 5, 5), BYTES("+json")));
}

bool api_json(struct api_call *c, struct cJSON **ret)
{
    if (!says_json(c)) {
        api_problem(c, 415, "Send the body as application/json.");
        return false;
    }
    struct why why = {""};
    enum err e = json_text_check(c->request_body, JSON_DEPTH_MAX, &why);
    if (e) {
        api_fail(c, e, &why);
        return false;
    }
    struct cJSON **slot = answer_json_slot(c);
    *slot = cJSON_ParseWithLength(c->request_body.p, c->request_body.n);
    if (!*slot) {
        api_fail(c, ERR_NOMEM, NULL);
        return false;
    }
    *ret = *slot;
    return true;
}

void api_fields_open(struct api_fields *f, struct api_call *c, const struct cJSON *object)
{
    *f = (struct api_fields){.call = c, .object = object};
    buf_init(&f->errors, 64 * 1024);
    if (!cJSON_IsObject(object)) api_field_error(f, "body", "must be a JSON object");
}

void api_field_error(struct api_fields *f, const char *name, const char *why)
{
    json_write_key(&f->errors, name);
    json_write_string(&f->errors, bytes_str(why));
}

static const cJSON *find(const struct api_fields *f, const char *name)
{
    return cJSON_IsObject(f->object) ? cJSON_GetObjectItemCaseSensitive(f->object, name) : NULL;
}

bool api_field_has(const struct api_fields *f, const char *name)
{
    return find(f, name) != NULL;
}

static size_t count_chars(struct bytes s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

struct bytes api_field_text(struct api_fields *f, const char *name, size_t max_chars)
{
    const cJSON *item = find(f, name);
    struct bytes none = {NULL, 0};
    if (!item || cJSON_IsNull(item)) return none;
    if (!cJSON_IsString(item)) {
        api_field_error(f, name, "must be a text");
        return none;
    }
    struct bytes text = bytes_str(item->valuestring);
    if (count_chars(text) > max_chars) {
        char why[64];
        snprintf(why, sizeof why, "may have %zu characters at most", max_chars);
        api_field_error(f, name, why);
        return none;
    }
    return text;
}

bool api_field_bool(struct api_fields *f, const char *name, bool absent)
{
    const cJSON *item = find(f, name);
    if (!item || cJSON_IsNull(item)) return absent;
    if (!cJSON_IsBool(item)) {
        api_field_error(f, name, "must be true or false");
        return absent;
    }
    return cJSON_IsTrue(item);
}

bool api_field_number(struct api_fields *f, const char *name, double *ret)
{
    const cJSON *item = find(f, name);
    if (!item || cJSON_IsNull(item)) return false;
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble)) {
        api_field_error(f, name, "must be a number");
        return false;
    }
    *ret = item->valuedouble;
    return true;
}

bool api_fields_close(struct api_fields *f)
{
    bool fine = f->errors.n == 0 && !f->errors.err;
    if (f->errors.err) {
        api_fail(f->call, f->errors.err, NULL); /* no memory: what is wrong cannot be told */
    } else if (!fine) {
        answer_open_problem(f->call, 400, "Some fields are not valid; see errors.");
        json_write_key(f->call->body, "errors");
        json_write_open(f->call->body, '{');
        buf_add_bytes(f->call->body, buf_bytes(&f->errors));
        json_write_close(f->call->body, '}');
        answer_close_problem(f->call, 400);
    }
    buf_done(&f->errors);
    return fine;
}
