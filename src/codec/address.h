#pragma once
/* codec/address.h -- IPv4 and IPv6 addresses and networks (CIDR) as values. IPv4 is kept as the
 * IPv6 address ::ffff:a.b.c.d, so one comparison serves both.   Threads: any.   Memory: plain
 * values. */
#include "base/bytes.h"
#include "base/err.h"

enum { ADDRESS_TEXT_MAX = 48 }; /* the longest text with its NUL */

struct address {
    uint8_t ip[16];
};

struct network {
    struct address first;
    unsigned bits; /* 0 to 128, counted in the IPv6 form */
};

/* "10.0.0.1", "::1", "[::1]"; no port, no zone. */
enum err address_parse(struct bytes text, struct address *ret) MUST_CHECK;
/* The shortest text; IPv4 in dots. */
void address_format(const struct address *a, char ret[ADDRESS_TEXT_MAX]);
static inline bool address_equal(const struct address *a, const struct address *b)
{
    return memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}
/* "10.0.0.0/8", "fd00::/8"; an address alone is a network of one. Bits behind the prefix must be 0.
 */
enum err address_net_parse(struct bytes text, struct network *ret) MUST_CHECK;
bool address_net_contains(const struct network *n, const struct address *a);
