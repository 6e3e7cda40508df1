/* Reads streams of requests and prints how the codec frames each: the other side of
 * http1_differential.test.mjs. It does with the bytes what a connection does: head, body, next
 * head, until a refusal, the end of the bytes, or a request that closes.
 *
 * In:  32-bit little-endian length, stream; again.    Out, a line per stream:
 *      {"requests":[[method, target, headers, body] in hexadecimal, …],"end":"more"|"close"|"400
 *     why"} */
#include "base/buf.h"
#include "codec/http1.h"

#include <stdio.h>
#include <stdlib.h>

enum { STREAM_MAX = 1 << 20 };

static void add_hex(struct buf *b, struct bytes s)
{
    for (size_t i = 0; i < s.n; i++) buf_printf(b, "%02x", (unsigned)(uint8_t)s.p[i]);
}

static void add_request(struct buf *out, const struct http1_head *h, struct bytes body, bool first)
{
    buf_printf(out, "%s[\"%s\",\"", first ? "" : ",", http1_method_name(h->method));
    add_hex(out, h->target);
    buf_add_str(out, "\",\"");
    for (size_t i = 0; i < h->header_count; i++) {
        add_hex(out, h->headers[i].name);
        buf_add_str(out, "3a"); /* ':' */
        add_hex(out, h->headers[i].value);
        buf_add_str(out, "0a");
    }
    buf_add_str(out, "\",\"");
    add_hex(out, body);
    buf_add_str(out, "\"]");
}

/* Takes a body off *in. ERR_MORE: it is not all there. */
static enum err take_body(const struct http1_head *h, struct bytes *in, struct buf *body,
                          const char **ret_why)
{
    if (!h->chunked) {
        if (in->n < h->content_length) return ERR_MORE;
        buf_add(body, in->p, (size_t)h->content_length);
        *in = bytes_of(in->p + h->content_length, in->n - (size_t)h->content_length);
        return ERR_OK;
    }
    struct http1_chunked c;
    http1_chunked_init(&c);
    enum err e = ERR_MORE;
    while (e == ERR_MORE && in->n) {
        size_t used;
        struct bytes data;
        e = http1_chunked_feed(&c, *in, &used, &data);
        buf_add_bytes(body, data);
        *in = bytes_of(in->p + used, in->n - used);
    }
    *ret_why = c.why;
    return e;
}

/* Can these first bytes of a head ever become one? A lone CR in a line that has not ended yet is
 * only seen with its end; older versions of Node's parser already take it for a line break. */
static const char *doomed(struct bytes in)
{
    static struct http1_head h;
    struct buf ended;
    if (in.p[in.n - 1] == '\r') in.n--; /* its LF may be the next byte */
    buf_init(&ended, STREAM_MAX + 4);
    buf_add_bytes(&ended, in);
    buf_add_str(&ended, "\r\n\r\n");
    http1_head_init(&h);
    enum err e = http1_head_parse(&h, buf_bytes(&ended));
    buf_done(&ended);
    return e == ERR_INVALID ? h.why : NULL;
}

static void frame(struct bytes in, struct buf *out)
{
    static struct http1_head h;
    struct buf body;
    buf_init(&body, STREAM_MAX);
    buf_add_str(out, "{\"requests\":[");
    bool keep = true;
    const char *why = NULL;
    int status = 400;
    for (bool first = true; keep && !why; first = false) {
        http1_head_init(&h);
        buf_clear(&body);
        enum err e = in.n ? http1_head_parse(&h, in) : ERR_MORE;
        why = h.why;
        if (e == ERR_INVALID) status = h.status;
        if (e == ERR_MORE && in.n && memchr(in.p, '\r', in.n)) why = doomed(in);
        if (e) break;
        in = bytes_of(in.p + h.bytes, in.n - h.bytes);
        if (take_body(&h, &in, &body, &why)) break;
        add_request(out, &h, buf_bytes(&body), first);
        keep = h.keep_alive;
    }
    if (why)
        buf_printf(out, "],\"end\":\"%d %s\"}\n", status, why);
    else
        buf_printf(out, "],\"end\":\"%s\"}\n", keep ? "more" : "close");
    buf_done(&body);
}

int main(void)
{
    static char stream[STREAM_MAX];
    uint8_t length[4];
    struct buf out;
    buf_init(&out, 64 << 20);
    while (fread(length, 1, 4, stdin) == 4) {
        size_t n = (size_t)length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 |
                   (size_t)length[3] << 24;
        if (n > sizeof stream || fread(stream, 1, n, stdin) != n) return 1;
        buf_clear(&out);
        frame(bytes_of(stream, n), &out);
        if (out.err || fwrite(out.p, 1, out.n, stdout) != out.n) return 1;
    }
    buf_done(&out);
    return 0;
}
