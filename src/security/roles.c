/* The one table of role names. */
#include "security/roles.h"

static const char *const names[ROLES_COUNT] = {
    "ROLE_ADMIN", "ROLE_PILOT_ADMIN", "ROLE_ORG_ADMIN",
    "ROLE_USER",  "ROLE_VIEWER",      "ROLE_DEVELOPER",
};

_Static_assert(ROLE_DEVELOPER == 1 << (ROLES_COUNT - 1), "a name for each role");

const char *roles_name(unsigned role)
{
    for (unsigned i = 0; i < ROLES_COUNT; i++) {
        if (role == 1u << i) return names[i];
    }
    return NULL;
}

unsigned roles_parse(struct bytes name)
{
    for (unsigned i = 0; i < ROLES_COUNT; i++) {
        if (bytes_is(name, names[i])) return 1u << i;
    }
    return 0;
}
