#pragma once
/* model/invitation.h -- the offer of a place in an organisation, sent to an e-mail address. Only
 * the hash of its token is kept.
 * Threads: a value.   Memory: strings are borrowed from the arena they were read into. */
#include "base/bytes.h"

enum { INVITATION_HASH = 32 };

enum invitation_status {
    INVITATION_PENDING,
    INVITATION_ACCEPTED,
    INVITATION_REVOKED,
    INVITATION_EXPIRED,
    INVITATION_STATUSES
};

struct invitation {
    int64_t id, org;
    struct bytes email;
    unsigned roles; /* bits of enum role */
    uint8_t hash[INVITATION_HASH];
    int64_t invited_by;   /* user; 0 = the command line */
    struct bytes inviter; /* in words, as events say it */
    int64_t sends;        /* how often a token was made for it */
    int64_t created_ns, expires_ns;
    int64_t accepted_ns, revoked_ns; /* 0 = not */
};

static inline enum invitation_status invitation_status_of(const struct invitation *i,
                                                          int64_t now_ns)
{
    if (i->accepted_ns) return INVITATION_ACCEPTED;
    if (i->revoked_ns) return INVITATION_REVOKED;
    return i->expires_ns <= now_ns ? INVITATION_EXPIRED : INVITATION_PENDING;
}

/* "PENDING", …; never NULL. */
static inline const char *invitation_status_name(enum invitation_status s)
{
    static const char *const names[] = {"PENDING", "ACCEPTED", "REVOKED", "EXPIRED"};
    return (unsigned)s < INVITATION_STATUSES ? names[s] : "EXPIRED";
}
