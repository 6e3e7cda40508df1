#pragma once
/* api/users_json.h -- a person in answers; no member ever holds a hash.
 * Threads: the buffer's.   Memory: nothing is kept. */
#include "base/buf.h"
#include "model/organization.h"
#include "model/user.h"

/* The object of /auth/me; with `for_admin` also createdAt and lastLoginAt. */
void users_json_write(struct buf *b, const struct user *u, const struct organization *o,
                      bool for_admin);
