/* JSON into a buffer (see json_write.h). */
#include "codec/json_write.h"

#include "codec/number.h"
#include "codec/timestamp.h"

#include <math.h>

static inline void comma(struct buf *b)
{
    if (!b->n) return;
    char last = b->p[b->n - 1];
    if (last != '{' && last != '[' && last != ':' && last != ',' && last != '\n')
        buf_add_char(b, ',');
}

void json_write_open(struct buf *b, char bracket)
{
    comma(b);
    buf_add_char(b, bracket);
}

void json_write_close(struct buf *b, char bracket)
{
    buf_add_char(b, bracket);
}

void json_write_key(struct buf *b, const char *literal)
{
    comma(b);
    size_t n = strlen(literal);
    char *p = buf_reserve(b, n + 3);
    if (!p) return;
    p[0] = '"';
    memcpy(p + 1, literal, n);
    p[n + 1] = '"';
    p[n + 2] = ':';
    buf_advance(b, n + 3);
}

void json_write_key_bytes(struct buf *b, struct bytes key)
{
    json_write_string(b, key);
    buf_add_char(b, ':');
}

/* Bytes that stand in a string as they are. */
static inline bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static void add_escape(struct buf *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *known = memchr(from, c, sizeof from - 1);
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    if (known) text[1] = to[known - from];
    buf_add(b, text, known ? 2 : 6);
}

/* Appends one character that is not ASCII, or U+FFFD for a byte that begins none; returns its
 * length. */
static size_t add_character(struct buf *b, const char *p, size_t n)
{
    for (size_t len = 2; len <= 4 && len <= n; len++) {
        if ((p[len - 1] & 0xc0) != 0x80) break;
        if (!bytes_is_utf8(bytes_of(p, len))) continue;
        buf_add(b, p, len);
        return len;
    }
    buf_add_str(b, "\xef\xbf\xbd");
    return 1;
}

void json_write_string(struct buf *b, struct bytes s)
{
    comma(b);
    buf_add_char(b, '"');
    for (size_t i = 0; i < s.n;) {
        size_t start = i;
        while (i < s.n && is_plain((unsigned char)s.p[i])) i++;
        buf_add(b, s.p + start, i - start);
        if (i == s.n) break;
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x80) {
            i += add_character(b, s.p + i, s.n - i);
            continue;
        }
        add_escape(b, c);
        i++;
    }
    buf_add_char(b, '"');
}

void json_write_number(struct buf *b, double v)
{
    if (!isfinite(v)) {
        json_write_null(b);
        return;
    }
    comma(b);
    char *p = buf_reserve(b, NUMBER_TEXT_MAX);
    if (p) buf_advance(b, number_format(v, p));
}

void json_write_i64(struct buf *b, int64_t v)
{
    comma(b);
    buf_add_i64(b, v);
}

void json_write_u64(struct buf *b, uint64_t v)
{
    comma(b);
    buf_add_u64(b, v);
}

void json_write_bool(struct buf *b, bool v)
{
    comma(b);
    buf_add_str(b, v ? "true" : "false");
}

void json_write_null(struct buf *b)
{
    comma(b);
    buf_add_str(b, "null");
}

void json_write_time(struct buf *b, int64_t ns)
{
    if (ns == INT64_MIN) {
        json_write_null(b);
        return;
    }
    comma(b);
    char *p = buf_reserve(b, TIMESTAMP_TEXT_MAX + 2);
    if (!p) return;
    size_t n = timestamp_format(ns, p + 1);
    p[0] = p[n + 1] = '"';
    buf_advance(b, n + 2);
}

void json_write_raw(struct buf *b, struct bytes json)
{
    comma(b);
    buf_add_bytes(b, json);
}

void json_write_member_str(struct buf *b, const char *key, struct bytes v)
{
    json_write_key(b, key);
    if (v.p)
        json_write_string(b, v);
    else
        json_write_null(b);
}

void json_write_member_text(struct buf *b, const char *key, const char *v)
{
    json_write_member_str(b, key, bytes_str(v));
}

void json_write_member_number(struct buf *b, const char *key, double v)
{
    json_write_key(b, key);
    json_write_number(b, v);
}

void json_write_member_i64(struct buf *b, const char *key, int64_t v)
{
    json_write_key(b, key);
    json_write_i64(b, v);
}

void json_write_member_u64(struct buf *b, const char *key, uint64_t v)
{
    json_write_key(b, key);
    json_write_u64(b, v);
}

void json_write_member_bool(struct buf *b, const char *key, bool v)
{
    json_write_key(b, key);
    json_write_bool(b, v);
}

void json_write_member_null(struct buf *b, const char *key)
{
    json_write_key(b, key);
    json_write_null(b);
}

void json_write_member_time(struct buf *b, const char *key, int64_t ns)
{
    json_write_key(b, key);
    json_write_time(b, ns);
}
