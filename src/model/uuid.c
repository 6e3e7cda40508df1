/* 128-bit identifiers (see uuid.h). */
#include "model/uuid.h"

struct uuid uuid_random(struct rnd *rnd)
{
    struct uuid u;
    rnd_fill(rnd, u.b, sizeof u.b);
    u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x40);
    u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80);
    return u;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool is_dash(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

bool uuid_parse(struct bytes text, struct uuid *ret)
{
    if (text.n != UUID_TEXT) return false;
    struct uuid u;
    size_t at = 0;
    for (size_t i = 0; i < UUID_TEXT;) {
        if (is_dash(i)) {
            if (text.p[i++] != '-') return false;
            continue;
        }
        int high = hex_digit(text.p[i]), low = hex_digit(text.p[i + 1]);
        if (high < 0 || low < 0) return false;
        u.b[at++] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    *ret = u;
    return true;
}

void uuid_format(const struct uuid *u, char text[UUID_TEXT + 1])
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < UUID_TEXT;) {
        if (is_dash(i)) {
            text[i++] = '-';
            continue;
        }
        text[i++] = digits[u->b[at] >> 4];
        text[i++] = digits[u->b[at++] & 15];
    }
    text[UUID_TEXT] = 0;
}
