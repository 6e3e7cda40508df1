/* One member of the body, token by token (see raw_field.h). The body was checked before, as a
 * whole: its depth and grammar are good. */
#include "api/raw_field.h"

#include "codec/json_text.h"
#include "codec/json_write.h"

#include <stdio.h>

static void write_token(struct buf *b, const struct json_token *t)
{
    switch (t->kind) {
    case JSON_OBJECT:
        json_write_open(b, '{');
        break;
    case JSON_OBJECT_END:
        json_write_close(b, '}');
        break;
    case JSON_ARRAY:
        json_write_open(b, '[');
        break;
    case JSON_ARRAY_END:
        json_write_close(b, ']');
        break;
    case JSON_KEY:
        json_write_key_bytes(b, t->text);
        break;
    case JSON_STRING:
        json_write_string(b, t->text);
        break;
    case JSON_NUMBER:
        json_write_raw(b, t->text);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        json_write_bool(b, t->kind == JSON_TRUE);
        break;
    case JSON_NULL:
        json_write_null(b);
        break;
    case JSON_END:
        break;
    }
}

/* How much deeper a token leads. */
static int step_of(enum json_kind kind)
{
    if (kind == JSON_OBJECT || kind == JSON_ARRAY) return 1;
    return kind == JSON_OBJECT_END || kind == JSON_ARRAY_END ? -1 : 0;
}

/* `t` is the value's first token; writes all of it. ERR_IMPOSSIBLE: too deep. */
static enum err write_value(struct json_reader *r, struct json_token *t, unsigned max_depth,
                            struct buf *b)
{
    int depth = 0;
    for (;;) {
        write_token(b, t);
        depth += step_of(t->kind);
        if (depth > (int)max_depth) return ERR_IMPOSSIBLE;
        if (depth == 0) return b->err;
        enum err e = json_text_next(r, t, NULL);
        if (e) return e;
    }
}

/* Moves to the value of the member: *ret is its first token. ERR_NOTFOUND without one. */
static enum err find_member(struct json_reader *r, const char *name, struct json_token *ret)
{
    struct json_token t;
    enum err e = json_text_next(r, &t, NULL);
    if (!e && t.kind != JSON_OBJECT) return ERR_NOTFOUND;
    while (!e && !(e = json_text_next(r, &t, NULL)) && t.kind == JSON_KEY) {
        bool found = bytes_is(t.text, name);
        e = json_text_next(r, &t, NULL);
        if (!e && found) {
            *ret = t;
            return ERR_OK;
        }
        if (!e) e = json_text_skip(r, &t, NULL);
    }
    return e ? e : ERR_NOTFOUND;
}

static void complain(struct api_fields *f, const char *name, enum err e, size_t max_bytes,
                     unsigned max_depth)
{
    char why[64] = "is not readable";
    if (e == ERR_NOMEM) {
        f->errors.err = e; /* nobody's mistake, so no field is named */
        return;
    }
    if (e == ERR_TOOLARGE) snprintf(why, sizeof why, "may have %zu KiB at most", max_bytes / 1024);
    if (e == ERR_IMPOSSIBLE)
        snprintf(why, sizeof why, "may be %u objects and arrays deep at most", max_depth);
    api_field_error(f, name, why);
}

struct bytes raw_field_object(struct api_fields *f, const char *name, size_t max_bytes,
                              unsigned max_depth)
{
    struct json_reader r;
    struct json_token t;
    struct buf b;
    struct bytes none = {NULL, 0}, copy = none;
    json_text_init(&r, f->call->request_body, f->call->arena, JSON_DEPTH_MAX);
    enum err e = find_member(&r, name, &t);
    if (e == ERR_NOTFOUND || (!e && t.kind == JSON_NULL)) return none;
    if (!e && t.kind != JSON_OBJECT) {
        api_field_error(f, name, "must be an object");
        return none;
    }
    buf_init(&b, max_bytes);
    if (!e) e = write_value(&r, &t, max_depth, &b);
    if (!e) copy = arena_copy(f->call->arena, buf_bytes(&b));
    if (!e && !copy.p) e = ERR_NOMEM;
    if (e) complain(f, name, e, max_bytes, max_depth);
    buf_done(&b);
    return copy;
}
