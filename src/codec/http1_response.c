/* The head of an answer, line by line (see http1_response.h). */
#include "codec/http1_response.h"

struct framing {
    unsigned codings;
    bool close, keep;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK"; the reason may be missing, with or without its blank. */
static enum err read_status(struct http1_response *r, struct bytes line)
{
    if (line.n < 12 || memcmp(line.p, "HTTP/1.", 7) != 0) return ERR_INVALID;
    if ((line.p[7] != '0' && line.p[7] != '1') || line.p[8] != ' ') return ERR_INVALID;
    for (size_t i = 9; i < 12; i++)
        if (!is_digit(line.p[i])) return ERR_INVALID;
    if (line.n > 12 && line.p[12] != ' ') return ERR_INVALID;
    r->status = (line.p[9] - '0') * 100 + (line.p[10] - '0') * 10 + (line.p[11] - '0');
    r->keep_alive = line.p[7] == '1';
    return r->status < 100 || r->status > 599 ? ERR_INVALID : ERR_OK;
}

static enum err take_length(struct http1_response *r, struct bytes value)
{
    uint64_t n;
    if (!bytes_to_u64(value, &n)) return ERR_INVALID;
    if (r->has_length && n != r->content_length) return ERR_INVALID;
    r->has_length = true;
    r->content_length = n;
    return ERR_OK;
}

static void take_connection(struct framing *seen, struct bytes value)
{
    struct bytes token;
    while (value.p) {
        value = bytes_cut(value, ',', &token);
        token = bytes_trim(token);
        if (bytes_equal_nocase(token, BYTES("close"))) seen->close = true;
        if (bytes_equal_nocase(token, BYTES("keep-alive"))) seen->keep = true;
    }
}

static enum err take_header(struct http1_response *r, struct framing *seen, struct bytes name,
                            struct bytes value)
{
    if (bytes_equal_nocase(name, BYTES("content-length"))) return take_length(r, value);
    if (bytes_equal_nocase(name, BYTES("transfer-encoding"))) {
        r->chunked = true;
        if (seen->codings++ || !bytes_equal_nocase(value, BYTES("chunked"))) return ERR_INVALID;
    } else if (bytes_equal_nocase(name, BYTES("connection"))) {
        take_connection(seen, value);
    } else if (bytes_equal_nocase(name, BYTES("retry-after"))) {
        uint64_t s;
        if (bytes_to_u64(value, &s) && s <= INT32_MAX) r->retry_after_s = (int64_t)s;
    }
    return ERR_OK;
}

static enum err read_header(struct http1_response *r, struct framing *seen, struct bytes line)
{
    struct bytes name, value = bytes_cut(line, ':', &name);
    if (!value.p || !name.n || name.p[0] == ' ' || name.p[0] == '\t') return ERR_INVALID;
    if (name.p[name.n - 1] == ' ' || name.p[name.n - 1] == '\t') return ERR_INVALID;
    return take_header(r, seen, name, bytes_trim(value));
}

/* Cuts a line at its CRLF; a bare LF or CR is refused. */
static enum err next_line(struct bytes *rest, struct bytes *ret)
{
    struct bytes line, behind = bytes_cut(*rest, '\n', &line);
    if (!line.n || line.p[line.n - 1] != '\r') return ERR_INVALID;
    line.n--;
    if (line.n && memchr(line.p, '\r', line.n)) return ERR_INVALID;
    if (line.n && memchr(line.p, 0, line.n)) return ERR_INVALID;
    *ret = line;
    *rest = behind;
    return ERR_OK;
}

/* RFC 9112, 6.3: what these answers carry besides is not a body. */
static bool has_no_body(int status)
{
    return status < 200 || status == 204 || status == 304;
}

static enum err settle(struct http1_response *r, const struct framing *seen)
{
    if (r->chunked && r->has_length) return ERR_INVALID;
    if (has_no_body(r->status)) {
        r->chunked = false;
        r->has_length = true;
        r->content_length = 0;
    }
    if (seen->keep) r->keep_alive = true;
    if (seen->close || (!r->chunked && !r->has_length)) r->keep_alive = false;
    return ERR_OK;
}

enum err http1_response_parse(struct http1_response *ret, struct bytes input)
{
    struct http1_response r = {.status = 0};
    struct framing seen = {.codings = 0};
    struct bytes line;
    const char *end = input.n ? memmem(input.p, input.n, "\r\n\r\n", 4) : NULL;
    if (!end) return input.n > HTTP1_RESPONSE_HEAD_MAX ? ERR_TOOLARGE : ERR_MORE;
    r.bytes = (size_t)(end - input.p) + 4;
    if (r.bytes > HTTP1_RESPONSE_HEAD_MAX) return ERR_TOOLARGE; /* however much came at once */
    struct bytes rest = bytes_of(input.p, r.bytes);
    enum err e = next_line(&rest, &line);
    if (!e) e = read_status(&r, line);
    while (!e) {
        e = next_line(&rest, &line);
        if (e || !line.n) break;
        e = read_header(&r, &seen, line);
    }
    if (!e) e = settle(&r, &seen);
    if (!e) *ret = r;
    return e;
}
