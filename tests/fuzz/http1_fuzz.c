/* A stream of requests read whole and read in pieces must be framed alike (H1). The first byte is
 * the size of the pieces, the rest the stream. */
#include "base/mem.h"
#include "codec/http1.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct outcome {
    int status; /* 0: a complete head, 1: more wanted, else the refusal */
    size_t head, headers, body_bytes, body_end;
    uint64_t digest; /* of targets, headers and body, in order */
};

static void mix(struct outcome *o, struct bytes s)
{
    for (size_t i = 0; i < s.n; i++)
        o->digest = (o->digest ^ (uint8_t)s.p[i]) * UINT64_C(0x100000001b3);
    o->digest += s.n;
}

static int status_of(enum err e, int refused)
{
    if (e == ERR_INVALID && !refused) abort();
    return e == ERR_OK ? 0 : e == ERR_MORE ? 1 : refused;
}

static void read_head(struct bytes s, size_t piece, struct outcome *o)
{
    static struct http1_head h;
    http1_head_init(&h);
    o->status = 1;
    for (size_t n = 0; o->status == 1 && n < s.n;) {
        n = s.n - n > piece ? n + piece : s.n;
        char *copy = mem_copy(s.p, n); /* every call sees the bytes somewhere else */
        if (!copy) abort();
        enum err e = http1_head_parse(&h, bytes_of(copy, n));
        o->status = status_of(e, h.status);
        if (o->status == 0) {
            mix(o, h.target);
            mix(o, h.path);
            mix(o, h.query);
            for (size_t i = 0; i < h.header_count; i++) mix(o, h.headers[i].name);
            for (size_t i = 0; i < h.header_count; i++) mix(o, h.headers[i].value);
        }
        mem_free(copy);
    }
    o->head = o->status ? 0 : h.bytes;
    o->headers = h.header_count;
    if (o->status > 1) o->headers = 0;
    if (h.chunked && h.has_content_length && o->status == 0) abort();
}

static void read_chunks(struct bytes s, size_t piece, struct outcome *o)
{
    struct http1_chunked c;
    http1_chunked_init(&c);
    enum err e = ERR_MORE;
    size_t at = 0;
    while (e == ERR_MORE && at < s.n) {
        size_t n = s.n - at > piece ? piece : s.n - at, used;
        struct bytes data;
        e = http1_chunked_feed(&c, bytes_of(s.p + at, n), &used, &data);
        if (used > n || (e == ERR_MORE && !used)) abort();
        at += used;
        mix(o, bytes_of(data.p, e == ERR_INVALID ? 0 : data.n));
        o->body_bytes += data.n;
    }
    /* Where in a piece the refusal was found does not matter, that it was does. */
    o->status += 1000 * status_of(e, c.status);
    o->body_end = e == ERR_OK ? at : 0;
}

/* Two separate runs differ in what they mixed of an unfinished body only by where pieces end. */
static bool same(const struct outcome *a, const struct outcome *b)
{
    return a->status == b->status && a->head == b->head && a->headers == b->headers &&
           a->body_end == b->body_end && a->body_bytes == b->body_bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (!n) return 0;
    size_t piece = 1 + p[0] % 64;
    struct bytes s = bytes_of(p + 1, n - 1);
    struct outcome whole = {0}, pieces = {0};
    read_head(s, SIZE_MAX, &whole);
    read_head(s, piece, &pieces);
    if (!same(&whole, &pieces) || whole.digest != pieces.digest) abort();
    struct outcome body = {0}, body_pieces = {0};
    read_chunks(s, SIZE_MAX, &body);
    read_chunks(s, piece, &body_pieces);
    if (!same(&body, &body_pieces)) abort();
    return 0;
}
