/* RFC 4648, both alphabets (see base64.h). */
#include "codec/base64.h"

#include <stdbool.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t encode(struct bytes in, const char *alphabet, bool padded, char *out)
{
    const unsigned char *p = (const unsigned char *)in.p;
    size_t n = 0, i = 0;
    for (; in.n - i >= 3; i += 3) {
        uint32_t w = (uint32_t)p[i] << 16 | (uint32_t)p[i + 1] << 8 | p[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) out[n++] = alphabet[w >> shift & 63];
    }
    size_t rest = in.n - i; /* 0, 1 or 2 bytes become 0, 2 or 3 characters */
    if (!rest) return n;
    uint32_t w = (uint32_t)p[i] << 16 | (rest == 2 ? (uint32_t)p[i + 1] << 8 : 0);
    out[n++] = alphabet[w >> 18 & 63];
    out[n++] = alphabet[w >> 12 & 63];
    if (rest == 2) out[n++] = alphabet[w >> 6 & 63];
    while (padded && n % 4) out[n++] = '=';
    return n;
}

/* 0-63, or 64 for a byte outside the alphabet whose last two letters are given. */
static uint32_t value_of(char c, char c62, char c63)
{
    if (c >= 'A' && c <= 'Z') return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z') return (uint32_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9') return (uint32_t)(c - '0' + 52);
    return c == c62 ? 62 : c == c63 ? 63 : 64;
}

/* `in` without padding. */
static enum err decode(struct bytes in, const char *alphabet, void *out, size_t cap, size_t *ret_n)
{
    unsigned char *to = out;
    size_t n = in.n / 4 * 3 + (in.n % 4 ? in.n % 4 - 1 : 0), at = 0;
    if (in.n % 4 == 1) return ERR_INVALID;
    if (n > cap) return ERR_TOOLARGE;
    uint32_t w = 0, bad = 0, bits = 0;
    for (size_t i = 0; i < in.n; i++) {
        uint32_t v = value_of(in.p[i], alphabet[62], alphabet[63]);
        bad |= v & 64;
        w = w << 6 | (v & 63);
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        to[at++] = (unsigned char)(w >> bits);
    }
    if (bad || (w & ((1u << bits) - 1))) return ERR_INVALID;
    *ret_n = n;
    return ERR_OK;
}

size_t base64_encode(struct bytes in, char *out)
{
    return encode(in, standard, true, out);
}

size_t base64_url_encode(struct bytes in, char *out)
{
    return encode(in, url_safe, false, out);
}

enum err base64_decode(struct bytes in, void *out, size_t cap, size_t *ret_n)
{
    if (in.n % 4) return ERR_INVALID;
    for (int i = 0; i < 2 && in.n && in.p[in.n - 1] == '='; i++) in.n--;
    return decode(in, standard, out, cap, ret_n);
}

enum err base64_url_decode(struct bytes in, void *out, size_t cap, size_t *ret_n)
{
    return decode(in, url_safe, out, cap, ret_n);
}
