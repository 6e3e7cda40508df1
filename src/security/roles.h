#pragma once
/* security/roles.h -- the names of enum role, in its order, as tokens and answers carry them.
 * Threads: immutable. */
#include "base/bytes.h"
#include "model/principal.h"

enum { ROLES_COUNT = 6 };

/* "ROLE_ADMIN" for 1 << 0, …; NULL for anything that is not one role. */
const char *roles_name(unsigned role);
/* 0 for an unknown name. */
unsigned roles_parse(struct bytes name);
