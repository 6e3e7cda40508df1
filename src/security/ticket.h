#pragma once
/* security/ticket.h -- proof that a password was checked a while ago, so that Argon2 runs once for
 * a visitor and not once for every request. A ticket is its end and a keyed BLAKE2b over it and its
 * subject, as base64url; the key is made of the secrets that the password protects, so a changed
 * password or a revoked link ends every ticket and nothing is stored.
 * Threads: any.   Memory: the caller's. */
#include "base/bytes.h"

enum { TICKET_TEXT = 43 };

/* secret: at least 32 bytes that nobody outside knows. */
void ticket_make(struct bytes secret, int64_t subject, int64_t end_s, char ret[TICKET_TEXT + 1]);
/* In constant time for tickets of the right shape. */
bool ticket_check(struct bytes ticket, struct bytes secret, int64_t subject, int64_t now_s);
