#pragma once
/* service/auth_invitations.h -- how somebody joins an organisation that is there already: an
 * administrator offers a place to an e-mail address, whoever has the token takes it.
 *
 *   create ──> pending ──accept──> a user, logged in       the token works once, for 7 days
 *     resend ──^   └──revoke, or 7 days──> worth nothing   (a fresh token; the old one is void)
 *
 * V1  only the hash of a token is kept. It goes out by mail; where no mail is configured it stands
 *     in the one answer that made it, for the administrator to pass on.
 * V2  a token that cannot be taken, for whatever reason (used, old, revoked, the address has an
 *     account by now), is refused in the same words: a stranger learns nothing.
 * Threads: any; every call blocks on the catalog, accept also on Argon2.
 * Memory: copied into the arena.   Errors: refusal tells the rest. */
#include "model/invitation.h"
#include "service/auth_users.h"

enum {
    AUTH_INVITATIONS_OPEN = 100, /* of one organisation */
    AUTH_INVITATION_SENDS = 10   /* of one invitation: a mailbox is not to be flooded */
};
#define AUTH_INVITATION_NS (7 * NS_PER_DAY)

struct auth_invitation_made {
    struct invitation invitation;
    bool sent;          /* by mail */
    struct bytes token; /* p == NULL when it was sent */
    struct bytes url;   /* where to accept; p == NULL when it was sent, or no address is known */
};
/* Into reach->org, which is not 0 here. roles 0: ROLE_USER. ERR_FORBIDDEN: a role above one's own.
 * ERR_EXISTS: somebody of the organisation has the address, or it is invited already. ERR_LIMIT. */
enum err auth_invitations_create(struct auth_service *s, const struct auth_reach *reach,
                                 struct bytes email, unsigned roles, const struct actor *actor,
                                 struct arena *arena, struct auth_invitation_made *ret,
                                 struct refusal *refusal) MUST_CHECK;
/* The same inside a transaction of the caller, who may grant the roles and has had the address
 * checked; after the commit auth_invitations_committed(). */
struct bytes auth_invitations_check(struct bytes email, struct refusal *refusal); /* trimmed */
enum err auth_invitations_create_in(struct auth_service *s, struct sql_tx *tx, int64_t org,
                                    struct bytes email, unsigned roles, const struct actor *actor,
                                    struct arena *arena, struct auth_invitation_made *ret,
                                    struct refusal *refusal) MUST_CHECK;
void auth_invitations_committed(struct auth_service *s);
/* A fresh token and 7 more days. ERR_CONFLICT: it is not open any more. ERR_LIMIT. */
enum err auth_invitations_resend(struct auth_service *s, const struct auth_reach *reach, int64_t id,
                                 const struct actor *actor, struct arena *arena,
                                 struct auth_invitation_made *ret,
                                 struct refusal *refusal) MUST_CHECK;
/* ERR_CONFLICT: it was accepted. One that was revoked stays so. */
enum err auth_invitations_revoke(struct auth_service *s, int64_t org, int64_t id,
                                 const struct actor *actor, struct arena *arena,
                                 struct refusal *refusal) MUST_CHECK;
enum err auth_invitations_list(struct auth_service *s, int64_t org, const struct catalog_page *page,
                               struct arena *arena, struct invitation **ret,
                               struct catalog_listing *ret_listing, struct why *why) MUST_CHECK;

/* What the page that accepts shows. ERR_INVALID (keeps V2). */
enum err auth_invitations_look(struct auth_service *s, struct bytes token,
                               const struct actor *actor, struct arena *arena,
                               struct invitation *ret, struct organization *ret_org,
                               struct refusal *refusal) MUST_CHECK;
/* given: username, password, first and last name. The new user is logged in. ERR_INVALID (keeps
 * V2), ERR_EXISTS: the user name is taken. ERR_LIMIT, ERR_RATE. */
enum err auth_invitations_accept(struct auth_service *s, struct bytes token,
                                 const struct auth_registration *given, const struct actor *actor,
                                 struct arena *arena, struct auth_tokens *ret,
                                 struct refusal *refusal) MUST_CHECK;
