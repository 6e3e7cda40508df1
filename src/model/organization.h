#pragma once
/* model/organization.h -- a tenant: everything else belongs to exactly one.
 * Threads: a value.   Memory: strings are borrowed from the arena they were read into. */
#include "base/bytes.h"

enum { ORGANIZATION_NAME_MAX = 100 };

struct organization {
    int64_t id;
    struct bytes name; /* unique among the living, ASCII case ignored */
    int64_t created_ns;
    int64_t deleted_ns; /* 0 = alive */
};
