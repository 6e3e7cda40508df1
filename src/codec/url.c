/* Percent escapes, query pairs and path segments (see url.h). */
#include "codec/url.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool has_escape(struct bytes raw, bool plus_is_blank)
{
    if (!raw.n) return false;
    return memchr(raw.p, '%', raw.n) || (plus_is_blank && memchr(raw.p, '+', raw.n));
}

/* The bytes of raw, decoded to `to`, which has room for raw.n; false on a broken escape or %00. */
static bool decode_into(char *to, struct bytes raw, bool plus_is_blank, size_t *ret_n)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        if (c == '%') {
            int high = raw.n - i > 2 ? hex_value(raw.p[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_value(raw.p[i + 2]);
            if (low < 0 || (high | low) == 0) return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        to[n++] = c;
    }
    *ret_n = n;
    return true;
}

enum err url_decode(struct arena *a, struct bytes raw, bool plus_is_blank, struct bytes *ret)
{
    struct bytes decoded = raw;
    if (has_escape(raw, plus_is_blank)) {
        char *to = arena_alloc(a, raw.n + 1);
        if (!to) return ERR_NOMEM;
        if (!decode_into(to, raw, plus_is_blank, &decoded.n)) return ERR_INVALID;
        to[decoded.n] = 0;
        decoded.p = to;
    }
    if (!bytes_is_utf8(decoded)) return ERR_INVALID;
    *ret = decoded;
    return ERR_OK;
}

bool url_query_next(struct bytes *rest, struct bytes *ret_name, struct bytes *ret_value)
{
    while (rest->p) {
        struct bytes pair;
        *rest = bytes_cut(*rest, '&', &pair);
        if (!pair.n) continue;
        struct bytes value = bytes_cut(pair, '=', ret_name);
        *ret_value = value.p ? value : bytes_of(pair.p + pair.n, 0);
        return true;
    }
    return false;
}

enum err url_query_find(struct arena *a, struct bytes query, const char *name, struct bytes *ret)
{
    struct bytes raw_name, raw_value, wanted = bytes_str(name);
    while (url_query_next(&query, &raw_name, &raw_value)) {
        if (raw_name.n < wanted.n) continue; /* decoding never makes it longer */
        struct bytes decoded;
        enum err e = url_decode(a, raw_name, true, &decoded);
        if (e == ERR_NOMEM) return e;
        if (!e && bytes_equal(decoded, wanted)) return url_decode(a, raw_value, true, ret);
    }
    return ERR_NOTFOUND;
}

bool url_path_next(struct bytes *rest, struct bytes *ret_segment)
{
    if (!rest->n || rest->p[0] != '/') return false;
    const char *end = memchr(rest->p + 1, '/', rest->n - 1);
    size_t n = end ? (size_t)(end - rest->p) - 1 : rest->n - 1;
    *ret_segment = bytes_of(rest->p + 1, n);
    *rest = bytes_of(rest->p + 1 + n, rest->n - 1 - n);
    return true;
}
