/* Which addresses are public (see address_public.h). IPv4 is judged as IPv4 however it is written:
 * struct address keeps it as ::ffff:a.b.c.d. */
#include "codec/address_public.h"

struct range {
    uint8_t first[16];
    unsigned bits;
};
#define V4(a, b, c, d, prefix)                                                                     \
    {                                                                                              \
        {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}, 96 + (prefix)                      \
    }
#define V6(a, b, c, d, prefix)                                                                     \
    {                                                                                              \
        {(a) >> 8, (a)&0xff, (b) >> 8, (b)&0xff, (c) >> 8, (c)&0xff, (d) >> 8, (d)&0xff}, prefix   \
    }

static const struct range refused[] = {
    V4(0, 0, 0, 0, 8),        /* this host */
    V4(10, 0, 0, 0, 8),       /* private */
    V4(100, 64, 0, 0, 10),    /* shared; 100.100.100.200 is a metadata service */
    V4(127, 0, 0, 0, 8),      /* loopback */
    V4(168, 63, 129, 16, 32), /* a metadata service with a public number */
    V4(169, 254, 0, 0, 16),   /* link-local, and most metadata services */
    V4(172, 16, 0, 0, 12),    /* private */
    V4(192, 0, 0, 0, 24),     /* protocol assignments; 192.0.0.192 is a metadata service */
    V4(192, 0, 2, 0, 24),     /* documentation */
    V4(192, 88, 99, 0, 24),   /* relays of 6to4 */
    V4(192, 168, 0, 0, 16),   /* private */
    V4(198, 18, 0, 0, 15),    /* benchmarks */
    V4(198, 51, 100, 0, 24),  /* documentation */
    V4(203, 0, 113, 0, 24),   /* documentation */
    V4(224, 0, 0, 0, 3),      /* multicast, reserved, broadcast */
    V6(0x2001, 0, 0, 0, 23),  /* protocol assignments; Teredo carries IPv4 inside */
    V6(0x2001, 0xdb8, 0, 0, 32) /* documentation */,
    V6(0x2002, 0, 0, 0, 16), /* 6to4 carries IPv4 inside */
    V6(0x3fff, 0, 0, 0, 20), /* documentation */
};
/* Global unicast is all that IANA has given out of IPv6; the rest is refused as a whole. */
static const struct range taken[] = {V4(0, 0, 0, 0, 0), V6(0x2000, 0, 0, 0, 3)};

static bool is_in(const struct range *ranges, size_t n, const struct address *a)
{
    for (size_t i = 0; i < n; i++) {
        struct network net = {.bits = ranges[i].bits};
        memcpy(net.first.ip, ranges[i].first, sizeof net.first.ip);
        if (address_net_contains(&net, a)) return true;
    }
    return false;
}

bool address_public_is(const struct address *a)
{
    return is_in(taken, sizeof taken / sizeof *taken, a) &&
           !is_in(refused, sizeof refused / sizeof *refused, a);
}
