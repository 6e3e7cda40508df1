/* Queries and paths: decoding never grows, never lets a NUL or broken UTF-8 through, and walking
 * ends. */
#include "base/mem.h"
#include "codec/address.h"
#include "codec/encoding.h"
#include "codec/url.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check_decoded(struct arena *a, struct bytes raw, bool plus)
{
    struct bytes out;
    if (url_decode(a, raw, plus, &out)) return;
    if (out.n > raw.n || !bytes_is_utf8(out)) abort();
    if (out.n && memchr(out.p, 0, out.n) && !memchr(raw.p, 0, raw.n)) abort();
}

static void walk(struct arena *a, struct bytes s)
{
    struct bytes rest = s, name, value;
    size_t seen = 0;
    while (url_query_next(&rest, &name, &value)) {
        check_decoded(a, name, true);
        check_decoded(a, value, true);
        seen += name.n + value.n;
    }
    if (seen > s.n) abort();
    rest = s;
    for (seen = 0; url_path_next(&rest, &name); seen += name.n + 1) check_decoded(a, name, false);
    if (seen > s.n) abort();
}

static void check_network(struct bytes s)
{
    struct network net;
    char text[ADDRESS_TEXT_MAX];
    if (address_net_parse(s, &net)) return;
    if (!address_net_contains(&net, &net.first)) abort();
    struct address again;
    address_format(&net.first, text);
    if (address_parse(bytes_str(text), &again) || !address_equal(&again, &net.first)) abort();
}

static void check_inflate(struct bytes s)
{
    for (int e = ENCODING_GZIP; e <= ENCODING_ZSTD; e++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        if (!encoding_inflate((enum encoding)e, s, &out) &&
            out.n > (size_t)ENCODING_RATIO_MAX * s.n + (64 << 10))
            abort();
        buf_done(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct arena a;
    struct bytes s = bytes_of(p, n), out;
    enum encoding e;
    arena_init(&a, 1 << 22);
    check_decoded(&a, s, false);
    walk(&a, s);
    if (url_query_find(&a, s, "limit", &out) == ERR_OK && out.n > n) abort();
    check_network(s);
    check_inflate(s);
    (void)encoding_choose(s);
    (void)!encoding_parse(s, &e);
    arena_done(&a);
    return 0;
}
