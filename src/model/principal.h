#pragma once
/* model/principal.h -- who is asking, and what that kind of caller may do.
 * Threads: a value.   Memory: strings are borrowed from the request or the registry. */
#include "base/bytes.h"
#include "model/uuid.h"

enum role {
    ROLE_ADMIN = 1 << 0,       /* the installation */
    ROLE_PILOT_ADMIN = 1 << 1, /* pilot and performance routes, no telemetry contents */
    ROLE_ORG_ADMIN = 1 << 2,   /* its organisation */
    ROLE_USER = 1 << 3,
    ROLE_VIEWER = 1 << 4, /* reads */
    ROLE_DEVELOPER = 1 << 5,
};

enum principal_kind { PRINCIPAL_NONE, PRINCIPAL_USER, PRINCIPAL_DEVICE };

struct reg_device;
struct actor;

struct principal {
    enum principal_kind kind;
    int64_t org;               /* the organisation every look-up starts with */
    int64_t user;              /* PRINCIPAL_USER */
    unsigned roles;            /* PRINCIPAL_USER: bits of enum role */
    struct reg_device *device; /* PRINCIPAL_DEVICE: whose token it is; borrowed for ever */
    bool by_cookie;            /* accepted for GET and HEAD only */
    bool by_key;               /* an API key or a device token, not a JWT */
    uint32_t token_epoch;      /* PRINCIPAL_DEVICE: of its device when the token was shown */
    uint8_t key[32];           /* PRINCIPAL_USER by_key: the key's hash */
    const struct actor *as;    /* how events name the caller; NULL: by what is here */
    char session[44];          /* JWT: the login it belongs to (refresh family), else "" */
};

static inline bool principal_is_admin(const struct principal *p)
{
    return p->kind == PRINCIPAL_USER && (p->roles & ROLE_ADMIN);
}
/* Runs the pilot of the whole installation. */
static inline bool principal_is_pilot_admin(const struct principal *p)
{
    return p->kind == PRINCIPAL_USER && (p->roles & (ROLE_ADMIN | ROLE_PILOT_ADMIN));
}
/* May change things of its organisation (devices, variables). */
static inline bool principal_may_write(const struct principal *p)
{
    return p->kind == PRINCIPAL_USER &&
           (p->roles & (ROLE_ADMIN | ROLE_ORG_ADMIN | ROLE_USER | ROLE_DEVELOPER));
}
static inline bool principal_may_read(const struct principal *p)
{
    return p->kind == PRINCIPAL_USER &&
           (p->roles & (ROLE_ADMIN | ROLE_ORG_ADMIN | ROLE_USER | ROLE_DEVELOPER | ROLE_VIEWER));
}
static inline bool principal_is_org_admin(const struct principal *p)
{
    return p->kind == PRINCIPAL_USER && (p->roles & (ROLE_ADMIN | ROLE_ORG_ADMIN));
}
