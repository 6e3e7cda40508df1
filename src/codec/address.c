/* Addresses and networks (see address.h); the texts are the C library's business. */
#include "codec/address.h"

#include <arpa/inet.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

enum err address_parse(struct bytes text, struct address *ret)
{
    char copy[ADDRESS_TEXT_MAX];
    if (text.n >= 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
        text = bytes_of(text.p + 1, text.n - 2);
    if (!text.n || text.n >= sizeof copy || memchr(text.p, 0, text.n)) return ERR_INVALID;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    struct address a;
    memcpy(a.ip, mapped_prefix, sizeof mapped_prefix);
    if (inet_pton(AF_INET, copy, a.ip + 12) != 1 && inet_pton(AF_INET6, copy, a.ip) != 1)
        return ERR_INVALID;
    *ret = a;
    return ERR_OK;
}

void address_format(const struct address *a, char ret[ADDRESS_TEXT_MAX])
{
    bool v4 = memcmp(a->ip, mapped_prefix, sizeof mapped_prefix) == 0;
    const char *text = v4 ? inet_ntop(AF_INET, a->ip + 12, ret, ADDRESS_TEXT_MAX)
                          : inet_ntop(AF_INET6, a->ip, ret, ADDRESS_TEXT_MAX);
    bug_if(!text); /* the room is enough for the longest */
}

/* Is every bit of `ip` from `from` on zero? */
static bool zero_behind(const uint8_t ip[16], unsigned from)
{
    for (unsigned bit = from; bit < 128; bit++)
        if (ip[bit / 8] & (0x80u >> bit % 8)) return false;
    return true;
}

enum err address_net_parse(struct bytes text, struct network *ret)
{
    struct bytes base, prefix = bytes_cut(text, '/', &base);
    struct network n = {.bits = 128};
    enum err e = address_parse(base, &n.first);
    if (e) return e;
    if (prefix.p) {
        uint64_t bits;
        bool v4 = base.n && !memchr(base.p, ':', base.n);
        if (!bytes_to_u64(prefix, &bits) || bits > (v4 ? 32 : 128)) return ERR_INVALID;
        n.bits = (unsigned)bits + (v4 ? 96 : 0);
    }
    if (!zero_behind(n.first.ip, n.bits)) return ERR_INVALID;
    *ret = n;
    return ERR_OK;
}

bool address_net_contains(const struct network *n, const struct address *a)
{
    unsigned whole = n->bits / 8, rest = n->bits % 8;
    if (memcmp(n->first.ip, a->ip, whole)) return false;
    if (!rest) return true;
    unsigned mask = 0xff00u >> rest & 0xffu;
    return ((n->first.ip[whole] ^ a->ip[whole]) & mask) == 0;
}
