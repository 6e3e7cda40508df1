/* The head of a request, line by line (see http1.h). A line is judged when its LF is there, and
 * limits are judged before content, so that the verdict does not depend on the pieces the bytes
 * came in (H1). */
#include "codec/http1.h"

/* What a byte may be part of. */
enum { TOKEN = 1, VALUE = 2, TARGET = 4, AUTHORITY = 8 };

/* One row of 16 bytes a line: 15 a letter, digit or -._~ and so on, 6 or 14 a delimiter, 3 the '#'
 * that never travels in a target, 2 a blank, tab or byte above ASCII (obs-text), 0 a control byte.
 */
/* clang-format off */
static const uint8_t kinds[256] = {
     0,  0,  0,  0,  0,  0,  0,  0,  0,  2,  0,  0,  0,  0,  0,  0, /* 0x00 */
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0, /* 0x10 */
     2, 15,  6,  3, 15, 15, 15, 15, 14, 14, 15, 15,  6, 15, 15,  6, /* 0x20 */
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 14, 14,  6, 14,  6,  6, /* 0x30 */
     6, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* 0x40 */
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 14,  6, 14,  7, 15, /* 0x50 */
     7, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* 0x60 */
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,  6,  7,  6, 15,  0, /* 0x70 */
    [0x80 ... 0xff] = VALUE,
};
/* clang-format on */

static const char *const method_names[HTTP1_METHODS] = {
    [HTTP1_GET] = "GET",         [HTTP1_HEAD] = "HEAD",   [HTTP1_POST] = "POST",
    [HTTP1_PUT] = "PUT",         [HTTP1_PATCH] = "PATCH", [HTTP1_DELETE] = "DELETE",
    [HTTP1_OPTIONS] = "OPTIONS",
};

const char *http1_method_name(enum http1_method m)
{
    return method_names[m];
}

static bool all_of(struct bytes s, uint8_t kind)
{
    uint8_t common = kind;
    for (size_t i = 0; i < s.n; i++) common &= kinds[(uint8_t)s.p[i]];
    return common == kind;
}

static enum err refuse(struct http1_head *h, int status, const char *why)
{
    h->status = status;
    h->why = why;
    return ERR_INVALID;
}

void http1_head_init(struct http1_head *h)
{
    memset(h, 0, offsetof(struct http1_head, headers)); /* entries are written before they count */
}

/* Views that point at something static, not into the input, stay. */
static void shift(struct bytes *view, const char *from, const char *to, size_t n)
{
    uintptr_t at = (uintptr_t)view->p - (uintptr_t)from;
    if (view->p && at <= n) view->p = to + at;
}

void http1_head_move(struct http1_head *h, const char *to)
{
    const char *from = h->base;
    h->base = to;
    if (!from || from == to) return;
    shift(&h->target, from, to, h->searched);
    shift(&h->path, from, to, h->searched);
    shift(&h->query, from, to, h->searched);
    for (size_t i = 0; i < h->header_count; i++) {
        shift(&h->headers[i].name, from, to, h->searched);
        shift(&h->headers[i].value, from, to, h->searched);
    }
}

static enum err parse_method(struct http1_head *h, struct bytes name)
{
    if (!name.n || !all_of(name, TOKEN)) return refuse(h, 400, "the request line has no method");
    for (unsigned m = 0; m < HTTP1_METHODS; m++) {
        if (!bytes_is(name, method_names[m])) continue;
        h->method = (enum http1_method)m;
        return ERR_OK;
    }
    return refuse(h, 501, "this method is not implemented");
}

/* "http://host:port/path": what a client says to a proxy; we are its origin. */
static enum err parse_absolute(struct http1_head *h, struct bytes t)
{
    bool plain = t.n > 7 && bytes_equal_nocase(bytes_of(t.p, 7), BYTES("http://"));
    bool secure = t.n > 8 && bytes_equal_nocase(bytes_of(t.p, 8), BYTES("https://"));
    if (!plain && !secure) return refuse(h, 400, "the request target is not a path");
    size_t at = plain ? 7 : 8, from = at;
    while (at < t.n && t.p[at] != '/' && t.p[at] != '?') at++;
    if (at == from || !all_of(bytes_of(t.p + from, at - from), AUTHORITY))
        return refuse(h, 400, "the request target has no valid host");
    h->path = bytes_of(t.p + at, t.n - at);
    return ERR_OK;
}

static enum err parse_target(struct http1_head *h, struct bytes t)
{
    if (t.n > HTTP1_URL_MAX) return refuse(h, 414, "the URL is longer than 24 KiB");
    if (!t.n || !all_of(t, TARGET)) return refuse(h, 400, "the request target is not valid");
    h->target = h->path = t;
    if (t.n == 1 && t.p[0] == '*' && h->method == HTTP1_OPTIONS) return ERR_OK;
    if (t.p[0] != '/') {
        enum err e = parse_absolute(h, t);
        if (e) return e;
    }
    h->query = bytes_cut(h->path, '?', &h->path);
    if (!h->path.n) h->path = BYTES("/");
    return ERR_OK;
}

static enum err parse_version(struct http1_head *h, struct bytes v)
{
    if (bytes_is(v, "HTTP/1.1") || bytes_is(v, "HTTP/1.0")) {
        h->minor = v.p[7] == '1';
        return ERR_OK;
    }
    bool other = v.n == 8 && bytes_starts(v, BYTES("HTTP/")) && v.p[6] == '.' && v.p[5] >= '0' &&
                 v.p[5] <= '9' && v.p[7] >= '0' && v.p[7] <= '9';
    return other ? refuse(h, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
                 : refuse(h, 400, "the request line does not end with an HTTP version");
}

static enum err parse_request_line(struct http1_head *h, struct bytes line)
{
    struct bytes method, target;
    struct bytes rest = bytes_cut(line, ' ', &method);
    enum err e = parse_method(h, method);
    if (e) return e;
    struct bytes version = bytes_cut(rest, ' ', &target);
    e = parse_target(h, target);
    return e ? e : parse_version(h, version);
}

static struct bytes trim_blanks(struct bytes s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) s.p++, s.n--;
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) s.n--;
    return s;
}

static bool list_has(struct bytes list, struct bytes token)
{
    while (list.p) {
        struct bytes one;
        list = bytes_cut(list, ',', &one);
        if (bytes_equal_nocase(trim_blanks(one), token)) return true;
    }
    return false;
}

static enum err take_content_length(struct http1_head *h, struct bytes value)
{
    if (h->has_content_length) return refuse(h, 400, "two Content-Length headers");
    /* 18 digits never overflow and are more than anybody has */
    if (value.n > 18 || !bytes_to_u64(value, &h->content_length))
        return refuse(h, 400, "Content-Length is not a decimal number");
    h->has_content_length = true;
    return ERR_OK;
}

static enum err take_coding(struct http1_head *h, struct bytes value)
{
    if (h->codings++) return refuse(h, 400, "two Transfer-Encoding headers");
    if (!bytes_equal_nocase(value, BYTES("chunked")))
        return refuse(h, 400, "Transfer-Encoding is not exactly chunked");
    h->chunked = true;
    return ERR_OK;
}

static enum err take_host(struct http1_head *h, struct bytes value)
{
    if (h->hosts++) return refuse(h, 400, "two Host headers");
    return all_of(value, AUTHORITY) ? ERR_OK : refuse(h, 400, "Host is not valid");
}

static enum err take_expect(struct http1_head *h, struct bytes value)
{
    if (!bytes_equal_nocase(value, BYTES("100-continue")))
        return refuse(h, 417, "the only expectation met here is 100-continue");
    h->expect_continue = true;
    return ERR_OK;
}

static enum err take_connection(struct http1_head *h, struct bytes value)
{
    h->says_close |= list_has(value, BYTES("close"));
    h->says_keep_alive |= list_has(value, BYTES("keep-alive"));
    return ERR_OK;
}

/* The headers that decide about framing, told apart by length first: most are none of them. */
static enum err take_header(struct http1_head *h, struct bytes name, struct bytes value)
{
    static const struct {
        struct bytes name;
        enum err (*take)(struct http1_head *h, struct bytes value);
    } framing[] = {
        {{"host", 4}, take_host},
        {{"expect", 6}, take_expect},
        {{"connection", 10}, take_connection},
        {{"content-length", 14}, take_content_length},
        {{"transfer-encoding", 17}, take_coding},
    };
    for (size_t i = 0; i < sizeof framing / sizeof *framing; i++)
        if (framing[i].name.n == name.n && bytes_equal_nocase(name, framing[i].name))
            return framing[i].take(h, value);
    return ERR_OK;
}

static enum err parse_header_line(struct http1_head *h, struct bytes line)
{
    if (line.p[0] == ' ' || line.p[0] == '\t') return refuse(h, 400, "a folded header line");
    if (h->header_count == HTTP1_HEADERS_MAX) return refuse(h, 431, "more than 100 headers");
    struct bytes name, value = bytes_cut(line, ':', &name);
    if (!value.p) return refuse(h, 400, "a header line without a colon");
    if (!name.n || !all_of(name, TOKEN)) return refuse(h, 400, "a header name is not a token");
    if (!all_of(value, VALUE)) return refuse(h, 400, "a control character in a header");
    value = trim_blanks(value);
    h->headers[h->header_count++] = (struct http1_header){name, value};
    return take_header(h, name, value);
}

static enum err finish(struct http1_head *h)
{
    if (h->minor == 1 && !h->hosts) return refuse(h, 400, "no Host header");
    if (h->chunked && h->has_content_length)
        return refuse(h, 400, "Content-Length beside Transfer-Encoding");
    if (h->chunked && h->minor == 0) return refuse(h, 400, "Transfer-Encoding in HTTP/1.0");
    if (h->minor == 0)
        h->expect_continue = false; /* RFC 9110, 10.1.1: a 1.0 client did not mean it */
    h->keep_alive = !h->says_close && (h->minor == 1 || h->says_keep_alive);
    h->bytes = h->line_at;
    return ERR_OK;
}

/* `n` bytes of the current line are there, its LF perhaps not yet. */
static enum err check_limits(struct http1_head *h, size_t line_end, bool whole)
{
    enum { AROUND_URL = 19 }; /* "OPTIONS " " HTTP/1.1" CR LF */
    size_t spare = whole ? 0 : 1;
    if (!h->block_at) {
        bool over = line_end - h->line_at + spare > HTTP1_URL_MAX + AROUND_URL;
        return over ? refuse(h, 414, "the URL is longer than 24 KiB") : ERR_OK;
    }
    bool over = line_end - h->block_at + spare > HTTP1_BLOCK_MAX;
    return over ? refuse(h, 431, "the headers are longer than 16 KiB") : ERR_OK;
}

static enum err take_line(struct http1_head *h, struct bytes line)
{
    if (h->block_at) return parse_header_line(h, line);
    if (!line.n) { /* RFC 9112, 2.2: one empty line in front is forgiven */
        bool first = h->line_at == 2;
        return first ? ERR_OK : refuse(h, 400, "empty lines before the request");
    }
    enum err e = parse_request_line(h, line);
    if (!e) h->block_at = h->line_at;
    return e;
}

enum err http1_head_parse(struct http1_head *h, struct bytes input)
{
    if (h->status) return ERR_INVALID;
    if (h->base != input.p) http1_head_move(h, input.p);
    if (input.n && input.p[0] != '\r' && !(kinds[(uint8_t)input.p[0]] & TOKEN))
        return refuse(h, 400, "this is not HTTP");
    for (;;) {
        const char *lf = input.n > h->searched
                             ? memchr(input.p + h->searched, '\n', input.n - h->searched)
                             : NULL;
        size_t end = lf ? (size_t)(lf - input.p) + 1 : input.n;
        enum err e = check_limits(h, end, lf != NULL);
        h->searched = end;
        if (e) return e;
        if (!lf) return ERR_MORE;
        struct bytes line = bytes_of(input.p + h->line_at, end - h->line_at - 1);
        if (!line.n || line.p[line.n - 1] != '\r')
            return refuse(h, 400, "a line ends with a bare LF");
        line.n--;
        h->line_at = end;
        if (!line.n && h->block_at) return finish(h);
        e = take_line(h, line);
        if (e) return e;
    }
}

struct bytes http1_head_find(const struct http1_head *h, const char *name)
{
    struct bytes wanted = bytes_str(name);
    for (size_t i = 0; i < h->header_count; i++)
        if (h->headers[i].name.n == wanted.n && bytes_equal_nocase(h->headers[i].name, wanted))
            return h->headers[i].value;
    return bytes_of(NULL, 0);
}

bool http1_head_has_token(const struct http1_head *h, const char *name, const char *token)
{
    struct bytes wanted = bytes_str(name);
    for (size_t i = 0; i < h->header_count; i++)
        if (bytes_equal_nocase(h->headers[i].name, wanted) &&
            list_has(h->headers[i].value, bytes_str(token)))
            return true;
    return false;
}
