/* The strict JSON tokenizer (see json_text.h).
 *
 *        VALUE ──scalar──> AFTER ──','──> VALUE (array), KEY (object)
 *          │ '['  -> VALUE_OR_END            ^
 *          │ '{'  -> KEY_OR_END ──key ':'────┘ VALUE
 *          └ a closing bracket from AFTER or *_OR_END leads to AFTER one level up
 *
 * AFTER at depth 0 takes white space and the end of the text only. */
#include "codec/json_text.h"

#include "codec/number.h"

enum state { VALUE, VALUE_OR_END, KEY, KEY_OR_END, AFTER };

static inline uint64_t every_byte(unsigned char c)
{
    return c * UINT64_C(0x0101010101010101);
}

void json_text_init(struct json_reader *r, struct bytes text, struct arena *arena,
                    unsigned max_depth)
{
    bug_if(!max_depth || max_depth > 64);
    *r = (struct json_reader){.at = text.p,
                              .start = text.p,
                              .end = text.p + text.n,
                              .arena = arena,
                              .max_depth = max_depth,
                              .state = VALUE};
}

/* "line 3, byte 57: expected … but found 'x'" */
static enum err refuse(const struct json_reader *r, const char *at, const char *what,
                       struct why *why)
{
    if (!why) return ERR_INVALID;
    size_t line = 1;
    for (const char *p = r->start; p < at; p++) line += *p == '\n';
    size_t byte = (size_t)(at - r->start);
    if (at == r->end)
        return why_say(why, ERR_INVALID,
                       "malformed JSON at line %zu, byte %zu: %s, but the text ends", line, byte,
                       what);
    unsigned char c = (unsigned char)*at;
    if (c > 0x20 && c < 0x7f)
        return why_say(why, ERR_INVALID, "malformed JSON at line %zu, byte %zu: %s, found '%c'",
                       line, byte, what, c);
    return why_say(why, ERR_INVALID, "malformed JSON at line %zu, byte %zu: %s, found byte 0x%02x",
                   line, byte, what, c);
}

static inline const char *skip_white(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')) p++;
    return p;
}

/* --- strings ------------------------------------------------------------------------------------
 */

/* First byte that is a control, quote, backslash or not ASCII; end when there is none. Eight at a
 * time: subtracting sets the top bit of a byte below the subtrahend, and a borrow spoils only later
 * bytes. */
static inline const char *plain_run(const char *p, const char *end)
{
    const uint64_t top = every_byte(0x80), one = every_byte(1);
    for (uint64_t w; end - p >= 8; p += 8) {
        memcpy(&w, p, 8);
        uint64_t hit = (w | (w - every_byte(0x20)) | ((w ^ every_byte('"')) - one) |
                        ((w ^ every_byte('\\')) - one)) &
                       top;
        if (!hit) continue;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        return p + __builtin_ctzll(hit) / 8;
#else
        break;
#endif
    }
    while (p < end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\' && !(*p & 0x80)) p++;
    return p;
}

/* Passes a run of bytes that are not ASCII; NULL when it is not UTF-8. */
static const char *utf8_run(const char *p, const char *end)
{
    const char *start = p;
    while (p < end && (*p & 0x80)) p++;
    return bytes_is_utf8(bytes_of(start, (size_t)(p - start))) ? p : NULL;
}

/* Four hexadecimal digits at p, -1 when they are not. */
static int hex4(const char *p, const char *end)
{
    int v = 0;
    if (end - p < 4) return -1;
    for (int i = 0; i < 4; i++) {
        int c = (unsigned char)p[i], low = c | 0x20;
        if (c >= '0' && c <= '9')
            v = v * 16 + c - '0';
        else if (low >= 'a' && low <= 'f')
            v = v * 16 + low - 'a' + 10;
        else
            return -1;
    }
    return v;
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf00u >> n & 0xff) | c);
    return n;
}

/* \uXXXX, or a pair of them, behind the backslash at p. Where it ended; NULL when it is none. */
static const char *take_unicode(const char *p, const char *end, uint32_t *ret)
{
    int high = hex4(p + 2, end);
    if (high < 0 || (high >= 0xdc00 && high <= 0xdfff)) return NULL;
    p += 6;
    *ret = (uint32_t)high;
    if (high < 0xd800 || high > 0xdbff) return p;
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u') return NULL;
    int low = hex4(p + 2, end);
    if (low < 0xdc00 || low > 0xdfff) return NULL;
    *ret = 0x10000 + (((uint32_t)high - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
    return p + 6;
}

/* One escape at p (end - p >= 2), written to out. */
static const char *take_escape(const char *p, const char *end, char out[4], size_t *ret_n)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    *ret_n = 1;
    if (p[1] == 'u') {
        uint32_t c;
        p = take_unicode(p, end, &c);
        if (p) *ret_n = put_utf8(out, c);
        return p;
    }
    const char *known = memchr(from, p[1], sizeof from - 1);
    if (!known) return NULL;
    out[0] = to[known - from];
    return p + 2;
}

/* raw: between the quotes, of valid UTF-8, every backslash followed by a byte. */
static enum err unescape(struct json_reader *r, struct bytes raw, struct bytes *ret,
                         struct why *why)
{
    char *out = r->discard ? NULL : arena_alloc(r->arena, raw.n);
    if (!out && !r->discard) return ERR_NOMEM;
    const char *p = raw.p, *end = raw.p + raw.n;
    size_t n = 0, taken;
    while (p < end) {
        char piece[4];
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((slash ? slash : end) - p);
        if (out) memcpy(out + n, p, plain);
        n += plain;
        if (!slash) break;
        p = take_escape(slash, end, piece, &taken);
        if (!p) return refuse(r, slash + 1, "not an escape of JSON", why);
        if (out) memcpy(out + n, piece, taken);
        n += taken;
    }
    *ret = bytes_of(out, n);
    return ERR_OK;
}

/* r->at stands on the opening quote. */
static inline enum err take_string(struct json_reader *r, struct bytes *ret, struct why *why)
{
    const char *start = r->at + 1, *p = start;
    bool escaped = false;
    for (;;) {
        p = plain_run(p, r->end);
        if (p == r->end) return refuse(r, p, "expected the end of a string", why);
        if (*p == '"') break;
        if (*p == '\\') {
            escaped = true;
            if (r->end - p < 2) return refuse(r, r->end, "expected an escape", why);
            p += 2;
            if (p[-1] & 0x80) p--; /* so that UTF-8 is checked whole; unescape() will refuse it */
        } else if (*p & 0x80) {
            const char *behind = utf8_run(p, r->end);
            if (!behind) return refuse(r, p, "not UTF-8", why);
            p = behind;
        } else {
            return refuse(r, p, "a control character in a string must be escaped", why);
        }
    }
    r->at = p + 1;
    *ret = bytes_of(start, (size_t)(p - start));
    return escaped ? unescape(r, *ret, ret, why) : ERR_OK;
}

/* --- values -------------------------------------------------------------------------------------
 */

static enum err take_literal(struct json_reader *r, const char *word, enum json_kind kind,
                             struct json_token *ret, struct why *why)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
        return refuse(r, r->at, "expected a value", why);
    ret->kind = kind;
    ret->text = bytes_of(r->at, n);
    r->at += n;
    r->state = AFTER;
    return ERR_OK;
}

static inline enum err take_number(struct json_reader *r, struct json_token *ret, struct why *why)
{
    const char *start = r->at;
    enum err e = number_read_json(&r->at, r->end, &ret->number);
    if (e == ERR_TOOLARGE) return refuse(r, start, "the number is too large for a double", why);
    if (e) return refuse(r, start, "expected a number", why);
    ret->kind = JSON_NUMBER;
    ret->text = bytes_of(start, (size_t)(r->at - start));
    r->state = AFTER;
    return ERR_OK;
}

static enum err open_container(struct json_reader *r, bool object, struct json_token *ret,
                               struct why *why)
{
    if (r->depth == r->max_depth) return refuse(r, r->at, "nested too deeply", why);
    uint64_t bit = UINT64_C(1) << r->depth++;
    r->objects = object ? r->objects | bit : r->objects & ~bit;
    r->state = object ? KEY_OR_END : VALUE_OR_END;
    r->at++;
    ret->kind = object ? JSON_OBJECT : JSON_ARRAY;
    return ERR_OK;
}

static inline bool in_object(const struct json_reader *r)
{
    return r->objects >> (r->depth - 1) & 1;
}

static inline enum err close_container(struct json_reader *r, struct json_token *ret)
{
    ret->kind = in_object(r) ? JSON_OBJECT_END : JSON_ARRAY_END;
    r->depth--;
    r->at++;
    r->state = AFTER;
    return ERR_OK;
}

static inline enum err take_value(struct json_reader *r, struct json_token *ret, struct why *why)
{
    if (r->at == r->end) return refuse(r, r->at, "expected a value", why);
    char c = *r->at;
    if (c == '-' || (c >= '0' && c <= '9')) return take_number(r, ret, why);
    switch (c) {
    case '"':
        ret->kind = JSON_STRING;
        r->state = AFTER;
        return take_string(r, &ret->text, why);
    case '{':
        return open_container(r, true, ret, why);
    case '[':
        return open_container(r, false, ret, why);
    case 't':
        return take_literal(r, "true", JSON_TRUE, ret, why);
    case 'f':
        return take_literal(r, "false", JSON_FALSE, ret, why);
    case 'n':
        return take_literal(r, "null", JSON_NULL, ret, why);
    case (char)0xef:
        return refuse(r, r->at, "expected a value (a byte order mark is not part of JSON)", why);
    default:
        return refuse(r, r->at, "expected a value", why);
    }
}

static inline enum err take_key(struct json_reader *r, struct json_token *ret, struct why *why)
{
    if (r->at == r->end || *r->at != '"')
        return refuse(r, r->at, r->state == KEY ? "expected a name" : "expected a name or '}'",
                      why);
    enum err e = take_string(r, &ret->text, why);
    if (e) return e;
    r->at = skip_white(r->at, r->end);
    if (r->at == r->end || *r->at != ':') return refuse(r, r->at, "expected ':'", why);
    r->at++;
    r->state = VALUE;
    ret->kind = JSON_KEY;
    return ERR_OK;
}

enum err json_text_next(struct json_reader *r, struct json_token *ret, struct why *why)
{
    r->at = skip_white(r->at, r->end);
    char c = r->at < r->end ? *r->at : 0;
    if (r->state == AFTER) {
        if (!r->depth) {
            ret->kind = JSON_END;
            return r->at == r->end ? ERR_OK : refuse(r, r->at, "expected nothing more", why);
        }
        bool object = in_object(r);
        if (c == (object ? '}' : ']')) return close_container(r, ret);
        if (c != ',')
            return refuse(r, r->at, object ? "expected ',' or '}'" : "expected ',' or ']'", why);
        r->at = skip_white(r->at + 1, r->end);
        r->state = object ? KEY : VALUE;
    } else if ((r->state == KEY_OR_END && c == '}') || (r->state == VALUE_OR_END && c == ']')) {
        return close_container(r, ret);
    }
    if (r->state == KEY || r->state == KEY_OR_END) return take_key(r, ret, why);
    return take_value(r, ret, why);
}

enum err json_text_skip(struct json_reader *r, const struct json_token *t, struct why *why)
{
    if (t->kind != JSON_OBJECT && t->kind != JSON_ARRAY) return ERR_OK;
    unsigned outside = r->depth - 1;
    bool discard = r->discard;
    r->discard = true;
    enum err e = ERR_OK;
    struct json_token inner;
    while (!e && r->depth > outside) e = json_text_next(r, &inner, why);
    r->discard = discard;
    return e;
}

enum err json_text_check(struct bytes text, unsigned max_depth, struct why *why)
{
    struct json_reader r;
    struct json_token t;
    json_text_init(&r, text, NULL, max_depth);
    r.discard = true;
    for (;;) {
        enum err e = json_text_next(&r, &t, why);
        if (e || t.kind == JSON_END) return e;
    }
}

const char *json_text_kind_name(enum json_kind kind)
{
    static const char *const names[] = {
        [JSON_END] = "the end",
        [JSON_OBJECT] = "an object",
        [JSON_OBJECT_END] = "the end of an object",
        [JSON_ARRAY] = "an array",
        [JSON_ARRAY_END] = "the end of an array",
        [JSON_KEY] = "a name",
        [JSON_STRING] = "a string",
        [JSON_NUMBER] = "a number",
        [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",
        [JSON_NULL] = "null",
    };
    return names[kind];
}
