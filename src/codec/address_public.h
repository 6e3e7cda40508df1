#pragma once
/* codec/address_public.h -- is an address one of the public internet? What a user may have us call
 * is checked with this at the moment of connecting, so that no name can point inside.
 * Source: the special-purpose address registries of IANA (RFC 6890 and its updates), and the
 * metadata services of cloud providers that live outside of them.
 * Threads: any (pure). */
#include "codec/address.h"

/* False for loopback, private, link-local (so every 169.254.169.254), shared, multicast, reserved
 * and documentation ranges, and for ranges of IPv6 that carry an IPv4 address inside. */
bool address_public_is(const struct address *a);
