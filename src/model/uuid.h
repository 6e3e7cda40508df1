#pragma once
/* model/uuid.h -- 128-bit identifiers (RFC 9562) of devices, rules, alerts and device tokens.
 * Threads: any. */
#include "base/bytes.h"
#include "base/rnd.h"

struct uuid {
    uint8_t b[16];
};
enum { UUID_TEXT = 36 };

struct uuid uuid_random(struct rnd *rnd); /* version 4 */
/* Canonical text, either case; false on anything else. */
bool uuid_parse(struct bytes text, struct uuid *ret);
/* Lower case, NUL-terminated. */
void uuid_format(const struct uuid *u, char text[UUID_TEXT + 1]);
static inline bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->b, b->b, 16) == 0;
}
