/* What another server answers is read alike whole and in pieces, and says one thing only: how long
 * its body is, or that it ends with the connection. The first byte is the size of the pieces. */
#include "base/mem.h"
#include "codec/http1.h"
#include "codec/http1_response.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static enum err read_head(struct bytes s, size_t piece, struct http1_response *r)
{
    enum err e = ERR_MORE;
    for (size_t n = 0; e == ERR_MORE && n < s.n;) {
        n = s.n - n > piece ? n + piece : s.n;
        char *copy = mem_copy(s.p, n); /* every call sees the bytes somewhere else */
        if (!copy) abort();
        e = http1_response_parse(r, bytes_of(copy, n));
        mem_free(copy);
    }
    return e;
}

static void check_head(const struct http1_response *r, struct bytes s)
{
    if (r->status < 100 || r->status > 599) abort();
    if (r->bytes < 4 || r->bytes > s.n || r->bytes > HTTP1_RESPONSE_HEAD_MAX) abort();
    if (memcmp(s.p + r->bytes - 4, "\r\n\r\n", 4) != 0) abort();
    if (r->chunked && r->has_length) abort(); /* framed in two ways */
    if (!r->chunked && !r->has_length && r->keep_alive) abort();
    if (!r->has_length && r->content_length) abort();
    if (r->retry_after_s < 0 || r->retry_after_s > INT32_MAX) abort();
    if ((r->status < 200 || r->status == 204 || r->status == 304) &&
        (r->chunked || !r->has_length || r->content_length))
        abort();
}

/* As app/http_client reads it: the bytes behind the head are the body's. Returns how it ended. */
static enum err read_chunks(struct bytes s, size_t piece, size_t *ret_body, size_t *ret_end)
{
    struct http1_chunked c;
    enum err e = ERR_MORE;
    size_t at = 0, body = 0;
    http1_chunked_init(&c);
    while (e == ERR_MORE && at < s.n) {
        size_t used, n = s.n - at > piece ? piece : s.n - at;
        struct bytes data;
        e = http1_chunked_feed(&c, bytes_of(s.p + at, n), &used, &data);
        if (used > n || (e == ERR_MORE && !used)) abort();
        at += used;
        body += data.n;
    }
    *ret_body = body;
    *ret_end = e == ERR_OK ? at : 0;
    return e;
}

static void check_chunks(struct bytes s, size_t piece)
{
    size_t body, end, pieces_body, pieces_end;
    enum err e = read_chunks(s, SIZE_MAX, &body, &end);
    if (e != read_chunks(s, piece, &pieces_body, &pieces_end)) abort();
    if (end != pieces_end || (e == ERR_OK && body != pieces_body)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const struct http1_response untouched = {.status = -1};
    if (!n) return 0;
    const size_t piece = 1 + p[0] % 64;
    const struct bytes s = bytes_of(p + 1, n - 1);
    struct http1_response whole = untouched, pieces = untouched;
    const enum err e = read_head(s, SIZE_MAX, &whole);
    if (e != read_head(s, piece, &pieces)) abort();
    if (e && (whole.status != -1 || pieces.status != -1)) abort();
    if (e) return 0;
    check_head(&whole, s);
    if (whole.status != pieces.status || whole.bytes != pieces.bytes ||
        whole.keep_alive != pieces.keep_alive || whole.chunked != pieces.chunked ||
        whole.has_length != pieces.has_length || whole.content_length != pieces.content_length ||
        whole.retry_after_s != pieces.retry_after_s)
        abort();
    if (whole.chunked) check_chunks(bytes_of(s.p + whole.bytes, s.n - whole.bytes), piece);
    return 0;
}
