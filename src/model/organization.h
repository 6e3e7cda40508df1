#pragma once
/* model/organization.h -- a tenant: everything else belongs to exactly one.
 * Threads: a value.   Memory: strings are borrowed from the arena they were read into. */
#include "base/bytes.h"

enum {
    ORGANIZATION_NAME_MAX = 100,
    ORGANIZATION_DESCRIPTION_MAX = 2000,
    ORGANIZATION_SETTINGS_MAX = 16 * 1024 /* bytes of JSON */
};

struct organization {
    int64_t id;
    struct bytes name;        /* unique among the living, ASCII case ignored */
    struct bytes description; /* p == NULL: none */
    struct bytes settings;    /* a JSON object as text, for the people's pages; p == NULL: none */
    int64_t created_ns, updated_ns;
    int64_t deleted_ns; /* 0 = alive */
};
