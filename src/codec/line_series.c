/* Measurement, tags and names of line protocol (see line_series.h). */
#include "codec/line_series.h"

static const uint8_t classes[256] = {
    [0 ... 9] = LINE_ODD, ['\n'] = LINE_BREAK, [11 ... 31] = LINE_ODD, [' '] = LINE_BLANK,
    [','] = LINE_COMMA,   ['='] = LINE_EQUALS, ['\\'] = LINE_SLASH,    [127 ... 255] = LINE_ODD,
};

static const char NO_NAME[] = "a variable needs a name";
static const char LONG_NAME[] = "a variable's name with its tags has at most 100 bytes";

static inline unsigned class_of(char c)
{
    return classes[(unsigned char)c];
}

static inline bool is_escape(const char *p, const char *end)
{
    return end - p >= 2 && (class_of(p[1]) & (LINE_COMMA | LINE_EQUALS | LINE_BLANK));
}

struct line_word line_word_take(const char **at, const char *end, unsigned stop)
{
    const char *p = *at;
    struct line_word w = {.raw.p = p};
    for (;; p++) {
        while (p < end && !(class_of(*p) & (stop | LINE_SLASH | LINE_ODD))) p++;
        if (p == end || (class_of(*p) & stop)) break;
        if (class_of(*p) & LINE_ODD) {
            w.odd = true;
        } else if (is_escape(p, end)) {
            w.escaped = true;
            p++;
        }
    }
    *at = p;
    w.raw.n = (size_t)(p - w.raw.p);
    return w;
}

/* Copies without the escaping backslashes; returns the length. */
static size_t unescape(char *out, struct bytes raw)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] == '\\' && is_escape(raw.p + i, raw.p + raw.n)) i++;
        out[n++] = raw.p[i];
    }
    return n;
}

/* The word as meant; p == NULL: no memory. */
static struct bytes meaning(struct line_series *s, const struct line_word *w)
{
    if (!w->escaped) return w->raw;
    char *out = arena_alloc(s->arena, w->raw.n);
    return bytes_of(out, out ? unescape(out, w->raw) : 0);
}

/* --- tags ------------------------------------------------------------------------------------- */

/* 0 is the tag that names the device before all others; 4: none of them. */
static int device_rank(struct bytes key)
{
    static const char *const names[] = {"device", "device_id", "hostname", "host"};
    int rank = 0;
    while (rank < 4 && !bytes_is(key, names[rank])) rank++;
    return rank;
}

static bool is_property(const struct line_series *s, struct bytes key)
{
    for (size_t i = 0; i < s->property_tag_count; i++)
        if (bytes_equal(s->property_tags[i], key)) return true;
    return false;
}

static void give_role(struct line_series *s, struct line_tag *t, int *rank,
                      struct line_tag **device)
{
    int r = device_rank(t->key);
    t->role = LINE_TAG_IDENTITY;
    if (r < *rank) {
        if (*device) (*device)->role = LINE_TAG_IDENTITY;
        *device = t;
        *rank = r;
        t->role = LINE_TAG_DEVICE;
    } else if (bytes_is(t->key, "variable")) {
        t->role = LINE_TAG_VARIABLE;
        s->variable = t->value;
    } else if (is_property(s, t->key)) {
        t->role = LINE_TAG_PROPERTY;
    }
}

static const char *read_tags(struct line_series *s, const char **at, const char *end,
                             enum err *ret_e)
{
    int rank = 4;
    struct line_tag *device = NULL;
    while (*at < end && **at == ',') {
        ++*at;
        struct line_word key =
            line_word_take(at, end, LINE_EQUALS | LINE_COMMA | LINE_BLANK | LINE_BREAK);
        if (*at == end || **at != '=') return "a tag without '='";
        ++*at;
        if (!key.raw.n) return "a tag without a name";
        struct line_word value = line_word_take(at, end, LINE_COMMA | LINE_BLANK | LINE_BREAK);
        if (!value.raw.n) continue;
        if (s->tag_count == LINE_TAGS_MAX) return "more than 64 tags";
        struct line_tag *t = &s->tags[s->tag_count++];
        t->key = meaning(s, &key);
        t->value = meaning(s, &value);
        if (!t->key.p || !t->value.p) {
            *ret_e = ERR_NOMEM;
            return "out of memory";
        }
        give_role(s, t, &rank, &device);
    }
    if (device) s->device = device->value;
    return NULL;
}

const char *line_series_read(struct line_series *s, const char **at, const char *end,
                             enum err *ret_e)
{
    s->tag_count = 0;
    s->variable = bytes_of(NULL, 0);
    struct line_word w = line_word_take(at, end, LINE_COMMA | LINE_BLANK | LINE_BREAK);
    if (!w.raw.n) return "a line begins with a measurement";
    s->measurement = meaning(s, &w);
    if (!s->measurement.p) {
        *ret_e = ERR_NOMEM;
        return "out of memory";
    }
    s->device = s->measurement;
    const char *error = read_tags(s, at, end, ret_e);
    return error ? error : raw_batch_device_error(s->device);
}

/* --- names ------------------------------------------------------------------------------------ */

/* Adds s to suffix with a backslash before what would be mistaken for syntax; false: too long. */
static bool add_identity(struct line_series *s, struct bytes part)
{
    for (size_t i = 0; i < part.n; i++) {
        char c = part.p[i];
        bool syntax = c == ',' || c == '=' || c == '{' || c == '}' || c == '\\';
        if (s->suffix_n + 1 + syntax > RAW_NAME_MAX) return false;
        if (syntax) s->suffix[s->suffix_n++] = '\\';
        s->suffix[s->suffix_n++] = c;
    }
    return true;
}

static bool add_mark(struct line_series *s, char c)
{
    if (s->suffix_n == RAW_NAME_MAX) return false;
    s->suffix[s->suffix_n++] = c;
    return true;
}

/* Collects the tags of the identity, sorted by key; devices send few and mostly sorted ones. */
static size_t sort_identity(struct line_series *s, bool variable_names,
                            const struct line_tag *ret[LINE_TAGS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < s->tag_count; i++) {
        const struct line_tag *t = &s->tags[i];
        bool identity =
            t->role == LINE_TAG_IDENTITY || (t->role == LINE_TAG_VARIABLE && !variable_names);
        if (!identity) continue;
        size_t at = n++;
        for (; at && bytes_compare(ret[at - 1]->key, t->key) > 0; at--) ret[at] = ret[at - 1];
        ret[at] = t;
    }
    return n;
}

const char *line_series_settle(struct line_series *s, bool variable_names)
{
    const struct line_tag *sorted[LINE_TAGS_MAX];
    s->suffix_n = 0;
    s->prefix = bytes_of(NULL, 0);
    if (!variable_names && !bytes_is(s->measurement, "telemetry")) s->prefix = s->measurement;
    size_t n = s->tag_count ? sort_identity(s, variable_names, sorted) : 0;
    for (size_t i = 0; i < n; i++) {
        if (i && bytes_equal(sorted[i - 1]->key, sorted[i]->key)) return "a tag stands twice";
        if (!add_mark(s, i ? ',' : '{') || !add_identity(s, sorted[i]->key) || !add_mark(s, '=') ||
            !add_identity(s, sorted[i]->value))
            return LONG_NAME;
    }
    return n && !add_mark(s, '}') ? LONG_NAME : NULL;
}

/* A copy of `name` that lives as long as the arena, the same one for the same name mostly. */
static const char *intern(struct line_series *s, struct bytes name, struct bytes *ret,
                          enum err *ret_e)
{
    if (!s->names) s->names = arena_array(s->arena, LINE_NAMES_CACHED, sizeof *s->names);
    struct bytes *slot = s->names ? &s->names[bytes_hash(name, 0) % LINE_NAMES_CACHED] : NULL;
    if (slot && !(slot->p && bytes_equal(*slot, name))) {
        const char *error = raw_batch_name_error(name);
        if (error) return error;
        *slot = arena_copy(s->arena, name);
    }
    if (!slot || !slot->p) {
        *ret_e = ERR_NOMEM;
        return "out of memory";
    }
    *ret = *slot;
    return NULL;
}

static const char *compose(struct line_series *s, const struct line_word *field, struct bytes *ret,
                           enum err *ret_e)
{
    char
        name[RAW_NAME_MAX * 2 + 1]; /* a field with every byte escaped, before its backslashes go */
    size_t n = s->prefix.n ? s->prefix.n + 1 : 0;
    if (field->raw.n > (size_t)RAW_NAME_MAX * 2 || n > RAW_NAME_MAX) return LONG_NAME;
    char plain[RAW_NAME_MAX * 2];
    size_t field_n = unescape(plain, field->raw);
    if (n + field_n + s->suffix_n > RAW_NAME_MAX) return LONG_NAME;
    if (n) {
        memcpy(name, s->prefix.p, s->prefix.n);
        name[n - 1] = '_';
    }
    memcpy(name + n, plain, field_n);
    memcpy(name + n + field_n, s->suffix, s->suffix_n);
    return intern(s, bytes_of(name, n + field_n + s->suffix_n), ret, ret_e);
}

const char *line_series_name(struct line_series *s, const struct line_word *field,
                             struct bytes *ret, enum err *ret_e)
{
    if (!field->raw.n) return NO_NAME;
    if (s->prefix.n || s->suffix_n || field->escaped) return compose(s, field, ret, ret_e);
    *ret = field->raw;
    if (field->odd || field->raw.n > RAW_NAME_MAX || raw_batch_is_reserved(field->raw))
        return raw_batch_name_error(field->raw);
    return NULL;
}
