/* multipart/form-data (see multipart.h).
 *
 *   [preamble CRLF] --boundary CRLF (header CRLF)* CRLF content CRLF --boundary … --boundary-- */
#include "codec/multipart.h"

#include <stdbool.h>

enum { BOUNDARY_MAX = 70, PARTS_MAX = 100 };

/* --- parameters of a header: token; name=value; name="value" ---------------------------------- */

/* Takes one parameter off the front of *rest. false: there is none, or it is malformed. */
static bool take_parameter(struct bytes *rest, struct bytes *ret_name, struct bytes *ret_value)
{
    struct bytes r = bytes_trim(*rest);
    if (!r.n || r.p[0] != ';') return false;
    r = bytes_trim(bytes_of(r.p + 1, r.n - 1));
    struct bytes behind = bytes_cut(r, '=', ret_name);
    if (!behind.p) return false;
    *ret_name = bytes_trim(*ret_name);
    if (behind.n && behind.p[0] == '"') {
        struct bytes tail = bytes_cut(bytes_of(behind.p + 1, behind.n - 1), '"', ret_value);
        *rest = tail;
        return tail.p != NULL;
    }
    size_t n = 0;
    while (n < behind.n && behind.p[n] != ';' && behind.p[n] != ' ' && behind.p[n] != '\t') n++;
    *ret_value = bytes_of(behind.p, n);
    *rest = bytes_of(behind.p + n, behind.n - n);
    return true;
}

/* The value in front of the parameters, which become *ret_rest. */
static struct bytes take_head(struct bytes header, struct bytes *ret_rest)
{
    size_t n = 0;
    while (n < header.n && header.p[n] != ';') n++;
    *ret_rest = bytes_of(header.p + n, header.n - n);
    return bytes_trim(bytes_of(header.p, n));
}

static bool is_boundary(struct bytes b)
{
    static const char marks[] = "'()+_,-./:=? ";
    if (!b.n || b.n > BOUNDARY_MAX || b.p[b.n - 1] == ' ') return false;
    for (size_t i = 0; i < b.n; i++) {
        char c = b.p[i], low = (char)(c | 0x20);
        if ((low < 'a' || low > 'z') && (c < '0' || c > '9') && !memchr(marks, c, sizeof marks - 1))
            return false;
    }
    return true;
}

enum err multipart_boundary(struct bytes content_type, struct bytes *ret, struct why *why)
{
    struct bytes rest, name, value;
    struct bytes type = take_head(content_type, &rest);
    if (!bytes_equal_nocase(type, BYTES("multipart/form-data")))
        return why_say(why, ERR_UNSUPPORTED, "the content type is not multipart/form-data");
    while (take_parameter(&rest, &name, &value)) {
        if (!bytes_equal_nocase(name, BYTES("boundary"))) continue;
        if (!is_boundary(value)) break;
        *ret = value;
        return ERR_OK;
    }
    return why_say(why, ERR_INVALID, "multipart/form-data needs a boundary of 1 to 70 characters");
}

/* --- parts ------------------------------------------------------------------------------------ */

/* First "--boundary" at or behind `at` that begins the body or a line; body.n: there is none. */
static size_t find_delimiter(struct bytes body, struct bytes boundary, size_t at)
{
    while (body.n - at >= boundary.n + 2) {
        const char *p = memchr(body.p + at, '-', body.n - at - boundary.n - 1);
        if (!p) break;
        at = (size_t)(p - body.p);
        bool begins = !at || (at >= 2 && p[-2] == '\r' && p[-1] == '\n');
        if (begins && p[1] == '-' && memcmp(p + 2, boundary.p, boundary.n) == 0) return at;
        at++;
    }
    return body.n;
}

static void read_disposition(struct bytes value, struct multipart_part *part)
{
    struct bytes rest, name, text;
    take_head(value, &rest);
    while (take_parameter(&rest, &name, &text)) {
        if (bytes_equal_nocase(name, BYTES("name"))) part->name = text;
        if (bytes_equal_nocase(name, BYTES("filename"))) part->filename = text;
    }
}

/* One header line at `at`; *ret_at is behind it.
 * false: the empty line that ends them, or no line. */
static bool read_header(struct bytes body, size_t at, struct multipart_part *part, size_t *ret_at)
{
    const char *end = memchr(body.p + at, '\n', body.n - at);
    struct bytes line = bytes_of(body.p + at, end ? (size_t)(end - body.p) - at : 0);
    if (!end || !line.n || line.p[line.n - 1] != '\r') return false;
    *ret_at = at + line.n + 1;
    struct bytes name, value = bytes_trim(bytes_cut(line, ':', &name));
    if (line.n == 1) return false;
    if (bytes_equal_nocase(name, BYTES("content-disposition"))) read_disposition(value, part);
    if (bytes_equal_nocase(name, BYTES("content-type"))) part->content_type = value;
    return true;
}

static enum err cut(struct why *why)
{
    return why_say(why, ERR_INVALID, "the multipart body is cut off or has another boundary");
}

enum err multipart_next(struct bytes body, struct bytes boundary, size_t *at,
                        struct multipart_part *ret, struct why *why)
{
    size_t p = find_delimiter(body, boundary, *at);
    if (p == body.n) return cut(why);
    p += 2 + boundary.n;
    if (body.n - p >= 2 && memcmp(body.p + p, "--", 2) == 0) return ERR_END;
    while (p < body.n && (body.p[p] == ' ' || body.p[p] == '\t')) p++;
    if (body.n - p < 2 || memcmp(body.p + p, "\r\n", 2) != 0) return cut(why);
    p += 2;
    struct multipart_part part = {.content = {NULL, 0}};
    size_t next = p;
    while (read_header(body, p, &part, &next)) p = next;
    if (next == p) return cut(why); /* no line at all: the headers never end */
    size_t end = find_delimiter(body, boundary, next);
    if (end == body.n || end < next + 2) return cut(why);
    part.content = bytes_of(body.p + next, end - 2 - next);
    *ret = part;
    *at = end;
    return ERR_OK;
}

enum err multipart_file(struct bytes body, struct bytes boundary, struct multipart_part *ret,
                        struct why *why)
{
    struct multipart_part part, first;
    size_t at = 0;
    for (int i = 0; i < PARTS_MAX; i++) {
        enum err e = multipart_next(body, boundary, &at, &part, why);
        if (e == ERR_END && i) {
            *ret = first;
            return ERR_OK;
        }
        if (e == ERR_END) return why_say(why, ERR_INVALID, "the multipart body has no part");
        if (e) return e;
        if (!i) first = part;
        if (!part.filename.p) continue;
        *ret = part;
        return ERR_OK;
    }
    return why_say(why, ERR_INVALID, "the multipart body has 100 parts or more and no file");
}
