/* Borrowed runs of bytes (see bytes.h). */
#include "base/bytes.h"

static unsigned char fold(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++)
        if (a.p[i] != b.p[i] && fold(a.p[i]) != fold(b.p[i])) return false;
    return true;
}

bool bytes_starts(struct bytes a, struct bytes prefix)
{
    return a.n >= prefix.n && (prefix.n == 0 || memcmp(a.p, prefix.p, prefix.n) == 0);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct bytes bytes_trim(struct bytes a)
{
    while (a.n && is_blank(a.p[0])) a.p++, a.n--;
    while (a.n && is_blank(a.p[a.n - 1])) a.n--;
    return a;
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    if (order) return order;
    return (a.n > b.n) - (a.n < b.n);
}

struct bytes bytes_cut(struct bytes a, char c, struct bytes *ret_head)
{
    const char *at = a.n ? memchr(a.p, c, a.n) : NULL;
    if (!at) {
        *ret_head = a;
        return (struct bytes){NULL, 0};
    }
    size_t head = (size_t)(at - a.p);
    *ret_head = bytes_of(a.p, head);
    return bytes_of(at + 1, a.n - head - 1);
}

bool bytes_to_u64(struct bytes a, uint64_t *ret)
{
    if (!a.n) return false;
    uint64_t v = 0;
    for (size_t i = 0; i < a.n; i++) {
        unsigned d = (unsigned)(unsigned char)a.p[i] - '0';
        if (d > 9 || __builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, d, &v))
            return false;
    }
    *ret = v;
    return true;
}

bool bytes_to_i64(struct bytes a, int64_t *ret)
{
    bool negative = a.n && a.p[0] == '-';
    if (negative) a.p++, a.n--;
    uint64_t v;
    if (!bytes_to_u64(a, &v) || v > (uint64_t)INT64_MAX + (negative ? 1 : 0)) return false;
    *ret = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

/* Length of the well-formed sequence at p, 0 when there is none. RFC 3629, table in section 4. */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
    unsigned char c = p[0];
    if (c < 0x80) return 1;
    size_t len = c >= 0xc2 && c <= 0xdf   ? 2
                 : (c & 0xf0) == 0xe0     ? 3
                 : c >= 0xf0 && c <= 0xf4 ? 4
                                          : 0;
    if (!len || n < len) return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (c == 0xe0 && p[1] < 0xa0) return 0; /* overlong */
    if (c == 0xed && p[1] > 0x9f) return 0; /* surrogates */
    if (c == 0xf0 && p[1] < 0x90) return 0; /* overlong */
    if (c == 0xf4 && p[1] > 0x8f) return 0; /* above U+10FFFF */
    return len;
}

bool bytes_is_utf8(struct bytes a)
{
    const unsigned char *p = (const unsigned char *)a.p;
    size_t i = 0;
    while (i < a.n) {
        uint64_t word;
        if (a.n - i >= 8 && (memcpy(&word, p + i, 8), !(word & 0x8080808080808080u))) {
            i += 8;
            continue;
        }
        size_t len = utf8_sequence(p + i, a.n - i);
        if (!len) return false;
        i += len;
    }
    return true;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t bytes_hash(struct bytes a, uint64_t seed)
{
    const uint64_t k1 = 0x9e3779b97f4a7c15u, k2 = 0xd6e8feb86659fd93u;
    uint64_t h = seed ^ (a.n * k1), word;
    const char *p = a.p;
    size_t n = a.n;
    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&word, p, 8);
        h = mix(h ^ word, k1);
    }
    word = 0;
    if (n) memcpy(&word, p, n);
    return mix(h ^ word ^ k2, k2 ^ seed);
}
