/* The grammar of Java's .properties files (see properties.h). A logical line is read character by
 * character through take(), which already joins continued lines, so that the rest sees one line. */
#include "conf/properties.h"

enum { TEXT_MAX = 64 * 1024, NESTING_MAX = 8 };

void properties_open(struct properties *p, struct bytes text)
{
    if (bytes_starts(text, BYTES("\xef\xbb\xbf"))) text = bytes_of(text.p + 3, text.n - 3);
    if (!text.n) text = BYTES("");
    *p = (struct properties){.at = text.p, .end = text.p + text.n, .line = 1};
    p->latin1 = !bytes_is_utf8(text);
    buf_init(&p->key, TEXT_MAX);
    buf_init(&p->value, TEXT_MAX);
}

void properties_done(struct properties *p)
{
    buf_done(&p->key);
    buf_done(&p->value);
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

static bool is_end(int c)
{
    return c < 0 || c == '\n' || c == '\r';
}

static int peek(const struct properties *p)
{
    return p->at < p->end ? (unsigned char)*p->at : -1;
}

/* Steps over one line end: LF, CR or CR LF. */
static void pass_line_end(struct properties *p)
{
    if (p->at == p->end) return;
    bool cr = *p->at++ == '\r';
    if (cr && peek(p) == '\n') p->at++;
    p->line++;
}

static void pass_blanks(struct properties *p)
{
    while (is_blank(peek(p))) p->at++;
}

/* Joins continued lines: after a backslash before a line end, the next line without its indent. */
static bool pass_continuation(struct properties *p)
{
    if (peek(p) != '\\' || p->at + 1 == p->end || !is_end((unsigned char)p->at[1])) return false;
    p->at++;
    pass_line_end(p);
    pass_blanks(p);
    return true;
}

/* Blank and comment lines; true when a property begins at p->at. */
static bool find_property(struct properties *p)
{
    while (p->at < p->end) {
        pass_blanks(p);
        int c = peek(p);
        if (c == '#' || c == '!')
            while (!is_end(peek(p))) p->at++;
        if (!is_end(peek(p))) return true;
        pass_line_end(p);
    }
    return false;
}

static void put_code_point(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_add_char(out, (char)c);
    } else if (c < 0x800) {
        buf_add_char(out, (char)(0xc0 | c >> 6));
        buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_add_char(out, (char)(0xe0 | c >> 12));
        buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    } else {
        buf_add_char(out, (char)(0xf0 | c >> 18));
        buf_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
        buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_add_char(out, (char)(0x80 | (c & 0x3f)));
    }
}

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Four hex digits at p->at. */
static bool take_unit(struct properties *p, uint32_t *ret)
{
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(peek(p));
        if (digit < 0) return false;
        unit = unit << 4 | (uint32_t)digit;
        p->at++;
    }
    *ret = unit;
    return true;
}

/* Behind "\u": one UTF-16 unit, or a surrogate pair written as two of them. */
static enum err take_unicode(struct properties *p, struct buf *out, struct why *why)
{
    uint32_t c, low;
    if (!take_unit(p, &c))
        return why_say(why, ERR_INVALID, "line %zu: \\u must be followed by four hex digits",
                       p->line);
    if (c == 0) return why_say(why, ERR_INVALID, "line %zu: \\u0000 is not allowed", p->line);
    if (c >= 0xd800 && c < 0xe000) {
        bool pair = c < 0xdc00 && p->end - p->at >= 6 && p->at[0] == '\\' && p->at[1] == 'u';
        if (pair) p->at += 2;
        if (!pair || !take_unit(p, &low) || low < 0xdc00 || low >= 0xe000)
            return why_say(why, ERR_INVALID, "line %zu: half of a surrogate pair", p->line);
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    put_code_point(out, c);
    return ERR_OK;
}

/* One character of key or value, its escape resolved. */
static enum err take(struct properties *p, struct buf *out, struct why *why)
{
    int c = peek(p);
    if (c == 0) return why_say(why, ERR_INVALID, "line %zu: a NUL byte", p->line);
    p->at++;
    if (c == '\\') {
        c = peek(p);
        if (c < 0) return ERR_OK; /* as Java: a backslash at the very end is nothing */
        if (c == 0) return why_say(why, ERR_INVALID, "line %zu: a NUL byte", p->line);
        p->at++;
        if (c == 'u') return take_unicode(p, out, why);
        static const char from[] = "tnrf", to[] = "\t\n\r\f";
        const char *known = strchr(from, c);
        if (known) c = to[known - from];
    }
    if (p->latin1)
        put_code_point(out, (uint32_t)c);
    else
        buf_add_char(out, (char)c);
    return ERR_OK;
}

static enum err take_key(struct properties *p, struct why *why)
{
    enum err e = ERR_OK;
    while (!e) {
        if (pass_continuation(p)) continue;
        int c = peek(p);
        if (is_end(c) || is_blank(c) || c == '=' || c == ':') break;
        e = take(p, &p->key, why);
    }
    return e;
}

/* Blanks, one '=' or ':', blanks; any of them may be on a continued line. */
static void pass_separator(struct properties *p)
{
    bool seen = false;
    for (;;) {
        pass_blanks(p);
        if (pass_continuation(p)) continue;
        int c = peek(p);
        if (seen || (c != '=' && c != ':')) return;
        seen = true;
        p->at++;
    }
}

static enum err take_value(struct properties *p, struct why *why)
{
    enum err e = ERR_OK;
    while (!e) {
        if (pass_continuation(p)) continue;
        if (is_end(peek(p))) break;
        e = take(p, &p->value, why);
    }
    return e;
}

enum err properties_next(struct properties *p, struct property *ret, struct why *why)
{
    if (!find_property(p)) return ERR_END;
    size_t line = p->line;
    buf_clear(&p->key);
    buf_clear(&p->value);
    enum err e = take_key(p, why);
    if (e) return e;
    pass_separator(p);
    e = take_value(p, why);
    if (e) return e;
    pass_line_end(p);
    e = p->key.err ? p->key.err : p->value.err;
    if (e)
        return why_say(why, e, "line %zu: %s (%d bytes at most)", line, err_sentence(e),
                       (int)TEXT_MAX);
    *ret = (struct property){buf_bytes(&p->key), buf_bytes(&p->value), line};
    return ERR_OK;
}

/* The "}" that closes a reference whose inside begins at s.p, nested ones passed over; s.n: none.
 */
static size_t find_close(struct bytes s)
{
    size_t depth = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '$' && i + 1 < s.n && s.p[i + 1] == '{') {
            depth++;
            i++;
        } else if (s.p[i] == '}' && depth-- == 0) {
            return i;
        }
    }
    return s.n;
}

struct expansion {
    struct buf *out;
    properties_env *env;
    void *ctx;
    struct why *why;
};

static enum err expand(const struct expansion *x, struct bytes value, int depth);

/* The inside of one ${…}. */
static enum err expand_reference(const struct expansion *x, struct bytes inside, int depth)
{
    struct bytes name;
    struct bytes absent = bytes_cut(inside, ':', &name);
    char text[256];
    name = bytes_trim(name);
    if (name.n == 0 || name.n >= sizeof text)
        return why_say(x->why, ERR_INVALID, "${%.*s}: not the name of a variable",
                       (int)(name.n < 60 ? name.n : 60), name.p);
    memcpy(text, name.p, name.n);
    text[name.n] = 0;
    const char *set = x->env(x->ctx, text);
    if (set) {
        buf_add_str(x->out, set);
        return ERR_OK;
    }
    if (!absent.p)
        return why_say(
            x->why, ERR_NOTFOUND,
            "${%.60s}: the environment variable is not set; set it or write ${%.60s:default}", text,
            text);
    return expand(x, absent, depth + 1);
}

static enum err expand(const struct expansion *x, struct bytes value, int depth)
{
    if (depth > NESTING_MAX)
        return why_say(x->why, ERR_TOOLARGE, "more than %d references inside each other",
                       NESTING_MAX);
    for (size_t i = 0; i < value.n; i++) {
        struct bytes inside = {NULL, 0};
        size_t close = 0;
        if (value.p[i] == '$' && i + 1 < value.n && value.p[i + 1] == '{') {
            inside = bytes_of(value.p + i + 2, value.n - i - 2);
            close = find_close(inside);
        }
        if (!inside.p || close == inside.n) {
            buf_add_char(x->out, value.p[i]);
            continue;
        }
        enum err e = expand_reference(x, bytes_of(inside.p, close), depth);
        if (e) return e;
        i += 2 + close;
    }
    return x->out->err;
}

enum err properties_expand(struct buf *out, struct bytes value, properties_env *env, void *ctx,
                           struct why *why)
{
    return expand(&(struct expansion){out, env, ctx, why}, value, 0);
}
