#pragma once
/* security/jwt_claims.h -- the claims of a token as JSON; for jwt.c only.
 * Threads: any (values).   Memory: the caller's. */
#include "base/buf.h"
#include "security/jwt.h"

#define JWT_ISSUER "sensorvision"

/* Appends the object; look at b->err. */
void jwt_claims_write(struct buf *b, const struct jwt_claims *c);
/* ERR_UNAUTHENTICATED: a claim is missing, doubled, of a wrong type or value; unknown ones are
 * passed over (a newer version may sign more). */
enum err jwt_claims_read(struct bytes json, struct jwt_claims *ret, struct why *why) MUST_CHECK;
