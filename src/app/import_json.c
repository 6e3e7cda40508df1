/* JSON as records (see import_read.h): the strict reader finds the objects and refuses what is not
 * JSON, each object then becomes a small tree. */
#include "app/import_read.h"

#include "base/mem.h"
#include "codec/json_text.h"
#include "codec/number.h"
#include "sys/file.h"

#include <cjson/cJSON.h>
#include <stdio.h>

enum { FILE_MAX = 1 << 30, ARENA_MAX = 64 << 20, SHOWN = 40 };

struct objects {
    const struct import_opts *opts;
    struct import_clock clock;
    import_visit *visit;
    void *ctx;
    struct import_seen *seen;
    struct why *why;
    uint64_t line; /* of the object in hand */
    struct bytes names[IMPORT_COLUMNS_MAX];
    double values[IMPORT_COLUMNS_MAX];
};

static bool is_reserved(const char *name)
{
    static const char *const words[] = {"deviceId", "externalId", "timestamp",
                                        "type",     "metadata",   "variables"};
    for (size_t i = 0; i < 6; i++)
        if (strcmp(words[i], name) == 0) return true;
    return false;
}

static enum err take_value(struct objects *o, const cJSON *value, struct import_record *r)
{
    double number = value->valuedouble;
    if (cJSON_IsNull(value)) {
        o->seen->missing++;
        return ERR_OK;
    }
    if (cJSON_IsBool(value)) number = cJSON_IsTrue(value);
    bool text = cJSON_IsString(value) && !number_parse(bytes_str(value->valuestring), &number);
    if (!cJSON_IsNumber(value) && !cJSON_IsBool(value) && !text)
        return why_say(o->why, ERR_INVALID, "line %llu: %.*s is not a number",
                       (unsigned long long)o->line, SHOWN, value->string);
    if (r->n == IMPORT_COLUMNS_MAX)
        return why_say(o->why, ERR_TOOLARGE, "line %llu: more than %d variables",
                       (unsigned long long)o->line, IMPORT_COLUMNS_MAX);
    o->names[r->n] = bytes_str(value->string);
    o->values[r->n++] = number;
    return ERR_OK;
}

static enum err take_time(struct objects *o, const cJSON *root, struct import_record *r)
{
    const char *name = o->opts->time_column ? o->opts->time_column : "timestamp";
    const cJSON *time = cJSON_GetObjectItemCaseSensitive(root, name);
    struct why inner = {""};
    char text[40] = "";
    if (!time || cJSON_IsNull(time)) return ERR_OK;
    if (cJSON_IsNumber(time)) snprintf(text, sizeof text, "%.17g", time->valuedouble);
    struct bytes given = cJSON_IsString(time) ? bytes_str(time->valuestring) : bytes_str(text);
    r->timed = true;
    if (!import_clock_read(&o->clock, given, &r->ts_ns, &inner)) return ERR_OK;
    return why_say(o->why, ERR_INVALID, "line %llu: %.40s is not a time: %.120s",
                   (unsigned long long)o->line, name, inner.text);
}

static enum err take_members(struct objects *o, const cJSON *root, struct import_record *r)
{
    const cJSON *nested = cJSON_GetObjectItemCaseSensitive(root, "variables");
    const char *time = o->opts->time_column ? o->opts->time_column : "timestamp";
    const cJSON *member;
    enum err e = take_time(o, root, r);
    const cJSON *values = nested ? nested : root;
    cJSON_ArrayForEach(member, values)
    {
        bool value = nested || (!is_reserved(member->string) && strcmp(member->string, time) != 0);
        if (!e && value) e = take_value(o, member, r);
    }
    return e;
}

static enum err take_tree(struct objects *o, const cJSON *root)
{
    const char *device = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "deviceId"));
    if (!device)
        device = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "externalId"));
    if (o->opts->device) device = o->opts->device;
    if (!device)
        return why_say(o->why, ERR_INVALID, "line %llu: no deviceId, and no --device",
                       (unsigned long long)o->line);
    struct import_record r = {
        .line = o->line, .device = bytes_str(device), .names = o->names, .values = o->values};
    char *metadata = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(root, "metadata"));
    r.metadata = bytes_str(metadata);
    enum err e = take_members(o, root, &r);
    if (!e && r.n) e = o->visit(o->ctx, &r);
    if (!e && !r.n) o->seen->empty_records++;
    cJSON_free(metadata);
    return e;
}

static enum err take_object(struct objects *o, struct bytes text)
{
    if (o->line < o->opts->from_line) return ERR_OK;
    cJSON *root = cJSON_ParseWithLength(text.p, text.n);
    enum err e = root ? take_tree(o, root) : ERR_NOMEM; /* it is JSON: the reader has seen it */
    cJSON_Delete(root);
    return e;
}

/* The objects of one JSON value: itself, or the elements of an array. */
static enum err take_text(struct objects *o, struct bytes text, struct arena *arena, uint64_t line)
{
    struct json_reader r;
    struct json_token token;
    const char *counted = text.p; /* `line` is the line of this byte */
    json_text_init(&r, text, arena, JSON_DEPTH_MAX);
    for (;;) {
        enum err e = json_text_next(&r, &token, o->why);
        if (e || token.kind == JSON_END) return e;
        if (token.kind == JSON_ARRAY || token.kind == JSON_ARRAY_END) continue;
        for (; counted < r.at; counted++) line += *counted == '\n';
        o->line = line;
        if (token.kind != JSON_OBJECT)
            return why_say(o->why, ERR_INVALID, "line %llu: %s where an object was expected",
                           (unsigned long long)o->line, json_text_kind_name(token.kind));
        const char *start = r.at - 1;
        e = json_text_skip(&r, &token, o->why);
        if (!e) e = take_object(o, bytes_of(start, (size_t)(r.at - start)));
        if (e) return e;
        o->seen->bytes = (uint64_t)(r.at - text.p);
        arena_reset(arena);
    }
}

/* One value a line. */
static enum err take_lines(struct objects *o, struct bytes text, struct arena *arena)
{
    struct bytes line, rest = text;
    enum err e = ERR_OK;
    for (uint64_t number = 1; !e && rest.p; number++) {
        rest = bytes_cut(rest, '\n', &line);
        struct why inner = {""};
        struct why *outer = o->why;
        if (!bytes_trim(line).n) continue;
        o->why = &inner;
        e = take_text(o, line, arena, number);
        o->why = outer;
        if (e && strncmp(inner.text, "line ", 5) == 0 && o->line == number)
            (void)why_say(outer, e, "%s", inner.text);
        else if (e && inner.text[0])
            (void)why_say(outer, e, "line %llu: %s", (unsigned long long)number, inner.text);
        o->seen->bytes = (uint64_t)(line.p + line.n - text.p);
    }
    return e;
}

/* An array, or one object over several lines; else there is a whole object on each line. */
static bool is_one_value(struct bytes text)
{
    struct bytes first, trimmed = bytes_trim(text);
    (void)bytes_cut(trimmed, '\n', &first);
    first = bytes_trim(first);
    return first.n && (first.p[0] == '[' || first.p[first.n - 1] != '}');
}

enum err import_json_read(const char *path, const struct import_opts *opts, import_visit *visit,
                          void *ctx, struct import_seen *seen, struct why *why)
{
    struct objects *o = mem_zalloc(sizeof *o); /* its arrays are too large for a stack */
    char *text = NULL;
    size_t n = 0;
    struct arena arena;
    if (!o) return ERR_NOMEM;
    *o = (struct objects){.opts = opts, .visit = visit, .ctx = ctx, .seen = seen, .why = why};
    arena_init(&arena, ARENA_MAX);
    enum err e = import_clock_init(&o->clock, opts, why);
    if (!e) {
        e = fs_read_file(fs_real(), path, FILE_MAX, &text, &n);
        if (e) (void)why_say(why, e, "%.150s: %s", path, err_sentence(e));
    }
    struct bytes whole = bytes_of(text, n);
    if (!e) e = is_one_value(whole) ? take_text(o, whole, &arena, 1) : take_lines(o, whole, &arena);
    arena_done(&arena);
    mem_free(text);
    mem_free(o);
    return e;
}
