#pragma once
/* security/bcrypt.h -- checking passwords that the earlier platform hashed (bcrypt: Provos and
 * Mazières 1999; "$2a$", "$2b$", "$2y$"). Only checking: who logs in gets an Argon2id text in its
 * place (service/auth_login.c). libxcrypt does the work.
 * Threads: any; it takes as long as the cost says (10: about 50 ms).   Memory: 32 KiB for the
 * call. */
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>

enum { BCRYPT_TEXT = 60, BCRYPT_COST_MAX = 15 };

/* The shape of such a text, of a cost that may be waited for (BCRYPT_COST_MAX: 2 s). */
bool bcrypt_is(struct bytes stored);
/* bcrypt looks at the first 72 bytes. ERR_UNAUTHENTICATED: not this one. ERR_NOMEM. */
enum err bcrypt_verify(struct bytes plain, struct bytes stored) MUST_CHECK;
