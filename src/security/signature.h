#pragma once
/* security/signature.h -- what we sign requests with that we send: HMAC-SHA256 (RFC 2104) over the
 * time and the body, so that a receiver knows who sent it, that it is whole, and that it is not an
 * old one sent again. Format and a verifying example: docs/notifications.md.
 * Threads: any.   Memory: the caller's. */
#include "base/bytes.h"
#include "base/rnd.h"

enum { SIGNATURE_HEX = 64, SIGNATURE_SECRET_TEXT = 49 };

/* Lower-case hex of HMAC-SHA256(secret, "<seconds>.<body>"). */
void signature_make(struct bytes secret, int64_t unix_s, struct bytes body,
                    char ret[SIGNATURE_HEX + 1]);
/* "whsec_" and 43 letters of base64url: 256 random bits. */
void signature_make_secret(struct rnd *rnd, char ret[SIGNATURE_SECRET_TEXT + 1]);
